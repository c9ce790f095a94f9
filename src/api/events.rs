//! The ledger, for programs that poll.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use serde_json::json;

use super::auth::{Call, CanRead};
use super::error::{ApiError, ErrorCode};
use super::ws::ConversationNumbers;
use crate::domain::{Epoch, Event, NumberLimit, Seq};

const USUAL: usize = 100;
const MOST: usize = 500;

/// `GET /v1/events`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(USUAL, MOST)?;
    let after = params.take::<u64>("after", "a seq")?.map(Seq::new);
    let epoch = params.take::<Epoch>("epoch", "an epoch")?;
    params.finish()?;
    let (state, tenant) = (call.state(), call.tenant());
    let head = state.tenants.head(tenant).await?;
    let after = after.unwrap_or(head.head);
    let page = state
        .store
        .events_after(tenant, after, limit, state.clock.now())
        .await?;
    let why = if epoch.is_some_and(|epoch| epoch != head.epoch) {
        Some(format!(
            "the ledger is another one since: its epoch is {}",
            head.epoch
        ))
    } else if after > page.head {
        let (after, end) = (after.get(), page.head.get());
        Some(format!("`after` is {after}, and the ledger ends at {end}"))
    } else if after.next() < page.oldest {
        let (after, oldest) = (after.get(), page.oldest.get());
        Some(format!(
            "of the events after {after} those from {oldest} on are kept"
        ))
    } else {
        None
    };
    if let Some(why) = why {
        return Err(afresh(&why));
    }
    let next_after = page.events.last().map_or(after, |last| last.seq);
    let tail = json!({
        "next_after": next_after,
        "epoch": head.epoch,
        "as_of_seq": page.head,
    });
    let events = seen(&call, page.events).await?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(join(&events, &tail.to_string())))
}

/// Those that the caller may see. Of a limited one's some are left out, also where they are the last: `next_after` goes past them.
async fn seen(call: &Call<CanRead>, events: Vec<Event>) -> Result<Vec<Event>, ApiError> {
    if *call.limit() == NumberLimit::All {
        return Ok(events);
    }
    let numbers = ConversationNumbers::new(Arc::clone(&call.state().store));
    let visible = numbers.visible(call.tenant(), call.limit());
    let mut seen = Vec::with_capacity(events.len());
    for event in events {
        if visible.event(&event.json).await? {
            seen.push(event);
        }
    }
    Ok(seen)
}

/// Says what to do when a position cannot be gone on from.
fn afresh(why: &str) -> ApiError {
    let message = format!(
        "{why}. Load /v1/conversations afresh, then go on with `after` its `as_of_seq` and `epoch` its `epoch`"
    );
    ApiError::because(ErrorCode::Resync, message)
}

/// Events are encoded once, when they are committed: here they are only put side by side.
fn join(events: &[Event], tail: &str) -> Vec<u8> {
    let size: usize = events.iter().map(|event| event.json.len() + 1).sum();
    let mut body = Vec::with_capacity(size + tail.len() + 16);
    body.extend_from_slice(b"{\"events\":[");
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&event.json);
    }
    body.extend_from_slice(b"],");
    body.extend_from_slice(tail.trim_start_matches('{').as_bytes());
    body
}
