//! What goes wrong on purpose: shares of calls and webhooks, drawn from the seed, and storms.
//!
//! All shares lie between 0 and 1. The shares of one group exclude each other, so they add up.

use serde::{Deserialize, Serialize};

use super::dice::{Dice, Millis};

/// The faults in force. The default has none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// How long Graph takes to answer a send.
    pub latency: Millis,
    /// Share of sends answered with a 5xx and *not* accepted.
    pub error_before: f64,
    /// Share of sends accepted, then answered with a 5xx.
    pub error_after: f64,
    /// Share of sends whose connection is reset, not accepted.
    pub reset_before: f64,
    /// Share of sends accepted, whose connection is then reset.
    pub reset_after: f64,
    /// Share of sends accepted and never answered: the connection hangs, then is reset.
    pub hang_after: f64,
    /// How long such a connection hangs, in milliseconds.
    pub hang_ms: u64,
    /// Share of sends accepted and answered 200 with a body that is cut off.
    pub garbled_after: f64,
    /// Share of sends refused with error 130429, not accepted.
    pub throttled: f64,
    /// Share of sends refused with HTTP 429, not accepted.
    pub too_many: f64,
    /// Share of sends refused with error 131056, not accepted.
    pub pair_limited: f64,
    /// Share of sends refused with a call limit (4, 17, 32, 613, 80007 or 80008), not accepted.
    pub call_limited: f64,
    /// Share of sends refused as if the number were not there: 100 with subcode 33, of type `GraphMethodException`.
    pub unknown_object: f64,
    /// Share of sends that never reach Graph: a proxy answers with a page of its own, a redirect, JSON of its own, or nothing but a status.
    pub not_graph: f64,
    /// Share of sends accepted, then reported as failed because there is no way to pay (131042).
    pub unpaid_later: f64,
    /// Share of sends accepted, then reported as failed (131049 for marketing, 131026 otherwise).
    pub failed_later: f64,
    /// Share of sends accepted, then reported as failed for no reason that is told (131000).
    pub errored_later: f64,
    /// Share of sends accepted, then reported as failed because the customer cannot be reached (131026).
    pub unreachable_later: f64,
    /// Share of marketing sends after which the customer stops marketing, and says so.
    pub stops_later: f64,
    /// Share of template sends answered `held_for_quality_assessment`.
    pub held: f64,
    /// Storms that come and go by themselves.
    pub storms: Option<Storms>,
    /// Share of sends whose first status is posted, and answered, before the send itself is.
    pub status_early: f64,
    /// Share of statuses that come late.
    pub status_late: f64,
    /// By how much.
    pub status_late_by: Millis,
    /// Share of sends that never get a status.
    pub status_never: f64,
    /// Share of updates posted twice.
    pub duplicated: f64,
    /// Share of updates held back so that later ones overtake them.
    pub reordered: f64,
    /// By how much.
    pub reordered_by: Millis,
    /// Share of webhooks whose updates are split over several entries and changes.
    pub scattered: f64,
    /// Share of inbound messages followed by a forged one, whose signature is wrong.
    pub forged: f64,
    /// Share of inbound messages followed by one for a number that is not ours, signed well.
    pub foreign: f64,
    /// Share of files whose address answers 404.
    pub media_missing: f64,
    /// Share of files that drip.
    pub media_slow: f64,
    /// Share of files that end before their `Content-Length`.
    pub media_truncated: f64,
    /// Share of files that are pages, whatever they are said to be.
    pub media_wrong_type: f64,
    /// Share of files whose address is over before it is asked for.
    pub media_expired: f64,
    /// Share of calls for samples of templates that break off half-way.
    pub sample_broken: f64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency: Millis::none(),
            error_before: 0.0,
            error_after: 0.0,
            reset_before: 0.0,
            reset_after: 0.0,
            hang_after: 0.0,
            hang_ms: 60_000,
            garbled_after: 0.0,
            throttled: 0.0,
            too_many: 0.0,
            pair_limited: 0.0,
            call_limited: 0.0,
            unknown_object: 0.0,
            not_graph: 0.0,
            unpaid_later: 0.0,
            failed_later: 0.0,
            errored_later: 0.0,
            unreachable_later: 0.0,
            stops_later: 0.0,
            held: 0.0,
            storms: None,
            status_early: 0.0,
            status_late: 0.0,
            status_late_by: Millis::between(0, 120_000),
            status_never: 0.0,
            duplicated: 0.0,
            reordered: 0.0,
            reordered_by: Millis::between(0, 60_000),
            scattered: 0.0,
            forged: 0.0,
            foreign: 0.0,
            media_missing: 0.0,
            media_slow: 0.0,
            media_truncated: 0.0,
            media_wrong_type: 0.0,
            media_expired: 0.0,
            sample_broken: 0.0,
        }
    }
}

impl Faults {
    /// A Graph that fails one call in ten, in every way that leaves the caller in doubt.
    pub fn failing_graph() -> Self {
        Self {
            error_before: 0.05,
            error_after: 0.02,
            reset_after: 0.02,
            hang_after: 0.01,
            pair_limited: 0.03,
            storms: Some(Storms {
                every_ms: 300_000,
                for_ms: 30_000,
                kind: StormKind::Throttled,
            }),
            status_late: 0.5,
            status_late_by: Millis::between(0, 120_000),
            status_never: 0.02,
            ..Self::default()
        }
    }

    /// Webhooks as bad as Meta allows itself, and worse.
    pub fn dirty_webhooks() -> Self {
        Self {
            status_early: 0.02,
            duplicated: 0.01,
            reordered: 0.05,
            scattered: 0.001,
            forged: 0.005,
            foreign: 0.005,
            ..Self::default()
        }
    }

    /// The first share that lies outside 0 to 1, by name.
    pub fn impossible_share(&self) -> Option<&'static str> {
        [
            ("error_before", self.error_before),
            ("error_after", self.error_after),
            ("reset_before", self.reset_before),
            ("reset_after", self.reset_after),
            ("hang_after", self.hang_after),
            ("garbled_after", self.garbled_after),
            ("throttled", self.throttled),
            ("too_many", self.too_many),
            ("pair_limited", self.pair_limited),
            ("call_limited", self.call_limited),
            ("unknown_object", self.unknown_object),
            ("not_graph", self.not_graph),
            ("unpaid_later", self.unpaid_later),
            ("failed_later", self.failed_later),
            ("errored_later", self.errored_later),
            ("unreachable_later", self.unreachable_later),
            ("stops_later", self.stops_later),
            ("held", self.held),
            ("status_early", self.status_early),
            ("status_late", self.status_late),
            ("status_never", self.status_never),
            ("duplicated", self.duplicated),
            ("reordered", self.reordered),
            ("scattered", self.scattered),
            ("forged", self.forged),
            ("foreign", self.foreign),
            ("media_missing", self.media_missing),
            ("media_slow", self.media_slow),
            ("media_truncated", self.media_truncated),
            ("media_wrong_type", self.media_wrong_type),
            ("media_expired", self.media_expired),
            ("sample_broken", self.sample_broken),
        ]
        .into_iter()
        .find(|(_, share)| !(0.0..=1.0).contains(share))
        .map(|(name, _)| name)
    }

    /// What befalls one send.
    pub(crate) fn fate(&self, dice: &mut Dice) -> Fate {
        let mut left = dice.fraction();
        for (share, fate) in [
            (self.error_before, Fate::ErrorBefore),
            (self.reset_before, Fate::ResetBefore),
            (self.throttled, Fate::Throttled),
            (self.too_many, Fate::TooMany),
            (self.pair_limited, Fate::PairLimited),
            (self.call_limited, Fate::CallLimited),
            (self.unknown_object, Fate::UnknownObject),
            (self.not_graph, Fate::NotGraph),
            (self.error_after, Fate::ErrorAfter),
            (self.reset_after, Fate::ResetAfter),
            (self.hang_after, Fate::HangAfter),
            (self.garbled_after, Fate::GarbledAfter),
        ] {
            if left < share {
                return fate;
            }
            left -= share;
        }
        Fate::None
    }
}

/// Storms that repeat: one at the start of each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storms {
    /// One storm in this time.
    pub every_ms: u64,
    /// How long it lasts.
    pub for_ms: u64,
    /// What it does.
    pub kind: StormKind,
}

/// What a storm does to every send while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StormKind {
    /// Error 130429.
    Throttled,
    /// HTTP 429.
    TooMany,
    /// A 5xx; nothing is accepted.
    Unavailable,
    /// Error 131057, maintenance.
    Maintenance,
    /// The connection is reset; nothing is accepted.
    Reset,
}

/// What befalls one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    None,
    ErrorBefore,
    ResetBefore,
    Throttled,
    TooMany,
    PairLimited,
    CallLimited,
    UnknownObject,
    NotGraph,
    Maintenance,
    ErrorAfter,
    ResetAfter,
    HangAfter,
    GarbledAfter,
}

/// A storm that was called up by hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) kind: StormKind,
    pub(crate) until_us: u64,
}

/// The storm that rages at a moment: one called up by hand first, else one of those that repeat.
pub(crate) fn storm_at(called: Option<Storm>, storms: Option<Storms>, now_us: u64) -> Option<StormKind> {
    if let Some(storm) = called
        && now_us < storm.until_us
    {
        return Some(storm.kind);
    }
    let storms = storms.filter(|storms| storms.every_ms > 0)?;
    ((now_us / 1_000) % storms.every_ms < storms.for_ms).then_some(storms.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_come_in_their_shares() {
        let faults = Faults {
            error_before: 0.2,
            reset_after: 0.1,
            ..Faults::default()
        };
        let mut dice = Dice::new(3, 1);
        let fates: Vec<Fate> = (0..10_000).map(|_| faults.fate(&mut dice)).collect();
        let count = |wanted| fates.iter().filter(|fate| **fate == wanted).count();
        assert!((1_800..2_200).contains(&count(Fate::ErrorBefore)));
        assert!((850..1_150).contains(&count(Fate::ResetAfter)));
        assert_eq!(count(Fate::ErrorAfter), 0);
    }

    #[test]
    fn a_share_above_one_is_named() {
        let faults = Faults {
            held: 1.5,
            ..Faults::default()
        };
        assert_eq!(faults.impossible_share(), Some("held"));
        assert_eq!(Faults::failing_graph().impossible_share(), None);
    }

    #[test]
    fn storms_come_at_the_start_of_each_period_and_by_hand() {
        let storms = Some(Storms {
            every_ms: 100,
            for_ms: 10,
            kind: StormKind::TooMany,
        });
        assert_eq!(storm_at(None, storms, 5_000), Some(StormKind::TooMany));
        assert_eq!(storm_at(None, storms, 15_000), None);
        assert_eq!(storm_at(None, storms, 105_000), Some(StormKind::TooMany));
        let called = Some(Storm {
            kind: StormKind::Maintenance,
            until_us: 50_000,
        });
        assert_eq!(storm_at(called, None, 49_999), Some(StormKind::Maintenance));
        assert_eq!(storm_at(called, None, 50_000), None);
    }
}
