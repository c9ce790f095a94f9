//! Taking a tenant's rows out of one store, in a form that every other takes in.
//!
//! A record is one row as all backends mean it, with its expiry; indexes beside it are the taker's own business. Writing a
//! record again changes nothing. What waits in the journal, what was put aside and who is who have calls of their own.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use super::row::{Idempotency, MessageRef, OutboxRow, Rows, Seen};
use crate::domain::ids::digest16;
use crate::domain::{
    BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Event, EventKind, Message, Seq,
    Timestamp, WamidHash,
};

/// What kind of row a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Contacts.
    Contact,
    /// Where aliases lead.
    Alias,
    /// Messages, before the conversations that show their beginnings.
    Message,
    /// Conversations.
    Conversation,
    /// What happened once.
    Seen,
    /// Answers to named requests.
    Idempotency,
    /// Unsettled outbound messages.
    Outbox,
    /// How many recipients of broadcasts came to what.
    Tally,
    /// Events.
    Event,
    /// Where the ledger stands: last, so that a ledger that is not whole is known by it.
    Head,
}

impl RecordKind {
    /// All, in the order in which they are taken in.
    pub const ALL: [Self; 10] = [
        Self::Contact,
        Self::Alias,
        Self::Message,
        Self::Conversation,
        Self::Seen,
        Self::Idempotency,
        Self::Outbox,
        Self::Tally,
        Self::Event,
        Self::Head,
    ];
}

/// One row. Personal data.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A contact.
    Contact(Box<Contact>),
    /// Where an alias leads, by its digest.
    Alias {
        /// The digest.
        key: [u8; 16],
        /// Where it leads.
        contact: ContactId,
    },
    /// A message.
    Message {
        /// The row.
        row: Box<Message>,
        /// Until when it may be read.
        expires: Timestamp,
    },
    /// A conversation. It shows the beginning of its last message only while that may be read.
    Conversation(Box<Conversation>),
    /// Something that happened once.
    Seen {
        /// Its digest.
        key: WamidHash,
        /// The message that it made.
        at: Option<MessageRef>,
        /// Until when it is known.
        expires: Timestamp,
    },
    /// An answer to a named request.
    Idempotency {
        /// Its digest.
        key: [u8; 16],
        /// What it was.
        row: Idempotency,
        /// Until when it is known.
        expires: Timestamp,
    },
    /// An unsettled outbound message.
    Outbox(Box<OutboxRow>),
    /// How many recipients of a broadcast came to what.
    Tally {
        /// The row.
        row: Box<BroadcastTally>,
        /// Until when it is known.
        expires: Timestamp,
    },
    /// An event.
    Event {
        /// Its place.
        seq: Seq,
        /// When it was committed.
        at: Timestamp,
        /// What it is about.
        kind: EventKind,
        /// The conversation that it belongs to.
        conversation: Option<ConversationId>,
        /// As the wire shows it.
        json: Box<RawValue>,
        /// Until when it may be read.
        expires: Timestamp,
    },
    /// Where the ledger stands.
    Head {
        /// Which ledger it is.
        epoch: Epoch,
        /// Its last position.
        head: Seq,
    },
}

impl Record {
    /// A digest of all that it says.
    pub fn digest(&self) -> Result<u128, StoreError> {
        let text = serde_json::to_vec(self).map_err(|error| StoreError::corrupt("record", error))?;
        Ok(u128::from_be_bytes(digest16(&[&text])))
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Message { row, .. } => 512 + row.content.json().get().len(),
            Self::Event { json, .. } => 128 + json.get().len(),
            Self::Outbox(row) => 512 + row.payload.get().len(),
            _ => 512,
        }
    }

    /// An event that may be read until a time.
    pub(super) fn event(event: &Event, expires: Timestamp) -> Result<Self, StoreError> {
        let json =
            serde_json::from_slice(&event.json).map_err(|error| StoreError::corrupt("event", error))?;
        Ok(Self::Event {
            seq: event.seq,
            at: event.at,
            kind: event.kind,
            conversation: event.conversation,
            json,
            expires,
        })
    }
}

/// Where the next page of an export begins. Opaque: each backend walks in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub(super) Vec<u8>);

/// A page of an export. It may be empty although more follows.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The rows.
    pub records: Vec<Record>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Mark>,
}

/// A head among records.
pub(super) fn head_in(records: &[Record]) -> Option<Seq> {
    records.iter().rev().find_map(|record| match record {
        Record::Head { head, .. } => Some(*head),
        _ => None,
    })
}

/// Writes records as they are.
pub(super) fn put(rows: &mut dyn Rows, records: &[Record]) -> Result<(), StoreError> {
    records.iter().try_for_each(|record| put_one(rows, record))
}

fn put_one(rows: &mut dyn Rows, record: &Record) -> Result<(), StoreError> {
    match record {
        Record::Contact(row) => rows.put_contact(row),
        Record::Alias { key, contact } => rows.put_alias_key(*key, *contact),
        Record::Message { row, expires } => {
            // What stands there may have to give way to it: it is looked at as with any other write.
            rows.message(MessageRef::of(row))?;
            rows.put_message(row, *expires)
        }
        Record::Conversation(row) => {
            // Its beginning ends with its last message.
            if let Some(at) = MessageRef::shown_by(row) {
                rows.message(at)?;
            }
            rows.put_conversation(row)
        }
        Record::Seen { key, at, expires } => rows.put_seen(*key, Seen { at: *at }, *expires),
        Record::Idempotency { key, row, expires } => rows.put_idempotency(*key, *row, *expires),
        Record::Outbox(row) => rows.put_outbox(row),
        Record::Tally { row, expires } => rows.put_tally(row, *expires),
        Record::Event {
            seq,
            at,
            kind,
            conversation,
            json,
            expires,
        } => {
            let event = Event {
                seq: *seq,
                at: *at,
                kind: *kind,
                conversation: *conversation,
                json: json.get().as_bytes().to_vec().into(),
            };
            rows.put_event(&event, *expires)
        }
        Record::Head { .. } => Ok(()),
    }
}
