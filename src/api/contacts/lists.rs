//! Lists of contacts that a business keeps. Who is on one stands with the contacts.

use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;

use super::super::auth::{Call, CanRead, CanSend, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::name::Name;
use super::{person, talks_on};
use crate::actors::request::{Missing, Refusal};
use crate::domain::{ContactChange, ContactId, ListId, Term, TermKey};
use crate::store::ListOrder;
use crate::store::op::{Audience, ChangeContact, ContactFate, Whom};
use crate::store::tables::ContactList;

/// Lists of a tenant.
const MOST: usize = 200;
/// Contacts put on a list or taken from it in one call.
const MOST_MEMBERS: usize = 1_000;
/// Contacts changed at once.
const TOGETHER: usize = 32;
/// Contacts from which one call takes a list, or an attribute, that is removed.
const MOST_TAKEN: usize = 5_000;
/// Read at once for that.
const READ: usize = 500;

async fn all<N: Need>(call: &Call<N>) -> Result<Vec<ContactList>, ApiError> {
    let page = call
        .table::<ContactList>()
        .page(ContactList::of(call.tenant()), None, MOST)
        .await?;
    let mut lists: Vec<ContactList> = page.items.into_iter().map(|found| found.row).collect();
    lists.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(lists)
}

fn no_such() -> ApiError {
    ApiError::absent("there is no such list: `GET /v1/lists` lists them")
}

/// The list that the path names.
async fn known(call: &Call<CanSend>) -> Result<ListId, ApiError> {
    let id: ListId = call.path("list_id").map_err(|_malformed| no_such())?;
    let found = call
        .table::<ContactList>()
        .get(&ContactList::at(call.tenant(), id))
        .await?;
    found.map(|_list| id).ok_or_else(no_such)
}

/// `GET /v1/lists`
pub(in crate::api) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        lists: Vec<ContactList>,
    }
    call.params()?.finish()?;
    let lists = all(&call).await?;
    Ok(HttpResponse::Ok().json(Answer { lists }))
}

fn name(call: &Call<CanSend>) -> Result<String, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    fields.finish()?;
    Ok(name)
}

/// Filters name lists: two of one name would be confused. Two who make one at the same moment may get both.
fn demand_free(lists: &[ContactList], name: &str, own: Option<ListId>) -> Result<(), ApiError> {
    let is_taken = |list: &ContactList| list.name == name && Some(list.id) != own;
    if lists.iter().any(is_taken) {
        return Err(ApiError::invalid("`name`: another list is called so"));
    }
    Ok(())
}

/// `POST /v1/lists`
pub(in crate::api) async fn make(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let name = name(&call)?;
    let lists = all(&call).await?;
    if lists.len() >= MOST {
        let most = format!("there are {MOST} lists already: delete one first");
        return Err(ApiError::because(ErrorCode::LimitReached, most));
    }
    demand_free(&lists, &name, None)?;
    let list = ContactList {
        id: ListId::from_bytes(call.state().fresh()?),
        name,
        created: call.state().clock.now(),
    };
    let key = ContactList::at(call.tenant(), list.id);
    if !call
        .table::<ContactList>()
        .replace(&key, None, Some(&list))
        .await?
    {
        return Err(ApiError::new(ErrorCode::Busy));
    }
    Ok(HttpResponse::Created().json(list))
}

/// `PUT /v1/lists/{list_id}`
pub(in crate::api) async fn rename(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let id = known(&call).await?;
    let name = name(&call)?;
    demand_free(&all(&call).await?, &name, Some(id))?;
    let renamed =
        call.table::<ContactList>()
            .change::<ApiError>(ContactList::at(call.tenant(), id), |before| {
                let before = before.ok_or_else(no_such)?;
                Ok(Some(ContactList {
                    name: name.clone(),
                    ..before.clone()
                }))
            });
    let (_, list) = renamed.await?;
    Ok(HttpResponse::Ok().json(list))
}

/// `DELETE /v1/lists/{list_id}`: takes every contact from it. Of a very long one a call takes some, and says that it is not done.
pub(in crate::api) async fn delete(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let id = known(&call).await?;
    let key = ContactList::at(call.tenant(), id);
    let term = TermKey::of(call.tenant()).list(id);
    let done = taken_from_all(&call, term, &ContactChange::RemoveList(id)).await?;
    if done {
        call.table::<ContactList>().remove(key).await?;
    }
    Ok(taken(done).json(json!({ "list_id": id, "done": done })))
}

/// The answer about something that was taken from all contacts, or from some of very many.
pub(super) fn taken(done: bool) -> HttpResponseBuilder {
    if done {
        HttpResponse::Ok()
    } else {
        HttpResponse::Accepted()
    }
}

/// Changes the contacts under a term, which this takes from there. False where they are so many that some are left.
pub(super) async fn taken_from_all(
    call: &Call<CanSend>,
    term: Term,
    taking: &ContactChange,
) -> Result<bool, ApiError> {
    let (mut taken, mut after) = (0, None);
    while taken < MOST_TAKEN {
        let store = &call.state().store;
        let page = store.page_term(call.tenant(), term, after, ListOrder::Ascending, READ);
        let page = page.await?;
        after = page.items.last().cloned();
        let contacts = page.items.into_iter().map(|place| place.contact).collect();
        taken += change(call, contacts, taking.clone()).await?;
        if !page.more {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `POST /v1/lists/{list_id}/members`: repeating it changes nothing. Contacts that are not there are passed over.
pub(in crate::api) async fn members(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let id = known(&call).await?;
    let mut fields = Fields::read(call.body())?;
    let add = fields.optional::<Vec<ContactId>>("add")?.unwrap_or_default();
    let remove = fields.optional::<Vec<ContactId>>("remove")?.unwrap_or_default();
    fields.finish()?;
    if add.len() + remove.len() > MOST_MEMBERS {
        return Err(ApiError::invalid(format!(
            "at most {MOST_MEMBERS} contacts at once"
        )));
    }
    let removed = change(&call, seen(&call, remove).await?, ContactChange::RemoveList(id)).await?;
    let added = change(&call, seen(&call, add).await?, ContactChange::AddList(id)).await?;
    Ok(HttpResponse::Ok().json(json!({ "added": added, "removed": removed })))
}

/// Those that the caller may see.
async fn seen(call: &Call<CanSend>, contacts: Vec<ContactId>) -> Result<Vec<ContactId>, ApiError> {
    let Some(numbers) = call.limit().listed() else {
        return Ok(contacts);
    };
    let mut seen = Vec::new();
    for id in contacts {
        let Some(row) = person(call, id).await? else {
            continue;
        };
        if talks_on(call.state().store.as_ref(), call.tenant(), &row, numbers.iter()).await? {
            seen.push(id);
        }
    }
    Ok(seen)
}

/// Changes some contacts without telling of each. How many are others than they were.
async fn change(
    call: &Call<CanSend>,
    contacts: Vec<ContactId>,
    change: ContactChange,
) -> Result<usize, ApiError> {
    let fates: Vec<Option<ContactFate>> = stream::iter(contacts)
        .map(|contact| {
            let change = ChangeContact {
                who: Whom::Known(contact),
                changes: vec![change.clone()],
                by: call.author(),
                audience: Audience::Nobody,
            };
            async move {
                match call.state().tenants.change_contact(call.tenant(), change).await {
                    Ok((_, fate)) => Ok(Some(fate)),
                    Err(Refusal::NotFound(Missing::ContactId)) => Ok(None),
                    Err(refused) => Err(ApiError::from(refused)),
                }
            }
        })
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await?;
    let changed = |fate: &&Option<ContactFate>| **fate == Some(ContactFate::Changed);
    Ok(fates.iter().filter(changed).count())
}
