//! `mesej message`: messages in bulk, and those that are scheduled, with a business's key.

mod send;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::admin::segment;
use super::output::{moment, plain, print};
use super::{CliError, KeyArgs};

/// Commands about messages.
#[derive(Debug, Subcommand)]
pub(super) enum MessageCommand {
    /// Send the messages of an NDJSON file, one in each line
    ///
    /// Each line is a message as in POST /v1/messages, with an `idempotency_key` of its own. Prints the lines that were refused, and how far
    /// it is. May be run again with the same file within 24 hours: what was accepted is not sent twice. Later it would all be sent again. Waits
    /// while the tenant's queue is full. Ends with 1 when a line was refused.
    #[command(after_help = "Examples:\n  mesej message send reminders.ndjson\n  \
                            mesej message send reminders.ndjson --keys reminders-june --answers answers.ndjson")]
    Send(send::SendArgs),
    /// List messages whose time to be sent has not come
    #[command(after_help = "Example:\n  mesej message scheduled --number 106540352242922")]
    Scheduled(ScheduledArgs),
    /// Take back a message that is not sent yet
    Cancel(CancelArgs),
}

/// Options of `mesej message scheduled`.
#[derive(Debug, Args)]
pub(super) struct ScheduledArgs {
    #[command(flatten)]
    server: KeyArgs,
    /// Only those of this number, by its phone_number_id
    #[arg(long)]
    number: Option<String>,
}

/// Options of `mesej message cancel`.
#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    /// The message_id
    message: String,
    #[command(flatten)]
    server: KeyArgs,
}

pub(super) async fn run(command: MessageCommand) -> Result<ExitCode, CliError> {
    match command {
        MessageCommand::Send(args) => send::send(&args, &mut io::stdout(), &mut io::stderr()).await,
        MessageCommand::Scheduled(args) => scheduled(&args).await,
        MessageCommand::Cancel(args) => cancel(&args).await,
    }
}

async fn scheduled(args: &ScheduledArgs) -> Result<ExitCode, CliError> {
    let api = args.server.api()?;
    let mut out = io::stdout();
    let number = args.number.as_deref().map(segment);
    let number = number
        .map(|number| format!("&number={number}"))
        .unwrap_or_default();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/messages/scheduled?limit=100{number}{cursor}");
        let page = api.get(&path).await?;
        let messages = page.get("messages").and_then(Value::as_array);
        for message in messages.into_iter().flatten() {
            writeln!(out, "{}", line(message))?;
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={}", segment(next)),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// A message that is scheduled, on one line.
fn line(message: &Value) -> String {
    let text = |path: &str| message.pointer(path).map(plain).unwrap_or_default();
    let at = message.pointer("/delivery/send_at").and_then(Value::as_i64);
    format!(
        "{}  {}  {}  {}",
        text("/id"),
        at.map(moment).unwrap_or_default(),
        text("/number"),
        text("/content/type"),
    )
}

async fn cancel(args: &CancelArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/messages/{}", segment(&args.message));
    let answer = args.server.api()?.delete(&path).await?;
    print(answer.get("state").and_then(Value::as_str).unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scheduled_message_is_one_line() {
        let message = json!({
            "id": "0199", "number": "101", "content": { "type": "text", "text": { "body": "hush" } },
            "delivery": { "send_at": 0 },
        });
        assert_eq!(line(&message), "0199  1970-01-01 00:00:00Z  101  text");
    }
}
