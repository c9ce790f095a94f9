//! A tenant's rows as one batch sees them.
//!
//! What an op changes is decided by a function that does not wait. So a batch is evaluated on what is at hand; rows that
//! are missing read as absent and are noted, then all of them are fetched together and the batch is evaluated afresh, until
//! nothing is missing. Only that last evaluation counts.

use std::collections::HashMap;

use super::cell::{Cell, Kept, Key, Listed, Row};
use super::change::{Change, EventRow};
use super::written::{Writes, Written};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Event, Message,
    MessageId, PhoneNumberId, Seq, TenantId, Timestamp, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::row::{Idempotency, MessageRef, OutboxRow, Rows, Seen};

/// One evaluation of a batch.
pub(super) struct View<'a> {
    tenant: TenantId,
    now: Timestamp,
    at_hand: &'a HashMap<Key, Cell>,
    written: HashMap<Key, Cell>,
    /// Keys in the order in which they were first written, so that a commit's rows have one order.
    order: Vec<Key>,
    missing: Vec<Key>,
    events: Vec<EventRow>,
    events_until: Timestamp,
}

impl<'a> View<'a> {
    /// Begins an evaluation on what is at hand. `events_until` is the expiry of the newest event so far.
    pub(super) fn new(
        tenant: TenantId,
        now: Timestamp,
        events_until: Timestamp,
        at_hand: &'a HashMap<Key, Cell>,
    ) -> Self {
        Self {
            tenant,
            now,
            at_hand,
            written: HashMap::new(),
            order: Vec::new(),
            missing: Vec::new(),
            events: Vec::new(),
            events_until,
        }
    }

    /// What would have to be at hand for the evaluation to count.
    pub(super) fn take_missing(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.missing)
    }

    /// What the batch wrote.
    pub(super) fn finish(mut self) -> Written {
        let mut writes = Writes::default();
        for key in self.order {
            if let Some(cell) = self.written.remove(&key) {
                let before = self.at_hand.get(&key).and_then(Option::as_ref);
                if let Key::Contact(id) = key {
                    writes.change_terms(self.tenant, id, before, cell.as_ref());
                }
                writes.put_over(before, key, cell);
            }
        }
        let events = self.events.into_iter();
        writes
            .changes
            .extend(events.map(|event| Change::Event(Box::new(event))));
        Written {
            writes,
            events_until: self.events_until,
        }
    }

    fn get(&mut self, key: Key) -> Cell {
        if let Some(cell) = self.written.get(&key).or_else(|| self.at_hand.get(&key)) {
            return cell.clone();
        }
        self.missing.push(key);
        None
    }

    fn put(&mut self, key: Key, cell: Cell) {
        if self.written.insert(key.clone(), cell).is_none() {
            self.order.push(key);
        }
    }

    /// Removes a contact, as it stands now.
    pub(super) fn drop_contact(&mut self, id: ContactId) {
        if self.get(Key::Contact(id)).is_some() {
            self.put(Key::Contact(id), None);
        }
    }

    /// Until when a message may be read, if that is at hand.
    fn expiry(&self, at: MessageRef) -> Option<Timestamp> {
        let key = Key::Message(at);
        match self.written.get(&key).or_else(|| self.at_hand.get(&key))? {
            Some(Row::Message(kept)) => Some(kept.expires),
            _ => None,
        }
    }
}

impl Rows for View<'_> {
    fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        Ok(match self.get(Key::Conversation(id)) {
            Some(Row::Conversation(listed)) => Some(listed.row),
            _ => None,
        })
    }

    fn put_conversation(&mut self, row: &Conversation) -> Result<(), StoreError> {
        let before = match self.get(Key::Conversation(row.id)) {
            Some(Row::Conversation(listed)) => Some(listed),
            _ => None,
        };
        let of_message = MessageRef::shown_by(row).and_then(|at| self.expiry(at));
        let until = of_message.or_else(|| {
            before
                .filter(|before| before.row.last_message_id == row.last_message_id)
                .and_then(|before| before.preview_until)
        });
        let listed = Listed {
            row: row.clone(),
            preview_until: until,
        };
        self.put(
            Key::Conversation(row.id),
            Some(Row::Conversation(Box::new(listed))),
        );
        Ok(())
    }

    fn message(&mut self, at: MessageRef) -> Result<Option<Message>, StoreError> {
        Ok(match self.get(Key::Message(at)) {
            Some(Row::Message(kept)) if self.now < kept.expires => Some(kept.row),
            _ => None,
        })
    }

    fn put_message(&mut self, row: &Message, expires: Timestamp) -> Result<(), StoreError> {
        let kept = Kept {
            row: row.clone(),
            expires,
        };
        let at = MessageRef::of(row);
        self.put(Key::Message(at), Some(Row::Message(Box::new(kept))));
        Ok(())
    }

    fn seen(&mut self, key: WamidHash) -> Result<Option<Seen>, StoreError> {
        Ok(match self.get(Key::Seen(key)) {
            Some(Row::Seen(seen, expires)) if self.now < expires => Some(seen),
            _ => None,
        })
    }

    fn put_seen(&mut self, key: WamidHash, seen: Seen, expires: Timestamp) -> Result<(), StoreError> {
        self.put(Key::Seen(key), Some(Row::Seen(seen, expires)));
        Ok(())
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(match self.get(Key::Contact(id)) {
            Some(Row::Contact(row)) => Some(*row),
            _ => None,
        })
    }

    fn put_contact(&mut self, row: &Contact) -> Result<(), StoreError> {
        // What it was tells where it stands no more.
        self.get(Key::Contact(row.id));
        self.put(Key::Contact(row.id), Some(Row::Contact(Box::new(row.clone()))));
        Ok(())
    }

    fn alias(&mut self, alias: &Alias) -> Result<Option<ContactId>, StoreError> {
        Ok(match self.get(Key::Alias(alias.key(self.tenant))) {
            Some(Row::Alias(contact)) => Some(contact),
            _ => None,
        })
    }

    fn put_alias(&mut self, alias: &Alias, contact: ContactId) -> Result<(), StoreError> {
        self.put_alias_key(alias.key(self.tenant), contact)
    }

    fn put_alias_key(&mut self, key: [u8; 16], contact: ContactId) -> Result<(), StoreError> {
        self.put(Key::Alias(key), Some(Row::Alias(contact)));
        Ok(())
    }

    fn idempotency(&mut self, key: [u8; 16]) -> Result<Option<Idempotency>, StoreError> {
        Ok(match self.get(Key::Idempotency(key)) {
            Some(Row::Idempotency(row, expires)) if self.now < expires => Some(row),
            _ => None,
        })
    }

    fn put_idempotency(
        &mut self,
        key: [u8; 16],
        row: Idempotency,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.put(Key::Idempotency(key), Some(Row::Idempotency(row, expires)));
        Ok(())
    }

    fn outbox(
        &mut self,
        number: &PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        Ok(match self.get(Key::Outbox(number.clone(), message)) {
            Some(Row::Outbox(row)) => Some(*row),
            _ => None,
        })
    }

    fn put_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        let key = Key::Outbox(row.number.clone(), row.at.message);
        self.put(key, Some(Row::Outbox(Box::new(row.clone()))));
        Ok(())
    }

    fn remove_outbox(&mut self, number: &PhoneNumberId, message: MessageId) -> Result<(), StoreError> {
        self.put(Key::Outbox(number.clone(), message), None);
        Ok(())
    }

    fn tally(&mut self, broadcast: BroadcastId) -> Result<Option<BroadcastTally>, StoreError> {
        Ok(match self.get(Key::Tally(broadcast)) {
            Some(Row::Tally(row, expires)) if self.now < expires => Some(*row),
            _ => None,
        })
    }

    fn put_tally(&mut self, row: &BroadcastTally, expires: Timestamp) -> Result<(), StoreError> {
        let cell = Row::Tally(Box::new(row.clone()), expires);
        self.put(Key::Tally(row.broadcast), Some(cell));
        Ok(())
    }

    fn put_event(&mut self, event: &Event, expires: Timestamp) -> Result<(), StoreError> {
        // A later event never expires before an earlier one, so that what is readable has no holes.
        let expires = expires.max(self.events_until);
        self.events_until = expires;
        self.events.push(EventRow::new(event, expires)?);
        Ok(())
    }

    fn event(&mut self, seq: Seq) -> Result<Option<Event>, StoreError> {
        if let Some(row) = self.events.iter().find(|row| row.seq == seq) {
            return Ok(Some(row.event()));
        }
        Ok(match self.get(Key::Event(seq)) {
            Some(Row::Event(event, expires)) if self.now < expires => Some(*event),
            _ => None,
        })
    }

    fn erase_event(&mut self, seq: Seq) -> Result<(), StoreError> {
        if let Some(row) = self.events.iter_mut().find(|row| row.seq == seq) {
            *row = EventRow::new(&Event::erased(seq, row.at), row.expires)?;
        } else if let Some(Row::Event(event, expires)) = self.get(Key::Event(seq)) {
            let erased = Event::erased(seq, event.at);
            self.events.push(EventRow::new(&erased, expires)?);
            self.put(Key::Event(seq), Some(Row::Event(Box::new(erased), expires)));
        }
        Ok(())
    }
}
