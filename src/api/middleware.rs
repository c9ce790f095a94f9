//! Around every request: its id, its bounds, the headers that every answer carries, its count and its line in the log.
//!
//! The log names the route, never the address: addresses carry ids and parameters that callers chose.

use std::time::Duration;

use actix_http::ConnectionType;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _, web};

use super::audit;
use super::connection::{Life, Owed, Sent, Working};
use super::error::{ApiError, ErrorCode};
use super::gcra::Rate;
use super::meter::RouteMeter;
use super::state::ApiState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// For answers that do not say otherwise: kept by nobody, shown as no page.
const USUAL: [(HeaderName, &str); 2] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];
/// Bytes of an address.
const LONGEST_ADDRESS: usize = 8 << 10;
/// Bytes of all names and values of headers together.
const LONGEST_HEADERS: usize = 16 << 10;

/// Requests sent before the answer to the one before was there, of all clients together, that are worked on in a second; and at
/// once. Hardly a client does that, and no browser.
const SENT_AHEAD_PER_S: u32 = 500;
const SENT_AHEAD_AT_ONCE: u32 = 50;

/// Lets a request through, and sees to its answer.
pub(super) async fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let state = request.app_data::<web::Data<ApiState>>().cloned();
    let state = state.ok_or_else(|| ApiError::internal("the server was started without its state"))?;
    let life = request.conn_data::<Life>();
    let working = life.map(|life| life.work(Owed::by(request.headers())));
    let sent = working.as_ref().map_or(Sent::InTurn, Working::sent);
    if sent != Sent::InTurn {
        in_turn(&state).await;
    }
    let began = state.clock.monotonic();
    let id = state.request_id();
    let refusal = if is_too_large(&request) {
        Some(ErrorCode::HeadersTooLarge)
    } else {
        // No address of ours needs an escape: one would only take a road past whoever guards a path by its letters, such
        // as a proxy that keeps /v1/admin to itself.
        request.uri().path().contains('%').then_some(ErrorCode::NotFound)
    };
    let mut response = if let Some(refusal) = refusal {
        let refusal = ApiError::new(refusal).error_response();
        request.into_response(refusal.map_into_right_body())
    } else {
        let response = next.call(request).await?;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.response().body().size().is_eof() {
            in_our_words(response)
        } else {
            response.map_into_left_body()
        }
    };
    let refused = response.response().error().map(|error| {
        error
            .as_error::<ApiError>()
            .map_or(ErrorCode::Internal, ApiError::code)
    });
    audit::end(&state, response.request(), refused).await;
    let took = state.clock.monotonic().saturating_sub(began);
    let asked = response.request();
    if let Some(meter) = asked.app_data::<RouteMeter>() {
        meter.answered(asked.method(), response.status(), took);
    }
    log(&response, &id, took);
    if sent == Sent::TooFarAhead {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for (name, usual) in USUAL {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(usual));
        }
    }
    let public = state.config.server.public_url.as_ref();
    if public.is_some_and(|url| url.as_str().starts_with("https://")) {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    Ok(response)
}

/// Waits for the turn of a request that was sent ahead. Whoever sends many and reads no answer would keep the processors from
/// everybody else until there is no room for answers any more.
async fn in_turn(state: &ApiState) {
    let rate = Rate::even(SENT_AHEAD_PER_S, SENT_AHEAD_AT_ONCE);
    let now = state.clock.monotonic();
    if let Ok(wait) = state.sent_ahead.book(rate, now, Duration::MAX) {
        tokio::time::sleep(wait).await;
    }
}

fn is_too_large(request: &ServiceRequest) -> bool {
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let address = request
        .uri()
        .path_and_query()
        .map_or(0, |address| address.as_str().len());
    address > LONGEST_ADDRESS || headers > LONGEST_HEADERS
}

/// The framework's 405 has the right `Allow` header and no body.
fn in_our_words<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let (request, bare) = response.into_parts();
    let mut worded = ApiError::new(ErrorCode::MethodNotAllowed).error_response();
    for (name, value) in bare.headers() {
        worded.headers_mut().append(name.clone(), value.clone());
    }
    ServiceResponse::new(request, worded.map_into_right_body())
}

fn log<B>(response: &ServiceResponse<B>, id: &str, took: Duration) {
    let cause = response
        .response()
        .error()
        .and_then(|error| error.as_error::<ApiError>()?.cause());
    let failed = cause.is_some() || response.status() == StatusCode::INTERNAL_SERVER_ERROR;
    if !failed && !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let request = response.request();
    let pattern = request.match_pattern();
    let route = pattern.as_deref().unwrap_or("none");
    let (method, status) = (request.method().as_str(), response.status().as_u16());
    if let Some(cause) = cause {
        tracing::error!(request.id = id, method, route, cause, "a request failed");
    } else if failed {
        tracing::error!(request.id = id, method, route, "a request failed");
    }
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(request.id = id, method, route, status, took_us, "answered");
}
