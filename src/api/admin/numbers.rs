//! WhatsApp numbers: for operators, and for the business that they belong to.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::auth::AdminCall;
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::name::Name;
use super::super::numbers::{shown, with_standing};
use super::super::state::ApiState;
use super::tenant_of;
use crate::domain::{PhoneNumberId, SendRate, TenantId, WabaId};
use crate::store::directory::AccessToken;
use crate::store::{Number, StoreErrorKind};
use crate::whatsapp::client::{BearerToken, GraphError};
use crate::whatsapp::error::{Class, PauseReason, RefusalScope, lookup};
use crate::whatsapp::number_check::{Check, NumberFacts, SubscribedApp, Verdict, Wanted, check_number};

/// `POST /v1/admin/tenants/{tenant_id}/numbers`: adds a number or replaces its settings.
pub(in crate::api) async fn put(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), tenant_of(&call).await?.id);
    let number = read(state, tenant, call.body())?;
    add(state, number, "another tenant has this number").await
}

/// A number with its settings, by what a body says.
pub(in crate::api) fn read(state: &ApiState, tenant: TenantId, body: &[u8]) -> Result<Number, ApiError> {
    let mut fields = Fields::read(body)?;
    let id = fields.required::<PhoneNumberId>("phone_number_id")?;
    let waba = fields.required::<WabaId>("waba_id")?;
    let display = fields.required::<Name<64>>("display_phone_number")?.into_text();
    let token = fields.required::<String>("access_token")?;
    let app = fields.optional::<String>("app")?;
    let rate = fields.optional::<SendRate>("rate")?.unwrap_or(SendRate::STANDARD);
    fields.finish()?;
    // It becomes a part of the Graph API's paths.
    if !waba.as_str().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::invalid(
            "`waba_id` must be Meta's id, which has digits alone",
        ));
    }
    BearerToken::parse(&token).map_err(|error| ApiError::invalid(format!("`access_token`: {error}")))?;
    let apps = state.config.whatsapp.app_names();
    match app.as_deref() {
        Some(app) if state.config.whatsapp.app(app).is_none() => {
            return Err(ApiError::invalid(format!(
                "`app`: {app:?} is not a name in `whatsapp.apps`"
            )));
        }
        None if apps.len() > 1 => {
            return Err(ApiError::invalid(format!(
                "`app` is missing: with several apps a number must name the one that signs its webhooks: {}",
                apps.join(", ")
            )));
        }
        Some(_) | None => {}
    }
    Ok(Number {
        id,
        tenant,
        waba,
        app,
        display,
        rate,
        access_token: AccessToken::new(token),
    })
}

/// Adds a number, or replaces its settings, unless another tenant has it.
pub(in crate::api) async fn add(
    state: &ApiState,
    number: Number,
    taken: &'static str,
) -> Result<HttpResponse, ApiError> {
    state
        .store
        .put_number(number.clone())
        .await
        .map_err(|error| match error.kind {
            StoreErrorKind::Invalid => ApiError::invalid(taken),
            _ => error.into(),
        })?;
    state.tenants.number_changed(number.clone()).await?;
    state.templates.look_up_now(number.tenant, &number.waba);
    tracing::info!(tenant.id = %number.tenant, number.id = %number.id, "a number was added or changed");
    Ok(HttpResponse::Created().json(shown(&number)))
}

/// `GET /v1/admin/tenants/{tenant_id}/numbers`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?;
    let numbers = call.state().store.numbers().await?;
    let own = numbers.iter().filter(|number| number.tenant == tenant.id);
    let own = with_standing(call.state(), tenant.id, own).await?;
    Ok(HttpResponse::Ok().json(json!({ "numbers": own })))
}

/// `GET /v1/admin/tenants/{tenant_id}/numbers/{phone_number_id}/check`: what Meta says about it.
pub(in crate::api) async fn check(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?.id;
    let id: PhoneNumberId = call.path("phone_number_id")?;
    let checked = check_of(call.state(), tenant, &id).await?;
    checked.ok_or_else(|| {
        ApiError::absent(format!(
            "the tenant has no number {id}: `mesej number list {tenant}` shows its numbers, by Meta's ids"
        ))
    })
}

/// What Meta says about a tenant's number; `None` where the tenant has no such number.
pub(in crate::api) async fn check_of(
    state: &ApiState,
    tenant: TenantId,
    id: &PhoneNumberId,
) -> Result<Option<HttpResponse>, ApiError> {
    let number = state.store.number(id.clone()).await?;
    let Some(number) = number.filter(|number| number.tenant == tenant) else {
        return Ok(None);
    };
    let (facts, apps) = ask_meta(state, &number).await?;
    state.templates.keep_standing(tenant, &number.id, &facts).await?;
    let callback = state.config.server.webhook_url();
    let wanted = Wanted {
        number: &number.id,
        per_second: number.rate.per_second(),
        callback: callback.as_deref(),
        app: number.app.as_deref(),
        apps: &state.config.whatsapp.app_names(),
    };
    let mut checks = check_number(&facts, &apps, wanted);
    checks.push(state.webhooks.refusals.check(state.clock.monotonic()));
    let checks: Vec<Value> = checks.iter().map(line).collect();
    Ok(Some(HttpResponse::Ok().json(json!({ "checks": checks }))))
}

/// What Meta tells of a number and its account to who has its access token.
pub(in crate::api) async fn ask_meta(
    state: &ApiState,
    number: &Number,
) -> Result<(NumberFacts, Vec<SubscribedApp>), ApiError> {
    let token = BearerToken::parse(number.access_token.reveal()).map_err(ApiError::internal)?;
    let facts = state
        .graph
        .describe_number(&number.id, &token)
        .await
        .map_err(meta_says_no)?;
    let apps = state
        .graph
        .subscribed_apps(&number.waba, &token)
        .await
        .map_err(meta_says_no)?;
    Ok((facts, apps))
}

/// What a refusal by Meta, or no answer, means to whoever asked about a number or a template.
pub(in crate::api) fn meta_says_no(failed: GraphError) -> ApiError {
    let GraphError::Refused { http_status, error } = failed else {
        return ApiError::because(ErrorCode::MetaFailed, failed.to_string());
    };
    let details = error
        .details
        .as_deref()
        .filter(|details| **details != *error.title);
    let details = details.map_or(String::new(), |details| format!(" ({details})"));
    let said = format!("\"{}\"{details}, code {}", error.title, error.code);
    match lookup(error.code).map(|row| row.class) {
        Some(Class::Refused(RefusalScope::Lane(PauseReason::AccessToken))) => ApiError::because(
            ErrorCode::TokenRefused,
            format!(
                "Meta does not accept the access token: {said}. Make a new one at Meta, and add the number again with it"
            ),
        ),
        Some(Class::Refused(_)) | None if http_status < 500 => {
            ApiError::because(ErrorCode::MetaRefused, format!("Meta refused: {said}"))
                .with("meta", json!(error))
        }
        Some(_) | None => ApiError::because(
            ErrorCode::MetaFailed,
            format!("Meta did not tell: {said}. Ask again later"),
        ),
    }
}

fn line(check: &Check) -> Value {
    json!({
        "name": check.name,
        "ok": check.verdict != Verdict::Bad,
        "verdict": check.verdict.to_string(),
        "detail": check.found,
    })
}
