//! The road in, as both of its ends see it: where webhooks are taken, and what applying them asks of tenants.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

use crate::actors::ledger::{CommitError, CommitObserver};
use crate::actors::request::Refusal;
use crate::domain::{
    AttemptToken, Content, DeliveryState, Keyword, MetaError, PhoneNumberId, TenantId, Timestamp, WabaId,
};
use crate::store::{Op, ProcessId, StoreError};

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

/// What applying webhooks asks of tenants: whose a number is, whose word counts for it, and where its tenant takes what came.
#[async_trait]
pub trait WebhookTenants: Send + Sync + 'static {
    /// Whose number it is.
    fn owner(&self, number: &PhoneNumberId) -> Option<TenantId>;

    /// Whose accounts they are: every tenant with a number in it.
    fn owners_of_account(&self, waba: &WabaId) -> Vec<TenantId>;

    /// Whether a signature counts for a number.
    fn is_signed_by(&self, number: &PhoneNumberId, signer: &Signer) -> bool;

    /// Whether a signature counts for any number of a tenant in an account.
    fn is_signed_within(&self, tenant: TenantId, waba: &WabaId, signer: &Signer) -> bool;

    /// Takes over the numbers that another process added or changed since they were read last.
    async fn read_numbers_again(&self) -> Result<(), StoreError>;

    /// The other process that has a tenant and lives, if there is one: what came for the tenant is left to it.
    async fn elsewhere(&self, tenant: TenantId) -> Result<Option<ProcessId>, Refusal>;

    /// Where a tenant takes what came for it; started if need be, unless another living process has it.
    async fn inbox(&self, tenant: TenantId) -> Result<Inbox, Refusal>;

    /// Whether a process is known to be gone.
    fn is_gone(&self, process: ProcessId) -> bool;

    /// Told whenever a process is gone, which may have taken in webhooks and not applied them.
    fn somebody_is_gone(&self) -> Arc<Notify>;

    /// Processes that are gone and whose webhooks were not looked for yet. None of their tenants is taken over before that.
    fn gone_and_unlisted(&self) -> Vec<Departure>;

    /// Their webhooks are listed: the journal was read from the beginning since they were found gone.
    fn listed(&self, departures: &[Departure]);

    /// Told whenever a tenant was taken from another process, which may have webhooks of it that it does not apply any more.
    fn taken_over(&self) -> Arc<Notify>;
}

/// That a process was found gone. It may live again and be gone once more: that is another departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The process.
    pub process: ProcessId,
    /// Counts all departures.
    pub generation: u64,
}

/// Where a tenant takes what came for it.
pub enum Inbox {
    /// Here.
    Here(Box<dyn TenantInbox>),
    /// At another process, which lives.
    Elsewhere(ProcessId),
}

/// Where one tenant takes what came for it.
#[async_trait]
pub trait TenantInbox: Send + Sync {
    /// A customer wrote to a number, which counts against its limit.
    fn note_inbound(&self, number: &PhoneNumberId);

    /// Meta told of a state of a message from a number. It proves that webhooks arrive, and may settle an unknown outcome.
    fn note_status(&self, number: &PhoneNumberId, token: Option<AttemptToken>, state: DeliveryState);

    /// Meta told why a message from a number failed, which may concern more than that message.
    fn note_failure(
        &self,
        number: &PhoneNumberId,
        token: Option<AttemptToken>,
        error: &MetaError,
        at: Timestamp,
    );

    /// What a message asks for by being one of the tenant's words for it.
    fn keyword(&self, content: &Content) -> Option<Keyword>;

    /// How many wait for a commit of the tenant: what they asked for is refused when it takes too long.
    fn callers(&self) -> usize;

    /// Hands over an op and has the observer called when it is durable. Waits for room, not for the commit. An op that is not
    /// taken is an error that the observer is told, too.
    async fn commit(
        &self,
        op: Op,
        observer: Arc<dyn CommitObserver>,
        patience: Duration,
    ) -> Result<(), CommitError>;
}
