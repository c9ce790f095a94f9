//! How fast a number may send, and what goes first.

use serde::{Deserialize, Serialize};

/// Which of a lane's two queues a message waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A person waits for it: agents' replies, one-time passwords.
    Interactive,
    /// Broadcasts and other bulk; has a guaranteed share and never more than what interactive leaves.
    Bulk,
}

impl Priority {
    /// Every priority, the more urgent first.
    pub const ALL: &[Self] = &[Self::Interactive, Self::Bulk];

    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

/// Messages per second that Meta allows a number, inbound and outbound together.
/// Source: Cloud API, Throughput: 80 by default, 1,000 after an upgrade, 20 for numbers shared with the Business app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SendRate(u32);

impl SendRate {
    /// Meta's default.
    pub const STANDARD: Self = Self(80);

    /// More than Meta gives any number.
    pub const MAX: Self = Self(10_000);

    /// Accepts 1 to 10,000 messages per second.
    pub const fn new(per_second: u32) -> Option<Self> {
        if per_second >= 1 && per_second <= Self::MAX.0 {
            Some(Self(per_second))
        } else {
            None
        }
    }

    /// Messages per second.
    pub const fn per_second(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for SendRate {
    type Error = &'static str;
    fn try_from(per_second: u32) -> Result<Self, Self::Error> {
        Self::new(per_second).ok_or("a send rate is 1 to 10000 messages per second")
    }
}

impl From<SendRate> for u32 {
    fn from(rate: SendRate) -> Self {
        rate.0
    }
}
