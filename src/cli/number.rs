//! `mesej number`.

use std::process::ExitCode;

use clap::Subcommand;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};

/// What can be done with WhatsApp numbers.
#[derive(Debug, Subcommand)]
pub(super) enum NumberCommand {
    /// Add a number to a tenant, or change its settings
    #[command(after_help = ADD_HELP)]
    Add {
        /// The tenant's id
        tenant: String,
        /// Meta's id of the number: WhatsApp > API setup in the app's dashboard
        #[arg(long, value_name = "ID")]
        phone_number_id: String,
        /// Meta's id of the WhatsApp business account, beside the one above
        #[arg(long, value_name = "ID")]
        waba_id: String,
        /// The number as people write it
        #[arg(long, value_name = "NUMBER")]
        display_phone_number: String,
        /// A system user's token with whatsapp_business_messaging; better given by the environment, where no other
        /// user of the machine sees it
        #[arg(
            long,
            env = "MESEJ_ACCESS_TOKEN",
            hide_env_values = true,
            value_name = "TOKEN"
        )]
        access_token: SecretString,
        /// The app that it belongs to: a name from `whatsapp.apps` in the server's settings
        #[arg(long)]
        app: String,
        /// Messages per second that Meta allows it: 80, 1000 after an upgrade, 20 when shared with the Business app
        #[arg(long, default_value_t = 80)]
        rate: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List a tenant's numbers
    List {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Ask Meta whether a number can send and receive; ends with 1 when it cannot
    Check {
        /// The tenant's id
        tenant: String,
        /// Meta's id of the number
        phone_number_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

const ADD_HELP: &str = "\
Example:
  read -rs MESEJ_ACCESS_TOKEN && export MESEJ_ACCESS_TOKEN
  mesej number add 00c0ffee00c0ffee --phone-number-id 106540352242922 --waba-id 102290129340398 \\
      --display-phone-number '+62 812 3456 789' --app main
Then `mesej number check` says what is still missing on Meta's side.";

pub(super) async fn run(command: NumberCommand) -> Result<ExitCode, CliError> {
    let numbers = |tenant: &str| format!("/v1/admin/tenants/{}/numbers", segment(tenant));
    match command {
        NumberCommand::Add {
            tenant,
            phone_number_id,
            waba_id,
            display_phone_number,
            access_token,
            app,
            rate,
            admin,
        } => {
            let body = json!({
                "phone_number_id": phone_number_id,
                "waba_id": waba_id,
                "display_phone_number": display_phone_number,
                "access_token": access_token.expose_secret(),
                "app": app,
                "rate": rate,
            });
            let answer = Api::admin(&admin)?.post(&numbers(&tenant), &body).await?;
            output::answer(&answer, admin.json, |answer| {
                format!(
                    "{}Next: mesej number check {tenant} {phone_number_id}\n",
                    output::fields(answer)
                )
            })?;
        }
        NumberCommand::List { tenant, admin } => {
            let answer = Api::admin(&admin)?.get(&numbers(&tenant)).await?;
            let columns = [
                "phone_number_id",
                "display_phone_number",
                "waba_id",
                "app",
                "rate",
                "quality",
                "sending",
            ];
            output::answer(&answer, admin.json, |answer| {
                let numbers: Vec<Value> = output::list(answer).iter().map(in_words).collect();
                output::table(&numbers, &columns)
            })?;
        }
        NumberCommand::Check {
            tenant,
            phone_number_id,
            admin,
        } => {
            let path = format!("{}/{}/check", numbers(&tenant), segment(&phone_number_id));
            let answer = Api::admin(&admin)?.get(&path).await?;
            output::answer(&answer, admin.json, checklist)?;
            if !output::list(&answer).iter().all(is_good) {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A number with how it stands with Meta and how its sending stands, in words.
fn in_words(number: &Value) -> Value {
    let part = |name: &str| {
        let part = number.pointer(&format!("/lane/{name}"));
        part.map(output::plain)
    };
    let words = [part("state"), part("reason"), part("code"), part("title")];
    let mut sending = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if part("scope").as_deref() == Some("bulk") {
        sending.push_str(" (bulk alone)");
    }
    let mut number = number.clone();
    if let Some(fields) = number.as_object_mut() {
        let quality = fields
            .get("standing")
            .and_then(|standing| standing.get("quality"))
            .cloned();
        fields.insert("quality".to_owned(), quality.unwrap_or_default());
        fields.insert("sending".to_owned(), sending.into());
    }
    number
}

fn is_good(check: &Value) -> bool {
    check.get("ok").and_then(Value::as_bool) == Some(true)
}

/// What Meta says, one line a check, with what to do below each that is not well.
fn checklist(answer: &Value) -> String {
    output::list(answer).iter().fold(String::new(), |text, check| {
        let part = |name: &str| {
            check
                .get(name)
                .filter(|value| !value.is_null())
                .map(output::plain)
        };
        let mark = match part("verdict").as_deref() {
            _ if !is_good(check) => "FAIL",
            Some("doubtful") => "look",
            _ => "ok",
        };
        let line = format!(
            "{mark:4}  {}: {}",
            part("name").unwrap_or_default(),
            part("detail").unwrap_or_default()
        );
        let fix = part("fix")
            .filter(|_| mark != "ok")
            .map(|fix| format!("      {fix}\n"))
            .unwrap_or_default();
        format!("{text}{line}\n{fix}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_in_words_why_nothing_goes() {
        let sending = |lane: Value| in_words(&json!({ "lane": lane }))["sending"].clone();
        assert_eq!(sending(json!({ "state": "running", "scope": "all" })), "running");
        let lane = json!({ "state": "paused", "scope": "bulk", "reason": "spam_limit", "code": 131048, "title": "Spam rate limit hit" });
        assert_eq!(
            sending(lane),
            "paused spam_limit 131048 Spam rate limit hit (bulk alone)"
        );
        let quality = |standing: Value| in_words(&json!({ "standing": standing }))["quality"].clone();
        assert_eq!(quality(json!({ "quality": "RED" })), "RED");
        assert_eq!(quality(Value::Null), Value::Null);
    }

    #[test]
    fn a_checklist_says_what_to_do_below_what_is_not_well() {
        let answer = json!({ "checks": [
            { "name": "token", "ok": true, "verdict": "good", "detail": "valid, does not expire", "fix": null },
            { "name": "quality", "ok": true, "verdict": "doubtful", "detail": "YELLOW" },
            { "name": "webhooks", "ok": false, "verdict": "bad", "detail": "not subscribed", "fix": "subscribe the app" },
        ]});
        assert_eq!(
            checklist(&answer),
            "ok    token: valid, does not expire\nlook  quality: YELLOW\nFAIL  webhooks: not subscribed\n      subscribe the app\n"
        );
    }
}
