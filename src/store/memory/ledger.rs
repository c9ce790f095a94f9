//! One tenant in memory: who may write, where the ledger stands, and what is asked of its rows.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::rows::{Overlay, Tables, Timed};
use crate::domain::{
    Alias, ContactId, Conversation, ConversationId, Event, Fence, Links, Message, MessageId, PhoneNumberId,
    Seq, TenantId, Term, TermPlace, Timestamp,
};
use crate::store::error::StoreError;
use crate::store::room::Room;
use crate::store::row::{ClaimOutcome, ClaimWant, OutboxRow};
use crate::store::{
    Append, Appended, ConversationCursor, ConversationFilter, EventPage, ListOrder, Page, TenantHead, derive,
};

/// A tenant whose ledger was opened.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) tables: Tables,
    fence: Fence,
    pub(super) at: TenantHead,
}

impl Ledger {
    /// A new ledger.
    pub(super) fn new(at: TenantHead, fence: Fence) -> Self {
        Self {
            tables: Tables::default(),
            fence,
            at,
        }
    }

    /// Takes over writing.
    pub(super) fn open(&mut self, fence: Fence) -> Result<TenantHead, StoreError> {
        if fence < self.fence {
            return Err(StoreError::fenced());
        }
        self.fence = fence;
        Ok(self.at)
    }

    pub(super) fn admit(&self, fence: Fence) -> Result<(), StoreError> {
        derive::admit(self.fence, fence)
    }

    pub(super) fn append(&mut self, batch: &Append) -> Result<Appended, StoreError> {
        self.admit(batch.fence)?;
        let mut rows = Overlay::new(batch.tenant, batch.now, &self.tables);
        let appended = derive::append(batch, self.at.head, &mut rows)?;
        let changes = rows.finish();
        self.tables.take(changes);
        self.at.head = appended.head;
        Ok(appended)
    }

    pub(super) fn claim(
        &mut self,
        tenant: TenantId,
        fence: Fence,
        wants: &[ClaimWant],
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        self.admit(fence)?;
        let mut rows = Overlay::new(tenant, now, &self.tables);
        let outcomes = derive::claims((tenant, fence), now, wants, &mut rows)?;
        let changes = rows.finish();
        self.tables.take(changes);
        Ok(outcomes)
    }

    pub(super) fn events_after(&self, after: Seq, limit: usize, now: Timestamp) -> EventPage {
        let live = |timed: &Timed<Event>| timed.live(now).cloned();
        let oldest = self.tables.events.values().find_map(live);
        let events = self
            .tables
            .events
            .range((Bound::Excluded(after), Bound::Unbounded));
        let mut room = Room::of(limit);
        EventPage {
            events: events
                .filter_map(|(_, timed)| live(timed))
                .take_while(|event| room.take(event.json.len()))
                .collect(),
            oldest: oldest.map_or(self.at.head.next(), |event| event.seq),
            head: self.at.head,
        }
    }

    pub(super) fn page_messages(
        &self,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        let first = (conversation, MessageId::from_bytes([0; 16]));
        let end = match before {
            Some(before) => Bound::Excluded((conversation, before)),
            None => Bound::Included((conversation, MessageId::from_bytes([u8::MAX; 16]))),
        };
        let rows = self.tables.messages.range((Bound::Included(first), end));
        let rows = rows.rev().filter_map(|(_, timed)| timed.live(now));
        Room::of(limit).page(rows.cloned().map(Ok), |row| row.content.bytes())
    }

    pub(super) fn page_conversations(
        &self,
        filter: &ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<Page<Conversation>, StoreError> {
        let mut rows: Vec<&Conversation> = self
            .tables
            .conversations
            .values()
            .filter(|row| !row.is_unlisted)
            .filter(|row| filter.status.is_none_or(|status| row.status == status))
            .filter(|row| filter.number.as_ref().is_none_or(|number| row.number == *number))
            .filter(|row| after.is_none_or(|after| ConversationCursor::of(row) < after))
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(ConversationCursor::of(row)));
        Room::of(limit).page(rows.into_iter().cloned().map(Ok), |_| 0)
    }

    pub(super) fn page_term(
        &self,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError> {
        let under = |place: &&(Term, TermPlace)| place.0 == term;
        let first = (
            term,
            TermPlace {
                order: Vec::new(),
                contact: ContactId::from_bytes([0; 16]),
            },
        );
        let next = |(_, place): &(Term, TermPlace)| Ok(place.clone());
        let room = Room::of(limit);
        let terms = &self.tables.terms;
        match order {
            ListOrder::Ascending => {
                let from = after.map_or(Bound::Included(first), |after| Bound::Excluded((term, after)));
                let rows = terms.range((from, Bound::Unbounded));
                room.page(rows.take_while(under).map(next), |_| 0)
            }
            ListOrder::Descending => {
                let end = after.map_or(Bound::Unbounded, |after| Bound::Excluded((term, after)));
                let rows = terms.range((Bound::Included(first), end)).rev();
                room.page(rows.skip_while(|place| place.0 > term).map(next), |_| 0)
            }
        }
    }

    pub(super) fn by_alias(&self, tenant: TenantId, alias: &Alias) -> Option<ContactId> {
        let mut at = *self.tables.aliases.get(&alias.key(tenant))?;
        let mut links = Links::default();
        while let Some(next) = links.after(self.tables.contacts.get(&at)?) {
            at = next;
        }
        Some(at)
    }

    pub(super) fn has_outbox(&self) -> bool {
        !self.tables.outbox.is_empty()
    }

    pub(super) fn outbox(
        &self,
        number: &PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Vec<OutboxRow> {
        let start = after.map_or(
            Bound::Included((number.clone(), MessageId::from_bytes([0; 16]))),
            |after| Bound::Excluded((number.clone(), after)),
        );
        let rows = self.tables.outbox.range((start, Bound::Unbounded));
        rows.take_while(|((of, _), _)| of == number)
            .map(|(_, row)| row.clone())
            .take(limit)
            .collect()
    }

    /// Removes expired rows, at most `limit`.
    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut left = limit;
        drop_expired(&mut self.tables.events, now, &mut left);
        for message in drop_expired(&mut self.tables.messages, now, &mut left) {
            self.tables.end_events(&message.told);
            self.tables
                .fall_back(message.conversation_id, message.id, |left| {
                    left.live(now).is_some()
                });
        }
        drop_expired(&mut self.tables.seen, now, &mut left);
        drop_expired(&mut self.tables.idempotency, now, &mut left);
        drop_expired(&mut self.tables.tallies, now, &mut left);
        limit - left
    }
}

fn drop_expired<K: Ord + Clone, T>(
    table: &mut BTreeMap<K, Timed<T>>,
    now: Timestamp,
    left: &mut usize,
) -> Vec<T> {
    let gone: Vec<T> = table
        .extract_if(.., |_, timed| timed.live(now).is_none())
        .take(*left)
        .map(|(_, timed)| timed.row)
        .collect();
    *left -= gone.len();
    gone
}
