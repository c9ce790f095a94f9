//! What belongs to one customer, for erasing it.
//!
//! Erased are the customer's contact and the contacts that lead to it, their aliases, conversations, messages and unsettled
//! messages, what it wrote in groups, and the bodies of events about them. What is seen only once keeps its digest until it
//! expires, without its place, so that a webhook that Meta repeats cannot bring the customer back. Out of reach are webhooks
//! that are not applied yet and elements that were put aside: whoever erases a customer waits for the first and removes the
//! second.

use std::collections::BTreeSet;

use crate::domain::{Author, Contact, ContactId, Conversation, ConversationId, Event, Message, WamidHash};

use super::row::outbound_key;

/// One customer, under all contacts and in all conversations.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The contact and those that lead to it.
    pub(super) contacts: BTreeSet<ContactId>,
    /// Its conversations.
    pub(super) conversations: BTreeSet<ConversationId>,
    /// Conversations of groups in which it wrote.
    pub(super) groups: BTreeSet<ConversationId>,
    names: BTreeSet<Vec<u8>>,
}

impl Subject {
    /// Adds a contact by its id alone, for when its row is gone already.
    pub(super) fn add_id(&mut self, id: ContactId) {
        self.contacts.insert(id);
        self.names.insert(quoted(&id.to_string()));
    }

    /// Adds a contact.
    pub(super) fn add_contact(&mut self, contact: &Contact) {
        self.add_id(contact.id);
        for alias in contact.aliases().strongest_first() {
            self.names.insert(quoted(&alias.value));
        }
        for former in &contact.former {
            self.names.insert(quoted(&former.value));
        }
    }

    /// Whether an event tells anything of the customer.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        match event.conversation {
            Some(conversation) if self.conversations.contains(&conversation) => true,
            Some(conversation) if !self.groups.contains(&conversation) => false,
            _ => self.names.iter().any(|name| contains(&event.json, name)),
        }
    }

    /// Whether it wrote this in a group.
    pub(super) fn wrote(&self, message: &Message) -> bool {
        self.is(&message.author)
    }

    /// Takes out of a group's conversation what it shows of the customer; says whether that was anything.
    pub(super) fn leave(&self, group: &mut Conversation) -> bool {
        let late = group.late_message_by.take_if(|late| self.is(late));
        let last = group.last_message_by.take_if(|last| self.is(last));
        if last.is_some() {
            group.preview = None;
        }
        late.is_some() || last.is_some()
    }

    fn is(&self, author: &Author) -> bool {
        matches!(author, Author::Member { id, .. } if self.contacts.contains(id))
    }
}

/// The group member who wrote a message.
pub(super) fn member_of(message: &Message) -> Option<ContactId> {
    match &message.author {
        Author::Member { id, .. } => Some(*id),
        Author::Contact
        | Author::Agent { .. }
        | Author::Api { .. }
        | Author::BusinessApp
        | Author::OtherApp => None,
    }
}

/// The seen-index entries that lead to a message.
pub(super) fn names_of(message: &Message) -> Vec<WamidHash> {
    message
        .wamid
        .iter()
        .map(WamidHash::of)
        .chain([outbound_key(message.id)])
        .collect()
}

/// As a JSON text: a name is a whole value, never part of a longer one.
fn quoted(name: &str) -> Vec<u8> {
    serde_json::to_vec(name).unwrap_or_default()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}
