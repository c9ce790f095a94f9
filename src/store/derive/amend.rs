//! What its author changes about a message: another text, or nothing any more.

use super::imported;
use super::known::{known, note_taken_back};
use super::names::{find, follow_links};
use super::receive::{Whose, place, written_at};
use super::{Batch, thread};
use crate::domain::message::{Amendment, Side};
use crate::domain::{
    Author, Contact, ContactId, Content, Conversation, Direction, EventKind, Message, PendingChange, Seq,
    Timestamp, Wamid, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::op::{Amend, OpOutcome, Receive};
use crate::store::row::{MessageRef, Seen};

pub(super) fn amend(batch: &mut Batch<'_>, amend: &Amend) -> Result<OpOutcome, StoreError> {
    let notice = &amend.notice;
    let key = WamidHash::of(&notice.wamid);
    if let Some(seen) = known(batch, &notice.wamid)? {
        return Ok(OpOutcome::Duplicate { at: seen.at });
    }
    let at = written_at(notice, batch.now);
    let until = batch.retention.expiry(at);
    let Some(original) = known(batch, &amend.original)? else {
        return before_its_message(batch, amend);
    };
    let message = match original.at {
        Some(place) => batch.rows.message(place)?,
        None => None,
    };
    let Some(message) = message else {
        // It is over, or erased: so is what changes it.
        batch.put_seen(key, Seen { at: None }, until)?;
        return Ok(OpOutcome::Unchanged);
    };
    if !wrote(batch, notice, &message)? {
        // Nobody changes what somebody else wrote, as far as is known: it stands by itself.
        return aside(batch, amend);
    }
    let place = MessageRef::of(&message);
    batch.put_seen(key, Seen { at: Some(place) }, until)?;
    let seq = match &amend.change {
        Amendment::Edited(content) => edit(batch, message, [(content, at)])?,
        Amendment::Revoked => take_back(batch, message, at)?,
    };
    Ok(seq.map_or(OpOutcome::Unchanged, |seq| OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    }))
}

/// Gives a message other texts; `None` where nothing is left of it.
fn edit<'a>(
    batch: &mut Batch<'_>,
    mut message: Message,
    versions: impl IntoIterator<Item = (&'a Content, Timestamp)>,
) -> Result<Option<Seq>, StoreError> {
    let conversation = batch.conversation(message.conversation_id)?;
    let (Some(mut conversation), None) = (conversation, message.revoked_at) else {
        return Ok(None);
    };
    let mut news = false;
    for (content, at) in versions {
        let content = content.in_place_of(&message.content);
        if !message.has_said(&content, at) {
            message.edit(content, at);
            news = true;
        }
    }
    if !news {
        return Ok(None);
    }
    conversation.retell(&message);
    tell(batch, EventKind::MessageChanged, &mut message, &conversation)
}

/// Forgets what a message says; `None` where nothing is left of it.
fn take_back(batch: &mut Batch<'_>, mut message: Message, at: Timestamp) -> Result<Option<Seq>, StoreError> {
    let conversation = batch.conversation(message.conversation_id)?;
    let (Some(mut conversation), None) = (conversation, message.revoked_at) else {
        return Ok(None);
    };
    conversation.leave_unread(&message.told);
    thread::leave_unread(batch, &message)?;
    forget(batch, &mut message, &conversation)?;
    if let Some(wamid) = &message.wamid {
        note_taken_back(batch, wamid)?;
    }
    message.revoke(at);
    conversation.retell(&message);
    tell(batch, EventKind::MessageRevoked, &mut message, &conversation)
}

/// Writes a message that changed where it stands, and tells agents.
fn tell(
    batch: &mut Batch<'_>,
    kind: EventKind,
    message: &mut Message,
    conversation: &Conversation,
) -> Result<Option<Seq>, StoreError> {
    let expires = batch.retention.expiry(message.created);
    batch
        .change_message(kind, message, conversation, None, expires)
        .map(Some)
}

/// Meta promises no order: what is changed may come later. Until then the change stands for it, under its name.
fn before_its_message(batch: &mut Batch<'_>, amend: &Amend) -> Result<OpOutcome, StoreError> {
    let notice = &amend.notice;
    let until = batch.retention.expiry(written_at(notice, batch.now));
    let is_revoked = amend.change == Amendment::Revoked;
    if is_revoked {
        note_taken_back(batch, &amend.original)?;
    }
    let mut outcome = stand(batch, amend, &amend.original)?;
    let at = match &outcome {
        OpOutcome::Committed { at, .. } => *at,
        _ => None,
    };
    batch.put_seen(WamidHash::of(&notice.wamid), Seen { at }, until)?;
    if is_revoked && let Some(told) = imported::told(batch, &amend.original)? {
        batch.erase_event(told)?;
        if let (OpOutcome::Committed { seq, .. }, Some(at)) = (&mut outcome, at) {
            *seq = tell_revoked(batch, at)?.unwrap_or(*seq);
        }
    }
    Ok(outcome)
}

/// Tells that something was taken out of the log, so that nobody keeps a copy of it.
fn tell_revoked(batch: &mut Batch<'_>, at: MessageRef) -> Result<Option<Seq>, StoreError> {
    let message = batch.rows.message(at)?;
    let conversation = batch.conversation(at.conversation)?;
    let (Some(mut message), Some(conversation)) = (message, conversation) else {
        return Ok(None);
    };
    let kind = EventKind::MessageRevoked;
    tell(batch, kind, &mut message, &conversation)
}

/// The author of what would be changed is not known to be who asks: it waits until they turn out to be one person.
fn aside(batch: &mut Batch<'_>, amend: &Amend) -> Result<OpOutcome, StoreError> {
    let outcome = stand(batch, amend, &amend.notice.wamid)?;
    if let OpOutcome::Committed { at: Some(at), .. } = &outcome
        && let Some(change) = batch.rows.message(*at)?
    {
        await_author(batch, &change, WamidHash::of(&amend.original))?;
    }
    Ok(outcome)
}

/// A change stands as a message, under a name.
fn stand(batch: &mut Batch<'_>, amend: &Amend, under: &Wamid) -> Result<OpOutcome, StoreError> {
    let (content, whose) = match &amend.change {
        Amendment::Edited(content) => (content.in_place_of(&Content::revoked()), Whose::Edited),
        Amendment::Revoked => (Content::revoked(), Whose::Revoked),
    };
    let change = Receive {
        wamid: under.clone(),
        content,
        ..amend.notice.clone()
    };
    place(batch, &change, whose)
}

/// A message came for which a change by somebody else stood: the change stands by itself from now on.
pub(super) fn give_way(
    batch: &mut Batch<'_>,
    mut change: Message,
    original: &Receive,
) -> Result<(), StoreError> {
    change.wamid = None;
    batch
        .rows
        .put_message(&change, batch.retention.expiry(change.created))?;
    await_author(batch, &change, WamidHash::of(&original.wamid))
}

/// Keeps a customer's change with who asked for it.
fn await_author(batch: &mut Batch<'_>, change: &Message, original: WamidHash) -> Result<(), StoreError> {
    if change.direction != Direction::Inbound {
        return Ok(());
    }
    let Some(mut asker) = follow_links(batch.rows, author(change))? else {
        return Ok(());
    };
    let pending = PendingChange {
        original,
        conversation: change.conversation_id,
        message: change.id,
        retention: batch.retention,
    };
    asker.await_author(pending, batch.now);
    batch.put_contact(&asker)
}

/// Makes those changes of a person that are to messages which turned out to be theirs.
pub(super) fn change_as_asked(batch: &mut Batch<'_>, person: &mut Contact) -> Result<(), StoreError> {
    for pending in std::mem::take(&mut person.pending) {
        if !is_done(batch, person.id, &pending)? {
            person.pending.push(pending);
        }
    }
    Ok(())
}

/// Makes a change if its message is a person's; says whether nothing of it is left to do.
fn is_done(batch: &mut Batch<'_>, person: ContactId, pending: &PendingChange) -> Result<bool, StoreError> {
    let stands = MessageRef {
        conversation: pending.conversation,
        message: pending.message,
    };
    let original = batch.rows.seen(pending.original)?.and_then(|seen| seen.at);
    let (Some(change), Some(original)) = (batch.rows.message(stands)?, original) else {
        return Ok(true);
    };
    let Some(message) = batch.rows.message(original)? else {
        return Ok(true);
    };
    let is_theirs = message.direction == Direction::Inbound
        && message.number == change.number
        && follow_links(batch.rows, author(&message))?.is_some_and(|author| author.id == person);
    if !is_theirs {
        return Ok(false);
    }
    if let Some(at) = change.revoked_at {
        take_back(batch, message, at)?;
        return Ok(true);
    }
    let at = change.edited_at.unwrap_or(change.created);
    let earlier = change
        .versions
        .iter()
        .map(|version| (&version.content, version.at));
    let versions = earlier.chain([(&change.content, at)]);
    edit(batch, message, versions)?;
    // What it says stands in its message, and goes with that.
    take_back(batch, change, at)?;
    Ok(true)
}

/// Which customer wrote a message.
const fn author(message: &Message) -> ContactId {
    match &message.author {
        Author::Member { id, .. } => *id,
        _ => message.contact_id,
    }
}

/// Whether a message is the one's who says to change it, or what it says.
pub(super) fn wrote(batch: &mut Batch<'_>, notice: &Receive, message: &Message) -> Result<bool, StoreError> {
    if message.number != notice.number {
        return Ok(false);
    }
    match (notice.by, message.direction) {
        (Side::Business, direction) => return Ok(direction == Direction::Outbound),
        (Side::Customer, Direction::Inbound) => {}
        (Side::Customer, _) => return Ok(false),
    }
    let Some(author) = follow_links(batch.rows, author(message))? else {
        return Ok(false);
    };
    Ok(find(batch, &notice.aliases, notice.at)?.has(author.id))
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
        batch.erase_event(seq)?;
    }
    if message.delivery.is_some() {
        batch.rows.remove_outbox(&message.number, message.id)?;
    }
    Ok(())
}
