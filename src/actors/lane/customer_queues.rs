//! A queue for each customer, so that messages to the same person keep their order and never overtake each other's call.
//!
//! A queue whose first message may go stands in `ready`, by priority and in order of acceptance; one that waits for the
//! pair limit or for a retry stands in `resting`. Within a queue, interactive messages go before bulk.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::waiting::{Hold, Item, PRIORITIES, PerPriority, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{ContactId, MessageId, Priority};

/// What is held back rests at least for so long: else it would be looked at again in the same turn.
const SHORTEST: Duration = Duration::from_millis(1);

/// Why the first message of a queue does not go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotYet {
    /// The customer got too many until then.
    Pair(Duration),
    /// It waits for something of its own.
    Message(Hold),
}

/// Where a queue is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Standing {
    /// Nowhere: a call is under way.
    #[default]
    Aside,
    Ready(Priority, MessageId),
    Resting(Duration),
}

/// The messages that wait for one customer.
#[derive(Debug, Default)]
struct CustomerQueue {
    items: PerPriority<VecDeque<Item>>,
    /// Calls under way: one, or more where several queues became one.
    busy: usize,
    pair_until: Option<Duration>,
    standing: Standing,
}

impl CustomerQueue {
    fn head(&self) -> Option<&Item> {
        PRIORITIES
            .iter()
            .find_map(|priority| self.items.of(*priority).front())
    }

    fn insert(&mut self, item: Item) {
        let items = self.items.of_mut(item.waiting.priority);
        let place = items.partition_point(|other| other.id() < item.id());
        items.insert(place, item);
    }

    fn remove(&mut self, priority: Priority, message: MessageId) -> Option<Item> {
        let items = self.items.of_mut(priority);
        let place = items.partition_point(|other| other.id() < message);
        match items.get(place) {
            Some(item) if item.id() == message => items.remove(place),
            _ => None,
        }
    }

    /// What the first message waits for, if for anything of its own.
    fn hold(&self, now: Duration) -> Option<Hold> {
        let pair = self.pair_until.map(|until| Hold {
            until,
            reason: DelayReason::PairLimit,
        });
        let own = self.head().and_then(|head| head.hold);
        [pair, own]
            .into_iter()
            .flatten()
            .filter(|hold| hold.until > now)
            .max_by_key(|hold| hold.until)
    }
}

/// All queues of a lane.
#[derive(Debug, Default)]
pub(super) struct CustomerQueues {
    queues: HashMap<ContactId, CustomerQueue>,
    ready: PerPriority<BTreeSet<(MessageId, ContactId)>>,
    resting: BTreeSet<(Duration, ContactId)>,
    /// Into whose queues those of others went: they turned out to be one customer.
    joined: HashMap<ContactId, ContactId>,
}

impl CustomerQueues {
    /// In whose queue a customer's messages stand.
    pub(super) fn whose(&self, contact: ContactId) -> ContactId {
        self.joined.get(&contact).copied().unwrap_or(contact)
    }

    /// Two customers turned out to be one: what waits for the first goes on in the queue of the second.
    pub(super) fn join(&mut self, from: ContactId, to: ContactId, now: Duration) {
        let (from, to) = (self.whose(from), self.whose(to));
        if from == to {
            return;
        }
        self.set_aside(from);
        let Some(mut queue) = self.queues.remove(&from) else {
            return;
        };
        self.joined
            .values_mut()
            .filter(|whose| **whose == from)
            .for_each(|whose| *whose = to);
        self.joined.insert(from, to);
        let whole = self.queues.entry(to).or_default();
        whole.busy += queue.busy;
        whole.pair_until = whole.pair_until.max(queue.pair_until);
        for priority in PRIORITIES {
            queue
                .items
                .of_mut(priority)
                .drain(..)
                .for_each(|item| whole.insert(item));
        }
        self.stand(to, now);
    }

    /// Puts a message into its customer's queue, in order of acceptance.
    pub(super) fn insert(&mut self, item: Item, now: Duration) {
        let contact = self.whose(item.waiting.contact);
        self.queues.entry(contact).or_default().insert(item);
        self.stand(contact, now);
    }

    /// Changes until when a message rests for a reason. What it rests for by now, if for another one, stays.
    pub(super) fn hold(
        &mut self,
        contact: ContactId,
        priority: Priority,
        message: MessageId,
        (reason, until): (DelayReason, Option<Duration>),
        now: Duration,
    ) {
        let contact = self.whose(contact);
        if let Some(queue) = self.queues.get_mut(&contact) {
            let items = queue.items.of_mut(priority);
            let found = items.iter_mut().find(|item| item.id() == message);
            let found = found.filter(|item| item.hold.is_none_or(|hold| hold.reason == reason));
            if let Some(item) = found {
                item.hold = until.map(|until| Hold { until, reason });
            }
            self.stand(contact, now);
        }
    }

    /// Takes a message out of its queue.
    pub(super) fn remove(
        &mut self,
        contact: ContactId,
        priority: Priority,
        message: MessageId,
        now: Duration,
    ) -> Option<Item> {
        let contact = self.whose(contact);
        let item = self.queues.get_mut(&contact)?.remove(priority, message);
        self.stand(contact, now);
        item
    }

    /// The next message of a priority. Its queue stands aside until [`CustomerQueues::free`] is called for it.
    ///
    /// `admit` may hold a customer or the message back; the others are not held up by that.
    pub(super) fn take(
        &mut self,
        priority: Priority,
        now: Duration,
        mut admit: impl FnMut(ContactId, &Waiting) -> Result<(), NotYet>,
    ) -> Option<Item> {
        loop {
            let (_, contact) = *self.ready.of(priority).first()?;
            let queue = self.queues.get_mut(&contact)?;
            let admitted = admit(contact, &queue.items.of(priority).front()?.waiting);
            let taken = match admitted {
                Ok(()) => {
                    queue.busy = 1;
                    queue.pair_until = None;
                    queue.items.of_mut(priority).pop_front()
                }
                Err(NotYet::Pair(until)) => {
                    queue.pair_until = Some(until.max(now + SHORTEST));
                    None
                }
                Err(NotYet::Message(hold)) => {
                    if let Some(first) = queue.items.of_mut(priority).front_mut() {
                        let until = hold.until.max(now + SHORTEST);
                        first.hold = Some(Hold { until, ..hold });
                    }
                    None
                }
            };
            self.stand(contact, now);
            if taken.is_some() {
                return taken;
            }
        }
    }

    /// The call for a customer is over.
    pub(super) fn free(&mut self, contact: ContactId, now: Duration) {
        let contact = self.whose(contact);
        if let Some(queue) = self.queues.get_mut(&contact) {
            queue.busy = queue.busy.saturating_sub(1);
            self.stand(contact, now);
        }
    }

    /// Wakes the queues whose rest is over.
    pub(super) fn wake(&mut self, now: Duration) {
        while let Some((until, contact)) = self.resting.first().copied()
            && until <= now
        {
            self.stand(contact, now);
        }
    }

    /// When the first resting queue wakes.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Whether a message of this priority may go as far as its queue is concerned.
    pub(super) fn has_ready(&self, priority: Priority) -> bool {
        !self.ready.of(priority).is_empty()
    }

    /// What holds a message's queue back, and how many messages of the queue go before it.
    pub(super) fn delay_estimate(
        &self,
        contact: ContactId,
        priority: Priority,
        message: MessageId,
        now: Duration,
    ) -> QueueEstimate {
        let Some(queue) = self.queues.get(&self.whose(contact)) else {
            return QueueEstimate::default();
        };
        let own = queue
            .items
            .of(priority)
            .partition_point(|other| other.id() < message);
        let ahead = match priority {
            Priority::Interactive => own,
            Priority::Bulk => own + queue.items.of(Priority::Interactive).len(),
        };
        QueueEstimate {
            hold: queue.hold(now),
            ahead,
        }
    }

    /// Lists a queue nowhere.
    fn set_aside(&mut self, contact: ContactId) {
        let Some(queue) = self.queues.get_mut(&contact) else {
            return;
        };
        match std::mem::take(&mut queue.standing) {
            Standing::Aside => {}
            Standing::Ready(priority, message) => {
                self.ready.of_mut(priority).remove(&(message, contact));
            }
            Standing::Resting(until) => {
                self.resting.remove(&(until, contact));
            }
        }
    }

    fn stand(&mut self, contact: ContactId, now: Duration) {
        self.set_aside(contact);
        let Some(queue) = self.queues.get_mut(&contact) else {
            return;
        };
        if queue.busy > 0 {
            return;
        }
        let Some(head) = queue.head() else {
            // The pair limiter remembers a customer whose queue is gone.
            self.queues.remove(&contact);
            self.joined.retain(|_, whose| *whose != contact);
            return;
        };
        if let Some(hold) = queue.hold(now) {
            queue.standing = Standing::Resting(hold.until);
            self.resting.insert((hold.until, contact));
        } else {
            let place = (head.waiting.priority, head.id());
            queue.standing = Standing::Ready(place.0, place.1);
            self.ready.of_mut(place.0).insert((place.1, contact));
        }
    }
}

/// How a message stands in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct QueueEstimate {
    /// What holds the queue back.
    pub(super) hold: Option<Hold>,
    /// Messages of the queue that go before it.
    pub(super) ahead: usize,
}
