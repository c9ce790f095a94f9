//! Fetching one file: from Meta, or from what the business uploaded.
//!
//! The order is bytes, row, message, task. A kill between any two leaves a task, which is done again: bytes without a row are swept, and
//! a row that says how it ended is not fetched again.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use ring::digest::{self, Digest};

use super::content_type::{self, HEAD};
use super::discover::is_over;
use super::room::Purpose;
use super::storage::{FileWriter, ObjectName};
use super::{Media, MediaError, NoRoom};
use crate::crash::{self, CrashPoint};
use crate::domain::ids::hex;
use crate::domain::media::MOST_INBOUND_BYTES;
use crate::domain::{
    Backoff, MediaId, MediaKind, MediaOrigin, MediaState, PhoneNumberId, TenantId, Timestamp,
};
use crate::store::op::MediaChange;
use crate::store::plain::Found;
use crate::store::tables::{Carrier, FileKey, MediaFile, MediaTask};
use crate::telemetry::labels::MediaFetch;
use crate::telemetry::metrics;
use crate::whatsapp::BearerToken;
use crate::whatsapp::client::{GraphError, Pieces};

/// The longest that one try may take.
const DEADLINE: Duration = Duration::from_secs(600);
/// Waits between tries. An address lives for five minutes, an id for seven days.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(2), Duration::from_secs(3_600));
/// How soon it is looked again whether there is room.
const ROOM_AGAIN: Duration = Duration::from_secs(60);
/// Bytes that a file grows by before it is looked again.
const STEP: u64 = 8 << 20;
/// So often Meta may say that it has no such file: an id may be told before the file is everywhere.
const ABSENT: u32 = 5;
/// So often what comes may be another file than the one that Meta told of, within some quarter of an hour.
const DIFFERENT: u32 = 8;
/// For so long Meta's answer may lead nowhere: an operator is told after an hour, and may have to name a host.
const NOWHERE: Duration = Duration::from_hours(24);
/// How long the row says why a file did not come; its message says so, too.
const TOLD: Duration = Duration::from_hours(8 * 24);
/// Meta's code for an id that leads to nothing, or to nothing that the token may see.
const NO_SUCH_OBJECT: i64 = 100;

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is known how it ended: this is to be shown with the message, then the task is over.
    Ended(MediaChange),
    /// It is tried again at this time.
    Later(Timestamp),
    /// Nobody wants it any more.
    Gone,
}

/// How a file ended that was tried.
enum End {
    Stored {
        mime: Arc<str>,
        bytes: u64,
        sha256: Option<Arc<str>>,
        key: FileKey,
        /// What it was called where it was uploaded.
        name: Option<Arc<str>>,
    },
    Refused(Arc<str>),
    Failed(Arc<str>),
}

/// Why a try has no end.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error("it did not come within its time")]
    Late,
    #[error("it broke off after {0} bytes")]
    BrokeOff(u64),
    #[error("its bytes are not those that Meta told of")]
    Differs,
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl Unfinished {
    /// Whether something came, and it was not the file.
    const fn is_another(&self) -> bool {
        matches!(self, Self::BrokeOff(_) | Self::Differs)
    }
}

impl From<GraphError> for Unfinished {
    fn from(error: GraphError) -> Self {
        Self::Media(error.into())
    }
}

impl From<super::StorageError> for Unfinished {
    fn from(error: super::StorageError) -> Self {
        Self::Media(error.into())
    }
}

impl Media {
    /// Tries to fetch a file.
    pub async fn fetch(&self, tenant: TenantId, task: &MediaTask) -> Result<Fetched, MediaError> {
        let Some(found) = self.rows().get(&MediaFile::at(tenant, task.id)).await? else {
            self.end_task(tenant, task.id).await?;
            return Ok(Fetched::Gone);
        };
        let Carrier::Message { number, origin, .. } = &found.row.carrier else {
            self.end_task(tenant, task.id).await?;
            return Ok(Fetched::Gone);
        };
        if found.row.state != MediaState::Pending {
            return Ok(ended(&found.row));
        }
        if !self.is_carried(tenant, &found.row).await? {
            self.discard(tenant, task.id).await?;
            return Ok(Fetched::Gone);
        }
        let work = async {
            match origin {
                MediaOrigin::Meta(id) => {
                    self.demand_inbound_room(STEP).await?;
                    self.take_from_meta(tenant, &found.row, (id, number)).await
                }
                MediaOrigin::Upload(upload) => self.take_upload(tenant, &found.row, *upload).await,
            }
        };
        let tried = tokio::time::timeout(DEADLINE, work).await;
        let end = match tried.unwrap_or(Err(Unfinished::Late)) {
            Ok(end) => end,
            // It is no try: nothing is wrong with the file, and what is written down of it takes room, too.
            Err(Unfinished::NoRoom(_)) if !is_over(task.since, self.now()) => {
                return Ok(Fetched::Later(self.now().after(spread(ROOM_AGAIN, task.id))));
            }
            Err(error) => match self.given_up(task, &error) {
                Some(end) => end,
                None => return self.try_later(tenant, task, &error).await,
            },
        };
        self.end(tenant, found, end).await
    }

    /// Whether there is room for so much more of what customers send, which operators see.
    async fn demand_inbound_room(&self, bytes: u64) -> Result<(), Unfinished> {
        let room = self.files.demand_room(Purpose::Inbound, bytes).await?;
        metrics::media_waits_for_room().set(f64::from(u8::from(room.is_err())));
        Ok(room?)
    }

    /// Why a file is not tried again after this, if it is not.
    fn given_up(&self, task: &MediaTask, error: &Unfinished) -> Option<End> {
        let is_absent = matches!(error, Unfinished::Media(MediaError::Meta(GraphError::Refused { http_status, error }))
            if *http_status == 404 || error.code == NO_SUCH_OBJECT);
        if is_absent && task.tries + 1 >= ABSENT {
            return Some(End::Failed("Meta does not have it".into()));
        }
        if error.is_another() && task.different + 1 >= DIFFERENT {
            return Some(End::Failed("what came is not the file that Meta told of".into()));
        }
        let leads_nowhere = matches!(
            error,
            Unfinished::Media(MediaError::Meta(GraphError::Unreadable(_)))
        );
        if leads_nowhere && self.now().since(task.since) >= NOWHERE {
            return Some(End::Failed("what Meta answers leads to no file".into()));
        }
        is_over(task.since, self.now())
            .then(|| End::Failed("Meta keeps files for seven days, and it did not come".into()))
    }

    async fn try_later(
        &self,
        tenant: TenantId,
        task: &MediaTask,
        error: &Unfinished,
    ) -> Result<Fetched, MediaError> {
        metrics::media_fetches_total(MediaFetch::Retried).increment(1);
        tracing::debug!(tenant.id = %tenant, %error, tries = task.tries, "a file is fetched later");
        let tries = task.tries.saturating_add(1);
        let due = self.now().after(spread(BACKOFF.after(tries), task.id));
        let key = MediaTask::at(tenant, task.id);
        let decide = |stands: Option<&MediaTask>| -> Result<_, MediaError> {
            let stands = stands.cloned();
            Ok(stands.map(|stands| MediaTask {
                due,
                tries,
                different: stands.different + u32::from(error.is_another()),
                ..stands
            }))
        };
        let (_, after) = self.tasks().change(key, decide).await?;
        Ok(after.map_or(Fetched::Gone, |task| Fetched::Later(task.due)))
    }

    /// Writes down how a file ended.
    async fn end(&self, tenant: TenantId, found: Found<MediaFile>, end: End) -> Result<Fetched, MediaError> {
        let mut row = found.row.clone();
        let (outcome, bytes) = match end {
            End::Stored {
                mime,
                bytes,
                sha256,
                key,
                name,
            } => {
                row.name = row.name.or(name);
                row.state = MediaState::Stored;
                row.sha256 = sha256;
                row.mime = Some(mime);
                row.bytes = Some(bytes);
                row.file = Some(key);
                row.until = None;
                (MediaFetch::Stored, bytes)
            }
            End::Refused(why) => {
                row.state = MediaState::Refused;
                row.why = Some(why);
                row.until = Some(self.now().after(TOLD));
                (MediaFetch::Refused, 0)
            }
            End::Failed(why) => {
                row.state = MediaState::Failed;
                row.why = Some(why);
                row.until = Some(self.now().after(TOLD));
                (MediaFetch::Failed, 0)
            }
        };
        crash::point(CrashPoint::AfterFileBytes);
        let key = MediaFile::at(tenant, row.id);
        if !self.rows().replace(&key, Some(&found), Some(&row)).await? {
            // Erased, or fetched by another, meanwhile: what was written here is nobody's.
            if let Some(key) = row.file {
                self.files
                    .remove(&ObjectName {
                        tenant,
                        id: row.id,
                        key,
                    })
                    .await?;
            }
            return Ok(match self.rows().get(&key).await? {
                Some(stands) if stands.row.state != MediaState::Pending => ended(&stands.row),
                Some(_) => Fetched::Later(self.now()),
                None => Fetched::Gone,
            });
        }
        crash::point(CrashPoint::AfterFileRow);
        metrics::media_fetches_total(outcome).increment(1);
        metrics::media_fetched_bytes_total().increment(bytes);
        if outcome == MediaFetch::Stored {
            self.count_file(tenant, bytes).await;
        }
        Ok(ended(&row))
    }

    /// What is left to do for a file, as its row says.
    pub async fn task(&self, tenant: TenantId, id: MediaId) -> Result<Option<MediaTask>, MediaError> {
        let found = self.tasks().get(&MediaTask::at(tenant, id)).await?;
        Ok(found.map(|found| found.row))
    }

    /// Nothing is left to do for a file.
    pub async fn end_task(&self, tenant: TenantId, id: MediaId) -> Result<(), MediaError> {
        self.tasks().remove(MediaTask::at(tenant, id)).await?;
        Ok(())
    }

    async fn take_from_meta(
        &self,
        tenant: TenantId,
        row: &MediaFile,
        (id, number): (&str, &PhoneNumberId),
    ) -> Result<End, Unfinished> {
        let token = self.token(number).await?;
        let address = self.meta.find_file(id, number, &token).await?;
        if address.bytes.is_some_and(|bytes| bytes > MOST_INBOUND_BYTES) {
            return Ok(End::Refused(too_large()));
        }
        let declared = row.mime.as_deref().or(address.mime.as_deref());
        let pieces = self.meta.download(&address, &token).await?;
        let incoming = Incoming {
            kind: row.kind,
            declared,
            bytes: address.bytes,
            sha256: address.sha256,
        };
        self.take_in(tenant, row.id, incoming, pieces).await
    }

    /// The token of a number, as it is now: it may have been replaced since the last try.
    pub(super) async fn token(&self, number: &PhoneNumberId) -> Result<BearerToken, MediaError> {
        let row = self.store.number(number.clone()).await?;
        let token = row.and_then(|row| BearerToken::parse(row.access_token.reveal()).ok());
        token.ok_or(MediaError::NoToken)
    }

    /// Keeps a file that comes piece by piece, if it is what it is said to be.
    async fn take_in(
        &self,
        tenant: TenantId,
        id: MediaId,
        incoming: Incoming<'_>,
        mut pieces: Pieces,
    ) -> Result<End, Unfinished> {
        let head = head(&mut pieces).await?;
        if head.is_empty() {
            return if incoming.bytes.unwrap_or(0) == 0 {
                Ok(End::Refused("it is empty".into()))
            } else {
                Err(Unfinished::BrokeOff(0))
            };
        }
        let mime = match content_type::received(incoming.kind, incoming.declared, &head) {
            Ok(mime) => mime,
            Err(why) => return Ok(End::Refused(why)),
        };
        let key = self.new_key()?;
        let mut writer = self.files.write(&ObjectName { tenant, id, key }).await?;
        match self.write_all(&mut writer, head, pieces).await {
            Ok(_) if writer.bytes() > MOST_INBOUND_BYTES => {
                writer.abort().await;
                Ok(End::Refused(too_large()))
            }
            Ok(_) if incoming.bytes.is_some_and(|bytes| bytes != writer.bytes()) => {
                let bytes = writer.bytes();
                writer.abort().await;
                Err(Unfinished::BrokeOff(bytes))
            }
            Ok(digest)
                if incoming
                    .sha256
                    .is_some_and(|told| told.as_slice() != digest.as_ref()) =>
            {
                writer.abort().await;
                Err(Unfinished::Differs)
            }
            Ok(digest) => {
                let bytes = writer.finish().await?;
                Ok(End::Stored {
                    mime,
                    bytes,
                    sha256: Some(hex(digest.as_ref()).into()),
                    key,
                    name: None,
                })
            }
            Err(error) => {
                writer.abort().await;
                Err(error)
            }
        }
    }

    /// Writes the rest, up to one piece more than is allowed; the digest of all.
    async fn write_all(
        &self,
        writer: &mut FileWriter,
        head: Bytes,
        mut pieces: Pieces,
    ) -> Result<Digest, Unfinished> {
        // It was looked that there is room for a step.
        let mut room = STEP;
        let mut digest = digest::Context::new(&digest::SHA256);
        digest.update(&head);
        writer.push(head).await?;
        while writer.bytes() <= MOST_INBOUND_BYTES
            && let Some(piece) = pieces.next().await
        {
            let piece = piece?;
            if writer.bytes() > room {
                self.demand_inbound_room(STEP).await?;
                room = writer.bytes().saturating_add(STEP);
            }
            digest.update(&piece);
            writer.push(piece).await?;
        }
        Ok(digest.finish())
    }

    /// Gives what was uploaded to the message that carries it.
    async fn take_upload(
        &self,
        tenant: TenantId,
        row: &MediaFile,
        upload: MediaId,
    ) -> Result<End, Unfinished> {
        let found = self.find(tenant, upload).await?;
        let ready = found.and_then(|file| {
            let stored = (file.mime?, (file.bytes?, file.sha256), file.file?, file.name);
            Some(stored).filter(|_| upload.is_upload())
        });
        let Some((mime, (bytes, sha256), from, name)) = ready else {
            return Ok(End::Failed("what was uploaded is not there any more".into()));
        };
        let key = self.new_key()?;
        let from = ObjectName {
            tenant,
            id: upload,
            key: from,
        };
        let to = ObjectName {
            tenant,
            id: row.id,
            key,
        };
        if self.files.copy(&from, &to).await? {
            Ok(End::Stored {
                mime,
                bytes,
                sha256,
                key,
                name,
            })
        } else {
            Ok(End::Failed("what was uploaded is not there any more".into()))
        }
    }
}

/// What is known of a file before its first byte.
struct Incoming<'a> {
    kind: MediaKind,
    declared: Option<&'a str>,
    bytes: Option<u64>,
    sha256: Option<[u8; 32]>,
}

fn too_large() -> Arc<str> {
    format!("it is larger than {} MB", MOST_INBOUND_BYTES >> 20).into()
}

/// The first bytes: as many as say what it is, or all.
async fn head(pieces: &mut Pieces) -> Result<Bytes, Unfinished> {
    let mut head = BytesMut::new();
    while head.len() < HEAD
        && let Some(piece) = pieces.next().await
    {
        head.extend_from_slice(&piece?);
    }
    Ok(head.freeze())
}

/// Files that failed together are not tried together again. The id is as good as chance, and the same for whoever tries.
fn spread(wait: Duration, id: MediaId) -> Duration {
    let byte = id.as_bytes().last().copied().unwrap_or_default();
    crate::domain::backoff::spread(wait, f64::from(byte) / 255.0)
}

fn ended(row: &MediaFile) -> Fetched {
    row.message().map_or(Fetched::Gone, |at| {
        Fetched::Ended(MediaChange {
            at,
            media: row.shown(),
        })
    })
}
