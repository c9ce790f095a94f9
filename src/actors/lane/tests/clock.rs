//! A clock that stands still until everybody waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Clock, Timestamp};

/// The clock that tokio's paused time drives.
#[derive(Debug)]
pub(super) struct VirtualClock(Instant);

impl VirtualClock {
    /// Begins now.
    pub(super) fn now_on() -> Self {
        Self(Instant::now())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_800_000_000).after(self.0.elapsed())
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}
