//! A message that waits in a lane: what the lane needs to know to claim it, and nothing that can be read again.

use std::time::Duration;

use crate::actors::request::DelayReason;
use crate::domain::{BroadcastId, ContactId, ConversationId, MessageId, Priority, RecipientHours, Timestamp};
use crate::store::{MessageRef, OutboxRow, Queued};

/// A queued message, as whoever committed it hands it to its lane. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The message.
    pub message: MessageId,
    /// The conversation that holds it.
    pub conversation: ConversationId,
    /// The customer, for order and for the pair limit.
    pub contact: ContactId,
    /// Which queue.
    pub priority: Priority,
    /// Not to be claimed before.
    pub due: Timestamp,
    /// How long that was ahead when the message was put back for another call: whatever a clock shows, it rests no longer.
    pub rest: Duration,
    /// Calls claimed so far.
    pub attempt: u8,
    /// Not to be claimed after.
    pub valid_until: Option<Timestamp>,
    /// Whether it carries a file that has to be at Meta first.
    pub has_file: bool,
    /// The broadcast in whose sending hours it goes.
    pub hours: Option<(BroadcastId, RecipientHours)>,
}

impl Waiting {
    /// Where the message stands.
    pub fn at(&self) -> MessageRef {
        MessageRef {
            conversation: self.conversation,
            message: self.message,
        }
    }
}

/// By which clock a message waits whose time has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    /// What a `send_at` holds back, by the wall clock.
    Due(Timestamp),
    /// What rests before its next call, by the monotonic one.
    Retry(Duration),
}

impl Waiting {
    /// When its time comes, if it has not come.
    pub(super) fn later(&self, now: Moment) -> Option<Later> {
        if self.attempt == 0 {
            return (self.due > now.wall).then_some(Later::Due(self.due));
        }
        let rest = self.due.since(now.wall).min(self.rest);
        (!rest.is_zero()).then(|| Later::Retry(now.mono_after(rest)))
    }
}

impl From<&OutboxRow> for Waiting {
    fn from(row: &OutboxRow) -> Self {
        Self {
            message: row.at.message,
            conversation: row.at.conversation,
            contact: row.contact,
            priority: row.priority,
            due: row.due,
            rest: row.due.since(row.since),
            attempt: row.attempt,
            valid_until: row.valid_until,
            has_file: row.has_file(),
            hours: row.sending_hours(),
        }
    }
}

impl From<Queued> for Waiting {
    fn from(queued: Queued) -> Self {
        Self {
            message: queued.at.message,
            conversation: queued.at.conversation,
            contact: queued.contact,
            priority: queued.priority,
            due: queued.due,
            rest: Duration::ZERO,
            attempt: 0,
            valid_until: queued.valid_until,
            has_file: queued.has_file,
            hours: queued.hours,
        }
    }
}

impl From<OutboxRow> for Waiting {
    fn from(row: OutboxRow) -> Self {
        Self::from(&row)
    }
}

/// Both clocks, read once for a whole turn of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// For what people and Meta see.
    pub(super) wall: Timestamp,
    /// For limits and waits.
    pub(super) mono: Duration,
}

impl Moment {
    /// When the monotonic clock will stand where the wall clock shows the given time, if nobody moves the latter.
    /// A millisecond is added, so that the wall clock, which counts whole ones, is there for certain.
    pub(super) fn mono_at(&self, wall: Timestamp) -> Duration {
        match wall.since(self.wall) {
            Duration::ZERO => self.mono,
            wait => self.mono_after(wait),
        }
    }

    /// The time on the monotonic clock after a wait that was read off a wall clock.
    pub(super) fn mono_after(&self, wait: Duration) -> Duration {
        self.mono + wait + Duration::from_millis(1)
    }

    /// What the wall clock will show after a wait.
    pub(super) fn wall_after(&self, wait: Duration) -> Timestamp {
        self.wall.after(wait)
    }
}

/// A message as the lane keeps it while it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The message.
    pub(super) waiting: Waiting,
    /// Until when it may not be claimed, and why.
    pub(super) hold: Option<Hold>,
    /// Calls that were provably not taken, for growing waits.
    pub(super) refusals: u32,
    /// When the first of them was.
    pub(super) first_refused: Option<Duration>,
}

/// A reason not to claim a message yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    /// On the monotonic clock.
    pub(super) until: Duration,
    /// As shown to people.
    pub(super) reason: DelayReason,
}

impl Item {
    /// A message as it comes from its row: one that was tried before waits for its next try.
    pub(super) fn new(waiting: Waiting, now: Moment) -> Self {
        let hold = waiting.later(now).map(|later| match later {
            Later::Due(due) => Hold {
                until: now.mono_at(due),
                reason: DelayReason::Scheduled,
            },
            Later::Retry(until) => Hold {
                until,
                reason: DelayReason::Throttled,
            },
        });
        Self {
            waiting,
            hold,
            refusals: 0,
            first_refused: None,
        }
    }

    /// The message.
    pub(super) fn id(&self) -> MessageId {
        self.waiting.message
    }

    /// Since when the customer waits for it: its acceptance, or its `send_at`.
    pub(super) fn waits_since(&self) -> Timestamp {
        self.waiting.message.timestamp().max(self.waiting.due)
    }
}

/// One value for each priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PerPriority<T> {
    interactive: T,
    bulk: T,
}

impl<T> PerPriority<T> {
    /// A value made for each priority.
    pub(super) fn each(mut make: impl FnMut(Priority) -> T) -> Self {
        Self {
            interactive: make(Priority::Interactive),
            bulk: make(Priority::Bulk),
        }
    }

    /// The value of a priority.
    pub(super) const fn of(&self, priority: Priority) -> &T {
        match priority {
            Priority::Interactive => &self.interactive,
            Priority::Bulk => &self.bulk,
        }
    }

    /// The value of a priority.
    pub(super) const fn of_mut(&mut self, priority: Priority) -> &mut T {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Bulk => &mut self.bulk,
        }
    }
}

/// Both priorities, the one that goes first first.
pub(super) const PRIORITIES: [Priority; 2] = [Priority::Interactive, Priority::Bulk];
