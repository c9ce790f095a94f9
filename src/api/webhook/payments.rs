//! The payment provider's door: bytes in, signature checked, rows written, 200.
//!
//! Whatever cannot be made durable now is answered 503, and the provider tries again for three days.

use std::time::Duration;

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::super::body;
use super::super::error::{ApiError, ErrorCode};
use super::super::state::ApiState;
use super::budget::Budget;
use crate::accounts::subscriptions::signature::{Presented, WebhookSecret};
use crate::accounts::subscriptions::{Applied, SubscriptionError};
use crate::config::Config;
use crate::telemetry::Seldom;
use crate::telemetry::labels::PaymentWebhookOutcome as Outcome;
use crate::telemetry::metrics as measured;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
/// Bytes of a body. An event has some kilobytes.
const LONGEST: usize = 256 << 10;
/// Bytes of bodies that are held at once.
const HELD: usize = 4 << 20;
/// Events that are being made durable at once.
const AT_ONCE: usize = 16;
/// How long that may take.
const DEADLINE: Duration = Duration::from_secs(8);
/// What the provider is told when it should come again.
const COME_BACK: Duration = Duration::from_secs(10);
/// How often the log tells of refusals.
const TOLD_EACH: Duration = Duration::from_secs(60);

/// Who may come in, and how many at once.
pub struct PaymentsDoor {
    secrets: Vec<WebhookSecret>,
    budget: Budget,
    told: Seldom,
    told_unproven: Seldom,
}

impl PaymentsDoor {
    /// A door for the provider in the settings. Without one there is no door.
    pub fn new(config: &Config) -> Self {
        let secrets = config.payments.webhook_secrets.iter();
        Self {
            secrets: secrets
                .map(|secret| WebhookSecret::new(secret.expose_secret()))
                .collect(),
            budget: Budget::new(AT_ONCE, HELD, LONGEST),
            told: Seldom::each(TOLD_EACH),
            told_unproven: Seldom::each(TOLD_EACH),
        }
    }
}

/// `POST /webhooks/payments`
pub(in crate::api) async fn receive(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let door = &state.payments;
    if door.secrets.is_empty() {
        let why = "this server has no payment provider: `payments.webhook_secrets` in its settings";
        return ApiError::absent(why).error_response();
    }
    // On the heap: connections have room for Meta's webhooks alone.
    let (outcome, answer) = match Box::pin(take(&state, &request, payload)).await {
        Ok(outcome) => (outcome, HttpResponse::Ok().finish()),
        Err((outcome, error)) => (outcome, error.error_response()),
    };
    measured::payment_webhooks_total(outcome).increment(1);
    if outcome == Outcome::BadSignature
        && let Some(count) = door.told.happened(state.clock.monotonic())
    {
        tracing::warn!(
            count,
            "webhooks of the payment provider are refused: their signature fits no secret, or is older than five minutes. Compare \
             `payments.webhook_secrets` with the endpoint's signing secret"
        );
    }
    answer
}

type Refused = (Outcome, ApiError);

fn unsigned() -> Refused {
    let why = "the `Stripe-Signature` header is missing, too old, or fits no secret";
    (Outcome::BadSignature, ApiError::invalid(why))
}

fn busy() -> Refused {
    (
        Outcome::Busy,
        ApiError::new(ErrorCode::Busy).retry_after(COME_BACK),
    )
}

fn store_down(error: &dyn std::fmt::Display) -> Refused {
    tracing::warn!(%error, "an event of the payment provider could not be stored: it is sent again");
    let refused = ApiError::new(ErrorCode::Unavailable).retry_after(COME_BACK);
    (Outcome::StoreDown, refused)
}

async fn take(state: &ApiState, request: &HttpRequest, payload: web::Payload) -> Result<Outcome, Refused> {
    let door = &state.payments;
    let mut headers = request.headers().get_all(SIGNATURE);
    let only = headers.next().filter(|_| headers.next().is_none());
    let header = only.and_then(|header| header.to_str().ok());
    // Whoever does not even claim to be the provider is not listened to.
    let presented = Presented::read(header, state.clock.now()).ok_or_else(unsigned)?;
    let body = whole(state, request, payload).await?;
    if !presented.verify(&door.secrets, &body) {
        return Err(unsigned());
    }
    let _place = door.budget.enter().ok_or_else(busy)?;
    let Some(event) = state.subscriptions.read(&body) else {
        return Ok(Outcome::Ignored);
    };
    match timeout(DEADLINE, state.subscriptions.apply(&event)).await {
        Ok(Ok(Applied::To(tenant))) => {
            state.quotas.renew(tenant);
            state.keys.forget_tenant(tenant);
            Ok(Outcome::Applied)
        }
        Ok(Ok(Applied::Aside)) => Ok(Outcome::Aside),
        Ok(Ok(Applied::Unproven)) => {
            if let Some(count) = door.told_unproven.happened(state.clock.monotonic()) {
                tracing::warn!(
                    count,
                    "a checkout names a business that did not ask for its link within a week: who paid there has to be found at the \
                     payment provider, and set by `mesej tenant subscription set`"
                );
            }
            Ok(Outcome::Unproven)
        }
        Ok(Err(SubscriptionError::Audit(error))) => Err(store_down(&error)),
        Ok(Err(SubscriptionError::Store(error))) => Err(store_down(&error)),
        Err(elapsed) => Err(store_down(&elapsed)),
    }
}

async fn whole(state: &ApiState, request: &HttpRequest, payload: web::Payload) -> Result<Bytes, Refused> {
    let mut payload = payload.into_inner();
    let plan = body::Plan::of(request, LONGEST, &state.config.server);
    let (mut room, make_way) = state.payments.budget.begin();
    let reading = body::read(&mut payload, &plan, async |more| room.hold(more).await);
    let read = tokio::select! {
        biased;
        read = reading => read,
        _ = make_way => return Err(busy()),
    };
    match read {
        Ok(body) => Ok(body),
        Err(error) => {
            drop(room);
            if error.code() != ErrorCode::Timeout {
                body::drain(&mut payload, &plan).await;
            }
            let outcome = match error.code() {
                ErrorCode::TooLarge => Outcome::TooLarge,
                ErrorCode::Busy => Outcome::Busy,
                _ => Outcome::Broken,
            };
            Err((outcome, error))
        }
    }
}
