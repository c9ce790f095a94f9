//! The second factor of somebody who is signed in: turned on, removed, its recovery codes.

use actix_web::HttpResponse;
use serde_json::json;

use super::auth::key::KeyKind;
use super::auth::{SessionCall, new_token};
use super::error::ApiError;
use super::json::Fields;
use super::qr;
use super::sessions::{opened_with, password};
use crate::accounts::Proof;
use crate::accounts::codes::{self, RecoveryCodes};

/// `POST /v1/session/second-factor`: a secret for the person's app. Nothing changes before a code of it comes.
pub(super) async fn offer(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let password = password(&mut fields, "password")?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let secret = codes::new_secret(&state.random)?;
    let uri = codes::uri(&secret, &who.email);
    let qr = qr::drawn(&uri).map_err(ApiError::internal)?;
    state
        .accounts
        .offer_second_factor(who, password, &secret, &call.origin())
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "secret": secret, "uri": uri, "qr": qr })))
}

/// `PUT /v1/session/second-factor`: turns it on. All sessions end, and a new one opens.
pub(super) async fn turn_on(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let code = fields.required("code")?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let recovery = RecoveryCodes::generate(&state.random)?;
    let (new, token) = new_token(state, KeyKind::Session)?;
    let changed = state
        .accounts
        .turn_on_second_factor(who, &code, &recovery, token, &call.origin())
        .await?;
    state.keys.forget_user(who.user);
    tracing::info!(user.id = %who.user, "a second factor was turned on");
    let codes = json!({ "recovery_codes": recovery.texts });
    opened_with(state, &changed, &new, codes).await
}

/// The password and a code of the factor that is there.
fn proof(call: &SessionCall) -> Result<Proof, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let proof = Proof {
        password: password(&mut fields, "password")?,
        code: Some(fields.required("code")?),
        origin: call.origin(),
    };
    fields.finish()?;
    Ok(proof)
}

/// `DELETE /v1/session/second-factor`
pub(super) async fn remove(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (accounts, who) = (&call.state().accounts, call.own_account()?);
    accounts.remove_second_factor(who, proof(&call)?).await?;
    tracing::info!(user.id = %who.user, "a second factor was removed");
    Ok(HttpResponse::Ok().json(json!({})))
}

/// `POST /v1/session/recovery-codes`: new ones; the earlier ones are void.
pub(super) async fn renew_recovery_codes(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, who) = (call.state(), call.own_account()?);
    let recovery = RecoveryCodes::generate(&state.random)?;
    let renewed = state.accounts.renew_recovery_codes(who, proof(&call)?, &recovery);
    renewed.await?;
    Ok(HttpResponse::Ok().json(json!({ "recovery_codes": recovery.texts })))
}
