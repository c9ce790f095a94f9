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
/// Bytes of the bodies of messages among them.
const BYTES: usize = 64 << 20;
/// Index rows remembered, of all tenants.
const NOTES: NonZeroUsize = NonZeroUsize::new(131_072).unwrap();

/// One ownership of one tenant in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Term {
    pub(super) tenant: TenantId,
    pub(super) number: u64,
}

/// An index row. A tenant's stand as long as an ownership lasts: another owner may remove them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Note {
    /// A partition of a conversation's messages.
    Bucket(Term, ConversationId, i32, Class),
    /// Ten minutes of a number's unsettled messages.
    Slot(Term, PhoneNumberId, i64),
    /// That a conversation belongs to its contact.
    Owner(Term, ConversationId),
    /// That a contact wrote in a group's conversation.
    Member(Term, ContactId, ConversationId),
    /// A minute of the journal, named during a turn of [`super::group_commit`].
    Minute(i64, u64),
    /// That a minute of the journal holds nothing.
    MinuteEmpty(i64),
}

/// Remembered rows and index rows.
#[derive(Debug)]
pub(super) struct RowCache {
    rows: Mutex<Rows>,
    notes: Mutex<LruCache<Note, ()>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Both are caches: whatever a panic left is either a whole row or none.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RowCache {
    pub(super) fn new() -> Self {
        Self {
            rows: Mutex::new(Rows::holding(BYTES)),
            notes: Mutex::new(LruCache::new(NOTES)),
        }
    }

    /// What a row was when it was last read or written; `None` when that is not remembered.
    pub(super) fn recall(&self, term: Term, key: &Key) -> Option<Cell> {
        lock(&self.rows).get(&(term, key.clone()))
    }

    /// Remembers rows, unless they are large.
    pub(super) fn remember(&self, term: Term, rows: impl IntoIterator<Item = (Key, Cell)>) {
        let mut all = lock(&self.rows);
        for (key, cell) in rows {
            all.put((term, key), cell);
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

/// Rows by when they were last asked for.
#[derive(Debug)]
struct Rows {
    all: LruCache<(Term, Key), Cell>,
    most_bytes: usize,
    bytes: usize,
}

impl Rows {
    fn holding(most_bytes: usize) -> Self {
        Self {
            all: LruCache::new(ROWS),
            most_bytes,
            bytes: 0,
        }
    }

    fn get(&mut self, key: &(Term, Key)) -> Option<Cell> {
        self.all.get(key).cloned()
    }

    fn put(&mut self, key: (Term, Key), cell: Cell) {
        let size = bytes_of(&cell);
        if size > LARGE {
            let before = self.all.pop(&key);
            self.leaves(before);
            return;
        }
        self.bytes = self.bytes.saturating_add(size);
        // The one that stood there, or the one that was not asked for longest.
        let before = self.all.push(key, cell);
        self.leaves(before.map(|(_, cell)| cell));
        while self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.all.pop_lru() else {
                return;
            };
            self.leaves(Some(oldest));
        }
    }

    fn leaves(&mut self, cell: Option<Cell>) {
        let size = cell.map_or(0, |cell| bytes_of(&cell));
        self.bytes = self.bytes.saturating_sub(size);
    }
}

/// A larger row is not worth its place: bodies of messages reach a mebibyte.
const LARGE: usize = 16 * 1_024;

/// Bytes of what may be large in a row.
fn bytes_of(cell: &Cell) -> usize {
    match cell {
        Some(Row::Message(kept)) => kept.row.content.json().get().len(),
        Some(Row::Outbox(row)) => row.payload.get().len(),
        // Others blank events: none is remembered.
        Some(Row::Event(..)) => usize::MAX,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContactId, MessageId, Priority, Purpose, Timestamp, UnknownPolicy};
    use crate::store::row::{MessageRef, OutboxRow, OutboxState};

    fn row(n: u8, text: &str) -> ((Term, Key), Cell) {
        let row = OutboxRow {
            number: PhoneNumberId::parse("1").unwrap(),
            at: MessageRef {
                conversation: ConversationId::from_bytes([1; 16]),
                message: MessageId::from_bytes([n; 16]),
            },
            contact: ContactId::from_bytes([1; 16]),
            state: OutboxState::Queued,
            attempt: 0,
            claimed_under: None,
            priority: Priority::Bulk,
            due: Timestamp::default(),
            valid_until: None,
            on_unknown: UnknownPolicy::Ask,
            may_be_held: false,
            purpose: Purpose::Other,
            broadcast: None,
            hours: None,
            since: Timestamp::default(),
            payload: serde_json::value::to_raw_value(text).unwrap().into(),
        };
        let tenant = TenantId::new(1);
        let key = Key::Outbox(row.number.clone(), row.at.message);
        (
            (Term { tenant, number: 1 }, key),
            Some(Row::Outbox(Box::new(row))),
        )
    }

    #[test]
    fn bodies_take_no_more_than_their_room_and_the_oldest_go_first() {
        let mut rows = Rows::holding(100);
        let texts = ["x".repeat(40), "y".repeat(40), "z".repeat(40)];
        let all: Vec<_> = (0..).zip(&texts).map(|(n, text)| row(n, text)).collect();
        for (key, cell) in all.clone() {
            rows.put(key, cell);
        }
        assert!(rows.get(&all[0].0).is_none());
        assert!(rows.get(&all[1].0).is_some() && rows.get(&all[2].0).is_some());
        let (key, again) = all[1].clone();
        rows.put(key, again);
        assert_eq!(rows.all.len(), 2, "put again, it takes no more room");
        let (key, large) = row(1, &"y".repeat(LARGE));
        rows.put(key, large);
        assert_eq!((rows.all.len(), rows.bytes), (1, bytes_of(&all[2].1)));
    }
}
