//! Meta's door: bytes in, signature checked, journal, 200. Nothing is parsed here.
//!
//! Whatever cannot be made durable now is answered 503, and Meta tries again for seven days.
//! Source: Cloud API, Create a webhook endpoint (Nov 7 2025), Webhooks overview (Dec 2 2025).

mod budget;
pub(super) mod payments;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use metrics::{Counter, Histogram};
use secrecy::{ExposeSecret as _, SecretString};

use super::auth::same_secret;
use super::body;
use super::error::{ApiError, ErrorCode};
use super::params::Params;
use super::state::ApiState;
use crate::actors::Signer;
use crate::config::Config;
use crate::telemetry::labels::WebhookOutcome;
use crate::telemetry::metrics as measured;
use crate::whatsapp::signature::{AppIndex, AppSecret, Signature};
use budget::Budget;
use refusals::{Fault, Refusals};

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
/// What Meta is told when too much is in hand.
const COME_BACK: Duration = Duration::from_secs(5);

/// Who may come in, how many at once, and the count of how they fared.
pub struct WebhookDoor {
    secrets: Vec<AppSecret>,
    names: Vec<Arc<str>>,
    verify_tokens: Vec<SecretString>,
    budget: Budget,
    pub(super) refusals: Refusals,
    body_limit: usize,
    outcomes: Outcomes,
    ack_seconds: Histogram,
}

impl WebhookDoor {
    /// A door for the apps in the settings. Without any app nobody is let in.
    pub fn new(config: &Config) -> Self {
        let apps = config.whatsapp.apps.iter().enumerate();
        let secrets = apps.flat_map(|(index, app)| {
            let secrets = app.app_secrets.iter();
            secrets.map(move |secret| AppSecret::new(AppIndex(index), secret.expose_secret()))
        });
        Self {
            secrets: secrets.collect(),
            names: config
                .whatsapp
                .apps
                .iter()
                .map(|app| app.name.as_str().into())
                .collect(),
            verify_tokens: config
                .whatsapp
                .apps
                .iter()
                .map(|app| app.verify_token.clone())
                .collect(),
            budget: Budget::new(
                config.server.webhook_max_in_flight,
                config.server.webhook_max_bytes_in_flight.as_usize(),
                config.server.webhook_body_limit.as_usize(),
            ),
            refusals: Refusals::new(),
            body_limit: config.server.webhook_body_limit.as_usize(),
            outcomes: Outcomes::new(),
            ack_seconds: measured::webhook_ack_seconds(),
        }
    }

    fn is_verify_token(&self, presented: &str) -> bool {
        // All are compared, whichever fits, so that the time tells nothing.
        let fits = self
            .verify_tokens
            .iter()
            .filter(|token| same_secret(presented, token.expose_secret()));
        fits.count() > 0
    }
}

/// `GET /webhooks/whatsapp`: Meta checks that the address is ours.
pub(super) async fn handshake(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let mut params = Params::read(request.query_string())?;
    let mode = params.take::<String>("hub.mode", "a text")?;
    let token = params.take::<String>("hub.verify_token", "a text")?;
    let challenge = params.take::<String>("hub.challenge", "a text")?;
    let known = token.is_some_and(|token| state.webhooks.is_verify_token(&token));
    match challenge {
        Some(challenge) if known && mode.as_deref() == Some("subscribe") => Ok(HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body(challenge)),
        _ => Err(ApiError::because(
            ErrorCode::Forbidden,
            "the verify token is not that of a configured app",
        )),
    }
}

/// `POST /webhooks/whatsapp`
pub(super) async fn receive(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let began = state.clock.monotonic();
    let door = &state.webhooks;
    let (outcome, answer) = match take(&state, &request, payload).await {
        // 200 exactly, and nothing beside it.
        Ok(()) => (WebhookOutcome::Accepted, HttpResponse::Ok().finish()),
        Err(refused) => (refused.outcome, refused.error.error_response()),
    };
    match outcome {
        WebhookOutcome::Accepted => door.refusals.taken(began),
        WebhookOutcome::BadSignature => {
            let fault = signature(request.headers()).map_or(Fault::Unsigned, |_| Fault::Foreign);
            door.refusals.refused(fault, &door.names, began);
        }
        _ => {}
    }
    door.outcomes.of(outcome).increment(1);
    door.ack_seconds
        .record(state.clock.monotonic().saturating_sub(began));
    answer
}

struct Refused {
    outcome: WebhookOutcome,
    error: ApiError,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let outcome = match error.code() {
            ErrorCode::TooLarge => WebhookOutcome::TooLarge,
            ErrorCode::Busy => WebhookOutcome::Busy,
            ErrorCode::BadSignature => WebhookOutcome::BadSignature,
            ErrorCode::Unavailable => WebhookOutcome::StoreDown,
            _ => WebhookOutcome::Broken,
        };
        Self { outcome, error }
    }
}

async fn take(state: &ApiState, request: &HttpRequest, payload: web::Payload) -> Result<(), Refused> {
    let door = &state.webhooks;
    // Whoever does not even claim to be Meta is not listened to.
    let claimed = Signature::read(signature(request.headers()));
    let claimed = claimed.map_err(|_no_signature| ApiError::new(ErrorCode::BadSignature))?;
    let mut payload = payload.into_inner();
    let plan = body::Plan::of(request, door.body_limit, &state.config.server);
    let (mut room, make_way) = door.budget.begin();
    let reading = body::read(&mut payload, &plan, async |more| room.hold(more).await);
    let read = tokio::select! {
        biased;
        read = reading => read,
        _ = make_way => Err(busy()),
    };
    let body: Bytes = match read {
        Ok(body) => body,
        Err(error) => {
            drop(room);
            if error.code() != ErrorCode::Timeout {
                body::drain(&mut payload, &plan).await;
            }
            return Err(error.into());
        }
    };
    room.is_whole();
    let vouched = claimed.verify(&door.secrets, &body);
    let app = vouched.ok().and_then(|AppIndex(index)| door.names.get(index));
    let app = app.ok_or_else(|| ApiError::new(ErrorCode::BadSignature))?;
    let _place = door.budget.enter().ok_or_else(busy)?;
    let taken = state.intake.accept(Signer::App(Arc::clone(app)), body).await;
    taken.map_err(|refusal| ApiError::new(ErrorCode::Unavailable).retry_after(refusal.retry_after))?;
    Ok(())
}

fn busy() -> ApiError {
    ApiError::new(ErrorCode::Busy).retry_after(COME_BACK)
}

/// The one signature. Two of them are none: which one counts would be anybody's guess.
fn signature(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(SIGNATURE);
    let only = all.next()?;
    only.to_str().ok().filter(|_| all.next().is_none())
}

/// The counters, looked up once.
struct Outcomes(Vec<(WebhookOutcome, Counter)>);

impl Outcomes {
    fn new() -> Self {
        let all = WebhookOutcome::ALL.iter();
        Self(
            all.map(|outcome| (*outcome, measured::webhooks_total(*outcome)))
                .collect(),
        )
    }

    fn of(&self, outcome: WebhookOutcome) -> Counter {
        let found = self.0.iter().find(|(known, _)| *known == outcome);
        found.map_or_else(Counter::noop, |(_, counter)| counter.clone())
    }
}
