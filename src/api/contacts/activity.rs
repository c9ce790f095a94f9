//! Contacts in the order in which something last happened with them: the order of their conversations.

use super::super::auth::{Call, CanRead};
use super::super::error::ApiError;
use super::criteria::Criteria;
use super::person;
use crate::domain::{Contact, ContactId, Conversation, ConversationId, PhoneNumberId};
use crate::store::contact_search::Condition as _;
use crate::store::{ConversationCursor, ConversationFilter, StoreError};

/// Conversations read for one page of contacts, and at once: at first, and at most.
const MOST: usize = 1_000;
const FIRST: usize = 50;
const TOGETHER: usize = 400;

/// The contacts of conversations after a place, the newest first, each once.
pub(super) async fn page(
    call: &Call<CanRead>,
    criteria: &Criteria,
    mut after: Option<ConversationCursor>,
    limit: usize,
) -> Result<(Vec<Contact>, Option<ConversationCursor>), ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let numbers = state.tenants.numbers(tenant).await?;
    let asked = |number: &&PhoneNumberId| criteria.number().is_none_or(|asked| asked == *number);
    let numbers: Vec<PhoneNumberId> = numbers
        .iter()
        .map(|number| &number.id)
        .filter(|number| call.limit().admits(number))
        .filter(asked)
        .cloned()
        .collect();
    let filter = ConversationFilter {
        status: None,
        number: criteria.number().cloned(),
    };
    let (store, mut found) = (&state.store, Vec::new());
    let (mut read, mut together) = (0, FIRST);
    while read < MOST {
        let page = store
            .page_conversations(tenant, filter.clone(), after, together)
            .await?;
        read += together;
        together = together.saturating_mul(2).min(TOGETHER);
        after = page.next;
        let seen: Vec<Conversation> = page
            .items
            .into_iter()
            .filter(|row| numbers.contains(&row.number))
            .collect();
        let ids: Vec<ContactId> = seen.iter().map(|row| row.contact_id).collect();
        let contacts = store.contacts(tenant, ids).await?;
        let mut shown = Vec::with_capacity(seen.len());
        for (row, contact) in seen.into_iter().zip(contacts) {
            if let Some(contact) = card(call, contact).await? {
                shown.push((row, contact));
            }
        }
        let places: Vec<_> = (shown.iter())
            .map(|(row, contact)| (contact.id, ConversationCursor::of(row)))
            .collect();
        let newest = newest(call, shown, &numbers).await?;
        found.extend(criteria.hold(store.as_ref(), tenant, newest).await?);
        if found.len() > limit {
            found.truncate(limit);
            let last = found.last().map(|contact| contact.id);
            // The newest of its conversations is the one that a contact is shown at.
            let place = places.iter().find(|(id, _)| Some(*id) == last);
            after = place.map(|(_, place)| *place);
            break;
        }
        if after.is_none() || found.len() >= limit {
            break;
        }
    }
    Ok((found, after))
}

/// The card under which the customer of a conversation is shown. What was written under a contact of the same person stays there.
async fn card(call: &Call<CanRead>, contact: Option<Contact>) -> Result<Option<Contact>, StoreError> {
    let contact = match contact {
        Some(contact) if contact.linked_to.is_some() => person(call, contact.id).await?,
        contact => contact,
    };
    let Some(contact) = contact.filter(|one| one.group_id.is_none()) else {
        return Ok(None);
    };
    match contact.merged_into {
        Some(main) => call.state().store.contact(call.tenant(), main).await,
        None => Ok(Some(contact)),
    }
}

/// Those with whom nothing happened later in another conversation: they are shown there then.
async fn newest(
    call: &Call<CanRead>,
    shown: Vec<(Conversation, Contact)>,
    numbers: &[PhoneNumberId],
) -> Result<Vec<Contact>, StoreError> {
    let (store, tenant) = (&call.state().store, call.tenant());
    let others = |at: &Conversation, contact: &Contact| -> Vec<ConversationId> {
        let ids = contact.all_ids().flat_map(|id| {
            let of = move |number| ConversationId::derive(tenant, number, id);
            numbers
                .iter()
                .filter(move |number| contact.may_talk_on(number))
                .map(of)
        });
        ids.filter(|other| *other != at.id).collect()
    };
    let ids: Vec<Vec<ConversationId>> = shown.iter().map(|(at, contact)| others(at, contact)).collect();
    let all = ids.concat();
    let mut rows = if all.is_empty() {
        Vec::new().into_iter()
    } else {
        store.conversations(tenant, all).await?.into_iter()
    };
    let mut newest = Vec::with_capacity(shown.len());
    for ((at, contact), ids) in shown.into_iter().zip(ids) {
        let place = ConversationCursor::of(&at);
        let is_later =
            |other: Option<Conversation>| other.is_some_and(|row| ConversationCursor::of(&row) > place);
        if !rows
            .by_ref()
            .take(ids.len())
            .fold(false, |any, row| any | is_later(row))
        {
            newest.push(contact);
        }
    }
    Ok(newest)
}
