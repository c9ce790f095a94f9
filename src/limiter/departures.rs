//! What went out lately, and until when each message counts.
//!
//! Meta counts a message when it arrives, not when it left. One that was held up on the way arrives later, and the one that
//! leaves a second after it would be one too many. How late a message may have arrived is seen in its answer: by as much as
//! that took longer than the quickest of late. So a message counts for a second and that much more.

use std::collections::VecDeque;
use std::time::Duration;

/// How long a message counts whose answer is as quick as any.
const SECOND_AND_MORE: Duration = Duration::from_millis(1_001);
/// What a message counts longer at most, and while it is not answered.
const LATEST: Duration = Duration::from_millis(250);
/// What messages may count longer on average: answers can be slow on their way back as well, and a pace that believed all
/// of it would fall with every pause of this process.
const EACH: Duration = Duration::from_millis(2);
/// How much of that may be saved up.
const SAVED: Duration = Duration::from_secs(20);
/// The quickest answer is that of between one and two of these.
const LATELY: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Departure {
    at: Duration,
    until: Duration,
    answered: bool,
}

/// Messages that count, by when they left.
#[derive(Debug, Clone)]
pub(super) struct Departures {
    all: VecDeque<Departure>,
    saved: Duration,
    quickest: Duration,
    quickest_before: Duration,
    turned: Duration,
}

impl Default for Departures {
    fn default() -> Self {
        Self {
            all: VecDeque::new(),
            saved: SAVED,
            quickest: Duration::MAX,
            quickest_before: Duration::MAX,
            turned: Duration::ZERO,
        }
    }
}

impl Departures {
    /// Whether what left then may still count.
    pub(super) fn count_at(at: Duration, now: Duration) -> bool {
        now < at + SECOND_AND_MORE + LATEST
    }

    /// When one stops counting at the latest that leaves at this time.
    pub(super) fn latest_end(at: Duration) -> Duration {
        at + SECOND_AND_MORE + LATEST
    }

    /// One leaves. Times must not go back.
    pub(super) fn add(&mut self, at: Duration) {
        self.saved = (self.saved + EACH).min(SAVED);
        self.all.push_back(Departure {
            at,
            until: Self::latest_end(at),
            answered: false,
        });
    }

    /// One that left then was answered after so long. Of several that left together it may be any.
    pub(super) fn answered(&mut self, at: Duration, took: Duration, now: Duration) {
        if now >= self.turned + LATELY {
            self.turned = now;
            self.quickest_before = std::mem::replace(&mut self.quickest, Duration::MAX);
        }
        self.quickest = self.quickest.min(took);
        let usual = self.quickest.min(self.quickest_before);
        let first = self.all.partition_point(|departure| departure.at < at);
        let found = self
            .all
            .iter_mut()
            .skip(first)
            .take_while(|departure| departure.at == at)
            .find(|departure| !departure.answered);
        if let Some(departure) = found {
            let late = took.saturating_sub(usual).min(LATEST).min(self.saved);
            self.saved -= late;
            departure.answered = true;
            departure.until = at + SECOND_AND_MORE + late;
        }
    }

    /// Drops what no longer counts.
    pub(super) fn forget(&mut self, now: Duration) {
        // Only what left more than a second ago can be over.
        let old = self
            .all
            .partition_point(|departure| departure.at + SECOND_AND_MORE <= now);
        if old > 0 {
            let mut place = 0;
            self.all.retain(|departure| {
                place += 1;
                place > old || departure.until > now
            });
        }
    }

    /// How many count.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// When so many of them will have stopped counting, soonest first.
    pub(super) fn ends(&self, count: usize) -> Vec<Duration> {
        let mut ends: Vec<Duration> = self.all.iter().map(|departure| departure.until).collect();
        if count < ends.len() && count > 0 {
            ends.select_nth_unstable(count - 1);
        }
        ends.truncate(count);
        ends.sort_unstable();
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_message_counts_longer_by_as_much_as_its_answer_was_late() {
        let mut departures = Departures::default();
        for at in [0, 10, 20, 20] {
            departures.add(ms(at));
        }
        departures.answered(ms(0), ms(30), ms(30));
        departures.answered(ms(10), ms(70), ms(80));
        departures.answered(ms(20), ms(30), ms(80));
        assert_eq!(departures.ends(9), [ms(1_001), ms(1_021), ms(1_051), ms(1_271)]);
        departures.forget(ms(1_050));
        assert_eq!(departures.ends(1), [ms(1_051)]);
        assert_eq!(departures.len(), 2);
    }

    #[test]
    fn answers_that_are_all_slow_become_the_usual_ones() {
        let mut departures = Departures::default();
        for second in 0..30 {
            let at = ms(second * 1_000);
            departures.forget(at);
            departures.add(at);
            let took = if second < 10 { 20 } else { 90 };
            departures.answered(at, ms(took), at + ms(took));
        }
        assert_eq!(departures.ends(9), [ms(29_001), ms(30_001)]);
    }

    #[test]
    fn lateness_without_end_costs_two_milliseconds_a_message() {
        let mut departures = Departures::default();
        let mut longer = Duration::ZERO;
        for n in 0..10_000_u64 {
            let at = ms(n * 10);
            departures.forget(at);
            departures.add(at);
            let took = if n % 100 == 0 { 10 } else { 210 };
            departures.answered(at, ms(took), at);
            longer += departures.all.back().unwrap().until - at - SECOND_AND_MORE;
        }
        assert!(longer <= SAVED + 10_000 * EACH, "{longer:?}");
    }
}
