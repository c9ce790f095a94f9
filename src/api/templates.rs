//! Message templates: those of the tenant's accounts as Meta has them, and the ways to make, edit, delete and try them.
//!
//! Everybody who reads sees them. Changes are for programs that send and for people who manage the business.

mod changes;
mod gate;
mod samples;
mod trying;

pub(super) use changes::{create, delete, edit, library, sync};
pub(super) use gate::TemplateGate;
pub(super) use trying::{check, check_definition};

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::auth::{Call, CanRead, Need};
use super::error::{ApiError, ErrorCode};
use crate::domain::{TemplateId, TemplateName, TemplateStatus, Timestamp, WabaId};
use crate::store::Number;
use crate::store::tables::{Template, TemplateAccount};
use crate::whatsapp::templates::{Draft, problems};

/// Pages of rows that one list reads: where a filter finds little, it goes on with the next call.
const PAGES: usize = 10;
/// Rows of such a page.
const ROWS: usize = 100;

/// When each account was looked up last.
type LookedUp = BTreeMap<WabaId, Option<Timestamp>>;

/// A template as the API shows it.
fn shown(row: &Template, looked_up: &LookedUp) -> Value {
    // What Meta's review may have meant.
    let problems = match row.status {
        TemplateStatus::Rejected => problems(&Draft {
            name: &row.name,
            language: &row.language,
            category: &row.category,
            format: None,
            components: &row.components,
            ttl_seconds: row.ttl_seconds,
        }),
        _ => Vec::new(),
    };
    let problems: Vec<Value> = problems.iter().map(trying::problem).collect();
    let mut shown = json!({
        "template_id": row.id(),
        "waba_id": row.waba,
        "name": row.name,
        "language": row.language,
        "category": row.category,
        "status": row.status,
        "quality": row.quality,
        "parameter_format": row.parameter_format.as_deref().unwrap_or("positional"),
        "components": row.components,
        "changed_at": row.changed_at,
        "synced_at": looked_up.get(&row.waba).copied().flatten(),
        "problems": problems,
    });
    if let Some(fields) = shown.as_object_mut() {
        if let Some(reason) = &row.reason {
            fields.insert("reason".to_owned(), reason.as_str().into());
        }
        if let Some(seconds) = row.ttl_seconds {
            fields.insert("message_send_ttl_seconds".to_owned(), seconds.into());
        }
    }
    shown
}

/// How the accounts of a tenant were looked up.
async fn accounts<N: Need>(call: &Call<N>) -> Result<Vec<TemplateAccount>, ApiError> {
    let table = call.table::<TemplateAccount>();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = table
            .page(TemplateAccount::of(call.tenant()), after.take(), ROWS)
            .await?;
        after = page.items.last().map(|found| found.sort.clone());
        all.extend(page.items.into_iter().map(|found| found.row));
        if !page.more {
            return Ok(all);
        }
    }
}

async fn looked_up<N: Need>(call: &Call<N>) -> Result<LookedUp, ApiError> {
    let all = accounts(call).await?.into_iter();
    Ok(all.map(|account| (account.waba, account.synced_at)).collect())
}

/// The tenant's numbers, by their accounts.
async fn numbers<N: Need>(call: &Call<N>) -> Result<BTreeMap<WabaId, Vec<Number>>, ApiError> {
    let mut by_account: BTreeMap<WabaId, Vec<Number>> = BTreeMap::new();
    for number in call.state().tenants.numbers(call.tenant()).await? {
        by_account.entry(number.waba.clone()).or_default().push(number);
    }
    Ok(by_account)
}

async fn template<N: Need>(call: &Call<N>) -> Result<Template, ApiError> {
    let id: TemplateId = call.path("template_id")?;
    let row = call.state().templates.get(call.tenant(), id).await?;
    // As an id that has not the form of one.
    row.ok_or_else(|| ErrorCode::NotFound.into())
}

/// `GET /v1/templates`: in no particular order. Deleted ones are shown to who asks for them.
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(100, 200)?;
    let waba = params.take::<WabaId>("waba_id", "the id of an account")?;
    let status = params.take::<String>("status", "a status such as APPROVED")?;
    let status = status.map(|status| TemplateStatus::from(status.as_str()));
    let language = params.take::<String>("language", "a language such as en_US")?;
    let name = params.take::<String>("name", "the beginning of a name")?;
    let cursor = params.take::<TemplateId>("cursor", "a `next_cursor` of this list")?;
    params.finish()?;
    // What an account had that no number is in any more says nothing about what can be sent.
    let accounts = numbers(&call).await?;
    let is_asked_for = |row: &Template| {
        accounts.contains_key(&row.waba)
            && waba.as_ref().is_none_or(|waba| row.waba == *waba)
            && language.as_ref().is_none_or(|language| row.language == *language)
            && name
                .as_ref()
                .is_none_or(|name| row.name.starts_with(name.as_str()))
            && match &status {
                Some(status) => row.status == *status,
                None => row.status != TemplateStatus::Deleted,
            }
    };
    let table = call.table::<Template>();
    // Those of an account stand together.
    let first = waba.as_ref().map(TemplateName::first_of);
    let mut after = match cursor {
        Some(id) => Some(Bytes::copy_from_slice(id.as_bytes())),
        None => first.map(|first| Bytes::copy_from_slice(&first)),
    };
    let (mut rows, mut last, mut more) = (Vec::new(), None, true);
    for _ in 0..PAGES {
        let page = table
            .page(Template::of(call.tenant()), after.take(), ROWS)
            .await?;
        more = page.more;
        for found in page.items {
            if first.is_some_and(|first| !found.sort.starts_with(&first)) {
                more = false;
                break;
            }
            if rows.len() == limit {
                more = true;
                break;
            }
            last = Some(found.row.id());
            after = Some(found.sort);
            if is_asked_for(&found.row) {
                rows.push(found.row);
            }
        }
        if !more || rows.len() == limit {
            break;
        }
    }
    let looked_up = looked_up(&call).await?;
    let templates: Vec<Value> = rows.iter().map(|row| shown(row, &looked_up)).collect();
    Ok(HttpResponse::Ok().json(json!({
        "templates": templates,
        "next_cursor": last.filter(|_| more),
    })))
}

/// `GET /v1/templates/{template_id}`
pub(super) async fn show(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let row = template(&call).await?;
    Ok(HttpResponse::Ok().json(shown(&row, &looked_up(&call).await?)))
}

/// `GET /v1/templates/{template_id}/versions`: newest first.
pub(super) async fn versions(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let row = template(&call).await?;
    let versions = call.state().templates.versions(call.tenant(), row.id()).await?;
    Ok(HttpResponse::Ok().json(json!({ "versions": versions })))
}

/// `GET /v1/templates/sync`
pub(super) async fn synced(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let now = call.state().clock.now();
    let known = accounts(&call).await?;
    let mut all = Vec::new();
    for waba in numbers(&call).await?.into_keys() {
        let account = known.iter().find(|account| account.waba == waba);
        let runs = account.is_some_and(|account| account.is_running(now));
        let error = account.and_then(|account| account.error.as_deref());
        // What was asked for here and has not begun yet, too: whoever asked waits for it.
        let is_soon = call.state().templates.is_looked_up_soon(call.tenant(), &waba);
        let state = match error {
            _ if runs || is_soon => "running",
            Some(_) => "failed",
            None => "idle",
        };
        let counts = account.map(|account| &account.counts);
        let counted = counts.into_iter().flatten();
        let there = counted.filter(|(status, _)| **status != TemplateStatus::Deleted);
        let mut shown = json!({
            "waba_id": waba,
            "state": state,
            "at": account.and_then(|account| account.synced_at),
            "templates": there.map(|(_, count)| u64::from(*count)).sum::<u64>(),
        });
        if let (Some(error), Some(fields)) = (error, shown.as_object_mut()) {
            fields.insert("error".to_owned(), error.into());
        }
        all.push(shown);
    }
    Ok(HttpResponse::Ok().json(json!({ "accounts": all })))
}
