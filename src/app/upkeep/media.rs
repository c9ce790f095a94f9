//! Fetching files: of the tenants that run here when their logs tell of new ones, and now and then what a process that was killed left.
//!
//! Which file is to be fetched stands in rows (`media/discover.rs`); what is in memory here is only the order in which it is done. Each
//! tenant has its own line, and the lines take turns, so that nobody's large files keep another's small ones waiting.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::each;
use crate::actors::{Directory, Gateway};
use crate::domain::{Clock, Epoch, MediaId, Seq, TenantId, Timestamp};
use crate::media::fetch::Fetched;
use crate::media::{Media, MediaError};
use crate::shutdown::Shutdown;
use crate::store::tables::MediaTask;
use crate::telemetry::metrics;

/// How often it is looked whether logs tell of new files. A look costs nothing where they do not.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is looked whether something is left of tenants that do not run here.
const LEFT: Duration = Duration::from_mins(10);
/// How often it is written down how far logs were read, where there was nothing to fetch.
const NOTED: Duration = Duration::from_mins(5);
/// Pages of events that are read of one tenant in one look.
const PAGES: usize = 4;
/// Files that are fetched at once: each holds a connection and less than 2 MiB (a bucket: 10 MiB).
const AT_ONCE: usize = 16;
/// The same of one tenant.
const OF_ONE: usize = 4;
/// Tasks of one tenant that are kept in memory. The others stand in their rows.
const MOST: usize = 1_000;
/// How long what could not be written down waits for the next try.
const AGAIN: Duration = Duration::from_secs(5);

/// What fetching needs.
#[derive(Clone)]
pub(in crate::app) struct MediaJob {
    pub(in crate::app) media: Arc<Media>,
    pub(in crate::app) directory: Arc<Directory>,
    pub(in crate::app) tenants: Arc<Gateway>,
    pub(in crate::app) clock: Arc<dyn Clock>,
    pub(in crate::app) shutdown: Shutdown,
}

/// How a try ended, for the line that it came from.
enum Tried {
    Over(MediaId),
    Again(MediaTask),
}

/// How often what nobody needs any more is removed. A sweep goes through all files.
const SWEEP: Duration = Duration::from_hours(6);

/// Fetches and sweeps for ever.
pub(super) async fn run(job: &MediaJob) {
    tokio::join!(fetch(job), sweep(job));
}

/// Removes what nobody needs any more. By a clock in doubt nothing is removed.
async fn sweep(job: &MediaJob) {
    let mut due = tokio::time::interval_at(Instant::now() + LEFT, SWEEP);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            () = job.media.sweep_asked() => {}
        }
        if job.clock.doubt().is_some() {
            continue;
        }
        match job.media.sweep(|| !job.shutdown.has_begun()).await {
            Ok(swept) => {
                metrics::media_stored_bytes().set(metrics::number(swept.bytes));
                tracing::debug!(?swept, "files were swept");
            }
            Err(error) => tracing::warn!(%error, "files are swept with the next turn"),
        }
    }
}

async fn fetch(job: &MediaJob) {
    let mut due = each(LOOK);
    let mut lines = Lines::default();
    let mut logs = HashMap::new();
    let mut left_due = Instant::now();
    let mut fetches = JoinSet::new();
    let mut running: HashMap<Id, (TenantId, MediaTask)> = HashMap::new();
    loop {
        tokio::select! {
            _ = due.tick() => {
                job.look(&mut logs, &mut lines).await;
                if left_due <= Instant::now() {
                    job.look_for_what_was_left(&logs, &mut lines).await;
                    left_due = Instant::now() + LEFT;
                }
            }
            Some(ended) = fetches.join_next_with_id() => {
                let (id, tried) = match ended {
                    Ok((id, tried)) => (id, Some(tried)),
                    Err(died) => (died.id(), None),
                };
                if let Some((tenant, task)) = running.remove(&id) {
                    let again = MediaTask { due: job.clock.now().after(AGAIN), ..task };
                    lines.ended(tenant, tried.unwrap_or(Tried::Again(again)));
                }
            }
        }
        let now = job.clock.now();
        while fetches.len() < AT_ONCE
            && !job.shutdown.has_begun()
            && let Some((tenant, task)) = lines.next(now)
        {
            let (job, todo) = (job.clone(), task.clone());
            let started = fetches.spawn(async move { job.fetch(tenant, todo).await });
            running.insert(started.id(), (tenant, task));
        }
        lines.show(now, running.values().map(|(_, task)| task.since));
    }
}

/// How far a running tenant's log was read.
struct Log {
    epoch: Epoch,
    seq: Seq,
    /// How far the row says that it was read, and when it said so.
    noted: (Seq, Instant),
    /// Whether more was there than was read.
    is_behind: bool,
}

impl MediaJob {
    /// Reads the logs that tell of new files.
    async fn look(&self, logs: &mut HashMap<TenantId, Log>, lines: &mut Lines) {
        let running = self.directory.running();
        logs.retain(|tenant, _| running.iter().any(|one| one.row.id == *tenant));
        for one in running {
            let tenant = one.row.id;
            // In this order: what is told of up to the head is counted by then.
            let (head, told) = (one.ledger.head(), one.ledger.told_file());
            if let Err(error) = self
                .look_at(tenant, (head.epoch, head.head), told, logs, lines)
                .await
            {
                tracing::warn!(tenant.id = %tenant, %error, "new files are looked for again");
            }
        }
    }

    async fn look_at(
        &self,
        tenant: TenantId,
        (epoch, head): (Epoch, Seq),
        told: Seq,
        logs: &mut HashMap<TenantId, Log>,
        lines: &mut Lines,
    ) -> Result<(), MediaError> {
        let known = logs.get(&tenant).filter(|log| log.epoch == epoch);
        if known.is_none() {
            let seq = self.media.read_to(tenant, epoch).await?;
            self.load(tenant, lines).await?;
            let log = Log {
                epoch,
                seq,
                noted: (seq, Instant::now()),
                is_behind: seq < head,
            };
            logs.insert(tenant, log);
        }
        let Some(log) = logs.get_mut(&tenant) else {
            return Ok(());
        };
        if log.is_behind || told > log.seq {
            let found = self.media.discover(tenant, log.seq, PAGES).await?;
            log.is_behind = !found.is_all;
            log.seq = found.seq;
            for task in found.tasks {
                lines.add(tenant, task);
            }
        } else if head > log.seq {
            log.seq = head;
        }
        let (noted, at) = log.noted;
        if log.seq > noted && at.elapsed() > NOTED {
            self.media.note_read(tenant, epoch, log.seq).await?;
            log.noted = (log.seq, Instant::now());
        }
        Ok(())
    }

    /// Takes on what is to be fetched of a tenant, as its rows say.
    async fn load(&self, tenant: TenantId, lines: &mut Lines) -> Result<(), MediaError> {
        let mut after = None;
        loop {
            let (tasks, next) = self.media.open_tasks(tenant, after).await?;
            for task in tasks {
                lines.add(tenant, task);
            }
            after = next;
            if after.is_none() || lines.is_full(tenant) {
                return Ok(());
            }
        }
    }

    /// Takes on what a process that was killed left, of all tenants that do not run here and that no other gateway has.
    async fn look_for_what_was_left(&self, logs: &HashMap<TenantId, Log>, lines: &mut Lines) {
        let store = self.directory.store();
        let tenants = match store.tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(%error, "cannot tell of which tenants files are to be fetched");
                return;
            }
        };
        for tenant in tenants.into_iter().map(|tenant| tenant.id) {
            if self.shutdown.has_begun() {
                return;
            }
            let here = logs.contains_key(&tenant);
            if !here && matches!(self.directory.elsewhere(tenant).await, Ok(None)) {
                let taken = self.take_on(tenant, lines).await;
                if let Err(error) = taken {
                    tracing::warn!(tenant.id = %tenant, %error, "files that are to be fetched are looked for again");
                }
            } else if here && lines.wants_loading(tenant) {
                // What had no room in memory.
                if let Err(error) = self.load(tenant, lines).await {
                    tracing::warn!(tenant.id = %tenant, %error, "files that are to be fetched are looked for again");
                }
            }
        }
    }

    async fn take_on(&self, tenant: TenantId, lines: &mut Lines) -> Result<(), MediaError> {
        self.load(tenant, lines).await?;
        let Some(head) = self.directory.store().tenant_head(tenant).await? else {
            return Ok(());
        };
        let mut seq = self.media.read_to(tenant, head.epoch).await?;
        let from = seq;
        while seq < head.head && !self.shutdown.has_begun() {
            let found = self.media.discover(tenant, seq, PAGES).await?;
            for task in found.tasks {
                lines.add(tenant, task);
            }
            seq = found.seq;
            if found.is_all {
                break;
            }
        }
        if seq > from {
            self.media.note_read(tenant, head.epoch, seq).await?;
        }
        Ok(())
    }

    /// Tries to fetch one file, and has its message show how that ended.
    async fn fetch(&self, tenant: TenantId, task: MediaTask) -> Tried {
        match self.try_fetch(tenant, &task).await {
            Ok(Some(due)) => Tried::Again(MediaTask {
                due,
                tries: task.tries.saturating_add(1),
                ..task
            }),
            Ok(None) => Tried::Over(task.id),
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, error, "what became of a file is written down later");
                Tried::Again(MediaTask {
                    due: self.clock.now().after(AGAIN),
                    ..task
                })
            }
        }
    }

    /// When it is tried again, if it is.
    async fn try_fetch(&self, tenant: TenantId, task: &MediaTask) -> Result<Option<Timestamp>, String> {
        let fetched = self.media.fetch(tenant, task).await;
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

/// What is to be fetched of one tenant.
#[derive(Default)]
struct Line {
    waiting: BTreeMap<(Timestamp, MediaId), MediaTask>,
    /// Those that wait and those that are being fetched.
    known: HashSet<MediaId>,
    running: usize,
    /// Whether there was no room for some.
    has_more: bool,
}

/// What is to be fetched, and whose turn it is.
#[derive(Default)]
struct Lines {
    of: HashMap<TenantId, Line>,
    turns: VecDeque<TenantId>,
}

impl Lines {
    /// Adds a task, unless it is there or there is no room.
    fn add(&mut self, tenant: TenantId, task: MediaTask) {
        let line = self.of.entry(tenant).or_insert_with(|| {
            self.turns.push_back(tenant);
            Line::default()
        });
        if line.known.contains(&task.id) {
            return;
        }
        if line.known.len() >= MOST {
            line.has_more = true;
            return;
        }
        line.known.insert(task.id);
        line.waiting.insert((task.due, task.id), task);
    }

    fn is_full(&self, tenant: TenantId) -> bool {
        self.of.get(&tenant).is_some_and(|line| line.known.len() >= MOST)
    }

    /// Whether what had no room has some now.
    fn wants_loading(&mut self, tenant: TenantId) -> bool {
        let line = self.of.get_mut(&tenant);
        line.is_some_and(|line| line.known.len() < MOST / 2 && std::mem::take(&mut line.has_more))
    }

    /// The next task that is due, of the tenant whose turn it is.
    fn next(&mut self, now: Timestamp) -> Option<(TenantId, MediaTask)> {
        for _ in 0..self.turns.len() {
            let tenant = self.turns.pop_front()?;
            let Some(line) = self.of.get_mut(&tenant) else {
                continue;
            };
            if line.known.is_empty() && !line.has_more {
                self.of.remove(&tenant);
                continue;
            }
            self.turns.push_back(tenant);
            let first = line.waiting.first_entry().filter(|first| first.key().0 <= now);
            if line.running < OF_ONE
                && let Some(first) = first
            {
                line.running += 1;
                return Some((tenant, first.remove()));
            }
        }
        None
    }

    /// A try is over.
    fn ended(&mut self, tenant: TenantId, tried: Tried) {
        let Some(line) = self.of.get_mut(&tenant) else {
            return;
        };
        line.running = line.running.saturating_sub(1);
        match tried {
            Tried::Over(id) => {
                line.known.remove(&id);
            }
            Tried::Again(task) => {
                line.waiting.insert((task.due, task.id), task);
            }
        }
    }

    /// Shows how much is to be fetched and since when.
    fn show(&self, now: Timestamp, running: impl Iterator<Item = Timestamp>) {
        let waiting = self.of.values().flat_map(|line| line.waiting.values());
        let (mut count, mut oldest) = (0_u64, None::<Timestamp>);
        for since in waiting.map(|task| task.since).chain(running) {
            count += 1;
            oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
        }
        metrics::media_pending().set(metrics::number(count));
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        metrics::media_oldest_seconds().set(age.as_secs_f64());
    }
}
