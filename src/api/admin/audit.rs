//! The audit logs, for operators: any tenant's, and that of the operators.

use actix_web::HttpResponse;

use super::super::audit::{export_of, page_of, verdict_of};
use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::params::Params;
use crate::domain::TenantId;
use crate::store::tables::AuditScope;

/// Which log the parameters name.
async fn scope_of(call: &AdminCall, params: &mut Params) -> Result<AuditScope, ApiError> {
    let tenant = params.take::<TenantId>("tenant_id", "a tenant's id")?;
    let scope = params.take::<String>("scope", "`operators`")?;
    match (tenant, scope.as_deref()) {
        (Some(tenant), None) => match call.state().store.tenant(tenant).await? {
            Some(_) => Ok(AuditScope::Tenant(tenant)),
            None => Err(ApiError::absent(format!(
                "no tenant has the id {tenant}: `mesej tenant list` shows all"
            ))),
        },
        (None, Some("operators")) => Ok(AuditScope::Operators),
        _ => Err(ApiError::invalid(
            "name either a log's `tenant_id`, or `scope=operators` for what concerns no tenant",
        )),
    }
}

/// `GET /v1/admin/audit`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let scope = scope_of(&call, &mut params).await?;
    page_of(call.state(), scope, params).await
}

/// `GET /v1/admin/audit/export`
pub(in crate::api) async fn export(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let scope = scope_of(&call, &mut params).await?;
    export_of(call.state(), scope, params).await
}

/// `GET /v1/admin/audit/verify`
pub(in crate::api) async fn verify(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let scope = scope_of(&call, &mut params).await?;
    verdict_of(call.state(), scope, params).await
}
