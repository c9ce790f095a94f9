//! For load balancers and scrapers: whether the process lives, whether it wants work, what it counts.

use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use serde_json::json;

use super::state::ApiState;
use crate::actors::Readiness;
use crate::actors::port::Applying;
use crate::domain::TenantId;

/// A store that takes longer to say that it is well, is not.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// Tenants that are named.
const NAMED: usize = 20;

/// `GET /healthz`: the process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `GET /readyz`: 200 while work is wanted; 503 while starting, stopping, or without a store.
pub(super) async fn ready(state: web::Data<ApiState>) -> HttpResponse {
    let why_not = if state.shutdown.has_begun() {
        Some("stopping")
    } else if state.tenants.readiness() == Readiness::Opening {
        Some("starting")
    } else if state.intake.applying() == Applying::Died {
        Some("applier")
    } else {
        match tokio::time::timeout(STORE_PATIENCE, state.store.health()).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) | Err(_) => Some("store"),
        }
    };
    match why_not {
        None => HttpResponse::Ok().json(ready_but_for(&state.tenants.missing())),
        Some(reason) => HttpResponse::ServiceUnavailable().json(json!({ "status": reason })),
    }
}

/// That work is wanted, and for whom it cannot be done now: these are tried again and again, and stop nobody else.
fn ready_but_for(missing: &[TenantId]) -> serde_json::Value {
    if missing.is_empty() {
        return json!({ "status": "ready" });
    }
    let some: Vec<String> = missing.iter().take(NAMED).map(TenantId::to_string).collect();
    json!({ "status": "ready", "missing_tenants": { "count": missing.len(), "ids": some } })
}

/// `GET /metrics`: everything in Prometheus' text format.
pub(super) async fn metrics(state: web::Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body(state.metrics.render())
}
