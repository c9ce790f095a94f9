//! What the edges may ask of the core. REST, sockets and webhooks know these traits alone, so that each can be tested
//! without the rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::feed::FeedSubscriber;
use super::request::{
    Accepted, Attendance, DelayEstimate, LaneState, NoteRequest, Receipt, Refusal, Roster, SubmitRequest,
};
use crate::domain::{AgentId, ConversationId, MessageId, PhoneNumberId, Seq, TenantId};
use crate::store::op::{Organise, Settlement};
use crate::store::{MessageRef, Number, Tenant, TenantHead};

/// One socket of an agent within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// Wraps a number that no other socket of this process has.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Whether the core can be asked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Ledgers are being opened.
    Opening,
    /// What waited to be sent at the start goes on, or is tried again.
    Ready,
}

/// A tenant, seen from outside. Every call ends within a few seconds, if only as [`Refusal::Busy`].
#[async_trait]
pub trait TenantPort: Send + Sync + 'static {
    /// Accepts a message: durable on return.
    async fn submit(&self, tenant: TenantId, request: SubmitRequest) -> Result<Accepted, Refusal>;

    /// Adds a private note: durable on return. `NotFound` when the conversation is not there.
    async fn note(&self, tenant: TenantId, request: NoteRequest) -> Result<Accepted, Refusal>;

    /// Changes a conversation: durable on return. `NotFound` when it is not there.
    async fn organise(&self, tenant: TenantId, change: Organise) -> Result<(), Refusal>;

    /// Takes back a queued message. `AlreadyClaimed` when it is too late, `NotFound` when it is not an outbound one.
    async fn withdraw(&self, tenant: TenantId, message: MessageId) -> Result<(), Refusal>;

    /// Decides about an unknown outcome. `OutcomeKnown` when the outcome is not unknown, or not any more;
    /// what was decided so before is done.
    async fn settle(&self, tenant: TenantId, message: MessageId, how: Settlement) -> Result<(), Refusal>;

    /// Tells the customer that the conversation was read, as far as it was seen, or that somebody types. Best effort:
    /// returns once it is handed over. Does not mark the conversation as read for agents: that is [`TenantPort::organise`].
    async fn receipt(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        seen: Option<Seq>,
        what: Receipt,
    ) -> Result<(), Refusal>;

    /// Why an outbound message waits and until when; `None` when it does not wait.
    async fn delay_estimate(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        at: MessageRef,
    ) -> Result<Option<DelayEstimate>, Refusal>;

    /// Notes what an agent's client shows of itself. A session that goes offline is forgotten.
    async fn attend(
        &self,
        tenant: TenantId,
        agent: AgentId,
        session: SessionId,
        what: Attendance,
    ) -> Result<(), Refusal>;

    /// Notes that an agent's client came, which is online; tells it who is there, who looks at what, and where the ledger stands.
    async fn arrive(
        &self,
        tenant: TenantId,
        agent: AgentId,
        session: SessionId,
    ) -> Result<(Roster, TenantHead), Refusal>;

    /// The tenant's numbers, in order of id.
    async fn numbers(&self, tenant: TenantId) -> Result<Vec<Number>, Refusal>;

    /// How the tenant's outbound queues stand, by number. One that is not here has nothing to do and nothing against it.
    async fn lanes(&self, tenant: TenantId) -> Result<BTreeMap<PhoneNumberId, LaneState>, Refusal>;

    /// Where the tenant's ledger stands. Read it before rows: whatever is committed later is in the events after it.
    async fn head(&self, tenant: TenantId) -> Result<TenantHead, Refusal>;

    /// Feeds this subscriber from now on, with every event after the head that is returned.
    async fn subscribe(&self, tenant: TenantId, subscriber: FeedSubscriber) -> Result<TenantHead, Refusal>;

    /// Takes over a tenant that was added or changed; it is in the store already.
    async fn tenant_changed(&self, tenant: Tenant) -> Result<(), Refusal>;

    /// Takes over a number that was added or changed; it is in the store already.
    async fn number_changed(&self, number: Number) -> Result<(), Refusal>;

    /// Whether the core can be asked yet.
    fn readiness(&self) -> Readiness;

    /// Tenants that cannot be asked, because they could not be started when it was tried last.
    fn missing(&self) -> Vec<TenantId>;
}

/// Why a webhook was not taken. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal does not take webhooks now")]
pub struct IntakeRefusal {
    /// When trying again makes sense.
    pub retry_after: Duration,
}

/// Who vouches for a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// The app of this name in the settings, by its signature. It speaks for its own numbers alone.
    App(Arc<str>),
    /// Some app: an earlier version put it aside without keeping which. Heard only where there is no other app.
    Unknown,
}

/// Whether webhooks that were taken are being applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applying {
    /// They are.
    Runs,
    /// That part died, and starts again.
    Died,
}

/// Where webhooks go.
#[async_trait]
pub trait IntakePort: Send + Sync + 'static {
    /// Takes a webhook body and who vouches for it: durable on return. It is applied later.
    async fn accept(&self, signer: Signer, body: Bytes) -> Result<(), IntakeRefusal>;

    /// Takes back what was put aside, as whose it was: durable on return.
    async fn take_back(&self, sealed: Bytes) -> Result<(), IntakeRefusal>;

    /// Whether what was taken is being applied.
    fn applying(&self) -> Applying;
}
