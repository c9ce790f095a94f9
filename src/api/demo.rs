//! The demonstration's way in: a page that nobody signed into gets a key of the demo tenant.

use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use crate::domain::{AgentId, PhoneNumberId};

/// What the demonstration hands out. Exists in demo mode alone, where there is nothing to protect.
#[derive(Debug, Clone)]
pub struct DemoSession {
    /// A key of the demo tenant with every scope.
    pub api_key: SecretString,
    /// The agent that the page plays.
    pub agent: AgentId,
    /// The agent's name.
    pub name: String,
    /// The demo tenant's number.
    pub number: PhoneNumberId,
}

/// `GET /demo/session`: 404 outside of demo mode.
pub(super) async fn session(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    let session = state.demo.as_ref().ok_or(ErrorCode::NotFound)?;
    Ok(HttpResponse::Ok().json(json!({
        "api_key": session.api_key.expose_secret(),
        "agent": session.agent,
        "name": session.name,
        "number": session.number,
    })))
}
