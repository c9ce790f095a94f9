//! A tenant's rows by key, as a batch reads and writes them and as the owner remembers them.

use std::time::Duration;

use crate::domain::{
    BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Event, Message, MessageId,
    PhoneNumberId, Seq, Timestamp, WamidHash,
};
use crate::store::row::{Idempotency, MessageRef, OutboxRow, Seen};

/// What a row is found by, within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Conversation(ConversationId),
    Message(MessageRef),
    Seen(WamidHash),
    Contact(ContactId),
    Alias([u8; 16]),
    Idempotency([u8; 16]),
    Outbox(PhoneNumberId, MessageId),
    Tally(BroadcastId),
    Event(Seq),
}

/// A row.
#[derive(Debug, Clone)]
pub(super) enum Row {
    Conversation(Box<Listed>),
    Message(Box<Kept>),
    Seen(Seen, Timestamp),
    Contact(Box<Contact>),
    Alias(ContactId),
    Idempotency(Idempotency, Timestamp),
    Outbox(Box<OutboxRow>),
    Tally(Box<BroadcastTally>, Timestamp),
    /// An event, and until when it may be read.
    Event(Box<Event>, Timestamp),
}

impl Row {
    /// Of an alias: the contact that it names.
    pub(super) fn alias(self) -> Option<ContactId> {
        match self {
            Self::Alias(contact) => Some(contact),
            _ => None,
        }
    }

    /// Of a contact: itself.
    pub(super) fn contact(self) -> Option<Contact> {
        match self {
            Self::Contact(contact) => Some(*contact),
            _ => None,
        }
    }

    /// Of an unsettled message: itself.
    pub(super) fn outbox(self) -> Option<OutboxRow> {
        match self {
            Self::Outbox(row) => Some(*row),
            _ => None,
        }
    }
}

/// A conversation, and until when its last message may be read, of which it shows the beginning.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) row: Conversation,
    pub(super) preview_until: Option<Timestamp>,
}

/// A preview that ends sooner is looked for on the cluster, whose clocks decide when it is gone.
const SOON: Duration = Duration::from_secs(60);

impl Listed {
    /// Whether it may be read as it is remembered.
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.preview_until.is_none_or(|until| until > now.after(SOON))
    }
}

/// A message, and until when it may be read.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) row: Message,
    pub(super) expires: Timestamp,
}

/// A row that may not be there.
pub(super) type Cell = Option<Row>;
