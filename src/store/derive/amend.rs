//! What its author changes about a message: another text, or nothing any more.

use super::imported;
use super::known::{known, note_taken_back};
use super::names::{find, follow_links};
use super::receive::{Whose, place, receive, written_at};
use super::{Batch, thread};
use crate::domain::message::{Amendment, Side};
use crate::domain::{Author, Conversation, Direction, EventKind, Message, Retention, Seq, WamidHash};
use crate::store::error::StoreError;
use crate::store::op::{Amend, OpOutcome, Receive};
use crate::store::row::{MessageRef, Seen};

pub(super) fn amend(batch: &mut Batch<'_>, amend: &Amend) -> Result<OpOutcome, StoreError> {
    let notice = &amend.notice;
    let key = WamidHash::of(&notice.wamid);
    if let Some(seen) = known(batch, &notice.wamid, notice.retention)? {
        return Ok(OpOutcome::Duplicate { at: seen.at });
    }
    let at = written_at(notice, batch.now);
    let until = notice.retention.expiry(at);
    let Some(original) = known(batch, &amend.original, notice.retention)? else {
        return before_its_message(batch, amend);
    };
    let message = match original.at {
        Some(place) => batch.rows.message(place)?,
        None => None,
    };
    let Some(mut message) = message else {
        // It is over, or erased: so is what changes it.
        batch.put_seen(key, Seen { at: None }, until)?;
        return Ok(OpOutcome::Unchanged);
    };
    if !wrote(batch, notice, &message)? {
        // Nobody changes what somebody else wrote: it stands by itself.
        return receive(batch, notice);
    }
    let place = MessageRef {
        conversation: message.conversation_id,
        message: message.id,
    };
    batch.put_seen(key, Seen { at: Some(place) }, until)?;
    let conversation = batch.rows.conversation(place.conversation)?;
    let (Some(mut conversation), None) = (conversation, message.revoked_at) else {
        return Ok(OpOutcome::Unchanged);
    };
    let kind = match &amend.change {
        Amendment::Edited(content) => {
            let content = content.in_place_of(&message.content);
            if message.has_said(&content, at) {
                return Ok(OpOutcome::Unchanged);
            }
            message.edit(content, at);
            EventKind::MessageChanged
        }
        Amendment::Revoked => {
            conversation.leave_unread(&message.told);
            thread::leave_unread(batch, &message)?;
            forget(batch, &mut message, &conversation)?;
            note_taken_back(batch, &amend.original, notice.retention)?;
            message.revoke(at);
            EventKind::MessageRevoked
        }
    };
    conversation.retell(&message);
    let expires = notice.retention.expiry(message.created);
    let seq = batch.change_message(kind, &mut message, &conversation, None, expires)?;
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    })
}

/// Meta promises no order: what is changed may come later. Until then the change stands for it, under its name.
fn before_its_message(batch: &mut Batch<'_>, amend: &Amend) -> Result<OpOutcome, StoreError> {
    let notice = &amend.notice;
    let mut first = Receive {
        wamid: amend.original.clone(),
        ..notice.clone()
    };
    let until = notice.retention.expiry(written_at(notice, batch.now));
    let whose = match &amend.change {
        Amendment::Edited(content) => {
            first.content = content.in_place_of(&crate::domain::Content::revoked());
            Whose::Edited
        }
        Amendment::Revoked => {
            first.content = crate::domain::Content::revoked();
            note_taken_back(batch, &amend.original, notice.retention)?;
            Whose::Revoked
        }
    };
    let mut outcome = place(batch, &first, whose)?;
    let at = match &outcome {
        OpOutcome::Committed { at, .. } => *at,
        _ => None,
    };
    batch.put_seen(WamidHash::of(&notice.wamid), Seen { at }, until)?;
    if whose == Whose::Revoked
        && let Some(told) = imported::told(batch, &amend.original)?
    {
        batch.rows.erase_event(told)?;
        if let (OpOutcome::Committed { seq, .. }, Some(at)) = (&mut outcome, at) {
            *seq = tell_revoked(batch, at, notice.retention)?.unwrap_or(*seq);
        }
    }
    Ok(outcome)
}

/// Tells that something was taken out of the log, so that nobody keeps a copy of it.
fn tell_revoked(
    batch: &mut Batch<'_>,
    at: MessageRef,
    retention: Retention,
) -> Result<Option<Seq>, StoreError> {
    let message = batch.rows.message(at)?;
    let conversation = batch.rows.conversation(at.conversation)?;
    let (Some(mut message), Some(conversation)) = (message, conversation) else {
        return Ok(None);
    };
    let expires = retention.expiry(message.created);
    let kind = EventKind::MessageRevoked;
    let seq = batch.change_message(kind, &mut message, &conversation, None, expires)?;
    Ok(Some(seq))
}

/// Whether a message is the one's who says something about it.
pub(super) fn wrote(batch: &mut Batch<'_>, notice: &Receive, message: &Message) -> Result<bool, StoreError> {
    if message.number != notice.number {
        return Ok(false);
    }
    let author = match (notice.by, message.direction, &message.author) {
        (Side::Business, direction, _) => return Ok(direction == Direction::Outbound),
        (Side::Customer, Direction::Inbound, Author::Member { id, .. }) => *id,
        (Side::Customer, Direction::Inbound, _) => message.contact_id,
        (Side::Customer, _, _) => return Ok(false),
    };
    let Some(author) = follow_links(batch.rows, author)? else {
        return Ok(false);
    };
    let sender = find(batch, &notice.aliases, notice.at)?;
    Ok(sender.contact.is_some_and(|sender| sender.id == author.id))
}

/// Takes what a message says out of everything but its row.
fn forget(
    batch: &mut Batch<'_>,
    message: &mut Message,
    conversation: &Conversation,
) -> Result<(), StoreError> {
    if message.told.is_empty() && conversation.last_message_id == Some(message.id) {
        // It is older than the note of where it is told.
        message.told.push(conversation.last_message_seq);
    }
    if let Some(wamid) = &message.wamid {
        message.told.extend(imported::told(batch, wamid)?);
    }
    for seq in std::mem::take(&mut message.told) {
        batch.rows.erase_event(seq)?;
    }
    if message.delivery.is_some() {
        batch.rows.remove_outbox(&message.number, message.id)?;
    }
    Ok(())
}
