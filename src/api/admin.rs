//! The operator's calls: tenants, their numbers, keys and retention, and what was put aside.

pub(super) mod keys;
pub(super) mod numbers;
pub(super) mod quarantine;
pub(super) mod retention;
pub(super) mod tenants;

use serde::Deserialize;

use super::auth::AdminCall;
use super::error::{ApiError, ErrorCode};
use crate::domain::TenantId;
use crate::store::Tenant;

/// What people call a tenant or a key.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        if (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 100 characters")
        }
    }
}

/// The tenant that the path names.
async fn tenant_of(call: &AdminCall) -> Result<Tenant, ApiError> {
    let id: TenantId = call.path("tenant_id")?;
    let found = call.state().store.tenant(id).await?;
    Ok(found.ok_or(ErrorCode::NotFound)?)
}
