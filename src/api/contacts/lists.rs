//! Lists of contacts that a business keeps. Who is on one stands with the contacts.

use actix_web::HttpResponse;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::json;

use super::super::auth::{Call, CanManage, CanRead, CanSend, Need};
use super::super::error::{ApiError, ErrorCode};
use super::super::json::Fields;
use super::super::name::Name;
use super::{person, removal, talks_on};
use crate::actors::request::{Missing, Refusal};
use crate::domain::contact_terms::fold;
use crate::domain::{ContactChange, ContactId, ListId, TermKey};
use crate::store::op::{Audience, ChangeContact, ContactFate, Whom};
use crate::store::tables::ContactList;

/// Lists of a tenant.
const MOST: usize = 200;
/// Contacts put on a list or taken from it in one call.
const MOST_MEMBERS: usize = 1_000;
/// Contacts changed at once.
const TOGETHER: usize = 32;

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
async fn known<N: Need>(call: &Call<N>) -> Result<ListId, ApiError> {
    let id: ListId = call.path("list_id").map_err(|_malformed| no_such())?;
    let found = call
        .table::<ContactList>()
        .get(&ContactList::at(call.tenant(), id))
        .await?;
    let stays = found.filter(|found| !found.row.is_leaving);
    stays.map(|_list| id).ok_or_else(no_such)
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

fn name(call: &Call<CanManage>) -> Result<String, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let name = fields.required::<Name<100>>("name")?.into_text();
    fields.finish()?;
    Ok(name)
}

/// Files name lists, and people choose them by name: two of one name would be confused, however it is written. Two who make one at the same moment may get both.
fn demand_free(lists: &[ContactList], name: &str, own: Option<ListId>) -> Result<(), ApiError> {
    let folded = fold(name);
    let is_taken = |list: &ContactList| fold(&list.name) == folded && Some(list.id) != own;
    if lists.iter().any(is_taken) {
        return Err(ApiError::invalid("`name`: another list is called so"));
    }
    Ok(())
}

/// `POST /v1/lists`
pub(in crate::api) async fn make(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
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
        is_leaving: false,
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
pub(in crate::api) async fn rename(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let id = known(&call).await?;
    let name = name(&call)?;
    demand_free(&all(&call).await?, &name, Some(id))?;
    let renamed =
        call.table::<ContactList>()
            .change::<ApiError>(ContactList::at(call.tenant(), id), |before| {
                let before = before.filter(|list| !list.is_leaving).ok_or_else(no_such)?;
                Ok(Some(ContactList {
                    name: name.clone(),
                    ..before.clone()
                }))
            });
    let (_, list) = renamed.await?;
    Ok(HttpResponse::Ok().json(list))
}

/// `DELETE /v1/lists/{list_id}`: takes every contact from it. Of a very long one a call takes some, and says where the next one goes on.
pub(in crate::api) async fn delete(call: Call<CanManage>) -> Result<HttpResponse, ApiError> {
    let id: ListId = call.path("list_id").map_err(|_malformed| no_such())?;
    let key = ContactList::at(call.tenant(), id);
    let table = call.table::<ContactList>();
    let marked = table.change::<ApiError>(key.clone(), |before| {
        let before = before.ok_or_else(no_such)?;
        Ok(Some(ContactList {
            is_leaving: true,
            ..before.clone()
        }))
    });
    marked.await?;
    let term = TermKey::of(call.tenant()).list(id);
    let taken = ContactChange::RemoveList(id);
    Ok(
        match removal::take(&call, term, &format!("list {id}"), &taken).await? {
            None => {
                table.remove(key).await?;
                HttpResponse::Ok().json(json!({ "list_id": id, "done": true }))
            }
            Some(next) => {
                HttpResponse::Accepted().json(json!({ "list_id": id, "done": false, "next_cursor": next }))
            }
        },
    )
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
    let add = seen(&call, add).await?;
    let added = change(&call, add.clone(), ContactChange::AddList(id)).await?;
    if removal::take_back(&call, &add, &[ContactChange::AddList(id)]).await? {
        return Err(no_such());
    }
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
pub(super) async fn change<N: Need>(
    call: &Call<N>,
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
