//! Whether messages reach a contact: what statuses, refusals and the contact's own messages tell of that.

use super::Batch;
use super::link::{News, tell, tell_of_recipient};
use super::names::follow_links;
use super::receive::AHEAD;
use crate::domain::reach::{UNREACHABLE, Unreachable};
use crate::domain::{Contact, ConversationId, DeliveryState, Message, MetaError, Timestamp};
use crate::store::error::StoreError;

fn news() -> News {
    News {
        reach: true,
        ..News::default()
    }
}

/// Notes of whom a message went to that it did not reach them, unless they wrote since.
pub(super) fn learn_from_miss(
    batch: &mut Batch<'_>,
    message: &Message,
    error: &MetaError,
    at: Timestamp,
) -> Result<(), StoreError> {
    if error.code != UNREACHABLE {
        return Ok(());
    }
    let Some(mut contact) = follow_links(batch.rows, message.contact_id)? else {
        return Ok(());
    };
    let at = at.min(batch.now.after(AHEAD));
    let thread = ConversationId::derive(batch.tenant, &message.number, contact.id);
    let wrote = batch.conversation(thread)?.and_then(|thread| thread.last_inbound);
    if wrote.is_some_and(|wrote| wrote >= at) {
        return Ok(());
    }
    let missed = Unreachable { at, code: error.code };
    if contact.miss(missed) {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
        tell_of_recipient(batch, &contact, &news(), message)?;
    }
    Ok(())
}

/// Notes the same of a message that reached them.
pub(super) fn learn_from_delivery(
    batch: &mut Batch<'_>,
    message: &Message,
    state: DeliveryState,
    at: Timestamp,
) -> Result<(), StoreError> {
    if !matches!(
        state,
        DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Played
    ) {
        return Ok(());
    }
    let Some(mut contact) = follow_links(batch.rows, message.contact_id)? else {
        return Ok(());
    };
    if contact.reach_again(at) {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
        tell_of_recipient(batch, &contact, &news(), message)?;
    }
    Ok(())
}

/// Notes that somebody wrote or called.
pub(super) fn wrote(batch: &mut Batch<'_>, person: &mut Contact, at: Timestamp) -> Result<(), StoreError> {
    if person.reach_again(at) {
        person.updated = batch.now;
        batch.put_contact(person)?;
        tell(batch, person, &news(), None)?;
    }
    Ok(())
}
