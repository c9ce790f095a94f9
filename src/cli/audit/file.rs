//! `mesej audit verify --file`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::super::{CliError, output};
use crate::app::ExportCheck;

/// Checks a file without a server; ends with 1 where it is not as it was written.
pub(super) fn verify(path: &Path, noted: Option<(u64, &str)>, as_json: bool) -> Result<ExitCode, CliError> {
    let unusable = |reason: String| CliError::File {
        path: path.display().to_string(),
        reason,
    };
    let file = File::open(path).map_err(|error| unusable(error.to_string()))?;
    let mut check = ExportCheck::with(noted).map_err(|rule| unusable(format!("`--hash` must be {rule}")))?;
    let mut broken = None;
    for (line, number) in BufReader::new(file).lines().zip(1_u64..) {
        let line = line.map_err(|error| unusable(error.to_string()))?;
        if let Err(why) = check.step(&line) {
            broken = Some((number, why));
            break;
        }
    }
    let broken = broken.or_else(|| check.end().err().map(|why| (check.entries, why)));
    let (entries, first, last) = (check.entries, check.first, check.last());
    let answer = json!({
        "is_intact": broken.is_none(),
        "entries": entries,
        "first_seq": first,
        "last": last.as_ref().map(|(seq, hash)| json!({ "seq": seq, "hash": hash })),
        "broken_at_line": broken.map(|(line, _)| line),
        "why": broken.map(|(_, why)| why),
    });
    output::answer(&answer, as_json, |_| match (broken, &last) {
        (Some((line, why)), _) => format!("broken at line {line}: {why}\n"),
        (None, Some((seq, hash))) => {
            format!("intact, {entries} entries from {first} on; entry {seq} has the hash {hash}\n")
        }
        (None, None) => "no entries\n".to_owned(),
    })?;
    Ok(if broken.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
