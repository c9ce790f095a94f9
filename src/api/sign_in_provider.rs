//! The identity provider by which a tenant's people sign in: showing it, setting it, removing it. For the business itself and for
//! operators. The client's secret goes in and never comes out.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::tenant_of;
use super::auth::{AdminCall, SessionCall};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::name::Name;
use super::proof::Shown;
use super::single_sign_on::callback;
use super::state::ApiState;
use super::team::base;
use crate::accounts::single_sign_on::SignOnError;
use crate::accounts::{Actor, SignedIn};
use crate::domain::roles::{Right, Role};
use crate::domain::{Issuer, TenantId};
use crate::store::tables::{AuditDetails, NewPeople, SignInProvider};

/// Scopes beside the usual ones.
const MOST_SCOPES: usize = 10;
/// Groups that have a role.
const MOST_ROLES: usize = 50;

/// A scope as OAuth writes it (RFC 6749, §3.3).
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct ScopeName(String);

impl TryFrom<String> for ScopeName {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if plain && (1..=100).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err("must be 1 to 100 characters without spaces, quotes and backslashes")
        }
    }
}

/// A secret as OAuth writes it (RFC 6749, §A.2).
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Secret(String);

impl TryFrom<String> for Secret {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if plain && (1..=500).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err("must be 1 to 500 characters of ASCII")
        }
    }
}

fn shown(state: &ApiState, tenant: TenantId, provider: &SignInProvider) -> Value {
    json!({
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "has_client_secret": provider.client_secret.is_some(),
        "scopes": provider.scopes,
        "roles_claim": provider.roles_claim,
        "roles": provider.roles,
        "other_role": provider.other_role,
        "new_people": provider.new_people,
        "changed": provider.changed,
        "sign_in_url": format!("{}/v1/sign-in/{tenant}", base(&state.config.server)),
        "callback_url": callback(state, tenant),
    })
}

/// What is wanted, and the password of whoever wants it.
fn read(state: &ApiState, body: &[u8]) -> Result<(SignInProvider, Shown), ApiError> {
    let mut fields = Fields::read(body)?;
    let shown = Shown::read(&mut fields)?;
    let issuer = fields.required::<Issuer>("issuer")?;
    let client_id = fields.required::<Name<255>>("client_id")?.into_text();
    let client_secret = fields.optional::<Secret>("client_secret")?;
    let scopes = fields.optional::<Vec<ScopeName>>("scopes")?.unwrap_or_default();
    let roles_claim = fields.optional::<Name<100>>("roles_claim")?;
    let roles = fields
        .optional::<BTreeMap<String, Role>>("roles")?
        .unwrap_or_default();
    let other_role = fields.optional::<Role>("other_role")?;
    let new_people = fields.optional::<NewPeople>("new_people")?;
    fields.finish()?;
    if scopes.len() > MOST_SCOPES || roles.len() > MOST_ROLES {
        let most = format!("there may be at most {MOST_SCOPES} `scopes` and {MOST_ROLES} `roles`");
        return Err(ApiError::invalid(most));
    }
    if !roles.is_empty() && roles_claim.is_none() {
        return Err(ApiError::invalid(
            "`roles_claim` is missing: the claim that holds what `roles` names",
        ));
    }
    if roles.is_empty() && other_role.is_none() {
        return Err(ApiError::invalid(
            "nobody would get in: give `roles`, `other_role`, or both",
        ));
    }
    if other_role.is_some() && new_people == Some(NewPeople::Provisioned) {
        return Err(ApiError::invalid(
            "`other_role` and `new_people` \"provisioned\" exclude each other: whoever has any account there would be in the team; name the claim that tells your people apart",
        ));
    }
    let wanted = SignInProvider {
        issuer,
        client_id,
        client_secret: client_secret.map(|Secret(text)| text),
        scopes: scopes.into_iter().map(|ScopeName(text)| text).collect(),
        roles_claim: roles_claim.map(Name::into_text),
        roles,
        other_role,
        new_people: new_people.unwrap_or(NewPeople::Refused),
        changed: state.clock.now(),
        since: state.clock.now(),
    };
    Ok((wanted, shown))
}

async fn show_provider(state: &ApiState, tenant: TenantId) -> Result<HttpResponse, ApiError> {
    let provider = state.accounts.provider(tenant).await?.ok_or_else(none)?;
    Ok(HttpResponse::Ok().json(shown(state, tenant, &provider)))
}

/// The role with most rights that a provider gives, for the audit log.
fn most_given(provider: &SignInProvider) -> AuditDetails {
    let given = provider.roles.values().chain(&provider.other_role);
    AuditDetails {
        role: given.min().copied(),
        ..AuditDetails::default()
    }
}

fn none() -> ApiError {
    ApiError::absent("there is no identity provider here")
}

async fn set_provider(
    state: &ApiState,
    tenant: TenantId,
    by: Actor,
    wanted: SignInProvider,
) -> Result<HttpResponse, ApiError> {
    let set = state.single_sign_on.set_provider(tenant, by, wanted).await;
    let provider = set.map_err(|error| match error {
        SignOnError::Account(error) => error.into(),
        SignOnError::Busy => ApiError::new(ErrorCode::Busy),
        _ => ApiError::invalid(
            "`issuer`: no identity provider says at `/.well-known/openid-configuration` below this address, by https, that it is this one",
        ),
    })?;
    tracing::info!(tenant.id = %tenant, issuer = %provider.issuer, "people sign in by this identity provider");
    Ok(HttpResponse::Ok().json(shown(state, tenant, &provider)))
}

async fn remove_provider(state: &ApiState, tenant: TenantId, by: Actor) -> Result<HttpResponse, ApiError> {
    if !state.accounts.remove_provider(tenant, by).await? {
        return Err(none());
    }
    tracing::info!(tenant.id = %tenant, "nobody signs in by an identity provider any more");
    Ok(HttpResponse::Ok().json(json!({})))
}

/// Who is signed in by password, and showed it: a provider lets people in for good, and none sets another one.
async fn confirmed(call: &SessionCall, shown: Shown) -> Result<&SignedIn, ApiError> {
    let who = call.own_account()?;
    shown.demand(call).await?;
    Ok(who)
}

/// `GET /v1/business/sign-in-provider`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    call.params()?.finish()?;
    show_provider(call.state(), tenant).await
}

/// `PUT /v1/business/sign-in-provider`: all of it; without a secret the one before stays, for the same client.
pub(super) async fn set(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    let state = call.state();
    let (wanted, shown) = read(state, call.body())?;
    let who = confirmed(&call, shown).await?;
    call.note().details(most_given(&wanted));
    set_provider(state, tenant, Actor::Member(who.user), wanted).await
}

/// `DELETE /v1/business/sign-in-provider`: sessions that it opened are over.
pub(super) async fn remove(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    let mut fields = Fields::read(call.body())?;
    let shown = Shown::read(&mut fields)?;
    fields.finish()?;
    let who = confirmed(&call, shown).await?;
    remove_provider(call.state(), tenant, Actor::Member(who.user)).await
}

/// `GET /v1/admin/tenants/{tenant_id}/sign-in-provider`
pub(super) async fn show_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?;
    show_provider(call.state(), tenant.id).await
}

/// `PUT /v1/admin/tenants/{tenant_id}/sign-in-provider`
pub(super) async fn set_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?;
    let (wanted, _) = read(call.state(), call.body())?;
    call.note().details(most_given(&wanted));
    set_provider(call.state(), tenant.id, Actor::Operator, wanted).await
}

/// `DELETE /v1/admin/tenants/{tenant_id}/sign-in-provider`
pub(super) async fn remove_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?;
    remove_provider(call.state(), tenant.id, Actor::Operator).await
}
