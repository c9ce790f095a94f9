//! What is known to wait in the outbox alone, because memory had no room for it.
//!
//! While messages of a kind are missing, later ones of the same kind are not taken into memory either: they would overtake
//! the missing ones. All of them are found by reading the outbox again, from the first that is missing, once there is room.

use std::time::Duration;

use super::delay_estimate::wall_wake;
use super::limits::LaneLimits;
use super::queue::Queue;
use super::unknown::Watch;
use super::waiting::{Later, Moment, PRIORITIES, PerPriority, Waiting};
use crate::domain::{MessageId, Timestamp};

const FIRST_ID: MessageId = MessageId::from_bytes([0; 16]);

/// What is missing in memory, each from which id on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Missing {
    due: PerPriority<Option<MessageId>>,
    scheduled: Option<MessageId>,
    doubts: Option<MessageId>,
    /// When the last of those has rested that memory had no room for, on the monotonic clock.
    rested_at: Option<Duration>,
}

impl Missing {
    /// Everything: nothing was read yet.
    pub(super) fn everything() -> Self {
        let mut missing = Self {
            scheduled: Some(FIRST_ID),
            doubts: Some(FIRST_ID),
            ..Self::default()
        };
        for priority in PRIORITIES {
            *missing.due.of_mut(priority) = Some(FIRST_ID);
        }
        missing
    }

    /// From which id on something is missing.
    pub(super) fn from(&self) -> Option<MessageId> {
        let due = PRIORITIES.iter().map(|priority| *self.due.of(*priority));
        due.chain([self.scheduled, self.doubts]).flatten().min()
    }

    /// A message as it is found: what was displaced goes on resting from then, not from now on.
    pub(super) fn found(&self, waiting: Waiting, now: Moment) -> Waiting {
        let left = self.rested_at.map(|at| at.saturating_sub(now.mono));
        Waiting {
            rest: left.map_or(waiting.rest, |left| left.min(waiting.rest)),
            ..waiting
        }
    }

    /// Whether messages of this one's kind are missing.
    pub(super) fn concerns(&self, waiting: &Waiting, now: Moment) -> bool {
        match waiting.later(now) {
            Some(_) => self.scheduled.is_some(),
            None => self.due.of(waiting.priority).is_some(),
        }
    }
}

/// What has no room in memory.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    missing: Missing,
    scheduled_from: Option<Timestamp>,
    retries_from: Option<Duration>,
    count: usize,
}

impl Overflow {
    /// A message has no room in memory.
    pub(super) fn note(&mut self, waiting: &Waiting, now: Moment) {
        self.count = self.count.saturating_add(1);
        let missing = match waiting.later(now) {
            Some(Later::Due(due)) => {
                self.scheduled_from = Some(self.scheduled_from.map_or(due, |from| from.min(due)));
                &mut self.missing.scheduled
            }
            Some(Later::Retry(until)) => {
                self.retries_from = Some(self.retries_from.map_or(until, |from| from.min(until)));
                self.missing.rested_at = self.missing.rested_at.max(Some(until));
                &mut self.missing.scheduled
            }
            None => self.missing.due.of_mut(waiting.priority),
        };
        *missing = Some(missing.map_or(waiting.message, |from| from.min(waiting.message)));
    }

    /// Messages that nobody looked at were refused.
    pub(super) fn note_refused(&mut self) {
        let Missing {
            doubts, rested_at, ..
        } = self.missing;
        self.missing = Missing {
            doubts,
            rested_at,
            ..Missing::everything()
        };
        self.scheduled_from = Some(Timestamp::default());
        self.count = self.count.saturating_add(1);
    }

    /// An unknown outcome has no room in memory.
    pub(super) fn note_doubt(&mut self, message: MessageId) {
        let from = self.missing.doubts.map_or(message, |from| from.min(message));
        self.missing.doubts = Some(from);
    }

    /// A message that was counted as missing is in memory now, or gone.
    pub(super) fn note_found(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// Whether a message must wait until those that are missing have been found.
    pub(super) fn comes_before(&self, waiting: &Waiting, now: Moment) -> bool {
        match waiting.later(now) {
            Some(Later::Due(due)) => self.scheduled_from.is_some_and(|from| from <= due),
            Some(Later::Retry(until)) => self.retries_from.is_some_and(|from| from <= until),
            None => self.missing.due.of(waiting.priority).is_some(),
        }
    }

    /// How many messages are missing, as far as is known.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Begins to read: what is missing now is to be found, and noted again if there is still no room for it.
    pub(super) fn begin_reading(&mut self) -> Missing {
        self.scheduled_from = None;
        self.retries_from = None;
        std::mem::take(&mut self.missing)
    }

    /// Whether there is no point in reading on: of all that was sought, something is missing again.
    pub(super) fn is_full_for(&self, sought: &Missing) -> bool {
        let no_room = |priority: &_| self.missing.due.of(*priority).is_some();
        sought.scheduled.is_none()
            && sought.doubts.is_none()
            && PRIORITIES
                .iter()
                .filter(|priority| sought.due.of(**priority).is_some())
                .all(no_room)
    }

    /// Everything was read.
    pub(super) fn end_reading(&mut self) {
        if self.missing == Missing::default() {
            self.count = 0;
        }
    }

    /// Whether there is something to find, and room for it.
    pub(super) fn wants_reading(
        &self,
        queue: &Queue,
        watch: &Watch,
        limits: &LaneLimits,
        now: Moment,
    ) -> bool {
        let has_room = PRIORITIES.iter().any(|priority| {
            self.missing.due.of(*priority).is_some()
                && queue.in_customer_queues(*priority) <= limits.waiting / 2
        });
        let room_for_later = queue.scheduled() <= limits.scheduled / 2;
        let time_has_come = self
            .scheduled_from
            .is_some_and(|from| from <= now.wall || room_for_later)
            || self
                .retries_from
                .is_some_and(|from| from <= now.mono || room_for_later);
        let room_for_doubts = self.missing.doubts.is_some() && watch.len() <= limits.watched / 2;
        has_room || time_has_come || room_for_doubts
    }

    /// When the first message that is missing is due.
    pub(super) fn next_due(&self, now: Moment) -> Option<Duration> {
        let scheduled = self.scheduled_from.map(|due| wall_wake(due, now));
        scheduled.into_iter().chain(self.retries_from).min()
    }
}
