//! What Meta was answered 200 for and is not applied yet.

use bytes::Bytes;

use crate::domain::{JournalId, Timestamp};

/// A raw webhook body that Meta's signature vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place; grows with arrival.
    pub id: JournalId,
    /// When it arrived.
    pub received: Timestamp,
    /// The bytes as received. Personal data.
    pub body: Bytes,
}

/// What waits in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalBacklog {
    /// Entries that are not done.
    pub entries: usize,
    /// When the oldest of them arrived.
    pub oldest: Option<Timestamp>,
}
