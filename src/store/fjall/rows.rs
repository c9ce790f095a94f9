//! One tenant's rows as a batch sees them, and the indexes that are kept beside them.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{self, NEVER};
use super::keys::{self, Expiring, Key, Kind, Space};
use super::txn::{Decoded, Txn};
use super::{erase, rewrite, terms};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Event, Message,
    MessageId, PhoneNumberId, Seq, TenantId, Timestamp, WamidHash,
};
use crate::store::ConversationCursor;
use crate::store::erasure::{Belonging, member_of};
use crate::store::error::StoreError;
use crate::store::row::{Idempotency, MessageRef, OutboxRow, Rows, Seen};

/// The rows of one tenant during one batch.
pub(super) struct TenantRows<'a> {
    tenant: TenantId,
    now: Timestamp,
    txn: &'a mut Txn,
    /// Where the conversations that were read stand in the list; `None` for those that are not there.
    listed: HashMap<ConversationId, Listed>,
    /// Until when the messages that were read may be read.
    until: HashMap<MessageRef, Timestamp>,
    events_until: Timestamp,
}

/// Where a conversation stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Listed {
    /// There is none yet.
    New,
    /// In no list.
    Nowhere,
    /// Here.
    At(Key),
}

impl<'a> TenantRows<'a> {
    /// Begins a batch. `events_until` is the expiry of the newest event so far.
    pub(super) fn new(tenant: TenantId, now: Timestamp, events_until: Timestamp, txn: &'a mut Txn) -> Self {
        Self {
            tenant,
            now,
            txn,
            listed: HashMap::new(),
            until: HashMap::new(),
            events_until,
        }
    }

    /// Expiry of the newest event.
    pub(super) fn events_until(&self) -> Timestamp {
        self.events_until
    }

    fn key(&self, kind: Kind, id: &[u8]) -> Key {
        keys::row(kind, self.tenant, id)
    }

    fn expire(&mut self, at: Timestamp, what: Expiring, row: &Key) {
        let entry = keys::expiring(at, what, row);
        self.txn.put(Space::Expiry, entry, codec::begins(at));
    }

    fn belongs(&mut self, contact: ContactId, what: Belonging, reference: &[u8; 16]) {
        let key = keys::belongs(self.tenant, contact, what, reference);
        self.txn.put(Space::Rows, key, fjall::Slice::from(&[][..]));
    }

    /// Reads what happened once, unless that may be forgotten.
    fn once<T: DeserializeOwned>(&self, kind: Kind, id: &[u8]) -> Result<Option<T>, StoreError> {
        let stored = self.txn.get(Space::Index, &self.key(kind, id))?;
        stored.map_or(Ok(None), |value| codec::live_row(&value, self.now))
    }

    /// Reads a small row and keeps it at hand.
    fn read<T: DeserializeOwned + Clone>(
        &mut self,
        key: Key,
        keep: fn(T) -> Decoded,
    ) -> Result<Option<T>, StoreError> {
        let row: Option<T> = self.txn.row(&key)?;
        if let Some(row) = &row {
            self.txn.keep_decoded(key, keep(row.clone()));
        }
        Ok(row)
    }

    /// Writes a small row and keeps it at hand.
    fn write<T: Serialize + Clone>(
        &mut self,
        key: Key,
        row: &T,
        keep: fn(T) -> Decoded,
    ) -> Result<(), StoreError> {
        self.txn.put(Space::Rows, key.clone(), codec::json(NEVER, row)?);
        self.txn.keep_decoded(key, keep(row.clone()));
        Ok(())
    }

    fn place(&self, row: &Conversation) -> Listed {
        let place = || keys::listed(self.tenant, row.status, ConversationCursor::of(row));
        if row.is_unlisted {
            Listed::Nowhere
        } else {
            Listed::At(place())
        }
    }
}

impl Rows for TenantRows<'_> {
    fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let key = self.key(Kind::Conversation, id.as_bytes());
        let known = match self.txn.decoded(&key) {
            Some(Decoded::Conversation(row)) => Some(row.clone()),
            _ => None,
        };
        let row = match known {
            Some(row) => Some(row),
            None => self.read(key, Decoded::Conversation)?,
        };
        let place = row.as_ref().map_or(Listed::New, |row| self.place(row));
        self.listed.insert(id, place);
        Ok(row)
    }

    fn put_conversation(&mut self, row: &Conversation) -> Result<(), StoreError> {
        if !self.listed.contains_key(&row.id) {
            self.conversation(row.id)?;
        }
        let place = self.place(row);
        let before = self.listed.insert(row.id, place.clone()).unwrap_or(Listed::New);
        if before != place {
            match before {
                Listed::At(before) => self.txn.delete(Space::Rows, before),
                Listed::Nowhere => {}
                Listed::New => self.belongs(row.contact_id, Belonging::Conversation, row.id.as_bytes()),
            }
            if let Listed::At(place) = place {
                let number = fjall::Slice::from(row.number.as_str().as_bytes());
                self.txn.put(Space::Rows, place, number);
            }
        }
        let key = self.key(Kind::Conversation, row.id.as_bytes());
        self.write(key, row, Decoded::Conversation)
    }

    fn message(&mut self, at: MessageRef) -> Result<Option<Message>, StoreError> {
        let key = keys::message(self.tenant, at.conversation, at.message);
        let Some(value) = self.txn.get(Space::Messages, &key)? else {
            return Ok(None);
        };
        self.until.insert(at, codec::expires(&value)?);
        codec::live_row(&value, self.now)
    }

    fn put_message(&mut self, row: &Message, expires: Timestamp) -> Result<(), StoreError> {
        let at = MessageRef::of(row);
        let key = keys::message(self.tenant, at.conversation, at.message);
        let before = self.until.insert(at, expires);
        if before.map(keys::hour) != Some(keys::hour(expires)) {
            self.expire(expires, Expiring::Message, &key);
        }
        self.txn.put(Space::Messages, key, codec::json(expires, row)?);
        if let Some(member) = member_of(row) {
            self.belongs(member, Belonging::Membership, at.conversation.as_bytes());
        }
        Ok(())
    }

    fn seen(&mut self, key: WamidHash) -> Result<Option<Seen>, StoreError> {
        self.once(Kind::Seen, key.as_bytes())
    }

    fn put_seen(&mut self, key: WamidHash, seen: Seen, expires: Timestamp) -> Result<(), StoreError> {
        let key = self.key(Kind::Seen, key.as_bytes());
        self.txn.put(Space::Index, key, codec::json(expires, &seen)?);
        Ok(())
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let key = self.key(Kind::Contact, id.as_bytes());
        match self.txn.decoded(&key) {
            Some(Decoded::Contact(row)) => Ok(Some(row.clone())),
            _ => self.read(key, Decoded::Contact),
        }
    }

    fn put_contact(&mut self, row: &Contact) -> Result<(), StoreError> {
        let before = self.contact(row.id)?;
        terms::change(self.txn, self.tenant, before.as_ref(), Some(row));
        if let Some(linked) = row.linked_to {
            self.belongs(linked, Belonging::Link, row.id.as_bytes());
        }
        let key = self.key(Kind::Contact, row.id.as_bytes());
        self.write(key, row, Decoded::Contact)
    }

    fn alias(&mut self, alias: &Alias) -> Result<Option<ContactId>, StoreError> {
        let key = self.key(Kind::Alias, &alias.key(self.tenant));
        match self.txn.decoded(&key) {
            Some(Decoded::Alias(contact)) => Ok(Some(*contact)),
            _ => self.read(key, Decoded::Alias),
        }
    }

    fn put_alias(&mut self, alias: &Alias, contact: ContactId) -> Result<(), StoreError> {
        self.put_alias_key(alias.key(self.tenant), contact)
    }

    fn put_alias_key(&mut self, name: [u8; 16], contact: ContactId) -> Result<(), StoreError> {
        self.belongs(contact, Belonging::Alias, &name);
        let key = self.key(Kind::Alias, &name);
        self.write(key, &contact, Decoded::Alias)
    }

    fn idempotency(&mut self, key: [u8; 16]) -> Result<Option<Idempotency>, StoreError> {
        self.once(Kind::Idempotency, &key)
    }

    fn put_idempotency(
        &mut self,
        key: [u8; 16],
        row: Idempotency,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.key(Kind::Idempotency, &key);
        self.txn.put(Space::Index, key, codec::json(expires, &row)?);
        Ok(())
    }

    fn outbox(
        &mut self,
        number: &PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        self.txn.row(&keys::outbox(self.tenant, number, message))
    }

    fn put_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        let key = keys::outbox(self.tenant, &row.number, row.at.message);
        self.txn.put(Space::Rows, key, codec::json(NEVER, row)?);
        Ok(())
    }

    fn remove_outbox(&mut self, number: &PhoneNumberId, message: MessageId) -> Result<(), StoreError> {
        let key = keys::outbox(self.tenant, number, message);
        self.txn.delete(Space::Rows, key);
        Ok(())
    }

    fn tally(&mut self, broadcast: BroadcastId) -> Result<Option<BroadcastTally>, StoreError> {
        self.once(Kind::Broadcast, broadcast.as_bytes())
    }

    fn put_tally(&mut self, row: &BroadcastTally, expires: Timestamp) -> Result<(), StoreError> {
        let key = self.key(Kind::Broadcast, row.broadcast.as_bytes());
        self.txn.put(Space::Index, key, codec::json(expires, row)?);
        Ok(())
    }

    fn put_event(&mut self, event: &Event, expires: Timestamp) -> Result<(), StoreError> {
        // A later event never expires before an earlier one, so that what is readable has no holes.
        let expires = expires.max(self.events_until);
        if keys::hour(expires) != keys::hour(self.events_until) {
            self.expire(expires, Expiring::Events, &keys::tenant(self.tenant));
        }
        self.events_until = expires;
        let key = keys::event(self.tenant, event.seq);
        self.txn.put(Space::Events, key, codec::event(expires, event));
        Ok(())
    }

    fn event(&mut self, seq: Seq) -> Result<Option<Event>, StoreError> {
        let stored = self.txn.get(Space::Events, &keys::event(self.tenant, seq))?;
        let Some(value) = stored else { return Ok(None) };
        let live = codec::live(&value, self.now)?;
        live.map(|body| codec::parse_event(seq, body)).transpose()
    }

    fn erase_event(&mut self, seq: Seq) -> Result<(), StoreError> {
        erase::blank_events(self.txn, self.tenant, &[seq])?;
        // Even if the event is over: what it told of stands in the files of messages, too.
        rewrite::mark(self.txn)
    }
}
