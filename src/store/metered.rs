//! Times and counts every call of a store, whatever keeps the rows.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use ::metrics::Histogram;
use async_trait::async_trait;
use bytes::Bytes;

use super::retention::Place;
use super::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, Forwarded, ForwardedPage, JournalBacklog, JournalEntry, KeyHash,
    ListOrder, Mark, MessageRef, Number, NumberOwner, OutboxRow, Page, Partition, PlainExport, PlainKey,
    PlainValue, ProcessId, ProcessState, Quarantined, Record, RecordKind, RetentionJob, Seen, Sharing, Store,
    StoreError, StoreErrorKind, Survey, Swept, Tenant, TenantHead, TenantOwner,
};
use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Fence,
    JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace, Timestamp,
    WamidHash,
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

/// Hands calls on, each timed as the operation that stands before it.
macro_rules! measured {
    ($($op:ident: $call:ident($($name:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Store for Metered {
            $(async fn $call(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                self.measured(StoreOp::$op, self.inner.$call($($name),*)).await
            })+

            async fn shorten_replay(&self) -> Result<(), StoreError> {
                self.inner.shorten_replay().await
            }

            fn sharing(&self) -> Sharing {
                self.inner.sharing()
            }

            async fn close(&self) -> Result<(), StoreError> {
                self.inner.close().await
            }
        }
    };
}

measured! {
    JournalAppend: journal_append(entry: JournalEntry) -> ();
    JournalScan: journal_open(after: Option<JournalId>, limit: usize) -> Vec<JournalEntry>;
    JournalScan: journal_read(ids: Vec<JournalId>) -> Vec<JournalEntry>;
    JournalScan: journal_backlog() -> JournalBacklog;
    JournalDone: journal_done(ids: Vec<JournalId>) -> ();
    Write: quarantine(item: Quarantined) -> ();
    Read: quarantined(after: Option<JournalId>, limit: usize, now: Timestamp) -> Vec<Quarantined>;
    Write: quarantine_remove(id: JournalId) -> ();
    OpenTenant: open_tenant(tenant: TenantId, fence: Fence, fresh_epoch: Epoch) -> TenantHead;
    Read: tenant_head(tenant: TenantId) -> Option<TenantHead>;
    Append: append(batch: Append) -> Appended;
    Events: events_after(tenant: TenantId, after: Seq, limit: usize, now: Timestamp) -> EventPage;
    Read: message(tenant: TenantId, at: MessageRef, now: Timestamp) -> Option<Message>;
    Read: find_outbound(tenant: TenantId, message: MessageId, now: Timestamp) -> Option<MessageRef>;
    Read: page_messages(
        tenant: TenantId, of: ConversationId, before: Option<MessageId>, limit: usize, now: Timestamp
    ) -> Page<Message>;
    Read: seen(tenant: TenantId, keys: Vec<WamidHash>, now: Timestamp) -> Vec<Option<Seen>>;
    Read: broadcast_tally(tenant: TenantId, broadcast: BroadcastId, now: Timestamp) -> Option<BroadcastTally>;
    Read: conversation(tenant: TenantId, conversation: ConversationId) -> Option<Conversation>;
    Read: conversations(tenant: TenantId, ids: Vec<ConversationId>) -> Vec<Option<Conversation>>;
    Read: page_conversations(
        tenant: TenantId, filter: ConversationFilter, after: Option<ConversationCursor>, limit: usize
    ) -> ConversationPage;
    Read: contact(tenant: TenantId, contact: ContactId) -> Option<Contact>;
    Read: contacts(tenant: TenantId, ids: Vec<ContactId>) -> Vec<Option<Contact>>;
    Read: page_term(
        tenant: TenantId, term: Term, after: Option<TermPlace>, order: ListOrder, limit: usize
    ) -> Page<TermPlace>;
    Read: contacts_by_alias(tenant: TenantId, aliases: Vec<Alias>) -> Vec<Option<ContactId>>;
    Claim: claim(tenant: TenantId, fence: Fence, wants: Vec<ClaimWant>, now: Timestamp) -> Vec<ClaimOutcome>;
    Read: outbox(
        tenant: TenantId, number: PhoneNumberId, after: Option<MessageId>, limit: usize
    ) -> Vec<OutboxRow>;
    Read: outbox_row(tenant: TenantId, number: PhoneNumberId, message: MessageId) -> Option<OutboxRow>;
    Read: tenants_with_outbox() -> Vec<TenantId>;
    Write: put_tenant(tenant: Tenant) -> ();
    Read: tenant(id: TenantId) -> Option<Tenant>;
    Read: tenants() -> Vec<Tenant>;
    Write: put_number(number: Number) -> ();
    Read: number(id: PhoneNumberId) -> Option<Number>;
    Read: number_owners() -> Vec<NumberOwner>;
    Read: numbers_version() -> i64;
    Read: numbers() -> Vec<Number>;
    Write: put_key(key: ApiKey) -> ();
    Read: key(hash: KeyHash) -> Option<ApiKey>;
    Read: keys(tenant: TenantId) -> Vec<ApiKey>;
    Read: plain_row(key: PlainKey, now: Timestamp) -> Option<PlainValue>;
    Read: plain_rows(
        of: Partition, after: Option<Bytes>, limit: usize, now: Timestamp
    ) -> Page<(Bytes, PlainValue)>;
    Write: replace_plain_row(
        key: PlainKey, before: Option<Bytes>, after: Option<PlainValue>, now: Timestamp
    ) -> bool;
    Read: export_plain(after: Option<Mark>, limit: usize, now: Timestamp) -> PlainExport;
    Write: lease(tenant: TenantId) -> Fence;
    Read: last_time() -> Option<Timestamp>;
    Write: note_time(now: Timestamp) -> ();
    Expire: sweep(now: Timestamp, limit: usize) -> Swept;
    Write: erase_contacts(tenant: TenantId, contacts: Vec<ContactId>) -> Swept;
    Write: begin_retention(tenant: Tenant, job: RetentionJob) -> ();
    Read: retention_jobs() -> Vec<RetentionJob>;
    Expire: step_retention(tenant: TenantId, now: Timestamp, limit: usize) -> Option<RetentionJob>;
    Read: survey_retention(
        tenant: TenantId, to: Retention, after: Option<Place>, limit: usize, now: Timestamp
    ) -> Survey;
    Read: export(
        tenant: TenantId, kind: RecordKind, after: Option<Mark>, limit: usize, now: Timestamp
    ) -> Exported;
    Write: import(tenant: TenantId, fence: Fence, records: Vec<Record>, now: Timestamp) -> ();
    Read: health() -> ();
    Read: others(own: ProcessState) -> BTreeSet<ProcessId>;
    Read: owner(tenant: TenantId) -> Option<TenantOwner>;
    Write: forward(to: ProcessId, webhooks: Vec<Forwarded>) -> ();
    Read: forwarded() -> ForwardedPage;
}

#[cfg(test)]
mod tests;
