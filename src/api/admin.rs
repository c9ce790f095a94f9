//! The operator's calls: tenants, their numbers, keys and retention, and what was put aside.

pub(super) mod audit;
pub(super) mod keys;
pub(super) mod media;
pub(super) mod numbers;
pub(super) mod operators;
pub(super) mod people;
pub(super) mod quarantine;
pub(super) mod retention;
pub(super) mod tenants;

use super::auth::AdminCall;
use super::error::ApiError;
use super::name;
use crate::domain::TenantId;
use crate::store::Tenant;

/// What people call a tenant or a key.
pub(super) type Name = name::Name<100>;

/// The tenant that the path names.
pub(super) async fn tenant_of(call: &AdminCall) -> Result<Tenant, ApiError> {
    let id: TenantId = call.path("tenant_id")?;
    call.state().tenant(id).await
}
