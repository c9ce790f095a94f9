//! Messages whose time has not come, earliest first; of more than fit, the earliest are kept.

use std::collections::BTreeMap;

use super::waiting::Item;
use crate::domain::{MessageId, Timestamp};

/// Messages that become due later.
#[derive(Debug)]
pub(super) struct Schedule {
    by_time: BTreeMap<(Timestamp, MessageId), Item>,
    capacity: usize,
}

impl Schedule {
    /// Keeps at most `capacity` messages.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            by_time: BTreeMap::new(),
            capacity,
        }
    }

    /// Keeps a message; gives back the one that is due last when there are too many.
    pub(super) fn insert(&mut self, item: Item) -> Option<Item> {
        self.by_time.insert((item.waiting.due, item.id()), item);
        if self.by_time.len() <= self.capacity {
            return None;
        }
        self.by_time.pop_last().map(|(_, item)| item)
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, due: Timestamp, message: MessageId) -> Option<Item> {
        self.by_time.remove(&(due, message))
    }

    /// Takes out the first message that is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Item> {
        let first = self.by_time.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the first message is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    /// Calls claimed so far for a message.
    pub(super) fn attempt(&self, due: Timestamp, message: MessageId) -> u8 {
        self.by_time
            .get(&(due, message))
            .map_or(0, |item| item.waiting.attempt)
    }

    /// How many messages are kept.
    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}
