//! How long a tenant's messages are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// Days for which a message is kept, counted from the message's own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Retention(u32);

impl Retention {
    /// One year.
    pub const DEFAULT: Self = Self(365);
    /// The shortest.
    pub const SHORTEST: Self = Self(1);
    /// The dedupe index outlives Meta's seven days of webhook retries, whatever the retention is.
    pub const DEDUPE: Duration = Duration::from_hours(9 * 24);
    /// Events stay readable this long for clients that resume.
    pub const EVENTS: Duration = Duration::from_hours(7 * 24);
    /// What was put aside waits this long for somebody to look at it: well within the 90 days in which everything of a
    /// customer who left must be gone.
    pub const ASIDE: Duration = Duration::from_hours(30 * 24);
    /// How long it is known that somebody of a name was erased, so that nothing is sold to them when an old file of customers is read in.
    pub const ERASED_NAMES: Duration = Duration::from_hours(5 * 365 * 24);
    /// How long an idempotency key holds its answer.
    pub const IDEMPOTENCY: Duration = Duration::from_hours(24);

    /// Accepts 1 day to 5 years.
    pub const fn days(days: u32) -> Option<Self> {
        if days >= Self::SHORTEST.0 && days <= 1_826 {
            Some(Self(days))
        } else {
            None
        }
    }

    /// The number of days.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// When an event of `at` stops being readable: after [`Self::EVENTS`], and no later than the messages of then.
    pub fn events_end(self, at: Timestamp) -> Timestamp {
        self.expiry(at).min(at.after(Self::EVENTS))
    }

    /// When something written at `at` stops being readable.
    pub fn expiry(self, at: Timestamp) -> Timestamp {
        at.after(Duration::from_secs(u64::from(self.0) * 86_400))
    }
}

impl TryFrom<u32> for Retention {
    type Error = &'static str;
    fn try_from(days: u32) -> Result<Self, Self::Error> {
        Self::days(days).ok_or("retention is 1 to 1826 days")
    }
}

impl From<Retention> for u32 {
    fn from(retention: Retention) -> Self {
        retention.0
    }
}
