//! Handing recipients to the ledger, a window at a time: as many as the number sends within about a second wait in its lane, so that an
//! agent's reply finds a short queue, memory stays as it is, and a pause reaches all that is left.
//!
//! Where it goes on after a kill is a hint alone: each recipient has one turn in the ledger, and a second one is none.

mod message;
mod pace;
mod places;

use std::time::Duration;

use self::pace::{Pace, Speed};
use super::Broadcasts;
use super::chunks::PlanPlace;
use super::guard;
use super::variables::Filling;
use super::waits::{Ended, Waits};
use super::zones::{rests_until, timetable_now};
use crate::actors::request::Refusal;
use crate::crash::{self, CrashPoint};
use crate::domain::broadcast::Pacing;
use crate::domain::{
    BroadcastId, BroadcastProblem, BroadcastRun, BroadcastTally, Due, PhoneNumberId, Purpose,
    RecipientOutcome, SendRate, TenantId, Timestamp, Timetable, WabaId,
};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::op::{OpOutcome, OpRefusal, Submit};
use crate::store::tables::{
    Broadcast, BroadcastPlan, BroadcastProgressRow, BroadcastState, PlannedRecipient,
};
use crate::telemetry::labels::RecipientTurn;
use crate::telemetry::metrics;

/// How often it is looked how full the window is.
const TICK: Duration = Duration::from_millis(100);
/// How often it is looked what people want of the broadcast.
const LOOK: Duration = Duration::from_millis(500);
/// How long a broadcast rests at most, while nobody may be sent to, before it is looked what is wanted and what Meta says.
pub(super) const RESTS: Duration = Duration::from_mins(1);
/// For less it keeps its place among those that run.
const SHORT_REST: Duration = Duration::from_secs(2);
/// Recipients that are handed over together: as many as the ledger takes into one batch.
const TOGETHER: usize = 64;

impl Broadcasts {
    /// Runs a broadcast to its end, or until somebody pauses it.
    pub(super) async fn run_one(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        let waits = Waits { shutdown };
        let run = match Runner::begin(self, tenant, broadcast, waits).await {
            Ok(mut runner) => runner.go_and_note().await,
            Err(ended) => Err(ended),
        };
        match run {
            Err(Ended::Failed(problem)) => self.hold(tenant, broadcast, problem.into(), waits).await,
            Err(Ended::Held(cause)) => self.hold(tenant, broadcast, *cause, waits).await,
            ended => ended,
        }
    }

    /// Changes the row of a broadcast that runs.
    pub(super) async fn move_on(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        waits: Waits<'_>,
        to: impl Fn(Broadcast) -> Broadcast,
    ) -> Result<Broadcast, Ended> {
        let now = self.clock.now();
        let change = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| match before.state {
                BroadcastState::Running => Broadcast {
                    version: before.version + 1,
                    changed_at: now,
                    ..to(before.clone())
                },
                _ => before.clone(),
            }))
        };
        let table = self.table::<Broadcast>();
        let key = Broadcast::at(tenant, broadcast);
        let (_, after) = waits.asked(|| table.change(key.clone(), &change)).await?;
        after.ok_or(Ended::CalledOff)
    }
}

/// A broadcast that runs.
struct Runner<'a> {
    broadcasts: &'a Broadcasts,
    waits: Waits<'a>,
    place: PlanPlace,
    row: Broadcast,
    plan: BroadcastPlan,
    filling: Filling,
    number: PhoneNumberId,
    waba: WabaId,
    pacing: Pacing,
    timetable: Timetable,
    /// The row from which recipients were taken last, and the first of which it is not known that what filled templates is gone.
    chunk: u32,
    kept: u32,
    /// How many had their turn since it was noted how far it is.
    unnoted: u32,
    /// How many wait for zones that are shut, and when that was counted.
    put_off: Option<(Duration, u32)>,
    pace: Pace,
    looked: Duration,
    speed: Speed,
}

impl<'a> Runner<'a> {
    async fn begin(
        broadcasts: &'a Broadcasts,
        tenant: TenantId,
        broadcast: BroadcastId,
        waits: Waits<'a>,
    ) -> Result<Self, Ended> {
        let row = waits.asked(|| broadcasts.found(tenant, broadcast)).await?;
        let row = row.ok_or(Ended::CalledOff)?.row;
        if row.state != BroadcastState::Running {
            return Err(Ended::CalledOff);
        }
        if !waits.asked(|| broadcasts.is_as_launched(tenant, &row)).await? {
            return Err(Ended::Failed(BroadcastProblem::Restored));
        }
        let gone = || Ended::Failed(BroadcastProblem::NumberGone);
        let plan = row
            .plan
            .clone()
            .ok_or(Ended::Failed(BroadcastProblem::Internal))?;
        let number = row.number().cloned().ok_or_else(gone)?;
        let numbers = waits.taken(|| broadcasts.tenants.numbers(tenant)).await?;
        let found = numbers.into_iter().find(|one| one.id == number);
        let found = found.ok_or_else(gone)?;
        let pacing = Pacing {
            number: found.rate,
            own: row.rate,
        };
        let filling =
            Filling::of(&row.template).map_err(|_was_checked| Ended::Failed(BroadcastProblem::Internal))?;
        let key = BroadcastProgressRow::at(tenant, broadcast);
        let table = broadcasts.table::<BroadcastProgressRow>();
        let progress = waits.asked(|| table.get(&key)).await?;
        let progress = progress.map(|found| found.row);
        let timetable = timetable_now(&row, progress.as_ref());
        let timetable = timetable.ok_or(Ended::Failed(BroadcastProblem::Internal))?;
        let now = broadcasts.clock.monotonic();
        let mut runner = Self {
            place: PlanPlace {
                tenant,
                broadcast,
                plan: plan.number,
            },
            broadcasts,
            waits,
            pace: Pace::new(pacing.own.map(SendRate::per_second), now),
            row,
            plan,
            filling,
            number,
            waba: found.waba,
            pacing,
            chunk: 0,
            kept: 0,
            unnoted: 0,
            put_off: None,
            timetable,
            looked: now,
            speed: Speed::new(now),
        };
        runner.demand_leave().await?;
        runner.steer().await?;
        runner.find_kept().await?;
        Ok(runner)
    }

    /// Says that it runs; what no event told yet is told then.
    async fn steer(&mut self) -> Result<(), Ended> {
        let mut failures = 0;
        loop {
            let Err(refusal) = self.broadcasts.steer(self.place.tenant, &self.row).await else {
                return Ok(());
            };
            self.refused(refusal, &mut failures).await?;
        }
    }

    /// Waits after the tenant refused something. Meanwhile another process may have got it, or people changed their minds.
    async fn refused(&mut self, refusal: Refusal, failures: &mut u32) -> Result<(), Ended> {
        self.waits.refused(refusal, failures).await?;
        self.look_now().await
    }

    /// Runs it; however that ends, it is noted how far it came: turns are remembered for some weeks, and a pause may last longer.
    async fn go_and_note(&mut self) -> Result<(), Ended> {
        let ended = self.go().await;
        if self.unnoted > 0 {
            self.note().await?;
        }
        ended
    }

    async fn go(&mut self) -> Result<(), Ended> {
        loop {
            self.look().await?;
            let now = self.broadcasts.clock.now();
            let tally = || {
                let store = &self.broadcasts.store;
                store.broadcast_tally(self.place.tenant, self.place.broadcast, now)
            };
            let tally = self.waits.asked(tally).await?;
            let tally = tally.ok_or(Ended::Interrupted)?;
            if tally.run != BroadcastRun::Running {
                // Somebody's word has not come to the row yet, or has not come from there.
                self.look_now().await?;
                self.steer().await?;
            }
            let waiting = tally.counts.of(RecipientOutcome::Queued);
            let is_over = self.timetable.is_over();
            if is_over && waiting == 0 {
                return self.finish().await;
            }
            // What came of messages before this version of it went on is no reason.
            if tally.version() >= self.row.version
                && let Some(cause) = guard::of_results(&tally, &self.broadcasts.pauses, now)
            {
                return Err(cause.into());
            }
            self.begin_zones(now).await?;
            if let Some(until) = rests_until(&mut self.timetable, now) {
                self.rest(&tally, now, until).await?;
                continue;
            }
            let due = self.timetable.due(now);
            let gone = tally.counts.messages().saturating_sub(waiting);
            if self.speed.measure(gone, self.broadcasts.clock.monotonic()) {
                self.note().await?;
            }
            let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            let waiting = waiting.saturating_sub(self.put_off(waiting, now).await?);
            let room = self.window().saturating_sub(waiting);
            let room = room.min(self.pace.allowed(self.broadcasts.clock.monotonic()));
            // Few at a time cost a commit each.
            let worthwhile = (self.window() / 8).max(1);
            let is_worth_it = room >= worthwhile || room > 0 && waiting == 0;
            if let Some(due) = due.filter(|_| is_worth_it) {
                self.hand_over(due, room, now).await?;
                continue;
            }
            // The ledger tells while something moves; what it told last is told here.
            if tally.is_due(now) {
                self.steer().await?;
            }
            self.waits.sleep(TICK).await?;
        }
    }

    /// Waits for a sending hour: a short while here, and else without a place among those that run.
    async fn rest(&mut self, tally: &BroadcastTally, now: Timestamp, until: Timestamp) -> Result<(), Ended> {
        self.speed = Speed::new(self.broadcasts.clock.monotonic());
        self.note().await?;
        if tally.is_due(now) {
            self.steer().await?;
        }
        let long = until.since(now);
        if long > SHORT_REST {
            return Err(Ended::Resting(until.min(now.after(RESTS))));
        }
        self.waits.sleep(long.max(TICK)).await?;
        Ok(())
    }

    fn window(&self) -> u32 {
        self.pacing.window()
    }

    /// Looks, now and then, whether it is wanted still.
    async fn look(&mut self) -> Result<(), Ended> {
        if self.waits.shutdown.has_begun() {
            return Err(Ended::Stopped);
        }
        let now = self.broadcasts.clock.monotonic();
        if now.saturating_sub(self.looked) >= LOOK {
            self.looked = now;
            self.look_now().await?;
            self.demand_leave().await?;
        }
        Ok(())
    }

    /// Ends the run where Meta says something against its going on. A template that Meta takes for marketing since the plan goes to nobody
    /// who wants none.
    async fn demand_leave(&mut self) -> Result<(), Ended> {
        let (tenant, of) = (self.place.tenant, (&self.number, &self.waba));
        let obstacle = || self.broadcasts.obstacle(tenant, &self.row, of);
        if let Some(cause) = self.waits.asked(obstacle).await? {
            return Err(cause.into());
        }
        let template = || self.broadcasts.its_template(tenant, &self.row, &self.waba);
        let template = self.waits.asked(template).await?;
        if template.is_some_and(|template| template.purpose() == Purpose::Marketing) {
            self.plan.purpose = Purpose::Marketing;
        }
        Ok(())
    }

    async fn look_now(&mut self) -> Result<(), Ended> {
        let PlanPlace {
            tenant, broadcast, ..
        } = self.place;
        let found = || self.broadcasts.found(tenant, broadcast);
        let row = self.waits.asked(found).await?.ok_or(Ended::CalledOff)?.row;
        if row.state != BroadcastState::Running {
            self.waits
                .asked(|| self.broadcasts.keep_steered(tenant, &row))
                .await?;
            return Err(Ended::CalledOff);
        }
        if !self.waits.taken(|| self.broadcasts.tenants.owns(tenant)).await? {
            return Err(Ended::CalledOff);
        }
        // What was paused and resumed meanwhile is said by its newest version alone.
        self.row = row;
        Ok(())
    }

    /// Hands those over who are due, at most so many.
    async fn hand_over(&mut self, due: Due, room: u32, now: Timestamp) -> Result<(), Ended> {
        let Some(chunk) = self.chunk_of(due.from).await? else {
            // What is not there cannot be sent: it was kept for too short, or was removed by hand.
            return Err(Ended::Failed(BroadcastProblem::Internal));
        };
        let skip = usize::try_from(due.from - chunk.first).unwrap_or(usize::MAX);
        let most = usize::try_from(room).unwrap_or(usize::MAX).min(TOGETHER);
        let mut taken: Vec<(u32, &PlannedRecipient)> = Vec::with_capacity(most);
        let mut last = due.from;
        for (no, recipient) in (due.from..due.until).zip(chunk.recipients.iter().skip(skip)) {
            if taken.len() >= most {
                break;
            }
            last = no + 1;
            if recipient.suppressed.is_none() && due.has(recipient.zone) {
                taken.push((no, recipient));
            }
        }
        let known = taken.iter().filter(|(_, one)| one.phone.is_none());
        let known = known.filter_map(|(_, one)| one.contact);
        let people = self
            .broadcasts
            .people(self.place.tenant, known, self.waits)
            .await?;
        let submits = taken
            .into_iter()
            .map(|(no, one)| self.submit(no, one, &people, now));
        let submits: Vec<Submit> = submits
            .collect::<Result<Vec<_>, Ended>>()?
            .into_iter()
            .flatten()
            .collect();
        let count = u32::try_from(submits.len()).unwrap_or(u32::MAX);
        self.pace.use_up(count);
        self.submit_all(submits).await?;
        crash::point(CrashPoint::AfterBroadcastBatch);
        self.timetable.pass(&due, last);
        self.unnoted = self.unnoted.saturating_add(count);
        let is_end = last >= chunk.end();
        if self.unnoted >= self.window() || is_end && self.unnoted > 0 {
            self.note().await?;
        }
        if is_end {
            // After the note: whoever goes on from there does not need them.
            self.forget_passed().await?;
        }
        Ok(())
    }

    /// Commits them, those again that were not taken: each has one turn, however often it is offered.
    async fn submit_all(&mut self, mut submits: Vec<Submit>) -> Result<(), Ended> {
        let tenant = self.place.tenant;
        let mut failures = 0;
        while !submits.is_empty() {
            let turns = self
                .broadcasts
                .tenants
                .submit_recipients(tenant, submits.clone())
                .await;
            let turns = match turns {
                Ok(turns) => turns,
                Err(refusal) => {
                    self.refused(refusal, &mut failures).await?;
                    continue;
                }
            };
            let (mut again, mut refused, mut is_held) = (Vec::new(), None, false);
            for (submit, turn) in submits.into_iter().zip(turns) {
                match turn {
                    Ok(OpOutcome::Committed { .. }) => {
                        metrics::broadcast_recipients_total(RecipientTurn::Accepted).increment(1);
                    }
                    Ok(OpOutcome::Suppressed(_)) => {
                        metrics::broadcast_recipients_total(RecipientTurn::Suppressed).increment(1);
                    }
                    Ok(OpOutcome::Refused(
                        OpRefusal::BroadcastNotRunning | OpRefusal::BroadcastCancelled,
                    )) => {
                        is_held = true;
                        again.push(submit);
                    }
                    Ok(OpOutcome::Refused(refusal)) => {
                        tracing::error!(?refusal, "a recipient of a broadcast is refused");
                        return Err(Ended::Failed(BroadcastProblem::Internal));
                    }
                    // It had its turn before.
                    Ok(OpOutcome::Duplicate { .. } | OpOutcome::Unchanged | OpOutcome::Contact { .. }) => {}
                    Err(refusal) => {
                        refused = Some(refusal);
                        again.push(submit);
                    }
                }
            }
            submits = again;
            if is_held {
                // Somebody paused or ended it; else the ledger is to be told that it goes on.
                self.look_now().await?;
                self.steer().await?;
                self.waits.pause(&mut failures).await?;
            }
            if let Some(refusal) = refused {
                self.refused(refusal, &mut failures).await?;
            }
        }
        Ok(())
    }

    /// All had their turn, and none waits any more.
    async fn finish(&mut self) -> Result<(), Ended> {
        self.speed.per_second = None;
        self.note().await?;
        self.steer().await?;
        let now = self.broadcasts.clock.now();
        let PlanPlace {
            tenant, broadcast, ..
        } = self.place;
        let done = |before: Broadcast| Broadcast {
            state: BroadcastState::Done,
            ended_at: Some(now),
            ..before
        };
        self.broadcasts
            .move_on(tenant, broadcast, self.waits, done)
            .await?;
        self.broadcasts.wake.notify_one();
        Ok(())
    }
}
