//! People, for operators: the first owner of a tenant, a link to a new password, the end of a second factor.

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::super::audit::{Concerned, behind, event};
use super::super::auth::AdminCall;
use super::super::auth::key::KeyKind;
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::team::{invite as invite_into, new_link};
use super::tenant_of;
use crate::accounts::{AccountError, Actor};
use crate::domain::email::EmailAddress;
use crate::domain::{AuditAction, UserId};
use crate::mail::Handed;
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
    let (text, link) = new_link(state, KeyKind::Reset, "password")?;
    let (id, address) = (link.token.id.clone(), link.link.text().to_owned());
    let made = state.accounts.offer_reset(&email, link).await;
    let made = made.map_err(no_such_person)?;
    tell_teams(&call, made.made.user, AuditAction::PasswordLinkMade);
    let by = call.operator().id();
    tracing::info!(reset.id = id, by, "a link to a new password was made");
    Ok(HttpResponse::Created().json(json!({
        "token": text.expose_secret(),
        "link": address,
        "expires": made.made.expires,
        "mailed": made.mail == Handed::Over,
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
