//! Where somebody signed in as the user who asks, and which tries were refused.

use std::str::FromStr;

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::auth::SessionCall;
use super::error::ApiError;

/// Rows of a page.
const PAGE: usize = 50;
/// Bytes of a row's place.
const PLACE: usize = 9;

/// A place in the list. It opens nothing: whatever it says, rows are the user's own.
struct Place(Bytes);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let place = URL_SAFE_NO_PAD.decode(text).map_err(|_malformed| ())?;
        (place.len() == PLACE).then(|| Self(place.into())).ok_or(())
    }
}

/// `GET /v1/sign-ins`
pub(super) async fn list(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let after = params.take::<Place>("after", "a `next` of this list")?;
    params.finish()?;
    let after = after.map(|Place(place)| place);
    let page = call.state().accounts.sign_ins(call.own_data()?.user, after, PAGE);
    let page = page.await?;
    let next = page.items.last().filter(|_| page.more);
    let next = next.map(|last| URL_SAFE_NO_PAD.encode(&last.sort));
    let sign_ins: Vec<Value> = page
        .items
        .iter()
        .map(|found| {
            let event = &found.row;
            json!({
                "at": event.at,
                "outcome": event.outcome,
                "address": event.address,
                "browser": event.browser,
                "is_new_device": event.is_new_device,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "sign_ins": sign_ins, "next": next })))
}
