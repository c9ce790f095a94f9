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

/// A conversation, and until when its preview may be read.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) row: Conversation,
    pub(super) preview_until: Option<Timestamp>,
}

/// A message, and until when it may be read.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) row: Message,
    pub(super) expires: Timestamp,
}

/// A row that may not be there.
pub(super) type Cell = Option<Row>;
