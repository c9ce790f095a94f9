//! `mesej contact erase`.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::super::admin::segment;
use super::super::{CliError, KeyArgs, output};

/// Options of `mesej contact erase`.
#[derive(Debug, Args)]
pub(in crate::cli) struct EraseArgs {
    /// A contact of the customer, by its contact_id
    contact: String,
    #[command(flatten)]
    server: KeyArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn erase(args: &EraseArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/contacts/{}", segment(&args.contact));
    let api = args.server.api()?;
    if !args.yes && !is_sure(&args.contact)? {
        return Ok(ExitCode::FAILURE);
    }
    let answer = api.delete(&path).await?;
    output::answer(&answer, args.json, erased)?;
    Ok(ExitCode::SUCCESS)
}

/// Asks whoever types.
fn is_sure(contact: &str) -> Result<bool, CliError> {
    let mut told = io::stderr().lock();
    write!(
        told,
        "Everything that is kept of the customer of {contact} goes, for good: messages, files, notes, consents. Erase? [y/N] "
    )?;
    told.flush()?;
    let mut said = String::new();
    io::stdin().lock().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "Y" | "yes"))
}

fn erased(answer: &Value) -> String {
    let is_done = answer.pointer("/done").and_then(Value::as_bool) == Some(true);
    if is_done {
        "Erased.\n".to_owned()
    } else {
        "It goes on by itself: the same command answers not_found once it is done.\n".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_done_yet_is_told() {
        assert_eq!(erased(&json!({ "done": true })), "Erased.\n");
        assert!(erased(&json!({ "done": false })).contains("not_found"));
    }
}
