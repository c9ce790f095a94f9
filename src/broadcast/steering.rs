//! What the ledger, and the lanes, are told of a broadcast: what its row says is wanted.

use super::Broadcasts;
use crate::actors::request::Refusal;
use crate::domain::{BroadcastRun, Epoch, TenantId};
use crate::store::StoreError;
use crate::store::op::SteerBroadcast;
use crate::store::tables::{Broadcast, BroadcastState};

impl Broadcasts {
    /// Tells the ledger at once what is wanted of a broadcast. Where that fails the job does so.
    pub(super) async fn steer_now(&self, tenant: TenantId, row: &Broadcast) {
        if let Err(refusal) = self.steer(tenant, row).await {
            tracing::debug!(%refusal, "whoever has the tenant tells its ledger of a broadcast");
        }
    }

    /// Tells the ledger, and the lanes, what is wanted of a broadcast that was launched.
    pub(super) async fn steer(&self, tenant: TenantId, row: &Broadcast) -> Result<(), Refusal> {
        let Some(to) = wanted(row.state).filter(|_| row.launched_at.is_some()) else {
            return Ok(());
        };
        self.tenants.steer_broadcast(tenant, steering(row, to)).await
    }

    /// The identity of the tenant's ledger, where that can be told.
    pub(super) async fn epoch(&self, tenant: TenantId) -> Result<Option<Epoch>, StoreError> {
        Ok(self.store.tenant_head(tenant).await?.map(|head| head.epoch))
    }

    /// Whether the tenant's ledger is the one of which somebody said that the broadcast goes on.
    pub(super) async fn is_as_launched(&self, tenant: TenantId, row: &Broadcast) -> Result<bool, StoreError> {
        let now = self.epoch(tenant).await?;
        Ok(now.is_none() || row.launched_in.is_none() || now == row.launched_in)
    }
}

/// What the ledger is told of a broadcast.
fn steering(row: &Broadcast, to: BroadcastRun) -> SteerBroadcast {
    SteerBroadcast {
        broadcast: row.broadcast_id,
        numbers: row.numbers.clone(),
        to,
        problem: row.problem.filter(|_| to == BroadcastRun::Halted),
        version: row.version,
    }
}

/// What the ledger is to know of a broadcast in a state, if anything.
pub(super) const fn wanted(state: BroadcastState) -> Option<BroadcastRun> {
    match state {
        BroadcastState::Running => Some(BroadcastRun::Running),
        BroadcastState::Paused | BroadcastState::Scheduled => Some(BroadcastRun::Halted),
        BroadcastState::Cancelled => Some(BroadcastRun::Cancelled),
        BroadcastState::Draft
        | BroadcastState::Planning
        | BroadcastState::Ready
        | BroadcastState::Done
        | BroadcastState::Removing => None,
    }
}
