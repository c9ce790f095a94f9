//! The demonstration's ways in: who may be signed in as, by one press, and a key of the demo tenant.

use std::path::PathBuf;

use actix_web::http::header::HOST;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use crate::config::is_no_name;
use crate::domain::email::EmailAddress;
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
    /// Who may be signed in as, the first by one press.
    pub people: Vec<DemoPerson>,
    /// The password of all of them.
    pub password: SecretString,
    /// The folder where mails become files; `None` where they are sent.
    pub mails: Option<PathBuf>,
}

/// Somebody of the demo tenant's team.
#[derive(Debug, Clone)]
pub struct DemoPerson {
    /// What colleagues see.
    pub name: String,
    /// What the person signs in with.
    pub email: EmailAddress,
}

/// `GET /demo/session`: 404 outside of demo mode, and 403 to whoever reached it by a name: a page of anybody's can have its
/// own name lead here, and would read the key and the password.
pub(super) async fn session(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let session = state.demo.as_ref().ok_or(ErrorCode::NotFound)?;
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_no_name) {
        return Err(ApiError::because(
            ErrorCode::Forbidden,
            "open the demonstration by its address or as localhost",
        ));
    }
    let people = session.people.iter();
    let people: Vec<_> = people
        .map(|person| json!({ "name": person.name, "email": person.email }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "api_key": session.api_key.expose_secret(),
        "agent": session.agent,
        "name": session.name,
        "number": session.number,
        "people": people,
        "password": session.password.expose_secret(),
        "mails": session.mails,
    })))
}
