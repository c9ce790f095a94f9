//! What people do with broadcasts. What is wanted stands in a broadcast's row first; then the ledger is told, by whoever changed the row
//! and again by the job that carries it out, so that nothing that was wanted is lost.

use bytes::Bytes;

use super::Broadcasts;
use super::definition::Definition;
use super::error::BroadcastError;
use super::zones::begins;
use crate::actors::request::Refusal;
use crate::domain::{Author, BroadcastId, PhoneNumberId, TenantId, Timestamp};
use crate::store::tables::{
    Broadcast, BroadcastAudience, BroadcastExclusions, BroadcastJob, BroadcastProgressRow, BroadcastState,
    BroadcastTemplate, PLAN_LASTS,
};
use crate::store::{Page, StoreError};

/// Broadcasts of a tenant.
pub const MOST: usize = 5_000;
/// Rows that are read at once to count them.
const PAGE: usize = 500;
/// From so many on whoever launches says how many get it.
const COUNTED_FROM: u32 = 1_000;

/// What whoever launches a broadcast saw.
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// Its version.
    pub version: u64,
    /// How many get it.
    pub recipients: Option<u32>,
}

impl Broadcasts {
    /// One broadcast.
    pub async fn get(&self, tenant: TenantId, broadcast: BroadcastId) -> Result<Broadcast, BroadcastError> {
        let found = self.found(tenant, broadcast).await?.map(|found| found.row);
        Ok(there(found.as_ref())?.clone())
    }

    /// How far its plan, or its run, is.
    pub async fn progress(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
    ) -> Result<Option<BroadcastProgressRow>, BroadcastError> {
        let found = self
            .table::<BroadcastProgressRow>()
            .get(&BroadcastProgressRow::at(tenant, broadcast))
            .await?;
        Ok(found.map(|found| found.row))
    }

    /// A tenant's, in order of their ids, which are in order of when they were made.
    pub async fn list(
        &self,
        tenant: TenantId,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Page<Broadcast>, BroadcastError> {
        let after = after.map(|after| Bytes::copy_from_slice(after.as_bytes()));
        let page = self
            .table::<Broadcast>()
            .page(Broadcast::of(tenant), after, limit)
            .await?;
        Ok(Page {
            items: page.items.into_iter().map(|found| found.row).collect(),
            more: page.more,
        })
    }

    /// Makes one. Two who do at the same moment may get one more than there may be.
    pub async fn create(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        (definition, by): (Definition, Author),
    ) -> Result<Broadcast, BroadcastError> {
        self.demand_definition(tenant, &definition).await?;
        let (mut after, mut there) = (None, 0);
        loop {
            let page = self.list(tenant, after, PAGE).await?;
            there += page.items.len();
            after = page.items.last().map(|row| row.broadcast_id);
            if there >= MOST {
                return Err(BroadcastError::TooMany);
            }
            if !page.more {
                break;
            }
        }
        let now = self.clock.now();
        let row = definition.of(Broadcast {
            broadcast_id: broadcast,
            name: String::new(),
            template: BroadcastTemplate::missing(),
            numbers: Vec::new(),
            audience: BroadcastAudience::Upload {},
            exclude: BroadcastExclusions::default(),
            rate: None,
            at: None,
            not_after: None,
            hours: None,
            at_local: None,
            not_after_local: None,
            state: BroadcastState::Draft,
            version: 1,
            problem: None,
            paused: None,
            resumed_at: None,
            upload: None,
            plan: None,
            plans: 0,
            plans_removed: 0,
            uploads_left: Vec::new(),
            created_by: by.clone(),
            created_at: now,
            changed_by: by,
            changed_at: now,
            launched_by: None,
            launched_at: None,
            launched_in: None,
            ended_at: None,
            retried_by: None,
        });
        self.table()
            .replace(&Broadcast::at(tenant, broadcast), None, Some(&row))
            .await?;
        Ok(row)
    }

    async fn demand_definition(
        &self,
        tenant: TenantId,
        definition: &Definition,
    ) -> Result<(), BroadcastError> {
        definition.check()?;
        let numbers = self.tenants.numbers(tenant).await?;
        let is_there = |number: &PhoneNumberId| numbers.iter().any(|one| one.id == *number);
        if definition.numbers.iter().all(is_there) {
            Ok(())
        } else {
            Err(Refusal::UnknownNumber.into())
        }
    }

    /// Changes one that is not on its way, and has it planned again.
    pub async fn change(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        version: u64,
        (definition, by): (Definition, Author),
    ) -> Result<Broadcast, BroadcastError> {
        self.demand_definition(tenant, &definition).await?;
        self.changed(tenant, broadcast, by, |before| {
            if !before.state.may_change() {
                return Err(BroadcastError::State(
                    before.state,
                    "it can be changed as a draft, or when it is ready",
                ));
            }
            if before.version != version {
                return Err(BroadcastError::Changed);
            }
            let repeats = matches!(definition.audience, BroadcastAudience::Retry { .. });
            if repeats && definition.audience != before.audience {
                return Err(BroadcastError::Invalid(
                    "`audience`: `retry` is made by `POST /v1/broadcasts/{broadcast_id}/retry` alone"
                        .to_owned(),
                ));
            }
            Ok(Broadcast {
                state: BroadcastState::Draft,
                problem: None,
                plan: None,
                ..definition.clone().of(before)
            })
        })
        .await
    }

    /// Has its recipients written down, behind the answer.
    pub async fn plan(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        by: Author,
    ) -> Result<Broadcast, BroadcastError> {
        self.work(tenant, broadcast).await?;
        let row = self
            .changed(tenant, broadcast, by, |before| match before.state {
                BroadcastState::Draft if before.template.is_missing() => Err(BroadcastError::Invalid(
                    "the broadcast has no `template` yet".to_owned(),
                )),
                BroadcastState::Draft | BroadcastState::Ready => Ok(Broadcast {
                    state: BroadcastState::Planning,
                    problem: None,
                    ..before
                }),
                BroadcastState::Planning => Ok(before),
                state => Err(BroadcastError::State(state, "it was launched already")),
            })
            .await?;
        self.work(tenant, broadcast).await?;
        Ok(row)
    }

    /// Launches one that was planned: two who do at once launch it once.
    pub async fn launch(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        (launch, by): (Launch, Author),
    ) -> Result<Broadcast, BroadcastError> {
        self.work(tenant, broadcast).await?;
        let now = self.clock.now();
        let epoch = self.epoch(tenant).await?;
        let launched = by.clone();
        let row = self
            .changed(tenant, broadcast, by, |before| {
                let Some(plan) = before
                    .plan
                    .as_ref()
                    .filter(|_| before.state == BroadcastState::Ready)
                else {
                    return Err(match before.state {
                        BroadcastState::Draft | BroadcastState::Planning => {
                            BroadcastError::State(before.state, "it is to be planned first")
                        }
                        _ => BroadcastError::Changed,
                    });
                };
                if before.version != launch.version {
                    return Err(BroadcastError::Changed);
                }
                if now >= plan.at.after(PLAN_LASTS) {
                    return Err(BroadcastError::State(
                        before.state,
                        "its plan is older than 30 days: plan it again",
                    ));
                }
                if plan.recipients == 0 {
                    return Err(BroadcastError::State(before.state, "nobody gets it"));
                }
                match launch.recipients {
                    None if plan.recipients > COUNTED_FROM => {
                        return Err(BroadcastError::CountRequired(plan.recipients));
                    }
                    Some(count) if count != plan.recipients => {
                        return Err(BroadcastError::CountDiffers(plan.recipients));
                    }
                    _ => {}
                }
                if begins(&before).is_some_and(|(_, late)| late.is_some_and(|late| now > late)) {
                    return Err(BroadcastError::State(
                        before.state,
                        "the time to start has passed: change it",
                    ));
                }
                Ok(Broadcast {
                    state: goes_on(&before, now),
                    problem: None,
                    launched_by: Some(launched.clone()),
                    launched_at: Some(now),
                    launched_in: epoch,
                    ..before
                })
            })
            .await?;
        self.work(tenant, broadcast).await?;
        Ok(row)
    }

    /// Stops one for now: nothing is claimed once this returns, if the tenant is here, and a second later in any case.
    pub async fn pause(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        by: Author,
    ) -> Result<Broadcast, BroadcastError> {
        let row = self
            .changed(tenant, broadcast, by, |before| match before.state {
                BroadcastState::Running | BroadcastState::Scheduled => Ok(Broadcast {
                    state: BroadcastState::Paused,
                    problem: None,
                    paused: None,
                    ..before
                }),
                BroadcastState::Paused => Ok(before),
                state => Err(BroadcastError::State(state, "it does not run")),
            })
            .await?;
        self.steer_now(tenant, &row).await;
        Ok(row)
    }

    /// Has it go on. What Meta said against that before counts no more, and nor do results of before, but a template that Meta does not
    /// send stays where it is.
    pub async fn resume(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        by: Author,
    ) -> Result<Broadcast, BroadcastError> {
        self.work(tenant, broadcast).await?;
        let before = self.get(tenant, broadcast).await?;
        if before.state == BroadcastState::Paused {
            self.demand_template(tenant, &before).await?;
            // Soon nothing tells of it any more.
            self.record_pause(tenant, &before).await?;
        }
        let now = self.clock.now();
        let epoch = self.epoch(tenant).await?;
        let row = self
            .changed(tenant, broadcast, by, |before| match before.state {
                BroadcastState::Paused => Ok(Broadcast {
                    state: goes_on(&before, now),
                    problem: None,
                    launched_in: epoch,
                    paused: None,
                    resumed_at: Some(now),
                    ..before
                }),
                BroadcastState::Running | BroadcastState::Scheduled => Ok(before),
                state => Err(BroadcastError::State(state, "it is not paused")),
            })
            .await?;
        self.steer_now(tenant, &row).await;
        self.work(tenant, broadcast).await?;
        Ok(row)
    }

    /// Refuses where Meta does not send the template.
    async fn demand_template(&self, tenant: TenantId, row: &Broadcast) -> Result<(), BroadcastError> {
        let numbers = self.tenants.numbers(tenant).await?;
        let number = numbers.into_iter().find(|one| Some(&one.id) == row.number());
        let Some(number) = number else {
            return Ok(());
        };
        let template = self.its_template(tenant, row, &number.waba).await?;
        match template.filter(|template| template.status.is_refused()) {
            Some(template) => Err(BroadcastError::TemplateNotSendable(template.status)),
            None => Ok(()),
        }
    }

    /// Ends it: what was not called for is taken back. A plan is called off.
    pub async fn cancel(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        by: Author,
    ) -> Result<Broadcast, BroadcastError> {
        let now = self.clock.now();
        let row = self
            .changed(tenant, broadcast, by, |before| match before.state {
                BroadcastState::Planning => Ok(Broadcast {
                    state: BroadcastState::Draft,
                    plan: None,
                    ..before
                }),
                BroadcastState::Scheduled | BroadcastState::Running | BroadcastState::Paused => {
                    Ok(Broadcast {
                        state: BroadcastState::Cancelled,
                        ended_at: Some(now),
                        ..before
                    })
                }
                BroadcastState::Cancelled => Ok(before),
                state => Err(BroadcastError::State(state, "there is nothing to call off")),
            })
            .await?;
        self.steer_now(tenant, &row).await;
        self.wake.notify_one();
        Ok(row)
    }

    /// Removes one that is not on its way: it is not told of from now on, and all that is kept of it goes behind the answer. What was
    /// sent stays.
    pub async fn delete(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
    ) -> Result<Broadcast, BroadcastError> {
        let row = self.get(tenant, broadcast).await?;
        if row.state == BroadcastState::Cancelled {
            // Once the row is gone nobody knows that the ledger is to be told.
            self.steer(tenant, &row).await?;
        }
        self.work(tenant, broadcast).await?;
        let now = self.clock.now();
        let changed = self
            .table::<Broadcast>()
            .change(Broadcast::at(tenant, broadcast), |before| {
                let before = there(before)?;
                if !before.state.may_be_deleted() {
                    return Err(BroadcastError::State(before.state, "cancel it first"));
                }
                Ok(Some(Broadcast {
                    state: BroadcastState::Removing,
                    version: before.version + 1,
                    changed_at: now,
                    ..before.clone()
                }))
            });
        let (_, after) = changed.await?;
        self.work(tenant, broadcast).await?;
        after.ok_or(BroadcastError::NotFound)
    }

    pub(super) async fn changed(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
        by: Author,
        decide: impl Fn(Broadcast) -> Result<Broadcast, BroadcastError>,
    ) -> Result<Broadcast, BroadcastError> {
        let now = self.clock.now();
        let changed = self
            .table::<Broadcast>()
            .change(Broadcast::at(tenant, broadcast), |before| {
                let before = there(before)?;
                let after = decide(before.clone())?;
                if after == *before {
                    return Ok::<_, BroadcastError>(Some(after));
                }
                Ok(Some(Broadcast {
                    version: before.version + 1,
                    changed_by: by.clone(),
                    changed_at: now,
                    ..after
                }))
            });
        let (_, after) = changed.await?;
        after.ok_or(BroadcastError::NotFound)
    }

    /// Has whoever has the tenant look at a broadcast. Before a change, so that a kill behind it forgets nothing, and after it, so that
    /// nobody who found nothing to do meanwhile takes that back.
    async fn work(&self, tenant: TenantId, broadcast: BroadcastId) -> Result<(), StoreError> {
        let job = BroadcastJob {
            tenant,
            broadcast,
            since: self.clock.now(),
        };
        self.table()
            .change::<StoreError>(BroadcastJob::at(tenant, broadcast), |_| Ok(Some(job.clone())))
            .await?;
        self.wake.notify_one();
        Ok(())
    }
}

/// One that nobody deleted.
pub(super) fn there(row: Option<&Broadcast>) -> Result<&Broadcast, BroadcastError> {
    row.filter(|row| row.state != BroadcastState::Removing)
        .ok_or(BroadcastError::NotFound)
}

/// Where a broadcast stands that goes on now.
fn goes_on(row: &Broadcast, now: Timestamp) -> BroadcastState {
    if begins(row).is_some_and(|(at, _)| at > now) {
        BroadcastState::Scheduled
    } else {
        BroadcastState::Running
    }
}
