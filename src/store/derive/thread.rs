//! Where a person's messages on one number go on: a person may be several contacts that turned out to be one.
//!
//! Each of these may have a conversation. The one that has the history goes on; the messages of the others stay where they are.
//! What counts for the person, such as the service window, and what agents have to do count in the one that goes on.

use super::Batch;
use super::names::follow_links;
use super::organise::conversation_changed;
use crate::domain::{
    Author, Contact, ContactId, Conversation, ConversationId, Message, PhoneNumberId, Timestamp,
};
use crate::store::error::StoreError;

/// The conversations of one person on one number.
#[derive(Default)]
pub(super) struct Threads {
    /// The one that goes on.
    going_on: Option<Conversation>,
    /// The others.
    left: Vec<Conversation>,
}

impl Threads {
    /// Finds them, those of the contact itself first.
    pub(super) fn of(
        batch: &mut Batch<'_>,
        number: &PhoneNumberId,
        contact: &Contact,
    ) -> Result<Self, StoreError> {
        let mut all = Vec::new();
        for id in std::iter::once(&contact.id).chain(&contact.linked) {
            let id = ConversationId::derive(batch.tenant, number, *id);
            all.extend(batch.conversation(id)?);
        }
        // The first of equals: what the customer wrote in is the history, and the older one of it.
        let best = all
            .iter()
            .enumerate()
            .min_by_key(|(_, row)| (row.last_inbound.is_none(), row.created))
            .map(|(place, _)| place);
        let going_on = best.map(|place| all.remove(place));
        Ok(Self { going_on, left: all })
    }

    /// When the customer last wrote in any of them.
    pub(super) fn last_inbound(&self) -> Option<Timestamp> {
        let all = self.going_on.iter().chain(&self.left);
        all.filter_map(|row| row.last_inbound).max()
    }

    /// Whether any of them stands in lists.
    pub(super) fn is_listed(&self) -> bool {
        let mut all = self.going_on.iter().chain(&self.left);
        all.any(|row| !row.is_unlisted)
    }

    /// The one that goes on, or a new one.
    pub(super) fn go_on(
        mut self,
        batch: &mut Batch<'_>,
        number: &PhoneNumberId,
        contact: ContactId,
    ) -> Result<Conversation, StoreError> {
        self.hand_over(batch)?;
        let last_inbound = self.last_inbound();
        let mut row = self.going_on.unwrap_or_else(|| {
            let id = ConversationId::derive(batch.tenant, number, contact);
            Conversation::new(id, number.clone(), contact, batch.now)
        });
        row.contact_id = contact;
        row.last_inbound = last_inbound;
        Ok(row)
    }

    /// Nothing is left to do in those that do not go on.
    fn hand_over(&mut self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let Some(row) = &mut self.going_on else {
            return Ok(());
        };
        for left in &mut self.left {
            if row.succeed(left) {
                batch.put_conversation(left)?;
                batch.put_conversation(row)?;
                conversation_changed(batch, left, &Author::Contact)?;
            }
        }
        Ok(())
    }

    /// Brings them up to date once their contacts turned out to be one person. Says which one goes on, and instead of which:
    /// the event about the contact tells it.
    pub(super) fn join(
        mut self,
        batch: &mut Batch<'_>,
        contact: ContactId,
    ) -> Result<Option<(Conversation, Vec<ConversationId>)>, StoreError> {
        self.hand_over(batch)?;
        let last_inbound = self.last_inbound();
        let Some(mut row) = self.going_on else {
            return Ok(None);
        };
        row.contact_id = contact;
        row.last_inbound = last_inbound;
        batch.put_conversation(&row)?;
        batch.told(&row);
        let mut instead = Vec::with_capacity(self.left.len());
        for mut left in self.left {
            instead.push(left.id);
            left.contact_id = contact;
            batch.put_conversation(&left)?;
            batch.told(&left);
        }
        Ok(Some((row, instead)))
    }
}

/// A message is gone: nobody has to read it any more where its person's messages go on, if that is elsewhere.
pub(super) fn leave_unread(batch: &mut Batch<'_>, message: &Message) -> Result<(), StoreError> {
    let Some(person) = follow_links(batch.rows, message.contact_id)? else {
        return Ok(());
    };
    let threads = Threads::of(batch, &message.number, &person)?;
    let elsewhere = |row: &Conversation| row.id != message.conversation_id;
    if let Some(mut row) = threads.going_on.filter(elsewhere)
        && row.leave_unread(&message.told)
    {
        batch.put_conversation(&row)?;
        conversation_changed(batch, &row, &Author::Contact)?;
    }
    Ok(())
}

/// The conversation in which a contact's messages on a number go on.
pub(super) fn go_on(
    batch: &mut Batch<'_>,
    number: &PhoneNumberId,
    contact: &Contact,
) -> Result<Conversation, StoreError> {
    let threads = Threads::of(batch, number, contact)?;
    threads.go_on(batch, number, contact.id)
}
