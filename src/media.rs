//! Files of customers and of the business: fetched from Meta, kept beside the store, handed out, and brought to Meta.
//!
//! A row says what is known of a file (`store/tables/media.rs`); its bytes are one object under a random key. Nothing here decides
//! what a message says: that is the ledger's. Why it is so: `docs/adr/037-files-are-kept-beside-the-store.md`.

pub mod content_type;
pub mod discover;
mod erasing;
pub mod fetch;
mod folder;
pub mod intact;
mod links;
pub mod outbound;
pub mod ownership;
mod room;
pub mod samples;
pub mod storage;
pub mod sweep;
pub mod uploads;
mod usage;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::domain::{Clock, MediaId, MediaState, TenantId, Timestamp};
use crate::store::plain::PlainTable;
use crate::store::tables::{FileKey, MediaFile};
use crate::store::{Store, StoreError};
use crate::whatsapp::client::{GraphError, GraphFiles};

pub use intact::Expected;
pub use links::LASTS as LINK_LASTS;
pub use room::NoRoom;
pub use storage::{Files, StorageError};

/// Why something about a file was not done.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder or the bucket refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Meta did not do it.
    #[error(transparent)]
    Meta(#[from] GraphError),
    /// The number has no token, or one that cannot be sent.
    #[error("the number has no usable token")]
    NoToken,
    /// A piece of an upload was removed while it was put together.
    #[error("a piece of the upload is not there any more")]
    PieceGone,
    /// Too many links of a tenant work at the same time.
    #[error("too many links to files work now")]
    TooManyLinks,
    /// There is no randomness for a key.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Files, their rows and the way to Meta's. Cheap to share.
pub struct Media {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    files: Files,
    meta: Arc<dyn GraphFiles>,
    random: SystemRandom,
    bringing: outbound::SingleFlight,
    sweep_due: tokio::sync::Notify,
    /// What this process is called where several fetch files.
    fetcher: u64,
    links: links::Counts,
}

impl Media {
    /// Puts the parts together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        files: Files,
        meta: Arc<dyn GraphFiles>,
    ) -> Self {
        let random = SystemRandom::new();
        let mut fetcher = [0; 8];
        if random.fill(&mut fetcher).is_err() {
            tracing::warn!("the system gives no random numbers: gateways may fetch the same files");
        }
        Self {
            store,
            clock,
            files,
            meta,
            random,
            bringing: outbound::SingleFlight::default(),
            sweep_due: tokio::sync::Notify::new(),
            fetcher: u64::from_be_bytes(fetcher),
            links: links::Counts::default(),
        }
    }

    /// Has what nobody needs any more be removed soon.
    pub fn ask_for_sweep(&self) {
        self.sweep_due.notify_one();
    }

    /// Waits until somebody asks for that.
    pub async fn sweep_asked(&self) {
        self.sweep_due.notified().await;
    }

    /// Where the bytes are.
    pub fn files(&self) -> &Files {
        &self.files
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn rows(&self) -> PlainTable<'_, MediaFile> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    fn random_bytes(&self) -> Result<[u8; 16], MediaError> {
        let mut bytes = [0; 16];
        let filled = self.random.fill(&mut bytes);
        filled.map_err(|_unspecified| MediaError::NoRandomness)?;
        Ok(bytes)
    }

    fn new_key(&self) -> Result<FileKey, MediaError> {
        self.random_bytes().map(FileKey::of)
    }

    /// What is known of a file; of a message's only as long as the message is there and still shows it.
    pub async fn find(&self, tenant: TenantId, id: MediaId) -> Result<Option<MediaFile>, MediaError> {
        let Some(found) = self.rows().get(&MediaFile::at(tenant, id)).await? else {
            return Ok(None);
        };
        let mut file = found.row;
        if !self.is_carried(tenant, &file).await? {
            file.state = MediaState::Removed;
        }
        Ok(Some(file))
    }

    /// Whether the message of a file is still there and shows it; an upload needs none.
    async fn is_carried(&self, tenant: TenantId, file: &MediaFile) -> Result<bool, MediaError> {
        let Some(at) = file.message() else {
            return Ok(true);
        };
        let message = self.store.message(tenant, at, self.now()).await?;
        Ok(message.is_some_and(|message| message.shown_media(file.id).is_some()))
    }
}
