//! What a business sets for itself: what it says about itself, how long messages are kept, its keys and numbers.
//!
//! For people whose role may manage the business, by their session: a program's key that leaked can make no other key. What is
//! done is what operators' calls do (`api/admin`).

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::admin::{Name, keys, numbers, retention};
use super::auth::SessionCall;
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use super::name;
use super::state::ApiState;
use crate::domain::roles::Right;
use crate::domain::{OptOutWords, PhoneNumberId, TenantId};
use crate::store::Tenant;

/// Keys of a business, revoked ones too: those stay listed. Operators may make more.
const MOST_KEYS: usize = 1_000;

async fn shown(state: &ApiState, tenant: &Tenant) -> Result<Value, ApiError> {
    let change = retention::last_change(state, tenant.id).await?;
    Ok(json!({
        "tenant_id": tenant.id,
        "name": tenant.name,
        "region": tenant.region,
        "privacy_contact": tenant.privacy_contact,
        "created": tenant.created,
        "retention": { "days": tenant.retention, "change": change },
    }))
}

fn managed(call: &SessionCall) -> Result<TenantId, ApiError> {
    call.demand(Right::ManageBusiness)
}

/// `GET /v1/business`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = managed(&call)?;
    call.params()?.finish()?;
    let tenant = call.state().tenant(tenant).await?;
    Ok(HttpResponse::Ok().json(shown(call.state(), &tenant).await?))
}

/// What a field asks for.
enum Change<T> {
    /// It was left out.
    Stays,
    /// It was null.
    Emptied,
    /// It is this.
    To(T),
}

impl<const LONGEST: usize> Change<name::Name<LONGEST>> {
    fn read(fields: &mut Fields, name: &'static str) -> Result<Self, ApiError> {
        if fields.peek(name).is_none_or(Value::is_null) {
            let is_null = fields.peek(name).is_some();
            fields.optional::<String>(name)?;
            return Ok(if is_null { Self::Emptied } else { Self::Stays });
        }
        Ok(Self::To(fields.required(name)?))
    }

    fn apply(self, to: &mut Option<String>) {
        match self {
            Self::Stays => {}
            Self::Emptied => *to = None,
            Self::To(text) => *to = Some(text.into_text()),
        }
    }
}

/// `PUT /v1/business`: what is left out stays.
pub(super) async fn put(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, id) = (call.state(), managed(&call)?);
    let mut fields = Fields::read(call.body())?;
    let name = fields.optional::<Name>("name")?;
    let region = Change::<name::Name<64>>::read(&mut fields, "region")?;
    let privacy_contact = Change::<name::Name<200>>::read(&mut fields, "privacy_contact")?;
    fields.finish()?;
    let changed = state.change_tenant(id, |tenant| {
        if let Some(name) = name {
            tenant.name = name.into_text();
        }
        region.apply(&mut tenant.region);
        privacy_contact.apply(&mut tenant.privacy_contact);
    });
    let tenant = changed.await?;
    tracing::info!(tenant.id = %id, user.id = %call.who().user, "a business changed what it says about itself");
    Ok(HttpResponse::Ok().json(shown(state, &tenant).await?))
}

fn words_of(tenant: &Tenant) -> Value {
    json!({
        "words": tenant.opt_out_words.as_ref().map(OptOutWords::texts),
        "defaults": OptOutWords::defaults(),
    })
}

/// `GET /v1/business/opt-out-words`
pub(super) async fn opt_out_words(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = managed(&call)?;
    call.params()?.finish()?;
    Ok(HttpResponse::Ok().json(words_of(&call.state().tenant(tenant).await?)))
}

/// `PUT /v1/business/opt-out-words`: by which words customers stop marketing from now on; null for those that are built in.
pub(super) async fn put_opt_out_words(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, id) = (call.state(), managed(&call)?);
    let mut fields = Fields::read(call.body())?;
    if fields.peek("words").is_none() {
        fields.required::<OptOutWords>("words")?;
    }
    let words = fields.optional::<OptOutWords>("words")?;
    fields.finish()?;
    let tenant = state
        .change_tenant(id, |tenant| tenant.opt_out_words = words)
        .await?;
    // Where the tenant runs it goes by them at once; anywhere else once it is read.
    state.tenants.tenant_changed(tenant.clone()).await?;
    Ok(HttpResponse::Ok().json(words_of(&tenant)))
}

/// `POST /v1/business/retention/preview`
pub(super) async fn preview_retention(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = managed(&call)?;
    let _turn = call.state().slow_calls.take(tenant)?;
    let tenant = call.state().tenant(tenant).await?;
    retention::preview_of(call.state(), &tenant, call.body()).await
}

/// `PUT /v1/business/retention`
pub(super) async fn change_retention(call: SessionCall) -> Result<HttpResponse, ApiError> {
    retention::change_of(call.state(), managed(&call)?, call.body(), &call.note()).await
}

/// `GET /v1/business/webhook`: what Meta is to be told.
pub(super) async fn webhook(call: SessionCall) -> Result<HttpResponse, ApiError> {
    managed(&call)?;
    call.params()?.finish()?;
    let config = &call.state().config;
    let mut apps = config.whatsapp.apps.iter();
    Ok(HttpResponse::Ok().json(json!({
        "url": config.server.webhook_url(),
        "verify_token_set": apps.any(|app| !app.verify_token.expose_secret().is_empty()),
    })))
}

/// `GET /v1/keys`
pub(super) async fn list_keys(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = managed(&call)?;
    call.params()?.finish()?;
    keys::list_of(call.state(), tenant).await
}

/// `POST /v1/keys`: the one answer that holds the key.
pub(super) async fn create_key(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), managed(&call)?);
    if state.store.keys(tenant).await?.len() >= MOST_KEYS {
        let why = format!("there are {MOST_KEYS} keys already, revoked ones with them, and no more may be");
        return Err(ApiError::because(ErrorCode::LimitReached, why));
    }
    let by = Some(call.who().user);
    keys::create_for(state, tenant, by, call.body(), &call.note()).await
}

/// `DELETE /v1/keys/{key_id}`: repeating it changes nothing.
pub(super) async fn revoke_key(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), managed(&call)?);
    let revoked = keys::revoke_of(state, tenant, call.path("key_id")).await?;
    revoked.ok_or_else(|| ApiError::absent("you have no key with this id"))
}

/// `POST /v1/numbers`: adds a number, or replaces its settings, once Meta tells of it to who has its token: nobody takes a number
/// that is another's by knowing its id.
pub(super) async fn put_number(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), managed(&call)?);
    let number = numbers::read(state, tenant, call.body())?;
    let _turn = state.slow_calls.take(tenant)?;
    let (facts, _apps) = numbers::ask_meta(state, &number).await?;
    if facts.id.as_deref() != Some(number.id.as_str()) {
        let why = "Meta knows no number with this `phone_number_id` to which the access token leads";
        return Err(ApiError::because(ErrorCode::MetaRefused, why));
    }
    numbers::add(state, number, "this number is in use elsewhere on this server").await
}

/// `GET /v1/numbers/{phone_number_id}/check`
pub(super) async fn check_number(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = managed(&call)?;
    call.params()?.finish()?;
    let absent = || ApiError::absent("you have no number with this id");
    let id = PhoneNumberId::parse(call.path("phone_number_id")).map_err(|_malformed| absent())?;
    let _turn = call.state().slow_calls.take(tenant)?;
    let checked = numbers::check_of(call.state(), tenant, &id).await?;
    checked.ok_or_else(absent)
}
