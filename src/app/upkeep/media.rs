//! Fetching files: of the tenants that run here when their logs tell of new ones, and now and then what a process that was killed left.
//!
//! Which file is to be fetched stands in rows (`media/discover.rs`). `search.rs` finds it, `queue.rs` says in which order it is done.

mod queue;
mod search;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use self::queue::{FetchQueue, Moment, Queued, Tried};
use self::search::Found;
use super::each;
use crate::actors::{Directory, Gateway};
use crate::api::QuotaCache;
use crate::domain::{Backoff, Clock, Quota, TenantId, Timestamp};
use crate::media::Media;
use crate::media::fetch::Fetched;
use crate::shutdown::Shutdown;
use crate::store::tables::MediaTask;
use crate::telemetry::metrics;

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_millis(250);
/// Files that are fetched at once: each holds a connection and less than 2 MiB (a bucket: 10 MiB).
const AT_ONCE: usize = 16;
/// Tenants whose rows are read at once.
const LOADS: usize = 4;
/// Pages of what was found that wait to be taken; whoever finds more waits.
const PAGES: usize = 16;
/// Waits for the next try of what could not be written down.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(5), Duration::from_secs(3_600));
/// How soon after its start a process sweeps.
const FIRST_SWEEP: Duration = Duration::from_mins(10);

/// What fetching needs.
#[derive(Clone)]
pub(in crate::app) struct MediaJob {
    pub(in crate::app) media: Arc<Media>,
    pub(in crate::app) directory: Arc<Directory>,
    pub(in crate::app) tenants: Arc<Gateway>,
    pub(in crate::app) clock: Arc<dyn Clock>,
    pub(in crate::app) quotas: Arc<QuotaCache>,
    pub(in crate::app) shutdown: Shutdown,
}

/// How often what nobody needs any more is removed. A sweep goes through all files.
const SWEEP: Duration = Duration::from_hours(6);

/// Fetches and sweeps for ever.
pub(super) async fn run(job: &MediaJob) {
    let (found, taken) = mpsc::channel(PAGES);
    tokio::join!(
        search::watch(job, &found),
        search::recover(job, &found),
        fetch(job, &found, taken),
        sweep(job),
    );
}

/// Removes what nobody needs any more. By a clock in doubt nothing is removed.
async fn sweep(job: &MediaJob) {
    // The first sweep tells whether it is held, and whose files are too many.
    metrics::media_sweep_held().set(0.0);
    metrics::media_tenants_over_quota().set(0.0);
    let mut due = tokio::time::interval_at(Instant::now() + FIRST_SWEEP, SWEEP);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            () = job.media.sweep_asked() => {}
        }
        if job.clock.doubt().is_some() {
            continue;
        }
        match job.media.sweep(|| !job.shutdown.has_begun()).await {
            Ok(Some(swept)) => {
                metrics::media_stored_bytes().set(metrics::number(swept.bytes));
                metrics::media_sweep_held().set(f64::from(u8::from(swept.held.is_some())));
                if let Some(why) = swept.held {
                    tracing::warn!(%why, "no file is removed until `mesej media gc --adopt`");
                }
                tracing::debug!(
                    files = swept.files,
                    removed = swept.removed,
                    failed = swept.failed,
                    "files were swept"
                );
                job.look_at_quotas(&swept.of_tenants).await;
            }
            // The process ends.
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "files are swept with the next turn"),
        }
    }
}

async fn fetch(job: &MediaJob, found: &mpsc::Sender<Found>, mut taken: mpsc::Receiver<Found>) {
    // Until a file is to be fetched and there is no room.
    metrics::media_waits_for_room().set(0.0);
    let mut due = each(LOOK);
    let mut queue = FetchQueue::default();
    let mut fetches = JoinSet::new();
    let mut running: HashMap<Id, (TenantId, Queued)> = HashMap::new();
    let (mut to_load, mut loads) = (VecDeque::new(), JoinSet::new());
    let mut loading: HashMap<Id, TenantId> = HashMap::new();
    loop {
        tokio::select! {
            _ = due.tick() => {
                let now = Moment::of(job.clock.as_ref());
                to_load.extend(queue.begin_loads(now));
                queue.show(now.wall, running.values().map(|(_, queued)| queued.task.since));
            }
            Some(new) = taken.recv() => match new {
                Found::Tasks(tenant, tasks) => {
                    let now = Moment::of(job.clock.as_ref());
                    for task in tasks {
                        queue.add(tenant, task, now);
                    }
                }
                Found::Rows(tenant) => queue.want_loading(tenant, Moment::of(job.clock.as_ref())),
                Found::Elsewhere(tenant) => queue.forget(tenant),
            },
            Some(ended) = loads.join_next_with_id() => {
                let (id, all) = ended.unwrap_or_else(|died| (died.id(), Err(())));
                if let Some(tenant) = loading.remove(&id) {
                    queue.loaded(tenant, all, Moment::of(job.clock.as_ref()));
                }
            }
            Some(ended) = fetches.join_next_with_id() => {
                let (id, tried) = match ended {
                    Ok((id, tried)) => (id, Some(tried)),
                    Err(died) => (died.id(), None),
                };
                if let Some((tenant, queued)) = running.remove(&id) {
                    let task = queued.task.clone();
                    let tried = tried.unwrap_or_else(|| job.later(queued));
                    queue.ended(tenant, &task, tried, Moment::of(job.clock.as_ref()));
                }
            }
        }
        while loads.len() < LOADS
            && let Some(tenant) = to_load.pop_front()
        {
            let (job, found) = (job.clone(), found.clone());
            let started = loads.spawn(async move { search::load(&job, tenant, &found).await });
            loading.insert(started.id(), tenant);
        }
        let now = Moment::of(job.clock.as_ref());
        while fetches.len() < AT_ONCE
            && !job.shutdown.has_begun()
            && let Some((tenant, queued)) = queue.next(now)
        {
            let (job, todo) = (job.clone(), queued.clone());
            let started = fetches.spawn(async move { job.fetch(tenant, todo).await });
            running.insert(started.id(), (tenant, queued));
        }
    }
}

impl MediaJob {
    /// Counts tenants whose files have more bytes than they may: what customers send is kept all the same.
    async fn look_at_quotas(&self, kept: &[(TenantId, u64)]) {
        let mut over = 0_u64;
        for (tenant, bytes) in kept.iter().filter(|(_, bytes)| *bytes > 0) {
            match self.quotas.of(*tenant).await {
                Ok(quotas) if *bytes > quotas.limit(Quota::Storage) => {
                    over += 1;
                    tracing::warn!(tenant.id = %tenant, bytes, "a tenant's files have more bytes than they may");
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "cannot tell what a tenant may keep"),
            }
        }
        metrics::media_tenants_over_quota().set(metrics::number(over));
    }

    /// Tries to fetch one file, and has its message show how that ended.
    async fn fetch(&self, tenant: TenantId, queued: Queued) -> Tried {
        match self.try_fetch(tenant, &queued.task).await {
            Ok(Some(due)) => Tried::Again(Queued {
                task: MediaTask { due, ..queued.task },
                failures: 0,
            }),
            Ok(None) => Tried::Over,
            Err(_) if matches!(self.directory.elsewhere(tenant).await, Ok(Some(_))) => Tried::Elsewhere,
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error, "what became of a file is written down later");
                self.later(queued)
            }
        }
    }

    /// It could not be written down how a try ended.
    fn later(&self, queued: Queued) -> Tried {
        let failures = queued.failures.saturating_add(1);
        let due = self.clock.now().after(BACKOFF.after(failures));
        let task = MediaTask { due, ..queued.task };
        Tried::Again(Queued { task, failures })
    }

    /// When it is tried again, if it is.
    async fn try_fetch(&self, tenant: TenantId, task: &MediaTask) -> Result<Option<Timestamp>, String> {
        // Another gateway may have had the tenant meanwhile, and have ended it.
        let stands = self.media.task(tenant, task.id).await;
        let Some(task) = stands.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let fetched = self.media.fetch(tenant, &task).await;
        match fetched.map_err(|error| error.to_string())? {
            Fetched::Later(due) => Ok(Some(due)),
            Fetched::Gone => Ok(None),
            Fetched::Ended(change) => {
                let id = change.media.media_id;
                let shown = self.tenants.show_media(tenant, change).await;
                shown.map_err(|refusal| refusal.to_string())?;
                let ended = self.media.end_task(tenant, id).await;
                ended.map_err(|error| error.to_string())?;
                Ok(None)
            }
        }
    }
}
