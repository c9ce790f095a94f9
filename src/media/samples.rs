//! Giving Meta an upload as the sample of a template's header.
//!
//! What breaks off goes on from where Meta says that it has it; a session that Meta does not know any more is begun anew.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::storage::ObjectName;
use super::{Expected, Media, MediaError};
use crate::domain::{Backoff, MediaId, MediaKind, MediaState, TenantId};
use crate::whatsapp::BearerToken;
use crate::whatsapp::client::{GraphError, Sample, SampleRest, SampleSession};

/// The types that Meta's review takes.
const TYPES: [&str; 4] = ["image/jpeg", "image/png", "video/mp4", "application/pdf"];
/// The longest that one sample may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// Calls that may break off.
const TRIES: u32 = 5;
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(500), Duration::from_secs(8));

/// Why Meta has no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There is no such upload.
    #[error("no file with this id was uploaded, or its time is over")]
    Absent,
    /// The header shows something else.
    #[error("the file is sent as {}", .0.as_str())]
    Kind(MediaKind),
    /// Meta takes no samples of this type.
    #[error("a sample must be a JPEG, PNG, MP4 or PDF")]
    Type,
    /// It could not be brought there.
    #[error(transparent)]
    Media(#[from] MediaError),
}

impl From<GraphError> for SampleError {
    fn from(error: GraphError) -> Self {
        Self::Media(error.into())
    }
}

/// An upload that can be a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSample {
    name: ObjectName,
    mime: String,
    bytes: u64,
    expected: Expected,
}

impl Media {
    /// Whether an upload can be the sample of a header that shows a kind of file.
    pub async fn check_sample(
        &self,
        tenant: TenantId,
        upload: MediaId,
        kind: MediaKind,
    ) -> Result<CheckedSample, SampleError> {
        let found = self.find(tenant, upload).await?;
        let found = found.filter(|file| upload.is_upload() && file.state == MediaState::Stored);
        let file = found.ok_or(SampleError::Absent)?;
        if file.kind != kind {
            return Err(SampleError::Kind(file.kind));
        }
        let mime = file.mime.as_deref().filter(|mime| TYPES.contains(mime));
        let mime = mime.ok_or(SampleError::Type)?.to_owned();
        let (Some(key), Some(bytes)) = (file.file, file.bytes) else {
            return Err(SampleError::Absent);
        };
        let id = file.id;
        let name = ObjectName { tenant, id, key };
        Ok(CheckedSample {
            name,
            mime,
            bytes,
            expected: file.expected(),
        })
    }

    /// Brings a sample to Meta; the handle that stands for it in a template.
    pub async fn bring_sample(
        &self,
        sample: &CheckedSample,
        app: Option<&str>,
        token: &BearerToken,
    ) -> Result<String, SampleError> {
        let bringing = self.bring_in_tries(sample, app, token);
        let late = || GraphError::Unreachable("bringing the sample to Meta took too long".to_owned());
        let brought = tokio::time::timeout(DEADLINE, bringing).await;
        brought.unwrap_or_else(|_elapsed| Err(late().into()))
    }

    async fn bring_in_tries(
        &self,
        sample: &CheckedSample,
        app: Option<&str>,
        token: &BearerToken,
    ) -> Result<String, SampleError> {
        let asked = Sample {
            app: app.map(str::to_owned),
            mime: sample.mime.clone(),
            bytes: sample.bytes,
        };
        let mut at: Option<(SampleSession, u64)> = None;
        for tries in 1.. {
            let (session, offset) = match at.take() {
                Some(at) => at,
                None => (self.meta.begin_sample(&asked, token).await?, 0),
            };
            let error = match self.send_rest(&session, offset, sample, token).await {
                Ok(handle) => return Ok(handle),
                Err(error) => error,
            };
            let broke_off =
                matches!(&error, SampleError::Media(MediaError::Meta(failed)) if is_passing(failed));
            if !broke_off || tries >= TRIES {
                return Err(error);
            }
            tokio::time::sleep(BACKOFF.after(tries)).await;
            at = match self.meta.sample_offset(&session, token).await {
                // All of it is there, and the handle was lost on its way: only another session gives one.
                Ok(offset) if offset >= sample.bytes => None,
                Ok(offset) => Some((session, offset)),
                Err(GraphError::Refused { .. }) => None,
                Err(_) => Some((session, offset)),
            };
        }
        Err(SampleError::Absent)
    }

    async fn send_rest(
        &self,
        session: &SampleSession,
        offset: u64,
        sample: &CheckedSample,
        token: &BearerToken,
    ) -> Result<String, SampleError> {
        let rest = (offset > 0).then_some(offset..sample.bytes);
        let stored = self.files.read(&sample.name, rest, &sample.expected).await;
        let stored = stored.map_err(MediaError::from)?.ok_or(SampleError::Absent)?;
        let rest = SampleRest {
            offset,
            bytes: sample.bytes - offset,
            pieces: stored
                .map_err(|error| GraphError::Unreachable(error.to_string()))
                .boxed(),
        };
        Ok(self.meta.send_sample(session, rest, token).await?)
    }
}

/// Whether a failure says nothing about the file.
fn is_passing(failed: &GraphError) -> bool {
    match failed {
        GraphError::Refused { http_status, .. } => *http_status >= 500 || *http_status == 429,
        _ => true,
    }
}
