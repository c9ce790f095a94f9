//! People, for operators: the first owner of a tenant, a link to a new password, the end of a second factor.

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::super::audit::{Concerned, behind, event};
use super::super::auth::key::KeyKind;
use super::super::auth::{AdminCall, new_token};
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::team::{invite as invite_into, link};
use super::tenant_of;
use crate::accounts::{AccountError, Actor};
use crate::domain::email::EmailAddress;
use crate::domain::{AuditAction, UserId};
use crate::store::tables::{AuditActor, AuditTargetKind};

/// `POST /v1/admin/tenants/{tenant_id}/invitations`
pub(in crate::api) async fn invite(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?;
    let (state, note) = (call.state(), call.note());
    invite_into(state, tenant.id, Actor::Operator, call.body(), None, &note).await
}

/// `POST /v1/admin/password-resets`: the one answer that holds the link.
pub(in crate::api) async fn reset(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.required::<EmailAddress>("email")?;
    fields.finish()?;
    let state = call.state();
    let (new, token) = new_token(state, KeyKind::Reset)?;
    let made = state.accounts.offer_reset(&email, token.hash).await;
    let (user, expires) = made.map_err(no_such_person)?;
    let by = call.operator().id();
    tell_teams(&call, user, AuditAction::PasswordLinkMade);
    tracing::info!(reset.id = token.id, by, "a link to a new password was made");
    let text = new.text.expose_secret();
    Ok(HttpResponse::Created().json(json!({
        "token": text,
        "link": link(state, &format!("password/{text}")),
        "expires": expires,
    })))
}

/// `POST /v1/admin/second-factor-removals`: for who lost the app and the recovery codes. All sessions of the person end.
pub(in crate::api) async fn remove_second_factor(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.required::<EmailAddress>("email")?;
    fields.finish()?;
    let state = call.state();
    let taken = state.accounts.take_second_factor(&email).await;
    let user = taken.map_err(no_such_person)?;
    state.keys.forget_user(user);
    tell_teams(&call, user, AuditAction::SecondFactorRemoved);
    let by = call.operator().id();
    tracing::info!(user.id = %user, by, "a second factor was removed by an operator");
    Ok(HttpResponse::Ok().json(json!({ "user_id": user })))
}

/// What was done to somebody's account is in the operators' log and, behind the answer, in those of the person's teams.
fn tell_teams(call: &AdminCall, user: UserId, action: AuditAction) {
    call.note().target(AuditTargetKind::User, &user.to_string());
    let actor = AuditActor::Operator(call.operator().id().to_owned());
    let done = event(call.state(), call.request(), actor, action);
    behind(call.state(), Concerned::TeamsOf(user), done);
}

fn no_such_person(error: AccountError) -> ApiError {
    match error {
        AccountError::NoSuchMember => ApiError::absent("nobody has an account with this e-mail address"),
        other => other.into(),
    }
}
