//! From an [`Op`] to rows and events: the one place that decides what a fact changes, shared by all backends.
//!
//! Ops of a tenant are applied strictly in order, each seeing what those before it wrote. That makes checks such as
//! "this wamid was seen" or "nobody wrote since" exact. Applying the same op again changes nothing.

mod amend;
mod broadcast;
mod claim;
mod consent;
mod delivery;
mod details;
mod erase;
mod identity;
mod imported;
mod known;
mod link;
mod media;
mod merge;
mod names;
mod organise;
mod reach;
mod readdress;
mod receive;
mod shown;
mod submit;
#[cfg(test)]
mod tests;
mod thread;

pub use broadcast::forget_unsettled;
pub use claim::claims;

use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use self::shown::{About, Touched};
use super::error::{StoreError, StoreErrorKind};
use super::op::{Op, OpOutcome};
use super::row::{Rows, Seen};
use super::{Append, Appended};
use crate::domain::{
    BroadcastId, Conversation, ConversationId, Event, EventKind, Fence, Message, MessageId, Retention, Seq,
    TenantId, Timestamp, WamidHash,
};

/// Refuses a writer whose fence is not the one that stands.
pub fn admit(stands: Fence, asks: Fence) -> Result<(), StoreError> {
    match asks.cmp(&stands) {
        Ordering::Less => Err(StoreError::fenced()),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::not_opened()),
    }
}

/// Applies a batch to the rows of its tenant, whose ledger stands at `head`.
pub fn append(batch: &Append, head: Seq, rows: &mut dyn Rows) -> Result<Appended, StoreError> {
    if batch.expect_head != head {
        return Err(StoreError::head_moved());
    }
    let mut appended = Appended {
        head,
        outcomes: Vec::with_capacity(batch.ops.len()),
        events: Vec::with_capacity(batch.ops.len()),
    };
    for op in &batch.ops {
        let derived = apply(batch, appended.head, op, rows)?;
        appended.outcomes.push(derived.outcome);
        appended.events.extend(derived.events);
        appended.head = appended.events.last().map_or(head, |event| event.seq);
    }
    Ok(appended)
}

/// What one op did.
struct Derived {
    outcome: OpOutcome,
    /// The events that it made, already written to the rows.
    events: Vec<Event>,
}

/// Applies one op of a batch to the rows of its tenant. `head` is the position of the last event before it. An op that makes
/// this panic can never be applied, and takes nothing else with it.
fn apply(append: &Append, head: Seq, op: &Op, rows: &mut dyn Rows) -> Result<Derived, StoreError> {
    unless_it_panics(|| decide(append, head, op, rows))
}

fn unless_it_panics<T>(decide: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_panic| {
        let told = "deciding what it changes panics";
        Err(StoreError::new(StoreErrorKind::Invalid, told))
    })
}

fn decide(append: &Append, head: Seq, op: &Op, rows: &mut dyn Rows) -> Result<Derived, StoreError> {
    let mut batch = Batch {
        tenant: append.tenant,
        now: append.now,
        retention: append.retention,
        head,
        rows,
        touched: Touched::default(),
        counted: Vec::new(),
        events: Vec::new(),
    };
    let outcome = match op {
        Op::Receive(receive) => receive::receive(&mut batch, receive)?,
        Op::Amend(amend) => amend::amend(&mut batch, amend)?,
        Op::Submit(submit) => submit::submit(&mut batch, submit)?,
        Op::Note(note) => submit::note(&mut batch, note)?,
        Op::Attempted(attempted) => delivery::attempted(&mut batch, attempted)?,
        Op::Report(report) => delivery::report(&mut batch, report)?,
        Op::Settle(settle) => delivery::settle(&mut batch, settle)?,
        Op::Withdraw(withdraw) => delivery::withdraw(&mut batch, withdraw)?,
        Op::Organise(change) => organise::organise(&mut batch, change)?,
        Op::Called(called) => receive::called(&mut batch, called)?,
        Op::Relate(relate) => link::relate(&mut batch, relate)?,
        Op::Prefer(prefer) => consent::prefer(&mut batch, prefer)?,
        Op::ChangeContact(change) => details::change(&mut batch, change)?,
        Op::Media(change) => media::media(&mut batch, change)?,
        Op::Merge(merge) => merge::merge(&mut batch, merge)?,
        Op::Unmerge(unmerge) => merge::unmerge(&mut batch, unmerge)?,
        Op::Erase(erase) => erase::erase(&mut batch, erase)?,
        Op::SteerBroadcast(steer) => broadcast::steer(&mut batch, steer)?,
        Op::Announce(announce) => organise::announce(&mut batch, announce)?,
    };
    batch.note_numbers()?;
    merge::keep_alike(&mut batch)?;
    batch.tell_the_rest()?;
    broadcast::tell_progress(&mut batch)?;
    Ok(Derived {
        outcome,
        events: batch.events,
    })
}

/// One op at work on a tenant's rows.
struct Batch<'a> {
    tenant: TenantId,
    now: Timestamp,
    retention: Retention,
    head: Seq,
    rows: &'a mut dyn Rows,
    touched: Touched,
    /// Broadcasts for which it counted and that are to be told of.
    counted: Vec<BroadcastId>,
    events: Vec<Event>,
}

impl Batch<'_> {
    /// The position that the next event will have.
    fn next_seq(&self) -> Seq {
        self.head.next()
    }

    /// When an event that is committed now ends at the latest.
    fn events_end(&self) -> Timestamp {
        self.retention.events_end(self.now)
    }

    /// Commits an event and returns its position.
    fn emit(
        &mut self,
        kind: EventKind,
        conversation: Option<ConversationId>,
        data: &impl Serialize,
    ) -> Result<Seq, StoreError> {
        self.emit_until(self.events_end(), kind, conversation, data)
    }

    /// Commits an event that tells of a message, and is kept no longer than that is.
    fn emit_until(
        &mut self,
        expires: Timestamp,
        kind: EventKind,
        conversation: Option<ConversationId>,
        data: &impl Serialize,
    ) -> Result<Seq, StoreError> {
        let data = to_raw_value(data)
            .map_err(|error| StoreError::new(StoreErrorKind::Invalid, error.to_string()))?;
        self.emit_raw(expires, kind, conversation, &data)
    }

    fn emit_raw(
        &mut self,
        expires: Timestamp,
        kind: EventKind,
        conversation: Option<ConversationId>,
        data: &RawValue,
    ) -> Result<Seq, StoreError> {
        let seq = self.next_seq();
        let event = Event::encode(seq, self.now, kind, conversation, data);
        self.rows.put_event(&event, expires.min(self.events_end()))?;
        self.head = seq;
        self.events.push(event);
        Ok(seq)
    }

    /// Notes that something happened once; kept for as long as Meta may repeat it and its message can be read.
    fn put_seen(&mut self, key: WamidHash, seen: Seen, readable_until: Timestamp) -> Result<(), StoreError> {
        let expires = readable_until.max(self.now.after(Retention::DEDUPE));
        self.rows.put_seen(key, seen, expires)
    }

    /// Writes a message that is new in its conversation and tells agents.
    fn add_message(
        &mut self,
        message: &mut Message,
        conversation: &Conversation,
        expires: Timestamp,
    ) -> Result<Seq, StoreError> {
        message.expect_media();
        message.told.push(self.next_seq());
        self.rows.put_message(message, expires)?;
        self.put_conversation(conversation)?;
        let about = About {
            message: Some(message),
            ..About::default()
        };
        self.emit_about(expires, EventKind::Message, conversation, about)
    }

    /// Writes a message that changed, with its conversation, and tells agents; also instead of which other message it stands.
    fn change_message(
        &mut self,
        kind: EventKind,
        message: &mut Message,
        conversation: &Conversation,
        instead_of: Option<MessageId>,
        expires: Timestamp,
    ) -> Result<Seq, StoreError> {
        if kind != EventKind::MessageRevoked {
            message.expect_media();
            message.told.push(self.next_seq());
        }
        self.rows.put_message(message, expires)?;
        self.put_conversation(conversation)?;
        let about = About {
            message: Some(message),
            instead_of,
            by: None,
        };
        self.emit_about(expires, kind, conversation, about)
    }
}
