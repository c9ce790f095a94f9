//! When an outcome that nobody could tell is given up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::seconds;
use crate::domain::UnknownPolicy;

/// Section `unknown`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownConfig {
    /// For `never_duplicate` and `ask`.
    #[serde(rename = "never_duplicate_s", with = "seconds")]
    pub never_duplicate: Duration,
    /// For `retry_after_deadline`.
    #[serde(rename = "retry_after_deadline_s", with = "seconds")]
    pub retry_after_deadline: Duration,
    /// For templates that are not to be repeated.
    #[serde(rename = "template_s", with = "seconds")]
    pub template: Duration,
}

impl UnknownConfig {
    /// How long after its claim an attempt under this policy may stay unknown; templates are not judged by it.
    pub const fn deadline(&self, policy: UnknownPolicy) -> Duration {
        match policy {
            UnknownPolicy::NeverDuplicate | UnknownPolicy::Ask => self.never_duplicate,
            UnknownPolicy::RetryAfterDeadline => self.retry_after_deadline,
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range(
            "unknown.never_duplicate_s",
            self.never_duplicate.as_secs(),
            1..=604_800,
        );
        problems.range(
            "unknown.retry_after_deadline_s",
            self.retry_after_deadline.as_secs(),
            1..=604_800,
        );
        problems.range("unknown.template_s", self.template.as_secs(), 1..=604_800);
    }
}
