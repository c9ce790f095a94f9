//! Slows a lane to a single trial call while Meta cannot be reached or answers nothing useful.
//!
//! Without it an outage would use up the attempts of everything that waits, or turn it into unknown outcomes one by one.

use std::time::Duration;

use crate::domain::Backoff;

/// The longest stop between two trials.
const LONGEST: Duration = Duration::from_secs(600);
/// The stop doubles up to a minute, then grows with the outage, by a tenth of its length.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60));

/// How many calls may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// As many as the limits allow.
    Free,
    /// One, to see whether things are better.
    One,
    /// None before the given time.
    NoneUntil(Duration),
}

/// What a call without a useful answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Meta was not reached, or did not process the request: nothing will come of more calls.
    Certain,
    /// Not the Graph API answered: nothing will come of more calls.
    NotGraph,
    /// The answer is ambiguous, which one message alone can also cause.
    Perhaps,
}

/// Why the circuit breaker is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Meta does not answer.
    NoAnswer,
    /// Somebody else answers in its place.
    NotGraph,
    /// Meta asked for silence.
    Asked,
}

/// The state of the circuit breaker.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    patience: u32,
    in_a_row: u32,
    since: Option<Duration>,
    cause: Cause,
    stops: u32,
    stopped_at: Duration,
    until: Duration,
    /// When the last call began that got a definite answer.
    worked: Option<Duration>,
}

impl CircuitBreaker {
    /// Opens after `patience` ambiguous answers in a row.
    pub(super) const fn new(patience: u32) -> Self {
        Self {
            patience,
            in_a_row: 0,
            since: None,
            cause: Cause::NoAnswer,
            stops: 0,
            stopped_at: Duration::ZERO,
            until: Duration::ZERO,
            worked: None,
        }
    }

    /// How many calls may be under way.
    pub(super) fn allowance(&self, now: Duration) -> Allowance {
        if now < self.until {
            Allowance::NoneUntil(self.until)
        } else if self.since.is_some() {
            Allowance::One
        } else {
            Allowance::Free
        }
    }

    /// A call that began at `began` got a definite answer: Meta works.
    pub(super) fn answered(&mut self, began: Duration) {
        self.in_a_row = 0;
        self.worked = self.worked.max(Some(began));
        if began >= self.stopped_at {
            self.since = None;
            self.stops = 0;
        }
    }

    /// A call that began at `began` got no useful answer.
    pub(super) fn troubled(&mut self, trouble: Trouble, began: Duration, now: Duration) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let certain = matches!(trouble, Trouble::Certain | Trouble::NotGraph);
        let enough = certain || self.in_a_row >= self.patience || self.since.is_some();
        // Calls that were under way when the lane stopped say nothing new.
        let news = self.since.is_none() || began >= self.stopped_at;
        if !enough || !news {
            return;
        }
        let since = *self.since.get_or_insert(now);
        self.stops = self.stops.saturating_add(1);
        let wait = BACKOFF
            .after(self.stops)
            .max(now.saturating_sub(since) / 10)
            .min(LONGEST);
        self.cause = match trouble {
            Trouble::NotGraph => Cause::NotGraph,
            Trouble::Certain | Trouble::Perhaps => Cause::NoAnswer,
        };
        self.stopped_at = now;
        self.until = self.until.max(now + wait);
    }

    /// Meta asked for silence.
    pub(super) fn stop_until(&mut self, until: Duration, now: Duration) {
        if until > self.until {
            self.since.get_or_insert(now);
            self.cause = Cause::Asked;
            self.stopped_at = now;
            self.until = until;
        }
    }

    /// Takes over what an earlier circuit breaker of the number knows, unless a call since then shows that Meta works. Of two that are
    /// on, the longer stop stands.
    pub(super) fn inherit(&mut self, earlier: Self) {
        let is_over = self.worked.is_some_and(|worked| worked >= earlier.stopped_at);
        let is_longer = self.since.is_none() || earlier.until > self.until;
        if earlier.since.is_some() && is_longer && !is_over {
            *self = Self {
                worked: self.worked,
                ..earlier
            };
        }
    }

    /// When the last call began that got a definite answer.
    pub(super) const fn worked(&self) -> Option<Duration> {
        self.worked
    }

    /// Somebody says that Meta works.
    pub(super) fn release(&mut self) {
        *self = Self::new(self.patience);
    }

    /// Why the circuit breaker is on, if it is.
    pub(super) fn is_on(&self) -> Option<Cause> {
        self.since.map(|_| self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_day_without_meta_costs_fewer_trials_than_a_message_has_attempts() {
        let mut circuit_breaker = CircuitBreaker::new(5);
        let (mut now, mut trials) = (secs(1), 0_u32);
        while now < secs(86_400) {
            match circuit_breaker.allowance(now) {
                Allowance::NoneUntil(until) => now = until,
                Allowance::Free | Allowance::One => {
                    trials += 1;
                    circuit_breaker.troubled(Trouble::Certain, now, now + Duration::from_millis(5));
                    now += Duration::from_millis(5);
                }
            }
        }
        assert!(trials < 200, "{trials} trials");
    }

    #[test]
    fn one_ambiguous_answer_does_not_stop_a_lane_but_several_in_a_row_do() {
        let mut circuit_breaker = CircuitBreaker::new(3);
        for second in 1..=2 {
            circuit_breaker.troubled(Trouble::Perhaps, secs(second), secs(second));
        }
        assert_eq!(circuit_breaker.allowance(secs(2)), Allowance::Free);
        circuit_breaker.answered(secs(2));
        circuit_breaker.troubled(Trouble::Perhaps, secs(3), secs(3));
        assert_eq!(
            circuit_breaker.allowance(secs(3)),
            Allowance::Free,
            "an answer starts the count anew"
        );
        circuit_breaker.troubled(Trouble::Perhaps, secs(4), secs(4));
        circuit_breaker.troubled(Trouble::Perhaps, secs(5), secs(5));
        assert_eq!(circuit_breaker.allowance(secs(5)), Allowance::NoneUntil(secs(6)));
    }

    #[test]
    fn what_an_earlier_circuit_breaker_knew_stands_until_a_later_call_shows_otherwise() {
        let earlier = || {
            let mut circuit_breaker = CircuitBreaker::new(5);
            circuit_breaker.troubled(Trouble::Certain, secs(9), secs(10));
            circuit_breaker
        };
        let mut fresh = CircuitBreaker::new(5);
        fresh.inherit(earlier());
        assert_eq!(fresh.allowance(secs(10)), Allowance::NoneUntil(secs(11)));

        let mut works = CircuitBreaker::new(5);
        works.answered(secs(12));
        works.inherit(earlier());
        assert_eq!(
            works.allowance(secs(10)),
            Allowance::Free,
            "the end is heard late"
        );

        let mut stopped = CircuitBreaker::new(5);
        stopped.stop_until(secs(300), secs(13));
        stopped.inherit(earlier());
        assert_eq!(stopped.allowance(secs(13)), Allowance::NoneUntil(secs(300)));
        stopped.inherit(CircuitBreaker::new(5));
        assert_eq!(stopped.allowance(secs(13)), Allowance::NoneUntil(secs(300)));
    }

    #[test]
    fn calls_that_were_under_way_do_not_make_the_stop_longer_and_only_a_trial_ends_it() {
        let mut circuit_breaker = CircuitBreaker::new(5);
        circuit_breaker.troubled(Trouble::Certain, secs(9), secs(10));
        for _ in 0..40 {
            circuit_breaker.troubled(Trouble::Certain, secs(9), secs(10));
        }
        assert_eq!(
            circuit_breaker.allowance(secs(10)),
            Allowance::NoneUntil(secs(11))
        );
        circuit_breaker.answered(secs(9));
        assert_eq!(circuit_breaker.allowance(secs(11)), Allowance::One);
        circuit_breaker.answered(secs(11));
        assert_eq!(circuit_breaker.allowance(secs(11)), Allowance::Free);
    }
}
