//! The oracle over HTTP.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Calls, EventsSeen, HistoryRead, OptOut, Submission};
use crate::act;
use crate::ids::{MessageId, PhoneNumberId, TenantId};
use crate::world::Shared;

/// Adds the routes.
pub(crate) fn routes(service: &mut ServiceConfig) {
    service
        .route("/submissions", web::post().to(submissions))
        .route("/events", web::post().to(events))
        .route("/history", web::post().to(history))
        .route("/opt_outs", web::post().to(opt_outs))
        .route("/tenants", web::post().to(tenants))
        .route("/forget_history", web::post().to(forget_history))
        .route("/calls", web::post().to(calls))
        .route("/callers_gone", web::post().to(callers_gone))
        .route("/report", web::get().to(report));
}

async fn submissions(shared: Data<Shared>, body: Json<Vec<Submission>>) -> Json<Value> {
    act::submissions(&shared, &body);
    Json(json!({}))
}

async fn events(shared: Data<Shared>, body: Json<Vec<EventsSeen>>) -> Json<Value> {
    act::events_seen(&shared, &body);
    Json(json!({}))
}

async fn history(shared: Data<Shared>, body: Json<HistoryRead>) -> Json<Value> {
    act::history_read(&shared, &body);
    Json(json!({}))
}

async fn opt_outs(shared: Data<Shared>, body: Json<Vec<OptOut>>) -> Json<Value> {
    act::opt_outs(&shared, &body);
    Json(json!({}))
}

async fn tenants(shared: Data<Shared>, body: Json<HashMap<String, Vec<PhoneNumberId>>>) -> HttpResponse {
    let mut owners = HashMap::new();
    for (tenant, numbers) in body.into_inner() {
        let Ok(tenant) = tenant.parse::<TenantId>() else {
            return HttpResponse::BadRequest().json(json!({"error": format!("{tenant} is no tenant id")}));
        };
        owners.insert(tenant, numbers);
    }
    act::tenants(&shared, owners);
    HttpResponse::Ok().json(json!({}))
}

async fn forget_history(shared: Data<Shared>) -> Json<Value> {
    act::forget_history(&shared);
    Json(json!({}))
}

async fn calls(shared: Data<Shared>, body: Json<Vec<MessageId>>) -> Json<Calls> {
    Json(shared.with(|world, _| world.oracle.calls(&body)))
}

async fn callers_gone(shared: Data<Shared>) -> Json<Value> {
    let open = shared.with(|world, _| {
        world.callers += 1;
        std::mem::take(&mut world.calls_open)
    });
    Json(json!({ "open": open }))
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: String,
}

async fn report(shared: Data<Shared>, query: Query<Format>) -> HttpResponse {
    let report = act::report(&shared);
    if query.format == "text" {
        HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .body(report.text())
    } else {
        HttpResponse::Ok().json(report)
    }
}
