//! Contacts: finding them, and what the business notes of them.

mod activity;
pub(super) mod attributes;
pub(super) mod block;
mod changes;
pub(super) mod consents;
mod criteria;
pub(super) mod duplicates;
pub(super) mod erasing;
pub(super) mod lists;
pub(super) mod merges;
pub(super) mod notes;
mod place;
mod removal;

use actix_web::HttpResponse;
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
        contacts: contacts.into_iter().map(Contact::shown).collect(),
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
    let phone = Alias::dialled(&phone)
        .ok_or_else(|| ApiError::invalid(format!("`phone` must be {}", Alias::DIALLED)))?;
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
    let ids: Vec<ContactId> = contact.all_ids().collect();
    let ids = seen.flat_map(|number| {
        let of = |id: &ContactId| ConversationId::derive(tenant, &number.id, *id);
        ids.iter().map(of)
    });
    let rows = state.store.conversations(tenant, ids.collect()).await?;
    let mut conversations: Vec<Conversation> = rows.into_iter().flatten().collect();
    conversations.sort_by_key(|row| std::cmp::Reverse((row.last_activity, row.id)));
    Ok(HttpResponse::Ok().json(Answer {
        contact: contact.shown(),
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
    let changes = change.changes.clone();
    let (id, _) = call.state().tenants.change_contact(call.tenant(), change).await?;
    removal::take_back(call, &[id], &changes).await?;
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
    Ok(with.json(row.ok_or(NO_SUCH)?.shown()))
}

/// The customer whom the path names, if the caller may see them: the card that stays, where somebody merged several.
async fn found<N: Need>(call: &Call<N>) -> Result<Contact, ApiError> {
    visible(call, call.path("contact_id")?).await
}

/// The same for any id.
async fn visible<N: Need>(call: &Call<N>, id: ContactId) -> Result<Contact, ApiError> {
    let contact = card(call, id).await?.ok_or(NO_SUCH)?;
    if let Some(numbers) = call.limit().listed() {
        let store = call.state().store.as_ref();
        if !talks_on(store, call.tenant(), &contact, numbers.iter()).await? {
            return Err(NO_SUCH.into());
        }
    }
    Ok(contact)
}

/// The contact itself that the path names, or whom it turned out to be, if the caller may see the customer.
async fn found_card<N: Need>(call: &Call<N>) -> Result<Contact, ApiError> {
    found(call).await?;
    Ok(person(call, call.path("contact_id")?).await?.ok_or(NO_SUCH)?)
}

/// The card under which a customer is shown. A group has none.
async fn card<N: Need>(call: &Call<N>, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let contact = person(call, id)
        .await?
        .filter(|contact| contact.group_id.is_none());
    match contact.as_ref().and_then(|contact| contact.merged_into) {
        Some(main) => call.state().store.contact(call.tenant(), main).await,
        None => Ok(contact),
    }
}

/// All contacts of a customer.
async fn everyone<N: Need>(call: &Call<N>, card: &Contact) -> Result<Vec<Contact>, StoreError> {
    let rows = call
        .state()
        .store
        .contacts(call.tenant(), card.all_ids().collect())
        .await?;
    Ok(rows.into_iter().flatten().collect())
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
