//! A clock that stands still until everybody waits.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{Clock, Timestamp};

/// The clock that tokio's paused time drives. Its wall clock may be set.
#[derive(Debug)]
pub(super) struct VirtualClock {
    began: Instant,
    ahead_secs: AtomicI64,
}

impl VirtualClock {
    /// Begins now.
    pub(super) fn now_on() -> Self {
        Self {
            began: Instant::now(),
            ahead_secs: AtomicI64::new(0),
        }
    }

    /// Sets the wall clock alone, so many seconds before or after what it would show.
    pub(super) fn set_ahead(&self, seconds: i64) {
        self.ahead_secs.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_secs.load(Ordering::SeqCst);
        Timestamp::from_secs(1_800_000_000 + ahead).after(self.began.elapsed())
    }
    fn monotonic(&self) -> Duration {
        self.began.elapsed()
    }
}
