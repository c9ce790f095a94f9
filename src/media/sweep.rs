//! Removing what nobody needs any more: bytes that no row leads to, and files whose messages are gone.
//!
//! All objects are listed, and of each its row is asked for. Nothing younger than a day is removed: its row may be about to be written.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;

use super::storage::StoredObject;
use super::{Media, MediaError};
use crate::domain::TenantId;
use crate::store::plain::PlainTable;
use crate::store::tables::{MediaFile, MediaUsage};

/// What is younger stays, whatever rows say.
const YOUNG: Duration = Duration::from_hours(24);

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct SweptFiles {
    /// Files that stay.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

impl Media {
    /// Goes through all objects. `goes_on` is asked before each: a sweep that is cut off is done again from the beginning.
    pub async fn sweep(&self, mut goes_on: impl FnMut() -> bool + Send) -> Result<SweptFiles, MediaError> {
        for tenant in self.store.tenants().await? {
            self.remove_erased(tenant.id).await?;
        }
        let mut swept = SweptFiles::default();
        let mut usage: HashMap<TenantId, (u64, u64)> = HashMap::new();
        let mut objects = self.files.list();
        while let Some(object) = objects.try_next().await? {
            if !goes_on() {
                return Ok(swept);
            }
            let is_young = self.now().since(object.written) < YOUNG;
            if is_young || self.is_needed(&object).await? {
                swept.files += 1;
                swept.bytes += object.bytes;
                let used = usage.entry(object.name.tenant).or_default();
                used.0 += 1;
                used.1 += object.bytes;
            } else {
                self.files.remove(&object.name).await?;
                swept.removed += 1;
                swept.removed_bytes += object.bytes;
            }
        }
        for (tenant, (files, bytes)) in usage {
            self.note_usage(tenant, files, bytes).await?;
        }
        self.remove_half_written().await;
        Ok(swept)
    }

    /// Whether a row leads to an object, and its message is still there. Else the row goes, too.
    async fn is_needed(&self, object: &StoredObject) -> Result<bool, MediaError> {
        let (tenant, id) = (object.name.tenant, object.name.id);
        let key = MediaFile::at(tenant, id);
        let Some(found) = self.rows().get(&key).await? else {
            return self.is_piece(tenant, id, object.name.key).await;
        };
        if found.row.file != Some(object.name.key) {
            return Ok(false);
        }
        if self.is_carried(tenant, &found.row).await? {
            return Ok(true);
        }
        self.rows().replace(&key, Some(&found), None).await?;
        Ok(false)
    }

    async fn note_usage(&self, tenant: TenantId, files: u64, bytes: u64) -> Result<(), MediaError> {
        let table = PlainTable::<MediaUsage>::of(self.store.as_ref(), self.now());
        let row = MediaUsage {
            files,
            bytes,
            at: self.now(),
        };
        table
            .change::<MediaError>(MediaUsage::at(tenant), |_| Ok(Some(row)))
            .await?;
        Ok(())
    }

    /// What the last sweep counted of a tenant.
    pub async fn usage(&self, tenant: TenantId) -> Result<Option<MediaUsage>, MediaError> {
        let table = PlainTable::<MediaUsage>::of(self.store.as_ref(), self.now());
        let found = table.get(&MediaUsage::at(tenant)).await?;
        Ok(found.map(|found| found.row))
    }

    /// Removes from a folder what a kill left half written: such files have a `#` in their names, and no object has.
    async fn remove_half_written(&self) {
        let Some(folder) = self.files.folder().map(Path::to_owned) else {
            return;
        };
        let removed = tokio::task::spawn_blocking(move || remove_below(&folder, 3)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(%error, "what was half written of files is left for the next sweep");
        }
    }
}

fn remove_below(folder: &Path, depth: u8) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 1 {
            remove_below(&path, depth - 1)?;
        } else if kind.is_file() && entry.file_name().to_string_lossy().contains('#') {
            let age = entry.metadata()?.modified()?.elapsed();
            if age.is_ok_and(|age| age >= YOUNG) {
                std::fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}
