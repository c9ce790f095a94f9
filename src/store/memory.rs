//! A store in memory: for tests, for trying things out, and as the model that the other backends are compared with.
//!
//! Honest in everything but durability. One short lock, never held across an await.

mod erase;
mod ledger;
mod plain;
mod retention;
mod rows;
mod state;
mod sweep;
mod transfer;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use self::ledger::Ledger;
use self::state::{State, values_after};
use super::retention::Place;
use super::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, JournalEntry, KeyHash, ListOrder, Mark, MessageRef, Number,
    OutboxRow, Page, Partition, PlainExport, PlainKey, PlainValue, Quarantined, Record, RecordKind,
    RetentionJob, Store, StoreError, Survey, Swept, Tenant, TenantHead,
};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Fence,
    JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace, Timestamp,
    WamidHash,
};
use crate::store::row::{Seen, outbound_key};

/// A store that is gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic while the lock was held left whole rows behind: nothing is ever half-written outside a batch's overlay.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from a tenant's ledger; there is nothing in one that nobody opened.
    fn read<T: Default>(&self, tenant: TenantId, read: impl FnOnce(&Ledger) -> T) -> T {
        self.state().ledgers.get(&tenant).map(read).unwrap_or_default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        self.state().journal.insert(entry.id, entry);
        Ok(())
    }

    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(values_after(&self.state().journal, after, limit))
    }

    async fn journal_read(&self, mut ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        let state = self.state();
        ids.sort_unstable();
        let entries = ids.iter().filter_map(|id| state.journal.get(id));
        Ok(entries.cloned().collect())
    }

    async fn journal_done(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        let mut state = self.state();
        for id in ids {
            state.journal.remove(&id);
        }
        Ok(())
    }

    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError> {
        self.state().quarantine.insert(item.id, item);
        Ok(())
    }

    async fn quarantined(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError> {
        // Kept until a sweep, and not shown.
        let mut items = values_after(&self.state().quarantine, after, usize::MAX);
        items.retain(|item| now < item.until());
        items.truncate(limit);
        Ok(items)
    }

    async fn quarantine_remove(&self, id: JournalId) -> Result<(), StoreError> {
        self.state().quarantine.remove(&id);
        Ok(())
    }

    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh_epoch: Epoch,
    ) -> Result<TenantHead, StoreError> {
        let fresh = TenantHead {
            epoch: fresh_epoch,
            head: Seq::default(),
        };
        let mut state = self.state();
        let ledger = state
            .ledgers
            .entry(tenant)
            .or_insert_with(|| Ledger::new(fresh, fence));
        ledger.open(fence)
    }

    async fn tenant_head(&self, tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
        Ok(self.read(tenant, |ledger| Some(ledger.at)))
    }

    async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        self.state().ledger(batch.tenant)?.append(&batch)
    }

    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        Ok(ledger.map_or_else(EventPage::of_no_ledger, |ledger| {
            ledger.events_after(after, limit, now)
        }))
    }

    async fn message(
        &self,
        tenant: TenantId,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        Ok(self.read(tenant, |ledger| {
            let row = ledger.tables.messages.get(&(at.conversation, at.message))?;
            row.live(now).cloned()
        }))
    }

    async fn find_outbound(
        &self,
        tenant: TenantId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRef>, StoreError> {
        Ok(self.read(tenant, |ledger| {
            let row = ledger.tables.seen.get(&outbound_key(message))?;
            row.live(now)?.at
        }))
    }

    async fn page_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        ledger.map_or_else(
            || Ok(Page::empty()),
            |ledger| ledger.page_messages(conversation, before, limit, now),
        )
    }

    async fn seen(
        &self,
        tenant: TenantId,
        keys: Vec<WamidHash>,
        now: Timestamp,
    ) -> Result<Vec<Option<Seen>>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        let read = |key| ledger?.tables.seen.get(key)?.live(now).copied();
        Ok(keys.iter().map(read).collect())
    }

    async fn broadcast_tally(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<BroadcastTally>, StoreError> {
        Ok(self.read(tenant, |ledger| {
            ledger.tables.tallies.get(&broadcast)?.live(now).cloned()
        }))
    }

    async fn conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        Ok(self.read(tenant, |ledger| {
            ledger.tables.conversations.get(&conversation).cloned()
        }))
    }

    async fn conversations(
        &self,
        tenant: TenantId,
        ids: Vec<ConversationId>,
    ) -> Result<Vec<Option<Conversation>>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        let read = |id| ledger.and_then(|ledger| ledger.tables.conversations.get(id).cloned());
        Ok(ids.iter().map(read).collect())
    }

    async fn page_conversations(
        &self,
        tenant: TenantId,
        filter: ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        let page = ledger.map(|ledger| ledger.page_conversations(&filter, after, limit));
        Ok(page.unwrap_or_else(|| Ok(Page::empty()))?.into())
    }

    async fn contact(&self, tenant: TenantId, contact: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.read(tenant, |ledger| ledger.tables.contacts.get(&contact).cloned()))
    }

    async fn contacts(
        &self,
        tenant: TenantId,
        ids: Vec<ContactId>,
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        let read = |id| ledger.and_then(|ledger| ledger.tables.contacts.get(id).cloned());
        Ok(ids.iter().map(read).collect())
    }

    async fn page_term(
        &self,
        tenant: TenantId,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        ledger.map_or_else(
            || Ok(Page::empty()),
            |ledger| ledger.page_term(term, after, order, limit),
        )
    }

    async fn contacts_by_alias(
        &self,
        tenant: TenantId,
        aliases: Vec<Alias>,
    ) -> Result<Vec<Option<ContactId>>, StoreError> {
        let state = self.state();
        let ledger = state.ledgers.get(&tenant);
        let find = |alias| ledger.and_then(|ledger| ledger.by_alias(tenant, alias));
        Ok(aliases.iter().map(find).collect())
    }

    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        self.state().ledger(tenant)?.claim(tenant, fence, &wants, now)
    }

    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(self.read(tenant, |ledger| ledger.outbox(&number, after, limit)))
    }

    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        Ok(self.read(tenant, |ledger| {
            ledger.tables.outbox.get(&(number, message)).cloned()
        }))
    }

    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError> {
        let state = self.state();
        let some = state.ledgers.iter().filter(|(_, ledger)| ledger.has_outbox());
        Ok(some.map(|(tenant, _)| *tenant).collect())
    }

    async fn put_tenant(&self, tenant: Tenant) -> Result<(), StoreError> {
        self.state().tenants.insert(tenant.id, tenant);
        Ok(())
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        Ok(self.state().tenants.get(&id).cloned())
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        Ok(self.state().tenants.values().cloned().collect())
    }

    async fn put_number(&self, number: Number) -> Result<(), StoreError> {
        let mut state = self.state();
        let holder = state.numbers.get(&number.id).map(|held| held.tenant);
        if holder.is_some_and(|holder| holder != number.tenant) {
            return Err(StoreError::number_taken());
        }
        state.numbers.insert(number.id.clone(), number);
        state.numbers_version += 1;
        Ok(())
    }

    async fn numbers_version(&self) -> Result<i64, StoreError> {
        Ok(self.state().numbers_version)
    }

    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError> {
        Ok(self.state().numbers.get(&id).cloned())
    }

    async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        Ok(self.state().numbers.values().cloned().collect())
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.state().keys.insert(key.hash, key);
        Ok(())
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.state().keys.get(&hash).cloned())
    }

    async fn keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let state = self.state();
        let keys = state.keys.values().filter(|key| key.tenant == tenant);
        Ok(keys.cloned().collect())
    }

    async fn plain_row(&self, key: PlainKey, now: Timestamp) -> Result<Option<PlainValue>, StoreError> {
        Ok(self.state().plain.get(&key, now).cloned())
    }

    async fn plain_rows(
        &self,
        of: Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
        self.state().plain.page(&of, after, limit, now)
    }

    async fn replace_plain_row(
        &self,
        key: PlainKey,
        before: Option<Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.state().plain.replace(key, before.as_ref(), after, now)
    }

    async fn export_plain(
        &self,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError> {
        self.state().plain.export(after.as_ref(), limit, now)
    }

    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        let mut state = self.state();
        let fence = state.leases.entry(tenant).or_default();
        *fence = fence.saturating_add(1);
        Ok(Fence::new(*fence))
    }

    async fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().time)
    }

    async fn note_time(&self, now: Timestamp) -> Result<(), StoreError> {
        self.state().time = Some(now);
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        Ok(self.state().sweep(now, limit))
    }

    async fn erase_contacts(&self, tenant: TenantId, contacts: Vec<ContactId>) -> Result<Swept, StoreError> {
        self.erase(tenant, contacts).await
    }

    async fn begin_retention(&self, tenant: Tenant, job: RetentionJob) -> Result<(), StoreError> {
        let mut state = self.state();
        state.jobs.insert(tenant.id, job);
        state.tenants.insert(tenant.id, tenant);
        Ok(())
    }

    async fn retention_jobs(&self) -> Result<Vec<RetentionJob>, StoreError> {
        Ok(self.state().jobs.values().cloned().collect())
    }

    async fn step_retention(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        Ok(self.state().step(tenant, now, limit))
    }

    async fn survey_retention(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        Ok(self.read(tenant, |ledger| ledger.tables.survey(to, after, limit, now)))
    }

    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let exported = self.read(tenant, |ledger| {
            Some(ledger.export(kind, after.as_ref(), limit, now))
        });
        exported.unwrap_or_else(|| Ok(Exported::default()))
    }

    async fn import(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.state().ledger(tenant)?.import(tenant, fence, &records, now)
    }

    async fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
