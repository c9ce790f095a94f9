//! `mesej tenant retention`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::admin::{Api, segment};
use super::super::{AdminArgs, CliError, output};

/// What is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --days it shows how long messages are kept, and how far the last change is. With --days it changes \
                  that: for new messages at once, for those that are there by a job that the server carries out. What has \
                  gone cannot be brought back.\n\nExamples:\n  mesej tenant retention TENANT\n  \
                  mesej tenant retention TENANT --days 30 --preview\n  mesej tenant retention TENANT --days 30"
)]
pub(in crate::cli) struct RetentionArgs {
    /// The tenant's id
    tenant: String,
    /// Days for which messages are to be kept, 1 to 1826
    #[arg(long)]
    days: Option<u32>,
    /// Only tell what would go, and when
    #[arg(long, requires = "days")]
    preview: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

pub(super) async fn run(args: RetentionArgs) -> Result<(), CliError> {
    let RetentionArgs {
        tenant,
        days,
        preview,
        admin,
    } = args;
    let api = Api::admin(&admin)?;
    let path = format!("/v1/admin/tenants/{}/retention", segment(&tenant));
    let answer = match days {
        None => api.get(&path).await?,
        Some(days) if preview => previewed(&api, &format!("{path}/preview"), days).await?,
        Some(days) => api.put(&path, &json!({ "days": days })).await?,
    };
    output::answer(&answer, admin.json, |answer| output::fields(&flat(answer)))?;
    Ok(())
}

/// The change beside how long messages are kept, one line for each.
fn flat(answer: &Value) -> Value {
    let mut all = answer.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(change)) = all.shift_remove("change") {
        all.extend(change);
    }
    all.into()
}

/// Asks part by part and adds the parts up.
async fn previewed(api: &Api, path: &str, days: u32) -> Result<Value, CliError> {
    let mut whole = Map::new();
    let mut body = json!({ "days": days });
    loop {
        let mut part = match api.post(path, &body).await? {
            Value::Object(part) => part,
            _ => Map::new(),
        };
        let next = part.shift_remove("next_cursor").filter(|next| !next.is_null());
        whole = added(whole, part);
        match (next, body.as_object_mut()) {
            (Some(next), Some(body)) => body.insert("cursor".to_owned(), next),
            _ => return Ok(whole.into()),
        };
    }
}

/// Two parts of a preview as one.
fn added(whole: Map<String, Value>, part: Map<String, Value>) -> Map<String, Value> {
    let mut sum = part;
    for (name, before) in whole {
        let now = sum.get(&name).and_then(Value::as_i64);
        let joined = match (name.as_str(), before.as_i64(), now) {
            ("messages" | "gone", Some(before), Some(now)) => before.saturating_add(now).into(),
            ("gone_oldest" | "ends_first", Some(before), Some(now)) => before.min(now).into(),
            ("gone_newest" | "ends_last", Some(before), Some(now)) => before.max(now).into(),
            (_, Some(_), Some(now)) => now.into(),
            _ => before,
        };
        let stays = joined.is_null() && sum.contains_key(&name);
        if !stays {
            sum.insert(name, joined);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_preview_add_up() {
        let part = |messages: u64, gone: u64, oldest: Value, last: Value| {
            let part = json!({
                "to_days": 30, "messages": messages, "gone": gone, "gone_oldest": oldest, "ends_last": last, "note": "n",
            });
            part.as_object().cloned().unwrap()
        };
        let empty = part(0, 0, Value::Null, Value::Null);
        let whole = [
            part(5, 2, json!(40), json!(90)),
            empty.clone(),
            part(4, 1, json!(30), json!(80)),
            empty,
        ]
        .into_iter()
        .fold(Map::new(), added);
        assert_eq!(whole, part(9, 3, json!(30), json!(90)));
    }

    #[test]
    fn a_change_is_shown_line_by_line() {
        let answer = json!({ "retention_days": 30, "change": { "state": "done", "finished": 0 } });
        let text = output::fields(&flat(&answer));
        assert!(text.contains("state:          done\n"), "{text}");
        assert!(text.contains("finished:       1970-01-01 00:00:00Z\n"), "{text}");
        let none = output::fields(&flat(&json!({ "retention_days": 30, "change": null })));
        assert_eq!(none, "retention_days: 30\n");
    }
}
