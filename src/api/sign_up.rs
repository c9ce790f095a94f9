//! Businesses that open an account by themselves.

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::admin::tenants::new_id;
use super::audit::{event, record, signed_in};
use super::auth::key::{KeyKind, PresentedKey};
use super::auth::{AdminCall, OpenCall, new_token, presented};
use super::error::ApiError;
use super::json::Fields;
use super::name::Name;
use super::sessions::{opened_anew, password, policy};
use super::team::{front_page, new_link, new_user_id};
use crate::accounts::{AccountError, CompletingSignUp, SigningUp};
use crate::domain::AuditAction;
use crate::domain::email::EmailAddress;
use crate::domain::phone::Phone;
use crate::mail::Handed;
use crate::store::KeyHash;
use crate::store::tables::{AuditActor, AuditScope, AuditTargetKind, SignUpIds};

/// `GET /v1/sign-up`: who may sign up, what is asked, and how a page of the gateway's begins.
pub(super) async fn show(call: OpenCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let state = call.state();
    let settings = &state.config.accounts;
    let contact = Some(&settings.privacy_contact).filter(|contact| !contact.is_empty());
    Ok(HttpResponse::Ok().json(json!({
        "mode": settings.sign_up,
        "policy": state.accounts.policy().map(policy),
        "least_age": settings.least_age,
        "privacy_contact": contact,
        "demo": state.demo.is_some(),
        "has_session": presented(call.request().headers()).is_some(),
    })))
}

/// `POST /v1/sign-up`: a link goes to the address.
pub(super) async fn begin(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    let email = fields.required::<EmailAddress>("email")?;
    let phone = fields.required::<Phone>("phone")?;
    let business = fields.required::<Name<100>>("business")?.into_text();
    let policy = fields.optional::<String>("policy_version")?;
    let is_of_age = fields.required::<bool>("is_of_age")?;
    let invitation = fields.optional::<String>("invitation")?;
    fields.finish()?;
    let state = call.state();
    if !is_of_age {
        let age = state.config.accounts.least_age;
        return Err(ApiError::invalid(format!(
            "`is_of_age` must be true: who signs up is at least {age} years old"
        )));
    }
    let parse = |text: String| PresentedKey::parse(KeyKind::SignUpInvitation, &text);
    let invitation = match invitation {
        Some(text) => Some(parse(text).ok_or(AccountError::NoSuchLink)?.hash()),
        None => None,
    };
    let (_, link) = new_link(state, KeyKind::SignUp, "sign-up")?;
    let asked = SigningUp {
        email,
        name,
        phone,
        business,
        policy,
        invitation,
        link,
        page: front_page(state),
        origin: call.origin(),
    };
    state.accounts.sign_up(asked).await?;
    Ok(HttpResponse::Accepted().json(json!({})))
}

fn token(fields: &mut Fields) -> Result<KeyHash, ApiError> {
    let token = fields.required::<String>("token")?;
    let token = PresentedKey::parse(KeyKind::SignUp, &token).ok_or(AccountError::NoSuchLink)?;
    Ok(token.hash())
}

/// `POST /v1/sign-up/look`: who signs up by a link.
pub(super) async fn look(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let token = token(&mut fields)?;
    fields.finish()?;
    let found = call.state().accounts.signing_up(token).await?;
    Ok(HttpResponse::Ok().json(json!({
        "name": found.name,
        "email": found.email,
        "business": found.business,
    })))
}

/// `POST /v1/sign-up/complete`: makes the business and its owner, who is signed in.
pub(super) async fn complete(call: OpenCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let token = token(&mut fields)?;
    let password = password(&mut fields, "password")?;
    fields.finish()?;
    let state = call.state();
    let (new, session) = new_token(state, KeyKind::Session)?;
    let asked = CompletingSignUp {
        token,
        password,
        fresh: SignUpIds {
            tenant: new_id(state)?,
            user: new_user_id(state)?,
        },
        retention: state.config.retention.default_days,
        session,
        origin: call.origin(),
    };
    let address = call.origin().address;
    let done = state.accounts.complete_sign_up(asked, async |ids: SignUpIds| {
        let actor = AuditActor::User(ids.user);
        let signed_up = event(state, call.request(), actor, AuditAction::SignedUp);
        let scope = AuditScope::Tenant(ids.tenant);
        record(state, call.request(), &[scope], signed_up).await?;
        // Before there is a tenant: whoever goes on after a stop finds it begun.
        state
            .subscriptions
            .begin_trial(ids.tenant)
            .await
            .map_err(ApiError::from)
    });
    let done = done.await?;
    signed_in(state, &done.who, address);
    tracing::info!(tenant.id = %done.tenant.id, user.id = %done.who.user, "a business signed up");
    state.tenants.tenant_changed(done.tenant).await?;
    opened_anew(&call, &done.who, &new).await
}

/// `POST /v1/admin/sign-up-invitations`: the one answer that holds the link.
pub(super) async fn invite(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let email = fields.optional::<EmailAddress>("email")?;
    fields.finish()?;
    let state = call.state();
    let (text, link) = new_link(state, KeyKind::SignUpInvitation, "sign-up-invitation")?;
    let (id, address) = (link.token.id.clone(), link.link.text().to_owned());
    let made = state.accounts.invite_business(email, link).await?;
    call.note().target(AuditTargetKind::Invitation, &id);
    let by = call.operator().id();
    tracing::info!(invitation.id = id, by, "a business was invited to sign up");
    Ok(HttpResponse::Created().json(json!({
        "token": text.expose_secret(),
        "link": address,
        "expires": made.made,
        "mailed": made.mail == Handed::Over,
    })))
}
