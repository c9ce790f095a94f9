//! What can be wrong with a configuration.

use std::fmt;
use std::ops::RangeInclusive;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The settings are wrong; every problem that was found.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
    /// The settings cannot be shown as TOML.
    #[error("cannot write the configuration as TOML: {0}")]
    Unwritable(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong and what would be right, with the key's name.
    pub message: String,
    /// Where the value stands: the file's name or the environment variable.
    pub source: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, " (in {source})"),
            None => Ok(()),
        }
    }
}

fn list(problems: &[Problem]) -> String {
    let head = match problems.len() {
        1 => "the configuration has a problem:".to_owned(),
        count => format!("the configuration has {count} problems:"),
    };
    problems
        .iter()
        .fold(head, |text, problem| format!("{text}\n  - {problem}"))
}

/// Collects problems of values that parsed, by key.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<KeyProblem>);

/// A value that parsed but is not acceptable.
#[derive(Debug)]
pub(super) struct KeyProblem {
    pub(super) key: String,
    pub(super) message: String,
}

impl Problems {
    pub(super) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(KeyProblem {
            key: key.into(),
            message: message.into(),
        });
    }

    /// Complains unless the value is within the range.
    pub(super) fn range<T: PartialOrd + fmt::Display>(
        &mut self,
        key: &str,
        value: T,
        range: RangeInclusive<T>,
    ) {
        if !range.contains(&value) {
            self.add(
                key,
                format!("must be {} to {}, not {value}", range.start(), range.end()),
            );
        }
    }
}
