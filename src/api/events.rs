//! The ledger, for programs that poll.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use serde_json::json;

use super::auth::{Call, CanRead};
use super::error::{ApiError, ErrorCode};
use crate::domain::{Epoch, Event, Seq};

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
    let other_ledger = epoch.is_some_and(|epoch| epoch != head.epoch);
    if other_ledger || after > page.head || after.next() < page.oldest {
        return Err(ErrorCode::Resync.into());
    }
    let next_after = page.events.last().map_or(after, |last| last.seq);
    let tail = json!({
        "next_after": next_after,
        "epoch": head.epoch,
        "as_of_seq": page.head,
    });
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(join(&page.events, &tail.to_string())))
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
