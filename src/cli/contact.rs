//! `mesej contact`: contacts in and out by files, and those that are one customer, with a business's key.

mod erase;
mod merge;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::segment;
use super::export::{FileArgs, unusable};
use super::output::in_brackets;
use super::{CliError, KeyArgs};

/// How often it is asked how far an import is.
const LOOK: Duration = Duration::from_secs(1);

/// Commands about contacts.
#[derive(Debug, Subcommand)]
pub(super) enum ContactCommand {
    /// Import contacts from a CSV or NDJSON file
    ///
    /// Prints what the columns are taken for, then how far the server is. Ends with 1 when the import failed. Ctrl-C ends the command,
    /// not the import.
    #[command(
        after_help = "Examples:\n  mesej contact import people.csv --country ID --dry-run\n  \
                            mesej contact import people.csv --country ID --map 'Ciudad=attribute.city' --label spring --errors wrong.csv"
    )]
    Import(ImportArgs),
    /// Export contacts as a CSV or NDJSON file
    #[command(after_help = "Examples:\n  mesej contact export > contacts.csv\n  \
                            mesej contact export --filter 'label = \"vip\"' --format ndjson --output vip.ndjson")]
    Export(ExportArgs),
    /// Make one card of two contacts that are one customer
    Merge(merge::MergeArgs),
    /// List the merges of a customer that can be undone
    Merges(merge::MergesArgs),
    /// Undo a merge
    UndoMerge(merge::UndoArgs),
    /// Erase a customer, for good
    ///
    /// Removes everything that is kept of the customer, under all contacts. Asks first, unless `--yes` is given.
    #[command(after_help = "Example:\n  mesej contact erase 3f1c… --yes")]
    Erase(erase::EraseArgs),
}

/// Options of `mesej contact import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    server: KeyArgs,
    /// The country of phones that are written without one, such as ID
    #[arg(long)]
    country: Option<String>,
    /// Look what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take a column for something else than is suggested: COLUMN=FIELD
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = column)]
    map: Vec<(String, String)>,
    /// A label that everybody of the file gets
    #[arg(long)]
    label: Vec<String>,
    /// A list, by its list_id, that everybody of the file is put on
    #[arg(long)]
    list: Vec<String>,
    /// Leave out cells that make no sense, and take the rest of their rows
    #[arg(long)]
    leave_out_bad_cells: bool,
    /// How days are written; YYYY-MM-DD is read in any case
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// What stands before the part of a number that is less than one
    #[arg(long, value_enum)]
    decimal: Option<DecimalMark>,
    /// Where to write what was wrong, line by line, as CSV
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Where to write the refused rows themselves, with a column that says why, as CSV
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
}

/// In which order days are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Dates {
    /// Year, month, day
    Ymd,
    /// Day, month, year
    Dmy,
    /// Month, day, year
    Mdy,
}

impl Dates {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ymd => "ymd",
            Self::Dmy => "dmy",
            Self::Mdy => "mdy",
        }
    }
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DecimalMark {
    /// 1,200.50
    Point,
    /// 1.200,50
    Comma,
}

impl DecimalMark {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }
}

/// Options of `mesej contact export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    server: KeyArgs,
    /// Whom to export: a filter
    #[arg(long)]
    filter: Option<String>,
    /// Whom to export: a segment, by its segment_id
    #[arg(long)]
    segment: Option<String>,
    #[command(flatten)]
    file: FileArgs,
}

fn column(text: &str) -> Result<(String, String), String> {
    // A header may hold a `=`, a field does not.
    let pair = text.rsplit_once('=').filter(|(column, _)| !column.is_empty());
    let (column, field) = pair.ok_or("must be COLUMN=FIELD, such as Ciudad=attribute.city")?;
    Ok((column.to_owned(), field.to_owned()))
}

pub(super) async fn run(command: ContactCommand) -> Result<ExitCode, CliError> {
    match command {
        ContactCommand::Import(args) => import(&args, &mut io::stderr()).await,
        ContactCommand::Export(args) => export(&args).await,
        ContactCommand::Merge(args) => merge::merge(&args).await,
        ContactCommand::Merges(args) => merge::list(&args).await,
        ContactCommand::UndoMerge(args) => merge::undo(&args).await,
        ContactCommand::Erase(args) => erase::erase(&args).await,
    }
}

async fn import(args: &ImportArgs, out: &mut (dyn Write + Send)) -> Result<ExitCode, CliError> {
    let api = args.server.api()?;
    let file = tokio::fs::File::open(&args.file)
        .await
        .map_err(unusable(&args.file))?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let uploaded = api
        .upload(
            Method::POST,
            &format!("/v1/imports?name={}", segment(&name)),
            file,
        )
        .await?;
    let import = uploaded
        .get("import_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = format!("/v1/imports/{}", segment(import));
    let mapping = uploaded.get("mapping").cloned().unwrap_or_default();
    let mut mapping: BTreeMap<String, String> = serde_json::from_value(mapping).unwrap_or_default();
    mapping.extend(args.map.iter().cloned());
    for (column, field) in &mapping {
        writeln!(out, "{column}: {field}")?;
    }
    let mut start = json!({
        "mapping": mapping,
        "dry_run": args.dry_run,
        "labels": args.label,
        "lists": args.list,
        "bad_cells": if args.leave_out_bad_cells { "leave_out" } else { "reject_row" },
        "date_format": args.dates.map(Dates::as_str),
        "decimal": args.decimal.map(DecimalMark::as_str),
    });
    // Without it the one of the business's own number is taken.
    if let (Some(country), Some(start)) = (&args.country, start.as_object_mut()) {
        start.insert("default_country".to_owned(), json!(country));
    }
    api.post(&format!("{path}/start"), &start).await?;
    let ended = loop {
        let shown = api.get(&path).await?;
        writeln!(out, "{}", progress(&shown))?;
        let state = shown.get("state").and_then(Value::as_str);
        if !matches!(state, Some("uploaded" | "running")) {
            break shown;
        }
        tokio::time::sleep(LOOK).await;
    };
    for (file, of) in [(&args.errors, "lines"), (&args.refused, "rows")] {
        if let Some(file) = file {
            let text = api.text(&format!("{path}/errors?of={of}")).await?;
            tokio::fs::write(file, text).await.map_err(unusable(file))?;
        }
    }
    let is_done = ended.get("state").and_then(Value::as_str) == Some("done");
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How far an import is, on one line.
fn progress(import: &Value) -> String {
    let number = |name: &str| import.get(name).and_then(Value::as_u64).unwrap_or(0);
    let state = import.get("state").and_then(Value::as_str).unwrap_or_default();
    let percent = number("bytes_read").saturating_mul(100) / number("bytes").max(1);
    let error = import.get("error").and_then(Value::as_str);
    let reasons = import.get("reasons").and_then(Value::as_object);
    let reasons = in_brackets(reasons.into_iter().flatten());
    format!(
        "{state}, {percent} %: {} rows, {} created, {} updated, {} unchanged, {} rejected{reasons}{}",
        number("rows"),
        number("created"),
        number("updated"),
        number("unchanged"),
        number("rejected"),
        error.map(|error| format!(": {error}")).unwrap_or_default()
    )
}

async fn export(args: &ExportArgs) -> Result<ExitCode, CliError> {
    let api = args.server.api()?;
    let params = [
        ("filter", args.filter.as_deref()),
        ("segment", args.segment.as_deref()),
    ];
    super::export::export(&api, "/v1/contacts/export", &params, &args.file).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_taken_for_what_stands_behind_the_last_equals_sign() {
        assert_eq!(
            column("a=b=attribute.city"),
            Ok(("a=b".to_owned(), "attribute.city".to_owned()))
        );
        assert!(column("phone").is_err() && column("=phone").is_err());
    }

    #[test]
    fn progress_is_one_line() {
        let shown = json!({ "state": "running", "bytes": 200, "bytes_read": 50, "rows": 9, "created": 8, "rejected": 1 });
        let line = "running, 25 %: 9 rows, 8 created, 0 updated, 0 unchanged, 1 rejected";
        assert_eq!(progress(&shown), line);
        let mut shown = shown;
        shown["reasons"] = json!({ "not_a_date": 1 });
        assert_eq!(progress(&shown), format!("{line} (not_a_date 1)"));
    }
}
