//! Numbers that block a contact at Meta.

use actix_web::HttpResponse;

use super::super::auth::{Call, CanSend};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::{answer, commit, found_card};
use crate::actors::request::Refusal;
use crate::domain::{ContactChange, PhoneNumberId};
use crate::store::op::Whom;
use crate::whatsapp::GraphError;
use crate::whatsapp::client::{BearerToken, BlockCall, BlockChange};

/// `PUT /v1/contacts/{contact_id}/block`
pub(in crate::api) async fn put(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    change(call, BlockChange::Block).await
}

/// `DELETE /v1/contacts/{contact_id}/block`
pub(in crate::api) async fn delete(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    change(call, BlockChange::Unblock).await
}

async fn change(call: Call<CanSend>, change: BlockChange) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let id = fields.required::<PhoneNumberId>("phone_number_id")?;
    fields.finish()?;
    let contact = found_card(&call).await?;
    let (state, tenant) = (call.state(), call.tenant());
    let numbers = state.tenants.numbers(tenant).await?;
    let number = numbers.into_iter().find(|number| number.id == id);
    let number = number.filter(|number| call.limit().admits(&number.id));
    let number = number.ok_or(Refusal::UnknownNumber)?;
    let aliases = contact.aliases();
    let who = aliases.phone.or(aliases.bsuid).ok_or_else(|| {
        let why = "Meta blocks by a phone or a business-scoped user id, and the contact has neither";
        ApiError::because(ErrorCode::MetaRefused, why)
    })?;
    let asked = BlockCall {
        number: number.id,
        token: BearerToken::parse(number.access_token.reveal()).map_err(ApiError::internal)?,
        change,
        who,
    };
    {
        let _turn = state.slow_calls.take(tenant)?;
        state.graph.block(asked).await.map_err(meta_says_no)?;
    }
    // Only once Meta did it. Should this fail, the call can be repeated.
    let change = match change {
        BlockChange::Block => ContactChange::Block(id),
        BlockChange::Unblock => ContactChange::Unblock(id),
    };
    let id = commit(&call, Whom::Known(contact.id), vec![change]).await?;
    answer(&call, id, HttpResponse::Ok()).await
}

fn meta_says_no(failed: GraphError) -> ApiError {
    let GraphError::Refused { http_status, error } = &failed else {
        return ApiError::because(ErrorCode::MetaFailed, failed.to_string());
    };
    let why = match error.code {
        // Source: Cloud API, Block users (May 21 2026).
        131_047 => {
            "Meta blocks only customers who wrote to the number within 24 hours (code 131047)".to_owned()
        }
        code => format!("Meta did not do it: \"{}\", code {code}", error.title),
    };
    if *http_status < 500 {
        ApiError::because(ErrorCode::MetaRefused, why)
    } else {
        ApiError::because(ErrorCode::MetaFailed, why)
    }
}
