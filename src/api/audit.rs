//! The audit log: what each call leaves in it, and reading, exporting and verifying it.

mod asked;
mod record;
mod sign_ins;
mod trail;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::auth::SessionCall;
use super::error::{ApiError, ErrorCode};
use super::params::Params;
use super::state::ApiState;
use crate::accounts::audit::{AuditFilter, AuditLog, AuditPage, Noted, NumberedEntry};
use crate::domain::ids::hex;
use crate::domain::roles::Right;
use crate::domain::{AuditAction, Month, UserId};
use crate::store::tables::{AuditActor, AuditScope, EntryHash};

pub(super) use record::{LetIn, Note, begin, end, event, is_recorded, needs, record};
pub(super) use sign_ins::{Concerned, behind, failed, signed_in};
#[cfg(test)]
pub(super) use trail::{Trail, trail};

/// Entries of a page.
const USUAL: usize = 50;
const MOST: usize = 200;
/// Entries of an export that are read at once.
const TOGETHER: usize = 200;
/// Entries of a part of an export that is asked for part by part.
const MOST_OF_PART: usize = 10_000;
/// Stands for the action of an entry that is damaged, or that a later version wrote.
const UNREADABLE: &str = "unreadable";

fn month(params: &mut Params, state: &ApiState) -> Result<Month, ApiError> {
    let month = params.take::<Month>("month", Month::RULE)?;
    Ok(month.unwrap_or_else(|| Month::of(state.clock.now())))
}

fn shown(one: &NumberedEntry, names: &BTreeMap<UserId, String>) -> Value {
    let NumberedEntry { seq, entry, .. } = one;
    let Some(entry) = entry else {
        return json!({
            "seq": seq,
            "at": null,
            "actor": { "kind": "nobody", "id": null },
            "action": UNREADABLE,
            "target": null,
            "address": null,
            "details": {},
        });
    };
    let mut actor = json!({ "kind": entry.actor.kind(), "id": entry.actor.id() });
    if let AuditActor::User(user) = &entry.actor
        && let (Some(fields), Some(name)) = (actor.as_object_mut(), names.get(user))
    {
        fields.insert("name".to_owned(), json!(name));
    }
    let mut details = json!(entry.details);
    if let (Some(fields), Some(next)) = (details.as_object_mut(), entry.link.next) {
        fields.insert("month".to_owned(), json!(next));
    }
    json!({
        "seq": seq,
        "at": entry.at,
        "actor": actor,
        "action": entry.action,
        "target": entry.target,
        "address": entry.address,
        "details": details,
    })
}

/// A line of an export: with the bytes that the next entry is chained to, and their hash, so that it can be verified without a server.
fn exported(one: &NumberedEntry) -> Value {
    let mut line = shown(one, &BTreeMap::new());
    if let Some(fields) = line.as_object_mut() {
        let prev = one.entry.as_ref().map(|entry| entry.link.prev);
        fields.insert("prev".to_owned(), json!(prev));
        fields.insert("hash".to_owned(), json!(EntryHash::of(&one.stored)));
        let stored = match std::str::from_utf8(&one.stored) {
            Ok(text) => ("stored", text.to_owned()),
            Err(_damaged) => ("stored_hex", hex(&one.stored)),
        };
        fields.insert(stored.0.to_owned(), json!(stored.1));
    }
    line
}

/// What people who did something are called now.
async fn names(state: &ApiState, page: &AuditPage) -> Result<BTreeMap<UserId, String>, ApiError> {
    let mut names = BTreeMap::new();
    for one in &page.entries {
        if let Some(AuditActor::User(user)) = one.entry.as_ref().map(|entry| entry.actor.clone())
            && !names.contains_key(&user)
            && let Some(name) = state.accounts.name_of(user).await?
        {
            names.insert(user, name);
        }
    }
    Ok(names)
}

/// Entries of a month, newest first.
pub(super) async fn page_of(
    state: &ApiState,
    scope: AuditScope,
    mut params: Params,
) -> Result<HttpResponse, ApiError> {
    let month = month(&mut params, state)?;
    let filter = AuditFilter {
        actor: params.take("actor", "an id, or the name of a kind of actor")?,
        action: params.take::<AuditAction>("action", "the name of an action")?,
    };
    let until = params.take::<u64>("after", "a `next` of this list")?;
    let limit = params.limit(USUAL, MOST)?;
    params.finish()?;
    let page = state.audit.newest(scope, month, until, &filter, limit).await?;
    let names = names(state, &page).await?;
    let entries: Vec<Value> = page.entries.iter().map(|one| shown(one, &names)).collect();
    Ok(HttpResponse::Ok().json(json!({ "month": month, "entries": entries, "next": page.next })))
}

/// How far an export is.
struct Export {
    audit: Arc<AuditLog>,
    scope: AuditScope,
    month: Month,
    left: usize,
    next: Option<u64>,
}

impl Export {
    /// The next lines; nothing at the end.
    async fn lines(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let Some(after) = self.next.filter(|_| self.left > 0) else {
            return Ok(None);
        };
        let limit = self.left.min(TOGETHER);
        let page = self.audit.in_order(self.scope, self.month, after, limit).await?;
        self.left = self.left.saturating_sub(page.entries.len());
        self.next = page.next;
        let lines = page.entries.iter().map(|one| format!("{}\n", exported(one)));
        Ok(Some((lines.collect::<String>().into(), self)))
    }
}

/// A month as NDJSON, in its order: read page by page, as fast as the client takes it.
pub(super) async fn export_of(
    state: &ApiState,
    scope: AuditScope,
    mut params: Params,
) -> Result<HttpResponse, ApiError> {
    let month = month(&mut params, state)?;
    let after = params.take::<u64>("after", "the `seq` of an entry")?;
    let limit = params.take::<usize>("limit", "a number")?;
    if limit.is_some_and(|limit| !(1..=MOST_OF_PART).contains(&limit)) {
        let rule = format!("`limit` must be 1 to {MOST_OF_PART}, or be left out for all");
        return Err(ApiError::invalid(rule));
    }
    params.finish()?;
    let export = Export {
        audit: Arc::clone(&state.audit),
        scope,
        month,
        left: limit.unwrap_or(usize::MAX),
        next: Some(after.unwrap_or(0)),
    };
    // Read before the answer begins: afterwards nothing can be refused any more.
    let Some((first, rest)) = export.lines().await? else {
        return Err(ErrorCode::Internal.into());
    };
    let rest = stream::try_unfold(rest, Export::lines);
    let all = stream::iter([Ok(first)]).chain(rest);
    let name = format!("attachment; filename=\"mesej-audit-{month}.ndjson\"");
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(all))
}

/// Whether a month's chain is as it was written.
pub(super) async fn verdict_of(
    state: &ApiState,
    scope: AuditScope,
    mut params: Params,
) -> Result<HttpResponse, ApiError> {
    let month = month(&mut params, state)?;
    let after = params.take::<u64>("after", "a `next` of this call")?;
    let seq = params.take::<u64>("seq", "the `seq` of an entry")?;
    let hash = params.take::<EntryHash>("hash", "64 hexadecimal digits")?;
    params.finish()?;
    let noted = match (seq, hash) {
        (Some(0), _) => return Err(ApiError::invalid("entries are numbered from 1")),
        (Some(seq), Some(hash)) => Some(Noted { seq, hash }),
        (None, None) => None,
        _ => return Err(ApiError::invalid("`seq` and `hash` belong together")),
    };
    let found = state
        .audit
        .verify(scope, month, after.unwrap_or(0), noted)
        .await?;
    Ok(HttpResponse::Ok().json(json!({
        "month": month,
        "entries": found.entries,
        "is_intact": found.broken.is_none(),
        "broken_at": found.broken.map(|(seq, _)| seq),
        "why": found.broken.map(|(_, why)| why),
        "last": found.last.map(|(seq, hash)| json!({ "seq": seq, "hash": hash })),
        "month_before": found.month_before,
        "next": found.next,
    })))
}

/// The log of the tenant that somebody is signed in for.
fn scope_of(call: &SessionCall) -> Result<AuditScope, ApiError> {
    Ok(AuditScope::Tenant(call.demand(Right::ReadAudit)?))
}

/// `GET /v1/audit`
pub(super) async fn list(call: SessionCall) -> Result<HttpResponse, ApiError> {
    page_of(call.state(), scope_of(&call)?, call.params()?).await
}

/// `GET /v1/audit/export`
pub(super) async fn export(call: SessionCall) -> Result<HttpResponse, ApiError> {
    export_of(call.state(), scope_of(&call)?, call.params()?).await
}

/// `GET /v1/audit/verify`
pub(super) async fn verify(call: SessionCall) -> Result<HttpResponse, ApiError> {
    verdict_of(call.state(), scope_of(&call)?, call.params()?).await
}
