//! How an event shows its conversation and the people in it: whole where a client may not have them, else only what changed.
//!
//! A client that read the rows at one position and applied all events after it must end with what the rows are then. So every
//! change of a conversation is told, and an op ends by telling what no event of its own told.

use std::time::Duration;

use serde::Serialize;

use super::Batch;
use super::names::follow_links;
use super::organise::conversation_changed;
use crate::domain::message::Via;
use crate::domain::{
    Author, Contact, ContactId, Conversation, ConversationChanges, ConversationId, ConversationStatus,
    EventKind, Message, MessageId, PhoneNumberId, Seq, Timestamp,
};
use crate::store::erasure::member_of;
use crate::store::error::StoreError;

/// A client reads the conversations of the newest activity when it starts. One that was quiet for this long may stand further
/// down than it read: when such a one stirs it comes whole, so that the client need not ask for each of them.
const QUIET: Duration = Duration::from_mins(10);

/// The rows that an op looked at or wrote, as far as events have to tell of them.
#[derive(Default)]
pub(super) struct Touched {
    conversations: Vec<Known>,
    contacts: Vec<ContactId>,
    /// The cards that stay, of customers of whom one was written.
    merged: Vec<ContactId>,
    /// Conversations that the op began: the number of each, and the contact.
    begun: Vec<(PhoneNumberId, ContactId)>,
    log: Log,
}

/// What the op did to events of earlier ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Log {
    #[default]
    Whole,
    /// It erased some. Whoever reads the log from now on misses what they told, so that changes are not enough for them.
    HasErased,
}

/// A conversation as clients know it.
struct Known {
    id: ConversationId,
    /// As it stood before the op, or as the last event about it told; nothing where it is new.
    row: Option<Conversation>,
    /// Whether it was written since.
    is_behind: bool,
}

/// What an event tells beside the conversation.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) message: Option<&'a Message>,
    /// What stood for the message until now.
    pub(super) instead_of: Option<MessageId>,
    /// Who changed the conversation.
    pub(super) by: Option<&'a Author>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<&'a Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_changes: Option<ConversationChanges<'a>>,
    /// The customer or the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<Contact>,
    /// Who wrote the message in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<Contact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_of: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Author>,
}

impl Batch<'_> {
    /// A conversation, to be changed.
    pub(super) fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let row = self.rows.conversation(id)?;
        if self.touched.known(id).is_none() {
            self.touched.conversations.push(Known {
                id,
                row: row.clone(),
                is_behind: false,
            });
        }
        Ok(row)
    }

    /// Writes a conversation, of which an event has to tell.
    pub(super) fn put_conversation(&mut self, row: &Conversation) -> Result<(), StoreError> {
        if self.touched.known(row.id).is_none() {
            self.conversation(row.id)?;
        }
        if let Some(known) = self.touched.known(row.id) {
            known.is_behind = true;
            let was_seen = known.row.as_ref().is_some_and(|before| !before.is_unlisted);
            if !was_seen && !row.is_unlisted {
                self.touched.begun.push((row.number.clone(), row.contact_id));
            }
        }
        self.rows.put_conversation(row)
    }

    /// Writes a contact. The events of this op about its conversation carry it.
    pub(super) fn put_contact(&mut self, row: &Contact) -> Result<(), StoreError> {
        if !self.touched.contacts.contains(&row.id) {
            self.touched.contacts.push(row.id);
        }
        self.note_merged(row);
        self.rows.put_contact(row)
    }

    fn note_merged(&mut self, row: &Contact) {
        if row.is_merged() && !self.touched.merged.contains(&row.shown_under()) {
            self.touched.merged.push(row.shown_under());
        }
    }

    /// The cards under which customers are shown of whom the op wrote one that was merged.
    pub(super) fn merged_cards(&self) -> Vec<ContactId> {
        self.touched.merged.clone()
    }

    /// Notes on contacts on which numbers they have conversations since this op: it is found by them. Nobody is told of it.
    pub(super) fn note_numbers(&mut self) -> Result<(), StoreError> {
        for (number, contact) in std::mem::take(&mut self.touched.begun) {
            let person = follow_links(self.rows, contact)?;
            if let Some(mut row) = person.filter(|row| row.group_id.is_none())
                && row.talk_on(&number)
            {
                self.rows.put_contact(&row)?;
                self.note_merged(&row);
            }
        }
        Ok(())
    }

    /// A contact as it is shown: with what is noted on the card that stays.
    pub(super) fn shown_as_card(&mut self, row: Contact) -> Result<Contact, StoreError> {
        let Some(main) = row.merged_into else {
            return Ok(row.shown());
        };
        Ok(match self.rows.contact(main)? {
            Some(card) => row.shown_as(&card).shown(),
            None => row.shown(),
        })
    }

    /// Erases an event of an earlier op.
    pub(super) fn erase_event(&mut self, seq: Seq) -> Result<(), StoreError> {
        self.touched.log = Log::HasErased;
        self.rows.erase_event(seq)
    }

    /// Takes note that clients know a conversation as it is now: the event that told them was of another form.
    pub(super) fn told(&mut self, row: &Conversation) {
        if let Some(known) = self.touched.known(row.id) {
            known.row = Some(row.clone());
            known.is_behind = false;
        }
    }

    /// Commits an event about a conversation that is written already.
    pub(super) fn emit_about(
        &mut self,
        expires: Timestamp,
        kind: EventKind,
        row: &Conversation,
        about: About<'_>,
    ) -> Result<Seq, StoreError> {
        if self.touched.known(row.id).is_none() {
            self.conversation(row.id)?;
        }
        let before = self.touched.known(row.id).and_then(|known| known.row.take());
        let is_imported = about
            .message
            .is_some_and(|message| message.via == Some(Via::History));
        let log = self.touched.log;
        let changed_since = before
            .as_ref()
            // One that stood in no list is news to all.
            .filter(|before| log == Log::Whole && !before.is_unlisted)
            .filter(|before| is_known(before, row, self.now) || is_imported);
        let is_whole = changed_since.is_none();
        let message = about.message.map(|message| message.id);
        let conversation = is_whole.then(|| shown_with(row, message));
        let member = about.message.and_then(member_of);
        let is_other_contact = changed_since.is_none_or(|before| before.contact_id != row.contact_id);
        let shown = Shown {
            message: about.message,
            conversation: conversation.as_ref(),
            conversation_changes: changed_since.map(|before| row.changes_since(before, message)),
            contact: self.shown_contact(Some(row.contact_id), is_other_contact)?,
            member: self.shown_contact(member, is_whole)?,
            instead_of: about.instead_of,
            by: about.by,
        };
        let seq = self.emit_until(expires, kind, Some(row.id), &shown)?;
        self.told(row);
        Ok(seq)
    }

    /// A contact as an event shows it: where it may be news, and when the op wrote it.
    fn shown_contact(
        &mut self,
        id: Option<ContactId>,
        may_be_news: bool,
    ) -> Result<Option<Contact>, StoreError> {
        match id {
            Some(id) if may_be_news || self.touched.contacts.contains(&id) => {
                let row = self.rows.contact(id)?;
                row.map(|row| self.shown_as_card(row)).transpose()
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Tells what changed about conversations and no event told: an op may be refused after it brought threads together.
    pub(super) fn tell_the_rest(&mut self) -> Result<(), StoreError> {
        for id in self.touched.behind() {
            let Some(row) = self.rows.conversation(id)?.filter(|row| !row.is_unlisted) else {
                continue;
            };
            let known = self.touched.known(id).and_then(|known| known.row.as_ref());
            if known.is_none_or(|known| !row.changes_since(known, None).is_empty()) {
                conversation_changed(self, &row, &Author::Contact)?;
            }
        }
        Ok(())
    }
}

impl Touched {
    fn known(&mut self, id: ConversationId) -> Option<&mut Known> {
        self.conversations.iter_mut().find(|known| known.id == id)
    }

    fn behind(&self) -> Vec<ConversationId> {
        let behind = self.conversations.iter().filter(|known| known.is_behind);
        behind.map(|known| known.id).collect()
    }
}

/// Whether clients may be taken to have a conversation, as it was before: one that is opened or was quiet is news to some.
fn is_known(before: &Conversation, row: &Conversation, now: Timestamp) -> bool {
    let opens = before.status != ConversationStatus::Open && row.status == ConversationStatus::Open;
    !opens && now < before.last_activity.after(QUIET)
}

/// A whole conversation as an event shows it that is about this message, or about none: what another message says stands in
/// that one's events alone, so that it can be taken out of them.
pub(super) fn shown_with(row: &Conversation, message: Option<MessageId>) -> Conversation {
    let mut shown = row.clone();
    if message.is_none() || row.last_message_id != message {
        shown.preview = None;
    }
    shown
}
