//! Files, handed out: to who may see their conversation, and by links that end.
//!
//! Whatever a file is, a browser is told to keep it as a file and to run nothing of it.

use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG,
    HeaderMap, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt as _;
use serde_json::json;

use super::auth::{Call, CanRead, Need};
use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use super::team::base;
use crate::domain::ids::{digest16, hex};
use crate::domain::{MediaId, MediaState, TenantId};
use crate::media::content_type::served_as;
use crate::media::storage::ObjectName;
use crate::media::{LINK_LASTS, MediaError};
use crate::store::tables::{Carrier, MediaFile};

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Store(error) => error.into(),
            MediaError::Storage(error) => {
                tracing::warn!(%error, "a file cannot be kept or read");
                let why = "files cannot be kept or read now";
                Self::because(ErrorCode::Unavailable, why).retry_after(std::time::Duration::from_secs(5))
            }
            MediaError::Meta(_) | MediaError::NoToken => Self::new(ErrorCode::MetaFailed),
            MediaError::TooManyLinks => {
                let why = "too many links to files were made: they work for a quarter of an hour";
                Self::because(ErrorCode::Busy, why).retry_after(std::time::Duration::from_mins(1))
            }
            MediaError::NoRandomness | MediaError::PieceGone => Self::internal(error),
        }
    }
}

/// A file that a caller may see. One outside of a limit, or of another tenant, is as little there as one that nobody has.
async fn visible<N: Need>(call: &Call<N>) -> Result<MediaFile, ApiError> {
    let id: MediaId = call.path("media_id")?;
    let found = call.state().media.find(call.tenant(), id).await?;
    let seen = found.filter(|file| match &file.carrier {
        Carrier::Message { number, .. } => call.limit().admits(number),
        Carrier::Upload { .. } => true,
    });
    seen.ok_or_else(|| ErrorCode::NotFound.into())
}

/// `GET /v1/media/{media_id}`
pub(super) async fn show(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let file = visible(&call).await?;
    answer(call.state(), call.headers(), call.tenant(), &file).await
}

/// `POST /v1/media/{media_id}/link`
pub(super) async fn link(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let file = visible(&call).await?;
    object(call.tenant(), &file)?;
    let state = call.state();
    let token = state.media.link(call.tenant(), file.id).await?;
    Ok(HttpResponse::Created().json(json!({
        "url": format!("{}/media/{token}", base(&state.config.server)),
        "expires_in_s": LINK_LASTS.as_secs(),
    })))
}

/// `GET /media/{token}`: by a link, for anybody.
pub(super) async fn linked(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = ApiState::of(&request)?;
    let token = request.match_info().get("token").unwrap_or_default();
    let found = {
        // Whoever invents links takes no more of the store than this.
        let _place = state.open_calls.try_acquire().map_err(|_full| ErrorCode::Busy)?;
        state.media.linked(token).await?
    };
    let (tenant, file) = found.ok_or_else(|| ApiError::absent("the link is wrong, or its time is over"))?;
    answer(&state, request.headers(), tenant, &file).await
}

/// Where a file's bytes are, and how many; else why it cannot be read.
fn object(tenant: TenantId, file: &MediaFile) -> Result<(ObjectName, u64), ApiError> {
    let why = match file.state {
        MediaState::Stored => match (file.file, file.bytes) {
            (Some(key), Some(bytes)) => {
                let name = ObjectName {
                    tenant,
                    id: file.id,
                    key,
                };
                return Ok((name, bytes));
            }
            _ => None,
        },
        MediaState::Pending => return Err(ApiError::new(ErrorCode::MediaPending).retry_after(SOON)),
        MediaState::Refused | MediaState::Failed | MediaState::Removed => file.why.as_deref(),
    };
    Err(match why {
        Some(why) => ApiError::because(ErrorCode::MediaRemoved, format!("the file is not kept: {why}")),
        None => ErrorCode::MediaRemoved.into(),
    })
}

/// When it makes sense to ask again for a file that is being fetched.
const SOON: std::time::Duration = std::time::Duration::from_secs(2);

async fn answer(
    state: &ApiState,
    headers: &HeaderMap,
    tenant: TenantId,
    file: &MediaFile,
) -> Result<HttpResponse, ApiError> {
    let (name, bytes) = object(tenant, file)?;
    // The same bytes for ever: another file has another key.
    let tag = format!("\"{}\"", hex(&digest16(&[name.key.to_string().as_bytes()])));
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &actix_web::http::header::HeaderValue| value.to_str().ok())
    };
    let mut response = HttpResponse::Ok();
    response
        .content_type(served_as(file.mime.as_deref()))
        .insert_header((ETAG, tag.as_str()))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ))
        .insert_header((CONTENT_DISPOSITION, disposition(file.name.as_deref())));
    if is_known(headers, &tag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    let is_same = text(IF_RANGE).is_none_or(|known| known == tag);
    let range = match text(RANGE).filter(|_| is_same).map(|range| part(range, bytes)) {
        None | Some(Part::All) => None,
        Some(Part::Some(range)) => Some(range),
        Some(Part::Nothing) => {
            let all = format!("bytes */{bytes}");
            response.insert_header((CONTENT_RANGE, all));
            return Ok(response.status(StatusCode::RANGE_NOT_SATISFIABLE).finish());
        }
    };
    let expected = file.expected();
    let found = state.media.files().read(&name, range.clone(), &expected).await;
    let Some(stream) = found.map_err(MediaError::from)? else {
        return Err(ErrorCode::MediaRemoved.into());
    };
    let mut length = bytes;
    if let Some(range) = range {
        length = range.end - range.start;
        let shown = format!("bytes {}-{}/{bytes}", range.start, range.end - 1);
        response.status(StatusCode::PARTIAL_CONTENT);
        response.insert_header((CONTENT_RANGE, shown));
    }
    // Its length is told, so that one that breaks off is not taken for whole.
    let stream = stream.map_err(|error| ApiError::internal(format!("a file broke off: {error}")));
    Ok(response.body(SizedStream::new(length, stream)))
}

/// Whether whoever asks has the file already. Of tags that may stand for something alike the one that is meant is the same.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers
        .get_all(IF_NONE_MATCH)
        .filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// All of it: nothing is asked for that is understood.
    All,
    Some(Range<u64>),
    /// None that is there.
    Nothing,
}

/// Reads a `Range` header. Several ranges at once are answered with all: nobody needs them.
fn part(header: &str, bytes: u64) -> Part {
    let Some((from, to)) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Part::All;
    };
    let (from, to) = (from.trim(), to.trim());
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(bytes),
        (Ok(from), Err(_)) if to.is_empty() => from..bytes,
        (Err(_), Ok(last)) if from.is_empty() => bytes.saturating_sub(last)..bytes,
        _ => return Part::All,
    };
    if range.start < range.end {
        Part::Some(range)
    } else {
        Part::Nothing
    }
}

/// A file is kept as one, under its name. Names hold no quotes and no control characters; letters beyond ASCII are escaped.
fn disposition(name: Option<&str>) -> String {
    let Some(name) = name else {
        return "attachment".to_owned();
    };
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let escaped: String = name
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_is_there_of_what_is_asked_for() {
        for (header, expected) in [
            ("bytes=0-0", Part::Some(0..1)),
            ("bytes=2-5", Part::Some(2..6)),
            ("bytes=2-99", Part::Some(2..10)),
            ("bytes=2-", Part::Some(2..10)),
            ("bytes=-3", Part::Some(7..10)),
            ("bytes=-99", Part::Some(0..10)),
            ("bytes=10-", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=18446744073709551615-18446744073709551615", Part::Nothing),
            ("bytes=5-2", Part::All),
            ("bytes=0-1,3-4", Part::All),
            ("bytes=x-", Part::All),
            ("lines=0-1", Part::All),
            ("", Part::All),
        ] {
            assert_eq!(part(header, 10), expected, "{header}");
        }
    }

    #[test]
    fn a_tag_is_known_alone_among_others_and_as_a_weak_one() {
        use actix_web::http::header::HeaderValue;
        let known = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, HeaderValue::from_static(line));
            }
            is_known(&headers, "\"a\"")
        };
        for lines in [
            &["\"a\""][..],
            &["\"b\", \"a\""],
            &["\"b\"", "\"a\""],
            &["W/\"a\""],
            &["*"],
        ] {
            assert!(known(lines), "{lines:?}");
        }
        for lines in [&[][..], &["\"b\""], &["a"], &["\"ab\""], &[""]] {
            assert!(!known(lines), "{lines:?}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition(None), "attachment");
        assert_eq!(
            disposition(Some("a b.pdf")),
            "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf"
        );
        let odd = disposition(Some("ü\"\\\r\n;x.pdf"));
        assert_eq!(
            odd,
            "attachment; filename=\"_____;x.pdf\"; filename*=UTF-8''%C3%BC%22%5C%0D%0A%3Bx.pdf"
        );
    }
}
