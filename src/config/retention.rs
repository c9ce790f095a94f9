//! How long messages are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use crate::domain::Retention;

/// Section `retention`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// For tenants that do not say otherwise.
    pub default_days: Retention,
    /// Days for which it is kept what tenants used.
    pub usage_days: u32,
}

impl RetentionConfig {
    /// How long it is kept what tenants used.
    pub fn keep_usage(&self) -> Duration {
        Duration::from_hours(24).saturating_mul(self.usage_days)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("retention.usage_days", self.usage_days, 31..=3_660);
    }
}
