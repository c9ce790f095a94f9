//! `mesej usage`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};
use crate::domain::date::Date;

/// What is asked.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mesej usage TENANT\n  mesej usage TENANT --from 2026-11-01 --to 2026-11-30\n  \
                  mesej usage TENANT --from 2026-11-30 --by hour --json"
)]
pub(super) struct UsageArgs {
    /// The tenant's id
    tenant: String,
    /// The first day, in UTC; six days before the last when left out
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<Date>,
    /// The last day; today when left out
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<Date>,
    /// What a row is about: at most 92 days, or the hours of 31
    #[arg(long, default_value = "day")]
    by: By,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    Day,
    Hour,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|rule| format!("must be {rule}"))
}

pub(super) async fn run(args: UsageArgs) -> Result<ExitCode, CliError> {
    let by = match args.by {
        By::Day => "day",
        By::Hour => "hour",
    };
    let mut path = format!("/v1/admin/tenants/{}/usage?by={by}", segment(&args.tenant));
    for (name, date) in [("from", args.from), ("to", args.to)] {
        if let Some(date) = date {
            path.push_str(&format!("&{name}={date}"));
        }
    }
    let answer = Api::admin(&args.admin)?.get(&path).await?;
    output::answer(&answer, args.admin.json, |answer| {
        let rows: Vec<Value> = output::list(answer).iter().map(flat).collect();
        let columns = [
            "from",
            "inbound",
            "outbound",
            "categories",
            "active_contacts",
            "agents",
            "storage_bytes",
        ];
        output::table(&rows, &columns)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A row with a cell for each figure.
fn flat(row: &Value) -> Value {
    let mut all = row.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(messages)) = all.shift_remove("messages") {
        all.extend(messages);
    }
    if let Some(Value::Object(categories)) = all.get("categories") {
        let named = categories.iter().map(|(name, count)| format!("{name}={count}"));
        let named = named.collect::<Vec<_>>().join(" ");
        all.insert("categories".to_owned(), named.into());
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_figure() {
        let row = json!({ "from": 0, "messages": { "inbound": 2, "outbound": 1 }, "categories": { "utility": 1, "service": 3 } });
        let text = output::table(&[flat(&row)], &["from", "inbound", "outbound", "categories"]);
        assert!(
            text.ends_with("1970-01-01 00:00:00Z  2        1         utility=1 service=3\n"),
            "{text}"
        );
    }
}
