//! Contacts in the order in which something last happened with them: the order of their conversations.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::super::auth::{Call, CanRead};
use super::super::error::ApiError;
use super::criteria::Criteria;
use super::person;
use crate::domain::{Contact, ContactId, Conversation, ConversationId, PhoneNumberId};
use crate::store::contact_search::Condition as _;
use crate::store::{ConversationCursor, ConversationFilter, StoreError};

/// Pages of conversations read for one page of contacts, and conversations of one.
const READS: usize = 4;
const TOGETHER: usize = 50;
/// Contacts looked at at once.
const AT_ONCE: usize = 16;

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
    let mut found = Vec::new();
    for _ in 0..READS {
        let room = limit.saturating_sub(found.len()).min(TOGETHER);
        let page = state
            .store
            .page_conversations(tenant, filter.clone(), after, room)
            .await?;
        after = page.next;
        let seen: Vec<Conversation> = page
            .items
            .into_iter()
            .filter(|row| numbers.contains(&row.number))
            .collect();
        let ids: Vec<ContactId> = seen.iter().map(|row| row.contact_id).collect();
        let contacts = state.store.contacts(tenant, ids).await?;
        let numbers = &numbers;
        let newest: Vec<Contact> = stream::iter(seen.into_iter().zip(contacts))
            .map(|(row, contact)| async move {
                // What was written under a contact of the same person stays there, and the person is shown at it.
                let contact = match contact {
                    Some(contact) if contact.linked_to.is_some() => person(call, contact.id).await?,
                    contact => contact,
                };
                let Some(contact) = contact.filter(|one| one.group_id.is_none()) else {
                    return Ok(None);
                };
                let contact = match contact.merged_into {
                    Some(main) => call.state().store.contact(tenant, main).await?,
                    None => Some(contact),
                };
                let Some(contact) = contact else { return Ok(None) };
                let is_newest = is_newest(call, &contact, &row, numbers).await?;
                Ok::<_, StoreError>(is_newest.then_some(contact))
            })
            .buffered(AT_ONCE)
            .try_filter_map(|contact| std::future::ready(Ok(contact)))
            .try_collect()
            .await?;
        found.extend(criteria.hold(state.store.as_ref(), tenant, newest).await?);
        if after.is_none() || found.len() >= limit {
            break;
        }
    }
    Ok((found, after))
}

/// Whether nothing happened later in another conversation of the contact: it is shown there then.
async fn is_newest(
    call: &Call<CanRead>,
    contact: &Contact,
    at: &Conversation,
    numbers: &[PhoneNumberId],
) -> Result<bool, StoreError> {
    let (store, tenant) = (&call.state().store, call.tenant());
    let place = ConversationCursor::of(at);
    for id in contact.all_ids() {
        for number in numbers {
            let other = ConversationId::derive(tenant, number, id);
            if other == at.id {
                continue;
            }
            let other = store.conversation(tenant, other).await?;
            if other.is_some_and(|other| ConversationCursor::of(&other) > place) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
