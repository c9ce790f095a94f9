//! An even pace with a small allowance for coming late: the generic cell rate algorithm with a rate that may change.
//!
//! Written by hand because a number's pace changes from one message to the next, with inbound traffic and after
//! throttling, which a quota fixed at construction cannot do.

use std::time::Duration;

/// Lets one pass per interval on average, and a few at once after a pause.
#[derive(Debug, Clone)]
pub struct Pacer {
    interval: Duration,
    burst: u32,
    /// When the next would be due if all before it had come exactly on time.
    due: Duration,
}

impl Pacer {
    /// A pace of `per_second`, with at most `burst` at once. Zero counts as one for both.
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self {
            interval: interval(f64::from(per_second.max(1))),
            burst: burst.max(1),
            due: Duration::ZERO,
        }
    }

    /// Changes the pace from now on. Anything below one in ten seconds counts as that.
    pub fn set_rate(&mut self, per_second: f64) {
        self.interval = interval(per_second.max(0.1));
    }

    /// Lets the first one pass at this time, and no other with it.
    pub fn begin_at(&mut self, at: Duration) {
        let early = self.interval.saturating_mul(self.burst - 1);
        self.due = self.due.max(at.saturating_add(early));
    }

    /// How long until one may pass; zero when it may now.
    pub fn wait(&self, now: Duration) -> Duration {
        let early = self.interval.saturating_mul(self.burst - 1);
        self.due.saturating_sub(early).saturating_sub(now)
    }

    /// Counts one that passes now.
    pub fn take(&mut self, now: Duration) {
        self.due = self.due.max(now).saturating_add(self.interval);
    }

    /// Lets one pass now, or says how long until it may.
    pub fn try_take(&mut self, now: Duration) -> Result<(), Duration> {
        let wait = self.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.take(now);
        Ok(())
    }
}

fn interval(per_second: f64) -> Duration {
    Duration::from_secs_f64(1.0 / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_the_pace() {
        let mut pacer = Pacer::new(10, 3);
        let mut passed = Vec::new();
        let mut now = Duration::from_secs(5);
        while passed.len() < 6 {
            match pacer.try_take(now) {
                Ok(()) => passed.push(now.as_millis()),
                Err(wait) => now += wait,
            }
        }
        assert_eq!(passed, [5_000, 5_000, 5_000, 5_100, 5_200, 5_300]);
    }

    #[test]
    fn the_wait_told_is_exactly_long_enough() {
        let mut pacer = Pacer::new(7, 1);
        pacer.take(Duration::ZERO);
        let wait = pacer.wait(Duration::ZERO);
        assert!(
            pacer
                .clone()
                .try_take(wait.checked_sub(Duration::from_nanos(1)).unwrap())
                .is_err()
        );
        assert!(pacer.try_take(wait).is_ok());
    }

    #[test]
    fn a_slower_pace_holds_from_the_next_one_on() {
        let mut pacer = Pacer::new(10, 1);
        pacer.take(Duration::ZERO);
        pacer.set_rate(2.0);
        pacer.take(Duration::from_millis(100));
        assert_eq!(pacer.wait(Duration::from_millis(100)), Duration::from_millis(500));
    }
}
