//! Pauses that no person wanted: written to the broadcast's row first, then to the ledger, and told by the audit log afterwards.

use super::Broadcasts;
use super::guard::PauseCause;
use super::waits::{Ended, Waits};
use crate::accounts::audit::AuditEvent;
use crate::crash::{self, CrashPoint};
use crate::domain::{AuditAction, BroadcastId, TenantId};
use crate::store::StoreError;
use crate::store::tables::{
    AuditActor, AuditDetails, AuditScope, AuditTarget, AuditTargetKind, Broadcast, BroadcastPause,
    BroadcastState,
};
use crate::telemetry::metrics;

impl Broadcasts {
    /// Pauses one that cannot go on, or is not to, and says why.
    pub(super) async fn hold(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        cause: PauseCause,
        waits: Waits<'_>,
    ) -> Result<(), Ended> {
        let noted = cause.noted(self.clock.now());
        let row = self
            .move_on(tenant, broadcast, waits, |before| Broadcast {
                state: BroadcastState::Paused,
                problem: Some(cause.problem),
                paused: Some(noted.clone()),
                ..before
            })
            .await?;
        if row.paused.as_ref() == Some(&noted) {
            metrics::broadcast_auto_pauses_total(cause.problem).increment(1);
            tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, problem = cause.problem.as_str(), said = cause.said.as_deref(), "a broadcast is paused");
        }
        crash::point(CrashPoint::AfterBroadcastPause);
        waits.asked(|| self.keep_steered(tenant, &row)).await?;
        // The audit log is to tell of it.
        self.wake.notify_one();
        Ok(())
    }

    /// Has the audit log tell of a pause that no person wanted. It comes after the pause, which must not wait for it.
    pub(super) async fn record_pause(&self, tenant: TenantId, row: &Broadcast) -> Result<(), StoreError> {
        let Some(noted) = row.paused.as_ref().filter(|paused| !paused.is_recorded) else {
            return Ok(());
        };
        let id = row.broadcast_id.to_string();
        let event = AuditEvent {
            actor: AuditActor::Nobody,
            action: AuditAction::BroadcastPaused,
            target: AuditTarget::of(AuditTargetKind::Broadcast, &id),
            address: None,
            details: AuditDetails {
                problem: row.problem,
                ..AuditDetails::default()
            },
        };
        if let Err(error) = self.audit.record_behind(AuditScope::Tenant(tenant), event).await {
            tracing::warn!(tenant.id = %tenant, broadcast.id = %row.broadcast_id, %error, "the audit log is told soon again that a broadcast is paused");
            return Ok(());
        }
        let recorded = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| Broadcast {
                paused: before.paused.clone().map(|paused| BroadcastPause {
                    is_recorded: paused.is_recorded || paused == *noted,
                    ..paused
                }),
                ..before.clone()
            }))
        };
        self.table()
            .change(Broadcast::at(tenant, row.broadcast_id), recorded)
            .await?;
        Ok(())
    }
}
