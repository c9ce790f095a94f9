//! What one tenant may have of what all share: the limits, how much of them is used, and setting them.

mod cache;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::admin::tenant_of;
use super::auth::{AdminCall, SessionCall};
use super::error::ApiError;
use super::json::Fields;
use super::state::ApiState;
use crate::domain::TenantId;
use crate::domain::quota::Quota;
use crate::domain::roles::Right;

pub use cache::{Caller, QuotaCache, TenantQuotas, of_lines};

/// How much of a quota is used here; `None` where another gateway knows it.
async fn used(state: &ApiState, tenant: TenantId, quota: Quota) -> Result<Option<u64>, ApiError> {
    let used = match quota {
        Quota::Sockets => Some(state.sockets.open_of(tenant)),
        Quota::Tickets => Some(state.sockets.tickets().open_of(tenant)),
        Quota::RequestsPerS => {
            let calls = state.quotas.of(tenant).await?.calls(state.clock.monotonic());
            usize::try_from(calls).ok()
        }
        Quota::Backlog => state.tenants.backlog(tenant).await?,
        Quota::Agents => Some(state.accounts.members_of(tenant).await?),
        Quota::Storage => return Ok(Some(state.media.kept_bytes(tenant).await?)),
    };
    Ok(used.and_then(|used| u64::try_from(used).ok()))
}

async fn shown(state: &ApiState, tenant: TenantId) -> Result<Value, ApiError> {
    let limits = state.quotas.of(tenant).await?;
    let mut quotas = Vec::new();
    for quota in *Quota::ALL {
        let used = used(state, tenant, quota).await?;
        quotas.push(json!({ "name": quota, "limit": limits.limit(quota), "used": used }));
    }
    Ok(json!({ "quotas": quotas }))
}

/// `GET /v1/quotas`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    call.params()?.finish()?;
    Ok(HttpResponse::Ok().json(shown(call.state(), tenant).await?))
}

/// `GET /v1/admin/tenants/{tenant_id}/quotas`
pub(super) async fn show_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?.id;
    call.params()?.finish()?;
    Ok(HttpResponse::Ok().json(shown(call.state(), tenant).await?))
}

/// `PUT /v1/admin/tenants/{tenant_id}/quotas`: what is left out stays, and null is the settings' own again.
pub(super) async fn change(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let (state, tenant) = (call.state(), tenant_of(&call).await?.id);
    let mut fields = Fields::read(call.body())?;
    let mut wanted = Vec::new();
    for quota in *Quota::ALL {
        let is_there = fields.peek(quota.as_str()).is_some();
        let limit = fields.optional::<u64>(quota.as_str())?;
        let bounds = quota.bounds();
        if limit.is_some_and(|limit| !bounds.contains(&limit)) {
            let (least, most) = (bounds.start(), bounds.end());
            return Err(ApiError::invalid(format!(
                "`{quota}` must be {least} to {most}, or null"
            )));
        }
        if is_there {
            wanted.push((quota, limit));
        }
    }
    fields.finish()?;
    let changed = state.change_tenant(tenant, |row| {
        for (quota, limit) in &wanted {
            row.quotas.set(*quota, *limit);
        }
    });
    changed.await?;
    state.quotas.renew(tenant);
    state.keys.forget_tenant(tenant);
    let by = call.operator().id();
    tracing::info!(tenant.id = %tenant, by, "quotas of a tenant were set");
    Ok(HttpResponse::Ok().json(shown(state, tenant).await?))
}
