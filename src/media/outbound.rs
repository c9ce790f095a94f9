//! Bringing a file to Meta before the message that carries it is sent.
//!
//! Meta's id of a file is kept for as long as Meta keeps the file, so that one that is sent often is brought there once for each number.
//! Bringing it twice is harmless: only the message itself must never go twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;

use super::storage::ObjectName;
use super::{Media, MediaError};
use crate::domain::{ContactId, MediaId, MediaState, MetaError, PhoneNumberId, TenantId};
use crate::store::plain::PlainTable;
use crate::store::row::MessageRef;
use crate::store::tables::{MediaAtMeta, MediaFile};
use crate::telemetry::labels::MediaUpload;
use crate::telemetry::metrics;
use crate::whatsapp::client::{FileUpload, GraphError};

/// Meta keeps a file for 30 days. A message may wait in its lane for a while after this was asked.
const AT_META: Duration = Duration::from_hours(28 * 24);
/// The longest that one try may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// Meta's codes for what is not the file's fault: the token, permissions, rates, and trouble of its own.
const NOT_THE_FILES_FAULT: [i64; 10] = [0, 1, 2, 3, 4, 10, 190, 200, 80_007, 131_000];

/// A file of a message that is to be sent.
#[derive(Debug, Clone)]
pub struct FileToSend {
    /// Whose.
    pub tenant: TenantId,
    /// The number that sends.
    pub number: PhoneNumberId,
    /// The message.
    pub at: MessageRef,
    /// Whom it goes to.
    pub contact: ContactId,
    /// The upload that it names.
    pub upload: MediaId,
}

/// Why a file is not at Meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAtMeta {
    /// It is worth another try.
    Later(String),
    /// It will never be.
    Never(MetaError),
}

/// A file at Meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAtMeta {
    /// Whose.
    pub tenant: TenantId,
    /// The number that sends by it.
    pub number: PhoneNumberId,
    /// The upload.
    pub upload: MediaId,
    /// Meta's id of it.
    pub id: Arc<str>,
}

/// Brings files to Meta.
#[async_trait]
pub trait OutboundFiles: Send + Sync + 'static {
    /// Meta refused a file's id: the next message has the file brought there again.
    async fn forget(&self, file: &FileAtMeta);

    /// Meta's id of a file, for the number that sends it. Ends within minutes.
    async fn at_meta(&self, file: &FileToSend) -> Result<Arc<str>, NotAtMeta>;
}

#[async_trait]
impl OutboundFiles for Media {
    async fn forget(&self, file: &FileAtMeta) {
        let known = PlainTable::<MediaAtMeta>::of(self.store.as_ref(), self.now());
        let key = MediaAtMeta::at(file.tenant, file.upload, &file.number);
        let other = |stands: Option<&MediaAtMeta>| -> Result<_, MediaError> {
            // It may have been brought there again meanwhile.
            Ok(stands.filter(|stands| stands.id != file.id).cloned())
        };
        if let Err(error) = known.change(key, other).await {
            tracing::warn!(tenant.id = %file.tenant, %error, "a file that Meta refused is sent once more by the same id");
        }
    }

    async fn at_meta(&self, file: &FileToSend) -> Result<Arc<str>, NotAtMeta> {
        let alone = async {
            // Whoever waits for its turn finds afterwards that it is there.
            let turn = self
                .bringing
                .turn((file.tenant, file.upload, file.number.clone()));
            let _turn = turn.lock().await;
            self.bring(file).await
        };
        let tried = tokio::time::timeout(DEADLINE, alone).await;
        let late = || Err(NotAtMeta::Later("bringing it to Meta took too long".to_owned()));
        let brought = tried.unwrap_or_else(|_elapsed| late());
        let outcome = match &brought {
            Ok(_) => MediaUpload::Brought,
            Err(NotAtMeta::Later(_)) => MediaUpload::Retried,
            Err(NotAtMeta::Never(_)) => MediaUpload::Failed,
        };
        metrics::media_uploads_total(outcome).increment(1);
        brought
    }
}

impl From<MediaError> for NotAtMeta {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Meta(GraphError::Refused { http_status, error })
                if http_status < 500 && http_status != 429 && !NOT_THE_FILES_FAULT.contains(&error.code) =>
            {
                Self::Never(error)
            }
            other => Self::Later(other.to_string()),
        }
    }
}

/// Files that are being brought to Meta, each by one at a time.
#[derive(Debug, Default)]
pub(super) struct SingleFlight(Mutex<HashMap<FlightKey, Weak<tokio::sync::Mutex<()>>>>);

type FlightKey = (TenantId, MediaId, PhoneNumberId);

impl SingleFlight {
    /// What whoever brings a file holds meanwhile. Those that nobody holds any more are forgotten.
    fn turn(&self, key: FlightKey) -> Arc<tokio::sync::Mutex<()>> {
        // Entries are put whole, so a panic elsewhere leaves nothing half done.
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        if let Some(turn) = flights.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        flights.insert(key, Arc::downgrade(&turn));
        turn
    }
}

fn is_gone() -> NotAtMeta {
    NotAtMeta::Never(MetaError {
        code: 0,
        title: "the file that was to be sent is not there any more".into(),
        details: None,
    })
}

impl Media {
    async fn bring(&self, file: &FileToSend) -> Result<Arc<str>, NotAtMeta> {
        let now = self.now();
        let known = PlainTable::<MediaAtMeta>::of(self.store.as_ref(), now);
        let key = MediaAtMeta::at(file.tenant, file.upload, &file.number);
        let found = known.get(&key).await.map_err(MediaError::from)?;
        if let Some(found) = &found {
            return Ok(Arc::clone(&found.row.id));
        }
        let source = self.source(file).await?;
        let name = ObjectName {
            tenant: file.tenant,
            id: source.id,
            key: source.file.ok_or_else(is_gone)?,
        };
        let token = self.token(&file.number).await?;
        let stored = self
            .files
            .read(&name, None, &source.expected())
            .await
            .map_err(MediaError::from)?;
        let pieces = stored.ok_or_else(is_gone)?;
        let broken = |error: super::StorageError| GraphError::Unreachable(error.to_string());
        let upload = FileUpload {
            number: file.number.clone(),
            token,
            mime: source.mime.as_deref().unwrap_or_default().to_owned(),
            bytes: source.bytes.unwrap_or_default(),
            pieces: Box::pin(pieces.map_err(broken)),
        };
        let id: Arc<str> = self.meta.upload(upload).await.map_err(MediaError::from)?.into();
        let row = MediaAtMeta {
            id: Arc::clone(&id),
            until: now.after(AT_META),
        };
        // Where another brought it at the same moment either id does.
        known
            .replace(&key, None, Some(&row))
            .await
            .map_err(MediaError::from)?;
        Ok(id)
    }

    /// The bytes of a file that is to be sent: what was uploaded, or, once that is gone, what its message keeps.
    async fn source(&self, file: &FileToSend) -> Result<MediaFile, NotAtMeta> {
        let (contact, message) = (file.contact, file.at.message);
        let own = MediaId::of_message(contact, message);
        let in_header = MediaId::in_message(contact, message, file.upload);
        for id in [file.upload, own, in_header] {
            match self.find(file.tenant, id).await? {
                Some(found) if found.state == MediaState::Stored => return Ok(found),
                Some(found) if found.state == MediaState::Pending => {
                    return Err(NotAtMeta::Later("the file is being copied".to_owned()));
                }
                _ => {}
            }
        }
        Err(is_gone())
    }
}
