//! Signing in and out, and a user's own sessions and password.

use std::time::Duration;

use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::audit::{Concerned, behind, event, failed, record, signed_in};
use super::auth::key::{KeyKind, NewKey, PresentedKey};
use super::auth::{OpenCall, SessionCall, csrf_token, new_token, presented, set_cookie};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::state::ApiState;
use super::subscriptions::banner;
use super::team::new_link;
use crate::accounts::{AccountError, Ending, Forgotten, Policy, Proof, SignInMethod, SignedIn, SigningIn};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Right;
use crate::domain::{AuditAction, TenantId, UserId};
use crate::store::KeyHash;
use crate::store::tables::{AuditActor, AuditScope};

/// A password as it comes.
pub(super) fn password(fields: &mut Fields, name: &'static str) -> Result<SecretString, ApiError> {
    Ok(fields.required::<String>(name)?.into())
}

/// A policy, as pages show it.
pub(super) fn policy(policy: Policy<'_>) -> Value {
    json!({ "version": policy.version, "url": policy.url })
}

/// Who is signed in, and what the page needs to go on.
async fn shown(state: &ApiState, who: &SignedIn, token: &str) -> Result<Value, ApiError> {
    let mut tenants = Vec::new();
    let all = state.accounts.tenants_of(who.user).await?;
    for (tenant, member) in all.into_iter().filter(|(tenant, _)| who.may_see(Some(*tenant))) {
        if let Some(row) = state.store.tenant(tenant).await? {
            tenants.push(json!({ "tenant_id": tenant, "name": row.name, "role": member.role }));
        }
    }
    let subscription = match who.tenant {
        Some((tenant, _)) => banner(state, tenant).await?,
        None => None,
    };
    Ok(json!({
        "user": { "user_id": who.user, "name": who.name, "email": who.email },
        "tenant_id": who.tenant.map(|(tenant, _)| tenant),
        "role": who.tenant.map(|(_, role)| role),
        "rights": who.tenant.map_or(Vec::new(), |(_, role)| role.rights().map(Right::as_str).collect()),
        "limit": who.limit.listed().map(|numbers| json!({ "numbers": **numbers })),
        "tenants": tenants,
        "signed_in_by": match who.method {
            SignInMethod::Password => "password",
            SignInMethod::Provider => "provider",
        },
        "session_id": who.session,
        "until": who.until,
        "policy_due": state.accounts.policy_due(who).map(policy),
        "csrf_token": csrf_token(token),
        "has_second_factor": who.has_second_factor,
        "subscription": subscription,
    }))
}

/// Answers with a cookie for somebody who has just signed in.
pub(super) async fn opened(
    state: &ApiState,
    who: &SignedIn,
    token: &NewKey,
) -> Result<HttpResponse, ApiError> {
    opened_with(state, who, token, json!({})).await
}

/// The same, with something more in the answer.
pub(super) async fn opened_with(
    state: &ApiState,
    who: &SignedIn,
    token: &NewKey,
    more: Value,
) -> Result<HttpResponse, ApiError> {
    let text = token.text.expose_secret();
    let mut answer = shown(state, who, text).await?;
    if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    let lasts = state.config.accounts.session_max;
    let cookie = (SET_COOKIE, set_cookie(text, lasts));
    Ok(HttpResponse::Created().insert_header(cookie).json(answer))
}

/// The same for somebody whose browser may have shown an earlier session.
pub(super) async fn opened_anew(
    call: &OpenCall,
    who: &SignedIn,
    token: &NewKey,
) -> Result<HttpResponse, ApiError> {
    end_earlier(call.state(), call.request()).await;
    opened(call.state(), who, token).await
}

/// Ends the session that a browser shows where a new one opens: its pages do not go on beside the new one. This cannot fail the sign-in,
/// since the earlier session ends by itself, too.
pub(super) async fn end_earlier(state: &ApiState, request: &HttpRequest) {
    let Some(earlier) = presented(request.headers()) else {
        return;
    };
    let ended = async {
        if let Some(before) = state.keys.session(earlier).await? {
            state.accounts.end_session(before.user, earlier).await?;
            forget(state, &[earlier]);
        }
        Ok::<(), ApiError>(())
    };
    if let Err(error) = ended.await {
        tracing::warn!(%error, "an earlier session of a browser goes on");
    }
}

/// Sessions that ended: whoever shows one is asked again, on this gateway at once.
pub(super) fn forget(state: &ApiState, ended: &[KeyHash]) {
    for token in ended {
        state.keys.forget(*token);
    }
}

/// `POST /v1/session`: signs in.
pub(super) async fn sign_in(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.required::<EmailAddress>("email")?;
    let password = password(&mut fields, "password")?;
    let code = fields.optional("code")?;
    let tenant = fields.optional::<TenantId>("tenant_id")?;
    fields.finish()?;
    let state = call.state();
    let (new, token) = new_token(state, KeyKind::Session)?;
    let origin = call.origin();
    let (address, tried) = (origin.address, email.clone());
    let asked = SigningIn {
        email,
        password,
        code,
        tenant,
        token,
        origin,
    };
    let signed = state.accounts.sign_in(asked).await;
    match &signed {
        Ok(who) => signed_in(state, who, address),
        Err(AccountError::WrongCredentials | AccountError::WrongCode) => failed(state, tried, address),
        Err(_) => {}
    }
    let who = signed.map_err(no_such_team)?;
    opened_anew(&call, &who, &new).await
}

/// `GET /v1/session`: who is signed in.
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let answer = shown(call.state(), call.who(), call.token()).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `DELETE /v1/session`: signs out.
pub(super) async fn sign_out(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, who) = (call.state(), call.who());
    state.accounts.end_session(who.user, who.token).await?;
    forget(state, &[who.token]);
    let gone = (SET_COOKIE, set_cookie("", Duration::ZERO));
    Ok(HttpResponse::Ok().insert_header(gone).json(json!({})))
}

/// Whether there is such a tenant is nobody else's business.
fn no_such_team(error: AccountError) -> ApiError {
    match error {
        AccountError::NotAllowed => ApiError::absent("you are in no team of a tenant with this id"),
        other => other.into(),
    }
}

/// `PUT /v1/session/tenant`: works for another tenant from now on, in a new session.
pub(super) async fn change_tenant(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let tenant = fields.required::<TenantId>("tenant_id")?;
    fields.finish()?;
    let (state, before) = (call.state(), call.who());
    let (new, token) = new_token(state, KeyKind::Session)?;
    let changed = state
        .accounts
        .change_tenant(before, tenant, token, &call.origin())
        .await;
    let who = changed.map_err(no_such_team)?;
    signed_in(state, &who, call.origin().address);
    forget(state, &[before.token]);
    opened(state, &who, &new).await
}

/// `PUT /v1/session/password`: changes the password. All sessions end, and a new one opens.
pub(super) async fn change_password(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let current = Proof {
        password: password(&mut fields, "current")?,
        code: fields.optional("code")?,
        origin: call.origin(),
    };
    let wanted = password(&mut fields, "new")?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let (new, token) = new_token(state, KeyKind::Session)?;
    let changed = state
        .accounts
        .change_password(who, current, wanted, token)
        .await?;
    state.keys.forget_user(who.user);
    opened(state, &changed, &new).await
}

/// `POST /v1/password/forgotten`: a link to a new password goes to the address, if somebody has it. The answer does not tell.
pub(super) async fn forgotten(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.required::<EmailAddress>("email")?;
    fields.finish()?;
    let state = call.state();
    let (_, link) = new_link(state, KeyKind::Reset, "password")?;
    let asked = Forgotten {
        email,
        link,
        origin: call.origin(),
    };
    state.accounts.forgotten(asked)?;
    Ok(HttpResponse::Accepted().json(json!({})))
}

/// `PUT /v1/password`: a new password by a link; all sessions of the user end.
pub(super) async fn reset_password(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let token = fields.required::<String>("token")?;
    let new = password(&mut fields, "password")?;
    fields.finish()?;
    let state = call.state();
    let token = PresentedKey::parse(KeyKind::Reset, &token).ok_or(AccountError::NoSuchLink)?;
    let origin = call.origin();
    let reset = state.accounts.reset_password(token.hash(), new, &origin);
    let user = reset.await?;
    state.keys.forget_user(user);
    // The user sees it in the own list. That a team's log is full, or a team of many, keeps nobody from the own account.
    let actor = AuditActor::User(user);
    let done = event(state, call.request(), actor, AuditAction::PasswordReset);
    behind(state, Concerned::TeamsOf(user), done);
    Ok(HttpResponse::Ok().json(json!({})))
}

/// Records what somebody does who follows a link, in the logs of all teams that the person is in.
pub(super) async fn record_in_teams(
    state: &ApiState,
    request: &HttpRequest,
    user: UserId,
    action: AuditAction,
) -> Result<(), ApiError> {
    let done = event(state, request, AuditActor::User(user), action);
    let teams = state.accounts.tenants_of(user).await?;
    let teams: Vec<AuditScope> = teams
        .into_iter()
        .map(|(team, _)| AuditScope::Tenant(team))
        .collect();
    record(state, request, &teams, done).await
}

/// `GET /v1/sessions`: where the user is signed in.
pub(super) async fn list(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let (state, who) = (call.state(), call.who());
    let sessions = state.accounts.sessions_of(who.user).await?;
    let sessions: Vec<Value> = sessions
        .iter()
        .filter(|(_, session)| who.may_see_session(session))
        .map(|(token, session)| {
            json!({
                "session_id": session.id,
                "tenant_id": session.tenant,
                "created": session.created,
                "used": session.used,
                "browser": session.browser,
                "address": session.address,
                "is_this": *token == who.token,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "sessions": sessions })))
}

/// `DELETE /v1/sessions/{session_id}`: ends one; `others` ends all but this one.
pub(super) async fn end(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, who) = (call.state(), call.who());
    let ended = match call.path("session_id") {
        "others" => {
            let others = match who.tenant.filter(|_| who.method == SignInMethod::Provider) {
                None => Ending::Others(who.token),
                Some((tenant, _)) => Ending::OthersByProviderOf(who.token, tenant),
            };
            state.accounts.end_sessions(who.user, others).await?
        }
        id => {
            let sessions = state.accounts.sessions_of(who.user).await?;
            let mut seen = sessions
                .iter()
                .filter(|(_, session)| who.may_see_session(session));
            let found = seen.find(|(_, session)| session.id == id);
            let (token, _) = found.ok_or(ErrorCode::NotFound)?;
            state.accounts.end_session(who.user, *token).await?;
            vec![*token]
        }
    };
    forget(state, &ended);
    Ok(HttpResponse::Ok().json(json!({ "ended_sessions": ended.len() })))
}
