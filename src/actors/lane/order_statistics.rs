//! Messages in order, so that how many go before one is told without walking over them.
//!
//! Sorted runs of bounded length: what is asked or changed touches one run, and counting adds up the lengths of those before
//! it, about one for every few hundred messages.

use crate::domain::MessageId;

/// Messages of a run at most: moving half of them costs less than a microsecond.
const LONGEST_RUN: usize = 512;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OrderStatistics {
    /// Each sorted and not empty, and all of one below all of the next.
    runs: Vec<Vec<MessageId>>,
    len: usize,
}

impl OrderStatistics {
    /// Adds a message, once.
    pub(super) fn insert(&mut self, message: MessageId) {
        let at = self.run_of(message).min(self.runs.len().saturating_sub(1));
        let Some(run) = self.runs.get_mut(at) else {
            self.runs.push(vec![message]);
            self.len = 1;
            return;
        };
        let Err(place) = run.binary_search(&message) else {
            return;
        };
        self.len += 1;
        if run.len() < LONGEST_RUN {
            run.insert(place, message);
            return;
        }
        // Most come in order: then the full runs stay full.
        let mut rest = run.split_off(if place == run.len() {
            place
        } else {
            LONGEST_RUN / 2
        });
        if place <= run.len() && !rest.is_empty() {
            run.insert(place, message);
        } else {
            rest.insert(place - run.len(), message);
        }
        self.runs.insert(at + 1, rest);
    }

    /// Takes a message out, if it is there.
    pub(super) fn remove(&mut self, message: MessageId) {
        let at = self.run_of(message);
        let Some(run) = self.runs.get_mut(at) else {
            return;
        };
        let Ok(place) = run.binary_search(&message) else {
            return;
        };
        run.remove(place);
        self.len -= 1;
        if run.is_empty() {
            self.runs.remove(at);
        }
    }

    /// How many are smaller than this one.
    pub(super) fn before(&self, message: MessageId) -> usize {
        let at = self.run_of(message);
        let whole: usize = self.runs.iter().take(at).map(Vec::len).sum();
        let within = self
            .runs
            .get(at)
            .map_or(0, |run| run.partition_point(|other| *other < message));
        whole + within
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The first run that does not end before the message.
    fn run_of(&self, message: MessageId) -> usize {
        self.runs
            .partition_point(|run| run.last().is_some_and(|last| *last < message))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u32) -> MessageId {
        MessageId::from_bytes(u128::from(number).to_be_bytes())
    }

    fn longest(order_statistics: &OrderStatistics) -> usize {
        order_statistics.runs.iter().map(Vec::len).max().unwrap_or(0)
    }

    #[test]
    fn a_hundred_thousand_in_order_stand_in_full_runs() {
        let mut order_statistics = OrderStatistics::default();
        (0..100_000).for_each(|number| order_statistics.insert(id(number)));
        assert_eq!(
            (order_statistics.len(), longest(&order_statistics)),
            (100_000, LONGEST_RUN)
        );
        assert_eq!(order_statistics.runs.len(), 100_000_usize.div_ceil(LONGEST_RUN));
        assert_eq!(order_statistics.before(id(77_777)), 77_777);
        (0..50_000).for_each(|number| order_statistics.remove(id(number)));
        assert_eq!(order_statistics.before(id(77_777)), 27_777);
        assert!(order_statistics.runs.len() <= 50_000_usize.div_ceil(LONGEST_RUN) + 1);
    }

    proptest! {
        #[test]
        fn it_counts_as_walking_over_all_of_them_would(
            steps in proptest::collection::vec((0_u32..4_000, any::<bool>()), 1..6_000),
        ) {
            let (mut order_statistics, mut model) = (OrderStatistics::default(), BTreeSet::new());
            for (number, comes) in steps {
                if comes {
                    order_statistics.insert(id(number));
                    model.insert(number);
                } else {
                    order_statistics.remove(id(number));
                    model.remove(&number);
                }
            }
            prop_assert_eq!(order_statistics.len(), model.len());
            prop_assert!(longest(&order_statistics) <= LONGEST_RUN);
            for number in (0..4_100).step_by(37) {
                prop_assert_eq!(order_statistics.before(id(number)), model.range(..number).count());
            }
        }
    }
}
