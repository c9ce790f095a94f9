//! Messages whose `send_at` lies ahead.

use std::str::FromStr;

use actix_web::HttpResponse;
use serde_json::json;

use crate::api::auth::{Call, CanRead};
use crate::api::error::ApiError;
use crate::domain::{MessageId, PhoneNumberId, TenantId, Timestamp};
use crate::store::{OutboxRow, OutboxState, Store};

/// Messages of a page, where the caller does not say; and at most.
const USUAL: usize = 50;
const MOST: usize = 100;
/// What waits is looked at in steps of so many, and in so many steps for one page.
const STEP: usize = 500;
const STEPS: usize = 10;

/// A place in what waits: behind this message of this number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    number: PhoneNumberId,
    message: Option<MessageId>,
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, message) = text.split_once('-').ok_or(())?;
        let message = match message {
            "" => None,
            message => Some(message.parse().map_err(|_malformed| ())?),
        };
        let number = number.parse().map_err(|_malformed| ())?;
        Ok(Self { number, message })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-", self.number)?;
        self.message.map_or(Ok(()), |message| write!(f, "{message}"))
    }
}

/// `GET /v1/messages/scheduled`
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let mut params = call.params()?;
    let number = params.take::<PhoneNumberId>("number", "a `phone_number_id`")?;
    let place = params.take::<Place>("cursor", "a `next_cursor` of this list")?;
    let limit = params.limit(USUAL, MOST)?;
    params.finish()?;
    let numbers = state.tenants.numbers(tenant).await?;
    let is_meant = |id: &PhoneNumberId| {
        let is_next = place.as_ref().is_none_or(|place| *id >= place.number);
        is_next && call.limit().admits(id) && number.as_ref().is_none_or(|number| number == id)
    };
    let numbers: Vec<PhoneNumberId> = numbers
        .into_iter()
        .map(|number| number.id)
        .filter(is_meant)
        .collect();
    let now = state.clock.now();
    let (rows, next) = page(state.store.as_ref(), tenant, numbers, place, limit, now).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        // One that is gone was erased, or went out long ago.
        messages.extend(state.store.message(tenant, row.at, now).await?);
    }
    let next_cursor = next.map(|next| next.to_string());
    Ok(HttpResponse::Ok().json(json!({ "messages": messages, "next_cursor": next_cursor })))
}

/// What is scheduled on these numbers, which are in order, from a place on; and where to go on.
async fn page(
    store: &dyn Store,
    tenant: TenantId,
    numbers: Vec<PhoneNumberId>,
    from: Option<Place>,
    limit: usize,
    now: Timestamp,
) -> Result<(Vec<OutboxRow>, Option<Place>), ApiError> {
    let (mut found, mut steps) = (Vec::new(), 0);
    for number in numbers {
        let from = from.as_ref().filter(|from| from.number == number);
        let mut message = from.and_then(|from| from.message);
        loop {
            if steps == STEPS {
                return Ok((found, Some(Place { number, message })));
            }
            steps += 1;
            let waiting = store.outbox(tenant, number.clone(), message, STEP).await?;
            let is_last = waiting.len() < STEP;
            for row in waiting {
                if found.len() == limit {
                    return Ok((found, Some(Place { number, message })));
                }
                message = Some(row.at.message);
                // One that was tried waits for its next call.
                if row.state == OutboxState::Queued && row.attempt == 0 && row.due > now {
                    found.push(row);
                }
            }
            if is_last {
                break;
            }
        }
    }
    Ok((found, None))
}
