//! `mesej message send`: a file's messages, in as many requests as it takes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::admin::{Api, refusal};
use crate::cli::export::unusable;
use crate::cli::output::{in_brackets, plain};
use crate::cli::{CliError, KeyArgs};

/// Lines and bytes of a request: no more than the server takes.
const MOST_LINES: usize = 10_000;
const MOST_BYTES: usize = 32 << 20;
/// Requests in a row that come to nothing before the command gives up.
const TRIES: u32 = 6;
/// Between two of them, longer with each.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two requests while the tenant's queue is full, and how often in a row it may be found full.
const FULL_PAUSE: Duration = Duration::from_secs(5);
const FULL_TRIES: u32 = 360;
/// How often it is told how far the file is.
const LOOK: Duration = Duration::from_secs(1);

/// Options of `mesej message send`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SendArgs {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    server: KeyArgs,
    /// Name each line that has no `idempotency_key` by this and its number; the same again when the file is sent again
    #[arg(long, value_name = "NAME")]
    keys: Option<String>,
    /// Where to write the server's answers, one a line
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

/// A line to be sent: where it stands in the file, and what it says.
struct Given {
    line: u64,
    text: String,
}

/// What became of the lines so far.
#[derive(Default)]
struct Tally {
    accepted: u64,
    repeated: u64,
    refused: BTreeMap<String, u64>,
}

/// Sends the file. Refused lines go to `out`, how far it is to `told`.
pub(super) async fn send(
    args: &SendArgs,
    out: &mut (dyn Write + Send),
    told: &mut (dyn Write + Send),
) -> Result<ExitCode, CliError> {
    let api = args.server.api()?;
    let file = std::fs::File::open(&args.file).map_err(unusable(&args.file))?;
    let mut lines = BufReader::new(file);
    let mut answers = match &args.answers {
        Some(path) => Some(std::fs::File::create(path).map_err(unusable(path))?),
        None => None,
    };
    let (mut line, mut tally) = (0, Tally::default());
    let mut looked = Instant::now();
    loop {
        let batch = batch(&mut lines, &mut line, args.keys.as_deref()).map_err(unusable(&args.file))?;
        if batch.is_empty() {
            break;
        }
        let mut note = |answer: Value| -> Result<(), CliError> {
            if let Some(answers) = &mut answers {
                writeln!(answers, "{answer}")?;
            }
            if let Some(error) = answer.get("error") {
                writeln!(out, "{}", refused(&answer, error))?;
            }
            tally.count(&answer);
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                writeln!(told, "{}", tally.shown())?;
            }
            Ok(())
        };
        all(&api, batch, &mut note).await?;
    }
    writeln!(told, "{}", tally.shown())?;
    Ok(if tally.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The next lines, without empty ones.
fn batch(lines: &mut impl BufRead, line: &mut u64, keys: Option<&str>) -> std::io::Result<Vec<Given>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < MOST_LINES && bytes < MOST_BYTES {
        let mut text = String::new();
        if lines.read_line(&mut text)? == 0 {
            break;
        }
        *line = line.saturating_add(1);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let text = keys.map_or_else(|| text.to_owned(), |keys| named(text, keys, *line));
        bytes += text.len();
        batch.push(Given { line: *line, text });
    }
    Ok(batch)
}

/// A line with a name. One that is no JSON object is for the server to refuse.
fn named(text: &str, keys: &str, line: u64) -> String {
    match serde_json::from_str(text) {
        Ok(Value::Object(mut members)) if !members.contains_key("idempotency_key") => {
            members.insert("idempotency_key".to_owned(), json!(format!("{keys}-{line}")));
            Value::Object(members).to_string()
        }
        _ => text.to_owned(),
    }
}

/// Sends lines until each is accepted or refused: one for which there is no room in the tenant's queue is sent again later.
async fn all(
    api: &Api,
    mut batch: Vec<Given>,
    note: &mut (dyn FnMut(Value) -> Result<(), CliError> + Send),
) -> Result<(), CliError> {
    let mut full = 0;
    loop {
        let mut waiting = BTreeSet::new();
        let (mut last, count) = (None, batch.len());
        whole(api, &batch, &mut |answer| {
            if code(&answer) != "queue_full" {
                return note(answer);
            }
            waiting.extend(answer.get("line").and_then(Value::as_u64));
            last = Some(answer);
            Ok(())
        })
        .await?;
        let Some(last) = last else { return Ok(()) };
        full = if waiting.len() < count { 1 } else { full + 1 };
        if full >= FULL_TRIES {
            return Err(refusal(&last).unwrap_or_else(|| cut_off(api)));
        }
        batch.retain(|given| waiting.contains(&given.line));
        tokio::time::sleep(FULL_PAUSE).await;
    }
}

/// Sends lines until each is answered: what is cut off is sent again from the first line without an answer.
async fn whole(
    api: &Api,
    batch: &[Given],
    note: &mut (dyn FnMut(Value) -> Result<(), CliError> + Send),
) -> Result<(), CliError> {
    let (mut done, mut failed) = (0, 0_u32);
    while let Some(rest) = batch.get(done..).filter(|rest| !rest.is_empty()) {
        let before = done;
        let mut ended = None;
        let body: Vec<&str> = rest
            .iter()
            .flat_map(|given| [given.text.as_str(), "\n"])
            .collect();
        let sent = api
            .send_lines("/v1/messages", body.concat(), &mut |text| {
                let Ok(mut answer) = serde_json::from_slice::<Value>(text) else {
                    return Ok(());
                };
                if answer.get("ended").is_some() {
                    ended = Some(answer);
                    return Ok(());
                }
                if let (Some(given), Some(answer)) = (batch.get(done), answer.as_object_mut()) {
                    answer.insert("line".to_owned(), json!(given.line));
                }
                done += 1;
                note(answer)
            })
            .await;
        failed = if done > before { 0 } else { failed + 1 };
        let error = match (sent, ended) {
            (Ok(()), None) if done > before => continue,
            (Ok(()), Some(ended)) if code(&ended) != "timeout" => {
                return Err(refusal(&ended).unwrap_or_else(|| cut_off(api)));
            }
            (Ok(()), _) => cut_off(api),
            (Err(error), _) => error,
        };
        if failed >= TRIES || !passes(&error) {
            return Err(error);
        }
        tokio::time::sleep(PAUSE.saturating_mul(failed)).await;
    }
    Ok(())
}

fn code(answer: &Value) -> &str {
    let code = answer.pointer("/error/code");
    code.and_then(Value::as_str).unwrap_or_default()
}

fn cut_off(api: &Api) -> CliError {
    CliError::Unreachable {
        url: api.base().to_owned(),
        reason: "the answer broke off".to_owned(),
    }
}

/// Whether trying again may help.
fn passes(error: &CliError) -> bool {
    match error {
        CliError::Unreachable { .. } => true,
        CliError::Refused { code, .. } => {
            matches!(code.as_str(), "busy" | "unavailable" | "rate_limited" | "timeout")
        }
        _ => false,
    }
}

/// A line that was refused, for people.
fn refused(answer: &Value, error: &Value) -> String {
    let of = |value: &Value, name: &str| value.get(name).map(plain).unwrap_or_default();
    format!(
        "line {}: {} ({})",
        of(answer, "line"),
        of(error, "message"),
        of(error, "code")
    )
}

impl Tally {
    fn count(&mut self, answer: &Value) {
        if answer.get("error").is_some() {
            let count = self.refused.entry(code(answer).to_owned()).or_default();
            *count = count.saturating_add(1);
        } else if answer.get("replayed").is_some() {
            self.repeated = self.repeated.saturating_add(1);
        } else {
            self.accepted = self.accepted.saturating_add(1);
        }
    }

    fn shown(&self) -> String {
        let refused: u64 = self.refused.values().sum();
        let reasons = in_brackets(&self.refused);
        format!(
            "{} accepted, {} accepted before, {refused} refused{reasons}",
            self.accepted, self.repeated
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_names_that_stay_and_keep_those_that_they_have() {
        let text = "{\"to\":\"1\"}\n\n{\"idempotency_key\":\"own\"}\nnonsense\n";
        let mut line = 0;
        let lines = batch(&mut text.as_bytes(), &mut line, Some("june")).unwrap();
        let shown: Vec<(u64, &str)> = lines
            .iter()
            .map(|given| (given.line, given.text.as_str()))
            .collect();
        let expected = [
            (1, r#"{"to":"1","idempotency_key":"june-1"}"#),
            (3, r#"{"idempotency_key":"own"}"#),
            (4, "nonsense"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(line, 4);
    }

    #[test]
    fn what_became_of_the_lines_is_one_line() {
        let mut tally = Tally::default();
        for answer in [
            json!({ "line": 1, "message": {} }),
            json!({ "line": 2, "message": {}, "replayed": true }),
            json!({ "line": 3, "error": { "code": "busy", "message": "x" } }),
        ] {
            tally.count(&answer);
        }
        assert_eq!(tally.shown(), "1 accepted, 1 accepted before, 1 refused (busy 1)");
        let answer = json!({ "line": 3, "error": { "code": "busy", "message": "x" } });
        assert_eq!(refused(&answer, &answer["error"]), "line 3: x (busy)");
    }
}
