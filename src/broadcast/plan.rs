//! Writing recipients down: who they are, what fills the template for each, or why nothing is sent to them.
//!
//! A plan is written under a number of its own and counts once its broadcast's row names it. One that was cut off is begun anew: what it
//! left is removed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Broadcasts;
use super::audience::{Audience, Candidate};
use super::chunks::{ChunkWriter, PlanPlace};
use super::variables::{Filling, Who};
use super::waits::{Ended, Waits};
use super::zones::RecipientZones;
use crate::bulk::erased::{Erased, Looking};
use crate::domain::{
    BroadcastId, BroadcastProblem, Contact, ContactAliases, CountryCode, PhoneNumberId, Purpose, TenantId,
    Timestamp, WabaId,
};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::store::tables::{
    BROADCAST_KEPT, Broadcast, BroadcastAudience, BroadcastChunk, BroadcastPlan, BroadcastProgressRow,
    BroadcastState, PLAN_LASTS, PlannedRecipient, Unsendable,
};
use crate::telemetry::labels::RecipientTurn;
use crate::telemetry::metrics;
use crate::templates::TemplateRefusal;

/// How often a plan says how far it is.
const TOLD: Duration = Duration::from_secs(1);
/// Recipients of one broadcast.
const MOST: u32 = 10_000_000;

impl Broadcasts {
    /// Plans a broadcast, and says what came of it in its row.
    pub(super) async fn plan_one(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        let waits = Waits { shutdown };
        let (row, place) = self.begin_plan(tenant, broadcast, waits).await?;
        let began = self.clock.monotonic();
        match Planner::begin(self, &row, place, waits).await {
            Ok(mut planner) => {
                let planned = planner.go().await;
                if let Ok(plan) = &planned {
                    let took = self.clock.monotonic().saturating_sub(began);
                    metrics::broadcast_plan_seconds().record(took.as_secs_f64());
                    let suppressed = plan.total - plan.recipients;
                    for (turn, count) in [
                        (RecipientTurn::Planned, plan.recipients),
                        (RecipientTurn::Unsendable, suppressed),
                    ] {
                        metrics::broadcast_recipients_total(turn).increment(u64::from(count));
                    }
                }
                self.end_plan((place, planner.writer.chunks()), planned, waits)
                    .await
            }
            Err(ended) => self.end_plan((place, 0), Err(ended), waits).await,
        }
    }

    /// Removes what earlier plans left, and takes the next number for a plan. One that another gateway writes on at still is removed
    /// by that once it hears of this.
    async fn begin_plan(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        waits: Waits<'_>,
    ) -> Result<(Broadcast, PlanPlace), Ended> {
        let place = |plan| PlanPlace {
            tenant,
            broadcast,
            plan,
        };
        let earlier = waits.asked(|| self.found(tenant, broadcast)).await?;
        let earlier = earlier.map(|found| found.row);
        let earlier = earlier
            .filter(|row| row.state == BroadcastState::Planning)
            .ok_or(Ended::CalledOff)?;
        // What was planned before goes with what was cut off; only then the row says that it is gone.
        for plan in earlier.plans_left() {
            waits.asked(|| self.remove_plan(place(plan), 0)).await?;
        }
        let begin = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| match before.state {
                BroadcastState::Planning => Broadcast {
                    plan: None,
                    plans: before.plans + 1,
                    plans_removed: earlier.plans,
                    ..before.clone()
                },
                _ => before.clone(),
            }))
        };
        let table = self.table::<Broadcast>();
        let changed = || table.change(Broadcast::at(tenant, broadcast), begin);
        let (_, after) = waits.asked(changed).await?;
        let row = after
            .filter(|row| row.state == BroadcastState::Planning)
            .ok_or(Ended::CalledOff)?;
        let place = place(row.plans);
        Ok((row, place))
    }

    async fn end_plan(
        &self,
        (place, written): (PlanPlace, u32),
        planned: Result<BroadcastPlan, Ended>,
        waits: Waits<'_>,
    ) -> Result<(), Ended> {
        let (plan, problem) = match planned {
            Ok(plan) => (Some(plan), None),
            Err(Ended::Failed(problem)) => (None, Some(problem)),
            Err(Ended::Held(cause)) => (None, Some(cause.problem)),
            Err(Ended::CalledOff) => {
                waits.asked(|| self.remove_plan(place, written)).await?;
                return Err(Ended::CalledOff);
            }
            Err(ended) => return Err(ended),
        };
        let now = self.clock.now();
        let end = |before: Option<&Broadcast>| {
            Ok::<_, StoreError>(before.map(|before| {
                if before.state != BroadcastState::Planning || before.plans != place.plan {
                    return before.clone();
                }
                Broadcast {
                    state: match plan {
                        Some(_) => BroadcastState::Ready,
                        None => BroadcastState::Draft,
                    },
                    plan: plan.clone(),
                    problem,
                    version: before.version + 1,
                    changed_at: now,
                    ..before.clone()
                }
            }))
        };
        let table = self.table::<Broadcast>();
        let ended = || table.change(Broadcast::at(place.tenant, place.broadcast), end);
        let (_, after) = waits.asked(ended).await?;
        let is_ours = after.is_some_and(|row| row.plans == place.plan && row.plan == plan);
        if !is_ours || plan.is_none() {
            waits.asked(|| self.remove_plan(place, written)).await?;
        }
        Ok(())
    }
}

/// A plan that is being written.
struct Planner<'a> {
    broadcasts: &'a Broadcasts,
    waits: Waits<'a>,
    audience: Audience<'a>,
    filling: Filling,
    number: PhoneNumberId,
    waba: WabaId,
    purpose: Purpose,
    columns: Vec<String>,
    zones: RecipientZones,
    writer: ChunkWriter,
    total: u32,
    planned: u32,
    suppressed: BTreeMap<Unsendable, u32>,
    countries: BTreeMap<CountryCode, u32>,
    told: Duration,
    /// When it began: nobody who was erased since stands in it.
    since: Timestamp,
    /// Who was erased since.
    erased: Erased,
    /// The row that was written last.
    written: Option<u32>,
}

/// Whether somebody of a plan was erased.
fn is_of(erased: &Erased, recipient: &PlannedRecipient) -> bool {
    recipient
        .contact
        .is_some_and(|contact| erased.has_contact(contact))
        || recipient
            .phone
            .as_ref()
            .is_some_and(|phone| erased.has_phone(phone))
}

impl<'a> Planner<'a> {
    async fn begin(
        broadcasts: &'a Broadcasts,
        row: &Broadcast,
        place: PlanPlace,
        waits: Waits<'a>,
    ) -> Result<Self, Ended> {
        let since = broadcasts.clock.now();
        let gone = || Ended::Failed(BroadcastProblem::NumberGone);
        let number = row.number().cloned().ok_or_else(gone)?;
        let numbers = waits.taken(|| broadcasts.tenants.numbers(place.tenant)).await?;
        let found = numbers.into_iter().find(|one| one.id == number);
        let waba = found.ok_or_else(gone)?.waba;
        let purpose = broadcasts.purpose(place.tenant, &waba, row, waits).await?;
        let filling = Filling::of(&row.template).map_err(|error| {
            tracing::error!(%error, "a broadcast has variables that were not refused");
            Ended::Failed(BroadcastProblem::Internal)
        })?;
        Ok(Self {
            audience: Audience::open(broadcasts, place.tenant, row, waits).await?,
            columns: columns(row, &filling),
            broadcasts,
            waits,
            filling,
            number,
            waba,
            purpose,
            zones: RecipientZones::new(row.hours.clone(), since),
            writer: ChunkWriter::new(place, broadcasts.clock.now()),
            total: 0,
            planned: 0,
            suppressed: BTreeMap::new(),
            countries: BTreeMap::new(),
            told: broadcasts.clock.monotonic(),
            since,
            erased: Erased::default(),
            written: None,
        })
    }

    /// Writes all of it.
    async fn go(&mut self) -> Result<BroadcastPlan, Ended> {
        while let Some(candidates) = self.audience.next().await? {
            if self.waits.shutdown.has_begun() {
                return Err(Ended::Stopped);
            }
            for candidate in candidates {
                let recipient = self.planned(candidate).await?;
                self.total += 1;
                match recipient.suppressed {
                    None => {
                        self.planned += 1;
                        self.zones.count(recipient.zone, self.total);
                        if let Some(country) = recipient.country {
                            *self.countries.entry(country).or_default() += 1;
                        }
                    }
                    Some(why) => *self.suppressed.entry(why).or_default() += 1,
                }
                if self.total > MOST {
                    return Err(Ended::Failed(BroadcastProblem::TooManyRecipients));
                }
                let full = self.writer.push(recipient);
                self.write(full).await?;
            }
            let now = self.broadcasts.clock.monotonic();
            if now.saturating_sub(self.told) >= TOLD {
                self.told = now;
                self.tell().await?;
            }
        }
        let last = self.writer.take();
        self.write(last).await?;
        self.leave_erased().await?;
        self.tell().await?;
        Ok(BroadcastPlan {
            number: self.writer.place().plan,
            chunks: self.writer.chunks(),
            total: self.total,
            recipients: self.planned,
            suppressed: std::mem::take(&mut self.suppressed),
            countries: std::mem::take(&mut self.countries),
            zones: self.zones.take(),
            purpose: self.purpose,
            at: self.broadcasts.clock.now(),
        })
    }

    async fn write(&mut self, full: Option<(u32, BroadcastChunk)>) -> Result<(), Ended> {
        let Some((number, mut chunk)) = full else {
            return Ok(());
        };
        self.leave_erased().await?;
        let before = chunk.clone();
        chunk.forget(|recipient| is_of(&self.erased, recipient));
        self.count_erased(&before, &chunk);
        let place = self.writer.place();
        let write = || self.broadcasts.write_chunk(place, number, &chunk);
        self.waits.asked(write).await?;
        self.written = Some(number);
        Ok(())
    }

    /// Looks who was erased since. Whose erasure was not listed when the last row was written may stand in that, and in none before:
    /// the erasure itself sees these.
    async fn leave_erased(&mut self) -> Result<(), Ended> {
        let place = self.writer.place();
        let looking = Looking {
            store: self.broadcasts.store.as_ref(),
            tenant: place.tenant,
            now: self.broadcasts.clock.now(),
            waits: self.waits,
        };
        let erased = Erased::look_up(looking, self.since).await?;
        let is_news = erased.has_more_than(&self.erased);
        self.erased = erased;
        let Some(number) = self.written.filter(|_| is_news) else {
            return Ok(());
        };
        let key = BroadcastChunk::at(place.tenant, place.broadcast, place.plan, number);
        let leave = |before: Option<&BroadcastChunk>| {
            let mut chunk = before.cloned();
            let theirs = |chunk: &mut BroadcastChunk| chunk.forget(|one| is_of(&self.erased, one));
            chunk.iter_mut().for_each(theirs);
            Ok::<_, StoreError>(chunk)
        };
        let table = self.broadcasts.table::<BroadcastChunk>();
        let left = self.waits.asked(|| table.change(key.clone(), leave)).await?;
        if let (Some(before), Some(after)) = left {
            self.count_erased(&before, &after);
        }
        Ok(())
    }

    fn count_erased(&mut self, before: &BroadcastChunk, after: &BroadcastChunk) {
        let erased = before.sendable().saturating_sub(after.sendable());
        if erased == 0 {
            return;
        }
        self.planned = self.planned.saturating_sub(erased);
        *self.suppressed.entry(Unsendable::ContactGone).or_default() += erased;
        let left = after.countries();
        for (country, count) in before.countries() {
            let gone = count.saturating_sub(left.get(&country).copied().unwrap_or_default());
            if let Some(counted) = self.countries.get_mut(&country) {
                *counted = counted.saturating_sub(gone);
            }
        }
    }

    /// Somebody of the audience as written down.
    async fn planned(&mut self, candidate: Candidate) -> Result<PlannedRecipient, Ended> {
        let tenant = self.writer.place().tenant;
        let Candidate {
            contact,
            phone,
            cells,
            line,
            wrong,
        } = candidate;
        let wrong = wrong.or_else(|| contact.as_ref().and_then(|contact| self.refused(contact)));
        let aliases = ContactAliases::of(phone.iter().cloned());
        let country = match &contact {
            Some(contact) => CountryCode::of_aliases(&contact.reach()),
            None => CountryCode::of_aliases(&aliases),
        };
        let zone = match wrong {
            Some(why) => Err(why),
            None => self.zones.find(contact.as_ref(), country),
        };
        let cells: BTreeMap<&str, &str> = self
            .columns
            .iter()
            .zip(&cells)
            .map(|(column, cell)| (column.as_str(), cell.as_str()))
            .collect();
        let who = Who {
            contact: contact.as_ref(),
            cells: &cells,
        };
        let values = zone.and_then(|_| self.filling.resolve(who));
        let values = match values {
            Ok(values) if self.fills(tenant, &self.filling.fill(&values)).await? => Ok(values),
            Ok(_) => Err(Unsendable::VariableRefused),
            Err(why) => Err(why),
        };
        let id = contact.as_ref().map(|contact| contact.id);
        // Somebody who is no contact yet becomes one with the message.
        let phone = phone.filter(|_| contact.is_none() && values.is_ok());
        Ok(PlannedRecipient {
            contact: id.or_else(|| aliases.new_contact_id(tenant)),
            phone: phone.map(|phone| phone.value),
            country: country.filter(|_| values.is_ok()),
            suppressed: values.as_ref().err().copied(),
            values: values.unwrap_or_default(),
            line,
            zone: zone.unwrap_or_default(),
        })
    }

    /// Why a contact is not written to, if so.
    fn refused(&self, contact: &Contact) -> Option<Unsendable> {
        if contact.reach().is_empty() {
            Some(Unsendable::NoAddress)
        } else if contact.is_minor {
            Some(Unsendable::ContactIsMinor)
        } else if contact.all_blocks().any(|number| *number == self.number) {
            Some(Unsendable::Blocked)
        } else if contact.refuses(self.purpose) {
            Some(Unsendable::OptedOut)
        } else if self.is_given_up(contact) {
            Some(Unsendable::Unreachable)
        } else {
            None
        }
    }

    /// Whether messages did not reach a contact for so short a time that it is not tried again.
    fn is_given_up(&self, contact: &Contact) -> bool {
        let now = self.broadcasts.clock.now();
        let rests = self.broadcasts.pauses.unreachable_rests();
        rests.is_some_and(|rests| contact.is_unreachable_since(now.before(rests)))
    }

    /// Whether Meta takes the template when it is filled so.
    async fn fills(&self, tenant: TenantId, template: &Value) -> Result<bool, Ended> {
        let templates = &self.broadcasts.templates;
        let compared = || templates.compared(tenant, &self.waba, template);
        match self.waits.asked(compared).await? {
            Ok(_) => Ok(true),
            Err(TemplateRefusal::Invalid(_)) => Ok(false),
            Err(TemplateRefusal::Unknown) => Err(Ended::Failed(BroadcastProblem::TemplateUnknown)),
            Err(TemplateRefusal::NotSendable(_)) => Err(Ended::Failed(BroadcastProblem::TemplateNotSendable)),
        }
    }

    /// Says how far it is.
    async fn tell(&self) -> Result<(), Ended> {
        let place = self.writer.place();
        let now = self.broadcasts.clock.now();
        let progress = BroadcastProgressRow {
            plan: place.plan,
            read: self.total,
            planned: self.planned,
            suppressed: self.total - self.planned,
            next: 1,
            places: Vec::new(),
            per_second: None,
            expires: now.after(PLAN_LASTS).after(BROADCAST_KEPT),
        };
        let key = BroadcastProgressRow::at(place.tenant, place.broadcast);
        let table = self.broadcasts.table::<BroadcastProgressRow>();
        let newer = |before: Option<&BroadcastProgressRow>| {
            let is_later = before.is_some_and(|before| before.plan > place.plan);
            Ok::<_, StoreError>(Some(before.filter(|_| is_later).unwrap_or(&progress).clone()))
        };
        let (_, after) = self.waits.asked(|| table.change(key.clone(), &newer)).await?;
        // Somebody began the plan anew.
        if after.as_ref() != Some(&progress) {
            return Err(Ended::CalledOff);
        }
        let row = || self.broadcasts.found(place.tenant, place.broadcast);
        let row = self.waits.asked(row).await?;
        let is_wanted = row.is_some_and(|found| {
            found.row.state == BroadcastState::Planning && found.row.plans == place.plan
        });
        if is_wanted { Ok(()) } else { Err(Ended::CalledOff) }
    }
}

/// What the cells of an audience are called.
fn columns(row: &Broadcast, filling: &Filling) -> Vec<String> {
    match (&row.audience, &row.upload) {
        (BroadcastAudience::Retry { .. }, _) => filling.columns().map(str::to_owned).collect(),
        (_, Some(upload)) => upload.columns.clone(),
        (_, None) => Vec::new(),
    }
}

impl Broadcasts {
    /// What the template's category makes of a broadcast: where nothing is known of it, it is taken for marketing.
    async fn purpose(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        row: &Broadcast,
        waits: Waits<'_>,
    ) -> Result<Purpose, Ended> {
        let found = waits.asked(|| self.its_template(tenant, row, waba)).await?;
        let Some(found) = found else {
            return if waits.asked(|| self.was_looked_up(tenant, waba)).await? {
                Err(Ended::Failed(BroadcastProblem::TemplateUnknown))
            } else {
                Ok(Purpose::Marketing)
            };
        };
        if found.status.is_refused() {
            return Err(Ended::Failed(BroadcastProblem::TemplateNotSendable));
        }
        Ok(found.purpose())
    }
}
