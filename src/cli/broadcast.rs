//! `mesej broadcast`: what is sent to many, with a business's key.

mod dry_run;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::export::{FileArgs, unusable};
use super::output::{moment, print};
use super::{CliError, KeyArgs};

/// How often it is asked how far one is.
const LOOK: Duration = Duration::from_secs(1);
/// Columns of a progress bar.
const BAR: usize = 30;

/// Commands about broadcasts.
#[derive(Debug, Subcommand)]
pub(super) enum BroadcastCommand {
    /// List broadcasts, newest first
    List(ListArgs),
    /// Write the recipients of a broadcast down, and show who is not sent to
    ///
    /// With a file, these are its recipients: the broadcast's audience must be of type upload.
    #[command(after_help = "Examples:\n  mesej broadcast plan BROADCAST\n  \
                            mesej broadcast plan BROADCAST --file people.csv --country ID")]
    Plan(PlanArgs),
    /// Show what would become of a broadcast that is planned: who gets it, when, and what Meta charges
    #[command(after_help = "Example:\n  mesej broadcast dry-run BROADCAST")]
    DryRun(OneArgs),
    /// Launch a broadcast that is planned
    ///
    /// Sends to real people. Over 1,000 recipients their number must be given.
    Launch(LaunchArgs),
    /// Show how a broadcast goes, until it ends
    Watch(OneArgs),
    /// Pause a broadcast
    Pause(OneArgs),
    /// Have a paused broadcast go on
    Resume(OneArgs),
    /// End a broadcast: what was not sent yet is taken back
    Cancel(OneArgs),
    /// Make a draft that sends to the failed recipients of a broadcast again
    ///
    /// Only to those for whom that may help, and never where the outcome is unknown. Plan and launch the draft as any other.
    #[command(after_help = "Example:\n  mesej broadcast retry BROADCAST")]
    Retry(OneArgs),
    /// Export what became of each recipient
    Export(ExportArgs),
}

/// Options of `mesej broadcast list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    server: KeyArgs,
}

/// A broadcast.
#[derive(Debug, Args)]
pub(super) struct OneArgs {
    /// The broadcast_id
    broadcast: String,
    #[command(flatten)]
    server: KeyArgs,
}

/// Options of `mesej broadcast plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    one: OneArgs,
    /// A CSV or NDJSON file of recipients
    #[arg(long)]
    file: Option<PathBuf>,
    /// The column with the phone, where its header does not tell
    #[arg(long, requires = "file")]
    phone: Option<String>,
    /// The country of phones that are written without one, such as ID
    #[arg(long, requires = "file")]
    country: Option<String>,
}

/// Options of `mesej broadcast launch`.
#[derive(Debug, Args)]
pub(super) struct LaunchArgs {
    #[command(flatten)]
    one: OneArgs,
    /// How many people get it, as the plan says
    #[arg(long)]
    recipients: Option<u32>,
    /// Watch it until it ends
    #[arg(long)]
    watch: bool,
}

/// Options of `mesej broadcast export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Only recipients with this outcome, such as failed
    #[arg(long)]
    outcome: Option<String>,
    #[command(flatten)]
    file: FileArgs,
}

pub(super) async fn run(command: BroadcastCommand) -> Result<ExitCode, CliError> {
    let out = &mut io::stderr();
    match command {
        BroadcastCommand::List(args) => list(&args).await,
        BroadcastCommand::Plan(args) => plan(&args, out).await,
        BroadcastCommand::DryRun(args) => dry_run(&args).await,
        BroadcastCommand::Launch(args) => launch(&args, out).await,
        BroadcastCommand::Watch(args) => watch(&args.server.api()?, &args.path(), out).await,
        BroadcastCommand::Pause(args) => steer(&args, "pause", out).await,
        BroadcastCommand::Resume(args) => steer(&args, "resume", out).await,
        BroadcastCommand::Cancel(args) => steer(&args, "cancel", out).await,
        BroadcastCommand::Retry(args) => retry(&args).await,
        BroadcastCommand::Export(args) => export(&args).await,
    }
}

impl OneArgs {
    fn path(&self) -> String {
        format!("/v1/broadcasts/{}", segment(&self.broadcast))
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

/// The broadcast of an answer.
fn of(answer: &Value) -> Value {
    answer.get("broadcast").cloned().unwrap_or_default()
}

async fn list(args: &ListArgs) -> Result<ExitCode, CliError> {
    let api = args.server.api()?;
    let mut out = io::stdout();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!("/v1/broadcasts?limit=200&cursor={}", segment(&cursor)))
            .await?;
        let rows = page.get("broadcasts").and_then(Value::as_array);
        for row in rows.into_iter().flatten() {
            writeln!(
                out,
                "{}  {:9}  {:>9}  {}",
                text(row, "broadcast_id"),
                text(row, "state"),
                number(row, "/plan/recipients"),
                text(row, "name"),
            )?;
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

async fn plan(args: &PlanArgs, out: &mut (dyn Write + Send)) -> Result<ExitCode, CliError> {
    let (api, path) = (args.one.server.api()?, args.one.path());
    if let Some(name) = &args.file {
        let file = tokio::fs::File::open(name).await.map_err(unusable(name))?;
        let mut query = Vec::new();
        for (key, value) in [("phone", &args.phone), ("default_country", &args.country)] {
            query.extend(value.iter().map(|value| format!("{key}={}", segment(value))));
        }
        let at = format!("{path}/audience?{}", query.join("&"));
        api.upload(Method::PUT, &at, file).await?;
    }
    api.post(&format!("{path}/plan"), &json!({})).await?;
    let planned = loop {
        let row = of(&api.get(&path).await?);
        if text(&row, "state") != "planning" {
            break row;
        }
        let read = number(&row, "/progress/read");
        writeln!(
            out,
            "planning: {read} read, {} planned",
            number(&row, "/progress/planned")
        )?;
        tokio::time::sleep(LOOK).await;
    };
    writeln!(out, "{}", told_plan(&planned))?;
    Ok(if text(&planned, "state") == "ready" {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn told_plan(row: &Value) -> String {
    if let Some(why) = row.pointer("/problem/message").and_then(Value::as_str) {
        return format!("{}: {why}", text(row, "state"));
    }
    let mut line = format!(
        "{}: {} get it, {} do not",
        text(row, "state"),
        number(row, "/plan/recipients"),
        number(row, "/plan/total").saturating_sub(number(row, "/plan/recipients")),
    );
    for (reason, count) in counts(row, "/plan/suppressed") {
        // Writing into a text cannot fail.
        let _ = write!(line, ", {reason} {count}");
    }
    line
}

fn counts(row: &Value, path: &str) -> Vec<(String, u64)> {
    let found = row.pointer(path).and_then(Value::as_object);
    let found = found.into_iter().flatten();
    found
        .filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

async fn dry_run(args: &OneArgs) -> Result<ExitCode, CliError> {
    let answer = args
        .server
        .api()?
        .get(&format!("{}/dry-run", args.path()))
        .await?;
    let told = answer.get("dry_run").map(dry_run::told);
    print(&told.unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

async fn launch(args: &LaunchArgs, out: &mut (dyn Write + Send)) -> Result<ExitCode, CliError> {
    let (api, path) = (args.one.server.api()?, args.one.path());
    let row = of(&api.get(&path).await?);
    let version = row.get("version").cloned().unwrap_or_default();
    let launch = json!({ "version": version, "recipients": args.recipients });
    let launched = of(&api.post(&format!("{path}/launch"), &launch).await?);
    writeln!(out, "{}", progress(&launched))?;
    if args.watch {
        return watch(&api, &path, out).await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn watch(api: &Api, path: &str, out: &mut (dyn Write + Send)) -> Result<ExitCode, CliError> {
    loop {
        let row = of(&api.get(path).await?);
        writeln!(out, "{}", progress(&row))?;
        match text(&row, "state") {
            "done" => return Ok(ExitCode::SUCCESS),
            "planning" | "scheduled" | "running" => tokio::time::sleep(LOOK).await,
            _ => return Ok(ExitCode::FAILURE),
        }
    }
}

async fn steer(args: &OneArgs, what: &str, out: &mut (dyn Write + Send)) -> Result<ExitCode, CliError> {
    let (api, path) = (args.server.api()?, args.path());
    let row = of(&api.post(&format!("{path}/{what}"), &json!({})).await?);
    writeln!(out, "{}", progress(&row))?;
    Ok(ExitCode::SUCCESS)
}

async fn retry(args: &OneArgs) -> Result<ExitCode, CliError> {
    let path = format!("{}/retry", args.path());
    let made = of(&args.server.api()?.post(&path, &json!({})).await?);
    writeln!(io::stdout(), "{}", text(&made, "broadcast_id"))?;
    Ok(ExitCode::SUCCESS)
}

/// How far one is, on one line.
fn progress(row: &Value) -> String {
    let total = number(row, "/plan/recipients");
    let left = row
        .pointer("/counts/left")
        .and_then(Value::as_u64)
        .unwrap_or(total);
    let gone = total.saturating_sub(left);
    let share = gone.saturating_mul(100) / total.max(1);
    let columns = gone.saturating_mul(30) / total.max(1);
    let filled = usize::try_from(columns).unwrap_or(BAR).min(BAR);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(BAR - filled));
    let mut line = format!("{:9} [{bar}] {share:3} % {gone}/{total}", text(row, "state"));
    let _ = write!(line, ", {}/s", number(row, "/rate_now"));
    for (outcome, count) in counts(row, "/counts/outcomes") {
        let _ = write!(line, ", {outcome} {count}");
    }
    if text(row, "limited_by") == "quiet_hours" {
        let opens = row.get("next_opens_at").and_then(Value::as_i64);
        let _ = match opens {
            Some(opens) => write!(line, ", quiet hours until {}", moment(opens)),
            None => write!(line, ", quiet hours"),
        };
    }
    let problem = |member: &str| row.pointer(member).and_then(Value::as_str);
    if let Some(why) = problem("/problem/message") {
        let _ = write!(line, ": {why}");
    }
    if let Some(bad) = row.pointer("/problem/counted") {
        let _ = write!(line, " ({} of {})", number(bad, "/bad"), number(bad, "/results"));
    }
    if let Some(said) = problem("/problem/said") {
        let _ = write!(line, " ({said})");
    }
    if let Some(advice) = problem("/problem/advice") {
        let _ = write!(line, ". {advice}");
    }
    line
}

async fn export(args: &ExportArgs) -> Result<ExitCode, CliError> {
    let api = args.one.server.api()?;
    let address = format!("{}/export", args.one.path());
    let params = [("outcome", args.outcome.as_deref())];
    super::export::export(&api, &address, &params, &args.file).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line() {
        let row = json!({
            "state": "running", "plan": { "recipients": 200, "total": 210, "suppressed": { "opted_out": 10 } },
            "counts": { "left": 150, "outcomes": { "queued": 0, "read": 40, "failed": 10 } }, "rate_now": 80,
        });
        let bar = format!("{}{}", "#".repeat(7), "-".repeat(23));
        let line = format!("running   [{bar}]  25 % 50/200, 80/s, read 40, failed 10");
        assert_eq!(progress(&row), line);
        let mut rests = row.clone();
        rests["limited_by"] = json!("quiet_hours");
        rests["next_opens_at"] = json!(1_760_079_600_000_i64);
        assert_eq!(
            progress(&rests),
            format!("{line}, quiet hours until 2025-10-10 07:00:00Z")
        );
        assert_eq!(told_plan(&row), "running: 200 get it, 10 do not, opted_out 10");
        let failed = json!({ "state": "draft", "problem": { "message": "the template is not approved" } });
        assert_eq!(told_plan(&failed), "draft: the template is not approved");
    }
}
