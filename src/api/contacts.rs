//! Contacts: finding them, and what the business notes of them.

mod activity;
pub(super) mod attributes;
mod changes;
mod criteria;
pub(super) mod lists;
pub(super) mod notes;
mod place;

use actix_web::HttpResponse;
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use self::criteria::{Criteria, talks_on};
use self::place::List;
use super::auth::{Call, CanRead, CanSend, Need};
use super::error::{ApiError, ErrorCode};
use super::json::Fields;
use crate::actors::request::{Missing, Refusal};
use crate::domain::{
    Alias, Contact, ContactAliases, ContactId, Conversation, ConversationId, Epoch, Links, NumberLimit, Seq,
};
use crate::store::contact_search::{ContactOrder, ContactSearch};
use crate::store::directory::Scope;
use crate::store::op::{Audience, ChangeContact, Whom};
use crate::store::{ListOrder, StoreError};

const USUAL: usize = 50;
const MOST: usize = 100;
const NO_SUCH: Refusal = Refusal::NotFound(Missing::ContactId);

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    Created,
    Name,
    Activity,
}

/// `GET /v1/contacts`
pub(super) async fn list(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        contacts: Vec<Contact>,
        next_cursor: Option<String>,
        epoch: Epoch,
        as_of_seq: Seq,
    }
    let mut params = call.params()?;
    let limit = params.limit(USUAL, MOST)?;
    let cursor = params.take::<String>("cursor", "a text")?;
    let asked = params.rest();
    let sort = params
        .word::<Sort>("sort", "`created`, `name` or `activity`")?
        .unwrap_or_default();
    let order = params.word::<ListOrder>("order", "`asc` or `desc`")?;
    let criteria = Criteria::read(&call, &mut params).await?;
    params.finish()?;
    let (state, tenant) = (call.state(), call.tenant());
    let list = List {
        tenant,
        asked: &asked,
    };
    // Before the rows: what is committed while they are read is in the events after this position.
    let head = state.tenants.head(tenant).await?;
    let search = |by: ContactOrder, usual: ListOrder| ContactSearch {
        store: state.store.as_ref(),
        tenant,
        condition: &criteria,
        sort: by,
        order: order.unwrap_or(usual),
    };
    let (contacts, next_cursor) = match sort {
        Sort::Activity if order == Some(ListOrder::Ascending) => {
            return Err(ApiError::invalid(
                "`sort=activity` begins with the newest: leave `order` out",
            ));
        }
        Sort::Activity => {
            let after = cursor.map(|text| list.read_activity(&text)).transpose()?;
            let (contacts, next) = activity::page(&call, &criteria, after, limit).await?;
            (contacts, next.map(|place| list.write_activity(place)))
        }
        Sort::Created | Sort::Name => {
            let search = match sort {
                // The newest are looked for most.
                Sort::Created => search(ContactOrder::Created, ListOrder::Descending),
                Sort::Name | Sort::Activity => search(ContactOrder::Name, ListOrder::Ascending),
            };
            let after = cursor.map(|text| list.read(&text)).transpose()?;
            let found = search.page(after, limit).await?;
            (found.contacts, found.next.map(|place| list.write(&place)))
        }
    };
    Ok(HttpResponse::Ok().json(Answer {
        contacts,
        next_cursor,
        epoch: head.epoch,
        as_of_seq: head.head,
    }))
}

/// `POST /v1/contacts`
pub(super) async fn make(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    if *call.limit() != NumberLimit::All {
        // It would be out of sight at once, or shown to exist.
        let why = "whoever is limited to some numbers writes to a customer, which makes the contact";
        return Err(ApiError::because(ErrorCode::Forbidden, why));
    }
    let mut fields = Fields::read(call.body())?;
    let phone = fields.required::<String>("phone")?;
    let phone = Alias::phone(&phone).ok_or_else(|| ApiError::invalid("`phone` must be 5 to 20 digits"))?;
    let changes = changes::of_new(&call, &mut fields).await?;
    fields.finish()?;
    let who = Whom::New(ContactAliases::of([phone]));
    let id = commit(&call, who, changes).await?;
    answer(&call, id, HttpResponse::Created()).await
}

/// `GET /v1/contacts/{contact_id}`
pub(super) async fn show(call: Call<CanRead>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Answer {
        contact: Contact,
        conversations: Vec<Conversation>,
    }
    call.params()?.finish()?;
    let contact = found(&call).await?;
    let (state, tenant) = (call.state(), call.tenant());
    let numbers = state.tenants.numbers(tenant).await?;
    let seen = numbers.iter().filter(|number| call.limit().admits(&number.id));
    let ids: Vec<ContactId> = std::iter::once(contact.id)
        .chain(contact.linked.iter().copied())
        .collect();
    let reads = seen.flat_map(|number| {
        ids.iter().map(|id| {
            let id = ConversationId::derive(tenant, &number.id, *id);
            state.store.conversation(tenant, id)
        })
    });
    let rows = try_join_all(reads).await?;
    let mut conversations: Vec<Conversation> = rows.into_iter().flatten().collect();
    conversations.sort_by_key(|row| std::cmp::Reverse((row.last_activity, row.id)));
    Ok(HttpResponse::Ok().json(Answer {
        contact,
        conversations,
    }))
}

/// `PUT /v1/contacts/{contact_id}`
pub(super) async fn change(call: Call<CanSend>) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::read(call.body())?;
    let changes = changes::of_known(&call, &mut fields).await?;
    fields.finish()?;
    let contact = found(&call).await?;
    let id = commit(&call, Whom::Known(contact.id), changes).await?;
    answer(&call, id, HttpResponse::Ok()).await
}

async fn commit(
    call: &Call<CanSend>,
    who: Whom,
    changes: Vec<crate::domain::ContactChange>,
) -> Result<ContactId, ApiError> {
    let change = ChangeContact {
        who,
        changes,
        by: call.author(),
        audience: Audience::Agents,
    };
    let (id, _) = call.state().tenants.change_contact(call.tenant(), change).await?;
    Ok(id)
}

/// The contact as it stands now, or its id alone where the key may not read.
async fn answer(
    call: &Call<CanSend>,
    id: ContactId,
    mut with: actix_web::HttpResponseBuilder,
) -> Result<HttpResponse, ApiError> {
    if !call.may(Scope::Read) {
        return Ok(with.json(json!({ "id": id })));
    }
    let row = call.state().store.contact(call.tenant(), id).await?;
    Ok(with.json(row.ok_or(NO_SUCH)?))
}

/// The person that the path names, if the caller may see them.
async fn found<N: Need>(call: &Call<N>) -> Result<Contact, ApiError> {
    let id: ContactId = call.path("contact_id")?;
    let contact = person(call, id).await?;
    let contact = contact
        .filter(|contact| contact.group_id.is_none())
        .ok_or(NO_SUCH)?;
    if let Some(numbers) = call.limit().listed()
        && !talks_on(
            call.state().store.as_ref(),
            call.tenant(),
            &contact,
            numbers.iter(),
        )
        .await?
    {
        return Err(NO_SUCH.into());
    }
    Ok(contact)
}

/// Whom a contact turned out to be.
async fn person<N: Need>(call: &Call<N>, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let (mut at, mut links) = (id, Links::default());
    loop {
        let row = call.state().store.contact(call.tenant(), at).await?;
        let Some(row) = row else { return Ok(None) };
        match links.after(&row) {
            Some(next) => at = next,
            None => return Ok(Some(row)),
        }
    }
}
