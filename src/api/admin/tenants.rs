//! Tenants.

use std::str::FromStr;

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::state::ApiState;
use super::{Name, tenant_of};
use crate::domain::{Retention, TenantId};
use crate::store::Tenant;
use crate::store::tables::AuditTargetKind;

/// Tenants of a page.
const USUAL: usize = 100;
const MOST: usize = 500;

fn shown(tenant: &Tenant) -> Value {
    json!({
        "tenant_id": tenant.id,
        "name": tenant.name,
        "retention_days": tenant.retention,
        "created": tenant.created,
        "region": tenant.region,
        "privacy_contact": tenant.privacy_contact,
    })
}

/// 63 random bits, so that ids can be guessed as little as they repeat.
pub(in crate::api) fn new_id(state: &ApiState) -> Result<TenantId, ApiError> {
    Ok(TenantId::new(u64::from_be_bytes(state.fresh()?) >> 1))
}

/// `POST /v1/admin/tenants`
pub(in crate::api) async fn create(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let state = call.state();
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name>("name")?.into_text();
    let retention = fields.optional::<Retention>("retention_days")?;
    fields.finish()?;
    let retention = retention.unwrap_or(state.config.retention.default_days);
    let tenant = Tenant::new(new_id(state)?, name, retention, state.clock.now());
    call.note()
        .target(AuditTargetKind::Tenant, &tenant.id.to_string());
    state.store.put_tenant(tenant.clone()).await?;
    state.tenants.tenant_changed(tenant.clone()).await?;
    tracing::info!(tenant.id = %tenant.id, "a tenant was created");
    Ok(HttpResponse::Created().json(shown(&tenant)))
}

/// A place in the list of tenants, by name: an opaque text for callers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: String,
    id: TenantId,
}

impl Place {
    fn of(tenant: &Tenant) -> Self {
        Self {
            name: tenant.name.to_lowercase(),
            id: tenant.id,
        }
    }

    fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode([&self.id.get().to_be_bytes(), self.name.as_bytes()].concat())
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (id, name) = bytes.split_first_chunk::<8>()?;
            Some(Self {
                name: str::from_utf8(name).ok()?.to_owned(),
                id: TenantId::new(u64::from_be_bytes(*id)),
            })
        };
        place().ok_or("not a place in the list of tenants")
    }
}

/// `GET /v1/admin/tenants`: by name, those of which name or id has all words. The store has all of them read.
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let search = params.take::<String>("search", "words")?.unwrap_or_default();
    let after = params.take::<Place>("cursor", "a `next_cursor` of this list")?;
    let limit = params.limit(USUAL, MOST)?;
    params.finish()?;
    let search = search.to_lowercase();
    let is_found = |(place, tenant): &(Place, Tenant)| {
        let id = tenant.id.to_string();
        let mut words = search.split_whitespace();
        words.all(|word| place.name.contains(word) || id.contains(word))
    };
    let tenants = call.state().store.tenants().await?.into_iter();
    let mut found: Vec<(Place, Tenant)> = tenants
        .map(|tenant| (Place::of(&tenant), tenant))
        .filter(is_found)
        .collect();
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let begin = after.map_or(0, |after| found.partition_point(|(place, _)| *place <= after));
    let page: Vec<&(Place, Tenant)> = found.iter().skip(begin).take(limit).collect();
    let is_last = begin.saturating_add(page.len()) >= found.len();
    let next = page.last().filter(|_| !is_last).map(|(place, _)| place.text());
    let tenants: Vec<Value> = page.iter().map(|(_, tenant)| shown(tenant)).collect();
    Ok(HttpResponse::Ok().json(json!({ "tenants": tenants, "found": found.len(), "next_cursor": next })))
}

/// `GET /v1/admin/tenants/{tenant_id}`
pub(in crate::api) async fn show(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    Ok(HttpResponse::Ok().json(shown(&tenant_of(&call).await?)))
}
