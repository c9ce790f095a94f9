//! The audit log: how long it is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;

/// Section `audit`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// Days for which entries are kept after the end of their month.
    pub keep_days: u32,
}

impl AuditConfig {
    /// How long entries are kept after the end of their month.
    pub fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("audit.keep_days", self.keep_days, 90..=3_660);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn entries_are_kept_for_a_quarter_at_least_and_ten_years_at_most() {
        let read = |days: u32| {
            let file = format!("[audit]\nkeep_days = {days}\n");
            Config::from_sources(Some(("mesej.toml", &file)), [])
        };
        for days in [89, 3_661] {
            let error = read(days).unwrap_err().to_string();
            assert!(error.contains("`audit.keep_days` must be 90 to 3660"), "{error}");
        }
        assert_eq!(read(90).unwrap().audit.keep().as_secs(), 90 * 86_400);
    }
}
