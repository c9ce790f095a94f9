//! Changes of tenants' rows. A row is read and replaced as a whole, so whoever does that is alone meanwhile: in this process by a lock,
//! among gateways by a row that says whose turn it is.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use crate::domain::TenantId;
use crate::store::plain::PlainTable;
use crate::store::tables::TenantTurn;
use crate::store::{StoreError, StoreErrorKind, Tenant};

/// How long a turn lasts that nobody ends: its gateway was killed, or its caller went away.
const LASTS: Duration = Duration::from_secs(10);
/// How long a turn is waited for: longer than one that nobody ends.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often it is looked meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Why there is no turn yet.
enum NotNow {
    Taken,
    Store(StoreError),
}

impl From<StoreError> for NotNow {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ApiState {
    /// Does something while nobody else changes a tenant's row, here or at another gateway.
    pub(super) async fn alone_with_row<T>(
        &self,
        id: TenantId,
        work: impl AsyncFnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let _here = self.row_lock(id).await;
        let by: [u8; 16] = self.fresh()?;
        let patience = Instant::now() + PATIENCE;
        loop {
            match self.take_turn(id, by).await {
                Ok(()) => break,
                // Whether it was written shows with the next look: the number is the same.
                Err(NotNow::Store(error)) if error.kind != StoreErrorKind::Unknown => {
                    return Err(error.into());
                }
                Err(_) if Instant::now() >= patience => {
                    return Err(ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)));
                }
                Err(_) => sleep(LOOK).await,
            }
        }
        let done = work().await;
        if let Err(error) = self.end_turn(id, by).await {
            tracing::warn!(tenant.id = %id, %error, "others wait some seconds to change the tenant's row");
        }
        done
    }

    fn turns(&self) -> PlainTable<'_, TenantTurn> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    async fn take_turn(&self, id: TenantId, by: [u8; 16]) -> Result<(), NotNow> {
        let until = self.clock.now().after(LASTS);
        let taken = self.turns().change(TenantTurn::at(id), |before| match before {
            Some(turn) if turn.by != by => Err(NotNow::Taken),
            _ => Ok(Some(TenantTurn { by, until })),
        });
        taken.await.map(drop)
    }

    async fn end_turn(&self, id: TenantId, by: [u8; 16]) -> Result<(), StoreError> {
        let ended = self.turns().change::<StoreError>(TenantTurn::at(id), |before| {
            Ok(before.filter(|turn| turn.by != by).cloned())
        });
        ended.await.map(drop)
    }

    /// Changes a tenant's row; as it is then. A change of retention that was begun stays: it has a job that says so.
    pub(super) async fn change_tenant(
        &self,
        id: TenantId,
        change: impl FnOnce(&mut Tenant),
    ) -> Result<Tenant, ApiError> {
        let changed = self.alone_with_row(id, async || {
            let mut tenant = self.tenant(id).await?;
            change(&mut tenant);
            self.store.put_tenant(tenant.clone()).await?;
            let jobs = self.store.retention_jobs().await?;
            let last = jobs.into_iter().find(|job| job.tenant == id);
            if let Some(job) = last.filter(|job| job.to != tenant.retention) {
                tenant.retention = job.to;
                self.store.put_tenant(tenant.clone()).await?;
            }
            Ok(tenant)
        });
        changed.await
    }
}
