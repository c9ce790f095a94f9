//! The store's calls, each handed to the thread that writes or to those that read.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::codec::{self, NEVER};
use super::engine::Engine;
use super::keys::{self, Kind, Space};
use super::txn::Txn;
use super::writer::Need;
use super::{
    FjallStore, SMALL, directory, events, journal, ledger, pages, plain, reader, retention, rewrite, terms,
    transfer,
};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Fence,
    JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace, Timestamp,
    WamidHash,
};
use crate::store::retention::Place;
use crate::store::row::{Seen, outbound_key};
use crate::store::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, JournalBacklog, JournalEntry, KeyHash, ListOrder, Mark,
    MessageRef, Number, NumberOwner, OutboxRow, Page, Partition, PlainExport, PlainKey, PlainValue,
    Quarantined, Record, RecordKind, RetentionJob, Store, StoreError, Survey, Swept, Tenant, TenantHead,
};

/// Aliases that are looked up on the caller's thread; more are looked up away from it.
const AT_ONCE: usize = 4;

#[async_trait]
impl Store for FjallStore {
    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        self.journal.append(entry).await
    }

    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let found = self.journal.waiting(after, limit)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.reader.away(move |_| journal::read(&found)).await
    }

    async fn journal_read(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        let found = self.journal.these(ids)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.reader.away(move |_| journal::read(&found)).await
    }

    async fn journal_backlog(&self) -> Result<JournalBacklog, StoreError> {
        Ok(self.journal.backlog())
    }

    async fn journal_done(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        self.journal.done(ids).await
    }

    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError> {
        let cost = SMALL + item.body.len();
        let put = move |txn: &mut Txn| directory::quarantine(txn, &item);
        self.writer.write(Need::Durable, cost, put).await
    }

    async fn quarantined(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError> {
        self.reader
            .away(move |engine| pages::quarantined(engine, after, limit, now))
            .await
    }

    async fn quarantine_remove(&self, id: JournalId) -> Result<(), StoreError> {
        let remove = move |txn: &mut Txn| {
            txn.delete(Space::Rows, keys::global(Kind::Quarantine, id.as_bytes()));
            Ok(())
        };
        self.writer.write(Need::MakesRoom, SMALL, remove).await
    }

    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh_epoch: Epoch,
    ) -> Result<TenantHead, StoreError> {
        let open = move |txn: &mut Txn| ledger::open(txn, tenant, fence, fresh_epoch);
        self.writer.write(Need::Durable, SMALL, open).await
    }

    async fn tenant_head(&self, tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
        ledger::head(&self.engine, tenant)
    }

    async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        let cost = ledger::cost(&batch.ops);
        let append = move |txn: &mut Txn| ledger::append(txn, &batch);
        self.writer.write(Need::Durable, cost, append).await
    }

    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let floors = Arc::clone(&self.floors);
        self.reader
            .away(move |engine| events::after(engine, &floors, tenant, after, limit, now))
            .await
    }

    async fn message(
        &self,
        tenant: TenantId,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        let key = keys::message(tenant, at.conversation, at.message);
        self.reader.live_row(Space::Messages, &key, now)
    }

    async fn find_outbound(
        &self,
        tenant: TenantId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRef>, StoreError> {
        let key = keys::row(Kind::Seen, tenant, outbound_key(message).as_bytes());
        let seen: Option<Seen> = self.reader.live_row(Space::Index, &key, now)?;
        Ok(seen.and_then(|seen| seen.at))
    }

    async fn page_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        self.reader
            .away(move |engine| pages::messages(engine, tenant, conversation, before, limit, now))
            .await
    }

    async fn seen(
        &self,
        tenant: TenantId,
        keys: Vec<WamidHash>,
        now: Timestamp,
    ) -> Result<Vec<Option<Seen>>, StoreError> {
        let read = move |engine: &Engine| {
            let seen = |key: &WamidHash| {
                let key = keys::row(Kind::Seen, tenant, key.as_bytes());
                let value = engine.get(Space::Index, &key)?;
                value.map_or(Ok(None), |value| codec::live_row(&value, now))
            };
            keys.iter().map(seen).collect()
        };
        self.reader.away(read).await
    }

    async fn broadcast_tally(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<BroadcastTally>, StoreError> {
        let key = keys::row(Kind::Broadcast, tenant, broadcast.as_bytes());
        self.reader.live_row(Space::Index, &key, now)
    }

    async fn conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        self.reader
            .row(&keys::row(Kind::Conversation, tenant, conversation.as_bytes()))
    }

    async fn conversations(
        &self,
        tenant: TenantId,
        ids: Vec<ConversationId>,
    ) -> Result<Vec<Option<Conversation>>, StoreError> {
        self.reader
            .away(move |engine| pages::conversations_of(engine, tenant, &ids))
            .await
    }

    async fn page_conversations(
        &self,
        tenant: TenantId,
        filter: ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let page = self
            .reader
            .away(move |engine| pages::conversations(engine, tenant, &filter, after, limit));
        Ok(page.await?.into())
    }

    async fn contact(&self, tenant: TenantId, contact: ContactId) -> Result<Option<Contact>, StoreError> {
        self.reader
            .row(&keys::row(Kind::Contact, tenant, contact.as_bytes()))
    }

    async fn contacts(
        &self,
        tenant: TenantId,
        ids: Vec<ContactId>,
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        self.reader
            .away(move |engine| terms::contacts(engine, tenant, &ids))
            .await
    }

    async fn page_term(
        &self,
        tenant: TenantId,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError> {
        self.reader
            .away(move |engine| terms::page(engine, tenant, term, after.as_ref(), order, limit))
            .await
    }

    async fn contacts_by_alias(
        &self,
        tenant: TenantId,
        aliases: Vec<Alias>,
    ) -> Result<Vec<Option<ContactId>>, StoreError> {
        if aliases.len() <= AT_ONCE {
            let found = aliases.iter().map(|alias| self.reader.by_alias(tenant, alias));
            return found.collect();
        }
        self.reader
            .away(move |engine| {
                let found = aliases
                    .iter()
                    .map(|alias| reader::by_alias(engine, tenant, alias));
                found.collect()
            })
            .await
    }

    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        let cost = wants.len() * 1_024;
        let claim = move |txn: &mut Txn| ledger::claim(txn, tenant, fence, &wants, now);
        self.writer.write(Need::Durable, cost, claim).await
    }

    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.reader
            .away(move |engine| pages::outbox(engine, tenant, &number, after, limit))
            .await
    }

    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        self.reader.row(&keys::outbox(tenant, &number, message))
    }

    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError> {
        self.reader.away(pages::tenants_with_outbox).await
    }

    async fn put_tenant(&self, tenant: Tenant) -> Result<(), StoreError> {
        self.put(move |txn| directory::put_tenant(txn, &tenant)).await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.reader
            .row(&keys::global(Kind::Tenant, &id.get().to_be_bytes()))
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.reader
            .away(|engine| pages::all(engine, &keys::global(Kind::Tenant, &[])))
            .await
    }

    async fn put_number(&self, number: Number) -> Result<(), StoreError> {
        self.put(move |txn| directory::put_number(txn, &number)).await
    }

    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError> {
        self.reader
            .row(&keys::global(Kind::Number, id.as_str().as_bytes()))
    }

    async fn number_owners(&self) -> Result<Vec<NumberOwner>, StoreError> {
        self.reader
            .away(|engine| pages::all_of_many(engine, &keys::global(Kind::Number, &[])))
            .await
    }

    async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        self.reader
            .away(|engine| pages::all(engine, &keys::global(Kind::Number, &[])))
            .await
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.put(move |txn| directory::put_key(txn, &key)).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.reader.row(&keys::global(Kind::Key, &hash.0))
    }

    async fn keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        self.reader
            .away(move |engine| pages::api_keys(engine, tenant))
            .await
    }

    async fn plain_row(&self, key: PlainKey, now: Timestamp) -> Result<Option<PlainValue>, StoreError> {
        let stored = self
            .engine
            .get(Space::Rows, &keys::plain(&key.partition, &key.sort))?;
        stored.map_or(Ok(None), |value| plain::read(&value, now))
    }

    async fn plain_rows(
        &self,
        of: Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
        self.reader
            .away(move |engine| plain::page(engine, &of, after, limit, now))
            .await
    }

    async fn replace_plain_row(
        &self,
        key: PlainKey,
        before: Option<Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (need, bytes) = match &after {
            Some(value) => (Need::Durable, value.body.len()),
            None => (Need::MakesRoom, 0),
        };
        let replace = move |txn: &mut Txn| plain::replace(txn, &key, before.as_ref(), after.as_ref(), now);
        self.writer.write(need, SMALL + bytes, replace).await
    }

    async fn export_plain(
        &self,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError> {
        self.reader
            .away(move |engine| plain::export(engine, after.as_ref(), limit, now))
            .await
    }

    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        self.writer
            .write(Need::Durable, SMALL, move |txn| directory::lease(txn, tenant))
            .await
    }

    async fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.reader.row(&keys::global(Kind::Time, &[]))
    }

    async fn note_time(&self, now: Timestamp) -> Result<(), StoreError> {
        let note = move |txn: &mut Txn| {
            let now = codec::json(NEVER, &now)?;
            txn.put(Space::Rows, keys::global(Kind::Time, &[]), now);
            Ok(())
        };
        // One row, written over and over. A start needs it: where there is little room it serves reads all the same.
        self.writer.write(Need::MakesRoom, SMALL, note).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.sweep_once(now, limit).await
    }

    async fn shorten_replay(&self) -> Result<(), StoreError> {
        self.reader.away(rewrite::keep_little_in_memory).await
    }

    async fn erase_contacts(&self, tenant: TenantId, contacts: Vec<ContactId>) -> Result<Swept, StoreError> {
        let rows = self.erase(tenant, contacts).await?;
        Ok(Swept { rows, more: false })
    }

    async fn begin_retention(&self, tenant: Tenant, job: RetentionJob) -> Result<(), StoreError> {
        self.put(move |txn| retention::begin(txn, &tenant, &job)).await
    }

    async fn retention_jobs(&self) -> Result<Vec<RetentionJob>, StoreError> {
        self.reader
            .away(|engine| pages::all(engine, &keys::global(Kind::Retention, &[])))
            .await
    }

    async fn step_retention(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        self.step(tenant, now, limit).await
    }

    async fn survey_retention(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        self.reader
            .away(move |engine| retention::survey(engine, tenant, to, after, limit, now))
            .await
    }

    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        self.reader
            .away(move |engine| transfer::export(engine, tenant, kind, after.as_ref(), limit, now))
            .await
    }

    async fn import(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cost = records.iter().map(Record::size).sum();
        let import = move |txn: &mut Txn| transfer::import(txn, tenant, fence, &records, now);
        self.writer.write(Need::Durable, cost, import).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.guard.look()?;
        self.journal.queue.health()?;
        self.writer.queue.health()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.write_all_out().await
    }
}
