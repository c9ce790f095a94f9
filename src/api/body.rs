//! Reading a body: never more than allowed, never for longer than allowed.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::error::{ApiError, ErrorCode};

/// A sender that needs longer is broken, or drips on purpose.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a body that nobody wants is read, for the sake of the connection.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// What is known before the first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    declared: Option<usize>,
    limit: usize,
}

impl Plan {
    /// Reads `Content-Length`; a chunked body has none.
    pub(super) fn of(request: &HttpRequest, limit: usize) -> Self {
        let length = request.headers().get(CONTENT_LENGTH);
        Self {
            declared: length.and_then(|value| value.to_str().ok()?.parse().ok()),
            limit,
        }
    }
}

/// Reads the whole body. `hold` is asked for room before each piece is kept; when it has none, the answer is `busy`.
pub(super) async fn read(
    payload: &mut Payload,
    plan: Plan,
    mut hold: impl FnMut(usize) -> bool,
) -> Result<Bytes, ApiError> {
    if plan.declared.is_some_and(|declared| declared > plan.limit) {
        return Err(ErrorCode::TooLarge.into());
    }
    let whole = async {
        let mut body = BytesMut::new();
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|_broken| ApiError::invalid("the body broke off"))?;
            if body.len() + piece.len() > plan.limit {
                return Err(ErrorCode::TooLarge.into());
            }
            if !hold(piece.len()) {
                return Err(ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(5)));
            }
            if plan.declared == Some(piece.len()) {
                return Ok(piece);
            }
            if body.is_empty() {
                body.reserve(plan.declared.unwrap_or(piece.len()));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(DEADLINE, whole)
        .await
        .unwrap_or_else(|_elapsed| Err(ErrorCode::Timeout.into()))
}

/// Reads the rest of a body and throws it away, within limits.
pub(super) async fn drain(payload: &mut Payload, limit: usize) {
    let rest = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = payload.next().await {
            seen += piece.len();
            if seen > limit {
                break;
            }
        }
    };
    // Whoever is slower than this loses the connection.
    let _ = tokio::time::timeout(DRAIN_DEADLINE, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    /// Less than a drip takes.
    const A_MOMENT: Duration = Duration::from_millis(10);

    fn dripping(pieces: usize) -> Payload {
        let drip = stream::unfold(0, move |count| async move {
            if count == pieces {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, PayloadError>(Bytes::from_static(b"x")), count + 1))
        });
        Payload::Stream {
            payload: Box::pin(drip),
        }
    }

    fn plan() -> Plan {
        Plan::of(&TestRequest::default().to_http_request(), 100)
    }

    #[actix_web::test]
    async fn a_body_that_drips_is_given_up_after_its_deadline() {
        tokio::time::pause();
        let whole = read(&mut dripping(9), plan(), |_more| true).await.unwrap();
        assert_eq!(whole.len(), 9);
        let mut dripping = dripping(1_000);
        let given_up = read(&mut dripping, plan(), |_more| true);
        let in_time = tokio::time::timeout(DEADLINE + A_MOMENT, given_up).await;
        assert_eq!(in_time.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    }

    #[actix_web::test]
    async fn nobody_waits_long_for_a_body_that_is_thrown_away() {
        tokio::time::pause();
        let mut dripping = dripping(1_000);
        let in_time = tokio::time::timeout(DRAIN_DEADLINE + A_MOMENT, drain(&mut dripping, 100)).await;
        assert!(in_time.is_ok());
    }
}
