//! Meta's rates: so many messages in any sliding second for a number, in and out together, and one in six seconds for a
//! customer, with a burst that borrows from the future.

use std::collections::VecDeque;

use super::config::PairConfig;

const SECOND_US: u64 = 1_000_000;

/// The messages of one number in the last second.
#[derive(Debug, Default)]
pub(crate) struct SlidingSecond {
    times_us: VecDeque<u64>,
    busiest: usize,
    busiest_asked: usize,
}

impl SlidingSecond {
    /// Counts a message that nobody asked leave for: an inbound one.
    pub(crate) fn count(&mut self, now_us: u64) {
        self.forget(now_us);
        self.times_us.push_back(now_us);
        self.busiest = self.busiest.max(self.times_us.len());
    }

    /// Counts a message unless the rate is used up.
    pub(crate) fn admit(&mut self, now_us: u64, rate: u32) -> bool {
        self.forget(now_us);
        self.busiest_asked = self.busiest_asked.max(self.times_us.len().saturating_add(1));
        if self.times_us.len() >= usize::try_from(rate).unwrap_or(usize::MAX) {
            return false;
        }
        self.count(now_us);
        true
    }

    /// The most messages that any sliding second held.
    pub(crate) const fn busiest(&self) -> usize {
        self.busiest
    }

    /// The most messages of any sliding second that ended with one which asked for leave, granted or not: above the rate
    /// means that the sender asked for too much.
    pub(crate) const fn busiest_asked(&self) -> usize {
        self.busiest_asked
    }

    fn forget(&mut self, now_us: u64) {
        while let Some(oldest) = self.times_us.front()
            && oldest.saturating_add(SECOND_US) <= now_us
        {
            self.times_us.pop_front();
        }
    }
}

/// Takes one message out of a pair's allowance. `paid_until_us` is the time up to which past messages have used it.
pub(crate) fn admit_pair(paid_until_us: &mut u64, now_us: u64, rule: PairConfig) -> bool {
    let interval_us = rule.interval_ms.saturating_mul(1_000);
    let start = (*paid_until_us).max(now_us);
    let borrowed = start - now_us;
    let most = interval_us.saturating_mul(u64::from(rule.burst.saturating_sub(1)));
    if borrowed > most {
        return false;
    }
    *paid_until_us = start.saturating_add(interval_us);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn inbound_messages_use_up_the_rate_too() {
        let mut second = SlidingSecond::default();
        (0..3).for_each(|at| second.count(at));
        assert!(second.admit(10, 4));
        assert_eq!(second.busiest_asked(), 4);
        assert!(!second.admit(11, 4));
        assert_eq!(
            (second.busiest(), second.busiest_asked()),
            (4, 5),
            "asking for too much is seen"
        );
        assert!(second.admit(SECOND_US, 4), "the first of them is a second old");
        assert!(!second.admit(SECOND_US, 4), "the second is not");
    }

    #[test]
    fn a_pair_bursts_forty_five_then_one_in_six_seconds() {
        let rule = PairConfig::default();
        let mut paid = 0;
        let at_once = (0..100).filter(|_| admit_pair(&mut paid, 0, rule)).count();
        assert_eq!(at_once, 45);
        assert!(!admit_pair(&mut paid, 5_999_999, rule));
        assert!(admit_pair(&mut paid, 6_000_000, rule));
        assert!(!admit_pair(&mut paid, 6_000_001, rule));
    }

    proptest! {
        #[test]
        fn no_sliding_second_holds_more_than_the_rate(gaps in prop::collection::vec(0_u64..200_000, 1..300)) {
            let mut second = SlidingSecond::default();
            let mut now = 0;
            let mut admitted = Vec::new();
            for gap in gaps {
                now += gap;
                if second.admit(now, 10) {
                    admitted.push(now);
                }
            }
            for (index, start) in admitted.iter().enumerate() {
                let within = admitted[index..].iter().take_while(|at| **at < start + SECOND_US).count();
                prop_assert!(within <= 10);
            }
        }
    }
}
