//! How much is likely to come in during the next second, from what came in lately.
//!
//! Meta counts a customer's message when it is written; the gateway learns of it a little later. A pace that left no room
//! for what is on its way would be refused all the time, although every second looked lawful from here.

use std::time::Duration;

/// How long a message has weight: long enough to be steady, short enough to forget a busy minute.
const MEMORY: Duration = Duration::from_secs(2);

/// A shorter past than this tells no rate: one message is not a flood.
const SHORTEST_PAST: Duration = Duration::from_millis(250);

/// The highest estimate of so long stands: one that trembles must not give away what it takes back a moment later.
const HELD: Duration = Duration::from_secs(1);

/// A message is overdue only after this: the gateway hears of some a little late.
const LATE: Duration = Duration::from_millis(200);

/// Added to the estimate: customers do not write to the millisecond, so some seconds hold one message more than the
/// rate.
const ONE_MORE: f64 = 1.0;

/// A smoothed rate of messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Inflow {
    level: f64,
    began: Option<Duration>,
    last: Duration,
    held: usize,
    held_since: Duration,
}

impl Inflow {
    /// Counts a message.
    pub(super) fn note(&mut self, now: Duration) {
        self.level = self.level_at(now) + 1.0 / MEMORY.as_secs_f64();
        self.began = self.began.or(Some(now));
        self.last = now;
        // What a short past says is soon corrected.
        if self.began.is_some_and(|began| now < began + HELD) {
            return;
        }
        let expected = self.estimate(now);
        if expected >= self.held || now >= self.held_since + HELD {
            self.held = expected;
            self.held_since = now;
        }
    }

    /// The most messages to be expected in a second.
    pub(super) fn expected(&self, now: Duration) -> usize {
        let estimate = self.estimate(now);
        if now < self.held_since + HELD {
            estimate.max(self.held)
        } else {
            estimate
        }
    }

    fn estimate(&self, now: Duration) -> usize {
        let Some(began) = self.began else { return 0 };
        let past = now.saturating_sub(began).max(SHORTEST_PAST);
        // Of a short past, only so much of the level can have built up yet.
        let built_up = 1.0 - (-past.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        let rate = self.rate_at(now) / built_up;
        // Long after the last message none is kept room for.
        let expected = if rate < 0.5 {
            0.0
        } else {
            (rate + ONE_MORE).floor()
        };
        Duration::try_from_secs_f64(expected)
            .ok()
            .and_then(|whole| usize::try_from(whole.as_secs()).ok())
            .unwrap_or(usize::MAX)
    }

    /// The rate as it was at the last message; it falls only once the next one is overdue.
    fn rate_at(&self, now: Duration) -> f64 {
        let due = Duration::try_from_secs_f64(1.0 / self.level).unwrap_or(Duration::MAX);
        self.level_at(now.saturating_sub(due.saturating_add(LATE)).max(self.last))
    }

    fn level_at(&self, now: Duration) -> f64 {
        let since = now.saturating_sub(self.last);
        self.level * (-since.as_secs_f64() / MEMORY.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(gap_ms: u64, count: u64) -> (Inflow, Duration) {
        let mut inflow = Inflow::default();
        (0..count).for_each(|n| inflow.note(Duration::from_millis(n * gap_ms)));
        (inflow, Duration::from_millis(count.saturating_sub(1) * gap_ms))
    }

    #[test]
    fn a_steady_stream_is_expected_to_go_on() {
        for (gap_ms, per_second) in [(10, 100), (100, 10), (33, 31)] {
            for secs in [1, 3, 60] {
                let (inflow, now) = steady(gap_ms, secs * 1_000 / gap_ms);
                let expected = inflow.expected(now);
                assert!(
                    (per_second..=per_second + per_second / 20 + 2).contains(&expected),
                    "{gap_ms} ms, {secs} s: {expected}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_expected_before_the_first_and_long_after_the_last() {
        let (inflow, last) = steady(10, 500);
        assert_eq!(Inflow::default().expected(Duration::from_secs(5)), 0);
        assert_eq!(inflow.expected(last + Duration::from_secs(20)), 0);
    }

    #[test]
    fn one_message_is_not_a_flood() {
        let (inflow, now) = steady(0, 1);
        assert!(inflow.expected(now) <= 5);
        assert!(inflow.expected(now + Duration::from_secs(3)) <= 1);
    }
}
