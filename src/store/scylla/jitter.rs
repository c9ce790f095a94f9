//! Random digits of stamps, and jitter of retries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::backoff::spread;

/// A source of both, from a seed.
#[derive(Debug)]
pub(super) struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    fn rng(&self) -> MutexGuard<'_, fastrand::Rng> {
        // Whatever a panic left of it is as much by chance as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number of three digits.
    pub(super) fn three_digits(&self) -> i64 {
        self.rng().i64(0..1_000)
    }

    /// Any number.
    pub(super) fn any(&self) -> i64 {
        self.rng().i64(..)
    }

    /// Half of a time, up to one and a half: those who failed together do not come back together.
    pub(super) fn spread(&self, time: Duration) -> Duration {
        spread(time, self.rng().f64())
    }
}
