//! API keys: for operators, and for the business that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::super::audit::Note;
use super::super::auth::AdminCall;
use super::super::auth::key::{KeyKind, NewKey};
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::state::ApiState;
use super::{Name, tenant_of};
use crate::domain::{TenantId, UserId};
use crate::store::ApiKey;
use crate::store::directory::Scope;
use crate::store::tables::AuditTargetKind;

/// Ten years. A key that should last longer has no end.
const LONGEST_DAYS: u32 = 3_650;

/// A key, and what the member who made it is called; that one may have left, and has no name once the account is erased.
fn shown(key: &ApiKey, name: Option<&str>) -> Map<String, Value> {
    let by = key
        .created_by
        .map(|user| json!({ "user_id": user, "name": name }));
    Map::from_iter([
        ("key_id".to_owned(), json!(key.id)),
        ("name".to_owned(), json!(key.name)),
        ("scopes".to_owned(), json!(key.scopes)),
        ("created".to_owned(), json!(key.created)),
        ("created_by".to_owned(), json!(by)),
        ("revoked".to_owned(), json!(key.revoked)),
        ("expires".to_owned(), json!(key.expires)),
    ])
}

/// Several of them.
async fn shown_all(state: &ApiState, keys: &[ApiKey]) -> Result<Vec<Map<String, Value>>, ApiError> {
    let makers: BTreeSet<UserId> = keys.iter().filter_map(|key| key.created_by).collect();
    let makers: Vec<UserId> = makers.into_iter().collect();
    let names = state.accounts.names_of(&makers).await?;
    let names: BTreeMap<UserId, Option<String>> = makers.into_iter().zip(names).collect();
    let name = |key: &ApiKey| names.get(&key.created_by?)?.as_deref();
    Ok(keys.iter().map(|key| shown(key, name(key))).collect())
}

/// The same of one.
async fn shown_one(state: &ApiState, key: &ApiKey) -> Result<Map<String, Value>, ApiError> {
    let mut all = shown_all(state, std::slice::from_ref(key)).await?;
    Ok(all.pop().unwrap_or_default())
}

/// Keys of a tenant that a member made and that programs may still use.
pub(in crate::api) async fn made_by(
    state: &ApiState,
    tenant: TenantId,
    user: UserId,
) -> Result<Vec<Map<String, Value>>, ApiError> {
    let mut keys = state.store.keys(tenant).await?;
    let now = state.clock.now();
    keys.retain(|key| key.created_by == Some(user) && key.is_valid_at(now));
    shown_all(state, &keys).await
}

/// `POST /v1/admin/tenants/{tenant_id}/keys`: the one answer that holds the key.
pub(in crate::api) async fn create(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?.id;
    create_for(call.state(), tenant, None, call.body(), &call.note()).await
}

/// Makes a key of a tenant's by what a body says, for a member of its team or an operator.
pub(in crate::api) async fn create_for(
    state: &ApiState,
    tenant: TenantId,
    by: Option<UserId>,
    body: &[u8],
    note: &Note<'_>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(body)?;
    let name = fields.required::<Name>("name")?.into_text();
    let scopes = fields.required::<BTreeSet<Scope>>("scopes")?;
    let days = fields.optional::<u32>("expires_days")?;
    fields.finish()?;
    if days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days)) {
        return Err(ApiError::invalid("`expires_days` is 1 to 3650"));
    }
    if scopes.is_empty() {
        return Err(ApiError::invalid(
            "`scopes` must name at least one of `send`, `read`, `agents`, `act_as`",
        ));
    }
    let new = NewKey::generate(KeyKind::Tenant, &state.random).map_err(ApiError::internal)?;
    let now = state.clock.now();
    let key = ApiKey {
        hash: new.hash,
        id: new.id,
        tenant,
        name,
        scopes: scopes.into_iter().collect(),
        created: now,
        created_by: by,
        revoked: None,
        expires: days.map(|days| now.after(Duration::from_secs(u64::from(days) * 86_400))),
    };
    note.target(AuditTargetKind::Key, &key.id);
    // What may fail comes first: the answer is the only place where the key is told.
    let mut answer = shown_one(state, &key).await?;
    state.store.put_key(key.clone()).await?;
    tracing::info!(tenant.id = %tenant, key.id = key.id, "a key was created");
    answer.shift_insert(1, "key".to_owned(), json!(new.text.expose_secret()));
    Ok(HttpResponse::Created().json(answer))
}

/// `GET /v1/admin/tenants/{tenant_id}/keys`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?.id;
    list_of(call.state(), tenant).await
}

/// The keys of a tenant.
pub(in crate::api) async fn list_of(state: &ApiState, tenant: TenantId) -> Result<HttpResponse, ApiError> {
    let keys = state.store.keys(tenant).await?;
    Ok(HttpResponse::Ok().json(json!({ "keys": shown_all(state, &keys).await? })))
}

/// `DELETE /v1/admin/tenants/{tenant_id}/keys/{key_id}`: repeating it changes nothing.
pub(in crate::api) async fn revoke(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?.id;
    let id: String = call.path("key_id")?;
    let revoked = revoke_of(call.state(), tenant, &id).await?;
    revoked.ok_or_else(|| {
        ApiError::absent(format!(
            "no key of the tenant has the id {id}: `mesej key list {tenant}` shows them"
        ))
    })
}

/// Revokes a tenant's key; `None` where the tenant has none with this id.
pub(in crate::api) async fn revoke_of(
    state: &ApiState,
    tenant: TenantId,
    id: &str,
) -> Result<Option<HttpResponse>, ApiError> {
    let keys = state.store.keys(tenant).await?;
    let Some(mut key) = keys.into_iter().find(|key| key.id == id) else {
        return Ok(None);
    };
    if key.revoked.is_none() {
        key.revoked = Some(state.clock.now());
        state.store.put_key(key.clone()).await?;
        tracing::info!(tenant.id = %tenant, key.id = key.id, "a key was revoked");
    }
    state.keys.forget(key.hash);
    Ok(Some(HttpResponse::Ok().json(shown_one(state, &key).await?)))
}
