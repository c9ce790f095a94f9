//! Erasing a customer.

use std::time::Duration;

use actix_web::HttpResponse;
use serde_json::json;

use super::super::auth::{Call, CanManage};
use super::super::error::{ApiError, ErrorCode};
use super::{NO_SUCH, card, everyone};
use crate::domain::{ContactId, NumberLimit};

/// How long a call waits for the erasure that it asked for. It goes on afterwards.
const PATIENCE: Duration = Duration::from_secs(8);

/// `DELETE /v1/contacts/{contact_id}`
pub(in crate::api) async fn erase(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let asked: ContactId = call.path("contact_id")?;
    if *call.limit() != NumberLimit::All {
        let why = "an erasure takes all that the customer wrote to any number: whoever is limited to some cannot ask for it";
        return Err(ApiError::because(ErrorCode::Forbidden, why));
    }
    let (state, tenant) = (call.state(), call.tenant());
    let turn = state.slow_calls.take(tenant)?;
    let contact = match card(&call, asked).await? {
        Some(contact) => {
            let customer = everyone(&call, &contact).await?;
            state.erasures.begin(tenant, contact.id, &customer).await?;
            contact.id
        }
        // Its rows are gone already, and something is left.
        None if state.erasures.is_open(tenant, asked).await? => asked,
        None => return Err(NO_SUCH.into()),
    };
    // Whoever waits for a job does nothing that is slow.
    drop(turn);
    let is_done = state.erasures.ends_within(tenant, contact, PATIENCE).await?;
    let mut answer = if is_done {
        HttpResponse::Ok()
    } else {
        HttpResponse::Accepted()
    };
    Ok(answer.json(json!({ "contact_id": contact, "done": is_done })))
}
