//! What a broadcast costs: what its plan comes to, and what Meta said that it charges for.

use std::sync::Arc;

use super::Broadcasts;
use super::error::BroadcastError;
use crate::domain::rate_card::Spend;
use crate::domain::usage::PricingCategory;
use crate::domain::{BroadcastCounts, Micros, Purpose, RateCard, TenantId, WabaId};
use crate::store::tables::{Broadcast, BroadcastPlan};

/// What one costs, by a card.
#[derive(Debug)]
pub struct BroadcastCost {
    /// If each message is delivered and none is free.
    pub estimate: Micros,
    /// Messages that Meta said it charges for.
    pub messages: u64,
    /// What those come to.
    pub told: Micros,
    /// Those of them for which the card has no price.
    pub unpriced: u64,
    /// By which card.
    pub card: Arc<RateCard>,
}

impl Broadcasts {
    /// What a broadcast that was launched costs so far.
    pub async fn cost(
        &self,
        tenant: TenantId,
        row: &Broadcast,
        (plan, counts): (&BroadcastPlan, &BroadcastCounts),
    ) -> Result<BroadcastCost, BroadcastError> {
        let numbers = self.tenants.numbers(tenant).await?;
        let number = numbers.into_iter().find(|one| row.number() == Some(&one.id));
        let waba = number.map(|number| number.waba);
        let category = self.pricing_category(tenant, row, (waba.as_ref(), plan)).await?;
        let billed = counts.billed.iter();
        let told: Vec<Spend> = billed
            .map(|(category, messages)| self.rate_card.spend(category, messages))
            .collect();
        Ok(BroadcastCost {
            estimate: self.spend(plan, &category).total(),
            messages: counts.billed.messages(),
            told: told.iter().map(Spend::total).sum(),
            unpriced: told.iter().map(Spend::unpriced).sum(),
            card: Arc::clone(&self.rate_card),
        })
    }

    /// What a plan comes to.
    pub(super) fn spend(&self, plan: &BroadcastPlan, category: &PricingCategory) -> Spend {
        let known = plan.countries.iter();
        let known = known.map(|(country, count)| (Some(*country), u64::from(*count)));
        let of_unknown = plan.recipients.saturating_sub(plan.countries.values().sum());
        self.rate_card
            .spend(category, known.chain([(None, u64::from(of_unknown))]))
    }

    /// By its template's category. Where that is not known, by what the plan took it for.
    pub(super) async fn pricing_category(
        &self,
        tenant: TenantId,
        row: &Broadcast,
        (waba, plan): (Option<&WabaId>, &BroadcastPlan),
    ) -> Result<PricingCategory, BroadcastError> {
        let template = match waba {
            Some(waba) => self.its_template(tenant, row, waba).await?,
            None => None,
        };
        let category = template.and_then(|template| PricingCategory::try_from(template.category).ok());
        Ok(category.unwrap_or(match plan.purpose {
            Purpose::Marketing => PricingCategory::marketing(),
            Purpose::Other => PricingCategory::utility(),
        }))
    }
}
