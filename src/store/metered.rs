//! Times and counts every call of a store, whatever keeps the rows.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use ::metrics::Histogram;
use async_trait::async_trait;

use super::retention::Place;
use super::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, JournalBacklog, JournalEntry, KeyHash, Mark, MessageRef, Number,
    NumberOwner, OutboxRow, Page, ProcessId, Quarantined, Record, RecordKind, RetentionJob, Store,
    StoreError, StoreErrorKind, Survey, Swept, Tenant, TenantHead,
};
use crate::domain::{
    Alias, Contact, ContactId, Conversation, ConversationId, Epoch, Fence, JournalId, Message, MessageId,
    PhoneNumberId, Retention, Seq, TenantId, Timestamp,
};
use crate::telemetry::labels::{StoreOp, StoreOutcome};
use crate::telemetry::metrics;

/// A store whose calls are measured.
pub struct Metered {
    inner: Arc<dyn Store>,
    /// Of calls that went well, by operation.
    well: Vec<Histogram>,
}

impl Metered {
    /// Measures the calls of a store.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        let well = StoreOp::ALL.iter();
        Self {
            inner,
            well: well
                .map(|op| metrics::store_op_seconds(*op, StoreOutcome::Ok))
                .collect(),
        }
    }

    async fn measured<T>(
        &self,
        op: StoreOp,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let result = call.await;
        let took = began.elapsed().as_secs_f64();
        let place = StoreOp::ALL.iter().position(|known| *known == op);
        match place.and_then(|place| self.well.get(place)) {
            Some(well) if result.is_ok() => well.record(took),
            _ => metrics::store_op_seconds(op, outcome(&result)).record(took),
        }
        result
    }
}

/// What a result counts as.
fn outcome<T>(result: &Result<T, StoreError>) -> StoreOutcome {
    let Err(error) = result else {
        return StoreOutcome::Ok;
    };
    match error.kind {
        StoreErrorKind::Fenced | StoreErrorKind::HeadMoved | StoreErrorKind::Invalid => StoreOutcome::Refused,
        StoreErrorKind::Unavailable | StoreErrorKind::Overloaded | StoreErrorKind::Full => {
            StoreOutcome::Unavailable
        }
        StoreErrorKind::Unknown => StoreOutcome::Unknown,
        StoreErrorKind::Corrupt => StoreOutcome::Corrupt,
    }
}

#[async_trait]
impl Store for Metered {
    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        self.measured(StoreOp::JournalAppend, self.inner.journal_append(entry))
            .await
    }

    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        self.measured(StoreOp::JournalScan, self.inner.journal_open(after, limit))
            .await
    }

    async fn journal_read(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        self.measured(StoreOp::JournalScan, self.inner.journal_read(ids))
            .await
    }

    async fn journal_backlog(&self) -> Result<JournalBacklog, StoreError> {
        self.measured(StoreOp::JournalScan, self.inner.journal_backlog())
            .await
    }

    async fn journal_done(&self, ids: Vec<JournalId>) -> Result<(), StoreError> {
        self.measured(StoreOp::JournalDone, self.inner.journal_done(ids))
            .await
    }

    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.quarantine(item)).await
    }

    async fn quarantined(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError> {
        self.measured(StoreOp::Read, self.inner.quarantined(after, limit, now))
            .await
    }

    async fn quarantine_remove(&self, id: JournalId) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.quarantine_remove(id))
            .await
    }

    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh_epoch: Epoch,
    ) -> Result<TenantHead, StoreError> {
        let call = self.inner.open_tenant(tenant, fence, fresh_epoch);
        self.measured(StoreOp::OpenTenant, call).await
    }

    async fn tenant_head(&self, tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
        self.measured(StoreOp::Read, self.inner.tenant_head(tenant)).await
    }

    async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        self.measured(StoreOp::Append, self.inner.append(batch)).await
    }

    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let call = self.inner.events_after(tenant, after, limit, now);
        self.measured(StoreOp::Events, call).await
    }

    async fn message(
        &self,
        tenant: TenantId,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        self.measured(StoreOp::Read, self.inner.message(tenant, at, now))
            .await
    }

    async fn find_outbound(
        &self,
        tenant: TenantId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRef>, StoreError> {
        self.measured(StoreOp::Read, self.inner.find_outbound(tenant, message, now))
            .await
    }

    async fn page_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        let call = self.inner.page_messages(tenant, conversation, before, limit, now);
        self.measured(StoreOp::Read, call).await
    }

    async fn conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        self.measured(StoreOp::Read, self.inner.conversation(tenant, conversation))
            .await
    }

    async fn page_conversations(
        &self,
        tenant: TenantId,
        filter: ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let call = self.inner.page_conversations(tenant, filter, after, limit);
        self.measured(StoreOp::Read, call).await
    }

    async fn contact(&self, tenant: TenantId, contact: ContactId) -> Result<Option<Contact>, StoreError> {
        self.measured(StoreOp::Read, self.inner.contact(tenant, contact))
            .await
    }

    async fn contacts_by_alias(
        &self,
        tenant: TenantId,
        aliases: Vec<Alias>,
    ) -> Result<Vec<Option<ContactId>>, StoreError> {
        self.measured(StoreOp::Read, self.inner.contacts_by_alias(tenant, aliases))
            .await
    }

    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        self.measured(StoreOp::Claim, self.inner.claim(tenant, fence, wants, now))
            .await
    }

    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        self.measured(StoreOp::Read, self.inner.outbox(tenant, number, after, limit))
            .await
    }

    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        self.measured(StoreOp::Read, self.inner.outbox_row(tenant, number, message))
            .await
    }

    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError> {
        self.measured(StoreOp::Read, self.inner.tenants_with_outbox())
            .await
    }

    async fn put_tenant(&self, tenant: Tenant) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.put_tenant(tenant)).await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.measured(StoreOp::Read, self.inner.tenant(id)).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.measured(StoreOp::Read, self.inner.tenants()).await
    }

    async fn put_number(&self, number: Number) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.put_number(number)).await
    }

    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError> {
        self.measured(StoreOp::Read, self.inner.number(id)).await
    }

    async fn number_owners(&self) -> Result<Vec<NumberOwner>, StoreError> {
        self.measured(StoreOp::Read, self.inner.number_owners()).await
    }

    async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        self.measured(StoreOp::Read, self.inner.numbers()).await
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.put_key(key)).await
    }

    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        self.measured(StoreOp::Read, self.inner.key(hash)).await
    }

    async fn keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        self.measured(StoreOp::Read, self.inner.keys(tenant)).await
    }

    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        self.measured(StoreOp::Write, self.inner.lease(tenant)).await
    }

    async fn last_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.measured(StoreOp::Read, self.inner.last_time()).await
    }

    async fn note_time(&self, now: Timestamp) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.note_time(now)).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.measured(StoreOp::Expire, self.inner.sweep(now, limit)).await
    }

    async fn shorten_replay(&self) -> Result<(), StoreError> {
        self.inner.shorten_replay().await
    }

    async fn erase_contact(&self, tenant: TenantId, contact: ContactId) -> Result<Swept, StoreError> {
        self.measured(StoreOp::Write, self.inner.erase_contact(tenant, contact))
            .await
    }

    async fn begin_retention(&self, tenant: Tenant, job: RetentionJob) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.begin_retention(tenant, job))
            .await
    }

    async fn retention_jobs(&self) -> Result<Vec<RetentionJob>, StoreError> {
        self.measured(StoreOp::Read, self.inner.retention_jobs()).await
    }

    async fn step_retention(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        self.measured(StoreOp::Expire, self.inner.step_retention(tenant, now, limit))
            .await
    }

    async fn survey_retention(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        let call = self.inner.survey_retention(tenant, to, after, limit, now);
        self.measured(StoreOp::Read, call).await
    }

    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let call = self.inner.export(tenant, kind, after, limit, now);
        self.measured(StoreOp::Read, call).await
    }

    async fn import(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.measured(StoreOp::Write, self.inner.import(tenant, fence, records, now))
            .await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.measured(StoreOp::Read, self.inner.health()).await
    }

    async fn others(&self) -> Result<BTreeSet<ProcessId>, StoreError> {
        self.measured(StoreOp::Read, self.inner.others()).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests;
