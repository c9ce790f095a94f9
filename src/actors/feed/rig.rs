//! For tests: a port behind which real ledgers run, and nothing else does more than it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::Arbiter;
use async_trait::async_trait;
use serde_json::value::RawValue;

use super::{FeedSubscriber, Presence};
use crate::actors::ledger::{Ledger, LedgerHandle};
use crate::actors::port::{SessionId, TenantCommands, TenantPresence};
use crate::actors::request::{
    Acceptance, Accepted, Attendance, Missing, NoteRequest, Receipt, Refusal, Roster, SubmitRequest,
};
use crate::domain::{
    AgentId, Clock, ContactId, ConversationId, Epoch, EventKind, MessageId, Retention, Seq, SystemClock,
    TenantId,
};
use crate::store::op::{
    Announce, ChangeContact, ContactFate, Erase, Merge, Op, OpOutcome, Organise, Settlement, SteerBroadcast,
    Submit, Unmerge,
};
use crate::store::{MessageRef, Store, TenantHead};

/// What was asked of the port.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "some tests only look at what Debug shows")]
pub(crate) enum Asked {
    Submit(Box<SubmitRequest>),
    Note(NoteRequest),
    Organise(Organise),
    Receipt(ConversationId, Receipt),
    Attend(AgentId, SessionId, Attendance),
}

/// See the module.
pub(crate) struct LedgerPort {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) asked: Mutex<Vec<Asked>>,
    /// What the next submits are answered, before they are accepted again.
    pub(crate) refusals: Mutex<Vec<Refusal>>,
    /// Submits wait until this is free.
    pub(crate) gate: tokio::sync::Mutex<()>,
    pub(crate) roster: Mutex<Roster>,
    ledgers: tokio::sync::Mutex<HashMap<TenantId, LedgerHandle>>,
    epochs: Mutex<u64>,
    arbiter: Arbiter,
}

impl LedgerPort {
    pub(crate) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            store,
            asked: Mutex::default(),
            refusals: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            roster: Mutex::default(),
            ledgers: tokio::sync::Mutex::default(),
            epochs: Mutex::new(1),
            arbiter: Arbiter::new(),
        })
    }

    /// The running ledger, started again if it stopped. Tenant 0 does not exist.
    pub(crate) async fn ledger(&self, tenant: TenantId) -> Result<LedgerHandle, Refusal> {
        if tenant == TenantId::new(0) {
            return Err(Refusal::UnknownTenant);
        }
        let mut ledgers = self.ledgers.lock().await;
        if let Some(ledger) = ledgers.get(&tenant)
            && ledger.is_connected()
        {
            return Ok(ledger.clone());
        }
        let fresh = Epoch::new(*self.epochs.lock().unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Arc::clone(&self.store);
        let arbiter = self.arbiter.handle();
        let ledger = Ledger::open(tenant, Retention::DEFAULT, fresh, store, clock, &arbiter);
        let ledger = ledger.await.unwrap();
        ledgers.insert(tenant, ledger.clone());
        Ok(ledger)
    }

    /// Commits an event and returns its position.
    pub(crate) async fn say(&self, tenant: TenantId, text: &str) -> Seq {
        let data = RawValue::from_string(serde_json::to_string(text).unwrap()).unwrap();
        let announce = Announce {
            kind: EventKind::Meta,
            conversation: None,
            data: data.into(),
            once: None,
        };
        let ledger = self.ledger(tenant).await.unwrap();
        match ledger.commit(Op::Announce(announce)).await.unwrap() {
            OpOutcome::Committed { seq, .. } => seq,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until something that was asked satisfies the test.
    pub(crate) async fn wait_for(&self, what: impl Fn(&Asked) -> bool) -> Asked {
        for _ in 0..1_000 {
            if let Some(found) = self.asked.lock().unwrap().iter().find(|asked| what(asked)) {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it was never asked; there were {:?}", self.asked.lock().unwrap());
    }

    fn note_down(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }
}

fn accepted(conversation: ConversationId, number: u8) -> Accepted {
    Accepted {
        at: MessageRef {
            conversation,
            message: MessageId::from_bytes([number; 16]),
        },
        acceptance: Acceptance::New,
    }
}

#[async_trait]
impl TenantCommands for LedgerPort {
    async fn submit(&self, tenant: TenantId, request: SubmitRequest) -> Result<Accepted, Refusal> {
        self.note_down(Asked::Submit(Box::new(request)));
        drop(self.gate.lock().await);
        if let Some(refusal) = self.refusals.lock().unwrap().pop() {
            return Err(refusal);
        }
        self.say(tenant, "submitted").await;
        Ok(accepted(ConversationId::from_bytes([9; 16]), 1))
    }

    async fn note(&self, _: TenantId, request: NoteRequest) -> Result<Accepted, Refusal> {
        let conversation = request.conversation;
        self.note_down(Asked::Note(request));
        Ok(accepted(conversation, 2))
    }

    async fn organise(&self, _: TenantId, change: Organise) -> Result<(), Refusal> {
        self.note_down(Asked::Organise(change));
        Ok(())
    }

    async fn change_contact(
        &self,
        _: TenantId,
        _: ChangeContact,
    ) -> Result<(ContactId, ContactFate), Refusal> {
        Err(Refusal::NotFound(Missing::ContactId))
    }

    async fn merge_contacts(&self, _: TenantId, _: Merge) -> Result<(), Refusal> {
        Err(Refusal::NotFound(Missing::ContactId))
    }

    async fn part_contacts(&self, _: TenantId, _: Unmerge) -> Result<(), Refusal> {
        Err(Refusal::NotMerged)
    }

    async fn erase_customer(&self, _: TenantId, _: Erase) -> Result<(), Refusal> {
        Ok(())
    }

    async fn submit_recipients(
        &self,
        _: TenantId,
        _: Vec<Submit>,
    ) -> Result<Vec<Result<OpOutcome, Refusal>>, Refusal> {
        Err(Refusal::UnknownNumber)
    }

    async fn steer_broadcast(&self, _: TenantId, _: SteerBroadcast) -> Result<(), Refusal> {
        Err(Refusal::BroadcastCancelled)
    }

    async fn withdraw(&self, _: TenantId, _: MessageId) -> Result<(), Refusal> {
        Err(Refusal::NotFound(Missing::Message))
    }

    async fn settle(&self, _: TenantId, _: MessageId, _: Settlement) -> Result<(), Refusal> {
        Err(Refusal::NotFound(Missing::Message))
    }

    async fn receipt(
        &self,
        _: TenantId,
        conversation: ConversationId,
        _: Option<Seq>,
        what: Receipt,
    ) -> Result<(), Refusal> {
        self.note_down(Asked::Receipt(conversation, what));
        Ok(())
    }
}

#[async_trait]
impl TenantPresence for LedgerPort {
    async fn attend(
        &self,
        _: TenantId,
        agent: AgentId,
        session: SessionId,
        what: Attendance,
    ) -> Result<(), Refusal> {
        self.note_down(Asked::Attend(agent, session, what));
        Ok(())
    }

    async fn arrive(
        &self,
        tenant: TenantId,
        agent: AgentId,
        session: SessionId,
    ) -> Result<(Roster, TenantHead), Refusal> {
        let online = Attendance::Presence(Presence::Online);
        self.note_down(Asked::Attend(agent, session, online));
        let roster = self.roster.lock().unwrap().clone();
        Ok((roster, self.head(tenant).await?))
    }

    async fn head(&self, tenant: TenantId) -> Result<TenantHead, Refusal> {
        Ok(self.ledger(tenant).await?.head())
    }

    async fn subscribe(&self, tenant: TenantId, subscriber: FeedSubscriber) -> Result<TenantHead, Refusal> {
        let ledger = self.ledger(tenant).await?;
        ledger
            .subscribe(subscriber)
            .await
            .map_err(|_closed| Refusal::Busy)
    }
}
