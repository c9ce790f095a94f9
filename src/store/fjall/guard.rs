//! The folder itself, held while it is open.
//!
//! The engine's lock is a file in the folder, which somebody may remove to get a stuck process out of the way; then a second
//! process would open the same logs. The folder's own lock cannot be removed. And a folder, or one of its files, that is removed
//! under a running process takes writes that no next start will find: so it is looked at while the process runs.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::check::{BETWEEN, TRIES};
use super::engine;
use crate::store::error::{StoreError, StoreErrorKind};

/// What stands in the folder of every open store.
const ALWAYS_THERE: [&str; 6] = [
    ".",
    "version",
    "keyspaces",
    "webhooks",
    "engine.watermark",
    "webhooks.watermark",
];

/// See the module.
pub(super) struct FolderGuard {
    folder: File,
    path: PathBuf,
}

impl FolderGuard {
    /// Takes the folder; `Unavailable` while another process has it.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let folder = File::open(path).map_err(|error| engine::refused(&error))?;
        for _ in 0..TRIES {
            match folder.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        folder,
                        path: path.to_owned(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(BETWEEN),
                Err(TryLockError::Error(error)) => return Err(engine::refused(&error)),
            }
        }
        Err(engine::failed(fjall::Error::Locked))
    }

    /// `Unavailable` once the path leads elsewhere, or files are gone.
    pub(super) fn look(&self) -> Result<(), StoreError> {
        let identity = |of: &Metadata| (of.dev(), of.ino());
        let same = |at: io::Result<Metadata>| -> io::Result<bool> {
            Ok(identity(&at?) == identity(&self.folder.metadata()?))
        };
        let gone = |what: &str| {
            let path = self.path.join(what);
            let detail = format!(
                "{} was removed or replaced while the store was open",
                path.display()
            );
            StoreError::new(StoreErrorKind::Unavailable, detail)
        };
        if !same(self.path.metadata()).unwrap_or(false) {
            return Err(gone(""));
        }
        let missing = ALWAYS_THERE.iter().find(|name| !self.path.join(name).exists());
        missing.map_or(Ok(()), |name| Err(gone(name)))
    }
}

impl Drop for FolderGuard {
    fn drop(&mut self) {
        // Closing the file alone would leave it with a child that is being started at this moment.
        if let Err(error) = self.folder.unlock() {
            tracing::warn!(%error, "cannot let go of the data folder");
        }
    }
}
