//! Sending messages, and what became of them.

mod bulk;
mod busy_names;
mod lines;
pub(super) mod scheduled;

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::{Call, CanRead, CanSend, StreamCall};
use super::error::ApiError;
use super::idempotency;
use super::json::{self, Fields};
use super::limit::demand_sender;
use super::outgoing::{Outgoing, audience, destination};
use super::state::ApiState;
use crate::actors::request::{
    Acceptance, Accepted, DelayEstimate, Destination, Missing, Refusal, SubmitRequest,
};
use crate::domain::{
    DeliveryState, Message, MessageId, MetaError, Priority, Quota, Seq, StatusTimes, TenantId, Timestamp,
    UnknownPolicy,
};
use crate::store::op::{Once, Settlement};
use crate::store::{MessageRef, OutboxRow, OutboxState};
use crate::telemetry::labels::SendOrigin;
use crate::telemetry::metrics as measured;

/// How far ahead a message may be scheduled, and for how long it may stay valid. Also how long ago it may be due: what is earlier,
/// such as seconds instead of milliseconds, is a mistake that would send it at once.
const LONGEST: Duration = Duration::from_hours(30 * 24);
const NO_SUCH: Refusal = Refusal::NotFound(Missing::Message);

/// What a request to send brings.
pub(super) enum Submission {
    /// A message.
    One(Call<CanSend>),
    /// A message in each line.
    Many(StreamCall<CanSend>),
}

impl FromRequest for Submission {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.headers().get(CONTENT_TYPE);
        if kind.is_some_and(bulk::is_meant) {
            let many = StreamCall::from_request(request, payload);
            return many.map(|call| call.map(Self::Many)).boxed_local();
        }
        let one = Call::from_request(request, payload);
        one.map(|call| call.map(Self::One)).boxed_local()
    }
}

/// `POST /v1/messages`
pub(super) async fn submit(submission: Submission) -> Result<HttpResponse, ApiError> {
    let call = match submission {
        Submission::One(call) => call,
        Submission::Many(call) => return bulk::submit(call).await,
    };
    let answer = submitted(&call).await;
    if let Err(error) = &answer {
        measured::sends_refused_total(error.code().label()).increment(1);
    }
    answer
}

async fn submitted(call: &Call<CanSend>) -> Result<HttpResponse, ApiError> {
    call.quotas().demand_subscription(call.state().clock.now())?;
    let asked = json::read(call.body())?;
    let once = idempotency::of(call, "messages", &asked)?;
    let accepted = accept(call, request(call, asked, Priority::Interactive, once)?).await?;
    Ok(idempotency::answer(
        HttpResponse::Accepted(),
        accepted.acceptance,
        &told(&accepted),
    ))
}

/// What whoever sent a message is told of it.
fn told(accepted: &Accepted) -> Value {
    json!({
        "message_id": accepted.at.message,
        "conversation_id": accepted.at.conversation,
        "state": DeliveryState::Queued,
    })
}

/// Accepts a message, as far as its caller may send it.
async fn accept(call: &Call<CanSend>, mut request: SubmitRequest) -> Result<Accepted, ApiError> {
    demand_sender(call.limit(), &mut request.to)?;
    if let Destination::Conversation(id) = request.to {
        call.demand_conversation(id).await?;
    }
    call.state()
        .template_gate
        .demand(call.tenant(), &mut request)
        .await?;
    let accepted = call.state().tenants.submit(call.tenant(), request).await;
    let accepted = accepted.map_err(|refusal| call.quotas().explain(refusal.into()))?;
    match accepted.acceptance {
        Acceptance::New => measured::sends_accepted_total(SendOrigin::Api).increment(1),
        Acceptance::Repeated => measured::sends_repeated_total(SendOrigin::Api).increment(1),
    }
    Ok(accepted)
}

/// Reads a message: its priority where it names none, and the request's name, are given.
fn request(
    call: &Call<CanSend>,
    asked: Value,
    usual: Priority,
    once: Option<Once>,
) -> Result<SubmitRequest, ApiError> {
    let Value::Object(members) = asked else {
        return Err(ApiError::invalid("the body must be a JSON object"));
    };
    let mut fields = Fields::of(members);
    let audience = audience(fields.peek("recipient_type"));
    let to = destination(&mut fields, audience)?;
    let priority = fields.optional::<Priority>("priority")?;
    let send_at = fields.optional::<Timestamp>("send_at")?;
    let valid_for = fields.optional::<u64>("valid_for")?.map(Duration::from_secs);
    let on_unknown = fields.optional::<UnknownPolicy>("on_unknown")?;
    let unless_after = fields.optional::<Seq>("last_seen_seq")?;
    let now = call.state().clock.now();
    if send_at.is_some_and(|at| at > now.after(LONGEST) || at < now.before(LONGEST)) {
        return Err(ApiError::invalid(
            "`send_at` must be within 30 days, in milliseconds since 1970",
        ));
    }
    if valid_for.is_some_and(|valid| valid.is_zero() || valid > LONGEST) {
        return Err(ApiError::invalid("`valid_for` must be 1 to 2592000 seconds"));
    }
    let priority = priority.unwrap_or(usual);
    let message = Outgoing::read(fields)?;
    let purpose = message.purpose(priority);
    Ok(SubmitRequest {
        to,
        author: call.author(),
        content: message.content,
        class: message.class,
        purpose,
        priority,
        send_at,
        valid_for,
        on_unknown,
        once,
        unless_after,
        client_msg_id: None,
        callback_data: message.callback_data,
        most_waiting: Some(call.quotas().most(Quota::Backlog)),
    })
}

/// `GET /v1/messages/{message_id}`: an outbound message, and why it waits if it does.
pub(super) async fn show(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Delay {
        reason: &'static str,
        expected_at: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<MetaError>,
    }
    #[derive(Serialize)]
    struct Answer {
        #[serde(flatten)]
        message: Message,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay: Option<Delay>,
    }
    let id: MessageId = call.path("message_id")?;
    call.params()?.finish()?;
    call.demand_message(id).await?;
    let (state, tenant) = (call.state(), call.tenant());
    let at = state
        .store
        .find_outbound(tenant, id, state.clock.now())
        .await?
        .ok_or(NO_SUCH)?;
    let (message, delay_estimate) = wait(state, tenant, at).await?;
    let delay = delay_estimate.map(|delay_estimate| Delay {
        reason: delay_estimate.reason.as_str(),
        expected_at: delay_estimate.expected,
        until: delay_estimate.until,
        error: delay_estimate.error,
    });
    Ok(HttpResponse::Ok().json(Answer { message, delay }))
}

/// A message, and why it waits if it does. A claim stands in the outbox alone, so that claiming costs one write: it is
/// added to the message here.
///
/// The message is read after its row. What took a row away, or changed it, is then in the message: the state that is shown
/// never goes back.
async fn wait(
    state: &ApiState,
    tenant: TenantId,
    at: MessageRef,
) -> Result<(Message, Option<DelayEstimate>), ApiError> {
    let first = read(state, tenant, at).await?;
    let waits = |message: &Message| {
        let delivery = message.delivery.as_ref();
        delivery.is_some_and(|delivery| !delivery.is_settled())
    };
    if !waits(&first) {
        return Ok((first, None));
    }
    let row = state
        .store
        .outbox_row(tenant, first.number.clone(), at.message)
        .await?;
    let mut message = read(state, tenant, at).await?;
    let claimed = row.as_ref().filter(|row| row.attempt > 0);
    if let (Some(row), Some(delivery)) = (claimed, message.delivery.as_mut()) {
        delivery.attempts = delivery.attempts.max(row.attempt);
        delivery.advance(StatusTimes::only(DeliveryState::Claimed, row.since));
    }
    // One whose outcome was unknown may be waiting again: an agent decided so, or its policy did.
    let in_lane = |row: &OutboxRow| matches!(row.state, OutboxState::Queued | OutboxState::Claimed);
    let delay_estimate = if waits(&message) && row.as_ref().is_some_and(in_lane) {
        state
            .tenants
            .delay_estimate(tenant, message.number.clone(), at)
            .await?
    } else {
        None
    };
    Ok((message, delay_estimate))
}

async fn read(state: &ApiState, tenant: TenantId, at: MessageRef) -> Result<Message, ApiError> {
    let message = state.store.message(tenant, at, state.clock.now()).await?;
    Ok(message.ok_or(NO_SUCH)?)
}

/// `DELETE /v1/messages/{message_id}`
pub(super) async fn withdraw(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let id: MessageId = call.path("message_id")?;
    call.demand_message(id).await?;
    call.state().tenants.withdraw(call.tenant(), id).await?;
    Ok(HttpResponse::Ok().json(json!({ "message_id": id, "state": DeliveryState::Cancelled })))
}

/// `POST /v1/messages/{message_id}/resolve`
pub(super) async fn resolve(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Action {
        SendAgain,
        GiveUp,
    }
    let id: MessageId = call.path("message_id")?;
    let mut fields = Fields::read(call.body())?;
    let action = fields.required::<Action>("action")?;
    fields.finish()?;
    let how = match action {
        Action::SendAgain => {
            call.quotas().demand_subscription(call.state().clock.now())?;
            Settlement::SendAgain
        }
        Action::GiveUp => Settlement::GiveUp,
    };
    call.demand_message(id).await?;
    call.state().tenants.settle(call.tenant(), id, how).await?;
    Ok(HttpResponse::Ok().json(json!({ "message_id": id })))
}
