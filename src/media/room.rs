//! Room on the disk for files. The store beside them needs some, too: uploads end well above what it keeps for itself, so that nobody who
//! uploads files stops the webhooks and messages of all. Files that customers send are fetched on for a while, and then wait at Meta.

use std::path::Path;

use super::Files;
use super::storage::StorageError;

/// The disk is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for files now")]
pub struct NoRoom;

/// What files of customers leave free at the least: the embedded store refuses every write below 256 MiB.
const INBOUND_FLOOR: u64 = 384 << 20;

/// Whose files they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody of the business uploads them, and can do so later.
    Upload,
    /// Customers sent them; Meta keeps them for seven days.
    Inbound,
}

/// How much of a folder's disk files leave free.
#[derive(Clone, Default)]
pub(super) struct Room {
    min_free: u64,
    /// What is free, as a test has it.
    #[cfg(test)]
    pub(super) free: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

impl Room {
    /// What is left free: of customers' files half of what uploads leave, and more than the store needs.
    fn floor(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Upload => self.min_free,
            Purpose::Inbound => (self.min_free / 2).max(INBOUND_FLOOR).min(self.min_free),
        }
    }

    fn has(&self, folder: &Path, purpose: Purpose, bytes: u64) -> std::io::Result<bool> {
        let needed = self.floor(purpose).saturating_add(bytes);
        #[cfg(test)]
        if let Some(free) = &self.free {
            return Ok(free.load(std::sync::atomic::Ordering::Relaxed) >= needed);
        }
        let disk = rustix::fs::statvfs(folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize) >= needed)
    }
}

impl Files {
    /// Has uploads leave so many bytes free on the folder's disk.
    pub fn keep_free(mut self, bytes: u64) -> Self {
        self.room.min_free = bytes;
        self
    }

    /// Whether so many bytes may be uploaded.
    pub async fn demand_upload_room(&self, bytes: u64) -> Result<Result<(), NoRoom>, StorageError> {
        self.demand_room(Purpose::Upload, bytes).await
    }

    /// Whether so many bytes may be kept. Those that come at the same moment may go beyond it. A bucket always has room.
    pub(super) async fn demand_room(
        &self,
        purpose: Purpose,
        bytes: u64,
    ) -> Result<Result<(), NoRoom>, StorageError> {
        let Some(folder) = self.folder().map(ToOwned::to_owned) else {
            return Ok(Ok(()));
        };
        let room = self.room.clone();
        let looked = tokio::task::spawn_blocking(move || room.has(&folder, purpose, bytes)).await;
        let has_room = looked
            .map_err(StorageError::of_folder)?
            .map_err(StorageError::of_folder)?;
        Ok(has_room.then_some(()).ok_or(NoRoom))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_to_stay_free_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path()).unwrap();
        assert_eq!(files.demand_room(Purpose::Upload, 1).await.unwrap(), Ok(()));
        let demand = async |files: &Files, purpose, bytes| files.demand_room(purpose, bytes).await.unwrap();
        for purpose in [Purpose::Upload, Purpose::Inbound] {
            assert_eq!(demand(&files, purpose, u64::MAX).await, Err(NoRoom));
            let narrow = files.clone().keep_free(u64::MAX / 2);
            assert_eq!(demand(&narrow, purpose, 1).await, Err(NoRoom));
            let nowhere = Files::in_memory().keep_free(u64::MAX);
            assert_eq!(demand(&nowhere, purpose, 1).await, Ok(()));
        }
    }

    #[test]
    fn customers_files_leave_less_free_than_uploads_and_more_than_the_store_needs() {
        let floor = |min_free| {
            let room = Room {
                min_free,
                ..Room::default()
            };
            (room.floor(Purpose::Upload), room.floor(Purpose::Inbound))
        };
        const MIB: u64 = 1 << 20;
        assert_eq!(floor(1024 * MIB), (1024 * MIB, 512 * MIB));
        assert_eq!(floor(512 * MIB), (512 * MIB, 384 * MIB));
        // Whoever keeps files on a disk of their own may fill it.
        assert_eq!(floor(100 * MIB), (100 * MIB, 100 * MIB));
        assert_eq!(floor(0), (0, 0));
    }
}
