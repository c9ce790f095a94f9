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
    /// Files of all tenants that wait to be read.
    pub max_files: usize,
    /// Bytes of all of a tenant's files.
    pub max_tenant_bytes: ByteSize,
    /// Bytes of all files.
    pub max_total_bytes: ByteSize,
    /// What stays free on the disk.
    pub min_free_bytes: ByteSize,
}

impl ImportsConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("imports.max_bytes", self.max_bytes.get(), 1 << 10..=64 << 30);
        problems.range("imports.max_rows", self.max_rows, 1..=100_000_000);
        problems.range("imports.at_once", self.at_once, 1..=64);
        problems.range("imports.max_files", self.max_files, 1..=10_000);
        let bytes = 16 << 20..=1 << 50;
        problems.range(
            "imports.max_tenant_bytes",
            self.max_tenant_bytes.get(),
            bytes.clone(),
        );
        problems.range("imports.max_total_bytes", self.max_total_bytes.get(), bytes);
        problems.range("imports.min_free_bytes", self.min_free_bytes.get(), 0..=1 << 50);
    }
}
