//! How far a run is: a place for each zone of its plan, and the rows in which those places are.

use std::time::Duration;

use super::super::waits::Ended;
use super::Runner;
use crate::domain::{BroadcastProblem, Timestamp};
use crate::store::tables::{BROADCAST_KEPT, BroadcastChunk, BroadcastProgressRow, PLAN_LASTS};
use crate::store::{OutboxState, StoreError};

/// How long it holds how many are put off, and how much of what waits on the number is read for it.
const COUNTED: Duration = Duration::from_secs(1);
const PAGE: usize = 500;
const PAGES: usize = 40;

impl Runner<'_> {
    /// Takes note of zones whose time to begin has come.
    pub(super) async fn begin_zones(&mut self, now: Timestamp) -> Result<(), Ended> {
        match self.timetable.begin(now, self.row.resumed_at) {
            Ok(true) => self.note().await,
            Ok(false) => Ok(()),
            Err(_late) => Err(Ended::Failed(BroadcastProblem::TooLate)),
        }
    }

    /// How many of those that wait in the lane are for zones that are shut: they go when these open, and take no room from others.
    pub(super) async fn put_off(&mut self, waiting: u32, now: Timestamp) -> Result<u32, Ended> {
        let shut = self.timetable.shut(now);
        if shut.is_empty() || waiting < self.window() / 2 {
            return Ok(0);
        }
        let looked = self.broadcasts.clock.monotonic();
        if let Some((at, count)) = self.put_off
            && looked.saturating_sub(at) < COUNTED
        {
            return Ok(count.min(waiting));
        }
        let (mut count, mut found, mut after) = (0_u32, 0_u32, None);
        for _ in 0..PAGES {
            let (tenant, number) = (self.place.tenant, self.number.clone());
            let store = &self.broadcasts.store;
            let rows = self
                .waits
                .asked(|| store.outbox(tenant, number.clone(), after, PAGE))
                .await?;
            let is_last = rows.len() < PAGE;
            after = rows.last().map(|row| row.at.message);
            for row in rows {
                let hours = row.sending_hours();
                let Some((_, hours)) = hours.filter(|(whose, _)| *whose == self.place.broadcast) else {
                    continue;
                };
                found += 1;
                count += u32::from(row.state == OutboxState::Queued && shut.contains(&hours.zone));
            }
            if is_last || found >= waiting {
                break;
            }
        }
        self.put_off = Some((looked, count));
        Ok(count.min(waiting))
    }

    /// The row in which a recipient stands. Read afresh each time: an erasure takes out of it what tells of somebody.
    pub(super) async fn chunk_of(&mut self, no: u32) -> Result<Option<BroadcastChunk>, Ended> {
        // Mostly the same as before, or the next one; what a zone goes back to is halved for.
        let (mut low, mut high) = (0, self.plan.chunks);
        let mut number = self.chunk.min(high.saturating_sub(1));
        while low < high {
            let place = self.place;
            let chunk = self.waits.asked(|| self.broadcasts.chunk(place, number)).await?;
            let Some(chunk) = chunk else { return Ok(None) };
            if no < chunk.first {
                high = number;
                number = low + (high - low) / 2;
            } else if no >= chunk.end() {
                let is_first_look = low == 0;
                low = number + 1;
                number = if is_first_look {
                    low
                } else {
                    low + high.saturating_sub(low) / 2
                };
            } else {
                self.chunk = number;
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// Finds the first row of which somebody has not had a turn. What filled templates in those before is gone, or goes at the end.
    pub(super) async fn find_kept(&mut self) -> Result<(), Ended> {
        if !self.timetable.is_over() {
            self.chunk_of(self.timetable.lowest()).await?;
        }
        self.kept = self.chunk;
        Ok(())
    }

    /// Takes out of rows that all zones have passed what filled templates.
    pub(super) async fn forget_passed(&mut self) -> Result<(), Ended> {
        let (place, lowest) = (self.place, self.timetable.lowest());
        while self.kept < self.plan.chunks {
            let number = self.kept;
            let chunk = self.waits.asked(|| self.broadcasts.chunk(place, number)).await?;
            if chunk.is_some_and(|chunk| chunk.end() > lowest) {
                break;
            }
            let forget = || self.broadcasts.forget_values(place, number);
            self.waits.asked(forget).await?;
            self.kept += 1;
        }
        Ok(())
    }

    /// Notes how far it is.
    pub(super) async fn note(&mut self) -> Result<(), Ended> {
        let (plan, next, per_second) = (self.plan.number, self.timetable.lowest(), self.speed.per_second);
        let places = if self.plan.zones.is_empty() {
            Vec::new()
        } else {
            self.timetable.places()
        };
        let now = self.broadcasts.clock.now();
        let key = BroadcastProgressRow::at(self.place.tenant, self.place.broadcast);
        let table = self.broadcasts.table::<BroadcastProgressRow>();
        let note = |before: Option<&BroadcastProgressRow>| {
            let mut row = before.cloned().unwrap_or(BroadcastProgressRow {
                plan,
                read: 0,
                planned: 0,
                suppressed: 0,
                next,
                places: Vec::new(),
                per_second,
                expires: now.after(PLAN_LASTS).after(BROADCAST_KEPT),
            });
            row.next = row.next.max(next);
            row.places.resize(places.len(), 0);
            for (before, now) in row.places.iter_mut().zip(&places) {
                *before = (*before).max(*now);
            }
            row.per_second = per_second;
            Ok::<_, StoreError>(Some(row))
        };
        self.waits.asked(|| table.change(key.clone(), &note)).await?;
        self.unnoted = 0;
        Ok(())
    }
}
