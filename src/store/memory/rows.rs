//! One tenant's rows in memory, and a batch's view of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::contact_terms::TermChanges;
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Event, Message,
    MessageId, PhoneNumberId, Seq, TenantId, Term, TermKey, TermPlace, Timestamp, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::row::{Idempotency, MessageRef, OutboxRow, Rows, Seen};

/// A row that may be read until a time.
#[derive(Debug, Clone)]
pub(super) struct Timed<T> {
    pub(super) row: T,
    pub(super) expires: Timestamp,
}

impl<T> Timed<T> {
    /// The row, unless its time is over.
    pub(super) fn live(&self, now: Timestamp) -> Option<&T> {
        (now < self.expires).then_some(&self.row)
    }
}

/// All rows of a tenant.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) events: BTreeMap<Seq, Timed<Event>>,
    pub(super) conversations: BTreeMap<ConversationId, Conversation>,
    pub(super) messages: BTreeMap<(ConversationId, MessageId), Timed<Message>>,
    pub(super) seen: BTreeMap<WamidHash, Timed<Seen>>,
    pub(super) contacts: BTreeMap<ContactId, Contact>,
    pub(super) terms: BTreeSet<(Term, TermPlace)>,
    pub(super) aliases: BTreeMap<[u8; 16], ContactId>,
    pub(super) idempotency: BTreeMap<[u8; 16], Timed<Idempotency>>,
    pub(super) outbox: BTreeMap<(PhoneNumberId, MessageId), OutboxRow>,
    pub(super) tallies: BTreeMap<BroadcastId, Timed<BroadcastTally>>,
    /// Expiry of the newest event: a later one never expires before it, so that what is readable has no holes.
    pub(super) events_until: Timestamp,
}

/// A batch at work: what is stored, below what the batch wrote.
pub(super) struct Overlay<'a> {
    tenant: TenantId,
    now: Timestamp,
    stored: &'a Tables,
    written: Tables,
    settled: BTreeSet<(PhoneNumberId, MessageId)>,
}

impl<'a> Overlay<'a> {
    /// Begins a batch.
    pub(super) fn new(tenant: TenantId, now: Timestamp, stored: &'a Tables) -> Self {
        Self {
            tenant,
            now,
            stored,
            written: Tables {
                events_until: stored.events_until,
                ..Tables::default()
            },
            settled: BTreeSet::new(),
        }
    }

    /// Has events end when they are said to, whatever stands there.
    pub(super) fn ending_as_told(mut self) -> Self {
        self.written.events_until = Timestamp::default();
        self
    }

    /// What the batch wrote.
    pub(super) fn finish(self) -> Changes {
        Changes {
            terms: TermKey::of(self.tenant),
            written: self.written,
            settled: self.settled,
        }
    }
}

/// What a batch wrote.
pub(super) struct Changes {
    terms: TermKey,
    written: Tables,
    settled: BTreeSet<(PhoneNumberId, MessageId)>,
}

impl Tables {
    /// Leaves only the places of events: the message of which they told is gone.
    pub(super) fn end_events(&mut self, told: &[Seq]) {
        for seq in told {
            if let Some(timed) = self.events.get_mut(seq) {
                timed.row = Event::erased(*seq, timed.row.at);
            }
        }
    }

    /// A message is gone: if it was its conversation's last one, the newest that stays takes its place.
    pub(super) fn fall_back(
        &mut self,
        conversation: ConversationId,
        gone: MessageId,
        stays: impl Fn(&Timed<Message>) -> bool,
    ) {
        let Some(row) = self.conversations.get_mut(&conversation) else {
            return;
        };
        if row.last_message_id != Some(gone) {
            return;
        }
        let all = (conversation, MessageId::from_bytes([0; 16]))
            ..=(conversation, MessageId::from_bytes([u8::MAX; 16]));
        let newest = self
            .messages
            .range(all)
            .rev()
            .map(|(_, left)| left)
            .find(|left| stays(left));
        row.fall_back_to(newest.map(|left| &left.row));
    }

    /// Moves a contact to where what it is to become stands, before it becomes that.
    pub(super) fn change_terms(&mut self, key: TermKey, contact: ContactId, after: Option<&Contact>) {
        let changes = TermChanges::between(key, self.contacts.get(&contact), after);
        for place in &changes.removed {
            self.terms.remove(place);
        }
        self.terms.extend(changes.added);
    }

    /// Takes over what a batch wrote.
    pub(super) fn take(&mut self, changes: Changes) {
        let written = changes.written;
        self.events.extend(written.events);
        self.conversations.extend(written.conversations);
        self.messages.extend(written.messages);
        self.seen.extend(written.seen);
        for row in written.contacts.into_values() {
            self.change_terms(changes.terms, row.id, Some(&row));
            self.contacts.insert(row.id, row);
        }
        self.aliases.extend(written.aliases);
        self.idempotency.extend(written.idempotency);
        self.events_until = written.events_until;
        for key in &changes.settled {
            self.outbox.remove(key);
        }
        self.outbox.extend(written.outbox);
        self.tallies.extend(written.tallies);
    }
}

fn live<K: Ord, T: Clone>(
    written: &BTreeMap<K, Timed<T>>,
    stored: &BTreeMap<K, Timed<T>>,
    key: &K,
    now: Timestamp,
) -> Option<T> {
    let row = written.get(key).or_else(|| stored.get(key))?;
    row.live(now).cloned()
}

impl Rows for Overlay<'_> {
    fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let row = self.written.conversations.get(&id);
        Ok(row.or_else(|| self.stored.conversations.get(&id)).cloned())
    }

    fn put_conversation(&mut self, row: &Conversation) -> Result<(), StoreError> {
        self.written.conversations.insert(row.id, row.clone());
        Ok(())
    }

    fn message(&mut self, at: MessageRef) -> Result<Option<Message>, StoreError> {
        let key = (at.conversation, at.message);
        Ok(live(
            &self.written.messages,
            &self.stored.messages,
            &key,
            self.now,
        ))
    }

    fn put_message(&mut self, row: &Message, expires: Timestamp) -> Result<(), StoreError> {
        let row = Timed {
            row: row.clone(),
            expires,
        };
        self.written
            .messages
            .insert((row.row.conversation_id, row.row.id), row);
        Ok(())
    }

    fn seen(&mut self, key: WamidHash) -> Result<Option<Seen>, StoreError> {
        Ok(live(&self.written.seen, &self.stored.seen, &key, self.now))
    }

    fn put_seen(&mut self, key: WamidHash, seen: Seen, expires: Timestamp) -> Result<(), StoreError> {
        self.written.seen.insert(key, Timed { row: seen, expires });
        Ok(())
    }

    fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let row = self.written.contacts.get(&id);
        Ok(row.or_else(|| self.stored.contacts.get(&id)).cloned())
    }

    fn put_contact(&mut self, row: &Contact) -> Result<(), StoreError> {
        self.written.contacts.insert(row.id, row.clone());
        Ok(())
    }

    fn alias(&mut self, alias: &Alias) -> Result<Option<ContactId>, StoreError> {
        let key = alias.key(self.tenant);
        let contact = self.written.aliases.get(&key);
        Ok(contact.or_else(|| self.stored.aliases.get(&key)).copied())
    }

    fn put_alias(&mut self, alias: &Alias, contact: ContactId) -> Result<(), StoreError> {
        self.put_alias_key(alias.key(self.tenant), contact)
    }

    fn put_alias_key(&mut self, key: [u8; 16], contact: ContactId) -> Result<(), StoreError> {
        self.written.aliases.insert(key, contact);
        Ok(())
    }

    fn idempotency(&mut self, key: [u8; 16]) -> Result<Option<Idempotency>, StoreError> {
        Ok(live(
            &self.written.idempotency,
            &self.stored.idempotency,
            &key,
            self.now,
        ))
    }

    fn put_idempotency(
        &mut self,
        key: [u8; 16],
        row: Idempotency,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.written.idempotency.insert(key, Timed { row, expires });
        Ok(())
    }

    fn outbox(
        &mut self,
        number: &PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let key = (number.clone(), message);
        if let Some(row) = self.written.outbox.get(&key) {
            return Ok(Some(row.clone()));
        }
        if self.settled.contains(&key) {
            return Ok(None);
        }
        Ok(self.stored.outbox.get(&key).cloned())
    }

    fn put_outbox(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        let key = (row.number.clone(), row.at.message);
        self.written.outbox.insert(key, row.clone());
        Ok(())
    }

    fn remove_outbox(&mut self, number: &PhoneNumberId, message: MessageId) -> Result<(), StoreError> {
        let key = (number.clone(), message);
        self.written.outbox.remove(&key);
        self.settled.insert(key);
        Ok(())
    }

    fn tally(&mut self, broadcast: BroadcastId) -> Result<Option<BroadcastTally>, StoreError> {
        let (written, stored) = (&self.written.tallies, &self.stored.tallies);
        Ok(live(written, stored, &broadcast, self.now))
    }

    fn put_tally(&mut self, row: &BroadcastTally, expires: Timestamp) -> Result<(), StoreError> {
        let (key, row) = (row.broadcast, row.clone());
        self.written.tallies.insert(key, Timed { row, expires });
        Ok(())
    }

    fn put_event(&mut self, event: &Event, expires: Timestamp) -> Result<(), StoreError> {
        let expires = expires.max(self.written.events_until);
        self.written.events_until = expires;
        let row = Timed {
            row: event.clone(),
            expires,
        };
        self.written.events.insert(event.seq, row);
        Ok(())
    }

    fn event(&mut self, seq: Seq) -> Result<Option<Event>, StoreError> {
        Ok(live(&self.written.events, &self.stored.events, &seq, self.now))
    }

    fn erase_event(&mut self, seq: Seq) -> Result<(), StoreError> {
        let stands = self
            .written
            .events
            .get(&seq)
            .or_else(|| self.stored.events.get(&seq));
        if let Some(Timed { row, expires }) = stands {
            let row = Event::erased(seq, row.at);
            let expires = *expires;
            self.written.events.insert(seq, Timed { row, expires });
        }
        Ok(())
    }
}
