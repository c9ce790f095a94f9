//! How many of something may happen in a time, where it is counted once and not for each of many keys: a socket's frames, what
//! all threads share.
//!
//! The arithmetic is that of [`Bucket`]. [`governor`] is not used: its limiters bring their own clock, and a socket's pace must
//! cost a few bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::limiter::{Allowance, Bucket};

/// A rate, and how much of it may come at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate(Allowance);

impl Rate {
    /// `per_second` things in a second, all of which may come at once after a pause.
    pub(super) fn per_second(per_second: u32) -> Self {
        Self::even(per_second, per_second)
    }

    /// `per_second` things in a second, of which so many may come at once after a pause.
    pub(super) fn even(per_second: u32, at_once: u32) -> Self {
        Self(Allowance::new(
            at_once,
            Duration::from_secs(1) / per_second.max(1),
        ))
    }
}

/// The pace of one socket.
#[derive(Debug, Default)]
pub(super) struct Pace(Bucket);

impl Pace {
    /// Takes one, or says how long to wait.
    pub(super) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let wait = self.0.wait(rate.0, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.0 = self.0.add(rate.0, now);
        Ok(())
    }
}

/// A pace that all threads share.
#[derive(Debug, Default)]
pub(super) struct SharedPace {
    /// [`Bucket::forgotten_at`], in nanoseconds.
    forgotten_at_ns: AtomicU64,
}

impl SharedPace {
    /// How long the next would wait, were it booked now.
    pub(super) fn wait(&self, rate: Rate, now: Duration) -> Duration {
        let forgotten_at = Duration::from_nanos(self.forgotten_at_ns.load(Ordering::Relaxed));
        Bucket::until(forgotten_at).wait(rate.0, now)
    }

    /// How many of what was booked still count against the rate.
    pub(super) fn owes(&self, rate: Rate, now: Duration) -> u32 {
        let forgotten_at = Duration::from_nanos(self.forgotten_at_ns.load(Ordering::Relaxed));
        Bucket::until(forgotten_at).owes(rate.0, now)
    }

    /// Books the next, and says how long to wait for it. Whoever would wait longer than `patience` books nothing and is told
    /// when to come back.
    pub(super) fn book(&self, rate: Rate, now: Duration, patience: Duration) -> Result<Duration, Duration> {
        let mut before_ns = self.forgotten_at_ns.load(Ordering::Relaxed);
        loop {
            let bucket = Bucket::until(Duration::from_nanos(before_ns));
            let wait = bucket.wait(rate.0, now);
            if wait > patience {
                return Err(wait.saturating_sub(patience));
            }
            let after = bucket.add(rate.0, now).forgotten_at();
            let after_ns = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
            match self.forgotten_at_ns.compare_exchange_weak(
                before_ns,
                after_ns,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(wait),
                Err(other) => before_ns = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_the_rate_may_come_at_once_and_then_only_the_rate() {
        let rate = Rate::per_second(20);
        let mut pace = Pace::default();
        let start = Duration::from_secs(100);
        let taken = (0..50).filter(|_| pace.take(rate, start).is_ok()).count();
        assert_eq!(taken, 20);
        assert_eq!(pace.take(rate, start), Err(Duration::from_millis(50)));
        let later = (1..=100)
            .filter(|step| pace.take(rate, start + Duration::from_millis(10 * step)).is_ok())
            .count();
        assert_eq!(later, 20);
    }

    #[test]
    fn threads_together_take_no_more_than_the_rate() {
        let rate = Rate::per_second(100);
        let shared = SharedPace::default();
        let taken: usize = std::thread::scope(|scope| {
            let take = || {
                (0..100)
                    .filter(|_| shared.book(rate, Duration::from_secs(1), Duration::ZERO).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }

    #[test]
    fn the_wait_of_the_next_is_told_without_booking_it() {
        let rate = Rate::even(10, 2);
        let shared = SharedPace::default();
        let now = Duration::from_secs(1);
        for wait in [0, 0, 100] {
            let wait = Duration::from_millis(wait);
            assert_eq!([shared.wait(rate, now), shared.wait(rate, now)], [wait, wait]);
            assert_eq!(shared.book(rate, now, Duration::MAX), Ok(wait));
        }
    }

    #[test]
    fn who_waits_comes_in_turn_and_nobody_waits_longer_than_told() {
        let rate = Rate::even(10, 2);
        let shared = SharedPace::default();
        let (now, patience) = (Duration::from_secs(1), Duration::from_millis(250));
        let mut booked = (0..5).map(|_| shared.book(rate, now, patience));
        for wait in [0, 0, 100, 200] {
            assert_eq!(booked.next().unwrap(), Ok(Duration::from_millis(wait)));
        }
        assert_eq!(booked.next().unwrap(), Err(Duration::from_millis(50)));
    }
}
