//! Reading a body: never more than allowed, never for longer than allowed, never more slowly than allowed.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use super::connection::{Life, Pace, Working};
use super::error::{ApiError, ErrorCode};
use crate::config::ServerConfig;

/// How long a body that nobody wants is read, for the sake of the connection.
const DRAIN_DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of it that are read: a new connection costs less than more of them.
const DRAINED: usize = 256 << 10;
/// Bytes set aside for a body of which a part has come; after that, twice what has come. What its sender promises costs
/// nothing.
const RESERVED: usize = 16 << 10;

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

    /// The next piece; the connection is read for as long as it is waited for.
    async fn next(&self, payload: &mut Payload) -> Option<Result<Bytes, PayloadError>> {
        let _reading = self.life.as_ref().map(Life::read_body);
        payload.next().await
    }

    /// The next piece, if it comes in time; nothing at the end.
    async fn piece(
        &self,
        payload: &mut Payload,
        began: Instant,
        come: usize,
    ) -> Result<Option<Bytes>, ApiError> {
        let allowed = self.pace.allows(come).min(self.deadline);
        let next = timeout(allowed.saturating_sub(began.elapsed()), self.next(payload)).await;
        let Some(piece) = next.map_err(|_elapsed| ErrorCode::Timeout)? else {
            self.ended();
            return Ok(None);
        };
        piece
            .map(Some)
            .map_err(|_broken| ApiError::invalid("the body broke off"))
    }

    /// All of it has come.
    fn ended(&self) {
        if let Some(life) = &self.life {
            life.body_ended();
        }
    }

    /// Bytes to set aside, now that so many are and so many have come.
    fn room(&self, kept: usize, come: usize) -> usize {
        let all = self.declared.unwrap_or(self.limit);
        kept.saturating_mul(2).max(RESERVED).min(all).max(kept).max(come)
    }
}

/// How long a body that is taken piece by piece may keep its reader waiting, however steadily it comes.
const STREAM_DEADLINE: Duration = Duration::from_hours(1);

/// A body that is taken piece by piece: never more slowly than allowed, and not for ever. How long it may be is for its reader to say, and
/// what the reader does between two pieces is no time of the sender's.
pub struct BodyStream {
    payload: Payload,
    plan: Plan,
    waited: Duration,
    come: usize,
}

impl BodyStream {
    /// It begins now.
    pub(super) fn new(payload: Payload, plan: Plan) -> Self {
        Self {
            payload,
            plan: Plan {
                deadline: STREAM_DEADLINE,
                ..plan
            },
            waited: Duration::ZERO,
            come: 0,
        }
    }

    /// For an answer that begins while the body still comes: until this is dropped the connection waits for it.
    pub(super) fn working(&self) -> Option<Working> {
        self.plan.life.as_ref().map(Life::keep_working)
    }

    /// How long it is said to be.
    pub(super) fn declared(&self) -> Option<u64> {
        self.plan
            .declared
            .and_then(|declared| u64::try_from(declared).ok())
    }

    /// The next piece; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let asked = Instant::now();
        let began = asked.checked_sub(self.waited).unwrap_or(asked);
        let piece = self.plan.piece(&mut self.payload, began, self.come).await?;
        self.waited = self.waited.saturating_add(asked.elapsed());
        self.come = self.come.saturating_add(piece.as_ref().map_or(0, Bytes::len));
        Ok(piece)
    }

    /// Reads some of what is left and throws it away, so that its sender reads the answer.
    pub(super) async fn drain(&mut self) {
        self.plan.declared = None;
        drain(&mut self.payload, &self.plan).await;
    }

    /// All of it, if it has no more than so many bytes.
    pub(super) async fn whole(mut self, limit: usize) -> Result<Bytes, ApiError> {
        self.plan.limit = limit;
        read(&mut self.payload, &self.plan, async |_more| true).await
    }
}

/// Reads the body of somebody who was let in. That of anybody else is read to its end and not kept, so that the connection can be used
/// again.
pub(super) async fn read_of<T>(
    payload: &mut Payload,
    plan: &Plan,
    let_in: Result<T, ApiError>,
) -> Result<(T, Bytes), ApiError> {
    match let_in {
        Ok(who) => Ok((who, read(payload, plan, async |_more| true).await?)),
        Err(error) => {
            drain(payload, plan).await;
            Err(error)
        }
    }
}

/// Reads the whole body. `hold` is asked for room before there is more of it in memory; when it has none, the answer is `busy`.
/// Nothing is read meanwhile.
pub(super) async fn read(
    payload: &mut Payload,
    plan: &Plan,
    mut hold: impl AsyncFnMut(usize) -> bool,
) -> Result<Bytes, ApiError> {
    if plan.declared.is_some_and(|declared| declared > plan.limit) {
        return Err(ErrorCode::TooLarge.into());
    }
    let began = Instant::now();
    let mut body = Vec::new();
    while let Some(piece) = plan.piece(payload, began, body.len()).await? {
        let come = body.len() + piece.len();
        if come > plan.limit {
            return Err(ErrorCode::TooLarge.into());
        }
        let is_whole = plan.declared == Some(piece.len());
        let kept = if is_whole {
            come
        } else {
            plan.room(body.capacity(), come)
        };
        if kept > body.capacity() && !hold(kept - body.capacity()).await {
            return Err(ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(5)));
        }
        if is_whole {
            plan.ended();
            return Ok(piece);
        }
        body.reserve_exact(kept - body.len());
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

/// Reads the rest of a body and throws it away, if it is short: then the connection can be used again.
pub(super) async fn drain(payload: &mut Payload, plan: &Plan) {
    if plan.declared.is_some_and(|declared| declared > DRAINED) {
        return;
    }
    let rest = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = plan.next(payload).await {
            seen += piece.len();
            if seen > DRAINED {
                return;
            }
        }
        plan.ended();
    };
    // Whoever is slower than this loses the connection.
    let _ = timeout(DRAIN_DEADLINE, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
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
    async fn no_more_is_set_aside_than_twice_what_has_come_and_all_of_it_is_asked_for() {
        let (mut plan, _) = plan();
        plan.declared = Some(100_000);
        let pieces = std::iter::repeat_n(Bytes::from_static(&[b'x'; 5_000]), 20);
        let mut payload = Payload::Stream {
            payload: futures_util::StreamExt::boxed_local(stream::iter(pieces.map(Ok::<_, PayloadError>))),
        };
        let (mut asked, mut most) = (0, Vec::new());
        let body = read(&mut payload, &plan, async |more| {
            asked += more;
            most.push(asked);
            true
        });
        assert_eq!(body.await.unwrap().len(), 100_000);
        assert_eq!(most, [RESERVED, 2 * RESERVED, 4 * RESERVED, 100_000]);
    }

    #[actix_web::test]
    async fn nobody_waits_long_for_a_body_that_is_thrown_away() {
        tokio::time::pause();
        let mut dripping = dripping(b"x", 1_000);
        let in_time = timeout(DRAIN_DEADLINE + A_MOMENT, drain(&mut dripping, &plan().0)).await;
        assert!(in_time.is_ok());
    }
}
