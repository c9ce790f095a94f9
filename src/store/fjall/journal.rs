//! The webhook journal: segments of a log beside the engine, appended by a thread of their own.
//!
//! A webhook is durable before it is answered, and gone soon after it was applied; in between it is read at most once. An
//! engine that sorts, indexes and compacts is the wrong place for that. Each group of webhooks is one write and one sync;
//! marks of what was applied ride along. Which webhooks are open, and where they stand, is kept in memory and found again
//! by reading the segments at the start.
//!
//! A segment is removed when all before it are gone and all its webhooks were applied. The open ones of an old segment are
//! written again at the end of the log when they alone hold back much that is done with, and at every sweep while they are
//! few, so that what was applied leaves the disk by the next sweep.

#[cfg(fuzzing)]
pub mod fuzzing;
mod index;
mod preallocation;
mod record;
mod recover;
mod segment;
#[cfg(test)]
mod tests;
mod thread;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::engine::refused;
use super::write_queue::{Condition, WriteQueue, unanswered};
use crate::domain::JournalId;
use crate::store::error::StoreError;
use crate::store::{JournalBacklog, JournalEntry};
use index::{Index, Location};
pub(super) use recover::{Checked, check};
use thread::Thread;

/// About what a mark or an entry takes beside its body, in bytes.
const SMALL: usize = 64;

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// What the thread is asked for.
pub(super) enum Want {
    /// A webhook made durable.
    Append(JournalEntry, Answer),
    /// Webhooks marked as applied. May be lost in a crash: they are applied again, which changes nothing.
    Done(Vec<JournalId>, Answer),
    /// A new segment, and the old ones gone as far as their webhooks were applied.
    TurnOver(Answer),
}

/// The journal. See the module.
pub(super) struct Journal {
    pub(super) queue: WriteQueue<Want>,
    index: Arc<Mutex<Index>>,
}

/// An open webhook, found but not read.
pub(super) struct Found {
    id: JournalId,
    place: Location,
    file: Arc<File>,
}

impl Journal {
    /// Opens the segments in a folder, which were read before; what is missing of them is accepted as lost. How far they are
    /// acknowledged is noted in the watermark, a file outside the folder.
    pub(super) fn open(
        folder: &Path,
        watermark: &Path,
        checked: Checked,
        condition: Arc<Condition>,
    ) -> Result<Self, StoreError> {
        let recover::Found { index, newest } = checked.recover()?;
        let index = Arc::new(Mutex::new(index));
        let thread = Thread::begin(
            folder.to_owned(),
            watermark,
            newest,
            Arc::clone(&index),
            Arc::clone(&condition),
        )?;
        let queue = WriteQueue::start("store-journal", condition, move |wants| thread.run(wants))?;
        Ok(Self { queue, index })
    }

    /// Makes a webhook durable.
    pub(super) async fn append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        let cost = SMALL + entry.body.len();
        self.ask(cost, |answer| Want::Append(entry, answer)).await
    }

    /// Marks webhooks as applied. Not durable when it returns.
    pub(super) async fn done(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        let cost = SMALL + ids.len() * size_of::<JournalId>();
        self.ask(cost, |answer| Want::Done(ids, answer)).await
    }

    /// Lets go of what was applied.
    pub(super) async fn turn_over(&self) -> Result<(), StoreError> {
        self.ask(SMALL, Want::TurnOver).await
    }

    async fn ask(&self, cost: usize, want: impl FnOnce(Answer) -> Want) -> Result<(), StoreError> {
        let (sender, answer) = oneshot::channel();
        self.queue.put(cost, want(sender)).await?;
        answer.await.unwrap_or_else(|_closed| Err(unanswered()))
    }

    /// The oldest open webhooks after one, to be read with [`read`].
    pub(super) fn waiting(&self, after: Option<JournalId>, limit: usize) -> Result<Vec<Found>, StoreError> {
        let mut index = lock(&self.index);
        let places = index.open_after(after).take(limit).collect();
        find(&mut index, places)
    }

    /// Those of these webhooks that are open, oldest first, to be read with [`read`].
    pub(super) fn these(&self, mut ids: Vec<JournalId>) -> Result<Vec<Found>, StoreError> {
        ids.sort_unstable();
        let mut index = lock(&self.index);
        let places = ids.into_iter().filter_map(|id| Some((id, index.place(id)?)));
        let places = places.collect();
        find(&mut index, places)
    }

    /// What waits.
    pub(super) fn backlog(&self) -> JournalBacklog {
        let index = lock(&self.index);
        JournalBacklog {
            entries: index.open(),
            oldest: index.open_after(None).next().map(|(_, place)| place.received),
        }
    }

    /// Bytes that the segments occupy.
    pub(super) fn disk_bytes(&self) -> u64 {
        lock(&self.index).bytes()
    }
}

/// Opens the segments in which webhooks stand.
fn find(index: &mut Index, places: Vec<(JournalId, Location)>) -> Result<Vec<Found>, StoreError> {
    let found = places.into_iter().map(|(id, place)| {
        let file = index.file(place.segment).map_err(failed)?;
        Ok(Found { id, place, file })
    });
    found.collect()
}

/// Reads webhooks. May wait for the disk. A segment that was removed meanwhile is still there for whoever found it before.
pub(super) fn read(found: &[Found]) -> Result<Vec<JournalEntry>, StoreError> {
    found
        .iter()
        .map(|Found { id, place, file }| {
            Ok(JournalEntry {
                id: *id,
                received: place.received,
                body: body(file, *place)?,
            })
        })
        .collect()
}

fn body(file: &File, place: Location) -> Result<Bytes, StoreError> {
    let mut body = vec![0; place.length];
    file.read_exact_at(&mut body, place.at).map_err(failed)?;
    Ok(body.into())
}

fn failed(error: std::io::Error) -> StoreError {
    let StoreError { kind, detail, .. } = refused(&error);
    StoreError::new(kind, format!("the webhook journal: {detail}"))
}

fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}
