//! How many of something may happen in a time: the generic cell rate algorithm, in one number.
//!
//! A socket's pace must cost a few bytes, so this is not [`governor`], whose limiters bring their own clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A rate, and how much of it may come at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    interval_ns: u64,
    tolerance_ns: u64,
}

impl Rate {
    /// `per_second` things in a second, all of which may come at once after a pause.
    pub(super) fn per_second(per_second: u32) -> Self {
        Self::even(per_second, per_second)
    }

    /// `per_second` things in a second, of which so many may come at once after a pause.
    pub(super) fn even(per_second: u32, at_once: u32) -> Self {
        let interval_ns = 1_000_000_000 / u64::from(per_second.max(1));
        Self {
            interval_ns,
            tolerance_ns: interval_ns.saturating_mul(u64::from(at_once.saturating_sub(1))),
        }
    }

    /// Given when the next would be on time: how long until one may come, and the same after it.
    fn next(self, due_ns: u64, now: Duration) -> (Duration, u64) {
        let now_ns = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let early = due_ns.saturating_sub(now_ns);
        let wait = Duration::from_nanos(early.saturating_sub(self.tolerance_ns));
        (wait, due_ns.max(now_ns).saturating_add(self.interval_ns))
    }
}

/// The pace of one socket.
#[derive(Debug, Default)]
pub(super) struct Pace {
    due_ns: u64,
}

impl Pace {
    /// Takes one, or says how long to wait.
    pub(super) fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let (wait, next) = rate.next(self.due_ns, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.due_ns = next;
        Ok(())
    }
}

/// A pace that all threads share.
#[derive(Debug, Default)]
pub(super) struct SharedPace {
    due_ns: AtomicU64,
}

impl SharedPace {
    /// How long the next would wait, were it booked now.
    pub(super) fn wait(&self, rate: Rate, now: Duration) -> Duration {
        let (wait, _) = rate.next(self.due_ns.load(Ordering::Relaxed), now);
        wait
    }

    /// Books the next, and says how long to wait for it. Whoever would wait longer than `patience` books nothing and is told
    /// when to come back.
    pub(super) fn book(&self, rate: Rate, now: Duration, patience: Duration) -> Result<Duration, Duration> {
        let mut due_ns = self.due_ns.load(Ordering::Relaxed);
        loop {
            let (wait, next) = rate.next(due_ns, now);
            if wait > patience {
                return Err(wait.saturating_sub(patience));
            }
            match self
                .due_ns
                .compare_exchange_weak(due_ns, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(wait),
                Err(other) => due_ns = other,
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
