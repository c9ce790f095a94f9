//! Tenants.

use actix_web::HttpResponse;
use ring::rand::SecureRandom as _;
use serde_json::{Value, json};

use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::state::ApiState;
use super::{Name, tenant_of};
use crate::domain::{Retention, TenantId};
use crate::store::Tenant;
use crate::store::tables::AuditTargetKind;

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
    let mut bytes = [0_u8; 8];
    state
        .random
        .fill(&mut bytes)
        .map_err(|_unspecified| ApiError::internal("no randomness to make a tenant id from"))?;
    Ok(TenantId::new(u64::from_be_bytes(bytes) >> 1))
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

/// `GET /v1/admin/tenants`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenants = call.state().store.tenants().await?;
    let tenants: Vec<Value> = tenants.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "tenants": tenants })))
}

/// `GET /v1/admin/tenants/{tenant_id}`
pub(in crate::api) async fn show(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    Ok(HttpResponse::Ok().json(shown(&tenant_of(&call).await?)))
}
