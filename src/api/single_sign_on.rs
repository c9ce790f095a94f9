//! Signing in by a tenant's identity provider: to it, and back.
//!
//! Both are addresses that a browser goes to, so that the answers are redirects: to the provider, to the console, or to the console with
//! the code of what went wrong. Where a browser is sent stands in the tenant's settings alone, never in what it brings.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::audit::{event, signed_in};
use super::auth::key::{KeyKind, NewKey, PresentedKey, secret};
use super::auth::session::{origin, set_sign_in_cookie, sign_in_browser};
use super::auth::{SessionCall, new_token, set_cookie};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::proof::Shown;
use super::sessions::end_earlier;
use super::state::ApiState;
use super::team::{base, new_user_id};
use crate::accounts::audit::AuditEvent;
use crate::accounts::single_sign_on::{AWAY, Leaving, ProviderChange, Returned, Returning, SignOnError};
use crate::accounts::{AccountError, SignInOrigin};
use crate::domain::roles::Right;
use crate::domain::{AuditAction, TenantId, UserId};
use crate::store::tables::{AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind};
use crate::telemetry::labels::ProviderSignIn;
use crate::telemetry::metrics;

/// Where a provider sends browsers back to. Each tenant has its own, so that what one tenant's provider sends is never given to
/// another's.
pub(super) fn callback(state: &ApiState, tenant: TenantId) -> String {
    format!("{}/v1/sign-in/{tenant}/callback", base(&state.config.server))
}

/// What the page is told, and what is counted. Codes never change their meaning.
fn told(error: &SignOnError) -> (&'static str, ProviderSignIn) {
    use ProviderSignIn as Counted;
    match error {
        SignOnError::NoProvider => ("no_sign_in_provider", Counted::NotAllowed),
        SignOnError::Unavailable => ("provider_unavailable", Counted::Unavailable),
        SignOnError::Refused => ("refused_by_provider", Counted::NotAllowed),
        SignOnError::Expired => ("sign_in_expired", Counted::Expired),
        SignOnError::Token(_) => ("provider_token_refused", Counted::TokenRefused),
        SignOnError::NoRole(_) => ("no_role", Counted::NotAllowed),
        SignOnError::NotConnected => ("not_connected", Counted::NotAllowed),
        SignOnError::ConnectedToAnother => ("connected_to_another", Counted::NotAllowed),
        SignOnError::NoEmail => ("no_email", Counted::NotAllowed),
        SignOnError::Throttled(_) => (ErrorCode::RateLimited.as_str(), Counted::Busy),
        SignOnError::Busy => (ErrorCode::Busy.as_str(), Counted::Busy),
        SignOnError::Account(AccountError::TooMany(_) | AccountError::TeamFull(_)) => {
            (ErrorCode::LimitReached.as_str(), Counted::NotAllowed)
        }
        SignOnError::Account(_) => (ErrorCode::Unavailable.as_str(), Counted::Busy),
    }
}

/// To the console, which says what went wrong.
fn failed(tenant: Option<TenantId>, error: &SignOnError) -> HttpResponse {
    let (code, counted) = told(error);
    metrics::provider_sign_ins_total(counted).increment(1);
    let flaw = match error {
        SignOnError::Token(flaw) => flaw.as_str(),
        _ => "",
    };
    let tenant = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    if let SignOnError::Account(error) = error {
        tracing::warn!(tenant.id = tenant, %error, "a sign-in by an identity provider failed");
    } else if !matches!(error, SignOnError::Throttled(_) | SignOnError::Busy) {
        tracing::info!(
            tenant.id = tenant,
            code,
            flaw,
            "a sign-in by an identity provider was refused"
        );
    }
    HttpResponse::Found()
        .insert_header((LOCATION, format!("/#/sign-in?error={code}")))
        .finish()
}

/// A browser's way to the provider: its address, and the cookie that it is known by when it comes back.
async fn way(
    state: &ApiState,
    tenant: TenantId,
    connects: Option<UserId>,
    origin: SignInOrigin,
) -> Result<(String, String), SignOnError> {
    let broken = |error: ApiError| SignOnError::Account(AccountError::Broken(error.to_string()));
    let new = |kind| NewKey::generate(kind, &state.random).map_err(|error| broken(ApiError::internal(error)));
    let secret = || secret(&state.random).map_err(|error| broken(ApiError::internal(error)));
    let browser = new(KeyKind::SignInBrowser)?;
    let leaving = Leaving {
        tenant,
        state: new(KeyKind::SignInState)?.text,
        browser: browser.hash,
        nonce: secret()?,
        verifier: secret()?,
        connects,
        origin,
        callback: callback(state, tenant),
    };
    let url = state.single_sign_on.leave(leaving).await?;
    metrics::provider_sign_ins_total(ProviderSignIn::Sent).increment(1);
    Ok((url, set_sign_in_cookie(browser.text.expose_secret(), AWAY)))
}

/// `GET /v1/sign-in/{tenant_id}`: to the tenant's provider.
pub(super) async fn leave(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = ApiState::of(&request)?;
    let Some(tenant) = tenant_in_path(&request) else {
        return Ok(failed(None, &SignOnError::NoProvider));
    };
    if !is_from_own_page(&request) {
        return Ok(HttpResponse::Found()
            .insert_header((LOCATION, format!("/#/sign-in/company/{tenant}")))
            .finish());
    }
    let Ok(_place) = Arc::clone(&state.open_calls).try_acquire_owned() else {
        return Ok(failed(None, &SignOnError::Busy));
    };
    match way(&state, tenant, None, origin(&state, &request)).await {
        Ok((url, cookie)) => Ok(HttpResponse::Found()
            .insert_header((LOCATION, url))
            .insert_header((SET_COOKIE, cookie))
            .finish()),
        Err(error) => Ok(failed(Some(tenant), &error)),
    }
}

/// Whether somebody chose this on a page of the gateway's own. Any other page could send a browser here, and a provider of its own could
/// sign that browser in as somebody else unasked.
fn is_from_own_page(request: &HttpRequest) -> bool {
    let site = request.headers().get("sec-fetch-site");
    site.is_some_and(|site| site == "same-origin")
}

fn tenant_in_path(request: &HttpRequest) -> Option<TenantId> {
    request.match_info().get("tenant_id")?.parse().ok()
}

/// What a provider sends along. It may send more, and nothing of that counts.
#[derive(Default)]
struct Brought {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
}

impl Brought {
    /// A parameter that is there twice counts as none, but for the issuer, which is then nobody's.
    fn read(query: &str) -> Self {
        let pairs = Query::<Vec<(String, String)>>::from_query(query);
        let pairs = pairs.map(Query::into_inner).unwrap_or_default();
        let take = |wanted: &str| {
            let mut values = pairs.iter().filter(|(name, _)| name == wanted);
            let (_, value) = values.next().filter(|_| values.next().is_none())?;
            Some(value.clone())
        };
        Self {
            state: take("state"),
            code: take("code"),
            issuer: pairs
                .iter()
                .any(|(name, _)| name == "iss")
                .then(|| take("iss").unwrap_or_default()),
        }
    }
}

async fn returned(state: &ApiState, request: &HttpRequest) -> Result<HttpResponse, SignOnError> {
    let broken = |error: ApiError| SignOnError::Account(AccountError::Broken(error.to_string()));
    let tenant = tenant_in_path(request).ok_or(SignOnError::Expired)?;
    let brought = Brought::read(request.query_string());
    let presented = brought.state.as_deref();
    let presented = presented.and_then(|text| PresentedKey::parse(KeyKind::SignInState, text));
    let presented = presented.ok_or(SignOnError::Expired)?;
    let browser = sign_in_browser(request.headers()).ok_or(SignOnError::Expired)?;
    let (new, session) = new_token(state, KeyKind::Session).map_err(broken)?;
    let origin = origin(state, request);
    let address = origin.address;
    let returning = Returning {
        tenant,
        state: presented.hash(),
        browser,
        code: brought.code,
        issuer: brought.issuer,
        session,
        fresh: new_user_id(state).map_err(broken)?,
        origin,
        callback: callback(state, tenant),
    };
    let mut answer = HttpResponse::Found();
    answer.insert_header((LOCATION, "/"));
    let record = async |user: UserId, change: ProviderChange| {
        let (action, role, role_before) = match change {
            ProviderChange::Provisioned(role) => (AuditAction::MemberProvisioned, Some(role), None),
            ProviderChange::Role { before, after } => (AuditAction::RoleChanged, Some(after), Some(before)),
            ProviderChange::Connected => (AuditAction::ProviderAccountConnected, None, None),
        };
        let actor = match change {
            ProviderChange::Connected => AuditActor::User(user),
            ProviderChange::Provisioned(_) | ProviderChange::Role { .. } => AuditActor::Nobody,
        };
        let changes = AuditEvent {
            target: AuditTarget::of(AuditTargetKind::User, &user.to_string()),
            details: AuditDetails {
                role,
                role_before,
                ..AuditDetails::default()
            },
            ..event(state, request, actor, action)
        };
        let recorded = state.audit.record(AuditScope::Tenant(tenant), changes).await;
        recorded.map(|_| ()).map_err(|error| broken(error.into()))
    };
    match state.single_sign_on.come_back(returning, record).await {
        Ok(Returned::SignedIn(who)) => {
            // Another role may have ended what was open before.
            state.keys.forget_user(who.user);
            metrics::provider_sign_ins_total(ProviderSignIn::SignedIn).increment(1);
            signed_in(state, &who, address);
            end_earlier(state, request).await;
            tracing::info!(tenant.id = %tenant, user.id = %who.user, "somebody signed in by an identity provider");
            let lasts = state.config.accounts.session_max;
            answer.append_header((SET_COOKIE, set_cookie(new.text.expose_secret(), lasts)));
        }
        Ok(Returned::Connected(user)) => {
            metrics::provider_sign_ins_total(ProviderSignIn::Connected).increment(1);
            tracing::info!(tenant.id = %tenant, user.id = %user, "an account of an identity provider's was connected");
        }
        Err(error) => {
            if let SignOnError::NoRole(Some(user)) = &error {
                state.keys.forget_user(*user);
            }
            return Err(error);
        }
    }
    Ok(answer.finish())
}

/// `GET /v1/sign-in/{tenant_id}/callback`: back from the provider.
pub(super) async fn come_back(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let state = ApiState::of(&request)?;
    let Ok(_place) = Arc::clone(&state.open_calls).try_acquire_owned() else {
        return Ok(failed(None, &SignOnError::Busy));
    };
    let mut answer = match returned(&state, &request).await {
        Ok(answer) => answer,
        // Another page may have sent the browser here while a sign-in is under way, whose cookie stays.
        Err(error @ (SignOnError::Expired | SignOnError::Throttled(_))) => {
            return Ok(failed(tenant_in_path(&request), &error));
        }
        Err(error) => failed(tenant_in_path(&request), &error),
    };
    let gone = set_sign_in_cookie("", Duration::ZERO);
    if let Ok(gone) = gone.parse() {
        answer.headers_mut().append(SET_COOKIE, gone);
    }
    Ok(answer)
}

/// `POST /v1/session/provider`: on the way to connecting an account of the provider's with the one that is signed in.
pub(super) async fn connect(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let shown = Shown::required(&mut fields)?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let tenant = call.demand(Right::Read)?;
    shown.demand(&call).await?;
    let (url, cookie) =
        way(state, tenant, Some(who.user), call.origin())
            .await
            .map_err(|error| match error {
                SignOnError::Account(error) => error.into(),
                SignOnError::NoProvider => ApiError::absent(error.to_string()),
                SignOnError::Throttled(wait) => ApiError::new(ErrorCode::RateLimited).retry_after(wait),
                SignOnError::Busy => ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)),
                _ => ApiError::because(ErrorCode::Unavailable, error.to_string()),
            })?;
    let cookie = (SET_COOKIE, cookie);
    Ok(HttpResponse::Ok()
        .insert_header(cookie)
        .json(json!({ "url": url })))
}

/// `GET /v1/session/provider`: the businesses whose provider signs this user in, and the issuer of an account that could be connected.
pub(super) async fn connections(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let mut shown = Vec::new();
    for (tenant, since) in state.accounts.connections(who.user).await? {
        let name = state.store.tenant(tenant).await?.map(|tenant| tenant.name);
        shown.push(json!({ "tenant_id": tenant, "name": name, "since": since }));
    }
    let provider = match who.tenant {
        Some((tenant, _)) => state.accounts.provider(tenant).await?,
        None => None,
    };
    let issuer = provider.map(|provider| provider.issuer);
    Ok(HttpResponse::Ok().json(json!({ "issuer": issuer, "connections": shown })))
}

/// `DELETE /v1/session/provider`: no account of the provider's signs this user in any more; of the business that one works for, or of
/// another one, which the user may have left.
pub(super) async fn disconnect(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let named = fields.optional::<TenantId>("tenant_id")?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let tenant = match named {
        Some(tenant) => tenant,
        None => call.demand(Right::Read)?,
    };
    let removed = state.accounts.disconnect(tenant, who.user).await?;
    state.keys.forget_user(who.user);
    Ok(HttpResponse::Ok().json(json!({ "disconnected": removed })))
}
