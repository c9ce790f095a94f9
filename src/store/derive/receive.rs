//! A message that Meta tells of: a customer's, one that the business wrote elsewhere, or an old one that is imported.

use std::time::Duration;

use super::amend::{change_as_asked, give_way, wrote};
use super::broadcast::answer;
use super::consent::heed;
use super::identity::{self, Sender};
use super::imported::{self, is_placeholder};
use super::known::{is_taken_back, known};
use super::link::tell;
use super::names::follow_links;
use super::organise::conversation_changed;
use super::{Batch, reach, thread};
use crate::domain::message::{Side, Via};
use crate::domain::{
    Author, Contact, ContactAliases, ContentKind, Conversation, ConversationStatus, Direction, EventKind,
    Message, Purpose, Seq, Timestamp, WamidHash,
};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::op::{Called, Naming, OpOutcome, Receive};
use crate::store::row::{MessageRef, Seen, outbound_key};

/// Meta retries for seven days; an older time than that is not believed, nor one that lies ahead.
const OLDEST: Duration = Duration::from_secs(7 * 86_400);
/// How far Meta's clock may be ahead of ours.
pub(super) const AHEAD: Duration = Duration::from_secs(300);

/// What is known of a message that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The message itself.
    Whole,
    /// What it was edited to.
    Edited,
    /// That it was taken back.
    Revoked,
}

pub(super) fn receive(batch: &mut Batch<'_>, receive: &Receive) -> Result<OpOutcome, StoreError> {
    match known(batch, &receive.wamid)? {
        Some(seen) => again(batch, receive, seen),
        // Before anybody knew in which thread it stands.
        None if receive.via == Some(Via::History) && is_taken_back(batch, &receive.wamid)? => {
            Ok(OpOutcome::Unchanged)
        }
        None => place(batch, receive, Whose::Whole),
    }
}

/// A message whose id is known: a repetition, unless it says what is still missing.
fn again(batch: &mut Batch<'_>, receive: &Receive, seen: Seen) -> Result<OpOutcome, StoreError> {
    let duplicate = OpOutcome::Duplicate { at: seen.at };
    let Some(known_at) = seen.at else {
        return Ok(duplicate);
    };
    let Some(mut message) = batch.rows.message(known_at)? else {
        return Ok(duplicate);
    };
    let Some(mut conversation) = batch.conversation(known_at.conversation)? else {
        return Ok(duplicate);
    };
    if message.number != receive.number {
        return Ok(duplicate);
    }
    if message.first_version_missing {
        return if wrote(batch, receive, &message)? {
            original(batch, receive, message, conversation)
        } else {
            // What somebody else says of it does not stand for it.
            if !receive.aliases.is_empty() {
                give_way(batch, message, receive)?;
            }
            place(batch, receive, Whose::Whole)
        };
    }
    let fills = message.revoked_at.is_none()
        && is_placeholder(message.content.kind())
        && !is_placeholder(receive.content.kind());
    if !(fills || is_told_live(&message, receive)) {
        return Ok(duplicate);
    }
    if fills {
        if let Some(mut person) = follow_links(batch.rows, message.contact_id)? {
            heed(batch, &mut person, receive, message.created)?;
        }
        message.content = receive.content.in_place_of(&message.content);
    }
    take_as_live(batch, &mut message, &mut conversation, receive);
    conversation.retell(&message);
    let expires = batch.retention.expiry(message.created);
    let kind = EventKind::MessageChanged;
    let seq = batch.change_message(kind, &mut message, &conversation, None, expires)?;
    Ok(OpOutcome::Committed {
        seq,
        at: seen.at,
        queued: None,
    })
}

/// Whether a message that was imported, or that another program had to answer, is told as one that came to us.
fn is_told_live(message: &Message, receive: &Receive) -> bool {
    message.via.is_some() && receive.via.is_none() && receive.by == Side::Customer
}

/// Then somebody here has to answer.
fn take_as_live(
    batch: &Batch<'_>,
    message: &mut Message,
    conversation: &mut Conversation,
    receive: &Receive,
) {
    if !is_told_live(message, receive) {
        return;
    }
    let was = message.via.take();
    open_window(conversation, receive, None, written_at(receive, batch.now));
    if message.revoked_at.is_none() {
        want_attention(conversation, receive, batch.next_seq());
    }
    if was == Some(Via::History) {
        conversation.take(message, batch.next_seq(), batch.now);
    }
}

/// A message of which a change came before: it takes its own place, and what stood for it leaves.
fn original(
    batch: &mut Batch<'_>,
    receive: &Receive,
    mut stand_in: Message,
    mut conversation: Conversation,
) -> Result<OpOutcome, StoreError> {
    let key = WamidHash::of(&receive.wamid);
    let at = written_at(receive, batch.now);
    if let Some(mut person) = follow_links(batch.rows, stand_in.contact_id)? {
        heed(batch, &mut person, receive, at)?;
    }
    let mut message = Message {
        id: conversation.next_id(at, key.tail()),
        // Its file is another one's by its id, and is fetched for it.
        media: None,
        ..stand_in.clone()
    };
    message.take_first_version(receive.content.clone(), at);
    let place = MessageRef::of(&message);
    if conversation.last_message_id == Some(stand_in.id) {
        let late = conversation
            .late_message_id
            .map(|message| MessageRef { message, ..place });
        let left = late.map(|late| batch.rows.message(late)).transpose()?.flatten();
        conversation.fall_back_to(left.as_ref());
    }
    conversation.late_message_id.take_if(|late| *late == stand_in.id);
    conversation.place(&message);
    take_as_live(batch, &mut message, &mut conversation, receive);
    open_window(&mut conversation, receive, message.via, at);
    stand_in.told.clear();
    stand_in.revoke(batch.now);
    batch.rows.put_message(&stand_in, batch.now)?;
    let expires = batch.retention.expiry(at);
    let seen = Seen { at: Some(place) };
    batch.put_seen(key, seen, expires)?;
    if receive.by == Side::Business {
        for id in [message.id, stand_in.id] {
            batch.put_seen(outbound_key(id), seen, expires)?;
        }
    }
    let (kind, instead_of) = (EventKind::MessageChanged, Some(stand_in.id));
    let seq = batch.change_message(kind, &mut message, &conversation, instead_of, expires)?;
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    })
}

/// Puts a message into its conversation.
pub(super) fn place(batch: &mut Batch<'_>, receive: &Receive, whose: Whose) -> Result<OpOutcome, StoreError> {
    let key = WamidHash::of(&receive.wamid);
    let at = written_at(receive, batch.now);
    let expires = batch.retention.expiry(at);
    if expires <= batch.now {
        // It is over before anybody could read it: nothing of it is kept, and no repetition brings it.
        batch.put_seen(key, Seen { at: None }, expires)?;
        return Ok(OpOutcome::Unchanged);
    }
    if receive.via == Some(Via::History) && receive.aliases.is_empty() {
        return imported::tell(batch, receive);
    }
    let Some(Sender {
        contact: mut person,
        latest,
    }) = person(batch, receive, at)?
    else {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "a message without any name of its sender",
        ));
    };
    if latest && learn_names(&mut person, receive) {
        person.updated = batch.now;
        batch.put_contact(&person)?;
    }
    if whose == Whose::Whole {
        heed(batch, &mut person, receive, at)?;
    }
    if receive.by == Side::Customer {
        reach::wrote(batch, &mut person, at)?;
    }
    let group = match &receive.group {
        Some(group) => identity::addressed(batch, &ContactAliases::of([group.clone()]), Purpose::Other)?,
        None => None,
    };
    let contact = group.as_ref().unwrap_or(&person);
    let mut conversation = thread::go_on(batch, &receive.number, contact)?;
    let id = conversation.id;
    if receive.via == Some(Via::History) && batch.conversation(id)?.is_none() {
        // With an old message it began long ago, and is over.
        conversation.status = ConversationStatus::Resolved;
        conversation.created = at;
        conversation.last_activity = at;
    }
    if whose == Whose::Whole {
        answer(batch, receive, &mut conversation)?;
        open_window(&mut conversation, receive, receive.via, at);
    }
    if whose != Whose::Revoked {
        want_attention(&mut conversation, receive, batch.next_seq());
    }
    let told = if is_placeholder(receive.content.kind()) {
        imported::told(batch, &receive.wamid)?
    } else {
        None
    };
    let content = match told
        .map(|told| imported::said(batch, told))
        .transpose()?
        .flatten()
    {
        Some(said) => said.in_place_of(&receive.content),
        None => receive.content.clone(),
    };
    let direction = match receive.by {
        Side::Customer => Direction::Inbound,
        Side::Business => Direction::Outbound,
    };
    let author = author(receive, group.is_some().then_some(&person));
    let message_id = conversation.next_id(at, key.tail());
    let mut message = Message {
        contact_id: contact.id,
        number: receive.number.clone(),
        wamid: Some(receive.wamid.clone()),
        via: receive.via,
        edited_at: (whose == Whose::Edited).then_some(at),
        first_version_missing: whose != Whose::Whole,
        revoked_at: (whose == Whose::Revoked).then_some(at),
        told: told.into_iter().collect(),
        ..Message::new_in(&conversation, message_id, direction, author, content, at)
    };
    let place = MessageRef::of(&message);
    batch.put_seen(key, Seen { at: Some(place) }, expires)?;
    if receive.by == Side::Business {
        batch.put_seen(outbound_key(message.id), Seen { at: Some(place) }, expires)?;
    }
    match receive.via {
        Some(Via::History) => conversation.take_import(&message),
        _ if receive.content.is_removed_reaction() => {}
        _ => conversation.take(&message, batch.next_seq(), batch.now),
    }
    let seq = batch.add_message(&mut message, &conversation, expires)?;
    if whose == Whose::Whole && person.pending.iter().any(|change| change.original == key) {
        change_as_asked(batch, &mut person)?;
        batch.put_contact(&person)?;
    }
    Ok(OpOutcome::Committed {
        seq,
        at: Some(place),
        queued: None,
    })
}

/// Whom a message is from or to. Only what somebody wrote says by which names it goes.
fn person(batch: &mut Batch<'_>, receive: &Receive, at: Timestamp) -> Result<Option<Sender>, StoreError> {
    match (receive.by, &receive.naming) {
        (Side::Customer, Naming::Current) => identity::sender(batch, &receive.aliases, &receive.number, at),
        (Side::Customer, Naming::Former(to)) => identity::moved(batch, &receive.aliases, to, at),
        (Side::Business, _) => {
            let Some((contact, news)) = identity::mentioned(batch, &receive.aliases, at)? else {
                return Ok(None);
            };
            tell(batch, &contact, &news, Some(&receive.number))?;
            let latest = false;
            Ok(Some(Sender { contact, latest }))
        }
    }
}

fn author(receive: &Receive, member: Option<&Contact>) -> Author {
    match (receive.by, receive.via, member) {
        (Side::Customer, _, None) => Author::Contact,
        (Side::Customer, _, Some(member)) => Author::Member {
            id: member.id,
            name: member.name.clone(),
        },
        (Side::Business, Some(Via::Standby), _) => Author::OtherApp,
        (Side::Business, _, _) => Author::BusinessApp,
    }
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
    let Some(mut caller) = identity::sender(batch, &called.aliases, &called.number, at)? else {
        return Ok(OpOutcome::Unchanged);
    };
    reach::wrote(batch, &mut caller.contact, at)?;
    let mut conversation = thread::go_on(batch, &called.number, &caller.contact)?;
    if conversation.last_inbound >= Some(at) {
        return Ok(OpOutcome::Unchanged);
    }
    conversation.last_inbound = Some(at);
    conversation.last_activity = batch.now;
    conversation.is_unlisted = false;
    batch.put_conversation(&conversation)?;
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

/// Meta's time of a message, as far as it can be true.
pub(super) fn written_at(receive: &Receive, now: Timestamp) -> Timestamp {
    match receive.via {
        // It is older than the connection of the number.
        Some(Via::History) => receive.at.min(now),
        Some(Via::Standby) | None => believable(receive.at, now),
    }
}

/// Opens the service window, if Meta counts the message as the customer writing. That a reaction does is not confirmed, so it
/// does not. A group has none.
fn open_window(conversation: &mut Conversation, receive: &Receive, via: Option<Via>, at: Timestamp) {
    let opens = receive.group.is_none()
        && receive.by == Side::Customer
        && via != Some(Via::History)
        && !matches!(
            receive.content.kind(),
            ContentKind::System | ContentKind::Reaction
        );
    if opens {
        conversation.last_inbound = conversation.last_inbound.max(Some(at));
    }
}

/// Counts a message as unread and opens its conversation, if somebody here should look at it.
fn want_attention(conversation: &mut Conversation, receive: &Receive, seq: Seq) {
    let wants = receive.by == Side::Customer
        && receive.via.is_none()
        && !matches!(receive.content.kind(), ContentKind::System)
        && !receive.content.is_removed_reaction();
    if wants {
        conversation.count_unread(seq);
        if conversation.status == ConversationStatus::Resolved {
            conversation.status = ConversationStatus::Open;
        }
    }
}
