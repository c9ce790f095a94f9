//! When a broadcast's messages would go: the timetable and the pace that its runner goes by, on a clock that is only counted.
//!
//! Recipients of a zone are taken to stand evenly between its first and its last: a plan counts them, and nobody reads all its rows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::pacing::{PaceLimit, Pacing};
use super::timetable::{Due, Timetable, ZoneSpan};
use crate::domain::clock::Timestamp;

const HOUR_MS: i64 = 3_600_000;
/// Steps from one change of what is open to the next, of a plan with one zone. Of more zones each step takes longer.
const MOST_STEPS: usize = 5_000;
const LEAST_STEPS: usize = 100;

/// Messages that go within an hour of the clock, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ForecastHour {
    /// When it begins.
    pub at: Timestamp,
    /// How many.
    pub messages: u64,
}

/// When messages would go, if nothing else held them up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// When the first goes.
    pub starts: Timestamp,
    /// When the last one has gone; `None` where that is never, or too far ahead to be told.
    pub ends: Option<Timestamp>,
    /// What limits how fast that is.
    pub limited_by: PaceLimit,
    /// Hour by hour, those in which something goes.
    pub hours: Vec<ForecastHour>,
    /// Those that go later.
    pub later: u64,
}

/// Recipients of a plan who are in one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneShare {
    recipients: u64,
    first: u32,
    last: u32,
}

impl ZoneShare {
    /// All of a plan, wherever they are.
    pub fn all(recipients: u32, total: u32) -> Self {
        Self {
            recipients: recipients.into(),
            first: 1,
            last: total,
        }
    }

    /// How many of them stand before a number.
    fn before(self, no: u32) -> u64 {
        let length = u64::from(self.last.saturating_sub(self.first)) + 1;
        let passed = u64::from(no.saturating_sub(self.first)).min(length);
        self.recipients.saturating_mul(passed) / length
    }
}

impl From<&ZoneSpan> for ZoneShare {
    fn from(span: &ZoneSpan) -> Self {
        Self {
            recipients: span.recipients.into(),
            first: span.first,
            last: span.last,
        }
    }
}

/// What is reckoned so far.
struct Reckoning<'a> {
    shares: &'a [ZoneShare],
    pacing: Pacing,
    starts: Option<Timestamp>,
    hours: BTreeMap<i64, u64>,
    gone: u64,
    told: u64,
}

impl Forecast {
    /// Hours that are told apart: as many as a week has.
    pub const MOST_HOURS: usize = 24 * 7;

    /// From a time on, for recipients of zones in the order of the timetable's. Takes as long for ten million as for ten.
    pub fn of(shares: &[ZoneShare], mut timetable: Timetable, from: Timestamp, pacing: Pacing) -> Self {
        let total: u64 = shares.iter().map(|share| share.recipients).sum();
        let mut reckoning = Reckoning {
            shares,
            pacing,
            starts: None,
            hours: BTreeMap::new(),
            gone: 0,
            told: 0,
        };
        let (mut at, mut rests) = (from, false);
        let steps = (MOST_STEPS / shares.len().max(1)).max(LEAST_STEPS);
        for _ in 0..steps {
            if timetable.is_over() {
                break;
            }
            if let Some(due) = timetable.due(at) {
                at = reckoning.go(&mut timetable, &due, at);
            } else {
                let Some(opens) = timetable.opens(at) else { break };
                rests |= reckoning.starts.is_some();
                at = opens;
            }
        }
        Self {
            starts: reckoning.starts.unwrap_or(at),
            ends: timetable.is_over().then_some(at),
            limited_by: if rests {
                PaceLimit::QuietHours
            } else {
                pacing.limited_by()
            },
            hours: reckoning
                .hours
                .iter()
                .map(|(hour, messages)| ForecastHour {
                    at: Timestamp::from_millis(hour.saturating_mul(HOUR_MS)),
                    messages: *messages,
                })
                .collect(),
            later: total.saturating_sub(reckoning.told),
        }
    }
}

impl Reckoning<'_> {
    /// Messages to those who are due, before a number.
    fn messages(&self, due: &Due, to: u32) -> u64 {
        let zones = (0..=u16::MAX).zip(self.shares);
        let due_zones = zones.filter(|(zone, _)| due.has(*zone));
        due_zones
            .map(|(_, share)| share.before(to) - share.before(due.from))
            .sum()
    }

    /// Sends to those who are due, until they are passed or what is open changes; tells when that is.
    fn go(&mut self, timetable: &mut Timetable, due: &Due, at: Timestamp) -> Timestamp {
        let zones = (0..=u16::MAX).zip(self.shares);
        let due_zones: Vec<u16> = zones
            .map(|(zone, _)| zone)
            .filter(|zone| due.has(*zone))
            .collect();
        let closes = due_zones
            .iter()
            .filter_map(|zone| timetable.closes(*zone, at))
            .min();
        let opens = timetable.opens(at);
        let change = closes.into_iter().chain(opens).min();
        let all = self.messages(due, due.until);
        let end = at.after(self.pacing.lasts(all));
        if change.is_none_or(|change| end <= change) {
            self.note(at, end, all);
            timetable.pass(due, due.until);
            return end;
        }
        let change = change.unwrap_or(end);
        let some = self.pacing.goes(change.since(at)).min(all);
        let range = u64::from(due.until.saturating_sub(due.from));
        let passed = range.saturating_mul(some).checked_div(all).unwrap_or(range);
        let to = due
            .from
            .saturating_add(u32::try_from(passed).unwrap_or(u32::MAX))
            .min(due.until);
        self.note(at, change, self.messages(due, to));
        timetable.pass(due, to);
        change
    }

    /// Messages go evenly from a time to another.
    fn note(&mut self, from: Timestamp, to: Timestamp, messages: u64) {
        if messages == 0 {
            return;
        }
        self.starts.get_or_insert(from);
        self.gone += messages;
        let (mut at, mut gone) = (from, 0);
        while gone < messages {
            let hour = at.as_millis().div_euclid(HOUR_MS);
            if !self.hours.contains_key(&hour) && self.hours.len() >= Forecast::MOST_HOURS {
                return;
            }
            at = Timestamp::from_millis(hour.saturating_add(1).saturating_mul(HOUR_MS));
            let by_then = if at >= to {
                messages
            } else {
                self.pacing.goes(at.since(from)).min(messages)
            };
            let more = by_then - gone;
            if more > 0 {
                *self.hours.entry(hour).or_default() += more;
            }
            self.told += more;
            gone = by_then;
        }
    }
}

impl Pacing {
    /// How long so many messages take.
    fn lasts(self, messages: u64) -> Duration {
        Duration::from_millis(
            messages
                .saturating_mul(1_000)
                .div_ceil(u64::from(self.per_second())),
        )
    }

    /// How many messages go within such a time.
    fn goes(self, within: Duration) -> u64 {
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        millis.saturating_mul(u64::from(self.per_second())) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::SendRate;
    use crate::domain::broadcast::{WeekHours, ZoneSet};

    fn pacing(number: u32) -> Pacing {
        Pacing {
            number: SendRate::new(number).unwrap(),
            own: None,
        }
    }

    fn always(messages: u32, from: Timestamp, rate: u32) -> Forecast {
        let shares = [ZoneShare::all(messages, messages)];
        Forecast::of(&shares, Timetable::always(messages), from, pacing(rate))
    }

    #[test]
    fn each_message_goes_in_one_hour_and_the_last_at_the_end() {
        // Twenty minutes before an hour.
        let from = Timestamp::from_secs(1_800_000_000 + 40 * 60);
        let hour = |n: i64, messages| ForecastHour {
            at: Timestamp::from_secs(1_800_000_000 + n * 3_600),
            messages,
        };
        let forecast = always(500_000, from, 80);
        assert_eq!((forecast.starts, forecast.later), (from, 0));
        assert_eq!(forecast.ends, Some(from.after(Duration::from_secs(6_250))));
        assert_eq!(forecast.limited_by, PaceLimit::NumberRate);
        assert_eq!(
            forecast.hours,
            [hour(0, 96_000), hour(1, 288_000), hour(2, 116_000)]
        );
        let none = always(0, from, 80);
        assert_eq!((none.ends, none.hours.len()), (Some(from), 0));
        let one = always(1, from, 3);
        let ends = Some(from.after(Duration::from_millis(334)));
        assert_eq!((one.ends, one.hours), (ends, vec![hour(0, 1)]));
    }

    #[test]
    fn what_takes_longer_than_a_week_is_summed_up() {
        let from = Timestamp::from_secs(1_800_000_000);
        let forecast = always(10_000_000, from, 1);
        assert_eq!(forecast.hours.len(), Forecast::MOST_HOURS);
        let told: u64 = forecast.hours.iter().map(|hour| hour.messages).sum();
        assert_eq!((told, forecast.later), (7 * 86_400, 10_000_000 - 7 * 86_400));
        assert_eq!(forecast.ends, Some(from.after(Duration::from_secs(10_000_000))));
    }

    fn span(zone: &str, recipients: u32, first: u32, last: u32) -> ZoneSpan {
        ZoneSpan {
            zones: ZoneSet::from(zone.parse::<crate::domain::broadcast::Zone>().unwrap()),
            recipients,
            first,
            last,
        }
    }

    fn in_hours(days: serde_json::Value, spans: &[ZoneSpan], from: Timestamp, rate: u32) -> Forecast {
        let week: WeekHours = serde_json::from_value(days).unwrap();
        let shares: Vec<ZoneShare> = spans.iter().map(ZoneShare::from).collect();
        Forecast::of(
            &shares,
            Timetable::new(Some(week), None, spans),
            from,
            pacing(rate),
        )
    }

    #[test]
    fn it_rests_outside_of_sending_hours_and_each_zone_has_its_own() {
        let daily =
            json!({ "mon": [["09:00", "10:00"]], "tue": [["09:00", "10:00"]], "wed": [["09:00", "10:00"]] });
        // A Monday, midnight.
        let from = Timestamp::from_secs(1_795_996_800);
        let hour = |n: i64, messages| ForecastHour {
            at: Timestamp::from_secs(1_795_996_800 + n * 3_600),
            messages,
        };
        // An hour is 3,600 of them: two days and a half.
        let one = in_hours(daily.clone(), &[span("Etc/UTC", 9_000, 1, 10_000)], from, 1);
        assert_eq!(one.starts, from.after(Duration::from_hours(9)));
        assert_eq!(
            one.ends,
            Some(from.after(Duration::from_secs(57 * 3_600 + 1_800)))
        );
        assert_eq!(one.limited_by, PaceLimit::QuietHours);
        assert_eq!(one.hours, [hour(9, 3_600), hour(33, 3_600), hour(57, 1_800)]);
        // Jakarta is open seven hours before.
        let spans = [
            span("Etc/UTC", 1_000, 1, 2_000),
            span("Asia/Jakarta", 1_000, 2, 2_000),
        ];
        let two = in_hours(daily, &spans, from, 1);
        assert_eq!(two.hours, [hour(2, 1_000), hour(9, 1_000)]);
        assert_eq!((two.later, two.starts), (0, from.after(Duration::from_hours(2))));
    }

    #[test]
    fn all_messages_are_told_whatever_the_hours_are() {
        let week = json!({ "mon": [["09:00", "12:30"], ["13:10", "20:00"]], "sat": [["22:00", "02:00"]] });
        let spans = [
            span("Asia/Kathmandu", 70_001, 1, 300_000),
            span("America/New_York", 99_999, 17, 299_998),
            span("Europe/Berlin", 3, 5_000, 250_000),
        ];
        let forecast = in_hours(week, &spans, Timestamp::from_secs(1_800_000_000), 3);
        let told: u64 = forecast.hours.iter().map(|hour| hour.messages).sum();
        assert_eq!((told, forecast.later), (170_003, 0));
        assert!(forecast.ends.is_some_and(|ends| ends > forecast.starts));
    }
}
