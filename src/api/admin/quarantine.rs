//! What could not be applied: looking at it, and putting it back on the way in.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::auth::AdminCall;
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::state::ApiState;
use crate::actors::Signer;
use crate::domain::{JournalId, Timestamp};
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
    let after = fields.optional::<JournalId>("after")?;
    let until = fields.optional::<Timestamp>("until")?;
    fields.finish()?;
    match (all, ids, after, until) {
        (true, None, after, until) => {
            let now = state.clock.now();
            replay_all(state, after, until.unwrap_or(now).min(now)).await
        }
        (false, Some(ids), None, None) if !ids.is_empty() => replay_some(state, ids).await,
        _ => Err(ApiError::invalid("name either `ids` or `\"all\": true`")),
    }
}

/// Puts back what was put aside until then, some at a time. What is put aside again meanwhile would come round for ever: it stays.
async fn replay_all(
    state: &ApiState,
    after: Option<JournalId>,
    until: Timestamp,
) -> Result<HttpResponse, ApiError> {
    let now = state.clock.now();
    let mut items = state.store.quarantined(after, MOST_REPLAYED + 1, now).await?;
    let more = items.len() > MOST_REPLAYED;
    items.truncate(MOST_REPLAYED);
    let last = items.last().map(|item| item.id);
    let mut replayed = 0_u64;
    for item in items
        .into_iter()
        .filter(|item| item.at <= until && may_go_back(item))
    {
        put_back(state, item).await?;
        replayed += 1;
    }
    let mut answer = json!({ "replayed": replayed, "more": more });
    if more && let Some(fields) = answer.as_object_mut() {
        let next = json!({ "all": true, "after": last, "until": until });
        fields.insert("next".to_owned(), next);
    }
    Ok(HttpResponse::Ok().json(answer))
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
