//! Messages whose time has not come, earliest first; of more than fit, the earliest are kept. What a `send_at` holds back
//! waits by the wall clock; what waits for its next try, by the monotonic one.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::waiting::Item;
use crate::domain::MessageId;

/// Messages that become due later, by the times of one clock.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    by_time: BTreeMap<(T, MessageId), Item>,
    capacity: usize,
}

impl<T: Copy + Ord + Debug> Schedule<T> {
    /// Keeps at most `capacity` messages.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            by_time: BTreeMap::new(),
            capacity,
        }
    }

    /// Keeps a message; gives back the one that is due last when there are too many.
    pub(super) fn insert(&mut self, due: T, item: Item) -> Option<Item> {
        self.by_time.insert((due, item.id()), item);
        if self.by_time.len() <= self.capacity {
            return None;
        }
        self.by_time.pop_last().map(|(_, item)| item)
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, due: T, message: MessageId) -> Option<Item> {
        self.by_time.remove(&(due, message))
    }

    /// Takes out the first message that is due.
    pub(super) fn take_due(&mut self, now: T) -> Option<Item> {
        let first = self.by_time.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the first message is due.
    pub(super) fn next_due(&self) -> Option<T> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    /// A message that is kept.
    pub(super) fn get(&self, due: T, message: MessageId) -> Option<&Item> {
        self.by_time.get(&(due, message))
    }

    /// How many messages are kept.
    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}
