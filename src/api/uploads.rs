//! Files that a business sends: uploaded in one go or in pieces, and those that its agents send often.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::auth::{Call, CanRead, CanSend, Need, StreamCall};
use super::canned_replies::shortcut;
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::state::ApiState;
use crate::domain::media::clean_name;
use crate::domain::{MediaId, MediaKind, TenantId};
use crate::media::uploads::{Declared, MOST_OPEN, PIECE, Progress, UploadError};
use crate::media::{MediaError, NoRoom};
use crate::store::tables::{MediaFile, QuickFile};

/// Quick files of a tenant.
const MOST_QUICK: usize = 100;

impl From<UploadError<Self>> for ApiError {
    fn from(error: UploadError<Self>) -> Self {
        match error {
            UploadError::Body(error) => error,
            UploadError::TooLarge(most) => Self::too_large(most),
            UploadError::Type(why) => Self::because(ErrorCode::FileTypeRefused, why.to_string()),
            UploadError::TooManyOpen => too_many_open(),
            UploadError::NoRoom(error) => error.into(),
            UploadError::Media(error) => error.into(),
        }
    }
}

impl From<NoRoom> for ApiError {
    fn from(error: NoRoom) -> Self {
        Self::because(ErrorCode::Busy, error.to_string()).retry_after(Duration::from_secs(60))
    }
}

fn too_many_open() -> ApiError {
    let why = format!("{MOST_OPEN} uploads are open: finish one, or wait until one ends");
    ApiError::because(ErrorCode::LimitReached, why)
}

impl From<UploadError<MediaError>> for ApiError {
    fn from(error: UploadError<MediaError>) -> Self {
        match error {
            UploadError::Body(error) => error.into(),
            UploadError::TooLarge(most) => Self::too_large(most),
            UploadError::Type(why) => Self::because(ErrorCode::FileTypeRefused, why.to_string()),
            UploadError::TooManyOpen => too_many_open(),
            UploadError::NoRoom(error) => error.into(),
            UploadError::Media(error) => error.into(),
        }
    }
}

fn shown(file: &MediaFile) -> Value {
    json!({
        "media_id": file.id,
        "kind": file.kind,
        "mime": file.mime,
        "bytes": file.bytes,
        "name": file.name,
    })
}

/// What is uploaded, as its sender says; refused where no message could carry it.
fn declared<N: Need>(call: &Call<N>, mime: &str, name: Option<&str>) -> Result<Declared, ApiError> {
    let Some((kind, mime)) = MediaKind::to_send(mime) else {
        let types: Vec<&str> = MediaKind::ALL
            .iter()
            .flat_map(|kind| kind.types())
            .copied()
            .collect();
        let why = format!(
            "no message carries files of this type; there are {}",
            types.join(", ")
        );
        return Err(ApiError::because(ErrorCode::FileTypeRefused, why));
    };
    Ok(Declared {
        by: call.author(),
        kind,
        mime,
        name: name.and_then(clean_name),
    })
}

/// Refuses a file for which the tenant or the disk has no room.
async fn demand_storage<N: Need>(call: &Call<N>, bytes: u64) -> Result<(), ApiError> {
    let media = &call.state().media;
    let kept = media.kept_bytes(call.tenant()).await?;
    call.quotas().demand_storage(kept, bytes)?;
    let room = media.files().demand_upload_room(bytes).await;
    Ok(room.map_err(MediaError::from)??)
}

/// `POST /v1/media?name=…`
pub(super) async fn upload(call: StreamCall<CanSend>) -> Result<HttpResponse, ApiError> {
    let StreamCall { call, mut body } = call;
    let mut params = call.params()?;
    let name = params.take::<String>("name", "a file's name")?;
    params.finish()?;
    let mime = call
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|mime| mime.to_str().ok());
    let declared = declared(&call, mime.unwrap_or_default(), name.as_deref())?;
    let most = declared.kind.most_bytes();
    if body.declared().is_some_and(|bytes| bytes > most) {
        return Err(ApiError::too_large(most));
    }
    let _place = call.state().uploads.take(call.tenant())?;
    // One that does not say how long it is may be as long as there is room for one byte.
    demand_storage(&call, body.declared().unwrap_or(1)).await?;
    let media = &call.state().media;
    let file = media
        .upload(call.tenant(), declared, async || body.next().await)
        .await?;
    Ok(HttpResponse::Created().json(shown(&file)))
}

/// `POST /v1/uploads`
pub(super) async fn begin(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let bytes: u64 = fields.required("bytes")?;
    let mime: String = fields.required("mime")?;
    let name: Option<String> = fields.optional("name")?;
    fields.finish()?;
    if bytes == 0 {
        return Err(ApiError::because(ErrorCode::FileTypeRefused, "it is empty"));
    }
    let declared = declared(&call, &mime, name.as_deref())?;
    demand_storage(&call, bytes).await?;
    let id = call
        .state()
        .media
        .begin_upload(call.tenant(), declared, bytes)
        .await?;
    Ok(HttpResponse::Created().json(json!({ "upload_id": id, "offset": 0 })))
}

fn progress(progress: Option<Progress>) -> Result<HttpResponse, ApiError> {
    match progress {
        None => Err(ErrorCode::NotFound.into()),
        Some(Progress::Open { offset, bytes }) => {
            Ok(HttpResponse::Ok().json(json!({ "offset": offset, "bytes": bytes })))
        }
        Some(Progress::Done(file)) => Ok(HttpResponse::Created().json(shown(&file))),
    }
}

/// `GET /v1/uploads/{upload_id}`
pub(super) async fn look(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let id: MediaId = call.path("upload_id")?;
    progress(call.state().media.upload_progress(call.tenant(), id).await?)
}

/// `PUT /v1/uploads/{upload_id}?offset=N`
pub(super) async fn add(call: StreamCall<CanSend>) -> Result<HttpResponse, ApiError> {
    let StreamCall { call, body } = call;
    let id: MediaId = call.path("upload_id")?;
    let media = &call.state().media;
    let stands = media.upload_progress(call.tenant(), id).await?;
    let stands = stands.ok_or(ErrorCode::NotFound)?;
    let mut params = call.params()?;
    let offset = params.take::<u64>("offset", "a number of bytes")?;
    params.finish()?;
    let offset = offset.ok_or_else(|| ApiError::invalid("`offset` is missing"))?;
    let _place = call.state().uploads.take(call.tenant())?;
    if let Progress::Open { bytes, .. } = stands {
        // Others may have come since it was begun.
        demand_storage(&call, bytes).await?;
    }
    let piece = body.whole(PIECE).await?;
    progress(media.add_piece(call.tenant(), id, offset, piece).await?)
}

/// `GET /v1/media/usage`
pub(super) async fn usage(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    usage_of(call.state(), call.tenant()).await
}

/// How many files a tenant had when they were counted last.
pub(super) async fn usage_of(state: &ApiState, tenant: TenantId) -> Result<HttpResponse, ApiError> {
    let usage = state.media.usage(tenant).await?;
    let (files, bytes) = usage.map_or((0, 0), |usage| (usage.files, usage.bytes));
    Ok(HttpResponse::Ok().json(json!({ "files": files, "bytes": bytes, "at": usage.map(|usage| usage.at) })))
}

/// `GET /v1/quick-files`
pub(super) async fn list_quick(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let page = call
        .table::<QuickFile>()
        .page(QuickFile::of(call.tenant()), None, MOST_QUICK)
        .await?;
    let all: Vec<QuickFile> = page.items.into_iter().map(|found| found.row).collect();
    Ok(HttpResponse::Ok().json(json!({ "quick_files": all })))
}

/// `PUT /v1/quick-files/{shortcut}`
pub(super) async fn put_quick(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    let mut fields = Fields::read(call.body())?;
    let id: MediaId = fields.required("media_id")?;
    fields.finish()?;
    let (table, key) = (call.table::<QuickFile>(), QuickFile::at(call.tenant(), &shortcut));
    let all = table.page(QuickFile::of(call.tenant()), None, MOST_QUICK).await?;
    if all.items.len() >= MOST_QUICK && !all.items.iter().any(|found| found.row.shortcut == shortcut) {
        let most =
            format!("there are {MOST_QUICK} quick files already, and no more may be: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    // First it is kept for good: a shortcut never leads to a file that ends.
    let kept = call.state().media.keep_upload(call.tenant(), id).await?;
    let file =
        kept.ok_or_else(|| ApiError::absent("no file with this id was uploaded, or its time is over"))?;
    let row = QuickFile {
        shortcut,
        media_id: id,
        kind: file.kind,
        name: file.name,
        mime: file.mime,
        bytes: file.bytes,
    };
    let (before, _) = table.change::<ApiError>(key, |_| Ok(Some(row.clone()))).await?;
    // A sweep that did not see the row yet may have given it an end since. What no shortcut names any more gets one from the next sweep.
    call.state().media.keep_upload(call.tenant(), id).await?;
    let mut answer = match before {
        Some(_) => HttpResponse::Ok(),
        None => HttpResponse::Created(),
    };
    Ok(answer.json(row))
}

/// `DELETE /v1/quick-files/{shortcut}`
pub(super) async fn delete_quick(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let shortcut = shortcut(&call)?;
    let removed = call
        .table::<QuickFile>()
        .remove(QuickFile::at(call.tenant(), &shortcut))
        .await?;
    removed.ok_or_else(|| ApiError::absent("no quick file has this shortcut"))?;
    Ok(HttpResponse::Ok().json(json!({ "shortcut": shortcut })))
}
