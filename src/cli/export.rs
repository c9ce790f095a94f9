//! Where an export is written to, and how.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::CliError;
use super::admin::{Api, segment};

/// Options of every export.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// How the file is written
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    format: FileFormat,
    /// Where to write; without it to the standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// Comma-separated values
    Csv,
    /// One JSON object a line
    Ndjson,
}

/// Exports what an address gives, narrowed by the parameters that have a value.
pub(super) async fn export(
    api: &Api,
    address: &str,
    params: &[(&str, Option<&str>)],
    file: &FileArgs,
) -> Result<(), CliError> {
    let format = match file.format {
        FileFormat::Csv => "csv",
        FileFormat::Ndjson => "ndjson",
    };
    let mut path = format!("{address}?format={format}");
    for (name, value) in params {
        if let Some(value) = value {
            path = format!("{path}&{name}={}", segment(value));
        }
    }
    match &file.output {
        Some(output) => {
            let mut file = std::fs::File::create(output).map_err(unusable(output))?;
            api.download(&path, &mut file).await
        }
        None => api.download(&path, &mut io::stdout()).await,
    }
}

/// Says which file cannot be read or written.
pub(super) fn unusable(path: &Path) -> impl Fn(io::Error) -> CliError {
    let path = path.display().to_string();
    move |error| CliError::File {
        path: path.clone(),
        reason: error.to_string(),
    }
}
