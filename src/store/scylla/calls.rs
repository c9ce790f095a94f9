//! The store's calls: each is refused at once when too many are under way, and leads to the part that does it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::cell::{Key, Row};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Fence,
    JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace, Timestamp,
    WamidHash,
};
use crate::store::retention::Place;
use crate::store::row::{Seen, outbound_key};
use crate::store::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, Forwarded, ForwardedPage, JournalBacklog, JournalEntry, KeyHash,
    ListOrder, Mark, MessageRef, Number, OutboxRow, Page, Partition, PlainExport, PlainKey, PlainValue,
    ProcessId, ProcessState, Quarantined, Record, RecordKind, RetentionJob, Sharing, Store, StoreError,
    Survey, Swept, Tenant, TenantHead, TenantOwner,
};

/// Aliases looked up at once.
const TOGETHER: usize = 8;

#[async_trait]
impl Store for ScyllaStore {
    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.journal_put(entry).await
    }

    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let _permit = self.permit()?;
        self.journal_waiting(after, limit).await
    }

    async fn journal_read(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        self.journal_among(ids).await
    }

    async fn journal_backlog(&self) -> Result<JournalBacklog, StoreError> {
        let _permit = self.permit()?;
        self.count_waiting().await
    }

    async fn journal_done(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.journal_drop(ids).await
    }

    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.put_aside(item).await
    }

    async fn quarantined(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let _permit = self.permit()?;
        self.aside(after, limit, now).await
    }

    async fn quarantine_remove(&self, id: JournalId) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.drop_aside(id).await
    }

    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh_epoch: Epoch,
    ) -> Result<TenantHead, StoreError> {
        let _permit = self.permit()?;
        self.open_ledger(tenant, fence, fresh_epoch).await
    }

    async fn tenant_head(&self, _tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
        // Another gateway may own it by now, and rows of its last commit may still be on their way: who takes it over writes
        // those first.
        Ok(None)
    }

    async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        let _permit = self.permit()?;
        self.append_batch(batch).await
    }

    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let _permit = self.permit()?;
        self.read_events(tenant, after, limit, now).await
    }

    async fn message(
        &self,
        tenant: TenantId,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        let _permit = self.permit()?;
        let kept = self.load_message(tenant, at).await?;
        Ok(kept.filter(|kept| now < kept.expires).map(|kept| kept.row))
    }

    async fn find_outbound(
        &self,
        tenant: TenantId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRef>, StoreError> {
        let _permit = self.permit()?;
        let found = self.load_seen(tenant, outbound_key(message)).await?;
        Ok(found
            .filter(|(_, expires)| now < *expires)
            .and_then(|(seen, _)| seen.at))
    }

    async fn page_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        let _permit = self.permit()?;
        self.history(tenant, conversation, before, limit, now).await
    }

    async fn seen(
        &self,
        tenant: TenantId,
        keys: Vec<WamidHash>,
        now: Timestamp,
    ) -> Result<Vec<Option<Seen>>, StoreError> {
        let _permit = self.permit()?;
        let mut found = self
            .load(tenant, keys.iter().copied().map(Key::Seen).collect())
            .await?;
        let mut seen = |key| match found.remove(&Key::Seen(key)).flatten() {
            Some(Row::Seen(seen, expires)) if now < expires => Some(seen),
            _ => None,
        };
        Ok(keys.into_iter().map(&mut seen).collect())
    }

    async fn broadcast_tally(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<BroadcastTally>, StoreError> {
        let _permit = self.permit()?;
        let found = self.load_tally(tenant, broadcast).await?;
        Ok(found.filter(|(_, expires)| now < *expires).map(|(row, _)| row))
    }

    async fn conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let _permit = self.permit()?;
        if let Some(known) = self.recall_conversation(tenant, conversation) {
            return Ok(Some(known));
        }
        let listed = self.load_conversation(tenant, conversation).await?;
        Ok(listed.map(|listed| listed.row))
    }

    async fn conversations(
        &self,
        tenant: TenantId,
        ids: Vec<ConversationId>,
    ) -> Result<Vec<Option<Conversation>>, StoreError> {
        let _permit = self.permit()?;
        self.load_conversations(tenant, &ids).await
    }

    async fn page_conversations(
        &self,
        tenant: TenantId,
        filter: ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let _permit = self.permit()?;
        self.list(tenant, &filter, after, limit).await
    }

    async fn contact(&self, tenant: TenantId, contact: ContactId) -> Result<Option<Contact>, StoreError> {
        let _permit = self.permit()?;
        self.load_contact(tenant, contact).await
    }

    async fn contacts(
        &self,
        tenant: TenantId,
        ids: Vec<ContactId>,
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        let _permit = self.permit()?;
        self.load_contacts(tenant, &ids).await
    }

    async fn page_term(
        &self,
        tenant: TenantId,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError> {
        let _permit = self.permit()?;
        self.places_of_term(tenant, term, after, order, limit).await
    }

    async fn contacts_by_alias(
        &self,
        tenant: TenantId,
        aliases: Vec<Alias>,
    ) -> Result<Vec<Option<ContactId>>, StoreError> {
        let _permit = self.permit()?;
        futures_util::stream::iter(aliases)
            .map(|alias| async move { self.resolve(tenant, &alias).await })
            .buffered(TOGETHER)
            .try_collect()
            .await
    }

    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        let _permit = self.permit()?;
        self.grant_claims(tenant, fence, wants, now).await
    }

    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let _permit = self.permit()?;
        self.unsettled(tenant, &number, after, limit).await
    }

    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let _permit = self.permit()?;
        let row = self.load_one(tenant, &Key::Outbox(number, message)).await?;
        Ok(row.and_then(Row::outbox))
    }

    async fn put_tenant(&self, tenant: Tenant) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.write_tenant(&tenant).await
    }

    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError> {
        let _permit = self.permit()?;
        let tenants = self.tenants_with_unsettled().await?;
        self.had_by_no_other(tenants).await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let _permit = self.permit()?;
        self.one_tenant(id).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let _permit = self.permit()?;
        self.all_tenants().await
    }

    async fn put_number(&self, number: Number) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.write_number(&number).await
    }

    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError> {
        let _permit = self.permit()?;
        self.one_number(&id).await
    }

    async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        let _permit = self.permit()?;
        self.all_numbers().await
    }

    async fn numbers_version(&self) -> Result<i64, StoreError> {
        let _permit = self.permit()?;
        self.read_numbers_version().await
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.write_key(&key).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let _permit = self.permit()?;
        self.read_key(hash).await
    }

    async fn keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let _permit = self.permit()?;
        self.keys_of(tenant).await
    }

    async fn plain_row(&self, key: PlainKey, now: Timestamp) -> Result<Option<PlainValue>, StoreError> {
        let _permit = self.permit()?;
        self.read_plain(&key, now).await
    }

    async fn plain_rows(
        &self,
        of: Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
        let _permit = self.permit()?;
        self.page_plain(&of, after, limit, now).await
    }

    async fn replace_plain_row(
        &self,
        key: PlainKey,
        before: Option<Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let _permit = self.permit()?;
        self.replace_plain(&key, before.as_ref(), after.as_ref(), now)
            .await
    }

    async fn export_plain(
        &self,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError> {
        let _permit = self.permit()?;
        self.export_plain_rows(after, limit, now).await
    }

    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        let _permit = self.permit()?;
        let fence = self.next_fence(tenant).await?;
        self.note_owner(tenant, fence).await?;
        Ok(fence)
    }

    async fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        let _permit = self.permit()?;
        Ok(self.read_time().await?.map(|(time, _)| time))
    }

    async fn note_time(&self, now: Timestamp) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.write_time(now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        let _permit = self.permit()?;
        self.sweep_owned(now, limit).await
    }

    async fn erase_contacts(&self, tenant: TenantId, contacts: Vec<ContactId>) -> Result<Swept, StoreError> {
        let _permit = self.permit()?;
        let rows = self.erase(tenant, contacts).await?;
        Ok(Swept { rows, more: false })
    }

    async fn begin_retention(&self, tenant: Tenant, job: RetentionJob) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.begin_change(&tenant, job).await
    }

    async fn retention_jobs(&self) -> Result<Vec<RetentionJob>, StoreError> {
        let _permit = self.permit()?;
        self.read_jobs().await
    }

    async fn step_retention(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        let _permit = self.permit()?;
        self.step_change(tenant, now, limit).await
    }

    async fn survey_retention(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        let _permit = self.permit()?;
        self.survey_change(tenant, to, after, limit, now).await
    }

    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let _permit = self.permit()?;
        self.export_rows(tenant, kind, after, limit, now).await
    }

    async fn import(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let _permit = self.permit()?;
        self.import_rows(tenant, fence, &records, now).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        // Never refused for being busy: busy is not broken.
        self.pulse().await
    }

    async fn others(&self, own: ProcessState) -> Result<BTreeSet<ProcessId>, StoreError> {
        // Nor is this: a process that is busy lives.
        self.other_processes(own).await
    }

    fn sharing(&self) -> Sharing {
        Sharing::WithOthers
    }

    async fn owner(&self, tenant: TenantId) -> Result<Option<TenantOwner>, StoreError> {
        let _permit = self.permit()?;
        self.owner_of(tenant).await
    }

    async fn forward(&self, to: ProcessId, webhooks: Vec<Forwarded>) -> Result<(), StoreError> {
        // It takes its permit when it writes.
        self.forward_to(to, &webhooks).await
    }

    async fn forwarded(&self) -> Result<ForwardedPage, StoreError> {
        let _permit = self.permit()?;
        self.read_forwarded().await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.leave().await
    }
}
