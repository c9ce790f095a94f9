//! What became of recipients: page by page, and as a file.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::auth::{Call, CanExport, CanSeeBroadcasts};
use super::super::error::ApiError;
use super::super::export_file::{ExportSteps, export_file};
use super::seen;
use crate::broadcast::Broadcasts;
use crate::broadcast::results::{Outcome, RecipientResult, ResultPage, filled};
use crate::bulk::cells::{BYTE_ORDER_MARK, write_line};
use crate::bulk::records::Format;
use crate::domain::{Contact, ContactId, TenantId};
use crate::store::Store;
use crate::store::tables::Broadcast;
use crate::tenant_places::TenantPlace;

/// Recipients of one page.
const PAGE: usize = 100;
const MOST: usize = 500;
/// Recipients of one step of a file.
const STEP: usize = 200;
const OUTCOMES: &str = "an outcome of recipients, such as `failed`";

/// `GET /v1/broadcasts/{broadcast_id}/recipients`
pub(in crate::api) async fn recipients(call: Call<CanSeeBroadcasts>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let limit = params.limit(PAGE, MOST)?;
    let after = params.take::<u32>("cursor", "a `next_cursor` of this list")?;
    let outcome = params.word::<Outcome>("outcome", OUTCOMES)?;
    let is_filled = params.take::<bool>("filled", "`true` or `false`")?;
    params.finish()?;
    let row = seen(&call).await?;
    let broadcasts = &call.state().broadcasts;
    let place = (after.unwrap_or(0), outcome);
    let page = broadcasts.results(call.tenant(), &row, place, limit).await?;
    let mut shown: Vec<Value> = page.recipients.iter().map(|one| json!(one)).collect();
    // Of people whom no number of theirs knows, members who are limited are shown no more than that they are there.
    if call.limit().listed().is_none() {
        let contacts = contacts_of(call.state().store.as_ref(), call.tenant(), &page).await?;
        for (shown, one) in shown.iter_mut().zip(&page.recipients) {
            name(shown, one, &contacts);
        }
        if is_filled == Some(true) {
            for (shown, template) in shown.iter_mut().zip(filled(&row, &page.recipients)) {
                put(shown, "template", template);
            }
        }
    }
    let next = page.next.map(|next| next.to_string());
    Ok(HttpResponse::Ok().json(json!({ "recipients": shown, "next_cursor": next })))
}

fn put(shown: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (shown.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
}

/// Says what somebody is called, as far as it is known.
fn name(shown: &mut Value, one: &RecipientResult, contacts: &HashMap<ContactId, Contact>) {
    let (phone, name) = person(one, contacts);
    put(shown, "phone", phone.map(Value::from));
    put(shown, "name", name.map(Value::from));
}

/// The phone and the name of somebody.
fn person<'a>(
    one: &'a RecipientResult,
    contacts: &'a HashMap<ContactId, Contact>,
) -> (Option<&'a str>, Option<&'a str>) {
    let contact = one.contact_id.and_then(|id| contacts.get(&id));
    let phone = contact.and_then(|contact| contact.phone.as_deref());
    (
        phone.or(one.phone.as_deref()),
        contact.and_then(Contact::shown_name),
    )
}

/// The contacts of a page's recipients.
async fn contacts_of(
    store: &dyn Store,
    tenant: TenantId,
    page: &ResultPage,
) -> Result<HashMap<ContactId, Contact>, ApiError> {
    let ids = page.recipients.iter().filter_map(|one| one.contact_id);
    let contacts = store.contacts(tenant, ids.collect()).await?;
    Ok(contacts.into_iter().flatten().map(|one| (one.id, one)).collect())
}

/// How far a file is.
struct Export {
    store: Arc<dyn Store>,
    broadcasts: Arc<Broadcasts>,
    tenant: TenantId,
    row: Broadcast,
    outcome: Option<Outcome>,
    format: Format,
    after: Option<u32>,
    /// What stands before the first recipient.
    head: Vec<u8>,
    _place: TenantPlace,
}

const COLUMNS: [&str; 10] = [
    "no",
    "line",
    "contact_id",
    "phone",
    "name",
    "outcome",
    "reason",
    "code",
    "message_id",
    "at",
];

impl ExportSteps for Export {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        let mut out = std::mem::take(&mut self.head);
        if let Some(after) = self.after {
            let place = (after, self.outcome);
            let found = self.broadcasts.results(self.tenant, &self.row, place, STEP);
            let page = found.await?;
            let contacts = contacts_of(self.store.as_ref(), self.tenant, &page).await?;
            for one in &page.recipients {
                self.line(one, &contacts, &mut out);
            }
            self.after = page.next;
            if out.is_empty() && self.after.is_some() {
                // An empty piece would be taken for the end; whatever reads the file passes over an empty line.
                out.push(b'\n');
            }
        }
        Ok((!out.is_empty()).then(|| (out.into(), self)))
    }
}

impl Export {
    fn line(&self, one: &RecipientResult, contacts: &HashMap<ContactId, Contact>, out: &mut Vec<u8>) {
        let (phone, name) = person(one, contacts);
        match self.format {
            Format::Csv => {
                let text = |value: Option<String>| value.unwrap_or_default();
                let cells = [
                    one.no.to_string(),
                    text(one.line.map(|line| line.to_string())),
                    text(one.contact_id.map(|id| id.to_string())),
                    text(phone.map(str::to_owned)),
                    text(name.map(str::to_owned)),
                    one.outcome.as_str().to_owned(),
                    text(one.reason.map(str::to_owned)),
                    text(one.code.map(|code| code.to_string())),
                    text(one.message_id.map(|id| id.to_string())),
                    text(one.at.map(|at| at.as_millis().to_string())),
                ];
                write_line(cells.iter().map(String::as_str), out);
            }
            Format::Ndjson => {
                let mut line = json!(one);
                if let Some(line) = line.as_object_mut() {
                    line.insert("phone".to_owned(), json!(phone));
                    line.insert("name".to_owned(), json!(name));
                }
                out.extend_from_slice(line.to_string().as_bytes());
                out.push(b'\n');
            }
        }
    }
}

/// `GET /v1/broadcasts/{broadcast_id}/export`
pub(in crate::api) async fn export(call: Call<CanExport>) -> Result<HttpResponse, ApiError> {
    let mut params = call.params()?;
    let format = params.word::<Format>("format", "`csv` or `ndjson`")?;
    let outcome = params.word::<Outcome>("outcome", OUTCOMES)?;
    params.finish()?;
    let format = format.unwrap_or(Format::Csv);
    let row = seen(&call).await?;
    let (state, tenant) = (call.state(), call.tenant());
    let mut head = Vec::new();
    if format == Format::Csv {
        head.extend_from_slice(BYTE_ORDER_MARK);
        write_line(COLUMNS, &mut head);
    }
    let name = format!("broadcast-{}", row.broadcast_id);
    let export = Export {
        store: Arc::clone(&state.store),
        broadcasts: Arc::clone(&state.broadcasts),
        tenant,
        row,
        outcome,
        format,
        after: Some(0),
        head,
        _place: state.exports.take(tenant)?,
    };
    export_file(&name, format, export).await
}
