//! Notes about a contact, which only the business's people see.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::json;

use super::super::auth::{Call, CanRead, CanSend, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::organise::NoteText;
use super::{NO_SUCH, found};
use crate::domain::roles::Right;
use crate::domain::{Contact, ContactId, MessageId, NoteId};
use crate::store::tables::ContactNote;

/// Notes about one contact.
const MOST: usize = 200;

/// All ids of the person: notes stay where they were written when two turn out to be one.
fn ids(contact: &Contact) -> impl Iterator<Item = ContactId> + '_ {
    contact.all_ids()
}

async fn all<N: Need>(call: &Call<N>, contact: &Contact) -> Result<Vec<ContactNote>, ApiError> {
    let mut notes = Vec::new();
    for id in ids(contact) {
        let page = call
            .table::<ContactNote>()
            .page(ContactNote::of(call.tenant(), id), None, MOST)
            .await?;
        notes.extend(page.items.into_iter().map(|found| found.row));
    }
    notes.sort_by_key(|note| std::cmp::Reverse(note.id));
    Ok(notes)
}

/// `GET /v1/contacts/{contact_id}/notes`
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        notes: Vec<ContactNote>,
    }
    call.params()?.finish()?;
    let contact = found(&call).await?;
    let notes = all(&call, &contact).await?;
    Ok(HttpResponse::Ok().json(Answer { notes }))
}

/// `POST /v1/contacts/{contact_id}/notes`
pub(in crate::api) async fn write(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let text = fields.required::<NoteText>("text")?.into_text();
    fields.finish()?;
    let contact = found(&call).await?;
    if all(&call, &contact).await?.len() >= MOST {
        let most = format!("there are {MOST} notes about this contact already: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    let state = call.state();
    let at = state.clock.now();
    // In the order in which they are written; two of one moment are told apart by chance.
    let twin = MessageId::from_bytes(state.fresh()?).tail();
    let place = MessageId::new(at, 0, twin);
    let note = ContactNote {
        id: NoteId::from_bytes(*place.as_bytes()),
        text,
        at,
        by: call.author(),
    };
    let key = ContactNote::at(call.tenant(), contact.id, note.id);
    if !call
        .table::<ContactNote>()
        .replace(&key, None, Some(&note))
        .await?
    {
        return Err(ApiError::new(ErrorCode::Busy));
    }
    // An erasure that was under way may have looked before.
    if state.store.contact(call.tenant(), contact.id).await?.is_none() {
        call.table::<ContactNote>().remove(key).await?;
        return Err(NO_SUCH.into());
    }
    Ok(HttpResponse::Created().json(note))
}

/// `DELETE /v1/contacts/{contact_id}/notes/{note_id}`: one's own; another's for whoever manages the business.
pub(in crate::api) async fn delete(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let no_such = || ApiError::absent("the contact has no such note");
    let contact = found(&call).await?;
    let note: NoteId = call.path("note_id").map_err(|_malformed| no_such())?;
    for id in ids(&contact) {
        let key = ContactNote::at(call.tenant(), id, note);
        let manages = (call.user()).is_none_or(|user| user.role.allows(Right::ManageBusiness));
        let found = call.table::<ContactNote>().get(&key).await?;
        if found.is_some_and(|found| !manages && found.row.by != call.author()) {
            let why = "another's note is deleted by whoever manages the business";
            return Err(ApiError::because(ErrorCode::Forbidden, why));
        }
        if call.table::<ContactNote>().remove(key).await?.is_some() {
            return Ok(HttpResponse::Ok().json(json!({ "note_id": note })));
        }
    }
    Err(no_such())
}
