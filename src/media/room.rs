//! Room on the disk for what a business uploads. The store beside it needs some, too: uploads end well above what it keeps for itself, so
//! that nobody who uploads files stops the webhooks and messages of all.

use std::path::Path;

use super::Files;
use super::storage::StorageError;

/// The disk is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for files now")]
pub struct NoRoom;

/// How much of a folder's disk uploads leave free.
#[derive(Clone, Default)]
pub(super) struct Room {
    min_free: u64,
    /// What is free, as a test has it.
    #[cfg(test)]
    pub(super) free: Option<std::sync::Arc<std::sync::atomic::AtomicU64>>,
}

impl Room {
    fn has(&self, folder: &Path, bytes: u64) -> std::io::Result<bool> {
        let needed = self.min_free.saturating_add(bytes);
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

    /// Whether so many bytes may be uploaded. Those that come at the same moment may go beyond it. A bucket always has room.
    pub async fn demand_room(&self, bytes: u64) -> Result<Result<(), NoRoom>, StorageError> {
        let Some(folder) = self.folder().map(ToOwned::to_owned) else {
            return Ok(Ok(()));
        };
        let room = self.room.clone();
        let looked = tokio::task::spawn_blocking(move || room.has(&folder, bytes)).await;
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
        assert_eq!(files.demand_room(1).await.unwrap(), Ok(()));
        assert_eq!(files.demand_room(u64::MAX).await.unwrap(), Err(NoRoom));
        let narrow = files.keep_free(u64::MAX / 2);
        assert_eq!(narrow.demand_room(1).await.unwrap(), Err(NoRoom));
        let nowhere = Files::in_memory().keep_free(u64::MAX);
        assert_eq!(nowhere.demand_room(1).await.unwrap(), Ok(()));
    }
}
