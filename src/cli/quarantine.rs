//! `mesej quarantine`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin::Api;
use super::{AdminArgs, CliError, output};

/// What can be done with webhooks that could not be applied.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List what was put aside, and why; the contents are not shown
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Put entries back on the way in, for example after the missing number was added
    #[command(after_help = "Examples:\n  mesej quarantine replay --all\n  \
                            mesej quarantine replay 0192f0c1a2b3c4d5e6f708192a3b4c5d")]
    Replay {
        /// The entries' ids, as `mesej quarantine list` shows them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub(super) async fn run(command: QuarantineCommand) -> Result<ExitCode, CliError> {
    match command {
        QuarantineCommand::List { admin } => {
            let answer = Api::admin(&admin)?.get("/v1/admin/quarantine?limit=500").await?;
            let columns = ["id", "at", "reason", "app", "bytes"];
            output::answer(&answer, admin.json, |answer| {
                let more = answer.get("next_cursor").is_some_and(|cursor| !cursor.is_null());
                let table = output::table(output::list(answer), &columns);
                if more { format!("{table}and more\n") } else { table }
            })?;
        }
        QuarantineCommand::Replay { ids, all, admin } => {
            let body = if all {
                json!({ "all": true })
            } else {
                json!({ "ids": ids })
            };
            let answer = replay(&Api::admin(&admin)?, body).await?;
            output::answer(&answer, admin.json, |answer| {
                let replayed = answer.get("replayed").map(output::plain).unwrap_or_default();
                format!("{replayed} put back\n")
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts back what is named, some at a time, and says how far it is.
async fn replay(api: &Api, mut body: Value) -> Result<Value, CliError> {
    let mut replayed = 0;
    loop {
        let answer = api.post("/v1/admin/quarantine/replay", &body).await?;
        replayed += answer.get("replayed").and_then(Value::as_u64).unwrap_or(0);
        match answer.get("next") {
            Some(next) => body = next.clone(),
            None => return Ok(json!({ "replayed": replayed })),
        }
        eprintln!("mesej: {replayed} put back so far");
    }
}
