//! Files, for operators: how many a tenant has, and removing what nobody needs any more.

use actix_web::HttpResponse;
use serde_json::json;

use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::uploads::usage_of;
use super::tenant_of;

/// `GET /v1/admin/tenants/{tenant_id}/media`
pub(in crate::api) async fn usage(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?;
    usage_of(call.state(), tenant.id).await
}

/// `POST /v1/admin/media/sweep`: begins one, unless one is under way.
pub(in crate::api) async fn sweep(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.state().media.ask_for_sweep();
    Ok(HttpResponse::Accepted().json(json!({})))
}
