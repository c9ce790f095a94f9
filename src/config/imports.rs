//! Imports of contacts: how large a file may be, and where it lies meanwhile.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::ByteSize;

/// Section `imports`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportsConfig {
    /// Where files lie until they are read; empty is `imports` in `store.path`.
    pub path: PathBuf,
    /// The largest file.
    pub max_bytes: ByteSize,
    /// Rows of a file.
    pub max_rows: u64,
    /// Imports that are carried out at once.
    pub at_once: usize,
    /// Files of all tenants that lie there at once.
    pub max_files: usize,
}

impl ImportsConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("imports.max_bytes", self.max_bytes.get(), 1 << 10..=64 << 30);
        problems.range("imports.max_rows", self.max_rows, 1..=100_000_000);
        problems.range("imports.at_once", self.at_once, 1..=64);
        problems.range("imports.max_files", self.max_files, 1..=10_000);
    }
}
