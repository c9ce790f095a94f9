//! What could not be applied: looking at it, and putting it back on the way in.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::auth::AdminCall;
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::state::ApiState;
use crate::actors::Signer;
use crate::domain::JournalId;
use crate::ingest::signer_of;
use crate::store::Quarantined;
use crate::telemetry::Label as _;
use crate::telemetry::labels::QuarantineReason;

const USUAL: usize = 100;
const MOST: usize = 500;
/// Elements that one call puts back: it should end while its caller waits.
const MOST_REPLAYED: usize = 1_000;

/// Its body is personal data and not shown.
fn shown(item: &Quarantined) -> Value {
    let app = match signer_of(&item.body) {
        Signer::App(app) => Some(app),
        Signer::Unknown => None,
    };
    json!({
        "id": item.id,
        "at": item.at,
        "reason": item.reason,
        "app": app,
        "bytes": item.body.len(),
    })
}

/// `GET /v1/admin/quarantine`
pub(in crate::api) async fn list(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(USUAL, MOST)?;
    let after = params.take::<JournalId>("cursor", "a `next_cursor`")?;
    params.finish()?;
    // One more than asked for tells whether more follow.
    let mut items = call
        .state()
        .store
        .quarantined(after, limit + 1, call.state().clock.now())
        .await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| last.id);
    let items: Vec<Value> = items.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "quarantined": items, "next_cursor": next_cursor })))
}

/// `POST /v1/admin/quarantine/replay`
pub(in crate::api) async fn replay(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let state = call.state();
    let mut fields = Fields::read(call.body())?;
    let all = fields.optional::<bool>("all")?.unwrap_or(false);
    let ids = fields.optional::<Vec<JournalId>>("ids")?;
    fields.finish()?;
    match (all, ids) {
        (true, None) => replay_all(state).await,
        (false, Some(ids)) if !ids.is_empty() => replay_some(state, ids).await,
        _ => Err(ApiError::invalid("name either `ids` or `\"all\": true`")),
    }
}

/// What is put aside again meanwhile is left for the next call: it would come round for ever.
async fn replay_all(state: &ApiState) -> Result<HttpResponse, ApiError> {
    let began = state.clock.now();
    let mut items = state.store.quarantined(None, MOST_REPLAYED + 1, began).await?;
    let more = items.len() > MOST_REPLAYED;
    items.truncate(MOST_REPLAYED);
    let mut replayed = 0_u64;
    for item in items
        .into_iter()
        .filter(|item| item.at <= began && may_go_back(item))
    {
        put_back(state, item).await?;
        replayed += 1;
    }
    Ok(HttpResponse::Ok().json(json!({ "replayed": replayed, "more": more })))
}

async fn replay_some(state: &ApiState, ids: Vec<JournalId>) -> Result<HttpResponse, ApiError> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let item = state
            .store
            .quarantined(id.before(), 1, state.clock.now())
            .await?
            .pop();
        let item = item.filter(|item| item.id == id).ok_or_else(|| {
            ApiError::absent(format!(
                "nothing is put aside under the id {id}: `mesej quarantine list` shows what is"
            ))
        })?;
        if !may_go_back(&item) {
            return Err(ApiError::invalid(format!(
                "{id} was signed by an app that is not its number's, and nobody knows any more by which: it stays"
            )));
        }
        found.push(item);
    }
    let replayed = found.len();
    for item in found {
        put_back(state, item).await?;
    }
    Ok(HttpResponse::Ok().json(json!({ "replayed": replayed, "more": false })))
}

/// What an app said of another's numbers becomes no truer by being put back: its signer is looked at again. Where an earlier
/// version did not keep the signer, it stays.
fn may_go_back(item: &Quarantined) -> bool {
    item.reason != QuarantineReason::WrongApp.label() || signer_of(&item.body) != Signer::Unknown
}

/// Durable in the journal before it is forgotten here; applying an element twice changes nothing.
async fn put_back(state: &ApiState, item: Quarantined) -> Result<(), ApiError> {
    let taken = state.intake.take_back(item.body).await;
    taken.map_err(|refusal| ApiError::new(ErrorCode::Unavailable).retry_after(refusal.retry_after))?;
    Ok(state.store.quarantine_remove(item.id).await?)
}
