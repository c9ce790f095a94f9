//! Which broadcasts are worked at: those of tenants that this process has. Each has a row while something is to be done about it; what
//! that is stands in the broadcast's own row.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;

use super::Broadcasts;
use super::changes::wanted;
use super::waits::{Ended, Waits};
use crate::domain::{BroadcastId, TenantId, Timestamp};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::op::SteerBroadcast;
use crate::store::plain::Found;
use crate::store::tables::{Broadcast, BroadcastJob, BroadcastProblem, BroadcastState};
use crate::telemetry::metrics;

/// How often it is looked for what is to be done. Another process may have been told of it.
const LOOK: Duration = Duration::from_secs(1);
/// Plans that are written at once; of each tenant one.
const PLANS: usize = 4;
/// Broadcasts that run at once in this process.
const RUNS: usize = 256;
/// Rows read at once.
const PAGE: usize = 500;
/// How long a row stays about which nothing is to be done: whoever wrote it may be about to change the broadcast.
const LEFT: Duration = Duration::from_mins(1);

type Key = (TenantId, BroadcastId);

/// What is done about a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Plan,
    Run,
    End,
}

/// Whether a broadcast that runs moves, or is held by something that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moves {
    Yes,
    No,
}

/// What is under way.
#[derive(Default)]
struct UnderWay {
    jobs: JoinSet<()>,
    known: BTreeMap<Id, (Key, Work)>,
}

impl UnderWay {
    fn has(&self, key: Key) -> bool {
        self.known.values().any(|(known, _)| *known == key)
    }

    /// Whether there is room for one more.
    fn admits(&self, (tenant, _): Key, work: Work) -> bool {
        let of_kind = self.known.values().filter(|(_, known)| *known == work);
        match work {
            Work::Plan => {
                let (mut all, mut own) = (0, 0);
                for ((known, _), _) in of_kind {
                    all += 1;
                    own += usize::from(*known == tenant);
                }
                all < PLANS && own == 0
            }
            Work::Run | Work::End => of_kind.count() < RUNS,
        }
    }
}

impl Broadcasts {
    /// Works at broadcasts until the process ends.
    pub async fn run(self: &Arc<Self>, shutdown: &Shutdown) {
        let folder = self.folder.clone();
        // What came while a process ended is uploaded again.
        drop(tokio::task::spawn_blocking(move || folder.clear()).await);
        let mut due = tokio::time::interval(LOOK);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = UnderWay::default();
        while !shutdown.has_begun() {
            tokio::select! {
                () = shutdown.begun() => break,
                () = self.wake.notified() => {}
                _ = due.tick() => {}
                Some(ended) = under_way.jobs.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => error.id(),
                    };
                    under_way.known.remove(&id);
                    continue;
                }
            }
            if let Err(error) = self.look(&mut under_way, shutdown).await {
                tracing::warn!(%error, "cannot tell which broadcasts are to be worked at");
            }
            let running = under_way.known.values().filter(|(_, work)| *work == Work::Run);
            let running = u64::try_from(running.count()).unwrap_or(u64::MAX);
            metrics::broadcasts_running().set(metrics::number(running));
        }
        while under_way.jobs.join_next().await.is_some() {}
    }

    async fn look(self: &Arc<Self>, under_way: &mut UnderWay, shutdown: &Shutdown) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self
                .table::<BroadcastJob>()
                .page(BroadcastJob::all(), after, PAGE)
                .await?;
            after = page.items.last().map(|found| found.sort.clone());
            for job in page.items {
                let key = (job.row.tenant, job.row.broadcast);
                // Another gateway has it, or nobody can be asked: it is looked at again.
                let is_here = !under_way.has(key) && matches!(self.tenants.owns(key.0).await, Ok(true));
                if is_here && let Some(work) = self.due(key, &job).await? {
                    self.begin(under_way, key, work, shutdown);
                }
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// What is to be done about a broadcast now.
    async fn due(&self, key: Key, job: &Found<BroadcastJob>) -> Result<Option<Work>, StoreError> {
        let now = self.clock.now();
        let row = self.found(key.0, key.1).await?.map(|found| found.row);
        let Some(row) = row else {
            self.forget_idle(key, job, now).await?;
            return Ok(None);
        };
        Ok(match row.state {
            BroadcastState::Planning => Some(Work::Plan),
            BroadcastState::Running => Some(Work::Run),
            BroadcastState::Done | BroadcastState::Cancelled => Some(Work::End),
            BroadcastState::Scheduled => {
                self.begin_in_time(key.0, &row, now).await?;
                None
            }
            BroadcastState::Paused => {
                self.keep_steered(key.0, &row).await?;
                None
            }
            BroadcastState::Draft | BroadcastState::Ready => {
                self.forget_idle(key, job, now).await?;
                None
            }
        })
    }

    async fn forget_idle(
        &self,
        (tenant, broadcast): Key,
        job: &Found<BroadcastJob>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if now.since(job.row.since) >= LEFT {
            let key = BroadcastJob::at(tenant, broadcast);
            // Where somebody wrote it again meanwhile it stays.
            self.table().replace(&key, Some(job), None).await?;
        }
        Ok(())
    }

    /// Begins one whose time has come; one that is too late waits for somebody to say that it is to go all the same.
    async fn begin_in_time(
        &self,
        tenant: TenantId,
        row: &Broadcast,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if row.at.is_some_and(|at| now < at) {
            return Ok(());
        }
        let (state, problem) = if row.not_after.is_some_and(|late| now > late) {
            (BroadcastState::Paused, Some(BroadcastProblem::TooLate))
        } else {
            (BroadcastState::Running, None)
        };
        let key = Broadcast::at(tenant, row.broadcast_id);
        let begin = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| {
                if before.version != row.version {
                    return before.clone();
                }
                Broadcast {
                    state,
                    problem,
                    version: before.version + 1,
                    changed_at: now,
                    ..before.clone()
                }
            }))
        };
        self.table().change(key, begin).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Tells the ledger what is wanted of a broadcast that does not run, where it does not know.
    pub(super) async fn keep_steered(&self, tenant: TenantId, row: &Broadcast) -> Result<(), StoreError> {
        let Some(to) = wanted(row.state) else {
            return Ok(());
        };
        let now = self.clock.now();
        let tally = self.store.broadcast_tally(tenant, row.broadcast_id, now).await?;
        if tally.is_none_or(|tally| tally.run == to) {
            return Ok(());
        }
        let steer = SteerBroadcast {
            broadcast: row.broadcast_id,
            numbers: row.numbers.clone(),
            to,
            version: row.version,
        };
        if let Err(refusal) = self.tenants.steer_broadcast(tenant, steer).await {
            tracing::debug!(%refusal, "the ledger is told of a broadcast soon again");
        }
        Ok(())
    }

    /// Notes whether a broadcast moves.
    pub(super) fn note_stalled(&self, broadcast: BroadcastId, moves: Moves) {
        let stalled = {
            let mut stalled = self.stalled.lock().unwrap_or_else(PoisonError::into_inner);
            match moves {
                Moves::Yes => stalled.remove(&broadcast),
                Moves::No => stalled.insert(broadcast),
            };
            stalled.len()
        };
        metrics::broadcasts_stalled().set(metrics::number(u64::try_from(stalled).unwrap_or(u64::MAX)));
    }

    fn begin(self: &Arc<Self>, under_way: &mut UnderWay, key: Key, work: Work, shutdown: &Shutdown) {
        if !under_way.admits(key, work) {
            return;
        }
        let (broadcasts, shutdown) = (Arc::clone(self), shutdown.clone());
        let job = async move {
            let (tenant, broadcast) = key;
            let ended = match work {
                Work::Plan => broadcasts.plan_one(tenant, broadcast, &shutdown).await,
                Work::Run => broadcasts.run_one(tenant, broadcast, &shutdown).await,
                Work::End => broadcasts.end_one(tenant, broadcast, &shutdown).await,
            };
            match ended {
                Ok(()) | Err(Ended::CalledOff | Ended::Stopped) => {}
                Err(Ended::Interrupted) => {
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, ?work, "a broadcast waits for the store");
                }
                Err(Ended::Failed(problem)) => {
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, ?work, ?problem, "a broadcast cannot go on");
                }
            }
        };
        under_way
            .known
            .insert(under_way.jobs.spawn(job).id(), (key, work));
    }

    /// Forgets, of a broadcast at its end, what was needed to send it.
    async fn end_one(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        let waits = Waits { shutdown };
        let row = waits.asked(|| self.found(tenant, broadcast)).await?;
        let row = row.ok_or(Ended::CalledOff)?.row;
        waits.asked(|| self.keep_steered(tenant, &row)).await?;
        if let Some(plan) = &row.plan {
            let place = super::chunks::PlanPlace {
                tenant,
                broadcast,
                plan: plan.number,
            };
            for number in 0..plan.chunks {
                if shutdown.has_begun() {
                    return Err(Ended::Stopped);
                }
                waits.asked(|| self.forget_values(place, number)).await?;
            }
        }
        if let Some(upload) = &row.upload {
            waits
                .asked(|| self.remove_upload(tenant, broadcast, upload.upload))
                .await?;
        }
        let table = self.table::<BroadcastJob>();
        let key = BroadcastJob::at(tenant, broadcast);
        waits.asked(|| table.remove(key.clone())).await?;
        Ok(())
    }
}
