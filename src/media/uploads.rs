//! Files that a business uploads: in one go, or in pieces that go on where they broke off.
//!
//! What Meta would refuse is refused here, by its first bytes and its size. Until it is sent, or is a quick file, an upload is kept for two
//! days: each message keeps its own copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use ring::digest;

use super::content_type::{self, HEAD};
use super::intact;
use super::room::Purpose;
use super::storage::{FileWriter, ObjectName};
use super::{Expected, Files, Media, MediaError, NoRoom, StorageError};
use crate::domain::{Author, MediaId, MediaKind, MediaState, TenantId, Timestamp};
use crate::store::plain::PlainTable;
use crate::store::tables::{Carrier, FileKey, MediaFile, Upload, UploadPiece};
use crate::store::{StoreError, StoreErrorKind};

/// How long an upload is kept that nobody sends.
pub const KEPT: Duration = Duration::from_hours(48);
/// How long an upload in pieces may take.
const OPEN: Duration = Duration::from_hours(24);
/// Uploads in pieces that a tenant may have open.
pub const MOST_OPEN: usize = 20;
/// The largest piece of one.
pub const PIECE: usize = 8 << 20;
/// The smallest piece, but for the last: each is written down with the others.
pub const SMALLEST_PIECE: usize = 256 << 10;
/// Bytes that a file grows by before it is looked again whether there is room.
const STEP: u64 = 8 << 20;

/// What is uploaded, as its sender says.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Who uploads it.
    pub by: Author,
    /// What it is sent as.
    pub kind: MediaKind,
    /// Its type.
    pub mime: &'static str,
    /// What it is called.
    pub name: Option<Arc<str>>,
}

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError<E> {
    /// It is larger than Meta takes of its kind.
    #[error("files of this kind have at most {0} bytes")]
    TooLarge(u64),
    /// It is not what it is said to be.
    #[error("{0}")]
    Type(Arc<str>),
    /// Too many were begun and not ended.
    #[error("too many uploads are open")]
    TooManyOpen,
    /// The disk is nearly full.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// Its bytes did not come.
    #[error("the file did not come whole")]
    Body(E),
    /// It cannot be kept.
    #[error(transparent)]
    Media(#[from] MediaError),
}

impl<E> From<StorageError> for UploadError<E> {
    fn from(error: StorageError) -> Self {
        Self::Media(error.into())
    }
}

impl<E> From<StoreError> for UploadError<E> {
    fn from(error: StoreError) -> Self {
        Self::Media(error.into())
    }
}

/// How far an upload in pieces is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are there.
    Open {
        /// How many.
        offset: u64,
        /// Of how many.
        bytes: u64,
    },
    /// All of it.
    Done(MediaFile),
}

impl Media {
    /// Keeps a file whose bytes come piece by piece; `None` from `next` is the end.
    pub async fn upload<E>(
        &self,
        tenant: TenantId,
        declared: Declared,
        next: impl AsyncFnMut() -> Result<Option<Bytes>, E>,
    ) -> Result<MediaFile, UploadError<E>> {
        let id = MediaId::of_upload(self.random_bytes()?);
        self.keep(tenant, id, declared, next).await
    }

    async fn keep<E>(
        &self,
        tenant: TenantId,
        id: MediaId,
        declared: Declared,
        mut next: impl AsyncFnMut() -> Result<Option<Bytes>, E>,
    ) -> Result<MediaFile, UploadError<E>> {
        let most = declared.kind.most_bytes();
        let mut head = BytesMut::new();
        while head.len() < HEAD
            && let Some(piece) = next().await.map_err(UploadError::Body)?
        {
            head.extend_from_slice(&piece);
        }
        if head.is_empty() {
            return Err(UploadError::Type("it is empty".into()));
        }
        content_type::check(declared.kind, Some(declared.mime), &head).map_err(UploadError::Type)?;
        self.files.demand_room(Purpose::Upload, STEP).await??;
        let key = self.new_key()?;
        let name = ObjectName { tenant, id, key };
        let mut writer = self.files.write(&name).await?;
        let written = write_all(&self.files, &mut writer, head.freeze(), most, next).await;
        let sha256 = match written {
            Ok(sha256) => sha256,
            Err(error) => {
                writer.abort().await;
                return Err(error);
            }
        };
        let bytes = writer.finish().await?;
        let now = self.now();
        let row = MediaFile {
            id,
            kind: declared.kind,
            carrier: Carrier::Upload { by: declared.by },
            state: MediaState::Stored,
            mime: Some(declared.mime.into()),
            bytes: Some(bytes),
            sha256: Some(sha256),
            name: declared.name,
            why: None,
            file: Some(key),
            since: now,
            until: Some(now.after(KEPT)),
        };
        let place = MediaFile::at(tenant, id);
        let noted = self.rows().replace(&place, None, Some(&row)).await;
        if !may_be_there(&noted) {
            self.files.remove(&name).await?;
        }
        if noted? {
            self.count_file(tenant, bytes).await;
            return Ok(row);
        }
        // The same pieces were put together by two calls: the first one's file stands.
        let stands = self.rows().get(&place).await?;
        stands
            .map(|found| found.row)
            .ok_or_else(|| UploadError::Type("it was removed meanwhile".into()))
    }

    fn uploads(&self) -> PlainTable<'_, Upload> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    /// Begins an upload in pieces; its id.
    pub async fn begin_upload(
        &self,
        tenant: TenantId,
        declared: Declared,
        bytes: u64,
    ) -> Result<MediaId, UploadError<MediaError>> {
        if bytes > declared.kind.most_bytes() {
            return Err(UploadError::TooLarge(declared.kind.most_bytes()));
        }
        let open = self.uploads().page(Upload::of(tenant), None, MOST_OPEN).await?;
        if open.items.len() >= MOST_OPEN || open.more {
            return Err(UploadError::TooManyOpen);
        }
        let id = MediaId::of_upload(self.random_bytes()?);
        let upload = Upload {
            id,
            by: declared.by,
            mime: declared.mime.to_owned(),
            name: declared.name,
            bytes,
            pieces: Vec::new(),
            until: self.now().after(OPEN),
        };
        self.uploads()
            .replace(&Upload::at(tenant, id), None, Some(&upload))
            .await?;
        Ok(id)
    }

    /// How far an upload in pieces is; `None` where there is none.
    pub async fn upload_progress(
        &self,
        tenant: TenantId,
        id: MediaId,
    ) -> Result<Option<Progress>, MediaError> {
        if let Some(found) = self.uploads().get(&Upload::at(tenant, id)).await? {
            return Ok(Some(Progress::Open {
                offset: found.row.offset(),
                bytes: found.row.bytes,
            }));
        }
        let done = self.find(tenant, id).await?;
        let done = done.filter(|file| file.state == MediaState::Stored && id.is_upload());
        Ok(done.map(Progress::Done))
    }

    /// Adds a piece to an upload that is there. One that does not go on where the upload is changes nothing: the answer says where
    /// that is. With the last piece all are put together.
    pub async fn add_piece(
        &self,
        tenant: TenantId,
        id: MediaId,
        offset: u64,
        piece: Bytes,
    ) -> Result<Option<Progress>, UploadError<MediaError>> {
        let place = Upload::at(tenant, id);
        let Some(found) = self.uploads().get(&place).await? else {
            return Ok(self.upload_progress(tenant, id).await?);
        };
        let mut upload = found.row.clone();
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let left = upload.bytes.saturating_sub(upload.offset());
        if offset == upload.offset() && length > 0 {
            if length > left {
                return Err(UploadError::TooLarge(upload.bytes));
            }
            if piece.len() < SMALLEST_PIECE && length < left {
                let rule = format!("a piece has at least {SMALLEST_PIECE} bytes, but for the last");
                return Err(UploadError::Type(rule.into()));
            }
            self.files.demand_room(Purpose::Upload, length).await??;
            let key = self.new_key()?;
            let name = ObjectName { tenant, id, key };
            let mut writer = self.files.write(&name).await?;
            writer.push(piece).await?;
            writer.finish().await?;
            upload.pieces.push(UploadPiece { key, bytes: length });
            let added = self.uploads().replace(&place, Some(&found), Some(&upload)).await;
            if !may_be_there(&added) {
                // The store refused it, or another call added one at the same moment.
                self.files.remove(&name).await?;
            }
            if !added? {
                return Ok(self.upload_progress(tenant, id).await?);
            }
        }
        if upload.offset() < upload.bytes {
            return Ok(Some(Progress::Open {
                offset: upload.offset(),
                bytes: upload.bytes,
            }));
        }
        let file = self.put_together(tenant, &upload).await;
        if let Err(UploadError::Type(_)) = &file {
            // It will not become what it is said to be.
            self.drop_upload(tenant, &upload).await?;
        }
        let file = file?;
        self.drop_upload(tenant, &upload).await?;
        Ok(Some(Progress::Done(file)))
    }

    async fn put_together(
        &self,
        tenant: TenantId,
        upload: &Upload,
    ) -> Result<MediaFile, UploadError<MediaError>> {
        let Some((kind, mime)) = MediaKind::to_send(&upload.mime) else {
            return Err(UploadError::Type("no file of this type can be sent".into()));
        };
        let declared = Declared {
            by: upload.by.clone(),
            kind,
            mime,
            name: upload.name.clone(),
        };
        let mut left = upload.pieces.iter();
        let mut open = None;
        self.keep(tenant, upload.id, declared, async || {
            loop {
                if open.is_none() {
                    let Some(piece) = left.next() else { return Ok(None) };
                    let name = ObjectName {
                        tenant,
                        id: upload.id,
                        key: piece.key,
                    };
                    let expected = Expected {
                        bytes: Some(piece.bytes),
                        sha256: None,
                    };
                    open = self.files.read(&name, None, &expected).await?;
                }
                let Some(stream) = open.as_mut() else {
                    return Err(MediaError::PieceGone);
                };
                match stream.next().await {
                    Some(bytes) => return Ok(Some(bytes?)),
                    None => open = None,
                }
            }
        })
        .await
    }

    /// Keeps an upload until it is released; `None` where there is none.
    pub async fn keep_upload(&self, tenant: TenantId, id: MediaId) -> Result<Option<MediaFile>, MediaError> {
        self.set_end(tenant, id, None).await
    }

    /// Lets an upload end as every other.
    pub async fn release_upload(&self, tenant: TenantId, id: MediaId) -> Result<(), MediaError> {
        let end = self.now().after(KEPT);
        self.set_end(tenant, id, Some(end)).await.map(drop)
    }

    async fn set_end(
        &self,
        tenant: TenantId,
        id: MediaId,
        until: Option<Timestamp>,
    ) -> Result<Option<MediaFile>, MediaError> {
        if !id.is_upload() {
            return Ok(None);
        }
        let decide = |stands: Option<&MediaFile>| -> Result<_, MediaError> {
            Ok(stands.map(|stands| MediaFile {
                until,
                ..stands.clone()
            }))
        };
        let (_, after) = self.rows().change(MediaFile::at(tenant, id), decide).await?;
        Ok(after)
    }

    /// Removes an upload's pieces, which it does not need any more.
    async fn drop_upload(&self, tenant: TenantId, upload: &Upload) -> Result<(), MediaError> {
        self.uploads().remove(Upload::at(tenant, upload.id)).await?;
        for piece in &upload.pieces {
            let name = ObjectName {
                tenant,
                id: upload.id,
                key: piece.key,
            };
            self.files.remove(&name).await?;
        }
        Ok(())
    }

    /// Whether an object is a piece of an upload that is under way.
    pub(super) async fn is_piece(
        &self,
        tenant: TenantId,
        id: MediaId,
        key: FileKey,
    ) -> Result<bool, MediaError> {
        let found = self.uploads().get(&Upload::at(tenant, id)).await?;
        Ok(found.is_some_and(|found| found.row.pieces.iter().any(|piece| piece.key == key)))
    }
}

/// Whether a row that was to be written may stand. Without it nothing leads to the bytes.
fn may_be_there(written: &Result<bool, StoreError>) -> bool {
    match written {
        Ok(written) => *written,
        Err(error) => error.kind == StoreErrorKind::Unknown,
    }
}

/// Writes all pieces; the digest of what was written.
async fn write_all<E>(
    files: &Files,
    writer: &mut FileWriter,
    head: Bytes,
    most: u64,
    mut next: impl AsyncFnMut() -> Result<Option<Bytes>, E>,
) -> Result<Arc<str>, UploadError<E>> {
    // It was looked that there is room for a step.
    let mut room = STEP;
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(&head);
    writer.push(head).await?;
    while writer.bytes() <= most
        && let Some(piece) = next().await.map_err(UploadError::Body)?
    {
        if writer.bytes() > room {
            files.demand_room(Purpose::Upload, STEP).await??;
            room = writer.bytes().saturating_add(STEP);
        }
        digest.update(&piece);
        writer.push(piece).await?;
    }
    if writer.bytes() > most {
        return Err(UploadError::TooLarge(most));
    }
    Ok(intact::sha256(digest))
}
