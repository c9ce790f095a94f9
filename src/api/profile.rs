//! What people see and correct of their own data.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::auth::key::{KeyKind, PresentedKey};
use super::auth::{OpenCall, SessionCall};
use super::error::ApiError;
use super::json::Fields;
use super::name::Name;
use super::sessions::{password, record_in_teams};
use super::team::{front_page, new_link};
use crate::accounts::{AccountError, ChangingEmail, ProfileChange};
use crate::domain::email::EmailAddress;
use crate::domain::phone::Phone;
use crate::domain::{AuditAction, UserId};
use crate::store::tables::User;

fn shown(user: &User) -> Value {
    let policy = user.policy.as_ref();
    json!({
        "user_id": user.id,
        "name": user.name,
        "email": user.email,
        "phone": user.phone,
        "created": user.created,
        "policy": policy.map(|policy| json!({ "version": policy.version, "accepted": policy.accepted })),
    })
}

/// `GET /v1/profile`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let user = call.state().accounts.profile(call.own_data()?.user).await?;
    Ok(HttpResponse::Ok().json(shown(&user)))
}

/// `PUT /v1/profile`: what is not named stays; an empty phone number is none.
pub(super) async fn change(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.optional::<Name<100>>("name")?.map(Name::into_text);
    let is_phone_gone = fields.peek("phone").is_some_and(|phone| phone == "");
    let phone = if is_phone_gone {
        fields.optional::<String>("phone")?.map(|_empty| None)
    } else {
        fields.optional::<Phone>("phone")?.map(Some)
    };
    fields.finish()?;
    let (state, who) = (call.state(), call.own_data()?);
    let change = ProfileChange { name, phone };
    let user = state.accounts.change_profile(who.user, change).await?;
    state.keys.forget_user(who.user);
    Ok(HttpResponse::Ok().json(shown(&user)))
}

/// `PUT /v1/profile/policy`: accepts the policy in force.
pub(super) async fn accept_policy(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let version = fields.required::<String>("version")?;
    fields.finish()?;
    let accepted = call
        .state()
        .accounts
        .accept_policy(call.who().user, &version)
        .await;
    Ok(HttpResponse::Ok().json(shown(&accepted?)))
}

/// `PUT /v1/profile/email`: a link goes to the new address.
pub(super) async fn change_email(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.required::<EmailAddress>("email")?;
    let password = password(&mut fields, "password")?;
    let code = fields.optional("code")?;
    fields.finish()?;
    let (state, who) = (call.state(), call.own_account()?);
    let (_, link) = new_link(state, KeyKind::EmailChange, "email")?;
    let asked = ChangingEmail {
        email,
        password,
        code,
        link,
        page: front_page(state),
        origin: call.origin(),
    };
    state.accounts.change_email(who, asked).await?;
    tracing::info!(user.id = %who.user, "a user asked for another e-mail address");
    Ok(HttpResponse::Accepted().json(json!({})))
}

/// `POST /v1/profile/email/confirm`: the link at the new address was followed.
pub(super) async fn confirm_email(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let token = fields.required::<String>("token")?;
    fields.finish()?;
    let state = call.state();
    let token = PresentedKey::parse(KeyKind::EmailChange, &token).ok_or(AccountError::NoSuchLink)?;
    let confirmed = state.accounts.confirm_email(token.hash(), async |user: UserId| {
        record_in_teams(state, call.request(), user, AuditAction::EmailChanged).await
    });
    let user = confirmed.await?;
    state.keys.forget_user(user.id);
    tracing::info!(user.id = %user.id, "a user has another e-mail address");
    Ok(HttpResponse::Ok().json(json!({ "email": user.email })))
}
