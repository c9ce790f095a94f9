//! How much of what all tenants share one tenant may have.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// What is bounded for each tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// Open sockets at one gateway.
    Sockets,
    /// Tickets at one gateway that were made and not used.
    Tickets,
    /// Calls in a second at one gateway, of all keys and sessions together.
    RequestsPerS,
    /// Messages that wait to be sent.
    Backlog,
    /// Members of the team.
    Agents,
    /// Bytes of files.
    Storage,
}

impl Quota {
    /// All of them.
    pub const ALL: &[Self; 6] = &[
        Self::Sockets,
        Self::Tickets,
        Self::RequestsPerS,
        Self::Backlog,
        Self::Agents,
        Self::Storage,
    ];

    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sockets => "sockets",
            Self::Tickets => "tickets",
            Self::RequestsPerS => "requests_per_s",
            Self::Backlog => "backlog",
            Self::Agents => "agents",
            Self::Storage => "storage",
        }
    }

    /// What a limit may be. A team is one row, which has room for 300.
    pub const fn bounds(self) -> RangeInclusive<u64> {
        match self {
            Self::Sockets => 1..=1_000_000,
            Self::Tickets => 1..=65_536,
            Self::RequestsPerS => 1..=100_000,
            Self::Backlog => 1..=100_000_000,
            Self::Agents => 1..=300,
            Self::Storage => 1 << 20..=1 << 60,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Limits that were set for one tenant. Whatever is not among them is as the settings say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quotas(BTreeMap<Quota, u64>);

impl Quotas {
    /// What was set, if it was.
    pub fn get(&self, quota: Quota) -> Option<u64> {
        self.0.get(&quota).copied()
    }

    /// Sets a limit, within its bounds, or has the settings say it again.
    pub fn set(&mut self, quota: Quota, limit: Option<u64>) {
        let bounds = quota.bounds();
        match limit {
            Some(limit) => self.0.insert(quota, limit.clamp(*bounds.start(), *bounds.end())),
            None => self.0.remove(&quota),
        };
    }

    /// Whether all is as the settings say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The limits that hold for a tenant, by the settings and by what was set for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimits([u64; Quota::ALL.len()]);

impl QuotaLimits {
    /// Made of what each quota is by default.
    pub fn by_default(limit: impl Fn(Quota) -> u64) -> Self {
        Self(Quota::ALL.map(limit))
    }

    /// The same for a tenant.
    pub fn of(self, set: &Quotas) -> Self {
        Self::by_default(|quota| set.get(quota).unwrap_or_else(|| self.limit(quota)))
    }

    /// One limit.
    pub fn limit(self, quota: Quota) -> u64 {
        let limits = Quota::ALL.iter().zip(self.0);
        let mut found = limits.filter_map(|(one, limit)| (*one == quota).then_some(limit));
        found.next().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_holds_and_the_rest_is_as_the_settings_say() {
        let defaults = QuotaLimits::by_default(|quota| *quota.bounds().end());
        let mut set = Quotas::default();
        set.set(Quota::Agents, Some(301));
        assert_eq!(set.get(Quota::Agents), Some(300));
        set.set(Quota::Agents, Some(3));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"{"agents":3}"#);
        let limits = defaults.of(&set);
        for quota in *Quota::ALL {
            let expected = if quota == Quota::Agents {
                3
            } else {
                *quota.bounds().end()
            };
            assert_eq!(limits.limit(quota), expected, "{quota}");
        }
        set.set(Quota::Agents, None);
        assert!(set.is_empty());
        assert_eq!(defaults.of(&set), defaults);
    }
}
