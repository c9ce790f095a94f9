//! How long to wait before something that failed is tried again.

use std::time::Duration;

/// Waits that grow with each failure in a row. Without jitter: add it by [`spread`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// By how much each further wait is longer than the one before; 1 for a wait that stays the same.
    pub factor: u32,
    /// No wait is longer.
    pub longest: Duration,
}

impl Backoff {
    /// Waits that double.
    pub const fn doubling(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            factor: 2,
            longest,
        }
    }

    /// A wait that stays the same.
    pub const fn constant(wait: Duration) -> Self {
        Self {
            first: wait,
            factor: 1,
            longest: wait,
        }
    }

    /// The wait after so many failures in a row, counted from 1.
    pub fn after(self, failures: u32) -> Duration {
        let grown = self.factor.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(grown).min(self.longest)
    }
}

/// Half of a wait, up to one and a half of it: those who failed together do not come back together. `random` is from 0 to 1.
pub fn spread(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(random + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_however_many_failures_there_were() {
        let second = Duration::from_secs(1);
        let doubling = Backoff::doubling(second, second * 10);
        let four_times = Backoff {
            first: second,
            factor: 4,
            longest: second * 4_096,
        };
        for (backoff, waits) in [
            (doubling, [1, 1, 2, 4, 8, 10, 10]),
            (four_times, [1, 1, 4, 16, 64, 256, 1_024]),
            (Backoff::constant(second * 5), [5; 7]),
        ] {
            let found: Vec<_> = (0..7).map(|failures| backoff.after(failures).as_secs()).collect();
            assert_eq!(found, waits, "{backoff:?}");
            assert_eq!(backoff.after(u32::MAX), backoff.longest);
        }
    }

    #[test]
    fn a_wait_is_spread_around_itself() {
        let second = Duration::from_secs(1);
        let spread = [0.0, 0.5, 1.0].map(|random| spread(second, random).as_millis());
        assert_eq!(spread, [500, 1_000, 1_500]);
    }
}
