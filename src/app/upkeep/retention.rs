//! Carrying out changes of retention, one small step after another.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::each;
use super::progress::Progress;
use crate::actors::Directory;
use crate::domain::{Clock, TenantId, Timestamp};
use crate::shutdown::Shutdown;
use crate::store::{RetentionJob, StoreError};
use crate::telemetry::labels::RetentionFate;
use crate::telemetry::metrics;

/// How often it is looked whether one is to be done.
const LOOK: Duration = Duration::from_secs(2);
/// Messages of one step: as long as it takes, the tenant's other writes wait.
const STEP: usize = 64;

/// Which jobs may be stepped: everything that was under way before them is written.
type Passed = HashMap<TenantId, Timestamp>;
/// How they move on.
type Moves = Progress<TenantId, RetentionJob>;

/// Looks for jobs that are not done and carries them out, for ever.
pub(super) async fn run(directory: &Directory, clock: &dyn Clock, shutdown: &Shutdown) {
    let progress = Moves::default();
    let work = async {
        let mut due = each(LOOK);
        let mut passed = Passed::new();
        loop {
            due.tick().await;
            if clock.doubt().is_some() {
                continue;
            }
            if let Err(error) = carry_out(directory, clock, shutdown, &mut passed, &progress).await {
                tracing::warn!(error = %error, "cannot tell whether retention is to be changed");
            }
        }
    };
    tokio::join!(
        work,
        progress.show(|seconds| metrics::retention_stalled_seconds().set(seconds))
    );
}

/// Takes all jobs on in turn, until none can go on.
async fn carry_out(
    directory: &Directory,
    clock: &dyn Clock,
    shutdown: &Shutdown,
    passed: &mut Passed,
    progress: &Moves,
) -> Result<(), StoreError> {
    let mut open = directory.store().retention_jobs().await?;
    open.retain(|job| job.finished.is_none());
    show(&open, &[], progress);
    let mut waiting = Vec::new();
    let look = Instant::now() + LOOK;
    // Now and then it is looked for new ones, and for those that had to wait. The jobs are rows: nothing is lost by that.
    while !open.is_empty() && !shutdown.has_begun() && Instant::now() < look && clock.doubt().is_none() {
        let mut left = Vec::with_capacity(open.len());
        for job in open {
            let began = Instant::now();
            match step(directory, clock, passed, &job).await {
                Ok(after) => left.extend(after.filter(|after| after.finished.is_none())),
                // The others go on; this one is tried again with the next look.
                Err(error) => {
                    tracing::warn!(tenant.id = %job.tenant, error, "a change of retention has to wait");
                    waiting.push(job);
                }
            }
            // Half of the time belongs to others.
            tokio::time::sleep(began.elapsed()).await;
        }
        show(&left, &waiting, progress);
        open = left;
    }
    Ok(())
}

async fn step(
    directory: &Directory,
    clock: &dyn Clock,
    passed: &mut Passed,
    job: &RetentionJob,
) -> Result<Option<RetentionJob>, String> {
    match directory.elsewhere(job.tenant).await {
        Ok(None) => {}
        // It is carried out there.
        Ok(Some(_)) => return Ok(None),
        Err(refusal) => return Err(refusal.to_string()),
    }
    if passed.get(&job.tenant) != Some(&job.started) {
        pass(directory, job.tenant).await?;
        passed.insert(job.tenant, job.started);
    }
    let step = directory.store().step_retention(job.tenant, clock.now(), STEP);
    let after = step.await.map_err(|error| {
        // Perhaps the tenant was lost to another process: its writer learns of it, or takes it again, before the next step.
        passed.remove(&job.tenant);
        error.to_string()
    })?;
    if let Some(after) = &after
        && after.started == job.started
    {
        count(job, after);
    }
    Ok(after)
}

/// Has the tenant write by the new value, and waits for what it was writing by the old one.
async fn pass(directory: &Directory, tenant: TenantId) -> Result<(), String> {
    let row = directory.store().tenant(tenant).await;
    let Some(row) = row.map_err(|error| error.to_string())? else {
        return Ok(());
    };
    let kept = directory.keep_for(tenant, row.retention).await;
    kept.map_err(|error| error.to_string())
}

fn count(before: &RetentionJob, after: &RetentionJob) {
    for (fate, before, now) in [
        (RetentionFate::Removed, before.removed, after.removed),
        (RetentionFate::Moved, before.moved, after.moved),
    ] {
        metrics::retention_messages_total(fate).increment(now.saturating_sub(before));
    }
    if after.finished.is_some() {
        tracing::info!(
            tenant.id = %after.tenant,
            days = after.to.get(),
            removed = after.removed,
            moved = after.moved,
            "a change of retention is done"
        );
    }
}

fn show(open: &[RetentionJob], waiting: &[RetentionJob], progress: &Moves) {
    progress.note(open.iter().chain(waiting).map(|job| (job.tenant, job)));
    let left = |job: &RetentionJob| job.of.unwrap_or(0).saturating_sub(job.conversations);
    let jobs = u64::try_from(open.len() + waiting.len()).unwrap_or(u64::MAX);
    metrics::retention_jobs().set(metrics::number(jobs));
    let conversations = open.iter().chain(waiting).map(left).sum();
    metrics::retention_conversations_left().set(metrics::number(conversations));
}
