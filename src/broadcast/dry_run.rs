//! What would become of a broadcast that is planned: whom it reaches, when, and what Meta charges for it. By what its plan counted, so
//! that it takes as long for ten million as for ten.

use std::sync::Arc;

use super::Broadcasts;
use super::error::BroadcastError;
use super::zones::timetable;
use crate::actors::request::Refusal;
use crate::domain::broadcast::{Forecast, Pacing, ZoneShare};
use crate::domain::rate_card::Spend;
use crate::domain::usage::PricingCategory;
use crate::domain::{RateCard, TenantId, Timestamp};
use crate::store::tables::{Broadcast, BroadcastPlan, BroadcastState};

/// What would become of one.
#[derive(Debug)]
pub struct DryRun {
    /// Its plan.
    pub plan: BroadcastPlan,
    /// How fast it goes.
    pub pacing: Pacing,
    /// When.
    pub forecast: Forecast,
    /// In which category Meta counts it, as far as the template tells.
    pub category: PricingCategory,
    /// What it comes to if each message is delivered.
    pub spend: Spend,
    /// By which card.
    pub card: Arc<RateCard>,
}

/// When it goes. Where there are hours to be looked up that takes some milliseconds, of many zones some hundred.
async fn foretell(
    row: &Broadcast,
    plan: &BroadcastPlan,
    begins: Timestamp,
    pacing: Pacing,
) -> Result<Forecast, BroadcastError> {
    let timetable = timetable(row, plan);
    let shares: Vec<ZoneShare> = if plan.zones.is_empty() {
        vec![ZoneShare::all(plan.recipients, plan.total)]
    } else {
        plan.zones.iter().map(ZoneShare::from).collect()
    };
    let foretold =
        tokio::task::spawn_blocking(move || Forecast::of(&shares, timetable, begins, pacing)).await;
    foretold.map_err(|_cut_off| Refusal::Busy.into())
}

impl Broadcasts {
    /// Foretells a broadcast that is planned and not begun.
    pub async fn dry_run(&self, tenant: TenantId, row: &Broadcast) -> Result<DryRun, BroadcastError> {
        let plan = match (&row.plan, row.state) {
            (Some(plan), BroadcastState::Ready | BroadcastState::Scheduled) => plan.clone(),
            (_, state) => {
                let why = "a dry run is of one that is ready or scheduled";
                return Err(BroadcastError::State(state, why));
            }
        };
        let numbers = self.tenants.numbers(tenant).await?;
        let number = numbers.into_iter().find(|one| row.number() == Some(&one.id));
        let number = number.ok_or(Refusal::UnknownNumber)?;
        let pacing = Pacing {
            number: number.rate,
            own: row.rate,
        };
        let now = self.clock.now();
        let begins = row.at.map_or(now, |at| at.max(now));
        let category = self
            .pricing_category(tenant, row, (Some(&number.waba), &plan))
            .await?;
        let spend = self.spend(&plan, &category);
        Ok(DryRun {
            forecast: foretell(row, &plan, begins, pacing).await?,
            pacing,
            category,
            spend,
            card: Arc::clone(&self.rate_card),
            plan,
        })
    }
}
