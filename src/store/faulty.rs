//! A store in memory that can be slow, refuse, lose answers, and hang, for tests.

mod outbox;
mod pause;
mod processes;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::{
    Alias, BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Epoch, Fence,
    JournalId, Message, MessageId, PhoneNumberId, Retention, Seq, TenantId, Term, TermPlace, Timestamp,
    Wamid, WamidHash,
};
use crate::store::memory::MemoryStore;
use crate::store::retention::Place;
use crate::store::{
    ApiKey, Append, Appended, ClaimOutcome, ClaimWant, ConversationCursor, ConversationFilter,
    ConversationPage, EventPage, Exported, Forwarded, ForwardedPage, JournalEntry, KeyHash, ListOrder, Mark,
    MessageRef, Number, Op, OutboxRow, Page, Partition, PlainExport, PlainKey, PlainValue, ProcessId,
    ProcessState, Quarantined, Record, RecordKind, RetentionJob, Seen, Sharing, Store, StoreError,
    StoreErrorKind, Survey, Swept, Tenant, TenantHead, TenantOwner,
};

pub(crate) use pause::Pause;
pub(crate) use processes::Processes;

/// What goes wrong with one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done.
    Refuse(StoreErrorKind),
    /// It is done, and nobody hears of it.
    LoseAnswer,
    /// The same, and its rows in the outbox cannot be read before the ledger is opened, or asked for the next claim.
    LoseRows,
}

#[derive(Default)]
pub(crate) struct FaultyStore {
    inner: Arc<MemoryStore>,
    /// Which process of several uses it; `None` when it is the only one.
    process: Option<(ProcessId, Arc<Processes>)>,
    /// How often it was looked for changes of numbers, and how long that takes.
    pub(crate) number_looks: AtomicUsize,
    pub(crate) number_delay: Mutex<Duration>,
    /// How often numbers were read. What was read is given once this is free.
    pub(crate) number_reads: AtomicUsize,
    pub(crate) number_gate: tokio::sync::Mutex<()>,
    /// How often it was asked which tenants have something to send, and how long that takes.
    pub(crate) due_reads: AtomicUsize,
    pub(crate) due_delay: Mutex<Duration>,
    /// How often it was told to another process, which is done once this is free.
    pub(crate) tellings: AtomicUsize,
    pub(crate) telling_gate: tokio::sync::Mutex<()>,
    /// How many of them are refused.
    pub(crate) untold: AtomicUsize,
    /// How often what another process told cannot be read, and is passed over.
    pub(crate) unreadable: AtomicUsize,
    /// What other processes told cannot be read.
    pub(crate) deaf: AtomicBool,
    /// How long a write takes.
    pub(crate) delay: Mutex<Duration>,
    pub(crate) claim_faults: Mutex<VecDeque<Fault>>,
    pub(crate) append_faults: Mutex<VecDeque<Fault>>,
    pub(crate) plain_faults: Mutex<VecDeque<Fault>>,
    /// Rows as they are read although they changed.
    stale: Mutex<Vec<OutboxRow>>,
    /// Rows that cannot be read although they are there.
    hidden: Mutex<Vec<MessageId>>,
    pub(crate) outbox_reads: Mutex<usize>,
    pub(crate) claims: Mutex<usize>,
    /// What became of a claim is told once this is free.
    pub(crate) claim_gate: tokio::sync::Mutex<()>,
    /// How many webhooks are written to the journal and nobody hears of it.
    pub(crate) lost_receipts: AtomicUsize,
    /// How many reads of journal entries by their ids show nothing.
    pub(crate) blind_reads: AtomicUsize,
    /// Whose appends are never answered.
    pub(crate) stuck: Mutex<Option<TenantId>>,
    /// Where a ledger stands cannot be read.
    pub(crate) no_heads: AtomicBool,
    /// Events cannot be read.
    pub(crate) no_events: AtomicBool,
    /// Unsettled messages cannot be read.
    pub(crate) no_outbox: AtomicBool,
    /// The disk answers nothing any more, and the store knows.
    pub(crate) hung: AtomicBool,
    /// Whose ledger cannot be opened, and whose opening is never answered.
    pub(crate) unopenable: Mutex<Option<TenantId>>,
    pub(crate) hangs: Mutex<Option<TenantId>>,
    /// How many reads of the journal, and how many of those who put something aside, die of it.
    pub(crate) deadly_scans: AtomicUsize,
    pub(crate) deadly_asides: AtomicUsize,
    /// How long a read of the journal takes.
    pub(crate) scan_delay: Mutex<Duration>,
    /// After how many writes of plain rows none is done any more.
    pub(crate) plain_writes_left: Mutex<Option<usize>>,
    /// Writes of plain rows that wait until a test lets them go on.
    plain_pauses: Mutex<Vec<Pause>>,
    /// A message that can never be committed.
    pub(crate) spoiled: Mutex<Option<Wamid>>,
}

impl FaultyStore {
    /// What a process sees of a store that others use, too.
    pub(crate) fn of_process(
        process: ProcessId,
        processes: &Arc<Processes>,
        inner: &Arc<MemoryStore>,
    ) -> Self {
        processes.begin(process);
        Self {
            inner: Arc::clone(inner),
            process: Some((process, Arc::clone(processes))),
            ..Self::default()
        }
    }

    fn refuse_if(away: &AtomicBool) -> Result<(), StoreError> {
        let there = (!away.load(Ordering::Acquire)).then_some(());
        there.ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "it cannot be read"))
    }

    /// Whether it is one of so many.
    fn is_one_of(left: &AtomicUsize) -> bool {
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
            .is_ok()
    }

    fn die_if(deadly: &AtomicUsize) {
        assert!(!Self::is_one_of(deadly), "as the test wants");
    }

    async fn answer_unless_hung(&self) {
        if self.hung.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    }

    async fn write<T>(
        &self,
        fault: Option<Fault>,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.answer_unless_hung().await;
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match fault {
            // As the embedded store says it.
            Some(Fault::Refuse(StoreErrorKind::Full)) => {
                let full = StoreError::new(StoreErrorKind::Full, "as the test wants");
                Err(full.retry_after(Duration::from_secs(30)))
            }
            Some(Fault::Refuse(kind)) => Err(StoreError::new(kind, "as the test wants")),
            Some(Fault::LoseAnswer | Fault::LoseRows) => {
                operation.await?;
                Err(StoreError::new(StoreErrorKind::Unknown, "the answer was lost"))
            }
            None => operation.await,
        }
    }
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $ret:ty;)*) => {
        $(fn $name<'a, 'async_trait>(
            &'a self,
            $($arg: $type),*
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<$ret, StoreError>> + Send + 'async_trait>>
        where
            'a: 'async_trait,
            Self: 'async_trait,
        {
            self.inner.$name($($arg),*)
        })*
    };
}

#[async_trait]
impl Store for FaultyStore {
    async fn replace_plain_row(
        &self,
        key: PlainKey,
        before: Option<Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let Some(pause) = self.pause_at(key.partition.table) {
            pause.stand().await;
        }
        let fault = match &mut *self.plain_writes_left.lock().unwrap() {
            None => self.plain_faults.lock().unwrap().pop_front(),
            Some(0) => Some(Fault::Refuse(StoreErrorKind::Unavailable)),
            Some(left) => {
                *left -= 1;
                None
            }
        };
        let write = self.inner.replace_plain_row(key, before, after, now);
        self.write(fault, write).await
    }

    async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        while *self.stuck.lock().unwrap() == Some(batch.tenant) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let spoiled = self.spoiled.lock().unwrap().clone();
        let is_spoiled =
            |op: &Op| matches!(op, Op::Receive(receive) if Some(&receive.wamid) == spoiled.as_ref());
        let fault = if batch.ops.iter().any(is_spoiled) {
            Some(Fault::Refuse(StoreErrorKind::Invalid))
        } else {
            self.append_faults.lock().unwrap().pop_front()
        };
        if fault == Some(Fault::LoseRows) {
            let submitted = batch.ops.iter().filter_map(|op| match op {
                Op::Submit(submit) => Some(submit.id),
                _ => None,
            });
            self.hidden.lock().unwrap().extend(submitted);
        }
        self.write(fault, self.inner.append(batch)).await
    }

    async fn claim(
        &self,
        tenant: TenantId,
        fence: Fence,
        wants: Vec<ClaimWant>,
        now: Timestamp,
    ) -> Result<Vec<ClaimOutcome>, StoreError> {
        *self.claims.lock().unwrap() += 1;
        let fault = self.claim_faults.lock().unwrap().pop_front();
        let before = wants
            .iter()
            .filter_map(|want| self.row(tenant, &want.number, want.message));
        *self.stale.lock().unwrap() = match fault {
            Some(Fault::LoseRows) => before.collect(),
            _ => Vec::new(),
        };
        let claimed = self
            .write(fault, self.inner.claim(tenant, fence, wants, now))
            .await;
        drop(self.claim_gate.lock().await);
        claimed
    }

    async fn outbox(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        Self::refuse_if(&self.no_outbox)?;
        *self.outbox_reads.lock().unwrap() += 1;
        let mut rows = self.inner.outbox(tenant, number, after, limit).await?;
        let hidden = self.hidden.lock().unwrap();
        rows.retain(|row| !hidden.contains(&row.at.message));
        let stale = self.stale.lock().unwrap();
        for row in &mut rows {
            if let Some(before) = stale.iter().find(|before| before.at == row.at) {
                *row = before.clone();
            }
        }
        Ok(rows)
    }

    async fn outbox_row(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        message: MessageId,
    ) -> Result<Option<OutboxRow>, StoreError> {
        let mut rows = self.outbox(tenant, number, message.before(), 1).await?;
        Ok(rows.pop().filter(|row| row.at.message == message))
    }

    async fn open_tenant(
        &self,
        tenant: TenantId,
        fence: Fence,
        fresh: Epoch,
    ) -> Result<TenantHead, StoreError> {
        Self::refuse_if(&self.no_heads)?;
        self.stale.lock().unwrap().clear();
        self.hidden.lock().unwrap().clear();
        self.inner.open_tenant(tenant, fence, fresh).await
    }

    async fn tenant_head(&self, tenant: TenantId) -> Result<Option<TenantHead>, StoreError> {
        Self::refuse_if(&self.no_heads)?;
        self.inner.tenant_head(tenant).await
    }

    async fn events_after(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        Self::refuse_if(&self.no_events)?;
        self.inner.events_after(tenant, after, limit, now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.answer_unless_hung().await;
        self.inner.sweep(now, limit).await
    }

    async fn journal_open(
        &self,
        after: Option<JournalId>,
        limit: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        Self::die_if(&self.deadly_scans);
        let delay = *self.scan_delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.inner.journal_open(after, limit).await
    }

    async fn journal_append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        let appended = self.inner.journal_append(entry).await;
        if Self::is_one_of(&self.lost_receipts) {
            return Err(StoreError::new(StoreErrorKind::Unknown, "the answer was lost"));
        }
        appended
    }

    async fn journal_read(&self, ids: Vec<JournalId>) -> Result<Vec<JournalEntry>, StoreError> {
        if Self::is_one_of(&self.blind_reads) {
            return Ok(Vec::new());
        }
        self.inner.journal_read(ids).await
    }

    async fn quarantine(&self, item: Quarantined) -> Result<(), StoreError> {
        Self::die_if(&self.deadly_asides);
        self.inner.quarantine(item).await
    }

    async fn lease(&self, tenant: TenantId) -> Result<Fence, StoreError> {
        let lock = |whose: &Mutex<Option<TenantId>>| *whose.lock().unwrap() == Some(tenant);
        if lock(&self.hangs) {
            std::future::pending::<()>().await;
        }
        if lock(&self.unopenable) {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "as the test wants"));
        }
        self.answer_unless_hung().await;
        let fence = self.inner.lease(tenant).await?;
        if let Some((process, processes)) = &self.process {
            processes.leases(tenant, *process);
        }
        Ok(fence)
    }

    fn sharing(&self) -> Sharing {
        match self.process {
            Some(_) => Sharing::WithOthers,
            None => Sharing::Alone,
        }
    }

    async fn others(&self, own: ProcessState) -> Result<BTreeSet<ProcessId>, StoreError> {
        let Some((process, processes)) = &self.process else {
            return Ok(BTreeSet::new());
        };
        processes.says(*process, own);
        Ok(processes.others(*process))
    }

    async fn owner(&self, tenant: TenantId) -> Result<Option<TenantOwner>, StoreError> {
        let owner = self.process.as_ref();
        Ok(owner.and_then(|(own, processes)| processes.owner(tenant, *own)))
    }

    async fn forward(&self, to: ProcessId, webhooks: Vec<Forwarded>) -> Result<(), StoreError> {
        if Self::is_one_of(&self.untold) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "as the test wants"));
        }
        self.tellings.fetch_add(1, Ordering::AcqRel);
        drop(self.telling_gate.lock().await);
        let (own, processes) = self.process.as_ref().unwrap();
        processes.tell(*own, to, webhooks);
        Ok(())
    }

    async fn forwarded(&self) -> Result<ForwardedPage, StoreError> {
        let told = self.process.as_ref();
        Self::refuse_if(&self.deaf)?;
        let (webhooks, rest) = told
            .map(|(own, processes)| processes.read(*own))
            .unwrap_or_default();
        if !webhooks.is_empty() && Self::is_one_of(&self.unreadable) {
            return Ok(ForwardedPage {
                unreadable: 1,
                ..ForwardedPage::default()
            });
        }
        Ok(ForwardedPage {
            webhooks,
            rest,
            ..ForwardedPage::default()
        })
    }

    async fn tenants_with_outbox(&self) -> Result<Vec<TenantId>, StoreError> {
        self.due_reads.fetch_add(1, Ordering::AcqRel);
        let delay = *self.due_delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.inner.tenants_with_outbox().await
    }

    async fn numbers_version(&self) -> Result<i64, StoreError> {
        self.number_looks.fetch_add(1, Ordering::AcqRel);
        let delay = *self.number_delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.inner.numbers_version().await
    }

    async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        let numbers = self.inner.numbers().await;
        self.number_reads.fetch_add(1, Ordering::AcqRel);
        drop(self.number_gate.lock().await);
        numbers
    }

    async fn number(&self, id: PhoneNumberId) -> Result<Option<Number>, StoreError> {
        let number = self.inner.number(id).await;
        self.number_reads.fetch_add(1, Ordering::AcqRel);
        drop(self.number_gate.lock().await);
        number
    }

    async fn health(&self) -> Result<(), StoreError> {
        if self.hung.load(Ordering::Acquire) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "the disk hangs"));
        }
        self.inner.health().await
    }

    forward! {
        journal_done(ids: Vec<JournalId>) -> ();
        quarantined(after: Option<JournalId>, limit: usize, now: Timestamp) -> Vec<Quarantined>;
        quarantine_remove(id: JournalId) -> ();
        last_time() -> Option<Timestamp>;
        note_time(now: Timestamp) -> ();
        message(tenant: TenantId, at: MessageRef, now: Timestamp) -> Option<Message>;
        find_outbound(tenant: TenantId, message: MessageId, now: Timestamp) -> Option<MessageRef>;
        page_messages(tenant: TenantId, conversation: ConversationId, before: Option<MessageId>, limit: usize, now: Timestamp) -> Page<Message>;
        seen(tenant: TenantId, keys: Vec<WamidHash>, now: Timestamp) -> Vec<Option<Seen>>;
        broadcast_tally(tenant: TenantId, broadcast: BroadcastId, now: Timestamp) -> Option<BroadcastTally>;
        conversation(tenant: TenantId, conversation: ConversationId) -> Option<Conversation>;
        conversations(tenant: TenantId, ids: Vec<ConversationId>) -> Vec<Option<Conversation>>;
        page_conversations(tenant: TenantId, filter: ConversationFilter, after: Option<ConversationCursor>, limit: usize) -> ConversationPage;
        contact(tenant: TenantId, contact: ContactId) -> Option<Contact>;
        contacts(tenant: TenantId, ids: Vec<ContactId>) -> Vec<Option<Contact>>;
        page_term(tenant: TenantId, term: Term, after: Option<TermPlace>, order: ListOrder, limit: usize) -> Page<TermPlace>;
        contacts_by_alias(tenant: TenantId, aliases: Vec<Alias>) -> Vec<Option<ContactId>>;
        put_tenant(tenant: Tenant) -> ();
        tenant(id: TenantId) -> Option<Tenant>;
        tenants() -> Vec<Tenant>;
        put_number(number: Number) -> ();
        put_key(key: ApiKey) -> ();
        key(hash: KeyHash) -> Option<ApiKey>;
        keys(tenant: TenantId) -> Vec<ApiKey>;
        plain_row(key: PlainKey, now: Timestamp) -> Option<PlainValue>;
        plain_rows(of: Partition, after: Option<Bytes>, limit: usize, now: Timestamp) -> Page<(Bytes, PlainValue)>;
        export_plain(after: Option<Mark>, limit: usize, now: Timestamp) -> PlainExport;
        erase_contacts(tenant: TenantId, contacts: Vec<ContactId>) -> Swept;
        export(tenant: TenantId, kind: RecordKind, after: Option<Mark>, limit: usize, now: Timestamp) -> Exported;
        import(tenant: TenantId, fence: Fence, records: Vec<Record>, now: Timestamp) -> ();
        begin_retention(tenant: Tenant, job: RetentionJob) -> ();
        retention_jobs() -> Vec<RetentionJob>;
        step_retention(tenant: TenantId, now: Timestamp, limit: usize) -> Option<RetentionJob>;
        survey_retention(tenant: TenantId, to: Retention, after: Option<Place>, limit: usize, now: Timestamp) -> Survey;
    }
}
