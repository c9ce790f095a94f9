//! Which broadcasts are worked at: those of tenants that this process has. Each has a row while something is to be done about it; what
//! that is stands in the broadcast's own row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;

use super::Broadcasts;
use super::guard::PauseCause;
use super::runner::RESTS;
use super::steering::wanted;
use super::waits::{Ended, Waits};
use super::zones::{begins, rests};
use crate::domain::{BroadcastId, BroadcastProblem, TenantId, Timestamp};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::plain::Found;
use crate::store::tables::{Broadcast, BroadcastJob, BroadcastProgressRow, BroadcastState};
use crate::telemetry::metrics;

/// How often it is looked for what is to be done. Another process may have been told of it.
const LOOK: Duration = Duration::from_secs(1);
/// Plans that are written at once, and of one tenant.
const PLANS: usize = 4;
const PLANS_OF_ONE: usize = 1;
/// Broadcasts that run at once in this process, and of one tenant: who has more of them waits behind its own.
const RUNS: usize = 256;
const RUNS_OF_ONE: usize = 16;
/// A broadcast that has not moved for so long, although nothing is known that holds it, is stalled.
const STALLED: Duration = Duration::from_mins(10);
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

/// What is under way.
#[derive(Default)]
struct UnderWay {
    /// Until when each is not to be taken up again.
    jobs: JoinSet<Option<Timestamp>>,
    known: BTreeMap<Id, (Key, Work)>,
    /// Those that rest hold no place.
    resting: BTreeMap<Key, Timestamp>,
}

impl UnderWay {
    /// What is done about a broadcast, if anything.
    fn of(&self, key: Key) -> Option<Work> {
        let mut all = self.known.values();
        all.find(|(known, _)| *known == key).map(|(_, work)| *work)
    }

    /// Whether there is room for one more.
    fn admits(&self, (tenant, _): Key, work: Work) -> bool {
        let (mut all, mut own) = (0, 0);
        for ((known, _), _) in self.known.values().filter(|(_, known)| *known == work) {
            all += 1;
            own += usize::from(*known == tenant);
        }
        match work {
            Work::Plan => all < PLANS && own < PLANS_OF_ONE,
            Work::Run | Work::End => all < RUNS && own < RUNS_OF_ONE,
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
                    let (id, rests) = match ended {
                        Ok(ended) => ended,
                        Err(error) => (error.id(), None),
                    };
                    if let (Some((key, _)), Some(until)) = (under_way.known.remove(&id), rests) {
                        under_way.resting.insert(key, until);
                    }
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
        let (mut after, mut stalled) = (None, 0_u64);
        loop {
            let page = self
                .table::<BroadcastJob>()
                .page(BroadcastJob::all(), after, PAGE)
                .await?;
            after = page.items.last().map(|found| found.sort.clone());
            for job in page.items {
                let key = (job.row.tenant, job.row.broadcast);
                let looked = match under_way.of(key) {
                    Some(work) => self.watch(key, work, &mut stalled).await,
                    None => self.take_up(under_way, key, &job, shutdown).await,
                };
                // The others are looked at all the same.
                if let Err(error) = looked {
                    let (tenant, broadcast) = key;
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, %error, "cannot tell what is to be done about a broadcast");
                }
            }
            if !page.more {
                let now = self.clock.now();
                under_way.resting.retain(|_, until| now < *until);
                metrics::broadcasts_stalled().set(metrics::number(stalled));
                return Ok(());
            }
        }
    }

    /// Begins what is to be done about a broadcast, if this process has its tenant.
    async fn take_up(
        self: &Arc<Self>,
        under_way: &mut UnderWay,
        key: Key,
        job: &Found<BroadcastJob>,
        shutdown: &Shutdown,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let row = self.found(key.0, key.1).await?.map(|found| found.row);
        let Some(row) = row else {
            return self.forget_idle(key, job, now).await;
        };
        let work = match row.state {
            BroadcastState::Planning => Work::Plan,
            BroadcastState::Running => Work::Run,
            BroadcastState::Done | BroadcastState::Cancelled | BroadcastState::Removing => Work::End,
            BroadcastState::Scheduled => return self.begin_in_time(key.0, &row, now).await,
            BroadcastState::Paused => {
                self.keep_steered(key.0, &row).await?;
                return self.record_pause(key.0, &row).await;
            }
            BroadcastState::Draft | BroadcastState::Ready => return self.forget_idle(key, job, now).await,
        };
        let rests = under_way.resting.get(&key).copied();
        // A clock that was set back makes nobody wait for longer.
        if work == Work::Run && rests.is_some_and(|until| now < until && until <= now.after(RESTS)) {
            return Ok(());
        }
        // Only who has something to do here wakes a tenant.
        if under_way.admits(key, work) && self.is_here(key.0).await {
            self.begin(under_way, key, work, shutdown);
        }
        Ok(())
    }

    /// Whether this process has a tenant. Where another one has it, or nobody can be asked, it is looked at again.
    async fn is_here(&self, tenant: TenantId) -> bool {
        matches!(self.tenants.owns(tenant).await, Ok(true))
    }

    /// Counts a broadcast that runs and does not move, although nothing is told that holds it.
    async fn watch(&self, (tenant, broadcast): Key, work: Work, stalled: &mut u64) -> Result<(), StoreError> {
        if work != Work::Run {
            return Ok(());
        }
        let now = self.clock.now();
        let tally = self.store.broadcast_tally(tenant, broadcast, now).await?;
        if tally.is_none_or(|tally| now.since(tally.moved) < STALLED) {
            return Ok(());
        }
        let lanes = self.tenants.lanes(tenant).await.unwrap_or_default();
        let row = self.found(tenant, broadcast).await?.map(|found| found.row);
        let progress = BroadcastProgressRow::at(tenant, broadcast);
        let progress = self.table::<BroadcastProgressRow>().get(&progress).await?;
        let progress = progress.map(|found| found.row);
        if row.as_ref().is_some_and(|row| rests(row, progress.as_ref(), now)) {
            return Ok(());
        }
        let number = row.as_ref().and_then(Broadcast::number);
        let lane = number.and_then(|number| lanes.get(number));
        if lane.is_none_or(|lane| lane.reason.is_none()) {
            *stalled = stalled.saturating_add(1);
        }
        Ok(())
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
        let begins = begins(row);
        if begins.is_some_and(|(at, _)| now < at) || !self.is_here(tenant).await {
            return Ok(());
        }
        let late = begins.and_then(|(_, late)| late);
        let late = if late.is_some_and(|late| now > late) {
            Some(PauseCause::from(BroadcastProblem::TooLate))
        } else if !self.is_as_launched(tenant, row).await? {
            Some(PauseCause::from(BroadcastProblem::Restored))
        } else {
            None
        };
        let state = match late {
            Some(_) => BroadcastState::Paused,
            None => BroadcastState::Running,
        };
        let key = Broadcast::at(tenant, row.broadcast_id);
        let begin = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| {
                if before.version != row.version {
                    return before.clone();
                }
                Broadcast {
                    state,
                    problem: late.as_ref().map(|late| late.problem),
                    paused: late.as_ref().map(|late| late.noted(now)),
                    version: before.version + 1,
                    changed_at: now,
                    ..before.clone()
                }
            }))
        };
        let (before, after) = self.table().change(key, begin).await?;
        if let Some(late) = late.filter(|_| before != after) {
            metrics::broadcast_auto_pauses_total(late.problem).increment(1);
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Tells the ledger what is wanted of a broadcast that does not run, where it does not know.
    pub(super) async fn keep_steered(&self, tenant: TenantId, row: &Broadcast) -> Result<(), StoreError> {
        let now = self.clock.now();
        let tally = self.store.broadcast_tally(tenant, row.broadcast_id, now).await?;
        if tally.is_none_or(|tally| wanted(row.state).is_none_or(|to| tally.run == to))
            || !self.is_here(tenant).await
        {
            return Ok(());
        }
        if let Err(refusal) = self.steer(tenant, row).await {
            tracing::debug!(%refusal, "the ledger is told of a broadcast soon again");
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, under_way: &mut UnderWay, key: Key, work: Work, shutdown: &Shutdown) {
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
                Err(Ended::Resting(until)) => return Some(until),
                Err(Ended::Interrupted) => {
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, ?work, "a broadcast waits for the store");
                }
                Err(Ended::Held(cause)) => {
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, ?work, ?cause, "a broadcast stands still");
                }
                Err(Ended::Failed(problem)) => {
                    tracing::warn!(tenant.id = %tenant, broadcast.id = %broadcast, ?work, ?problem, "a broadcast cannot go on");
                }
            }
            None
        };
        under_way
            .known
            .insert(under_way.jobs.spawn(job).id(), (key, work));
    }

    /// Removes all plans of a broadcast, and then its row, by which they are found.
    async fn remove_row(&self, tenant: TenantId, row: &Broadcast, waits: Waits<'_>) -> Result<(), Ended> {
        let broadcast = row.broadcast_id;
        for plan in row.plans_left() {
            let place = super::chunks::PlanPlace {
                tenant,
                broadcast,
                plan,
            };
            waits.asked(|| self.remove_plan(place, 0)).await?;
        }
        let progress = BroadcastProgressRow::at(tenant, broadcast);
        let table = self.table::<BroadcastProgressRow>();
        waits.asked(|| table.remove(progress.clone())).await?;
        let table = self.table::<Broadcast>();
        let key = Broadcast::at(tenant, broadcast);
        waits.asked(|| table.remove(key.clone())).await?;
        Ok(())
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
        if row.state == BroadcastState::Cancelled {
            // Also where the ledger knows: the lanes may not, and nobody tells them later.
            waits.taken(|| self.steer(tenant, &row)).await?;
        }
        if let Some(plan) = row.plan.as_ref().filter(|_| row.state.is_over()) {
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
        for upload in row.uploads() {
            waits
                .asked(|| self.remove_upload((tenant, broadcast), upload, 0))
                .await?;
        }
        if row.state == BroadcastState::Removing {
            self.remove_row(tenant, &row, waits).await?;
        }
        let table = self.table::<BroadcastJob>();
        let key = BroadcastJob::at(tenant, broadcast);
        waits.asked(|| table.remove(key.clone())).await?;
        Ok(())
    }
}
