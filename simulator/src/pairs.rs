//! What there is between one number and one customer: the service window and the pair's rate.

use std::collections::HashMap;

use super::config::PairConfig;
use super::customers::CustomerIndex;
use super::limits::admit_pair;
use super::numbers::NumberIndex;
use crate::clock::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    paid_until_us: u64,
    /// The customer's last message, in milliseconds since 1970; 0 for none.
    wrote_at_ms: i64,
}

/// All pairs that ever exchanged a message.
#[derive(Debug, Default)]
pub(crate) struct Pairs(HashMap<(NumberIndex, CustomerIndex), Pair>);

impl Pairs {
    /// The customer wrote: the service window opens for 24 hours.
    pub(crate) fn wrote(&mut self, number: NumberIndex, customer: CustomerIndex, at: Timestamp) {
        let pair = self.0.entry((number, customer)).or_default();
        pair.wrote_at_ms = pair.wrote_at_ms.max(at.as_millis());
    }

    /// Whether anything but a template may be sent.
    pub(crate) fn window_open(&self, number: NumberIndex, customer: CustomerIndex, now: Timestamp) -> bool {
        self.0
            .get(&(number, customer))
            .is_some_and(|pair| pair.wrote_at_ms > 0 && now.as_millis() < pair.wrote_at_ms + DAY_MS)
    }

    /// Takes one message out of the pair's rate.
    pub(crate) fn admit(
        &mut self,
        number: NumberIndex,
        customer: CustomerIndex,
        now_us: u64,
        rule: PairConfig,
    ) -> bool {
        if rule.interval_ms == 0 {
            return true;
        }
        let pair = self.0.entry((number, customer)).or_default();
        admit_pair(&mut pair.paid_until_us, now_us, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_a_day_after_the_customers_last_message() {
        let mut pairs = Pairs::default();
        let (number, customer) = (NumberIndex(0), CustomerIndex(7));
        let at = Timestamp::from_millis(1_000);
        assert!(!pairs.window_open(number, customer, at));
        pairs.wrote(number, customer, at);
        assert!(pairs.window_open(number, customer, Timestamp::from_millis(DAY_MS + 999)));
        assert!(!pairs.window_open(number, customer, Timestamp::from_millis(DAY_MS + 1_000)));
        assert!(!pairs.window_open(NumberIndex(1), customer, at));
    }
}
