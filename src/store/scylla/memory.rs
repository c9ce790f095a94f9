//! What an owner need not ask for: rows that it read or wrote, and small index rows that surely stand there.
//!
//! Rows are remembered for one ownership of one tenant: nobody else writes them while it lasts, and nothing is believed
//! after it ended.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::cell::{Cell, Key, Row};
use super::keys::Class;
use crate::domain::{ContactId, ConversationId, PhoneNumberId, TenantId};

/// Rows remembered, of all tenants.
const ROWS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// Index rows remembered, of all tenants.
const NOTES: NonZeroUsize = NonZeroUsize::new(131_072).unwrap();

/// One ownership of one tenant in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Term {
    pub(super) tenant: TenantId,
    pub(super) number: u64,
}

/// An index row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Note {
    /// A partition of a conversation's messages.
    Bucket(TenantId, ConversationId, i32, Class),
    /// Ten minutes of a number's unsettled messages.
    Slot(TenantId, PhoneNumberId, i64),
    /// That a conversation belongs to its contact.
    Owner(TenantId, ConversationId),
    /// That a contact wrote in a group's conversation.
    Member(TenantId, ContactId, ConversationId),
    /// A minute of the journal.
    Minute(i64),
    /// That a minute of the journal holds nothing.
    MinuteEmpty(i64),
    /// The same, found when nobody could write to it any more.
    MinuteOver(i64),
}

/// Remembered rows and index rows.
#[derive(Debug)]
pub(super) struct Memory {
    rows: Mutex<LruCache<(Term, Key), Cell>>,
    notes: Mutex<LruCache<Note, ()>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Both are caches: whatever a panic left is either a whole row or none.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            rows: Mutex::new(LruCache::new(ROWS)),
            notes: Mutex::new(LruCache::new(NOTES)),
        }
    }

    /// What a row was when it was last read or written; `None` when that is not remembered.
    pub(super) fn recall(&self, term: Term, key: &Key) -> Option<Cell> {
        lock(&self.rows).get(&(term, key.clone())).cloned()
    }

    /// Remembers rows, unless they are large.
    pub(super) fn remember(&self, term: Term, rows: impl IntoIterator<Item = (Key, Cell)>) {
        let mut all = lock(&self.rows);
        for (key, cell) in rows {
            if is_large(&cell) {
                all.pop(&(term, key));
            } else {
                all.put((term, key), cell);
            }
        }
    }

    /// Whether an index row surely stands there.
    pub(super) fn knows(&self, note: &Note) -> bool {
        lock(&self.notes).get(note).is_some()
    }

    /// An index row was written.
    pub(super) fn note(&self, note: Note) {
        lock(&self.notes).put(note, ());
    }

    /// Index rows are being removed.
    pub(super) fn forget(&self, which: impl Fn(&Note) -> bool) {
        let mut notes = lock(&self.notes);
        let doomed: Vec<Note> = notes
            .iter()
            .filter(|(note, ())| which(note))
            .map(|(note, ())| note.clone())
            .collect();
        for note in doomed {
            notes.pop(&note);
        }
    }
}

/// Whether a row is not worth its place: bodies of messages reach a mebibyte.
fn is_large(cell: &Cell) -> bool {
    const LARGE: usize = 16 * 1_024;
    match cell {
        Some(Row::Message(kept)) => kept.row.content.json().get().len() > LARGE,
        Some(Row::Outbox(row)) => row.payload.get().len() > LARGE,
        _ => false,
    }
}
