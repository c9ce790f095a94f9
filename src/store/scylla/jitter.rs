//! Random digits of stamps, and jitter of retries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
        time.mul_f64(self.rng().f64() + 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_spread_around_itself() {
        let jitter = Jitter::new(1);
        let second = Duration::from_secs(1);
        let all: Vec<_> = (0..1_000).map(|_| jitter.spread(second)).collect();
        assert!(all.iter().all(|time| (second / 2..second * 3 / 2).contains(time)));
        assert!(all.iter().any(|time| *time < second) && all.iter().any(|time| *time > second));
    }
}
