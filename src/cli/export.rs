//! Where an export is written to, and how.

use std::io::{self, IsTerminal as _, Write};
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
    if let Some(output) = &file.output {
        let mut file = std::fs::File::create(output).map_err(unusable(output))?;
        return api.download(&path, &mut Counted::of(&mut file, progress())).await;
    }
    // Lines on a terminal are progress enough, and would stand between those that tell of it.
    let told = progress().filter(|_| !io::stdout().is_terminal());
    api.download(&path, &mut Counted::of(&mut io::stdout(), told))
        .await
}

/// Where progress is told: to people alone.
fn progress() -> Option<io::Stderr> {
    let stderr = io::stderr();
    stderr.is_terminal().then_some(stderr)
}

/// Bytes after which progress is told.
const TOLD: u64 = 256 << 10;

/// A file that is written, and how far it is, on one line.
struct Counted<'a, S> {
    out: &'a mut (dyn Write + Send),
    progress: Option<S>,
    lines: u64,
    bytes: u64,
    told: u64,
}

impl<'a, S: Write> Counted<'a, S> {
    fn of(out: &'a mut (dyn Write + Send), progress: Option<S>) -> Self {
        Self {
            out,
            progress,
            lines: 0,
            bytes: 0,
            told: 0,
        }
    }

    fn tell(&mut self, end: &str) -> io::Result<()> {
        self.told = self.bytes;
        let (lines, kilobytes) = (self.lines, self.bytes.div_ceil(1 << 10));
        let word = if lines == 1 { "line" } else { "lines" };
        match &mut self.progress {
            Some(progress) => {
                write!(progress, "\r{lines} {word}, {kilobytes} KiB{end}")?;
                progress.flush()
            }
            None => Ok(()),
        }
    }
}

impl<S: Write> Write for Counted<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        let lines = bytes.iter().take(written).filter(|byte| **byte == b'\n').count();
        self.lines += u64::try_from(lines).unwrap_or(u64::MAX);
        self.bytes += u64::try_from(written).unwrap_or(u64::MAX);
        if self.bytes - self.told >= TOLD {
            self.tell("")?;
        }
        Ok(written)
    }

    /// At the end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.tell("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_tells_how_far_it_is() {
        let (mut file, mut told) = (Vec::new(), Vec::new());
        let mut counted = Counted::of(&mut file, Some(&mut told));
        let lines = "x".repeat(1_023) + "\n";
        for _ in 0..300 {
            counted.write_all(lines.as_bytes()).unwrap();
        }
        counted.flush().unwrap();
        assert_eq!(file, lines.repeat(300).into_bytes());
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told, "\r256 lines, 256 KiB\r300 lines, 300 KiB\n");
    }

    #[test]
    fn what_nobody_watches_is_not_told() {
        let mut file = Vec::new();
        let mut counted = Counted::of(&mut file, None::<io::Stderr>);
        counted.write_all(b"a\n").unwrap();
        counted.flush().unwrap();
        assert_eq!(file, b"a\n");
    }
}
