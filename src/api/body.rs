//! Reading a body: never more than allowed, never for longer than allowed, never more slowly than allowed.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use super::connection::{Life, Pace, ReadingBody};
use super::error::{ApiError, ErrorCode};
use crate::config::ServerConfig;

/// How long a body that nobody wants is read, for the sake of the connection.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// Bytes set aside for a body of which a part has come: what its sender promises costs nothing.
const RESERVED: usize = 64 << 10;

/// What is known before the first byte.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    declared: Option<usize>,
    limit: usize,
    pace: Pace,
    /// A sender that needs longer is broken, or drips on purpose.
    deadline: Duration,
    life: Option<Life>,
}

impl Plan {
    /// Reads `Content-Length`; a chunked body has none.
    pub(super) fn of(request: &HttpRequest, limit: usize, settings: &ServerConfig) -> Self {
        let length = request.headers().get(CONTENT_LENGTH);
        Self {
            declared: length.and_then(|value| value.to_str().ok()?.parse().ok()),
            limit,
            pace: Pace::of(settings),
            deadline: settings.body_timeout,
            life: request.conn_data::<Life>().cloned(),
        }
    }
}

/// Reads the whole body. `hold` is asked for room before each piece is kept; when it has none, the answer is `busy`.
pub(super) async fn read(
    payload: &mut Payload,
    plan: &Plan,
    mut hold: impl AsyncFnMut(usize) -> bool,
) -> Result<Bytes, ApiError> {
    if plan.declared.is_some_and(|declared| declared > plan.limit) {
        return Err(ErrorCode::TooLarge.into());
    }
    let reading = plan.life.as_ref().map(Life::read_body);
    let began = Instant::now();
    let mut body = BytesMut::new();
    loop {
        let allowed = plan.pace.allows(body.len()).min(plan.deadline);
        let next = timeout(allowed.saturating_sub(began.elapsed()), payload.next()).await;
        let Some(piece) = next.map_err(|_elapsed| ErrorCode::Timeout)? else {
            break;
        };
        let piece = piece.map_err(|_broken| ApiError::invalid("the body broke off"))?;
        if body.len() + piece.len() > plan.limit {
            return Err(ErrorCode::TooLarge.into());
        }
        if !hold(piece.len()).await {
            return Err(ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(5)));
        }
        if plan.declared == Some(piece.len()) {
            reading.map(ReadingBody::ended).unwrap_or_default();
            return Ok(piece);
        }
        if body.is_empty() {
            body.reserve(plan.declared.unwrap_or(piece.len()).min(RESERVED));
        }
        body.extend_from_slice(&piece);
    }
    reading.map(ReadingBody::ended).unwrap_or_default();
    Ok(body.freeze())
}

/// Reads the rest of a body and throws it away, within limits.
pub(super) async fn drain(payload: &mut Payload, plan: &Plan) {
    let reading = plan.life.as_ref().map(Life::read_body);
    let rest = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = payload.next().await {
            seen += piece.len();
            if seen > plan.limit {
                return;
            }
        }
        reading.map(ReadingBody::ended).unwrap_or_default();
    };
    // Whoever is slower than this loses the connection.
    let _ = timeout(DRAIN_DEADLINE, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use actix_web::error::PayloadError;
    use actix_web::test::TestRequest;
    use futures_util::stream;

    /// Less than a drip takes.
    const A_MOMENT: Duration = Duration::from_millis(10);

    /// A piece each second.
    fn dripping(piece: &'static [u8], pieces: usize) -> Payload {
        let drip = stream::unfold(0, move |count| async move {
            if count == pieces {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, PayloadError>(Bytes::from_static(piece)), count + 1))
        });
        Payload::Stream {
            payload: Box::pin(drip),
        }
    }

    fn plan() -> (Plan, ServerConfig) {
        let settings = Config::defaults().unwrap().server;
        let request = TestRequest::default().to_http_request();
        (Plan::of(&request, 1 << 20, &settings), settings)
    }

    #[actix_web::test]
    async fn a_body_that_comes_fast_enough_is_given_up_after_its_deadline_alone() {
        tokio::time::pause();
        let (plan, settings) = plan();
        let enough = &[b'x'; 5_000];
        let whole = read(&mut dripping(enough, 9), &plan, async |_more| true).await;
        assert_eq!(whole.unwrap().len(), 45_000);
        let mut dripping = dripping(enough, 100);
        let given_up = read(&mut dripping, &plan, async |_more| true);
        let in_time = timeout(settings.body_timeout + A_MOMENT, given_up).await;
        assert_eq!(in_time.unwrap().unwrap_err().code(), ErrorCode::Timeout);
    }

    #[actix_web::test]
    async fn a_body_that_drips_or_never_comes_is_given_up_after_a_grace() {
        tokio::time::pause();
        let (plan, settings) = plan();
        let never = Payload::Stream {
            payload: futures_util::StreamExt::boxed_local(stream::pending()),
        };
        for mut slow in [dripping(b"x", 100), never] {
            let given_up = read(&mut slow, &plan, async |_more| true);
            let in_time = timeout(settings.slow_grace + A_MOMENT, given_up).await;
            assert_eq!(in_time.unwrap().unwrap_err().code(), ErrorCode::Timeout);
        }
    }

    #[actix_web::test]
    async fn nobody_waits_long_for_a_body_that_is_thrown_away() {
        tokio::time::pause();
        let mut dripping = dripping(b"x", 1_000);
        let in_time = timeout(DRAIN_DEADLINE + A_MOMENT, drain(&mut dripping, &plan().0)).await;
        assert!(in_time.is_ok());
    }
}
