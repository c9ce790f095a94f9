//! The tenant's numbers, without their tokens.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::auth::{Call, CanRead};
use super::error::ApiError;
use super::state::ApiState;
use crate::actors::request::LaneState;
use crate::domain::TenantId;
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

/// Numbers of a tenant, each with how its outbound queue stands, and how it stands with Meta.
pub(super) async fn with_standing<'a>(
    state: &ApiState,
    tenant: TenantId,
    numbers: impl Iterator<Item = &'a Number>,
) -> Result<Vec<Value>, ApiError> {
    let mut lanes = state.tenants.lanes(tenant).await?;
    let mut standings = state.templates.standings(tenant).await?;
    let shown = numbers.map(|number| {
        let mut shown = shown(number);
        if let Some(fields) = shown.as_object_mut() {
            let lane = lanes.remove(&number.id).unwrap_or(LaneState::RUNNING);
            fields.insert("lane".to_owned(), json!(lane));
            fields.insert("standing".to_owned(), json!(standings.remove(&number.id)));
        }
        shown
    });
    Ok(shown.collect())
}

/// `GET /v1/numbers`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let numbers = call.state().tenants.numbers(call.tenant()).await?;
    let seen = numbers.iter().filter(|number| call.limit().admits(&number.id));
    let numbers = with_standing(call.state(), call.tenant(), seen).await?;
    Ok(HttpResponse::Ok().json(json!({ "numbers": numbers })))
}
