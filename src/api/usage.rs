//! What a tenant used, by hour or day.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::tenant_of;
use super::auth::{AdminCall, SessionCall};
use super::error::ApiError;
use super::params::Params;
use super::state::ApiState;
use crate::domain::date::Date;
use crate::domain::roles::Right;
use crate::domain::usage::{PricingCategory, UsageCounts};
use crate::domain::{TenantId, Timestamp};
use crate::store::usage::hours;

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Hour,
    Day,
}

impl By {
    /// Days that one answer is about.
    const fn most_days(self) -> i64 {
        match self {
            Self::Hour => 31,
            Self::Day => 92,
        }
    }

    fn begins(self, hour: Timestamp) -> Timestamp {
        match self {
            Self::Hour => hour,
            Self::Day => Date::of(hour).begins(),
        }
    }
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
}

/// What is asked.
struct Asked {
    from: Timestamp,
    /// The first moment after.
    to: Timestamp,
    by: By,
    format: Format,
}

impl Asked {
    fn read(mut params: Params, today: Date) -> Result<Self, ApiError> {
        let to = params.take::<Date>("to", Date::RULE)?.unwrap_or(today).begins();
        let week = Timestamp::from_millis(to.as_millis().saturating_sub(6 * DAY_MS));
        let from = params
            .take::<Date>("from", Date::RULE)?
            .map_or(week, Date::begins);
        let by = params.word("by", "`hour` or `day`")?.unwrap_or(By::Day);
        let format = params.word("format", "`json` or `csv`")?.unwrap_or(Format::Json);
        params.finish()?;
        let days = (to.as_millis() - from.as_millis()) / DAY_MS + 1;
        let most = by.most_days();
        if !(1..=most).contains(&days) {
            let why = format!("`from` and `to` must be the first and the last of 1 to {most} days");
            return Err(ApiError::invalid(why));
        }
        Ok(Self {
            from,
            to: Timestamp::from_millis(to.as_millis() + DAY_MS),
            by,
            format,
        })
    }
}

impl Asked {
    /// Days that are asked for.
    const fn days(&self) -> i64 {
        (self.to.as_millis() - self.from.as_millis()) / DAY_MS
    }
}

/// A row's figures.
struct Row {
    from: Timestamp,
    counts: UsageCounts,
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "from": self.from,
            "messages": { "inbound": self.counts.inbound, "outbound": self.counts.outbound },
            "categories": self.counts.categories,
            "active_contacts": self.counts.contacts.count(),
            "agents": self.counts.agents.count(),
            "storage_bytes": self.counts.bytes,
        })
    }
}

/// Rows in order, hour by hour put together.
struct Rows {
    by: By,
    rows: Vec<Row>,
}

impl Rows {
    fn add(&mut self, hour: Timestamp, counts: &UsageCounts) {
        let from = self.by.begins(hour);
        if self.rows.last().is_none_or(|last| last.from != from) {
            self.rows.push(Row {
                from,
                counts: UsageCounts::default(),
            });
        }
        if let Some(last) = self.rows.last_mut() {
            last.counts.merge(counts);
        }
    }

    /// As a table for spreadsheets. Each cell is a number or a time and no name of a column begins with what a spreadsheet
    /// computes: categories are Meta's words.
    fn csv(&self) -> String {
        let names = self.rows.iter().flat_map(|row| row.counts.categories.keys());
        let names: BTreeSet<&PricingCategory> = names.collect();
        let mut text = "from,inbound,outbound".to_owned();
        for name in &names {
            let _ = write!(text, ",category_{name}");
        }
        text.push_str(",active_contacts,agents,storage_bytes\r\n");
        for Row { from, counts } in &self.rows {
            let hour = from.as_secs().rem_euclid(86_400) / 3_600;
            let _ = write!(
                text,
                "{}T{hour:02}:00:00Z,{},{}",
                Date::of(*from),
                counts.inbound,
                counts.outbound
            );
            for name in &names {
                let _ = write!(text, ",{}", counts.categories.get(*name).copied().unwrap_or(0));
            }
            let (contacts, agents) = (counts.contacts.count(), counts.agents.count());
            let _ = write!(text, ",{contacts},{agents},{}\r\n", counts.bytes);
        }
        text
    }
}

async fn answer(state: &ApiState, tenant: TenantId, params: Params) -> Result<HttpResponse, ApiError> {
    let now = state.clock.now();
    let asked = Asked::read(params, Date::of(now))?;
    // Thousands of rows are read one after the other: a tenant has one such call at a time, and all have few.
    let is_long = asked.days() > By::Hour.most_days();
    let _turn = is_long.then(|| state.slow_calls.take(tenant)).transpose()?;
    let mut rows = Rows {
        by: asked.by,
        rows: Vec::new(),
    };
    let store = state.store.as_ref();
    hours(store, tenant, asked.from, asked.to, now, |hour| {
        rows.add(hour.from, &hour.counts);
    })
    .await?;
    Ok(match asked.format {
        Format::Json => {
            let rows: Vec<Value> = rows.rows.iter().map(Row::json).collect();
            HttpResponse::Ok().json(json!({ "rows": rows }))
        }
        Format::Csv => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""))
            .body(rows.csv()),
    })
}

/// `GET /v1/usage`
pub(super) async fn show(call: SessionCall) -> Result<HttpResponse, ApiError> {
    let tenant = call.demand(Right::ManageBusiness)?;
    answer(call.state(), tenant, call.params()?).await
}

/// `GET /v1/admin/tenants/{tenant_id}/usage`
pub(super) async fn show_of(call: AdminCall) -> Result<HttpResponse, ApiError> {
    let tenant = tenant_of(&call).await?.id;
    answer(call.state(), tenant, call.params()?).await
}
