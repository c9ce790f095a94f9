//! Contacts that somebody merges, and parts again.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::auth::{Call, CanRead, CanSend, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::{NO_SUCH, card, everyone, visible};
use crate::actors::request::Refusal;
use crate::domain::{Author, Contact, ContactId, MergeDone, Timestamp};
use crate::store::directory::Scope;
use crate::store::op::{Merge, Unmerge};
use crate::store::plain::PlainTable;
use crate::store::tables::{MergeId, MergeRecord};

/// How often contacts are read again that others change at the same moment.
const TRIES: usize = 4;
/// Merges that are shown of one card.
const SHOWN: usize = 100;

fn table<N: Need>(call: &Call<N>) -> PlainTable<'_, MergeRecord> {
    let state = call.state();
    PlainTable::of(state.store.as_ref(), state.clock.now())
}

/// `POST /v1/contacts/{contact_id}/merge`
pub(in crate::api) async fn merge(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let other = fields.required::<ContactId>("other")?;
    fields.finish()?;
    let contact: ContactId = call.path("contact_id")?;
    let twin = u64::from_be_bytes(call.state().fresh()?);
    for _ in 0..TRIES {
        let (contact, other) = (visible(&call, contact).await?, visible(&call, other).await?);
        if contact.id == other.id {
            return Err(ApiError::invalid("these are one contact already"));
        }
        let done = MergeDone::of(&contact, &other).ok_or_else(|| {
            let why = format!(
                "a contact can be merged with at most {} others",
                Contact::MOST_MERGED
            );
            ApiError::because(ErrorCode::LimitReached, why)
        })?;
        let merge_id = MergeId {
            contact: contact.id,
            twin,
        };
        let record = MergeRecord {
            merge_id,
            at: call.state().clock.now(),
            by: call.author(),
            done: done.clone(),
        };
        let key = MergeRecord::at(call.tenant(), merge_id);
        // How to undo it comes first; a record of what was not done is never shown.
        if !table(&call).replace(&key, None, Some(&record)).await? {
            return Err(ApiError::new(ErrorCode::Busy));
        }
        let merge = Merge {
            done,
            by: call.author(),
        };
        match call.state().tenants.merge_contacts(call.tenant(), merge).await {
            Ok(()) => {
                let contact = shown(&call, contact.id).await?;
                return Ok(HttpResponse::Ok().json(json!({ "merge_id": merge_id, "contact": contact })));
            }
            Err(Refusal::ContactsChanged) => {
                table(&call).remove(key).await?;
            }
            Err(Refusal::Uncertain) => return Err(Refusal::Uncertain.into()),
            Err(refusal) => {
                table(&call).remove(key).await?;
                return Err(refusal.into());
            }
        }
    }
    Err(Refusal::ContactsChanged.into())
}

/// `GET /v1/merges?contact=`: what can be undone of a customer's merges, newest first.
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Shown {
        merge_id: MergeId,
        contact: ContactId,
        other: ContactId,
        at: Timestamp,
        by: Author,
        undo_until: Timestamp,
    }
    let mut params = call.params()?;
    let contact = params.take::<ContactId>("contact", "a `contact_id`")?;
    params.finish()?;
    let contact = contact.ok_or_else(|| ApiError::invalid("`contact` is missing: whose merges?"))?;
    let main = visible(&call, contact).await?;
    let mut merges = Vec::new();
    for row in everyone(&call, &main).await? {
        let of = MergeRecord::of(call.tenant(), row.id);
        let page = table(&call).page(of, None, SHOWN).await?;
        for found in page.items {
            let record = found.row;
            let other = card(&call, record.done.other).await?;
            if other.is_none_or(|other| other.id != main.id) {
                continue;
            }
            merges.push(Shown {
                merge_id: record.merge_id,
                contact: record.done.contact,
                other: record.done.other,
                at: record.at,
                undo_until: record.undo_until(),
                by: record.by,
            });
        }
    }
    merges.sort_by_key(|shown| std::cmp::Reverse(shown.at));
    Ok(HttpResponse::Ok().json(json!({ "merges": merges })))
}

/// `POST /v1/merges/{merge_id}/undo`
pub(in crate::api) async fn undo(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let absent = || ApiError::absent("there is no such merge, or it was undone, or is older than 30 days");
    let id: MergeId = call.path("merge_id").map_err(|_malformed| absent())?;
    let key = MergeRecord::at(call.tenant(), id);
    let record = table(&call).get(&key).await?.ok_or_else(absent)?.row;
    // Whoever may not see the customer is told of no merge.
    visible(&call, record.done.contact)
        .await
        .map_err(|_hidden| absent())?;
    let (one, other) = (record.done.contact, record.done.other);
    let unmerge = Unmerge {
        done: record.done,
        by: call.author(),
    };
    call.state().tenants.part_contacts(call.tenant(), unmerge).await?;
    table(&call).remove(key).await?;
    let contacts = [shown(&call, one).await?, shown(&call, other).await?];
    Ok(HttpResponse::Ok().json(json!({ "contacts": contacts })))
}

/// A contact as it stands now, or its id alone where the key may not read.
async fn shown(call: &Call<CanSend>, id: ContactId) -> Result<Value, ApiError> {
    let row = card(call, id).await?.ok_or(NO_SUCH)?;
    Ok(if call.may(Scope::Read) {
        json!(row.shown())
    } else {
        json!({ "id": row.id })
    })
}
