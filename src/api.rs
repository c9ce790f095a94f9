//! HTTP: the one place that knows it. Parses at the edge, asks the core through its ports, answers.
//!
//! All routes stand on this page. What each call takes and gives is `docs/api.md`.

mod admin;
pub mod auth;
mod body;
mod console;
mod conversations;
mod cursor;
mod demo;
pub mod error;
mod events;
mod health;
pub mod json;
mod messages;
mod numbers;
mod observe;
mod once;
mod organise;
mod outgoing;
mod params;
mod server;
mod state;
mod webhook;
pub mod ws;

#[cfg(test)]
mod tests;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, delete, get, post, put, resource, scope};

pub use auth::{AdminCall, Call, CanManageAgents, CanRead, CanSend};
pub use demo::DemoSession;
pub use error::{ApiError, ErrorCode};
pub use server::http_server;
pub use state::{ApiState, Foundation};

/// Every route there is.
pub fn routes(app: &mut ServiceConfig) {
    app.service(
        resource("/webhooks/whatsapp")
            .route(post().to(webhook::receive))
            .route(get().to(webhook::handshake)),
    )
    .service(scope("/v1/admin").configure(admin_routes))
    .service(scope("/v1").configure(tenant_routes))
    .route("/healthz", get().to(health::live))
    .route("/readyz", get().to(health::ready))
    .route("/metrics", get().to(health::metrics))
    .route("/demo/session", get().to(demo::session))
    .route("/", get().to(console::page))
    .route("/console/{file}", get().to(console::file))
    .default_service(web::to(nothing_here));
}

/// Calls with a tenant's key.
fn tenant_routes(v1: &mut ServiceConfig) {
    v1.route("/messages", post().to(messages::submit))
        .service(
            resource("/messages/{message_id}")
                .route(get().to(messages::show))
                .route(delete().to(messages::withdraw)),
        )
        .route("/messages/{message_id}/resolve", post().to(messages::resolve))
        .route("/conversations", get().to(conversations::list))
        .route("/conversations/{conversation_id}", get().to(conversations::show))
        .route(
            "/conversations/{conversation_id}/messages",
            get().to(conversations::messages),
        )
        .route(
            "/conversations/{conversation_id}/notes",
            post().to(organise::note),
        )
        .route(
            "/conversations/{conversation_id}/assign",
            post().to(organise::assign),
        )
        .route(
            "/conversations/{conversation_id}/labels",
            post().to(organise::label),
        )
        .route(
            "/conversations/{conversation_id}/status",
            post().to(organise::status),
        )
        .route("/conversations/{conversation_id}/read", post().to(organise::read))
        .route("/events", get().to(events::list))
        .route("/numbers", get().to(numbers::list))
        .route("/ws", get().to(ws::open))
        .route("/ws/ticket", post().to(ws::ticket))
        .configure(ws::worker_data);
}

/// Calls with the operator's token.
fn admin_routes(admin: &mut ServiceConfig) {
    admin
        .service(
            resource("/tenants")
                .route(post().to(admin::tenants::create))
                .route(get().to(admin::tenants::list)),
        )
        .route("/tenants/{tenant_id}", get().to(admin::tenants::show))
        .service(
            resource("/tenants/{tenant_id}/retention")
                .route(get().to(admin::retention::show))
                .route(put().to(admin::retention::change)),
        )
        .route(
            "/tenants/{tenant_id}/retention/preview",
            post().to(admin::retention::preview),
        )
        .service(
            resource("/tenants/{tenant_id}/numbers")
                .route(post().to(admin::numbers::put))
                .route(get().to(admin::numbers::list)),
        )
        .route(
            "/tenants/{tenant_id}/numbers/{phone_number_id}/check",
            get().to(admin::numbers::check),
        )
        .service(
            resource("/tenants/{tenant_id}/keys")
                .route(post().to(admin::keys::create))
                .route(get().to(admin::keys::list)),
        )
        .route(
            "/tenants/{tenant_id}/keys/{key_id}",
            delete().to(admin::keys::revoke),
        )
        .route("/quarantine", get().to(admin::quarantine::list))
        .route("/quarantine/replay", post().to(admin::quarantine::replay));
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::NotFound.into())
}
