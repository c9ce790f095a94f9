//! The engine's folder: opening it, its keyspaces, and what its errors mean.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Slice, Snapshot};

use super::FjallOptions;
use super::filter::ExpiredRows;
use super::keys::{Key, Space};
use crate::domain::Timestamp;
use crate::store::error::{StoreError, StoreErrorKind};

/// The smallest log that the engine accepts.
const SMALLEST_JOURNAL: u64 = 64 << 20;
/// A keyspace's writes are kept in memory up to this size. Five of them, and as many again while they are written out.
const MEMTABLE: u64 = 32 << 20;

/// Where webhooks waited before they had a log of their own.
const FORMER_JOURNAL: &str = "journal";

/// The open folder.
#[derive(Clone)]
pub(super) struct Engine {
    db: Database,
    events: Keyspace,
    messages: Keyspace,
    index: Keyspace,
    rows: Keyspace,
    expiry: Keyspace,
    latest: Arc<AtomicI64>,
}

impl Engine {
    /// Opens the folder, making it if it is not there.
    pub(super) fn open(path: &Path, options: &FjallOptions) -> Result<Self, StoreError> {
        let latest = Arc::new(AtomicI64::new(i64::MIN));
        let filter = Arc::new(ExpiredRows::new(Arc::clone(&latest)));
        let db = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_journaling_size(options.journal_bytes.max(SMALLEST_JOURNAL))
            .with_compaction_filter_factories(Arc::new(move |name| {
                let space = Space::ALL.into_iter().find(|space| space.name() == name)?;
                let filter: Arc<dyn fjall::compaction::filter::Factory> = filter.clone();
                space.expires().then_some(filter)
            }))
            .open()
            .map_err(failed)?;
        if db.keyspace_exists(FORMER_JOURNAL) {
            let former = db.keyspace(FORMER_JOURNAL, KeyspaceCreateOptions::default);
            if !former.map_err(failed)?.is_empty().map_err(failed)? {
                return Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    "webhooks that an earlier version took wait here: let that version apply them first",
                ));
            }
        }
        let open = |space: Space| {
            db.keyspace(space.name(), || {
                KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE)
            })
            .map_err(failed)
        };
        Ok(Self {
            events: open(Space::Events)?,
            messages: open(Space::Messages)?,
            index: open(Space::Index)?,
            rows: open(Space::Rows)?,
            expiry: open(Space::Expiry)?,
            db,
            latest,
        })
    }

    /// The engine itself.
    pub(super) fn db(&self) -> &Database {
        &self.db
    }

    /// One keyspace.
    pub(super) fn space(&self, space: Space) -> &Keyspace {
        match space {
            Space::Events => &self.events,
            Space::Messages => &self.messages,
            Space::Index => &self.index,
            Space::Rows => &self.rows,
            Space::Expiry => &self.expiry,
        }
    }

    /// What is stored under a key now.
    pub(super) fn get(&self, space: Space, key: &Key) -> Result<Option<Slice>, StoreError> {
        self.space(space).get(key).map_err(failed)
    }

    /// All keyspaces as they stand now, for reads that must agree with each other.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.db.snapshot()
    }

    /// Tells compaction how late it is: a time by which rows may be removed.
    pub(super) fn believe(&self, now: Timestamp) {
        self.latest.store(now.as_millis(), Ordering::Relaxed);
    }
}

/// What an engine's error means while nothing is being written. Its own words are for its authors: they are kept where
/// only those can help.
pub(super) fn failed(error: fjall::Error) -> StoreError {
    let (kind, detail) = match &error {
        fjall::Error::Locked => (
            StoreErrorKind::Unavailable,
            "another process has the store open".to_owned(),
        ),
        fjall::Error::Io(io) | fjall::Error::Storage(fjall::LsmError::Io(io)) => return refused(io),
        fjall::Error::Poisoned => (
            StoreErrorKind::Unavailable,
            "an earlier write failed, and nothing is written before the next start".to_owned(),
        ),
        fjall::Error::InvalidVersion(_) | fjall::Error::Storage(fjall::LsmError::InvalidVersion(_)) => (
            StoreErrorKind::Corrupt,
            format!("its files are of another version than this program reads ({error})"),
        ),
        other => (
            StoreErrorKind::Corrupt,
            format!("its files are damaged ({other})"),
        ),
    };
    StoreError::new(kind, detail)
}

/// What the system's refusal means, and what helps where that can be told.
pub(super) fn refused(error: &io::Error) -> StoreError {
    let (kind, help) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (StoreErrorKind::Full, ": make room"),
        io::ErrorKind::PermissionDenied => (
            StoreErrorKind::Unavailable,
            ": it has to belong to the user that runs mesej",
        ),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            (StoreErrorKind::Unavailable, ": it has to be a folder")
        }
        io::ErrorKind::ReadOnlyFilesystem => (
            StoreErrorKind::Unavailable,
            ": mount it so that it can be written",
        ),
        _ => (StoreErrorKind::Unavailable, ""),
    };
    StoreError::new(kind, format!("{error}{help}"))
}

/// Bytes that the folder occupies.
pub(super) fn disk_bytes(engine: &Engine) -> Result<u64, StoreError> {
    engine.db.disk_space().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_error_is_told_in_words_that_help() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for error in [
            fjall::Error::Io(denied()),
            fjall::Error::Storage(fjall::LsmError::Io(denied())),
        ] {
            let told = failed(error);
            assert_eq!(
                (told.kind, told.detail.as_str()),
                (
                    StoreErrorKind::Unavailable,
                    "permission denied: it has to belong to the user that runs mesej"
                )
            );
        }
        let full = failed(fjall::Error::Io(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.kind, StoreErrorKind::Full);
        let damaged = failed(fjall::Error::Unrecoverable);
        assert_eq!(damaged.kind, StoreErrorKind::Corrupt);
        assert!(damaged.detail.starts_with("its files are damaged"), "{damaged}");
    }
}
