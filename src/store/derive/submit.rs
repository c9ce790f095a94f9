//! A message that a business writes: to the customer, or a note between agents.

use super::identity::addressed;
use super::names::follow_links;
use super::{Batch, broadcast, thread};
use crate::domain::{Author, Conversation, Direction, Message, Retention, Seq, Suppression};
use crate::store::error::StoreError;
use crate::store::op::{Note, Once, OpOutcome, OpRefusal, Submit};
use crate::store::row::{Idempotency, MessageRef, OutboxRow, OutboxState, Queued, Seen, outbound_key};

pub(super) fn submit(batch: &mut Batch<'_>, submit: &Submit) -> Result<OpOutcome, StoreError> {
    if let Some(recipient) = &submit.broadcast
        && let Some(outcome) = broadcast::before_turn(batch, recipient)?
    {
        return Ok(outcome);
    }
    // The same op again: its first commit went through although the answer was lost.
    if let Some(seen) = batch.rows.seen(outbound_key(submit.id))? {
        return Ok(OpOutcome::Duplicate { at: seen.at });
    }
    if let Some(answer) = answered_before(batch, submit.once.as_ref())? {
        return Ok(answer);
    }
    let contact = match addressed(batch, &submit.aliases, submit.purpose)? {
        Some(contact) => contact,
        None => match follow_links(batch.rows, submit.contact)? {
            Some(contact) => contact,
            None => return deny(batch, submit, OpRefusal::NotFound, Suppression::ContactGone),
        },
    };
    let mut conversation = thread::go_on(batch, &submit.number, &contact)?;
    if submit
        .window_at
        .is_some_and(|goes| !conversation.window().is_open(goes))
    {
        return Ok(OpOutcome::Refused(OpRefusal::WindowClosed));
    }
    if contact.is_minor {
        return deny(
            batch,
            submit,
            OpRefusal::ContactIsMinor,
            Suppression::ContactIsMinor,
        );
    }
    if contact.refuses(submit.purpose) {
        return deny(batch, submit, OpRefusal::OptedOut, Suppression::OptedOut);
    }
    if let Some(recipient) = &submit.broadcast
        && contact.all_blocks().any(|number| *number == submit.number)
    {
        return broadcast::suppress(batch, recipient, Suppression::Blocked);
    }
    if let Some(recipient) = &submit.broadcast
        && broadcast::had_it(batch, recipient, (&contact, &submit.number))?
    {
        return broadcast::suppress(batch, recipient, Suppression::Duplicate);
    }
    if let Some(newest) = spoken_since(&conversation, submit.unless_after, &submit.author) {
        return Ok(OpOutcome::Refused(OpRefusal::ConversationChanged(newest)));
    }
    let id = match submit.broadcast {
        Some(_) => conversation.own_id(submit.id),
        // Its conversation's actor saw to that.
        None => submit.id,
    };
    let (author, content) = (submit.author.clone(), submit.content.clone());
    let mut message = Message {
        contact_id: contact.id,
        number: submit.number.clone(),
        delivery: Some(submit.delivery.clone()),
        broadcast: submit.broadcast,
        ..Message::new_in(&conversation, id, Direction::Outbound, author, content, batch.now)
    };
    let place = MessageRef::of(&message);
    let expires = batch.retention.expiry(batch.now);
    let row = OutboxRow {
        number: submit.number.clone(),
        at: place,
        contact: contact.id,
        state: OutboxState::Queued,
        attempt: 0,
        claimed_under: None,
        priority: submit.delivery.priority,
        // Without a `send_at` no clock decides when it may go.
        due: submit.delivery.send_at.unwrap_or_default(),
        valid_until: submit.delivery.valid_until,
        on_unknown: submit.delivery.on_unknown,
        may_be_held: submit.may_be_held,
        purpose: submit.purpose,
        broadcast: submit.broadcast,
        hours: submit.hours,
        since: batch.now,
        payload: submit.payload.clone(),
    };
    batch.rows.put_outbox(&row)?;
    batch.put_seen(outbound_key(message.id), Seen { at: Some(place) }, expires)?;
    remember_answer(batch, submit.once.as_ref(), place)?;
    let seq = if let Some(recipient) = &submit.broadcast {
        broadcast::add_quietly(batch, recipient, &message, conversation, expires)?;
        batch.head
    } else {
        conversation.take(&message, batch.next_seq(), batch.now);
        batch.add_message(&mut message, &conversation, expires)?
    };
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: Some(Box::new(Queued {
            linked: contact.linked,
            ..(&row).into()
        })),
    })
}

/// A message that may not go: its caller is told, and the recipient of a broadcast has had its turn.
fn deny(
    batch: &mut Batch<'_>,
    submit: &Submit,
    refusal: OpRefusal,
    why: Suppression,
) -> Result<OpOutcome, StoreError> {
    match &submit.broadcast {
        Some(recipient) => broadcast::suppress(batch, recipient, why),
        None => Ok(OpOutcome::Refused(refusal)),
    }
}

pub(super) fn note(batch: &mut Batch<'_>, note: &Note) -> Result<OpOutcome, StoreError> {
    if let Some(answer) = answered_before(batch, note.once.as_ref())? {
        return Ok(answer);
    }
    let Some(mut conversation) = batch.conversation(note.conversation)? else {
        return Ok(OpOutcome::Refused(OpRefusal::NotFound));
    };
    let place = MessageRef {
        conversation: conversation.id,
        message: note.id,
    };
    if batch.rows.message(place)?.is_some() {
        return Ok(OpOutcome::Duplicate { at: Some(place) });
    }
    let (author, content) = (note.author.clone(), note.content.clone());
    let mut message = Message::new_in(
        &conversation,
        note.id,
        Direction::Note,
        author,
        content,
        batch.now,
    );
    remember_answer(batch, note.once.as_ref(), place)?;
    let expires = batch.retention.expiry(batch.now);
    conversation.take(&message, batch.next_seq(), batch.now);
    let seq = batch.add_message(&mut message, &conversation, expires)?;
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    })
}

fn answered_before(batch: &mut Batch<'_>, once: Option<&Once>) -> Result<Option<OpOutcome>, StoreError> {
    let Some(once) = once else { return Ok(None) };
    Ok(batch.rows.idempotency(once.key)?.map(|before| {
        if before.request == once.request {
            OpOutcome::Duplicate { at: Some(before.at) }
        } else {
            OpOutcome::Refused(OpRefusal::OtherRequest)
        }
    }))
}

fn remember_answer(batch: &mut Batch<'_>, once: Option<&Once>, at: MessageRef) -> Result<(), StoreError> {
    let Some(once) = once else { return Ok(()) };
    let expires = batch.now.after(Retention::IDEMPOTENCY);
    batch.rows.put_idempotency(
        once.key,
        Idempotency {
            request: once.request,
            at,
        },
        expires,
    )
}

/// The newest message that somebody else than the author wrote, if that matters to the author, who has not seen it.
fn spoken_since(conversation: &Conversation, seen: Option<Seq>, author: &Author) -> Option<Seq> {
    let newest = if conversation.last_writer() == Some(author) {
        conversation.last_other_seq
    } else {
        conversation.last_message_seq
    };
    (newest > seen?).then_some(newest)
}
