//! Hours of the week in which a broadcast may be sent, by the clocks where its recipients are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::zone::{Zone, ZoneSet};
use crate::domain::clock::Timestamp;
use crate::domain::contact_details::AttributeKey;

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// Ranges of one day.
const MOST: usize = 6;
/// How far ahead it is looked for an hour that is open: a range that a day without the hour skips is there a week later.
const AHEAD: Duration = Duration::from_hours(24 * 22);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const fn begins(self) -> u32 {
        DAY * match self {
            Self::Mon => 0,
            Self::Tue => 1,
            Self::Wed => 2,
            Self::Thu => 3,
            Self::Fri => 4,
            Self::Sat => 5,
            Self::Sun => 6,
        }
    }
}

/// A time of the day, `09:00`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Minute(u32);

impl TryFrom<String> for Minute {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let two = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u32>().ok()).flatten()
        };
        let parts = text.split_once(':');
        let read = parts.and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
        let minute = read.filter(|(_, minute)| *minute < 60);
        let minute = minute.map(|(hour, minute)| hour * 60 + minute);
        let minute = minute.filter(|minute| *minute <= DAY);
        minute.map(Self).ok_or("a time of the day is written so: 09:00")
    }
}

impl From<Minute> for String {
    fn from(Minute(minute): Minute) -> Self {
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }
}

type Days = BTreeMap<Day, Vec<(Minute, Minute)>>;

/// The hours of a week: for each day from when till when. A range that ends before it begins goes over midnight. A day that is not named
/// has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Days", into = "Days")]
pub struct WeekHours {
    days: Days,
    /// Minutes of the week from when till when it is open, in order and apart.
    open: Box<[(u32, u32)]>,
}

impl TryFrom<Days> for WeekHours {
    type Error = &'static str;

    fn try_from(days: Days) -> Result<Self, Self::Error> {
        let mut open = Vec::new();
        for (day, ranges) in &days {
            if ranges.len() > MOST {
                return Err("a day has at most 6 ranges of sending hours");
            }
            for (from, to) in ranges {
                if from == to || from.0 == DAY {
                    return Err("sending hours end at another time than they begin, and begin before 24:00");
                }
                let begins = day.begins() + from.0;
                let lasts = if to > from {
                    to.0 - from.0
                } else {
                    DAY - from.0 + to.0
                };
                let ends = begins + lasts;
                open.push((begins, ends.min(WEEK)));
                if ends > WEEK {
                    open.push((0, ends - WEEK));
                }
            }
        }
        if open.is_empty() {
            return Err("there is not one sending hour in the week");
        }
        open.sort_unstable();
        open.dedup_by(|next, before| {
            let touches = next.0 <= before.1;
            if touches {
                before.1 = before.1.max(next.1);
            }
            touches
        });
        let open = open.into();
        Ok(Self { days, open })
    }
}

impl From<WeekHours> for Days {
    fn from(hours: WeekHours) -> Self {
        hours.days
    }
}

impl WeekHours {
    pub(super) fn is_always(&self) -> bool {
        *self.open == [(0, WEEK)]
    }

    /// Whether it is open, and how many seconds later that may change, if the clock goes on as it does.
    fn local(&self, local_secs: i64) -> (bool, Duration) {
        // 1970 began on a Thursday.
        let in_week = local_secs
            .saturating_add(3 * 86_400)
            .rem_euclid(i64::from(WEEK) * 60);
        let edges = self
            .open
            .iter()
            .flat_map(|(from, to)| [(*from, true), (*to, false)]);
        let mut is_open = false;
        for (edge, opens) in edges {
            let edge = i64::from(edge) * 60;
            if edge > in_week {
                return (is_open, secs(edge - in_week));
            }
            is_open = opens;
        }
        (is_open, secs(i64::from(WEEK) * 60 - in_week))
    }

    /// Whether it is open in all of these zones.
    pub fn open(&self, zones: &ZoneSet, at: Timestamp) -> bool {
        self.is_always() || zones.iter().all(|zone| self.local(zone.local_secs(at)).0)
    }

    /// When it closes in one of these zones, of hours that are open; `None` where that is far ahead.
    pub fn closes(&self, zones: &ZoneSet, at: Timestamp) -> Option<Timestamp> {
        self.first(zones, at, false)
    }

    /// When it is open next in all of these zones: now, or later; `None` where that is never so.
    pub fn next_open(&self, zones: &ZoneSet, from: Timestamp) -> Option<Timestamp> {
        self.first(zones, from, true)
    }

    fn first(&self, zones: &ZoneSet, from: Timestamp, wanted: bool) -> Option<Timestamp> {
        if self.is_always() {
            return wanted.then_some(from);
        }
        let end = from.after(AHEAD);
        let mut at = from;
        while at < end {
            if self.open(zones, at) == wanted {
                return Some(at);
            }
            at = self.next_change(zones, at);
        }
        None
    }

    /// Until when nothing changes.
    fn next_change(&self, zones: &ZoneSet, at: Timestamp) -> Timestamp {
        let second = Timestamp::from_secs(at.as_secs());
        let changes = zones.iter().map(|zone| {
            let (_, lasts) = self.local(zone.local_secs(at));
            let next = second.after(lasts);
            zone.next_shift(at).map_or(next, |shift| shift.min(next))
        });
        changes.min().unwrap_or(second.after(AHEAD))
    }
}

const fn secs(secs: i64) -> Duration {
    Duration::from_secs(secs.unsigned_abs())
}

/// By whose clocks hours count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WhoseZone {
    /// Those where each recipient is.
    Recipient,
    /// Those of one zone, for all of them.
    Of(Zone),
}

impl TryFrom<String> for WhoseZone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "recipient" {
            return Ok(Self::Recipient);
        }
        let rule = "`zone` is `recipient`, or a name of the time zone database, such as Asia/Jakarta";
        text.parse().map(Self::Of).map_err(|_unknown| rule)
    }
}

impl From<WhoseZone> for String {
    fn from(whose: WhoseZone) -> Self {
        match whose {
            WhoseZone::Recipient => "recipient".to_owned(),
            WhoseZone::Of(zone) => zone.into(),
        }
    }
}

/// When a broadcast may be sent, and by whose clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendingHours {
    /// By whose clocks.
    pub zone: WhoseZone,
    /// An attribute of contacts that names a zone, where it does; before the phone's country.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone_attribute: Option<AttributeKey>,
    /// The zone of those for whom neither the attribute nor the phone tells one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fallback_zone: Option<Zone>,
    /// The hours; at any hour where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub days: Option<WeekHours>,
}

impl SendingHours {
    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), &'static str> {
        match (&self.zone, &self.fallback_zone) {
            (WhoseZone::Recipient, None) => Err(
                "`hours`: `zone` `recipient` goes with a `fallback_zone`, for phones whose country is unknown",
            ),
            (WhoseZone::Of(_), fallback) if fallback.is_some() || self.zone_attribute.is_some() => {
                Err("`hours`: `zone_attribute` and `fallback_zone` go with `zone` `recipient`")
            }
            _ => Ok(()),
        }
    }
}

/// Until when a recipient may be sent to before it is looked when that may be again. Names are short: each message that waits has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientHours {
    /// Which of the plan's zones.
    #[serde(rename = "z")]
    pub zone: u16,
    /// Until when.
    #[serde(rename = "c")]
    pub closes: Timestamp,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hours(days: serde_json::Value) -> WeekHours {
        serde_json::from_value(days).unwrap()
    }

    fn zones(name: &str) -> ZoneSet {
        let country = ZoneSet::of_country(name);
        country.unwrap_or_else(|| name.parse::<Zone>().unwrap().into())
    }

    fn utc(text: &str) -> Timestamp {
        Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn hours_are_those_of_the_clock_on_the_wall() {
        let week =
            hours(json!({ "mon": [["09:00", "12:00"], ["13:00", "20:00"]], "tue": [["09:00", "20:00"]] }));
        // A Monday.
        let cases = [
            ("Asia/Jakarta", "2026-11-30T01:59:59Z", false),
            ("Asia/Jakarta", "2026-11-30T02:00:00Z", true),
            ("Asia/Jakarta", "2026-11-30T05:00:00Z", false),
            ("Asia/Jakarta", "2026-11-30T12:59:59Z", true),
            ("Asia/Jakarta", "2026-11-30T13:00:00Z", false),
            ("Asia/Kathmandu", "2026-11-30T03:15:00Z", true),
            ("Asia/Kathmandu", "2026-11-30T03:14:59Z", false),
            ("Asia/Jakarta", "2026-12-02T02:00:00Z", false),
        ];
        for (zone, at, is_open) in cases {
            assert_eq!(week.open(&zones(zone), utc(at)), is_open, "{zone} {at}");
        }
        let jakarta = zones("Asia/Jakarta");
        let evening = utc("2026-12-01T13:00:00Z");
        assert_eq!(
            week.next_open(&jakarta, evening),
            Some(utc("2026-12-07T02:00:00Z"))
        );
        assert_eq!(week.closes(&jakarta, utc("2026-12-01T02:30:00Z")), Some(evening));
        let now = utc("2026-12-01T02:30:00Z");
        assert_eq!(week.next_open(&jakarta, now), Some(now));
    }

    #[test]
    fn who_may_be_in_several_zones_is_sent_to_when_all_are_open() {
        let each: serde_json::Value = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .into_iter()
            .map(|day| (day.to_owned(), json!([["09:00", "20:00"]])))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let week = hours(each);
        let all = zones("ID");
        let now = utc("2026-11-30T00:30:00Z");
        assert!(week.open(&zones("Asia/Jayapura"), now) && !week.open(&all, now));
        assert_eq!(
            week.next_open(&all, now),
            Some(utc("2026-11-30T02:00:00Z")),
            "nine in the west"
        );
        let closes = week.closes(&all, utc("2026-11-30T02:00:00Z"));
        assert_eq!(closes, Some(utc("2026-11-30T11:00:00Z")), "eight in the east");
        let short = hours(json!({ "mon": [["09:00", "09:30"]] }));
        assert_eq!(short.next_open(&zones("RU"), now), None);
    }

    #[test]
    fn a_range_goes_over_midnight_and_from_sunday_to_monday() {
        let week = hours(json!({ "sun": [["22:00", "02:00"]], "sat": [["00:00", "24:00"]] }));
        let utc_zone = zones("Etc/UTC");
        let sunday = utc("2026-11-29T21:59:00Z");
        assert!(!week.open(&utc_zone, sunday));
        assert_eq!(
            week.next_open(&utc_zone, sunday),
            Some(utc("2026-11-29T22:00:00Z"))
        );
        assert_eq!(
            week.closes(&utc_zone, utc("2026-11-29T22:00:00Z")),
            Some(utc("2026-11-30T02:00:00Z"))
        );
        assert_eq!(
            week.closes(&utc_zone, utc("2026-11-28T22:00:00Z")),
            Some(utc("2026-11-29T00:00:00Z"))
        );
    }

    #[test]
    fn hours_that_a_day_skips_are_there_a_week_later() {
        let week = hours(json!({ "sun": [["02:10", "02:50"]] }));
        let berlin = zones("Europe/Berlin");
        let before = utc("2027-03-27T12:00:00Z");
        assert_eq!(week.next_open(&berlin, before), Some(utc("2027-04-04T00:10:00Z")));
        // Clocks show them twice: they are open twice.
        let twice = utc("2026-10-25T00:10:00Z");
        assert_eq!(week.closes(&berlin, twice), Some(utc("2026-10-25T00:50:00Z")));
        assert_eq!(
            week.next_open(&berlin, utc("2026-10-25T00:50:00Z")),
            Some(utc("2026-10-25T01:10:00Z"))
        );
    }

    #[test]
    fn hours_are_read_and_written_the_same_and_nonsense_is_refused() {
        let days = json!({ "mon": [["09:00", "20:00"]], "fri": [["22:00", "02:30"], ["08:00", "24:00"]] });
        assert_eq!(serde_json::to_value(hours(days.clone())).unwrap(), days);
        for bad in [
            json!({}),
            json!({ "mon": [] }),
            json!({ "mon": [["09:00", "09:00"]] }),
            json!({ "mon": [["24:00", "09:00"]] }),
            json!({ "mon": [["9:00", "10:00"]] }),
            json!({ "mon": [["09:00", "24:01"]] }),
            json!({ "mon": [["09:60", "10:00"]] }),
            json!({ "mon": [["+9:00", "10:00"]] }),
            json!({ "monday": [["09:00", "10:00"]] }),
            json!({ "mon": vec![["09:00", "10:00"]; 7] }),
        ] {
            assert!(serde_json::from_value::<WeekHours>(bad.clone()).is_err(), "{bad}");
        }
        let whole = |zone: &str, more: serde_json::Value| {
            let mut hours = json!({ "zone": zone });
            hours
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            serde_json::from_value::<SendingHours>(hours).unwrap().check()
        };
        assert!(whole("recipient", json!({})).is_err());
        assert!(whole("recipient", json!({ "fallback_zone": "Asia/Jakarta" })).is_ok());
        assert!(whole("Asia/Jakarta", json!({})).is_ok());
        assert!(whole("Asia/Jakarta", json!({ "zone_attribute": "zone" })).is_err());
    }
}
