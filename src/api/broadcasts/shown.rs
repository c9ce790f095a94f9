//! A broadcast as callers see it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::dry_run::rate_card;
use crate::actors::request::LaneState;
use crate::broadcast::BroadcastCost;
use crate::broadcast::timetable_now;
use crate::domain::{
    BroadcastCounts, BroadcastProblem, BroadcastTally, RecipientOutcome, Timestamp, Timetable, ToldProblem,
};
use crate::store::tables::{Broadcast, BroadcastPause, BroadcastPlan, BroadcastProgressRow, BroadcastState};

/// How one stands now.
pub(super) struct Standing {
    /// How far its plan, or its run, is.
    pub(super) progress: Option<BroadcastProgressRow>,
    /// What the ledger counted.
    pub(super) tally: Option<BroadcastTally>,
    /// What it costs.
    pub(super) cost: Option<BroadcastCost>,
    /// How its number's queue stands.
    pub(super) lane: Option<LaneState>,
    /// Now.
    pub(super) now: Timestamp,
}

/// One with how it stands.
pub(super) fn shown(row: &Broadcast, standing: &Standing) -> Value {
    let mut shown = plain(row);
    if let Some(members) = shown.as_object_mut() {
        add(members, row, standing);
    }
    shown
}

/// One of a list, with what the ledger counted of it.
pub(super) fn listed(row: &Broadcast, tally: Option<&BroadcastTally>) -> Value {
    let mut shown = plain(row);
    if let (Some(members), Some(tally), Some(plan)) = (shown.as_object_mut(), tally, &row.plan) {
        members.insert("counts".to_owned(), counted(plan, tally));
    }
    shown
}

fn plain(row: &Broadcast) -> Value {
    let template = &row.template;
    let mut written = json!({ "name": template.name, "language": { "code": template.language } });
    if let (Some(written), false) = (written.as_object_mut(), template.components.is_null()) {
        written.insert("components".to_owned(), template.components.clone());
    }
    json!({
        "broadcast_id": row.broadcast_id,
        "name": row.name,
        "template": (!template.is_missing()).then_some(written),
        "numbers": row.numbers,
        "audience": row.audience,
        "exclude": { "lists": row.exclude.lists, "segments": row.exclude.segments },
        "rate": row.rate,
        "at": row.at,
        "not_after": row.not_after,
        "hours": row.hours,
        "at_local": row.at_local,
        "not_after_local": row.not_after_local,
        "state": row.state,
        "version": row.version,
        "problem": row.problem.map(|problem| told(problem, row.paused.as_ref())),
        "paused_by": paused_by(row),
        "resumed_at": row.resumed_at,
        "upload": row.upload.as_ref().map(|upload| json!({
            "columns": upload.columns,
            "phone": upload.phone,
            "rows": upload.rows,
            "at": upload.at,
        })),
        "plan": row.plan.as_ref().map(|plan| json!({
            "total": plan.total,
            "recipients": plan.recipients,
            "suppressed": plan.suppressed,
            "countries": plan.countries,
            "purpose": plan.purpose,
            "at": plan.at,
        })),
        "created_by": row.created_by,
        "created_at": row.created_at,
        "changed_by": row.changed_by,
        "changed_at": row.changed_at,
        "launched_by": row.launched_by,
        "launched_at": row.launched_at,
        "ended_at": row.ended_at,
        "retried_by": row.retried_by,
    })
}

/// Recipients of a plan whose outcome is to come.
fn left(plan: &BroadcastPlan, counts: &BroadcastCounts) -> u64 {
    u64::from(plan.recipients)
        .saturating_sub(counts.submitted)
        .saturating_add(counts.of(RecipientOutcome::Queued))
}

fn counted(plan: &BroadcastPlan, tally: &BroadcastTally) -> Value {
    let counts = &tally.counts;
    json!({
        "submitted": counts.submitted,
        "messages": counts.messages(),
        "outcomes": RecipientOutcome::ALL
            .map(|one| (one.as_str(), counts.of(one)))
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect::<Map<String, Value>>(),
        "suppressed": counts.suppressed,
        "failed_by_code": counts.failed_by_code.iter()
            .filter(|(_, count)| **count > 0)
            .map(|(code, count)| (code.to_string(), (*count).into()))
            .collect::<Map<String, Value>>(),
        "failed_by_other_codes": counts.failed_by_other_codes,
        "reactions": counts.reactions,
        "left": left(plan, counts),
        "moved_at": tally.moved,
    })
}

/// A problem, with what more there is to say of it.
fn told(problem: BroadcastProblem, paused: Option<&BroadcastPause>) -> Value {
    let mut told = json!(ToldProblem::from(problem));
    if let (Some(members), Some(paused)) = (told.as_object_mut(), paused) {
        members.insert("at".to_owned(), json!(paused.at));
        if let Some(said) = &paused.said {
            members.insert("said".to_owned(), json!(said));
        }
        if let Some(counted) = paused.counted {
            members.insert("counted".to_owned(), json!(counted));
        }
    }
    told
}

/// Who paused one that is paused.
fn paused_by(row: &Broadcast) -> Option<&'static str> {
    (row.state == BroadcastState::Paused).then_some(match row.problem {
        Some(_) => "system",
        None => "person",
    })
}

/// Where recipients are, whether it is a sending hour there, and when that changes.
fn zones(plan: &BroadcastPlan, timetable: &mut Timetable, now: Timestamp) -> Value {
    let waiting: BTreeMap<usize, bool> = timetable.waiting(now).collect();
    let spans = plan
        .zones
        .iter()
        .enumerate()
        .filter(|(_, span)| span.recipients > 0);
    let told = spans.map(|(place, span)| {
        let zone = u16::try_from(place).unwrap_or(u16::MAX);
        let is_open = waiting.get(&place);
        json!({
            "zones": span.zones,
            "recipients": span.recipients,
            "state": match is_open {
                Some(true) => "open",
                Some(false) => "closed",
                None => "passed",
            },
            "opens_at": timetable.opens_next(zone, now).filter(|_| is_open == Some(&false)),
            "closes_at": timetable.closes(zone, now).filter(|_| is_open.is_some()),
        })
    });
    told.collect()
}

fn add(members: &mut Map<String, Value>, row: &Broadcast, standing: &Standing) {
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if row.state == BroadcastState::Planning {
        let progress = standing.progress.as_ref();
        let progress = progress.filter(|progress| progress.plan == row.plans);
        put(
            "progress",
            json!({
                "read": progress.as_ref().map_or(0, |progress| progress.read),
                "planned": progress.map_or(0, |progress| progress.planned),
                "suppressed": progress.map_or(0, |progress| progress.suppressed),
            }),
        );
    }
    let Some(plan) = &row.plan else {
        return;
    };
    let mut timetable = timetable_now(row, standing.progress.as_ref());
    let opens = timetable
        .as_mut()
        .and_then(|timetable| timetable.opens(standing.now));
    if let Some(timetable) = timetable.as_mut().filter(|_| !plan.zones.is_empty()) {
        put("zones", zones(plan, timetable, standing.now));
    }
    let Some(tally) = &standing.tally else {
        return;
    };
    put("counts", counted(plan, tally));
    if let Some(cost) = &standing.cost {
        put(
            "cost",
            json!({
                "currency": cost.card.currency(),
                "rate_card": rate_card(&cost.card),
                "estimate": cost.estimate.to_string(),
                "messages": cost.messages,
                "told": cost.told.to_string(),
                "unpriced": cost.unpriced,
            }),
        );
    }
    if row.state == BroadcastState::Running {
        let per_second = standing
            .progress
            .as_ref()
            .and_then(|progress| progress.per_second);
        let now = standing.now;
        let is_shut = timetable.is_some_and(|mut timetable| opens.is_some() && timetable.due(now).is_none());
        let limited_by = match &standing.lane {
            _ if is_shut => "quiet_hours",
            Some(lane) if lane.reason.is_some() => lane.reason.unwrap_or_default(),
            _ if row.rate.is_some() => "broadcast_rate",
            _ => "number_rate",
        };
        let seconds = per_second
            .filter(|rate| *rate > 0)
            .map(|rate| left(plan, &tally.counts).div_ceil(u64::from(rate)));
        put("rate_now", per_second.into());
        put("limited_by", limited_by.into());
        put("next_opens_at", json!(opens));
        put(
            "expected_end",
            json!(seconds.map(|seconds| standing.now.after(std::time::Duration::from_secs(seconds)))),
        );
    }
}
