//! What belongs to one customer, for erasing it.
//!
//! Erased are the customer's contact and the contacts that lead to it, their aliases, conversations, messages and unsettled
//! messages, what it wrote in groups, rows of plain tables about it, and the bodies of events about them. What is seen only once keeps its digest until it
//! expires, without its place, so that a webhook that Meta repeats cannot bring the customer back. What was put aside goes
//! where it names the customer, unless it is about a number of another tenant. Out of reach are webhooks that are not applied
//! yet: whoever erases a customer waits for them.

mod broadcasts;

use std::collections::{BTreeSet, HashSet};

use crate::crash::{self, CrashPoint};
use crate::domain::{
    Author, Contact, ContactId, Conversation, ConversationId, Event, Message, PhoneNumberId, TenantId,
    Timestamp, WamidHash,
};

use super::error::StoreError;
use super::plain::{Partition, PlainTable};
use super::row::outbound_key;
use super::tables::{ALL, Copied, Erasure, MediaErased, MediaFile, Subject as Whose, Table};
use super::{Number, Store};

/// Elements that were put aside, looked at together.
const LOOKED_AT: usize = 64;

/// How what an index row names belongs to a contact. These rows find all of a customer's; each backend has letters or numbers
/// of its own for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belonging {
    /// An alias of the contact.
    Alias,
    /// A contact that leads to it.
    Link,
    /// Its conversation.
    Conversation,
    /// A group's conversation in which it wrote.
    Membership,
}

impl Belonging {
    /// Every way.
    pub(super) const ALL: [Self; 4] = [Self::Alias, Self::Link, Self::Conversation, Self::Membership];
}

/// One customer, under all contacts and in all conversations.
#[derive(Debug, Clone, Default)]
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
    /// Adds a contact that was looked up by its id, with its row, unless that is gone already. Gives those that are to be looked
    /// up still: the one to which it leads, and further cards of the same customer.
    pub(super) fn add_contact(&mut self, id: ContactId, row: Option<&Contact>) -> Vec<ContactId> {
        self.contacts.insert(id);
        self.names.insert(id.to_string().into_bytes());
        let Some(row) = row else {
            return Vec::new();
        };
        for alias in row.aliases().strongest_first() {
            self.names.insert(alias.value.as_bytes().to_vec());
        }
        for bsuid in &row.bsuids {
            self.names.insert(bsuid.as_bytes().to_vec());
        }
        for former in &row.former {
            self.names.insert(former.value.as_bytes().to_vec());
        }
        let cards = row.merged.iter().map(|card| card.contact_id);
        let further = row.linked_to.into_iter().chain(row.merged_into).chain(cards);
        further.filter(|person| !self.contacts.contains(person)).collect()
    }

    /// Adds what belongs to one of its contacts. Gives a contact that is to be looked up still.
    pub(super) fn add_belonging(&mut self, what: Belonging, reference: [u8; 16]) -> Option<ContactId> {
        match what {
            Belonging::Alias => {}
            Belonging::Link => {
                let linked = ContactId::from_bytes(reference);
                return Some(linked).filter(|linked| !self.contacts.contains(linked));
            }
            Belonging::Conversation => {
                self.conversations.insert(ConversationId::from_bytes(reference));
            }
            Belonging::Membership => {
                self.groups.insert(ConversationId::from_bytes(reference));
            }
        }
        None
    }

    /// Whether more belongs to it than was known before.
    pub(super) fn has_more_than(&self, before: &Self) -> bool {
        (self.contacts.len(), self.conversations.len(), self.groups.len())
            != (
                before.contacts.len(),
                before.conversations.len(),
                before.groups.len(),
            )
    }

    /// Whether an event tells anything of the customer.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        match event.conversation {
            Some(conversation) if self.conversations.contains(&conversation) => true,
            Some(conversation) if !self.groups.contains(&conversation) => false,
            _ => self.is_named_in(&event.json),
        }
    }

    fn is_named_in(&self, json: &[u8]) -> bool {
        texts(json).any(|text| self.names.contains(text))
    }

    /// Removes what was put aside of the customer. Comes first: only its rows tell by which names it went.
    pub(super) async fn forget_aside(
        &self,
        store: &dyn Store,
        tenant: TenantId,
    ) -> Result<usize, StoreError> {
        let numbers = store.numbers().await?;
        let others = numbers.iter().filter(|number: &&Number| number.tenant != tenant);
        let others: HashSet<&[u8]> = others.map(|number| text_of(&number.id)).collect();
        // Expired ones, too, as long as they stand there.
        let beginning = Timestamp::from_millis(i64::MIN);
        let mut rows = 0;
        let mut after = None;
        loop {
            let some = store.quarantined(after, LOOKED_AT, beginning).await?;
            for item in &some {
                if self.is_named_in(&item.body) && !texts(&item.body).any(|text| others.contains(text)) {
                    store.quarantine_remove(item.id).await?;
                    rows += 1;
                }
            }
            match some.last() {
                Some(last) if some.len() == LOOKED_AT => after = Some(last.id),
                _ => return Ok(rows),
            }
        }
    }

    /// Removes the customer's rows of plain tables, which stand with its contacts. Comes before what finds those contacts goes.
    pub(super) async fn forget_plain(
        &self,
        store: &dyn Store,
        tenant: TenantId,
    ) -> Result<usize, StoreError> {
        // Expired ones, too, as long as they stand there.
        let beginning = Timestamp::from_millis(i64::MIN);
        let is_theirs = |table: &&&'static Table| {
            table.subject == Whose::Contact
                && table.copied == Copied::Plain
                && table.erasure == Erasure::Removed
        };
        let mut rows = self.leave_broadcasts(store, tenant).await?;
        crash::point(CrashPoint::MidErasure);
        self.note_files(store, tenant).await?;
        for table in ALL.iter().filter(is_theirs) {
            for contact in &self.contacts {
                let of = Partition::of_contact(table, tenant, *contact);
                let mut after = None;
                loop {
                    let page = store.plain_rows(of.clone(), after, LOOKED_AT, beginning).await?;
                    after = page.items.last().map(|(sort, _)| sort.clone());
                    for (sort, value) in page.items {
                        let key = of.clone().row(&sort);
                        let removed = store.replace_plain_row(key, Some(value.body), None, beginning);
                        rows += usize::from(removed.await?);
                    }
                    if !page.more {
                        break;
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Writes down whose files have bytes that are to go: these stand elsewhere, and nothing leads to them once their rows are gone.
    async fn note_files(&self, store: &dyn Store, tenant: TenantId) -> Result<(), StoreError> {
        let beginning = Timestamp::from_millis(i64::MIN);
        for contact in &self.contacts {
            let files = MediaFile::of_owner(tenant, contact.as_bytes());
            if store
                .plain_rows(files, None, 1, beginning)
                .await?
                .items
                .is_empty()
            {
                continue;
            }
            let erased = MediaErased { contact: *contact };
            let key = MediaErased::at(tenant, *contact);
            // One that stands there says the same.
            PlainTable::of(store, beginning)
                .replace(&key, None, Some(&erased))
                .await?;
        }
        Ok(())
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
        .chain(message.broadcast.map(|recipient| recipient.key()))
        .collect()
}

/// The texts of a JSON document, and what is between them: a name is a whole text, never part of a longer one, and has
/// nothing in it that JSON writes in another way.
fn texts(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    json.split(|byte| *byte == b'"')
}

fn text_of(number: &PhoneNumberId) -> &[u8] {
    number.as_str().as_bytes()
}
