//! The tenant's numbers, without their tokens.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::auth::{Call, CanRead};
use super::error::ApiError;
use crate::actors::request::LaneState;
use crate::domain::PhoneNumberId;
use crate::store::Number;

/// A number as the API shows it.
pub(super) fn shown(number: &Number) -> Value {
    json!({
        "phone_number_id": number.id,
        "display_phone_number": number.display,
        "waba_id": number.waba,
        "app": number.app,
        "rate": number.rate,
    })
}

/// A number with how its outbound queue stands.
pub(super) fn with_lane(number: &Number, lanes: &mut BTreeMap<PhoneNumberId, LaneState>) -> Value {
    let mut shown = shown(number);
    if let Some(fields) = shown.as_object_mut() {
        let lane = lanes.remove(&number.id).unwrap_or(LaneState::RUNNING);
        fields.insert("lane".to_owned(), json!(lane));
    }
    shown
}

/// `GET /v1/numbers`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let numbers = call.state().tenants.numbers(call.tenant()).await?;
    let mut lanes = call.state().tenants.lanes(call.tenant()).await?;
    let numbers: Vec<Value> = numbers
        .iter()
        .filter(|number| call.limit().admits(&number.id))
        .map(|number| with_lane(number, &mut lanes))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "numbers": numbers })))
}
