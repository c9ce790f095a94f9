//! Removing what nobody needs any more: bytes that no row leads to, and files whose messages are gone.
//!
//! All objects are listed, and of each its row is asked for. Nothing younger than a day is removed: its row may be about to be written.
//! Nothing at all is removed from a folder or bucket that is not known to be this store's (`ownership.rs`).

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;

use super::ownership::NotOwned;
use super::storage::StoredObject;
use super::{Media, MediaError};
use crate::domain::{MediaId, TenantId};
use crate::store::plain::PlainTable;
use crate::store::tables::{MediaFile, MediaUsage, QuickFile};

/// What is younger stays, whatever rows say.
const YOUNG: Duration = Duration::from_hours(24);
/// Quick files that are read at once.
const QUICK_FILES: usize = 100;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweptFiles {
    /// Files that stay.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Objects of which it could not be told, or that could not be removed: the next sweep looks again.
    pub failed: u64,
    /// Why nothing was removed, if the files are not known to be this store's.
    pub held: Option<NotOwned>,
    /// What each tenant has, in bytes.
    pub of_tenants: Vec<(TenantId, u64)>,
}

impl Media {
    /// Goes through all objects. `goes_on` is asked before each; `None` where it said no: the next sweep begins anew.
    pub async fn sweep(
        &self,
        mut goes_on: impl FnMut() -> bool + Send,
    ) -> Result<Option<SweptFiles>, MediaError> {
        for tenant in self.store.tenants().await? {
            self.remove_erased(tenant.id).await?;
        }
        let mut swept = SweptFiles {
            held: self.confirm_ownership().await?.err(),
            ..SweptFiles::default()
        };
        let mut usage: HashMap<TenantId, MediaUsage> = HashMap::new();
        let mut objects = self.files.list();
        while let Some(object) = objects.try_next().await? {
            if !goes_on() {
                return Ok(None);
            }
            let stays = match self.settle(&object, swept.held).await {
                Ok(stays) => stays,
                Err(error) => {
                    tracing::warn!(tenant.id = %object.name.tenant, %error, "a file is looked at again with the next sweep");
                    swept.failed += 1;
                    true
                }
            };
            if stays {
                swept.files += 1;
                swept.bytes += object.bytes;
                let used = usage.entry(object.name.tenant).or_insert(MediaUsage {
                    files: 0,
                    bytes: 0,
                    at: self.now(),
                });
                used.files += 1;
                used.bytes += object.bytes;
            } else {
                swept.removed += 1;
                swept.removed_bytes += object.bytes;
            }
        }
        swept.of_tenants = self.note_usage(usage).await?;
        if swept.held.is_none() {
            self.remove_half_written().await;
        }
        Ok(Some(swept))
    }

    /// Removes an object that nobody needs; whether it stays.
    async fn settle(&self, object: &StoredObject, held: Option<NotOwned>) -> Result<bool, MediaError> {
        let is_young = self.now().since(object.written) < YOUNG;
        if held.is_some() || is_young || self.is_needed(object).await? {
            return Ok(true);
        }
        self.files.remove(&object.name).await?;
        Ok(false)
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
        if id.is_upload() {
            self.keep_while_quick(tenant, found.row).await?;
            return Ok(true);
        }
        if self.is_carried(tenant, &found.row).await? {
            return Ok(true);
        }
        self.rows().replace(&key, Some(&found), None).await?;
        Ok(false)
    }

    /// An upload has no end while a quick file names it, and ends as every other once none does. Whoever adds or removes a quick file
    /// may be killed halfway, or be overtaken by another: this is where it is put right.
    async fn keep_while_quick(&self, tenant: TenantId, file: MediaFile) -> Result<(), MediaError> {
        let is_quick = self.is_quick(tenant, file.id).await?;
        if is_quick && file.until.is_some() {
            self.keep_upload(tenant, file.id).await?;
        }
        if !is_quick && file.until.is_none() {
            self.release_upload(tenant, file.id).await?;
            // One may have been added since, by somebody who saw that it has no end.
            if self.is_quick(tenant, file.id).await? {
                self.keep_upload(tenant, file.id).await?;
            }
        }
        Ok(())
    }

    async fn is_quick(&self, tenant: TenantId, id: MediaId) -> Result<bool, MediaError> {
        let table = PlainTable::<QuickFile>::of(self.store.as_ref(), self.now());
        let mut after = None;
        loop {
            let page = table.page(QuickFile::of(tenant), after, QUICK_FILES).await?;
            if page.items.iter().any(|found| found.row.media_id == id) {
                return Ok(true);
            }
            after = page.items.last().map(|found| found.sort.clone());
            if !page.more {
                return Ok(false);
            }
        }
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
