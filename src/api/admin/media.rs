//! Files, for operators: how many a tenant has, and removing what nobody needs any more.

use actix_web::HttpResponse;
use serde_json::json;

use super::super::auth::AdminCall;
use super::super::error::ApiError;
use super::super::json::Fields;
use super::super::uploads::usage_of;
use super::tenant_of;

/// `GET /v1/admin/tenants/{tenant_id}/media`
pub(in crate::api) async fn usage(call: AdminCall) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let tenant = tenant_of(&call).await?;
    usage_of(call.state(), tenant.id).await
}

/// `POST /v1/admin/media/sweep`: begins one, unless one is under way. With `adopt`, files that the store does not know go, too, wherever
/// they came from.
pub(in crate::api) async fn sweep(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let adopts: Option<bool> = fields.optional("adopt")?;
    fields.finish()?;
    let media = &call.state().media;
    if adopts == Some(true) {
        media.adopt_files().await?;
        tracing::warn!("an operator took over the folder or bucket of files for this store");
    }
    media.ask_for_sweep();
    Ok(HttpResponse::Accepted().json(json!({})))
}
