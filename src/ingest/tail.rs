//! The newest journal entries, handed from the intake to the applier without reading them back.
//!
//! Bounded: what finds no room stays in the journal, and the applier is told to read there. From then on everything
//! goes through the journal until the applier caught up, so that no entry overtakes an older one.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Mutex, Notify, mpsc};

use super::turns::Behind;
use crate::store::JournalEntry;

/// Entries held in memory. Beyond this the applier is behind anyway.
const ENTRIES: usize = 8_192;
/// With so many waiting, the applier does not keep up.
const BEHIND: usize = 1_024;
/// Bytes held in memory.
const BYTES: usize = 64 << 20;

/// What the applier finds.
pub(super) enum Next {
    /// The oldest entries, in order.
    Entries(Vec<JournalEntry>),
    /// Some entries are only in the journal.
    ReadJournal,
}

/// The hand-over. See the module.
pub(super) struct Tail {
    sender: mpsc::Sender<JournalEntry>,
    receiver: Mutex<mpsc::Receiver<JournalEntry>>,
    bytes: AtomicUsize,
    behind: AtomicBool,
    came: AtomicU64,
    woken: Notify,
}

impl Default for Tail {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(ENTRIES);
        Self {
            sender,
            receiver: Mutex::new(receiver),
            bytes: AtomicUsize::new(0),
            // What an earlier process left is only in the journal.
            behind: AtomicBool::new(true),
            came: AtomicU64::new(0),
            woken: Notify::new(),
        }
    }
}

impl Tail {
    /// Offers an entry that is durable.
    pub(super) fn push(&self, entry: JournalEntry) {
        self.came.fetch_add(1, Ordering::Relaxed);
        let size = entry.body.len();
        // Counted first: whoever takes it out takes it off again.
        let held = self.bytes.fetch_add(size, Ordering::AcqRel).saturating_add(size);
        if self.behind.load(Ordering::Acquire) || held > BYTES || self.sender.try_send(entry).is_err() {
            self.bytes.fetch_sub(size, Ordering::AcqRel);
            self.fall_behind();
        }
    }

    /// Entries that came since the start.
    pub(super) fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }

    /// Whether the applier keeps up.
    pub(super) fn is_behind(&self) -> Behind {
        let waiting = ENTRIES.saturating_sub(self.sender.capacity());
        if waiting >= BEHIND || self.behind.load(Ordering::Acquire) {
            Behind::Yes
        } else {
            Behind::No
        }
    }

    /// Says that the journal holds entries that are not here.
    pub(super) fn fall_behind(&self) {
        if !self.behind.swap(true, Ordering::AcqRel) {
            self.woken.notify_one();
        }
    }

    /// Says that everything in the journal was read; new entries may come here again.
    pub(super) fn caught_up(&self) {
        self.behind.store(false, Ordering::Release);
    }

    /// Waits for work: up to `limit` entries, or word that the journal must be read.
    pub(super) async fn next(&self, limit: usize) -> Next {
        let mut receiver = self.receiver.lock().await;
        let mut entries = Vec::new();
        if receiver.is_empty() && self.behind.load(Ordering::Acquire) {
            return Next::ReadJournal;
        }
        tokio::select! {
            // What is here came before what is only in the journal.
            biased;
            taken = receiver.recv_many(&mut entries, limit) => {
                if taken == 0 {
                    return Next::ReadJournal;
                }
            }
            () = self.woken.notified() => return Next::ReadJournal,
        }
        let size: usize = entries.iter().map(|entry| entry.body.len()).sum();
        self.bytes.fetch_sub(size, Ordering::AcqRel);
        Next::Entries(entries)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::{JournalId, Timestamp};

    fn entry(bytes: usize) -> JournalEntry {
        JournalEntry {
            id: JournalId::from_bytes([1; 16]),
            received: Timestamp::from_secs(1),
            body: Bytes::from(vec![0; bytes]),
        }
    }

    fn keeping_up() -> Tail {
        let tail = Tail::default();
        tail.caught_up();
        tail
    }

    /// How many entries are there, or none when they are only in the journal.
    async fn found(tail: &Tail) -> Option<usize> {
        match tail.next(10).await {
            Next::Entries(entries) => Some(entries.len()),
            Next::ReadJournal => None,
        }
    }

    #[tokio::test]
    async fn what_was_taken_out_makes_room_again() {
        let tail = keeping_up();
        for _ in 0..3 {
            tail.push(entry(BYTES));
            assert_eq!(found(&tail).await, Some(1));
        }
        tail.push(entry(BYTES));
        tail.push(entry(1));
        assert_eq!(found(&tail).await, Some(1), "there was no room beside it");
        assert_eq!(found(&tail).await, None);
    }

    #[tokio::test]
    async fn what_found_no_room_takes_none() {
        let tail = Tail::default();
        tail.push(entry(BYTES));
        assert_eq!(found(&tail).await, None);
        tail.caught_up();
        tail.push(entry(BYTES + 1));
        assert_eq!(found(&tail).await, None);
        tail.caught_up();
        // The word that the journal has to be read was given, and is not given again for the same.
        tail.push(entry(BYTES));
        assert_eq!(tail.bytes.load(Ordering::Acquire), BYTES);
    }
}
