//! What belongs to one customer, for erasing it.
//!
//! Erased are the customer's contact and the contacts that lead to it, their aliases, conversations, messages and unsettled
//! messages, and the bodies of events about them. What is seen only once keeps its digest until it expires, without its
//! place, so that a webhook that Meta repeats cannot bring the customer back. Out of reach are webhooks that are not applied
//! yet and elements that were put aside: whoever erases a customer waits for the first and removes the second.

use std::collections::BTreeSet;

use crate::domain::{Contact, ContactId, ConversationId, Event, Message, WamidHash};

use super::row::outbound_key;

/// One customer, under all contacts and in all conversations.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The contact and those that lead to it.
    pub(super) contacts: BTreeSet<ContactId>,
    /// Its conversations.
    pub(super) conversations: BTreeSet<ConversationId>,
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
    }

    /// Whether an event tells anything of the customer.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        match event.conversation {
            Some(conversation) => self.conversations.contains(&conversation),
            None => self.names.iter().any(|name| contains(&event.json, name)),
        }
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
