//! `mesej contact merge`, `merges` and `undo-merge`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::admin::segment;
use super::super::{CliError, KeyArgs, output};

/// Options of `mesej contact merge`.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergeArgs {
    /// The contact that stays, by its contact_id
    contact: String,
    /// The contact that is merged into it
    other: String,
    #[command(flatten)]
    server: KeyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Options of `mesej contact merges`.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergesArgs {
    /// A contact of the customer, by its contact_id
    contact: String,
    #[command(flatten)]
    server: KeyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Options of `mesej contact undo-merge`.
#[derive(Debug, Args)]
pub(in crate::cli) struct UndoArgs {
    /// What `merge` printed, and `merges` lists
    merge_id: String,
    #[command(flatten)]
    server: KeyArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn merge(args: &MergeArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/contacts/{}/merge", segment(&args.contact));
    let answer = args
        .server
        .api()?
        .post(&path, &json!({ "other": args.other }))
        .await?;
    output::answer(&answer, args.json, merged)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list(args: &MergesArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/merges?contact={}", segment(&args.contact));
    let answer = args.server.api()?.get(&path).await?;
    output::answer(&answer, args.json, |answer| {
        output::table(
            output::list(answer),
            &["merge_id", "contact", "other", "undo_until"],
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn undo(args: &UndoArgs) -> Result<ExitCode, CliError> {
    let path = format!("/v1/merges/{}/undo", segment(&args.merge_id));
    let answer = args.server.api()?.post(&path, &json!({})).await?;
    output::answer(&answer, args.json, parted)?;
    Ok(ExitCode::SUCCESS)
}

fn text(value: &Value, at: &str) -> String {
    value.pointer(at).map(output::plain).unwrap_or_default()
}

fn merged(answer: &Value) -> String {
    format!(
        "Merged into {}. `mesej contact undo-merge {}` undoes it within 30 days.\n",
        text(answer, "/contact/id"),
        text(answer, "/merge_id"),
    )
}

fn parted(answer: &Value) -> String {
    let ids = output::list(answer).iter().map(|contact| text(contact, "/id"));
    format!("Two contacts again: {}\n", ids.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_with_how_to_undo_it() {
        let answer = json!({ "merge_id": "ab12", "contact": { "id": "c1" } });
        let told = "Merged into c1. `mesej contact undo-merge ab12` undoes it within 30 days.\n";
        assert_eq!(merged(&answer), told);
        let answer = json!({ "contacts": [{ "id": "c1" }, { "id": "c2" }] });
        assert_eq!(parted(&answer), "Two contacts again: c1, c2\n");
    }
}
