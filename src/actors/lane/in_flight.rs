//! Messages that the lane has in flight: claimed, being called for, or with a result that is being committed.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::unknown::ClaimNumber;
use super::waiting::{Item, PRIORITIES, PerPriority};
use crate::actors::request::DelayReason;
use crate::domain::{MessageId, Priority, Timestamp};
use crate::store::{Ahead, Claimed};

/// One message in flight.
#[derive(Debug)]
pub(super) struct InFlightMessage {
    /// The message, as it waited.
    pub(super) item: Item,
    /// Its claim.
    pub(super) claimed: Claimed,
    /// The note that no call has begun; it is wiped when one does.
    pub(super) ahead: Option<Ahead>,
    /// The claim's number within the lane.
    pub(super) number: ClaimNumber,
    /// The process-wide place for its call; it goes with the call.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// When its call began.
    pub(super) began: Option<Duration>,
    /// Why it waits, should it have to be tried again.
    pub(super) delay: DelayReason,
}

/// Everything in flight.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    in_flight: HashMap<MessageId, InFlightMessage>,
    unstarted: PerPriority<VecDeque<MessageId>>,
    count: PerPriority<usize>,
}

impl InFlight {
    /// Keeps a granted claim until its call may begin.
    pub(super) fn add(&mut self, found: InFlightMessage) {
        let (message, priority) = (found.item.id(), found.item.waiting.priority);
        *self.count.of_mut(priority) += 1;
        self.unstarted.of_mut(priority).push_back(message);
        self.in_flight.insert(message, found);
    }

    /// The next claim of a priority whose call has not begun.
    pub(super) fn next_unstarted(&self, priority: Priority) -> Option<MessageId> {
        self.unstarted.of(priority).front().copied()
    }

    /// Takes a claim off the list of those whose call has not begun.
    pub(super) fn start(&mut self, priority: Priority) -> Option<&mut InFlightMessage> {
        let message = self.unstarted.of_mut(priority).pop_front()?;
        self.in_flight.get_mut(&message)
    }

    /// Takes all claims of a priority off the list of those whose call has not begun.
    pub(super) fn take_unstarted(&mut self, priority: Priority) -> VecDeque<MessageId> {
        std::mem::take(self.unstarted.of_mut(priority))
    }

    /// Takes one claim off the list of those whose call has not begun.
    pub(super) fn take_back(&mut self, message: MessageId) {
        for priority in PRIORITIES {
            self.unstarted
                .of_mut(priority)
                .retain(|unstarted| *unstarted != message);
        }
    }

    /// A message in flight.
    pub(super) fn get(&self, message: MessageId) -> Option<&InFlightMessage> {
        self.in_flight.get(&message)
    }

    /// A message in flight.
    pub(super) fn get_mut(&mut self, message: MessageId) -> Option<&mut InFlightMessage> {
        self.in_flight.get_mut(&message)
    }

    /// Whether a message in flight is not to be sent any more.
    pub(super) fn is_overdue(&self, message: MessageId, now: Timestamp) -> bool {
        let until = self.get(message).and_then(|found| found.item.waiting.valid_until);
        until.is_some_and(|until| until < now)
    }

    /// Lets go of a message.
    pub(super) fn remove(&mut self, message: MessageId) -> Option<InFlightMessage> {
        let found = self.in_flight.remove(&message)?;
        let count = self.count.of_mut(found.item.waiting.priority);
        *count = count.saturating_sub(1);
        Some(found)
    }

    /// Whether a message is in flight.
    pub(super) fn holds(&self, message: MessageId) -> bool {
        self.in_flight.contains_key(&message)
    }

    /// Messages of a priority in flight.
    pub(super) fn of(&self, priority: Priority) -> usize {
        *self.count.of(priority)
    }

    /// Claims of a priority whose call has not begun.
    pub(super) fn unstarted(&self, priority: Priority) -> usize {
        self.unstarted.of(priority).len()
    }

    /// All messages in flight.
    pub(super) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}
