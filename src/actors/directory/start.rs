//! Starting tenants: in parallel, each by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actix::ArbiterHandle;
use futures_util::stream::{self, StreamExt as _};

use super::rest::Used;
use super::{Directory, ENDING, TenantHandle};
use crate::actors::conversation::store_refusal;
use crate::actors::incarnation::Incarnation;
use crate::actors::lane::{self, LaneHandle, LaneParts, LaneSettings};
use crate::actors::ledger::{Ledger, LedgerHandle};
use crate::actors::request::Refusal;
use crate::actors::tenant::{Tenant, TenantParts};
use crate::domain::{Epoch, TenantId};
use crate::store::{Number, StoreError, Tenant as TenantRow};
use crate::telemetry::labels::ActorKind;
use crate::telemetry::metrics;

/// A start that takes longer is given up, and tried again later.
const START: Duration = Duration::from_secs(10);
/// Tenants started at once.
const TOGETHER: usize = 64;

/// Why a tenant was not started.
enum Failed {
    /// It is not to be started now.
    Refused(Refusal),
    /// The store did not let it.
    Store(StoreError),
}

impl Directory {
    /// Starts every tenant of which something waits to be sent, so that it goes on; all others rest until somebody needs
    /// them. None waits for another: one that fails is among [`Self::missing`], and tried again with the next call.
    pub async fn start_due(&self) -> Result<(), StoreError> {
        self.start_each(self.parts.store.tenants_with_outbox().await?)
            .await;
        Ok(())
    }

    /// Starts again every tenant of whose actors one died, and every one that could not be started before; but none that another
    /// living process has by now.
    pub async fn revive(&self) {
        let dead = {
            let map = self.read();
            let dead = map.live.iter().filter(|(_, handle)| !handle.is_alive());
            dead.map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = dead.into_iter().chain(self.starts.missing()).collect();
        all.sort_unstable();
        all.dedup();
        self.start_each(self.left_to_nobody(all).await).await;
    }

    pub(super) async fn start_each(&self, mut tenants: Vec<TenantId>) {
        tenants.sort_unstable();
        tenants.dedup();
        // Whoever fails said so in the log.
        let starts = tenants.into_iter().map(|id| self.tenant(id));
        stream::iter(starts)
            .for_each_concurrent(TOGETHER, |start| async { drop(start.await) })
            .await;
    }

    /// Tenants that could not be started when it was tried last.
    pub fn missing(&self) -> Vec<TenantId> {
        self.starts.missing()
    }

    /// A running tenant; started, or started again, if need be.
    pub async fn tenant(&self, id: TenantId) -> Result<TenantHandle, Refusal> {
        if let Some(running) = self.known(id)? {
            return Ok(running);
        }
        let turn = self.starts.turn(id);
        let _mine = turn.lock().await;
        if let Some(running) = self.known(id)? {
            self.starts.leave(id);
            return Ok(running);
        }
        if let Some(wait) = self.starts.wait(id, self.parts.clock.monotonic()) {
            let retry_after = Some(wait);
            return Err(Refusal::Unavailable { retry_after });
        }
        match tokio::time::timeout(START, self.start_again(id)).await {
            Ok(Ok(handle)) => {
                self.starts.done(id);
                Ok(handle)
            }
            Ok(Err(Failed::Refused(refusal))) => {
                self.starts.leave(id);
                Err(refusal)
            }
            Ok(Err(Failed::Store(error))) => {
                if error.kind.is_lasting() {
                    tracing::error!(tenant.id = %id, %error, "what a tenant holds cannot be read");
                }
                Err(self.not_started(id, &error.to_string(), store_refusal(&error)))
            }
            Err(_elapsed) => Err(self.not_started(id, "it takes too long", ENDING)),
        }
    }

    /// Leaves a tenant alone for a while.
    fn not_started(&self, id: TenantId, reason: &str, refusal: Refusal) -> Refusal {
        let now = self.parts.clock.monotonic();
        let wait = self.starts.failed(id, now);
        if let Some(count) = self.not_started.happened(now) {
            tracing::error!(tenant.id = %id, error = reason, again_in = ?wait, count, "cannot start the tenant");
        }
        match refusal {
            Refusal::Unavailable { .. } => Refusal::Unavailable {
                retry_after: Some(wait),
            },
            other => other,
        }
    }

    async fn start_again(&self, id: TenantId) -> Result<TenantHandle, Failed> {
        let row = self.parts.store.tenant(id).await.map_err(Failed::Store)?;
        let row = row.ok_or(Failed::Refused(Refusal::UnknownTenant))?;
        let before = self.read().live.get(&id).map(|before| (**before).clone());
        if let Some(before) = &before {
            let retry_after = before.ledger.hands_off(self.parts.clock.monotonic());
            if retry_after.is_some() {
                return Err(Failed::Refused(Refusal::Unavailable { retry_after }));
            }
            before.retire().await;
            tracing::warn!(tenant.id = %id, "an actor of the tenant died: starting it again");
            metrics::actor_restarts_total(ActorKind::Tenant).increment(1);
        }
        let was_lost = matches!(&before, Some(before) if before.ledger.was_lost());
        let was_elsewhere = self.was_elsewhere(id).await;
        let incarnation = before.map(|before| before.incarnation);
        let handle = self
            .start(Arc::new(row), incarnation)
            .await
            .map_err(Failed::Store)?;
        self.write().live.insert(id, Box::new(handle.clone()));
        (was_lost || was_elsewhere).then(|| self.taken_over.notify_one());
        Ok(handle)
    }

    /// A random number.
    pub(super) fn random(&self) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    async fn start(
        &self,
        row: Arc<TenantRow>,
        incarnation: Option<Incarnation>,
    ) -> Result<TenantHandle, StoreError> {
        let parts = &self.parts;
        let arbiter = self.arbiter_of(row.id).ok_or_else(|| {
            let kind = crate::store::StoreErrorKind::Invalid;
            StoreError::new(kind, "there is no thread for tenants")
        })?;
        let (store, clock) = (Arc::clone(&parts.store), Arc::clone(&parts.clock));
        let fresh = Epoch::new(self.random());
        let ledger = Ledger::open(row.id, row.retention, fresh, store, clock, &arbiter).await?;
        let incarnation = incarnation.unwrap_or_else(|| Incarnation::new(ledger.clone()));
        let lanes: BTreeMap<_, _> = self
            .numbers(row.id)
            .await?
            .into_iter()
            .map(|number| {
                (
                    number.id.clone(),
                    self.start_lane(&row, (&ledger, &incarnation), number, self.random(), &arbiter),
                )
            })
            .collect();
        let tenant = TenantParts {
            row: Arc::clone(&row),
            store: Arc::clone(&parts.store),
            ledger: ledger.clone(),
            clock: Arc::clone(&parts.clock),
            arbiter,
            limits: parts.tenant_limits,
            seed: self.random(),
        };
        let lanes = Arc::new(lanes);
        let addr = Tenant::launch(tenant, Arc::clone(&lanes));
        // Last: the lanes hear of each result that is committed from now on.
        incarnation.hand_over(ledger.clone());
        Ok(TenantHandle {
            row,
            ledger,
            lanes,
            addr,
            incarnation,
            used: Used::at(self.parts.clock.monotonic()),
        })
    }

    pub(super) fn start_lane(
        &self,
        row: &TenantRow,
        (ledger, incarnation): (&LedgerHandle, &Incarnation),
        number: Number,
        seed: u64,
        arbiter: &ArbiterHandle,
    ) -> LaneHandle {
        let settings = LaneSettings {
            tenant: row.id,
            number,
            limits: Arc::clone(&self.parts.lane_limits),
            seed,
        };
        let parts = LaneParts {
            store: Arc::clone(&self.parts.store),
            graph: Arc::clone(&self.parts.graph),
            ledger: ledger.clone(),
            successors: incarnation.follow(),
            clock: Arc::clone(&self.parts.clock),
            calls: Arc::clone(&self.parts.calls),
            ahead: Arc::clone(&self.parts.ahead),
            files: Arc::clone(&self.parts.files),
            earlier: self.parts.earlier,
        };
        lane::start(arbiter, settings, parts)
    }
}
