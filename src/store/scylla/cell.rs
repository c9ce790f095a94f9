//! A tenant's rows by key, as a batch reads and writes them and as the owner remembers them.

use crate::domain::{
    Contact, ContactId, Conversation, ConversationId, Message, MessageId, PhoneNumberId, Timestamp, WamidHash,
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
}

impl Row {
    /// Of an alias: the contact that it names.
    pub(super) fn alias(self) -> Option<ContactId> {
        match self {
            Self::Alias(contact) => Some(contact),
            _ => None,
        }
    }

    /// Of a conversation: itself.
    pub(super) fn conversation(self) -> Option<Listed> {
        match self {
            Self::Conversation(listed) => Some(*listed),
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
}

/// A conversation, and until when its preview may be read.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) row: Conversation,
    pub(super) preview_until: Option<Timestamp>,
}

impl Listed {
    /// The conversation as it may be read at a time.
    pub(super) fn at(mut self, now: Timestamp) -> Conversation {
        if self.preview_until.is_some_and(|until| until <= now) {
            self.row.preview = None;
        }
        self.row
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
