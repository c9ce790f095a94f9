//! Everything that waits in a lane: a queue for each customer, the schedule, and when each message's validity ends.
//!
//! Pure: time is passed in, and whoever takes a message must free its customer when the call is over. Bounded: what does
//! not fit comes back to the caller, who finds it in the outbox later.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::time::Duration;

use super::customer_queues::{CustomerQueues, NotYet, QueueEstimate};
use super::delay_estimate::wall_wake;
use super::order_statistics::OrderStatistics;
use super::waiting::{Item, Later, Moment, PRIORITIES, PerPriority, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{ContactId, MessageId, Priority, Timestamp};

/// Where a message is kept.
#[derive(Debug, Clone, Copy)]
struct QueuePosition {
    location: Location,
    priority: Priority,
    valid_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
enum Location {
    CustomerQueue(ContactId),
    Schedule(Timestamp),
    Retry(Duration),
}

/// Messages whose time has not come, earliest first, by the times of one clock; of more than fit, the earliest are kept. What a
/// `send_at` holds back waits by the wall clock; what waits for its next try, by the monotonic one.
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

/// The waiting messages of one lane.
#[derive(Debug)]
pub(super) struct Queue {
    customer_queues: CustomerQueues,
    schedule: Schedule<Timestamp>,
    retries: Schedule<Duration>,
    places: HashMap<MessageId, QueuePosition>,
    validity: BTreeSet<(Timestamp, MessageId)>,
    in_customer_queues: PerPriority<OrderStatistics>,
    capacity: usize,
    order_patience: Duration,
}

/// How a message waits, as far as the queue knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its time has not come.
    Scheduled {
        /// When it is due.
        due: Timestamp,
        /// Whether it was tried before.
        attempt: u8,
    },
    /// It stands in its customer's queue.
    InCustomerQueue {
        /// How it stands there.
        in_queue: QueueEstimate,
        /// Which queue.
        priority: Priority,
        /// Whose queue.
        contact: ContactId,
        /// Messages of the lane that go before it.
        ahead: usize,
    },
}

impl Queue {
    /// Keeps at most `capacity` messages of each priority and `scheduled` whose time has not come. A message that waits
    /// longer than `order_patience` for its next try does not hold up what was written to the same customer later.
    pub(super) fn new(capacity: usize, scheduled: usize, order_patience: Duration) -> Self {
        Self {
            customer_queues: CustomerQueues::default(),
            schedule: Schedule::new(scheduled),
            retries: Schedule::new(scheduled),
            places: HashMap::new(),
            validity: BTreeSet::new(),
            in_customer_queues: PerPriority::default(),
            capacity,
            order_patience,
        }
    }

    /// Keeps a message. What does not fit comes back: the message itself, or one that is due later.
    pub(super) fn add(&mut self, item: Item, now: Moment) -> Option<Item> {
        if self.holds(item.id()) {
            return None;
        }
        if let Some(location) = self.later(&item, now) {
            return self.plan(location, item);
        }
        if self.in_customer_queues(item.waiting.priority) >= self.capacity {
            return Some(item);
        }
        self.line_up(item, now);
        None
    }

    /// Keeps a message that was taken before, whose call proved that Meta did not take it. Always fits: it had a place.
    pub(super) fn give_back(&mut self, item: Item, now: Moment) -> Option<Item> {
        let contact = item.waiting.contact;
        let displaced = if self.holds(item.id()) {
            None
        } else if let Some(location) = self.later(&item, now) {
            self.plan(location, item)
        } else {
            self.line_up(item, now);
            None
        };
        self.customer_queues.free(contact, now.mono);
        displaced
    }

    /// Two customers turned out to be one; see [`CustomerQueues::join`].
    pub(super) fn join(&mut self, from: ContactId, to: ContactId, now: Moment) {
        self.customer_queues.join(from, to, now.mono);
    }

    /// In whose queue a customer's messages stand.
    pub(super) fn whose(&self, contact: ContactId) -> ContactId {
        self.customer_queues.whose(contact)
    }

    /// The call for a customer is over and its message does not come back.
    pub(super) fn free(&mut self, contact: ContactId, now: Moment) {
        self.customer_queues.free(contact, now.mono);
    }

    /// The next message of a priority; see [`CustomerQueues::take`].
    pub(super) fn take(
        &mut self,
        priority: Priority,
        now: Moment,
        admit: impl FnMut(ContactId, &Waiting) -> Result<(), NotYet>,
    ) -> Option<Item> {
        let item = self.customer_queues.take(priority, now.mono, admit)?;
        self.unlist(item.id());
        Some(item)
    }

    /// Lets a message that stands in its customer's queue rest for a reason until another time than before, or not at all.
    pub(super) fn hold(
        &mut self,
        message: MessageId,
        reason: DelayReason,
        until: Option<Duration>,
        now: Moment,
    ) {
        if let Some(place) = self.places.get(&message)
            && let Location::CustomerQueue(contact) = place.location
        {
            self.customer_queues
                .hold(contact, place.priority, message, (reason, until), now.mono);
        }
    }

    /// Takes a message out, wherever it waits.
    pub(super) fn forget(&mut self, message: MessageId, now: Moment) -> Option<Item> {
        let place = self.unlist(message)?;
        match place.location {
            Location::CustomerQueue(contact) => {
                self.customer_queues
                    .remove(contact, place.priority, message, now.mono)
            }
            Location::Schedule(due) => self.schedule.remove(due, message),
            Location::Retry(until) => self.retries.remove(until, message),
        }
    }

    /// Lets what is due, or has rested, stand in its customer's queue.
    pub(super) fn turn(&mut self, now: Moment) {
        let mut due = || {
            self.schedule
                .take_due(now.wall)
                .or_else(|| self.retries.take_due(now.mono))
        };
        let due: Vec<Item> = std::iter::from_fn(&mut due).collect();
        for mut item in due {
            self.unlist(item.id());
            item.hold = None;
            // What was promised for a time is not refused because the queues are full; the schedule bounds how much.
            self.line_up(item, now);
        }
        self.customer_queues.wake(now.mono);
    }

    /// Takes out the first message whose validity is over.
    pub(super) fn take_expired(&mut self, now: Moment) -> Option<Item> {
        let (until, message) = *self.validity.first()?;
        if until >= now.wall {
            return None;
        }
        self.forget(message, now)
    }

    /// When something changes by itself: a message becomes due, has rested or expires.
    pub(super) fn next_change(&self, now: Moment) -> Option<Duration> {
        let due = self.schedule.next_due().map(|due| wall_wake(due, now));
        let retry = self.retries.next_due();
        // A message may still be claimed in the last millisecond of its validity.
        let expiry = self
            .validity
            .first()
            .map(|(until, _)| wall_wake(*until, now) + Duration::from_millis(1));
        [due, retry, expiry, self.customer_queues.next_wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a message may go as far as its customer's queue is concerned.
    pub(super) fn has_ready(&self, priority: Priority) -> bool {
        self.customer_queues.has_ready(priority)
    }

    /// Whether a message waits here.
    pub(super) fn holds(&self, message: MessageId) -> bool {
        self.places.contains_key(&message)
    }

    /// Messages of a priority that stand in customers' queues.
    pub(super) fn in_customer_queues(&self, priority: Priority) -> usize {
        self.in_customer_queues.of(priority).len()
    }

    /// Messages whose time has not come.
    pub(super) fn scheduled(&self) -> usize {
        self.schedule.len() + self.retries.len()
    }

    /// All messages.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// How a message waits.
    pub(super) fn standing(&self, message: MessageId, now: Moment) -> Option<Standing> {
        let place = self.places.get(&message)?;
        let contact = match place.location {
            Location::Schedule(due) => return Some(Standing::Scheduled { due, attempt: 0 }),
            Location::Retry(until) => {
                let attempt = self.retries.get(until, message)?.waiting.attempt;
                // Without the millisecond by which the monotonic clock waits longer.
                let rest = until.saturating_sub(now.mono + Duration::from_millis(1));
                let due = now.wall_after(rest);
                return Some(Standing::Scheduled { due, attempt });
            }
            Location::CustomerQueue(contact) => contact,
        };
        let ahead = PRIORITIES
            .into_iter()
            .map(|priority| match priority.cmp(&place.priority) {
                Ordering::Less => self.in_customer_queues(priority),
                Ordering::Equal => self.in_customer_queues.of(priority).before(message),
                Ordering::Greater => 0,
            })
            .sum();
        Some(Standing::InCustomerQueue {
            in_queue: self
                .customer_queues
                .delay_estimate(contact, place.priority, message, now.mono),
            priority: place.priority,
            contact: self.customer_queues.whose(contact),
            ahead,
        })
    }

    /// Where a message waits that does not stand in its customer's queue yet.
    fn later(&self, item: &Item, now: Moment) -> Option<Later> {
        if item.waiting.attempt == 0 {
            return item.waiting.later(now);
        }
        let until = item.hold?.until;
        (until > now.mono + self.order_patience).then_some(Later::Retry(until))
    }

    fn plan(&mut self, later: Later, item: Item) -> Option<Item> {
        let displaced = match later {
            Later::Due(due) => {
                self.list(&item, Location::Schedule(due));
                self.schedule.insert(due, item)?
            }
            Later::Retry(until) => {
                self.list(&item, Location::Retry(until));
                self.retries.insert(until, item)?
            }
        };
        self.unlist(displaced.id());
        Some(displaced)
    }

    fn line_up(&mut self, item: Item, now: Moment) {
        self.list(&item, Location::CustomerQueue(item.waiting.contact));
        self.customer_queues.insert(item, now.mono);
    }

    fn list(&mut self, item: &Item, location: Location) {
        let place = QueuePosition {
            location,
            priority: item.waiting.priority,
            valid_until: item.waiting.valid_until,
        };
        if let Some(until) = place.valid_until {
            self.validity.insert((until, item.id()));
        }
        if matches!(location, Location::CustomerQueue(_)) {
            self.in_customer_queues.of_mut(place.priority).insert(item.id());
        }
        self.places.insert(item.id(), place);
    }

    fn unlist(&mut self, message: MessageId) -> Option<QueuePosition> {
        let place = self.places.remove(&message)?;
        if let Some(until) = place.valid_until {
            self.validity.remove(&(until, message));
        }
        if matches!(place.location, Location::CustomerQueue(_)) {
            self.in_customer_queues.of_mut(place.priority).remove(message);
        }
        Some(place)
    }
}

/// Messages in the order in which interactive and bulk ones are let go: bulk gets one of every `one_in` when both wait.
#[derive(Debug)]
pub(super) struct Share {
    one_in: u32,
    since_bulk: u32,
}

impl Share {
    /// Bulk gets one of every `one_in` messages at least.
    pub(super) const fn new(one_in: u32) -> Self {
        Self {
            one_in,
            since_bulk: 0,
        }
    }

    /// The order in which to look for the next message.
    pub(super) const fn order(&self) -> [Priority; 2] {
        if self.since_bulk.saturating_add(1) >= self.one_in {
            [Priority::Bulk, Priority::Interactive]
        } else {
            PRIORITIES
        }
    }

    /// Notes which message went.
    pub(super) const fn note(&mut self, went: Priority, bulk_waits: Waits) {
        match (went, bulk_waits) {
            (Priority::Interactive, Waits::Yes) => self.since_bulk = self.since_bulk.saturating_add(1),
            (Priority::Interactive, Waits::No) | (Priority::Bulk, _) => self.since_bulk = 0,
        }
    }
}

/// Whether anything waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// Something does.
    Yes,
    /// Nothing does.
    No,
}
