//! How long messages are kept.

use serde::{Deserialize, Serialize};

use crate::domain::Retention;

/// Section `retention`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// For tenants that do not say otherwise.
    pub default_days: Retention,
}
