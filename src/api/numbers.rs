//! The tenant's numbers, without their tokens.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::auth::{Call, CanRead};
use super::error::ApiError;
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

/// `GET /v1/numbers`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let numbers = call.state().tenants.numbers(call.tenant()).await?;
    let numbers: Vec<Value> = numbers.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "numbers": numbers })))
}
