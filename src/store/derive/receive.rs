//! A customer's message.

use std::time::Duration;

use super::identity::{self, Sender};
use super::organise::conversation_changed;
use super::{Batch, People, thread};
use crate::domain::{
    Author, Contact, ContactAliases, ContentKind, ConversationStatus, Direction, Message, MessageId,
    Timestamp, WamidHash,
};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::op::{Called, Naming, OpOutcome, Receive};
use crate::store::row::{MessageRef, Seen};

/// Meta retries for seven days; an older time than that is not believed, nor one that lies ahead.
const OLDEST: Duration = Duration::from_secs(7 * 86_400);
const AHEAD: Duration = Duration::from_secs(300);

pub(super) fn receive(batch: &mut Batch<'_>, receive: &Receive) -> Result<OpOutcome, StoreError> {
    let key = WamidHash::of(&receive.wamid);
    if let Some(seen) = batch.rows.seen(key)? {
        return Ok(OpOutcome::Duplicate { at: seen.at });
    }
    let at = believable(receive.at, batch.now);
    let expires = receive.retention.expiry(at);
    if expires <= batch.now {
        // It is over before anybody could read it: nothing of it is kept, and no repetition brings it.
        batch.put_seen(key, Seen { at: None }, expires)?;
        return Ok(OpOutcome::Unchanged);
    }
    let found = match receive.naming {
        Naming::Current => identity::sender(batch, &receive.aliases, &receive.number, at)?,
        Naming::Former => identity::formerly(batch, &receive.aliases, at)?,
    };
    let Some(Sender {
        contact: mut writer,
        latest,
    }) = found
    else {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "a message without any name of its sender",
        ));
    };
    if latest && learn_names(&mut writer, receive) {
        writer.updated = batch.now;
        batch.rows.put_contact(&writer)?;
    }
    let group = match &receive.group {
        Some(group) => identity::addressed(batch, &ContactAliases::of([group.clone()]))?,
        None => None,
    };
    let contact = group.as_ref().unwrap_or(&writer);
    let mut conversation = thread::go_on(batch, &receive.number, contact)?;
    let id = conversation.id;
    if group.is_none() && opens_window(receive.content.kind()) {
        conversation.last_inbound = conversation.last_inbound.max(Some(at));
    }
    if asks_for_attention(receive.content.kind()) {
        conversation.unread = conversation.unread.saturating_add(1);
        if conversation.status == ConversationStatus::Resolved {
            conversation.status = ConversationStatus::Open;
        }
    }
    let message = Message {
        id: MessageId::new(at, receive.arrival, key.tail()),
        conversation_id: id,
        contact_id: contact.id,
        number: receive.number.clone(),
        direction: Direction::Inbound,
        author: match group {
            Some(_) => Author::Member {
                id: writer.id,
                name: writer.name.clone(),
            },
            None => Author::Contact,
        },
        content: receive.content.clone(),
        created: at,
        wamid: Some(receive.wamid.clone()),
        delivery: None,
    };
    let place = MessageRef {
        conversation: id,
        message: message.id,
    };
    batch.put_seen(key, Seen { at: Some(place) }, expires)?;
    let people = People {
        contact: Some(contact),
        member: group.is_some().then_some(&writer),
    };
    let seq = batch.add_message(&message, &mut conversation, people, expires)?;
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    })
}

fn learn_names(contact: &mut Contact, receive: &Receive) -> bool {
    let mut changed = false;
    for (slot, given) in [
        (&mut contact.name, &receive.name),
        (&mut contact.username, &receive.username),
    ] {
        if given.is_some() && slot != given {
            slot.clone_from(given);
            changed = true;
        }
    }
    changed
}

/// Notes a call: it opens the window, and brings the conversation forward.
pub(super) fn called(batch: &mut Batch<'_>, called: &Called) -> Result<OpOutcome, StoreError> {
    let at = believable(called.at, batch.now);
    let Some(caller) = identity::sender(batch, &called.aliases, &called.number, at)? else {
        return Ok(OpOutcome::Unchanged);
    };
    let mut conversation = thread::go_on(batch, &called.number, &caller.contact)?;
    if conversation.last_inbound >= Some(at) {
        return Ok(OpOutcome::Unchanged);
    }
    conversation.last_inbound = Some(at);
    conversation.last_activity = batch.now;
    batch.rows.put_conversation(&conversation)?;
    let seq = conversation_changed(batch, &conversation, &Author::Contact)?;
    Ok(OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    })
}

pub(super) fn believable(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(now.before(OLDEST), now.after(AHEAD))
}

/// Whether Meta counts it as the customer writing. That a reaction does is not confirmed, so it does not.
fn opens_window(kind: &ContentKind) -> bool {
    !matches!(kind, ContentKind::System | ContentKind::Reaction)
}

fn asks_for_attention(kind: &ContentKind) -> bool {
    !matches!(kind, ContentKind::System)
}
