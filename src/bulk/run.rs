//! Which imports are carried out: those whose files lie here, one of a tenant at a time, whoever was started first.
//!
//! Each says in its row that it is here, also while it waits for its turn or for the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;

use super::import::{Import, ImportState};
use super::imports::{ImportError, Imports, blocking};
use super::job::{Ended, Failure, Job};
use crate::domain::{ImportId, TenantId, Timestamp};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::telemetry::labels::ImportOutcome;
use crate::telemetry::metrics;

/// How often it is looked for imports that nobody told of: those of an earlier run.
const LOOK: Duration = Duration::from_secs(10);
/// How often it is looked for what was told long enough of wrong rows.
const TIDY: Duration = Duration::from_mins(10);

impl Imports {
    /// Carries imports out until the process ends.
    pub async fn run(self: &Arc<Self>, shutdown: &Shutdown) {
        let folder = self.folder.clone();
        if let Err(error) = blocking(move || folder.clear()).await {
            tracing::warn!(%error, "files that did not come to their end cannot be removed");
        }
        let mut due = tokio::time::interval(LOOK);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut jobs = JoinSet::new();
        let mut under_way: BTreeMap<Id, (TenantId, ImportId)> = BTreeMap::new();
        let mut tidy = tokio::time::interval(TIDY);
        tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tidy.tick().await;
        self.tidy_up().await;
        while !shutdown.has_begun() {
            tokio::select! {
                () = shutdown.begun() => break,
                () = self.wake.notified() => {}
                _ = due.tick() => {}
                _ = tidy.tick() => self.tidy_up().await,
                Some(ended) = jobs.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => error.id(),
                    };
                    under_way.remove(&id);
                }
            }
            if let Err(error) = self.look(&mut jobs, &mut under_way, shutdown).await {
                tracing::warn!(%error, "cannot tell which imports are to be carried out");
            }
            let running = u64::try_from(under_way.len()).unwrap_or(u64::MAX);
            metrics::imports_running().set(metrics::number(running));
        }
        while jobs.join_next().await.is_some() {}
    }

    /// Begins what can be begun, one import of a tenant at a time, whoever was started first; says of all that they are here; and removes
    /// files that nobody needs.
    async fn look(
        self: &Arc<Self>,
        jobs: &mut JoinSet<()>,
        under_way: &mut BTreeMap<Id, (TenantId, ImportId)>,
        shutdown: &Shutdown,
    ) -> Result<(), ImportError> {
        let folder = self.folder.clone();
        let mut waiting: Vec<(Timestamp, TenantId, ImportId)> = Vec::new();
        for (tenant, import) in blocking(move || folder.list()).await? {
            let (now, key) = (self.clock.now(), Import::at(tenant, import));
            let row = self.table::<Import>().get(&key).await?;
            let folder = self.folder.clone();
            let Some(row) = row.map(|found| found.row) else {
                blocking(move || folder.remove(tenant, import)).await?;
                continue;
            };
            if row.heard(now).is_some() {
                let heard = |before: Option<&Import>| {
                    let row = before.map(|before| before.heard(now).unwrap_or_else(|| before.clone()));
                    Ok::<_, StoreError>(row)
                };
                self.table::<Import>().change(key, heard).await?;
            }
            let is_under_way = under_way.values().any(|job| *job == (tenant, import));
            if !row.needs_file(now) && !is_under_way {
                blocking(move || folder.remove_data(tenant, import)).await?;
            } else if row.state == ImportState::Running && !is_under_way {
                waiting.push((row.started_at.unwrap_or(row.created_at), tenant, import));
            }
        }
        waiting.sort_unstable();
        for (_, tenant, import) in waiting {
            let is_busy = under_way.values().any(|(busy, _)| *busy == tenant);
            if under_way.len() < self.settings.at_once && !is_busy {
                let (imports, shutdown) = (Arc::clone(self), shutdown.clone());
                let job = async move { imports.carry_out(tenant, import, &shutdown).await };
                under_way.insert(jobs.spawn(job).id(), (tenant, import));
            }
        }
        Ok(())
    }

    async fn tidy_up(&self) {
        if let Err(error) = self.tidy().await {
            tracing::warn!(%error, "what was wrong with earlier imports cannot be removed");
        }
    }

    /// Removes what was told of wrong rows for long enough.
    async fn tidy(&self) -> Result<(), ImportError> {
        let folder = self.folder.clone();
        for (tenant, import) in blocking(move || folder.list_told()).await? {
            let row = self.table::<Import>().get(&Import::at(tenant, import)).await?;
            if !row.is_some_and(|found| found.row.tells_wrong(self.clock.now())) {
                let folder = self.folder.clone();
                blocking(move || folder.remove_told(tenant, import)).await?;
            }
        }
        Ok(())
    }

    async fn carry_out(&self, tenant: TenantId, import: ImportId, shutdown: &Shutdown) {
        let ended = match Job::begin(self, tenant, import, shutdown).await {
            Ok(mut job) => job.go().await,
            Err(ended) => Err(ended),
        };
        match ended {
            Ok(()) => {
                metrics::imports_total(ImportOutcome::Done).increment(1);
                tracing::info!(tenant.id = %tenant, import.id = %import, "an import is done");
            }
            Err(Ended::Stopped | Ended::CalledOff) => {}
            Err(Ended::Interrupted) => {
                tracing::warn!(tenant.id = %tenant, import.id = %import, "an import waits for the store");
            }
            Err(Ended::Failed(failure)) => {
                metrics::imports_total(ImportOutcome::Failed).increment(1);
                tracing::warn!(tenant.id = %tenant, import.id = %import, %failure, "an import failed");
                self.fail(tenant, import, failure).await;
            }
        }
    }

    /// Says in its row why it failed.
    async fn fail(&self, tenant: TenantId, import: ImportId, failure: Failure) {
        let now = self.clock.now();
        let changed = self
            .table::<Import>()
            .change::<StoreError>(Import::at(tenant, import), |before| {
                Ok(before.map(|before| match before.state {
                    ImportState::Running => Import {
                        state: ImportState::Failed,
                        error: Some(failure.to_string()),
                        changed_at: now,
                        ..before.clone()
                    },
                    _ => before.clone(),
                }))
            });
        if let Err(error) = changed.await {
            // It stays as running, and is tried again.
            tracing::warn!(%error, "it cannot be noted that an import failed");
        }
    }
}
