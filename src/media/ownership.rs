//! Whether the folder or bucket belongs to this store: only then does a sweep remove what the store does not know.
//!
//! A store that was made anew or restored knows of none or few of the files, and so does another installation. The store has a row, and
//! the folder or bucket an object, which name the same installation and count together. The store counts first: where the object has
//! counted further, a later state of the store, or another copy of it, used the files.

use futures_util::TryStreamExt as _;

use super::{Media, MediaError};
use crate::store::StoreError;
use crate::store::plain::PlainTable;
use crate::store::tables::{InstallationId, MediaOwner};

/// Why nothing may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwned {
    /// There are files and no object that names a store.
    #[error("the folder or bucket holds files, and nothing says that they are this store's")]
    Unmarked,
    /// The store was made anew, accepted a loss, or is another one.
    #[error(
        "the folder or bucket belongs to another store, or to this one before it was made anew or accepted a loss"
    )]
    Foreign,
    /// The store was restored, or somebody else uses a copy of it.
    #[error(
        "the store is older than the folder or bucket: it was restored, or a copy of it uses the same files"
    )]
    Older,
}

impl Media {
    fn owners(&self) -> PlainTable<'_, MediaOwner> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    /// Finds out whether the folder or bucket belongs to this store, and notes it there and here. An empty one becomes this store's.
    pub async fn confirm_ownership(&self) -> Result<Result<(), NotOwned>, MediaError> {
        let row = self.owners().get(&MediaOwner::at()).await?.map(|found| found.row);
        let mark = self.files.owner().await?;
        let owner = match (row, mark) {
            (Some(row), Some(mark)) if row.installation != mark.installation => {
                return Ok(Err(NotOwned::Foreign));
            }
            (Some(row), Some(mark)) if row.generation < mark.generation => return Ok(Err(NotOwned::Older)),
            (Some(row), Some(_)) => row,
            (None, Some(_)) => return Ok(Err(NotOwned::Foreign)),
            (row, None) => {
                if self.files.list().try_next().await?.is_some() {
                    return Ok(Err(NotOwned::Unmarked));
                }
                match row {
                    Some(row) => row,
                    None => self.new_owner(0)?,
                }
            }
        };
        self.note_owner(owner).await.map(Ok)
    }

    /// Takes the folder or bucket over, whoever it belonged to: what this store does not know is removed by the next sweep.
    pub async fn adopt_files(&self) -> Result<(), MediaError> {
        let row = self.owners().get(&MediaOwner::at()).await?.map(|found| found.row);
        let counted = [row, self.files.owner().await?];
        let counted = counted.into_iter().flatten().map(|owner| owner.generation);
        // Whoever shares the files finds that they are not its own any more.
        let owner = self.new_owner(counted.max().unwrap_or(0))?;
        let decide = |_: Option<&MediaOwner>| -> Result<_, MediaError> { Ok(Some(owner.clone())) };
        self.owners().change(MediaOwner::at(), decide).await?;
        self.note_owner(owner).await
    }

    /// The store accepted a loss: files that it does not know may be of rows that it lost.
    pub async fn disown_files(&self) -> Result<(), MediaError> {
        let owner = self.new_owner(0)?;
        let decide = |_: Option<&MediaOwner>| -> Result<_, MediaError> { Ok(Some(owner.clone())) };
        self.owners().change(MediaOwner::at(), decide).await?;
        Ok(())
    }

    fn new_owner(&self, generation: u64) -> Result<MediaOwner, MediaError> {
        Ok(MediaOwner {
            installation: InstallationId::of(self.random_bytes()?),
            generation,
        })
    }

    /// Counts in the store, then beside the files.
    async fn note_owner(&self, owner: MediaOwner) -> Result<(), MediaError> {
        let decide = |stands: Option<&MediaOwner>| -> Result<_, StoreError> {
            let stands = stands.unwrap_or(&owner);
            Ok(Some(MediaOwner {
                installation: stands.installation.clone(),
                generation: stands.generation.saturating_add(1),
            }))
        };
        let (_, after) = self.owners().change(MediaOwner::at(), decide).await?;
        let after = after.unwrap_or(owner);
        Ok(self.files.set_owner(&after).await?)
    }
}
