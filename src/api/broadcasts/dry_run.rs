//! What would become of a broadcast, as callers see it.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::super::auth::{Call, CanSeeBroadcasts};
use super::super::error::ApiError;
use super::seen;
use crate::broadcast::DryRun;
use crate::domain::rate_card::{MarketSpend, RateCard};
use crate::store::tables::Broadcast;

/// `GET /v1/broadcasts/{broadcast_id}/dry-run`
pub(in crate::api) async fn dry_run(call: Call<CanSeeBroadcasts>) -> Result<HttpResponse, ApiError> {
    call.params()?.finish()?;
    let row = seen(&call).await?;
    let dry_run = call.state().broadcasts.dry_run(call.tenant(), &row).await?;
    Ok(HttpResponse::Ok().json(json!({ "dry_run": shown(&row, &dry_run) })))
}

fn shown(row: &Broadcast, dry_run: &DryRun) -> Value {
    let DryRun {
        plan,
        pacing,
        forecast,
        category,
        spend,
        card,
    } = dry_run;
    json!({
        "broadcast_id": row.broadcast_id,
        "version": row.version,
        "total": plan.total,
        "recipients": plan.recipients,
        "suppressed": plan.suppressed,
        "suppressed_recipients": format!("/v1/broadcasts/{}/recipients?outcome=suppressed", row.broadcast_id),
        "starts_at": forecast.starts,
        "ends_at": forecast.ends,
        "seconds": forecast.ends.map(|ends| ends.since(forecast.starts).as_millis().div_ceil(1_000)),
        "per_second": pacing.per_second(),
        "limited_by": forecast.limited_by,
        "hours": forecast.hours,
        "later": forecast.later,
        "spend": {
            "category": category,
            "currency": card.currency(),
            "rate_card": rate_card(card),
            "markets": spend.markets.iter().map(market).collect::<Vec<_>>(),
            "total": spend.total().to_string(),
            "unpriced": spend.unpriced(),
        },
    })
}

/// Which card it is.
pub(super) fn rate_card(card: &RateCard) -> Value {
    json!({ "date": card.date().to_string(), "source": card.source() })
}

fn market(spend: &MarketSpend) -> Value {
    json!({
        "market": spend.market,
        "countries": spend.countries,
        "messages": spend.messages,
        "price": spend.price.map(|price| price.to_string()),
        "cost": spend.cost().map(|cost| cost.to_string()),
    })
}
