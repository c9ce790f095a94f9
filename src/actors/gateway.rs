//! The core's front door: what the edges ask, handed to the tenant that it concerns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::sync::oneshot;

use super::conversation::{commit_refusal, contact_changed, op_refusal, refusal, store_refusal};
use super::directory::{Directory, TenantHandle};
use super::feed::FeedSubscriber;
use super::lane::LaneHandle;
use super::messages::tenant::{Arrive, Attend, LeaveNote, Submit};
use super::port::{Readiness, SessionId, TenantCommands, TenantDirectory, TenantPresence};
use super::request::{
    Accepted, Attendance, DelayEstimate, LaneState, Missing, NoteRequest, Receipt, Refusal, Roster,
    SubmitRequest,
};
use crate::domain::{
    AgentId, BroadcastRun, ContactId, ConversationId, DeliveryState, Direction, Message, MessageId,
    PhoneNumberId, Seq, TenantId,
};
use crate::store::op::{
    ChangeContact, ContactFate, Erase, MediaChange, Merge, Op, OpOutcome, Organise, Settlement,
    SteerBroadcast, Submit as SubmitOp, Unmerge, Withdraw,
};
use crate::store::{MessageRef, Number, OutboxRow, Tenant as TenantRow, TenantHead};

/// How long an asker waits: an answer that takes longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages that wait which are looked at together.
const OUTBOX_PAGE: usize = 500;
/// How long an asker waits for room.
const ROOM: Duration = Duration::from_secs(1);

/// Implements [`TenantPort`](super::TenantPort) on running actors of this process.
pub struct Gateway {
    directory: Arc<Directory>,
    ready: AtomicBool,
}

impl Gateway {
    /// Puts a front door before a directory.
    pub fn new(directory: Arc<Directory>) -> Self {
        Self {
            directory,
            ready: AtomicBool::new(false),
        }
    }

    /// Says that every tenant of which something waited at the start was started, or tried to.
    pub fn opened(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// A tenant whose ledger can be handed something new. Nobody is kept waiting for a store that is known to be away.
    async fn writable(&self, tenant: TenantId) -> Result<TenantHandle, Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        if tenant.ledger.hangs(self.directory.clock().monotonic()) {
            return Err(Refusal::Unavailable { retry_after: None });
        }
        Ok(tenant)
    }

    /// Has a message show what became of its file: durable on return.
    pub async fn show_media(&self, tenant: TenantId, change: MediaChange) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let committed = tenant.ledger.commit(Op::Media(Box::new(change))).await;
        committed.map(drop).map_err(|error| commit_refusal(&error))
    }

    /// Takes back a message, unless it was claimed.
    async fn take_back(
        &self,
        tenant: &TenantHandle,
        at: MessageRef,
        number: PhoneNumberId,
    ) -> Result<(), Refusal> {
        let withdraw = Withdraw {
            at,
            number: number.clone(),
            to: DeliveryState::Cancelled,
            error: None,
        };
        match tenant.ledger.commit(Op::Withdraw(withdraw)).await {
            // The message is there, so a missing outbox row means that it is settled.
            Ok(OpOutcome::Refused(_)) => Err(Refusal::AlreadyClaimed),
            Ok(_) => {
                if let Some(lane) = tenant.lanes.get(&number) {
                    lane.forget(at.message);
                }
                Ok(())
            }
            Err(error) => Err(commit_refusal(&error)),
        }
    }

    /// What waits to be sent to a customer, on all numbers.
    async fn waiting_for(
        &self,
        tenant: &TenantHandle,
        customer: &[ContactId],
    ) -> Result<Vec<OutboxRow>, Refusal> {
        let (store, mut found) = (self.directory.store(), Vec::new());
        for number in tenant.lanes.keys() {
            let mut after = None;
            loop {
                let page = store
                    .outbox(tenant.row.id, number.clone(), after, OUTBOX_PAGE)
                    .await;
                let page = page.map_err(|error| store_refusal(&error))?;
                let is_last = page.len() < OUTBOX_PAGE;
                after = page.last().map(|row| row.at.message);
                found.extend(page.into_iter().filter(|row| customer.contains(&row.contact)));
                if is_last {
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn outbound(
        &self,
        tenant: &TenantHandle,
        message: MessageId,
    ) -> Result<(MessageRef, Message), Refusal> {
        let (store, now) = (self.directory.store(), self.directory.clock().now());
        let found = store.find_outbound(tenant.row.id, message, now).await;
        let at = found
            .map_err(|error| store_refusal(&error))?
            .ok_or(Refusal::NotFound(Missing::Message))?;
        let row = store
            .message(tenant.row.id, at, now)
            .await
            .map_err(|error| store_refusal(&error))?;
        Ok((at, row.ok_or(Refusal::NotFound(Missing::Message))?))
    }
}

/// Waits for an answer that an actor owes, but not for ever.
async fn answer<T>(owed: oneshot::Receiver<T>) -> Result<T, Refusal> {
    match tokio::time::timeout(PATIENCE, owed).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(Refusal::Uncertain),
    }
}

#[async_trait]
impl TenantCommands for Gateway {
    async fn submit(&self, tenant: TenantId, request: SubmitRequest) -> Result<Accepted, Refusal> {
        let tenant = self.writable(tenant).await?;
        let (reply, owed) = oneshot::channel();
        let submit = Submit {
            request: Box::new(request),
            reply,
        };
        tenant
            .addr
            .tell(submit, ROOM)
            .await
            .map_err(|refused| refusal(&refused))?;
        answer(owed).await?
    }

    async fn note(&self, tenant: TenantId, request: NoteRequest) -> Result<Accepted, Refusal> {
        let tenant = self.writable(tenant).await?;
        let (reply, owed) = oneshot::channel();
        let note = LeaveNote {
            request: Box::new(request),
            reply,
        };
        tenant
            .addr
            .tell(note, ROOM)
            .await
            .map_err(|refused| refusal(&refused))?;
        answer(owed).await?
    }

    async fn organise(&self, tenant: TenantId, change: Organise) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        match tenant.ledger.commit(Op::Organise(change)).await {
            Ok(OpOutcome::Refused(refused)) => Err(op_refusal(refused)),
            Ok(_) => Ok(()),
            Err(error) => Err(commit_refusal(&error)),
        }
    }

    async fn change_contact(
        &self,
        tenant: TenantId,
        change: ChangeContact,
    ) -> Result<(ContactId, ContactFate), Refusal> {
        let tenant = self.writable(tenant).await?;
        match tenant.ledger.commit(Op::ChangeContact(Box::new(change))).await {
            Ok(outcome) => contact_changed(outcome),
            Err(error) => Err(commit_refusal(&error)),
        }
    }

    async fn merge_contacts(&self, tenant: TenantId, merge: Merge) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let merged = tenant.ledger.commit(Op::Merge(Box::new(merge))).await;
        contact_changed(merged.map_err(|error| commit_refusal(&error))?).map(drop)
    }

    async fn part_contacts(&self, tenant: TenantId, unmerge: Unmerge) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let parted = tenant.ledger.commit(Op::Unmerge(Box::new(unmerge))).await;
        contact_changed(parted.map_err(|error| commit_refusal(&error))?).map(drop)
    }

    async fn erase_customer(&self, tenant: TenantId, step: Erase) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let customer = match &step {
            Erase::Begins(contacts) => contacts.clone(),
            Erase::IsDone => Vec::new(),
        };
        let committed = tenant.ledger.commit(Op::Erase(step)).await;
        committed.map_err(|error| commit_refusal(&error))?;
        if customer.is_empty() {
            return Ok(());
        }
        for row in self.waiting_for(&tenant, &customer).await? {
            match self.take_back(&tenant, row.at, row.number).await {
                // Its rows are removed with the others, and what is learned of it later finds none.
                Ok(()) | Err(Refusal::AlreadyClaimed) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    async fn submit_recipients(
        &self,
        tenant: TenantId,
        submits: Vec<SubmitOp>,
    ) -> Result<Vec<Result<OpOutcome, Refusal>>, Refusal> {
        // A job of a process that lost the tenant takes it back from nobody.
        let running = self.directory.running_one(tenant);
        let tenant = running.ok_or(Refusal::Unavailable { retry_after: None })?;
        // All are in hand before the first is waited for: what comes together is written together, and in this order.
        let ops = submits.into_iter().map(|submit| Op::Submit(Box::new(submit)));
        let commits: FuturesOrdered<_> = ops.map(|op| tenant.ledger.commit(op)).collect();
        let outcomes: Vec<_> = commits.collect().await;
        let answers = outcomes.into_iter().map(|outcome| {
            let mut outcome = outcome.map_err(|error| commit_refusal(&error))?;
            if let OpOutcome::Committed { queued, .. } = &mut outcome
                && let Some(mut queued) = queued.take()
                && let Some(lane) = tenant.lanes.get(&queued.number)
            {
                if !queued.linked.is_empty() {
                    lane.join(std::mem::take(&mut queued.linked), queued.contact);
                }
                lane.enqueue((*queued).into());
            }
            Ok(outcome)
        });
        Ok(answers.collect())
    }

    async fn steer_broadcast(&self, tenant: TenantId, steer: SteerBroadcast) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let (broadcast, to) = (steer.broadcast, steer.to);
        match tenant.ledger.commit(Op::SteerBroadcast(steer)).await {
            Ok(OpOutcome::Refused(refused)) => return Err(op_refusal(refused)),
            Ok(_) => {}
            Err(error) => return Err(commit_refusal(&error)),
        }
        for lane in tenant.lanes.values() {
            // What halts is learned by claims; what is claimed already is given back.
            if to != BroadcastRun::Halted {
                lane.broadcast_steered(broadcast);
            }
            if to != BroadcastRun::Running {
                lane.broadcast_halted().await;
            }
        }
        Ok(())
    }

    async fn withdraw(&self, tenant: TenantId, message: MessageId) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let (at, row) = self.outbound(&tenant, message).await?;
        self.take_back(&tenant, at, row.number).await
    }

    async fn settle(&self, tenant: TenantId, message: MessageId, how: Settlement) -> Result<(), Refusal> {
        let tenant = self.writable(tenant).await?;
        let (at, row) = self.outbound(&tenant, message).await?;
        match row
            .delivery
            .filter(|delivery| delivery.state == DeliveryState::Unknown)
        {
            Some(delivery) if delivery.gave_up.is_none() => {}
            // It was done before, and whoever asked may not have heard of it.
            Some(_) if how == Settlement::GiveUp => return Ok(()),
            _ => return Err(Refusal::OutcomeKnown),
        }
        let lane = tenant.lanes.get(&row.number).ok_or(Refusal::UnknownNumber)?;
        lane.settle(at, how).await
    }

    async fn receipt(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        seen: Option<Seq>,
        what: Receipt,
    ) -> Result<(), Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        let (store, now) = (self.directory.store(), self.directory.clock().now());
        let page = store
            .page_messages(tenant.row.id, conversation, None, 50, now)
            .await;
        let page = page.map_err(|error| store_refusal(&error))?;
        let was_seen = |message: &Message| {
            let told = message.told.first();
            seen.zip(told).is_none_or(|(seen, told)| *told <= seen)
        };
        let newest = page.items.into_iter().find(|message| {
            message.direction == Direction::Inbound && message.via.is_none() && was_seen(message)
        });
        let Some(Message {
            wamid: Some(wamid),
            number,
            ..
        }) = newest
        else {
            return Err(Refusal::NotFound(Missing::Inbound));
        };
        tenant
            .lanes
            .get(&number)
            .ok_or(Refusal::UnknownNumber)?
            .receipt(wamid, what);
        Ok(())
    }
}

#[async_trait]
impl TenantPresence for Gateway {
    async fn attend(
        &self,
        tenant: TenantId,
        agent: AgentId,
        session: SessionId,
        what: Attendance,
    ) -> Result<(), Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        let attend = Attend {
            session,
            agent,
            attendance: what,
        };
        tenant
            .addr
            .tell(attend, ROOM)
            .await
            .map_err(|refused| refusal(&refused))
    }

    async fn arrive(
        &self,
        tenant: TenantId,
        agent: AgentId,
        session: SessionId,
    ) -> Result<(Roster, TenantHead), Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        let (reply, owed) = oneshot::channel();
        let arrive = Arrive {
            session,
            agent,
            reply,
        };
        tenant
            .addr
            .tell(arrive, ROOM)
            .await
            .map_err(|refused| refusal(&refused))?;
        let roster = answer(owed).await?;
        Ok((roster, tenant.ledger.head()))
    }

    async fn head(&self, tenant: TenantId) -> Result<TenantHead, Refusal> {
        if let Some(running) = self.directory.running_one(tenant) {
            return Ok(running.ledger.head());
        }
        // Whoever only reads wakes nobody.
        let resting = self.directory.store().tenant_head(tenant).await;
        match resting.map_err(|error| store_refusal(&error))? {
            Some(head) => Ok(head),
            None => Ok(self.directory.tenant(tenant).await?.ledger.head()),
        }
    }

    async fn subscribe(&self, tenant: TenantId, subscriber: FeedSubscriber) -> Result<TenantHead, Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        tenant
            .ledger
            .subscribe(subscriber)
            .await
            .map_err(|error| commit_refusal(&error))
    }
}

#[async_trait]
impl TenantDirectory for Gateway {
    async fn numbers(&self, tenant: TenantId) -> Result<Vec<Number>, Refusal> {
        let numbers = self.directory.numbers(tenant).await;
        numbers.map_err(|error| store_refusal(&error))
    }

    async fn lanes(&self, tenant: TenantId) -> Result<BTreeMap<PhoneNumberId, LaneState>, Refusal> {
        let mut states = BTreeMap::new();
        if let Some(running) = self.directory.running_one(tenant) {
            for (number, lane) in &*running.lanes {
                states.extend(lane.state().await.map(|state| (number.clone(), state)));
            }
        }
        Ok(states)
    }

    async fn owns(&self, tenant: TenantId) -> Result<bool, Refusal> {
        if self.directory.running_one(tenant).is_some() {
            return Ok(true);
        }
        if self.directory.elsewhere(tenant).await?.is_some() {
            return Ok(false);
        }
        self.directory.tenant(tenant).await.map(|_taken| true)
    }

    async fn backlog(&self, tenant: TenantId) -> Result<Option<usize>, Refusal> {
        if let Some(running) = self.directory.running_one(tenant) {
            return Ok(Some(running.lanes.values().map(LaneHandle::backlog).sum()));
        }
        // One that rests here has nothing that waits.
        let elsewhere = self.directory.elsewhere(tenant).await?;
        Ok(elsewhere.is_none().then_some(0))
    }

    async fn delay_estimate(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        at: MessageRef,
    ) -> Result<Option<DelayEstimate>, Refusal> {
        let tenant = self.directory.tenant(tenant).await?;
        match tenant.lanes.get(&number) {
            Some(lane) => Ok(lane.delay_estimate(at.message).await),
            None => Ok(None),
        }
    }

    async fn tenant_changed(&self, tenant: TenantRow) -> Result<(), Refusal> {
        self.directory.tenant_changed(&tenant).await
    }

    async fn number_changed(&self, number: Number) -> Result<(), Refusal> {
        self.directory.number_changed(number).await;
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        if self.ready.load(Ordering::Acquire) {
            Readiness::Ready
        } else {
            Readiness::Opening
        }
    }

    fn missing(&self) -> Vec<TenantId> {
        self.directory.missing()
    }
}
