//! Where everything durable lives: one coarse, object-safe trait, several backends, one conformance suite.
//!
//! The rules that every backend keeps:
//! - A write that returned `Ok` is durable, unless its doc says otherwise.
//! - "Not there" is `Ok(None)`, never an error; an expired row is not there.
//! - [`StoreErrorKind::Unknown`] means that the write may or may not have happened: re-read, then decide.
//! - Time, ids and randomness are parameters. A backend never reads a clock.
//! - What an [`Op`] changes is decided by [`mod@derive`], the same pure function for all backends.

pub mod ahead;
#[cfg(test)]
mod conformance;
pub mod contact_filter;
pub mod contact_search;
pub mod copy;
pub mod derive;
pub mod directory;
mod erasure;
pub mod error;
#[cfg(test)]
pub(crate) mod faulty;
pub mod fjall;
mod journal;
pub mod memory;
pub mod metered;
pub mod op;
mod page;
pub mod pieces;
pub mod plain;
mod processes;
pub mod retention;
mod room;
pub mod row;
pub mod scylla;
pub mod tables;
pub mod transfer;
pub mod usage;

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Event,
    Fence, JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace,
    Timestamp, WamidHash,
};

pub use ahead::{Ahead, ClaimsAhead};
pub use directory::{ApiKey, KeyHash, Number, NumberOwner, Tenant};
pub use error::{StoreError, StoreErrorKind};
pub use journal::{JournalBacklog, JournalEntry};
pub use op::{Op, OpOutcome, OpRefusal};
pub use page::{ConversationCursor, ConversationFilter, ConversationPage, EventPage, ListOrder, Page};
pub use plain::{Partition, PlainExport, PlainKey, PlainValue};
pub use processes::{
    FORWARDED_FOR, Forwarded, ForwardedPage, ProcessId, ProcessState, Rest, Sharing, TenantOwner, Urgency,
};
pub use retention::{RetentionJob, Survey};
pub use room::PAGE_BYTES;
pub use row::{
    ClaimOutcome, ClaimWant, Claimed, MessageRef, OutboxRow, OutboxState, Quarantined, Queued, Seen,
};
pub use transfer::{Exported, Mark, Record, RecordKind};

/// Entries read at once by a store that has to look to tell its backlog.
const BACKLOG_PAGE: usize = 256;

/// Where a tenant's ledger stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantHead {
    /// Identity of the ledger; made from `fresh_epoch` when there was none.
    pub epoch: Epoch,
    /// Last committed position.
    pub head: Seq,
}

/// A batch for a tenant's ledger. All of it becomes durable, or none.
#[derive(Debug, Clone)]
pub struct Append {
    /// Whose ledger.
    pub tenant: TenantId,
    /// The writer's ownership.
    pub fence: Fence,
    /// Where the writer believes the ledger to stand.
    pub expect_head: Seq,
    /// Commit time, shown in events.
    pub now: Timestamp,
    /// How long the tenant's messages are kept: what events say of them is not kept longer.
    pub retention: Retention,
    /// What happened, evaluated strictly in order.
    pub ops: Vec<Op>,
}

/// What an append did.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The new head.
    pub head: Seq,
    /// One outcome per op, in order.
    pub outcomes: Vec<OpOutcome>,
    /// The events that were committed, in order, numbered from `expect_head + 1`.
    pub events: Vec<Event>,
}

/// What one sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Rows deleted.
    pub rows: usize,
    /// Whether expired rows may remain.
    pub more: bool,
}

/// The store. See the module's rules.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Appends a raw webhook body. Durable on return.
    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError>;

    /// Entries that are not done, in order of id, after the given one.
    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError>;

    /// These entries, in order of id; those that are done are left out.
    async fn journal_read(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError>;

    /// How much is not done.
    async fn journal_backlog(&self) -> Result<JournalBacklog, StoreError> {
        let mut backlog = JournalBacklog::default();
        let mut after = None;
        loop {
            let page = self.journal_open(after, BACKLOG_PAGE).await?;
            backlog.entries += page.len();
            backlog.oldest = backlog.oldest.or(page.first().map(|entry| entry.received));
            match page.last() {
                Some(last) if page.len() == BACKLOG_PAGE => after = Some(last.id),
                _ => return Ok(backlog),
            }
        }
    }

    /// Marks entries done. May be lost in a crash: applying an entry again changes nothing.
    async fn journal_done(&self, ids: Vec<JournalId>) -> Result<(), StoreError>;

    /// Puts an element aside. Durable on return.
    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError>;

    /// Elements put aside that are still kept, oldest first.
    async fn quarantined(
        &self,
        after: Option<JournalId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Quarantined>, StoreError>;

    /// Forgets an element that was put aside.
    async fn quarantine_remove(&self, id: JournalId) -> Result<(), StoreError>;

    /// Takes ownership of a tenant's ledger: from now on, writers with a smaller fence are refused as `Fenced`.
    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh_epoch: Epoch,
    ) -> Result<TenantHead, StoreError>;

    /// Where a ledger stands, read without taking it over. `None` where there is no ledger yet, or where only its owner can
    /// tell.
    async fn tenant_head(&self, tenant: TenantId) -> Result<Option<TenantHead>, StoreError>;

    /// Commits a batch. `Fenced` when another owner opened the tenant since; `HeadMoved` when `expect_head` is not the head.
    async fn append(&self, batch: Append) -> Result<Appended, StoreError>;

    /// Events after a position, at most `limit`, and no more than [`PAGE_BYTES`] of them.
    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError>;

    /// One message.
    async fn message(
        &self,
        tenant: TenantId,
        at: MessageRef,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError>;

    /// The place of an outbound message whose conversation the caller does not know.
    async fn find_outbound(
        &self,
        tenant: TenantId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Option<MessageRef>, StoreError>;

    /// Messages of a conversation, newest first, older than `before`; at most `limit`, and no more than [`PAGE_BYTES`] of them.
    async fn page_messages(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError>;

    /// What happened once, by the keys under which that is known; one answer per key.
    async fn seen(
        &self,
        tenant: TenantId,
        keys: Vec<WamidHash>,
        now: Timestamp,
    ) -> Result<Vec<Option<Seen>>, StoreError>;

    /// How many recipients of a broadcast came to what; `None` before it began, and long after its end.
    async fn broadcast_tally(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<BroadcastTally>, StoreError>;

    /// One conversation.
    async fn conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError>;

    /// Conversations by their ids; one answer per id. Together and away from the caller's thread, however many they are.
    async fn conversations(
        &self,
        tenant: TenantId,
        ids: Vec<ConversationId>,
    ) -> Result<Vec<Option<Conversation>>, StoreError>;

    /// Conversations, newest activity first, after the cursor.
    async fn page_conversations(
        &self,
        tenant: TenantId,
        filter: ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError>;

    /// One contact, following no link.
    async fn contact(&self, tenant: TenantId, contact: ContactId) -> Result<Option<Contact>, StoreError>;

    /// Contacts by their ids, following no link; one answer per id.
    async fn contacts(
        &self,
        tenant: TenantId,
        ids: Vec<ContactId>,
    ) -> Result<Vec<Option<Contact>>, StoreError>;

    /// Where contacts stand under a term, after a place. A page may be behind a row by a moment, and a digest may meet
    /// another's: whoever reads a place reads the contact before believing it.
    async fn page_term(
        &self,
        tenant: TenantId,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError>;

    /// The contacts that aliases point to, links followed; one answer per alias.
    async fn contacts_by_alias(
        &self,
        tenant: TenantId,
        aliases: Vec<Alias>,
    ) -> Result<Vec<Option<ContactId>>, StoreError>;

    /// Claims messages of one lane for one call each. Durable on return; each want is granted or refused by itself.
    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError>;

    /// Unsettled messages of one number, ordered by message id, after the given one.
    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError>;

    /// One unsettled message.
    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError>;

    /// Tenants with unsettled messages, but for those of another process that lives.
    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError>;

    /// Adds or replaces a tenant.
    async fn put_tenant(&self, tenant: Tenant) -> Result<(), StoreError>;

    /// One tenant.
    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// All tenants.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;

    /// Adds or replaces a number. `Invalid` when another tenant has it.
    async fn put_number(&self, number: Number) -> Result<(), StoreError>;

    /// One number.
    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError>;

    /// All numbers of all tenants.
    async fn numbers(&self) -> Result<Vec<Number>, StoreError>;

    /// Whose all numbers are.
    async fn number_owners(&self) -> Result<Vec<NumberOwner>, StoreError> {
        let all = self.numbers().await?;
        Ok(all.into_iter().map(NumberOwner::from).collect())
    }

    /// Another number after each change of [`Store::numbers`], by whichever process. Always the same where no other process can
    /// make one.
    async fn numbers_version(&self) -> Result<i64, StoreError> {
        Ok(0)
    }

    /// Adds or replaces an API key.
    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError>;

    /// The key with this hash, revoked or not.
    async fn key(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// The keys of a tenant.
    async fn keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError>;

    /// One plain row, unless its time is over.
    async fn plain_row(&self, key: PlainKey, now: Timestamp) -> Result<Option<PlainValue>, StoreError>;

    /// Plain rows that stand together, in order of their keys, after one; at most `limit`, and no more than [`PAGE_BYTES`] of
    /// them.
    async fn plain_rows(
        &self,
        of: Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError>;

    /// Writes a plain row, or removes it, if it still is what the caller read: `None` where nothing was. Whether it is now what
    /// the caller wants. Durable on return.
    async fn replace_plain_row(
        &self,
        key: PlainKey,
        before: Option<Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Plain rows of all tables that may still be read, after a mark, about `limit`, in the backend's own order.
    async fn export_plain(
        &self,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError>;

    /// Takes the right to write a tenant's ledger, with all its lanes, and returns a fence larger than any before for it.
    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError>;

    /// The time that [`Store::note_time`] was given last.
    async fn last_time(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Remembers the time that is gone by, for the next start to go on from. Durable on return.
    async fn note_time(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Removes expired rows, at most about `limit`. `now` must be believed: what it removes is gone.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError>;

    /// Begins to write to files what a start after a kill would have to read from a log again, if that is much. Nothing to do where a
    /// server does that by itself.
    async fn shorten_replay(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes everything stored of one customer, known by these contacts and all that they lead to: rows, index entries and the
    /// bodies of its events. Repeatable.
    async fn erase_contacts(&self, tenant: TenantId, contacts: Vec<ContactId>) -> Result<Swept, StoreError>;

    /// The same, by one contact.
    async fn erase_contact(&self, tenant: TenantId, contact: ContactId) -> Result<Swept, StoreError> {
        self.erase_contacts(tenant, vec![contact]).await
    }

    /// Sets how long a tenant's messages are kept and replaces its job, both durable on return. The job is to be new.
    async fn begin_retention(&self, tenant: Tenant, job: RetentionJob) -> Result<(), StoreError>;

    /// The last job of each tenant that ever had one.
    async fn retention_jobs(&self) -> Result<Vec<RetentionJob>, StoreError>;

    /// Takes a tenant's job on by about `limit` messages and gives it as it stands then; both are durable together.
    async fn step_retention(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError>;

    /// What a job would do to about `limit` messages after a place, without doing it.
    async fn survey_retention(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<retention::Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError>;

    /// A tenant's live rows of one kind after a mark, about `limit`, in the backend's own order.
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError>;

    /// Writes rows that a store exported, as they are; the ledger is opened with this fence. Again, it changes nothing.
    async fn import(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: Vec<Record>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Whether the store can take writes now.
    async fn health(&self) -> Result<(), StoreError>;

    /// Says that this process lives, and whether it ends; names the other processes that said either within the last seconds.
    /// Those have the tenants whose leases they took last.
    async fn others(&self, _own: ProcessState) -> Result<BTreeSet<ProcessId>, StoreError> {
        Ok(BTreeSet::new())
    }

    /// Whether other processes use the store at the same time.
    fn sharing(&self) -> Sharing {
        Sharing::Alone
    }

    /// Which process has a tenant; `None` when none ever did, or where no other can.
    async fn owner(&self, _tenant: TenantId) -> Result<Option<TenantOwner>, StoreError> {
        Ok(None)
    }

    /// Tells another process of webhooks in the journal that concern its tenants, in this order. Durable on return.
    async fn forward(&self, _to: ProcessId, _webhooks: Vec<Forwarded>) -> Result<(), StoreError> {
        Err(StoreError::new(
            StoreErrorKind::Invalid,
            "there is no other process",
        ))
    }

    /// What other living processes told this one since it was asked last. None of them keeps another from being heard.
    async fn forwarded(&self) -> Result<ForwardedPage, StoreError> {
        Ok(ForwardedPage::default())
    }

    /// The process ends in order, and nothing more is written: makes the next start short.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
