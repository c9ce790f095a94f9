//! What stands behind the API in these tests: a core that commits at once, a journal in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryStore;
use crate::actors::feed::FeedSubscriber;
use crate::actors::port::{
    Applying, IntakePort, IntakeRefusal, Readiness, SessionId, Signer, TenantCommands, TenantDirectory,
    TenantPresence,
};
use crate::actors::request::{
    Acceptance, Accepted, Attendance, DelayEstimate, Destination, LaneState, Missing, NoteRequest, Receipt,
    Refusal, Roster, SubmitRequest,
};
use crate::domain::{
    AgentId, Clock as _, ContactAliases, ContactId, Content, ConversationId, Delivery, DeliveryState, Epoch,
    Fence, MessageId, PhoneNumberId, Retention, Seq, StatusTimes, TenantId, TestClock, UnknownPolicy,
};
use crate::store::op::{
    ChangeContact, ContactFate, Erase, Merge, Note, Op, OpOutcome, OpRefusal, Organise, Settle, Settlement,
    SteerBroadcast, Submit, Unmerge, Withdraw,
};
use crate::store::{Append, MessageRef, Number, Store as _, Tenant, TenantHead};

const FENCE: Fence = Fence::new(1);

/// What the customer was told of reading: up to which position, and what.
type ToldRead = (TenantId, ConversationId, Option<Seq>, Receipt);

/// A core without actors: every ask is one commit.
pub(super) struct Core {
    store: Arc<MemoryStore>,
    clock: TestClock,
    next: AtomicU64,
    heads: Mutex<BTreeMap<TenantId, TenantHead>>,
    /// What the next ask is answered instead.
    pub(super) refusal: Mutex<Option<Refusal>>,
    /// For how many turns of other work the next message is thought about; each after it for one less.
    pub(super) lingers: AtomicU64,
    /// What was submitted.
    pub(super) submitted: Mutex<Vec<SubmitRequest>>,
    /// What customers were told.
    pub(super) receipts: Mutex<Vec<ToldRead>>,
    /// Why messages wait.
    pub(super) delay_estimate: Mutex<Option<DelayEstimate>>,
    /// What holds lanes up.
    pub(super) lanes: Mutex<BTreeMap<PhoneNumberId, LaneState>>,
    /// Tenants and numbers that were handed over.
    pub(super) told: Mutex<Vec<String>>,
    /// Whether it can be asked.
    pub(super) readiness: Mutex<Readiness>,
    pub(super) missing: Mutex<Vec<TenantId>>,
}

impl Core {
    pub(super) fn new(store: Arc<MemoryStore>, clock: TestClock) -> Self {
        Self {
            store,
            clock,
            next: AtomicU64::new(1),
            heads: Mutex::default(),
            refusal: Mutex::default(),
            lingers: AtomicU64::default(),
            submitted: Mutex::default(),
            receipts: Mutex::default(),
            delay_estimate: Mutex::default(),
            lanes: Mutex::default(),
            told: Mutex::default(),
            readiness: Mutex::new(Readiness::Ready),
            missing: Mutex::default(),
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    pub(super) async fn open(&self, tenant: TenantId) {
        let epoch = Epoch::new(0xabc0 + tenant.get());
        let head = self.store.open_tenant(tenant, FENCE, epoch).await.unwrap();
        self.heads.lock().unwrap().insert(tenant, head);
    }

    fn head_of(&self, tenant: TenantId) -> Result<TenantHead, Refusal> {
        let heads = self.heads.lock().unwrap();
        heads.get(&tenant).copied().ok_or(Refusal::UnknownTenant)
    }

    /// Where a tenant's ledger stands.
    pub(super) fn head_seq(&self, tenant: TenantId) -> u64 {
        self.head_of(tenant).unwrap().head.get()
    }

    pub(super) async fn commit(&self, tenant: TenantId, op: Op) -> OpOutcome {
        let batch = Append {
            tenant,
            fence: FENCE,
            expect_head: self.head_of(tenant).unwrap().head,
            now: self.clock.now(),
            retention: Retention::DEFAULT,
            ops: vec![op],
        };
        let mut done = self.store.append(batch).await.unwrap();
        self.heads.lock().unwrap().get_mut(&tenant).unwrap().head = done.head;
        done.outcomes.pop().unwrap()
    }

    fn refused(&self) -> Result<(), Refusal> {
        self.refusal.lock().unwrap().take().map_or(Ok(()), Err)
    }

    fn new_id(&self) -> MessageId {
        MessageId::new(self.clock.now(), 0, self.next_number())
    }

    async fn outbound(
        &self,
        tenant: TenantId,
        id: MessageId,
    ) -> Result<(MessageRef, PhoneNumberId), Refusal> {
        let now = self.clock.now();
        let at = self
            .store
            .find_outbound(tenant, id, now)
            .await
            .unwrap()
            .ok_or(Refusal::NotFound(Missing::Message))?;
        let row = self
            .store
            .message(tenant, at, now)
            .await
            .unwrap()
            .ok_or(Refusal::NotFound(Missing::Message))?;
        Ok((at, row.number))
    }

    async fn submit_op(&self, tenant: TenantId, request: SubmitRequest) -> Result<Submit, Refusal> {
        let (number, contact, aliases) = match request.to {
            Destination::Contact { number, aliases } => {
                let number = number.unwrap_or_else(|| super::number(tenant));
                if number != super::number(tenant) {
                    return Err(Refusal::UnknownNumber);
                }
                (number, aliases.new_contact_id(tenant).unwrap(), aliases)
            }
            Destination::Conversation(id) => {
                let found = self
                    .store
                    .conversation(tenant, id)
                    .await
                    .unwrap()
                    .ok_or(Refusal::NotFound(Missing::Conversation))?;
                (found.number, found.contact_id, ContactAliases::default())
            }
        };
        Ok(Submit {
            id: self.new_id(),
            number,
            contact,
            aliases,
            author: request.author,
            payload: serde_json::value::to_raw_value(request.content.json())
                .unwrap()
                .into(),
            content: request.content,
            delivery: Delivery {
                state: DeliveryState::Queued,
                times: StatusTimes::default(),
                priority: request.priority,
                on_unknown: request.on_unknown.unwrap_or(UnknownPolicy::Ask),
                attempts: 0,
                send_at: request.send_at,
                valid_until: None,
                gave_up: None,
                error: None,
                category: None,
                client_msg_id: request.client_msg_id,
                biz_opaque_callback_data: request.callback_data,
            },
            may_be_held: false,
            purpose: request.purpose,
            once: request.once,
            unless_after: request.unless_after,
            window_at: None,
            broadcast: None,
            hours: None,
        })
    }
}

fn accepted(outcome: OpOutcome) -> Result<Accepted, Refusal> {
    match outcome {
        OpOutcome::Committed { at: Some(at), .. } => Ok(Accepted {
            at,
            acceptance: Acceptance::New,
        }),
        OpOutcome::Duplicate { at: Some(at) } => Ok(Accepted {
            at,
            acceptance: Acceptance::Repeated,
        }),
        other => done(other).map(|()| panic!("a message without a place")),
    }
}

fn done(outcome: OpOutcome) -> Result<(), Refusal> {
    match outcome {
        OpOutcome::Committed { .. } | OpOutcome::Duplicate { .. } | OpOutcome::Unchanged => Ok(()),
        OpOutcome::Refused(OpRefusal::OtherRequest) => Err(Refusal::OtherRequest),
        OpOutcome::Refused(OpRefusal::ConversationChanged(seq)) => Err(Refusal::ConversationChanged(seq)),
        OpOutcome::Refused(OpRefusal::WindowClosed) => Err(Refusal::WindowClosed),
        OpOutcome::Refused(OpRefusal::OptedOut) => Err(Refusal::OptedOut),
        OpOutcome::Refused(OpRefusal::ContactIsMinor) => Err(Refusal::ContactIsMinor),
        OpOutcome::Refused(OpRefusal::ContactsChanged) => Err(Refusal::ContactsChanged),
        OpOutcome::Refused(OpRefusal::NotMerged) => Err(Refusal::NotMerged),
        OpOutcome::Refused(OpRefusal::NotFound) => Err(Refusal::NotFound(Missing::Conversation)),
        OpOutcome::Refused(OpRefusal::AlreadyClaimed) => Err(Refusal::AlreadyClaimed),
        OpOutcome::Contact { .. } | OpOutcome::Suppressed(_) => Ok(()),
        OpOutcome::Refused(OpRefusal::BroadcastNotRunning | OpRefusal::BroadcastCancelled) => {
            Err(Refusal::BroadcastCancelled)
        }
        OpOutcome::Refused(OpRefusal::ContactExists(contact)) => Err(Refusal::ContactExists(contact)),
        OpOutcome::Refused(OpRefusal::ContactFull(limit)) => Err(Refusal::ContactFull(limit)),
        OpOutcome::Refused(OpRefusal::TooManyLabels(most)) => Err(Refusal::Invalid(most.to_string())),
    }
}

#[async_trait]
impl TenantCommands for Core {
    async fn submit(&self, tenant: TenantId, request: SubmitRequest) -> Result<Accepted, Refusal> {
        self.refused()?;
        let lingers = self.lingers.load(Ordering::SeqCst);
        self.lingers.store(lingers.saturating_sub(1), Ordering::SeqCst);
        for _ in 0..lingers {
            tokio::task::yield_now().await;
        }
        self.submitted.lock().unwrap().push(request.clone());
        let op = self.submit_op(tenant, request).await?;
        accepted(self.commit(tenant, Op::Submit(Box::new(op))).await)
    }

    async fn note(&self, tenant: TenantId, request: NoteRequest) -> Result<Accepted, Refusal> {
        self.refused()?;
        let note = Note {
            id: self.new_id(),
            conversation: request.conversation,
            author: request.author,
            content: Content::note(&request.text),
            once: request.once,
        };
        accepted(self.commit(tenant, Op::Note(Box::new(note))).await)
    }

    async fn organise(&self, tenant: TenantId, change: Organise) -> Result<(), Refusal> {
        self.refused()?;
        done(self.commit(tenant, Op::Organise(change)).await)
    }

    async fn change_contact(
        &self,
        tenant: TenantId,
        change: ChangeContact,
    ) -> Result<(ContactId, ContactFate), Refusal> {
        self.refused()?;
        match self.commit(tenant, Op::ChangeContact(Box::new(change))).await {
            OpOutcome::Contact { contact, fate, .. } => Ok((contact, fate)),
            OpOutcome::Refused(OpRefusal::NotFound) => Err(Refusal::NotFound(Missing::ContactId)),
            other => done(other).map(|()| panic!("a change without a contact")),
        }
    }

    async fn merge_contacts(&self, tenant: TenantId, merge: Merge) -> Result<(), Refusal> {
        self.refused()?;
        done(self.commit(tenant, Op::Merge(Box::new(merge))).await)
    }

    async fn part_contacts(&self, tenant: TenantId, unmerge: Unmerge) -> Result<(), Refusal> {
        self.refused()?;
        done(self.commit(tenant, Op::Unmerge(Box::new(unmerge))).await)
    }

    async fn erase_customer(&self, tenant: TenantId, step: Erase) -> Result<(), Refusal> {
        self.refused()?;
        done(self.commit(tenant, Op::Erase(step)).await)
    }

    async fn submit_recipients(
        &self,
        tenant: TenantId,
        submits: Vec<Submit>,
    ) -> Result<Vec<Result<OpOutcome, Refusal>>, Refusal> {
        self.refused()?;
        let mut outcomes = Vec::new();
        for submit in submits {
            outcomes.push(Ok(self.commit(tenant, Op::Submit(Box::new(submit))).await));
        }
        Ok(outcomes)
    }

    async fn steer_broadcast(&self, tenant: TenantId, steer: SteerBroadcast) -> Result<(), Refusal> {
        self.refused()?;
        match self.commit(tenant, Op::SteerBroadcast(steer)).await {
            OpOutcome::Unchanged => Ok(()),
            other => done(other),
        }
    }

    async fn withdraw(&self, tenant: TenantId, message: MessageId) -> Result<(), Refusal> {
        let (at, number) = self.outbound(tenant, message).await?;
        let op = Withdraw {
            at,
            number,
            to: DeliveryState::Cancelled,
            error: None,
        };
        done(self.commit(tenant, Op::Withdraw(op)).await)
    }

    async fn settle(&self, tenant: TenantId, message: MessageId, how: Settlement) -> Result<(), Refusal> {
        let (at, number) = self.outbound(tenant, message).await?;
        let op = Settle { at, number, how };
        match self.commit(tenant, Op::Settle(op)).await {
            OpOutcome::Unchanged => Err(Refusal::OutcomeKnown),
            other => done(other),
        }
    }

    async fn receipt(
        &self,
        tenant: TenantId,
        id: ConversationId,
        seen: Option<Seq>,
        what: Receipt,
    ) -> Result<(), Refusal> {
        self.receipts.lock().unwrap().push((tenant, id, seen, what));
        Ok(())
    }
}

#[async_trait]
impl TenantPresence for Core {
    async fn attend(&self, _: TenantId, _: AgentId, _: SessionId, _: Attendance) -> Result<(), Refusal> {
        Ok(())
    }

    async fn arrive(
        &self,
        tenant: TenantId,
        _: AgentId,
        _: SessionId,
    ) -> Result<(Roster, TenantHead), Refusal> {
        Ok((Roster::default(), self.head(tenant).await?))
    }

    async fn head(&self, tenant: TenantId) -> Result<TenantHead, Refusal> {
        self.refused()?;
        self.head_of(tenant)
    }

    async fn subscribe(&self, tenant: TenantId, _: FeedSubscriber) -> Result<TenantHead, Refusal> {
        self.head_of(tenant)
    }
}

#[async_trait]
impl TenantDirectory for Core {
    async fn numbers(&self, tenant: TenantId) -> Result<Vec<Number>, Refusal> {
        let mut numbers = self.store.numbers().await.unwrap();
        numbers.retain(|number| number.tenant == tenant);
        Ok(numbers)
    }

    async fn lanes(&self, _: TenantId) -> Result<BTreeMap<PhoneNumberId, LaneState>, Refusal> {
        Ok(self.lanes.lock().unwrap().clone())
    }

    async fn owns(&self, _: TenantId) -> Result<bool, Refusal> {
        Ok(true)
    }

    async fn backlog(&self, _: TenantId) -> Result<Option<usize>, Refusal> {
        Ok(Some(0))
    }

    async fn delay_estimate(
        &self,
        _: TenantId,
        _: PhoneNumberId,
        _: MessageRef,
    ) -> Result<Option<DelayEstimate>, Refusal> {
        Ok(self.delay_estimate.lock().unwrap().clone())
    }

    async fn tenant_changed(&self, tenant: Tenant) -> Result<(), Refusal> {
        self.open(tenant.id).await;
        self.told.lock().unwrap().push(format!("tenant {}", tenant.id));
        Ok(())
    }

    async fn number_changed(&self, number: Number) -> Result<(), Refusal> {
        self.told.lock().unwrap().push(format!("number {}", number.id));
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        *self.readiness.lock().unwrap()
    }

    fn missing(&self) -> Vec<TenantId> {
        self.missing.lock().unwrap().clone()
    }
}

/// A journal that keeps bodies in memory, or is full.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) bodies: Mutex<Vec<Bytes>>,
    pub(super) signers: Mutex<Vec<Signer>>,
    pub(super) full: Mutex<Option<Duration>>,
    /// Held by whoever wants webhooks to wait.
    pub(super) gate: tokio::sync::Mutex<()>,
    pub(super) applying: Mutex<Option<Applying>>,
}

impl Journal {
    pub(super) fn taken(&self) -> Vec<Bytes> {
        self.bodies.lock().unwrap().clone()
    }
}

#[async_trait]
impl IntakePort for Journal {
    async fn accept(&self, signer: Signer, body: Bytes) -> Result<(), IntakeRefusal> {
        drop(self.gate.lock().await);
        if let Some(retry_after) = *self.full.lock().unwrap() {
            return Err(IntakeRefusal { retry_after });
        }
        self.signers.lock().unwrap().push(signer);
        self.bodies.lock().unwrap().push(body);
        Ok(())
    }

    async fn take_back(&self, sealed: Bytes) -> Result<(), IntakeRefusal> {
        self.accept(crate::ingest::signer_of(&sealed), sealed).await
    }

    fn applying(&self) -> Applying {
        self.applying.lock().unwrap().unwrap_or(Applying::Runs)
    }
}
