//! The embedded store: one folder, one process, no server.
//!
//! One thread writes, in groups that become durable together ([`writer`]); what an op changes is evaluated there, so that
//! every write sees all before it. Reads go to the engine directly. Rows carry their expiry in front ([`codec`]); keys are
//! laid out so that every list is one forward scan ([`keys`]). Webhooks that wait to be applied stand in a log of their own
//! ([`journal`]).
//!
//! An erasure, a sweep or a shorter retention removes rows at once; what erasures and shorter retentions leave in files goes
//! with the next sweep that may rewrite them ([`rewrite`]), at most once a day.
//! The engine's own write-ahead log keeps recent writes until it rotates, after 64 MiB.

mod calls;
mod codec;
mod desk;
mod directory;
mod disk;
mod dump;
mod engine;
mod erase;
mod events;
mod filter;
mod journal;
mod keys;
mod ledger;
mod marker;
mod pages;
mod private;
mod reader;
mod retention;
mod rewrite;
mod rows;
mod scan;
mod sweep;
#[cfg(test)]
mod tests;
mod transfer;
mod txn;
mod writer;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::desk::Condition;
use self::engine::Engine;
use self::events::Floors;
use self::journal::Journal;
pub(crate) use self::private::keep_private;
use self::reader::Reader;
use self::txn::Txn;
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
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            journal_bytes: 256 << 20,
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
}

/// Makes a folder for its owner alone: messages lie in it, and the tokens with which Meta is called. One that is there
/// stays as it is.
pub(crate) fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

impl FjallStore {
    /// Opens the folder, making it if it is not there. Reads the logs, which may take seconds.
    ///
    /// `Unavailable` when another process has it open.
    pub fn open(path: impl AsRef<Path>, options: FjallOptions) -> Result<Self, StoreError> {
        Self::open_with_reserve(path.as_ref(), options, RESERVE)
    }

    fn open_with_reserve(path: &Path, options: FjallOptions, reserve: u64) -> Result<Self, StoreError> {
        make_folder(path)
            .and_then(|()| private::mend(path))
            .map_err(|error| engine::refused(&error))?;
        marker::check(path)?;
        let engine = Engine::open(path, &options)?;
        let webhooks = path.join("webhooks");
        let journal = Journal::open(&webhooks, Condition::new(path, reserve));
        Ok(Self {
            journal: journal.map_err(|error| error.within(&webhooks))?,
            writer: Writer::start(engine.clone(), Condition::new(path, reserve))?,
            reader: Reader::new(engine.clone()),
            floors: Arc::new(Floors::default()),
            engine,
            folder: path.to_owned(),
            rewrite_tried: Mutex::default(),
        })
    }

    /// Writes what is in memory to files.
    #[cfg(test)]
    pub(super) fn write_out(&self) -> Result<(), StoreError> {
        rewrite::write_out(&self.engine)
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
