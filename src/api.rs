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

use actix_web::guard::{Any, Get, Guard as _, GuardContext, Head, fn_guard};
use actix_web::web::{self, ServiceConfig, delete, post, put, resource, scope};
use actix_web::{HttpResponse, Route};

pub use auth::{AdminCall, Call, CanManageAgents, CanRead, CanSend};
pub use demo::DemoSession;
pub use error::{ApiError, ErrorCode};
pub use server::http_server;
pub use state::{ApiState, Foundation};

/// Every route there is. Each is a resource, so that a wrong method is told from a wrong path.
pub fn routes(app: &mut ServiceConfig) {
    app.service(
        resource("/webhooks/whatsapp")
            .route(post().to(webhook::receive))
            .route(read().to(webhook::handshake)),
    )
    .service(
        scope("/v1/admin")
            .guard(fn_guard(has_operator))
            .configure(admin_routes),
    )
    .service(scope("/v1").configure(tenant_routes))
    .service(resource("/healthz").route(read().to(health::live)))
    .service(resource("/readyz").route(read().to(health::ready)))
    .service(resource("/metrics").route(read().to(health::metrics)))
    .service(resource("/demo/session").route(read().to(demo::session)))
    .service(resource("/").route(read().to(console::page)))
    .service(resource("/console/{file}").route(read().to(console::file)))
    .default_service(web::to(nothing_here));
}

/// What only reads. HEAD is GET without its body, which the server leaves out.
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// Without the operator's token there are no such calls, whatever the method.
fn has_operator(request: &GuardContext<'_>) -> bool {
    let state = request.app_data::<web::Data<ApiState>>();
    state.is_some_and(|state| state.config.server.admin_token.is_some())
}

/// Calls with a tenant's key.
fn tenant_routes(v1: &mut ServiceConfig) {
    v1.service(resource("/messages").route(post().to(messages::submit)))
        .service(
            resource("/messages/{message_id}")
                .route(read().to(messages::show))
                .route(delete().to(messages::withdraw)),
        )
        .service(resource("/messages/{message_id}/resolve").route(post().to(messages::resolve)))
        .service(resource("/conversations").route(read().to(conversations::list)))
        .service(resource("/conversations/{conversation_id}").route(read().to(conversations::show)))
        .service(
            resource("/conversations/{conversation_id}/messages").route(read().to(conversations::messages)),
        )
        .service(resource("/conversations/{conversation_id}/notes").route(post().to(organise::note)))
        .service(resource("/conversations/{conversation_id}/assign").route(post().to(organise::assign)))
        .service(resource("/conversations/{conversation_id}/labels").route(post().to(organise::label)))
        .service(resource("/conversations/{conversation_id}/status").route(post().to(organise::status)))
        .service(resource("/conversations/{conversation_id}/read").route(post().to(organise::read)))
        .service(resource("/events").route(read().to(events::list)))
        .service(resource("/numbers").route(read().to(numbers::list)))
        // A handshake has no head without a socket.
        .service(resource("/ws").route(web::get().to(ws::open)))
        .service(resource("/ws/ticket").route(post().to(ws::ticket)))
        .configure(ws::worker_data);
}

/// Calls with the operator's token.
fn admin_routes(admin: &mut ServiceConfig) {
    admin
        .service(
            resource("/tenants")
                .route(post().to(admin::tenants::create))
                .route(read().to(admin::tenants::list)),
        )
        .service(resource("/tenants/{tenant_id}").route(read().to(admin::tenants::show)))
        .service(
            resource("/tenants/{tenant_id}/retention")
                .route(read().to(admin::retention::show))
                .route(put().to(admin::retention::change)),
        )
        .service(
            resource("/tenants/{tenant_id}/retention/preview").route(post().to(admin::retention::preview)),
        )
        .service(
            resource("/tenants/{tenant_id}/numbers")
                .route(post().to(admin::numbers::put))
                .route(read().to(admin::numbers::list)),
        )
        .service(
            resource("/tenants/{tenant_id}/numbers/{phone_number_id}/check")
                .route(read().to(admin::numbers::check)),
        )
        .service(
            resource("/tenants/{tenant_id}/keys")
                .route(post().to(admin::keys::create))
                .route(read().to(admin::keys::list)),
        )
        .service(resource("/tenants/{tenant_id}/keys/{key_id}").route(delete().to(admin::keys::revoke)))
        .service(resource("/quarantine").route(read().to(admin::quarantine::list)))
        .service(resource("/quarantine/replay").route(post().to(admin::quarantine::replay)));
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::NotFound.into())
}
