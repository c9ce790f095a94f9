//! The embedded store: one folder, one process, no server.
//!
//! One thread writes, in groups that become durable together ([`writer`]); what an op changes is evaluated there, so that
//! every write sees all before it. Reads go to the engine directly. Rows carry their expiry in front ([`codec`]); keys are
//! laid out so that every list is one forward scan ([`keys`]). Webhooks that wait to be applied stand in a log of their own
//! ([`journal`]).
//!
//! An erasure, a sweep or a shorter retention removes rows at once; what erasures and shorter retentions leave in files goes
//! with the next sweep that may rewrite them ([`rewrite`]), at most once a day.
//! What was acknowledged is counted, and noted beside the logs it stands in ([`tally`], [`watermark`]); a start compares
//! ([`check`]) and refuses a folder that holds less.
//! The engine's own write-ahead log keeps recent writes until it rotates, after 64 MiB.

mod aside;
mod calls;
mod check;
mod closing;
mod codec;
mod directory;
mod disk;
mod engine;
mod erase;
mod events;
mod filter;
mod guard;
mod journal;
mod keys;
mod ledger;
mod marker;
mod opening;
mod pages;
mod plain;
mod private;
mod reader;
mod retention;
mod rewrite;
mod rows;
mod scan;
mod settle;
mod sweep;
mod tally;
mod terms;
#[cfg(test)]
mod tests;
mod transfer;
mod txn;
mod watermark;
mod write_queue;
mod writer;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::closing::Closing;
use self::disk::sync_folder;
use self::engine::Engine;
use self::events::Floors;
use self::guard::FolderGuard;
use self::journal::Journal;
#[cfg(fuzzing)]
pub use self::journal::fuzzing;
pub(crate) use self::private::keep_private;
use self::reader::Reader;
use self::txn::Txn;
use self::write_queue::Condition;
use self::writer::{Need, Writer};
use super::StoreError;
use crate::domain::Timestamp;

/// Writes are refused while less is free on the disk: room to end in order, and to remove things.
const RESERVE: u64 = 256 << 20;
/// About what a small write costs.
const SMALL: usize = 256;

/// How the embedded store uses the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FjallOptions {
    /// Memory for caching what was read, in bytes.
    pub cache_bytes: u64,
    /// Most write-ahead log kept on disk, in bytes; at least 64 MiB. Replayed at the next start.
    pub journal_bytes: u64,
    /// What happens where no store is.
    pub absent: Absent,
    /// What happens where something acknowledged is damaged or lost.
    pub loss: Loss,
}

/// Whether a store is made where none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absent {
    /// It is, and that is said loudly.
    #[default]
    IsMade,
    /// Opening fails: what looks like a new folder is a volume that is not mounted.
    IsRefused,
}

/// Whether a store is opened that does not hold everything any more that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// Opening fails, saying what is missing.
    #[default]
    IsRefused,
    /// It is opened with what is left, where that is possible. What was due to be sent by then is unknown.
    IsAcceptedAt(Timestamp),
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            journal_bytes: 256 << 20,
            absent: Absent::IsMade,
            loss: Loss::IsRefused,
        }
    }
}

/// The embedded store. See the module.
pub struct FjallStore {
    // Dropped first: they end the threads that write.
    journal: Journal,
    writer: Writer,
    reader: Reader,
    floors: Arc<Floors>,
    engine: Engine,
    folder: PathBuf,
    /// When this process last began to rewrite files.
    rewrite_tried: Mutex<Option<Timestamp>>,
    // Dropped last: nobody may have the engine open then.
    closing: Closing,
    // Nobody else may look at the folder before that is done.
    guard: FolderGuard,
}

/// Makes a folder for its owner alone: messages lie in it, and the tokens with which Meta is called. One that is there
/// stays as it is.
pub(crate) fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Where the webhook journal has its segments.
fn webhooks(folder: &Path) -> PathBuf {
    folder.join("webhooks")
}

/// Where it is noted how far they were acknowledged.
fn webhooks_watermark(folder: &Path) -> PathBuf {
    folder.join("webhooks.watermark")
}

impl FjallStore {
    /// Opens the folder, making it if it is not there. Reads the logs, which may take seconds.
    ///
    /// `Unavailable` when another process has it open, or there is none and none may be made; `Corrupt` when something that
    /// was acknowledged is damaged or lost, unless that is accepted.
    pub fn open(path: impl AsRef<Path>, options: FjallOptions) -> Result<Self, StoreError> {
        Self::open_with_reserve(path.as_ref(), options, RESERVE)
    }

    fn open_with_reserve(path: &Path, options: FjallOptions, reserve: u64) -> Result<Self, StoreError> {
        let opened = opening::open(path, &options)?;
        let opening::Opened {
            engine,
            tally,
            notes,
            webhooks: checked,
            guard,
        } = opened;
        let closing = Closing::of(path);
        let (webhooks, watermark) = (webhooks(path), webhooks_watermark(path));
        let journal = Journal::open(&webhooks, &watermark, checked, Condition::new(path, reserve));
        Ok(Self {
            journal: journal.map_err(|error| error.within(&webhooks))?,
            writer: Writer::start(engine.clone(), tally, notes, Condition::new(path, reserve))?,
            reader: Reader::new(engine.clone()),
            floors: Arc::new(Floors::default()),
            engine,
            folder: path.to_owned(),
            rewrite_tried: Mutex::default(),
            closing,
            guard,
        })
    }

    /// Writes what is in memory of customers to files.
    #[cfg(test)]
    pub(super) fn write_out(&self) -> Result<(), StoreError> {
        rewrite::write_out(&self.engine, &rewrite::WITH_CUSTOMERS, rewrite::WRITTEN)
    }

    /// Writes one small row.
    async fn put(
        &self,
        put: impl FnOnce(&mut Txn) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        self.writer.write(Need::Durable, SMALL, put).await
    }

    async fn remove_expired(&self, found: Vec<sweep::Gone>, now: Timestamp) -> Result<usize, StoreError> {
        let mut rows = 0;
        for some in found.chunks(sweep::TOGETHER) {
            let some = some.to_vec();
            let floors: Vec<_> = some
                .iter()
                .filter_map(|gone| match gone {
                    sweep::Gone::Event { tenant, seq } => Some((*tenant, seq.next())),
                    _ => None,
                })
                .collect();
            let cost = some.len() * SMALL;
            rows += self
                .writer
                .write(Need::MakesRoom, cost, move |txn| sweep::remove(txn, some, now))
                .await?;
            for (tenant, floor) in floors {
                self.floors.raise(tenant, floor);
            }
        }
        Ok(rows)
    }
}
