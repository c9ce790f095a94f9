//! What the edges may ask of the core. REST, sockets and webhooks know these traits alone, so that each can be tested
//! without the rest.
//!
//! They are also the seam for several nodes. Whoever asks through them does not know where a tenant's actors run: when a tenant
//! may live on another node, only implementations of these traits change. Today each is implemented by this process' own
//! [`Gateway`](super::Gateway) and [`Directory`](super::Directory).

mod webhooks;

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::feed::FeedSubscriber;
use super::request::{
    Accepted, Attendance, DelayEstimate, LaneState, NoteRequest, Receipt, Refusal, Roster, SubmitRequest,
};
use crate::domain::{AgentId, ContactId, ConversationId, MessageId, PhoneNumberId, Seq, TenantId};
use crate::store::op::{
    ChangeContact, ContactFate, Erase, Merge, OpOutcome, Organise, Settlement, SteerBroadcast, Submit,
    Unmerge,
};
use crate::store::{MessageRef, Number, Tenant, TenantHead};

pub use webhooks::{
    Applying, Departure, Inbox, IntakePort, IntakeRefusal, Signer, TenantInbox, WebhookTenants,
};

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

/// What is asked of a tenant's owner and changes something. Every call ends within a few seconds, if only as [`Refusal::Busy`].
#[async_trait]
pub trait TenantCommands: Send + Sync + 'static {
    /// Accepts a message: durable on return.
    async fn submit(&self, tenant: TenantId, request: SubmitRequest) -> Result<Accepted, Refusal>;

    /// Adds a private note: durable on return. `NotFound` when the conversation is not there.
    async fn note(&self, tenant: TenantId, request: NoteRequest) -> Result<Accepted, Refusal>;

    /// Changes a conversation: durable on return. `NotFound` when it is not there.
    async fn organise(&self, tenant: TenantId, change: Organise) -> Result<(), Refusal>;

    /// Notes something of a contact, or makes one: durable on return. `ContactExists` when a new one is there already.
    async fn change_contact(
        &self,
        tenant: TenantId,
        change: ChangeContact,
    ) -> Result<(ContactId, ContactFate), Refusal>;

    /// Makes two contacts one customer's: durable on return. `ContactsChanged` when they are not as they were read.
    async fn merge_contacts(&self, tenant: TenantId, merge: Merge) -> Result<(), Refusal>;

    /// Undoes that: durable on return. `NotMerged` when there is nothing to undo.
    async fn part_contacts(&self, tenant: TenantId, unmerge: Unmerge) -> Result<(), Refusal>;

    /// Takes a step of an erasure: durable on return. When it begins, what waits to be sent to the customer is taken back, as far as it
    /// was not claimed.
    async fn erase_customer(&self, tenant: TenantId, step: Erase) -> Result<(), Refusal>;
    /// Accepts messages to recipients of broadcasts, each of which has one turn: durable on return, and handed to its lane. One answer
    /// for each, in order: `Committed` or `Suppressed` where this was the turn, `Duplicate` where that was before, `Refused` where the
    /// broadcast does not run. After an error the turn may have come: the same message is to be offered again.
    async fn submit_recipients(
        &self,
        tenant: TenantId,
        submits: Vec<Submit>,
    ) -> Result<Vec<Result<OpOutcome, Refusal>>, Refusal>;

    /// Begins a broadcast, halts it, has it go on or ends it: durable on return, and from then on no claim goes against it. Where it is so
    /// already, agents are told what they were not told of it. `BroadcastCancelled` when it is over.
    async fn steer_broadcast(&self, tenant: TenantId, steer: SteerBroadcast) -> Result<(), Refusal>;

    /// Takes back a queued message. `AlreadyClaimed` when it is too late, `NotFound` when it is not an outbound one.
    async fn withdraw(&self, tenant: TenantId, message: MessageId) -> Result<(), Refusal>;

    /// Decides about an unknown outcome. `OutcomeKnown` when the outcome is not unknown, or not any more;
    /// what was decided so before is done.
    async fn settle(&self, tenant: TenantId, message: MessageId, how: Settlement) -> Result<(), Refusal>;

    /// Tells the customer that the conversation was read, as far as it was seen, or that somebody types. Best effort:
    /// returns once it is handed over. Does not mark the conversation as read for agents: that is [`TenantCommands::organise`].
    async fn receipt(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        seen: Option<Seq>,
        what: Receipt,
    ) -> Result<(), Refusal>;
}

/// Who is there in a tenant, and what they follow. Every call ends within a few seconds.
#[async_trait]
pub trait TenantPresence: Send + Sync + 'static {
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

    /// Where the tenant's ledger stands. Read it before rows: whatever is committed later is in the events after it.
    async fn head(&self, tenant: TenantId) -> Result<TenantHead, Refusal>;

    /// Feeds this subscriber from now on, with every event after the head that is returned.
    async fn subscribe(&self, tenant: TenantId, subscriber: FeedSubscriber) -> Result<TenantHead, Refusal>;
}

/// Which tenants and numbers there are, how they stand, and what changed of them.
#[async_trait]
pub trait TenantDirectory: Send + Sync + 'static {
    /// The tenant's numbers, in order of id.
    async fn numbers(&self, tenant: TenantId) -> Result<Vec<Number>, Refusal>;

    /// How the tenant's outbound queues stand, by number. One that is not here has nothing to do and nothing against it.
    async fn lanes(&self, tenant: TenantId) -> Result<BTreeMap<PhoneNumberId, LaneState>, Refusal>;

    /// Whether this process has the tenant. It takes one that nobody has.
    async fn owns(&self, tenant: TenantId) -> Result<bool, Refusal>;

    /// How many of the tenant's messages wait to be sent; `None` where another gateway has it.
    async fn backlog(&self, tenant: TenantId) -> Result<Option<usize>, Refusal>;

    /// Why an outbound message waits and until when; `None` when it does not wait.
    async fn delay_estimate(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        at: MessageRef,
    ) -> Result<Option<DelayEstimate>, Refusal>;

    /// Takes over a tenant that was added or changed; it is in the store already.
    async fn tenant_changed(&self, tenant: Tenant) -> Result<(), Refusal>;

    /// Takes over a number that was added or changed; it is in the store already.
    async fn number_changed(&self, number: Number) -> Result<(), Refusal>;

    /// Whether the core can be asked yet.
    fn readiness(&self) -> Readiness;

    /// Tenants that cannot be asked, because they could not be started when it was tried last.
    fn missing(&self) -> Vec<TenantId>;
}

/// All three, for whoever offers all of them.
pub trait TenantPort: TenantCommands + TenantPresence + TenantDirectory {}

impl<T: TenantCommands + TenantPresence + TenantDirectory> TenantPort for T {}
