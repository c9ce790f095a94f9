//! Changing how long a tenant's messages are kept, for the messages that are there already.
//!
//! What is written from now on ends by the new value by itself. What was written before is walked through once, in small
//! steps: a message whose time is over by the new value goes, every other gets its new end, counted from its own time; what
//! leads to it ends with it. The job is a row of the store and moves on together with what a step changed, so that a process
//! that dies in the middle loses nothing and repeats nothing. There is one job per tenant: the newest.
//!
//! Nothing that ended comes back: a message whose time was over before is passed by, whatever the new value is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::row::Seen;
use crate::domain::{ConversationId, Message, MessageId, Retention, TenantId, Timestamp};

/// How far a walk over a tenant's messages is. Opaque: each backend walks in its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub(super) conversation: ConversationId,
    pub(super) bucket: i32,
    pub(super) class: i8,
    pub(super) message: MessageId,
}

impl Place {
    /// After one message, where a conversation's messages stand together.
    pub(super) const fn after(conversation: ConversationId, message: MessageId) -> Self {
        Self {
            conversation,
            bucket: 0,
            class: 0,
            message,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            conversation,
            bucket,
            class,
            message,
        } = self;
        write!(f, "{conversation}.{bucket}.{class}.{message}")
    }
}

impl FromStr for Place {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| {
            let (conversation, rest) = text.split_once('.')?;
            let (bucket, rest) = rest.split_once('.')?;
            let (class, message) = rest.split_once('.')?;
            Some(Self {
                conversation: conversation.parse().ok()?,
                bucket: bucket.parse().ok()?,
                class: class.parse().ok()?,
                message: message.parse().ok()?,
            })
        };
        read(text).ok_or("not a place in a walk")
    }
}

/// The change of one tenant's retention, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionJob {
    /// Whose messages.
    pub tenant: TenantId,
    /// How long they were kept before.
    pub before: Retention,
    /// How long they are kept now.
    pub to: Retention,
    /// When it was asked for.
    pub started: Timestamp,
    /// When all was done.
    pub finished: Option<Timestamp>,
    /// The conversations that there were at its first step.
    pub of: Option<u64>,
    /// Those of them that were come to.
    pub conversations: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Messages that went.
    pub removed: u64,
    /// Messages that got another end.
    pub moved: u64,
    pub(super) at: Option<Place>,
}

/// How far a job is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nothing was done yet.
    Waiting,
    /// Some of it is done.
    Running,
    /// All of it is done.
    Done,
}

/// What one step of a job did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stepped {
    pub(super) conversations: u64,
    pub(super) messages: u64,
    pub(super) removed: u64,
    pub(super) moved: u64,
    /// Where the next one begins; `None` when there is nothing left.
    pub(super) next: Option<Place>,
}

impl Stepped {
    /// Counts what becomes of a message.
    pub(super) const fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Over => return,
            Verdict::Gone => self.removed += 1,
            Verdict::Until(_) => self.moved += 1,
            Verdict::Stays => {}
        }
        self.messages += 1;
    }
}

impl RetentionJob {
    /// A job that was not begun.
    pub const fn new(tenant: TenantId, before: Retention, to: Retention, now: Timestamp) -> Self {
        Self {
            tenant,
            before,
            to,
            started: now,
            finished: None,
            of: None,
            conversations: 0,
            messages: 0,
            removed: 0,
            moved: 0,
            at: None,
        }
    }

    /// The job as another store takes it in: each walks in its own order, so what is not done begins again.
    pub(super) fn elsewhere(self) -> Self {
        match self.finished {
            Some(_) => Self { at: None, ..self },
            None => Self::new(self.tenant, self.before, self.to, self.started),
        }
    }

    /// How far it is.
    pub const fn state(&self) -> JobState {
        match (self.finished, self.of) {
            (Some(_), _) => JobState::Done,
            (None, Some(_)) => JobState::Running,
            (None, None) => JobState::Waiting,
        }
    }

    /// Whether messages end earlier by it.
    pub fn shortens(&self) -> bool {
        self.to < self.before
    }

    /// The job after a step. `of` counts once, at the first.
    pub(super) fn after(mut self, step: Stepped, of: u64, now: Timestamp) -> Self {
        let of = *self.of.get_or_insert(of);
        self.conversations = self.conversations.saturating_add(step.conversations).min(of);
        self.messages = self.messages.saturating_add(step.messages);
        self.removed = self.removed.saturating_add(step.removed);
        self.moved = self.moved.saturating_add(step.moved);
        self.at = step.next;
        if step.next.is_none() {
            // Those without a message were never come to.
            self.conversations = of;
            self.finished = Some(now);
        }
        self
    }

    /// Whether a message that may be read still stays by the new value.
    pub(super) fn keeps(&self, message: &Message, now: Timestamp) -> bool {
        now < self.to.expiry(message.created)
    }

    /// What leads to a message, and until when, once that is judged; `None` where it leads elsewhere. It leads nowhere when
    /// the message is taken out, so that nobody takes it for lost.
    pub(super) fn lead(
        &self,
        (message, created): (MessageId, Timestamp),
        verdict: Verdict,
        (seen, until): (Seen, Timestamp),
    ) -> Option<(Seen, Timestamp)> {
        let at = seen.at.filter(|at| at.message == message)?;
        let at = (verdict != Verdict::Gone).then_some(at);
        Some((Seen { at }, self.lead_until(self.to.expiry(created), until)))
    }

    /// When what leads to a message ends: with it, but never before Meta can have stopped repeating itself.
    fn lead_until(&self, message_until: Timestamp, before: Timestamp) -> Timestamp {
        message_until.max(before.min(self.started.after(Retention::DEDUPE)))
    }
}

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its time was over already.
    Over,
    /// Its time is over by the new value.
    Gone,
    /// It ends when it did.
    Stays,
    /// It ends then.
    Until(Timestamp),
}

/// Judges one message, whose own time is `created` and which ended at `expires`.
pub(super) fn judge(created: Timestamp, expires: Timestamp, to: Retention, now: Timestamp) -> Verdict {
    let until = to.expiry(created);
    if expires <= now {
        Verdict::Over
    } else if until <= now {
        Verdict::Gone
    } else if until == expires {
        Verdict::Stays
    } else {
        Verdict::Until(until)
    }
}

/// What a change would do to some of a tenant's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Survey {
    /// Messages that can be read now.
    pub messages: u64,
    /// Those that would go at once.
    pub gone: u64,
    /// When the oldest of these was written.
    pub gone_oldest: Option<Timestamp>,
    /// When the newest of these was written.
    pub gone_newest: Option<Timestamp>,
    /// When the first of the others would end.
    pub ends_first: Option<Timestamp>,
    /// When the last of the others would end.
    pub ends_last: Option<Timestamp>,
    /// Where the rest begins; `None` when this was all.
    #[serde(skip)]
    pub next: Option<Place>,
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

impl Survey {
    /// Counts one message.
    pub(super) fn count(&mut self, created: Timestamp, to: Retention, verdict: Verdict) {
        if verdict == Verdict::Over {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        if verdict == Verdict::Gone {
            self.gone = self.gone.saturating_add(1);
            self.gone_oldest = earlier(self.gone_oldest, Some(created));
            self.gone_newest = self.gone_newest.max(Some(created));
        } else {
            let until = to.expiry(created);
            self.ends_first = earlier(self.ends_first, Some(until));
            self.ends_last = self.ends_last.max(Some(until));
        }
    }

    /// Adds what comes after this.
    #[must_use]
    pub fn and(self, rest: Self) -> Self {
        Self {
            messages: self.messages.saturating_add(rest.messages),
            gone: self.gone.saturating_add(rest.gone),
            gone_oldest: earlier(self.gone_oldest, rest.gone_oldest),
            gone_newest: self.gone_newest.max(rest.gone_newest),
            ends_first: earlier(self.ends_first, rest.ends_first),
            ends_last: self.ends_last.max(rest.ends_last),
            next: rest.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::row::MessageRef;

    fn day(day: u64) -> Timestamp {
        Timestamp::from_millis(0).after(Duration::from_secs(day * 86_400))
    }

    fn days(days: u32) -> Retention {
        Retention::days(days).unwrap()
    }

    #[test]
    fn a_message_goes_when_its_own_time_says_so_and_never_comes_back() {
        for (created, expires, to, verdict) in [
            (0, 365, 30, Verdict::Gone),
            (0, 365, 100, Verdict::Gone),
            (1, 366, 100, Verdict::Until(day(101))),
            (1, 101, 100, Verdict::Stays),
            (90, 120, 365, Verdict::Until(day(455))),
            (60, 90, 365, Verdict::Over),
            (70, 100, 365, Verdict::Over),
        ] {
            let now = day(100);
            assert_eq!(
                judge(day(created), day(expires), days(to), now),
                verdict,
                "{created} {expires} {to}"
            );
        }
    }

    #[test]
    fn what_leads_to_a_message_outlives_metas_repetitions_however_often_it_is_judged() {
        let job = RetentionJob::new(TenantId::new(1), days(365), days(1), day(100));
        for (message_until, before, until) in
            [(50, 300, 109), (300, 105, 300), (50, 105, 105), (110, 400, 110)]
        {
            let once = job.lead_until(day(message_until), day(before));
            assert_eq!(once, day(until));
            assert_eq!(job.lead_until(day(message_until), once), once);
        }
    }

    #[test]
    fn what_leads_to_a_message_ends_with_it_and_leads_nowhere_once_it_is_gone() {
        let job = RetentionJob::new(TenantId::new(1), days(365), days(30), day(100));
        let conversation = ConversationId::from_bytes([1; 16]);
        let at = |n| {
            let message = MessageId::from_bytes([n; 16]);
            Some(MessageRef {
                conversation,
                message,
            })
        };
        for (created, verdict, leads_to, after) in [
            (90, Verdict::Until(day(120)), at(1), Some((at(1), 120))),
            (90, Verdict::Stays, at(1), Some((at(1), 120))),
            (10, Verdict::Gone, at(1), Some((None, 109))),
            (10, Verdict::Gone, at(2), None),
            (10, Verdict::Gone, None, None),
        ] {
            let message = (MessageId::from_bytes([1; 16]), day(created));
            let lead = job.lead(message, verdict, (Seen { at: leads_to }, day(300)));
            assert_eq!(lead, after.map(|(at, until)| (Seen { at }, day(until))));
        }
    }

    #[test]
    fn what_was_over_before_is_not_counted() {
        let mut stepped = Stepped::default();
        for verdict in [
            Verdict::Over,
            Verdict::Gone,
            Verdict::Stays,
            Verdict::Until(day(1)),
        ] {
            stepped.count(verdict);
        }
        assert_eq!((stepped.messages, stepped.removed, stepped.moved), (3, 1, 1));
    }

    #[test]
    fn a_place_is_read_back_from_its_text_and_nothing_else_is() {
        let place = Place {
            conversation: ConversationId::from_bytes([0xab; 16]),
            bucket: -3,
            class: 2,
            message: MessageId::from_bytes([7; 16]),
        };
        let text = place.to_string();
        assert_eq!(text.parse(), Ok(place));
        for wrong in ["", "x", &text[1..], &format!("{text}.1"), &text.replace('.', "-")] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_job_ends_when_nothing_is_left_and_counts_no_conversation_twice() {
        let job = RetentionJob::new(TenantId::new(1), days(365), days(30), day(1));
        assert_eq!((job.state(), job.shortens()), (JobState::Waiting, true));
        let id = MessageId::from_bytes([1; 16]);
        let step = Stepped {
            conversations: 2,
            messages: 5,
            removed: 3,
            moved: 2,
            next: Some(Place::after(ConversationId::from_bytes([1; 16]), id)),
        };
        let job = job.after(step, 3, day(2));
        assert_eq!(
            (job.state(), job.conversations, job.of),
            (JobState::Running, 2, Some(3))
        );
        let job = job.after(Stepped { next: None, ..step }, 99, day(3));
        assert_eq!(
            (job.state(), job.conversations, job.of),
            (JobState::Done, 3, Some(3))
        );
        assert_eq!((job.removed, job.moved, job.finished), (6, 4, Some(day(3))));
    }

    #[test]
    fn surveys_of_parts_add_up() {
        let mut whole = Survey::default();
        let mut parts = [Survey::default(); 2];
        for (n, created) in [10, 95, 40, 60, 99].into_iter().enumerate() {
            let verdict = judge(day(created), day(created + 300), days(30), day(100));
            whole.count(day(created), days(30), verdict);
            parts[n % 2].count(day(created), days(30), verdict);
        }
        assert_eq!(parts[0].and(parts[1]), whole);
        assert_eq!((whole.messages, whole.gone), (5, 3));
        assert_eq!(
            (whole.gone_oldest, whole.gone_newest),
            (Some(day(10)), Some(day(60)))
        );
        assert_eq!(
            (whole.ends_first, whole.ends_last),
            (Some(day(125)), Some(day(129)))
        );
    }
}
