//! Time zones, and what a clock on a wall there shows. The rules of all zones are part of the program: what a machine has installed
//! decides nothing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::domain::clock::Timestamp;

/// The zones of each country, of which those that show the same time from now on are named once. Made from `zone.tab` of the time zone
/// database, release 2026f; zones in which hardly anybody lives are left out.
const COUNTRIES: &str = include_str!("country_zones.txt");

/// A time zone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: Box<str>,
    rules: TimeZone,
}

impl Zone {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "a name of the time zone database, such as Asia/Jakarta";

    /// Its name in the time zone database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds by which its clocks are ahead of UTC.
    fn offset(&self, at: Timestamp) -> i64 {
        i64::from(self.rules.to_offset(instant(at)).seconds())
    }

    /// Seconds that its clocks show, counted as if they showed UTC.
    pub(super) fn local_secs(&self, at: Timestamp) -> i64 {
        at.as_secs().saturating_add(self.offset(at))
    }

    /// When its clocks are next put forward or back, or its rules change.
    pub(super) fn next_shift(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.rules.following(instant(at)).next();
        next.map(|next| Timestamp::from_secs(next.timestamp().as_second()))
    }

    /// When its clocks first show this. Where they skip it, when they have skipped it.
    pub fn first(&self, local: LocalTime) -> Timestamp {
        let secs = local.as_secs();
        match self.rules.to_ambiguous_timestamp(local.0).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                Timestamp::from_secs(secs.saturating_sub(i64::from(offset.seconds())))
            }
            AmbiguousOffset::Gap { before, after } => {
                let early = Timestamp::from_secs(secs.saturating_sub(i64::from(after.seconds())));
                let late = Timestamp::from_secs(secs.saturating_sub(i64::from(before.seconds())));
                self.next_shift(early.before(Duration::from_secs(1)))
                    .map_or(late, |shift| shift.min(late))
            }
        }
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default()
}

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rules = TimeZoneDatabase::bundled()
            .get(text)
            .map_err(|_unknown| Self::RULE)?;
        let name = rules.iana_name().ok_or(Self::RULE)?.into();
        Ok(Self { name, rules })
    }
}

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name.into()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl PartialOrd for Zone {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Zone {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The zones in one of which somebody is: of whom nobody knows more than the country, who may be in any of its zones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneSet(Box<[Zone]>);

impl ZoneSet {
    /// Those of a country, by its two letters.
    pub fn of_country(code: &str) -> Option<Self> {
        let mut rows = COUNTRIES.lines().filter_map(|row| row.split_once(' '));
        let (_, names) = rows.find(|(country, _)| *country == code)?;
        let zones: Box<[Zone]> = names.split(' ').filter_map(|name| name.parse().ok()).collect();
        (!zones.is_empty()).then_some(Self(zones))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Zone> {
        self.0.iter()
    }

    /// When the clocks of all of them have shown this.
    pub fn first(&self, local: LocalTime) -> Timestamp {
        self.iter()
            .map(|zone| zone.first(local))
            .max()
            .unwrap_or_default()
    }
}

impl From<Zone> for ZoneSet {
    fn from(zone: Zone) -> Self {
        Self(Box::new([zone]))
    }
}

/// A date and a time as a clock on a wall shows them, wherever it hangs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(DateTime);

impl LocalTime {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "a date and a time without a zone, such as 2026-12-24T09:00";
    /// How it is written.
    const FORM: &'static str = "%Y-%m-%dT%H:%M";

    /// Seconds since 1970, counted as if the clock showed UTC.
    fn as_secs(self) -> i64 {
        let utc = jiff::tz::Offset::UTC.to_timestamp(self.0);
        utc.map(jiff::Timestamp::as_second).unwrap_or_default()
    }

    /// What the clock shows this much later, if nobody puts it forward or back.
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

impl FromStr for LocalTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = text.len() == 16
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"-T:".contains(&byte));
        let read = is_plain.then(|| DateTime::strptime(Self::FORM, text).ok());
        read.flatten().map(Self).ok_or(Self::RULE)
    }
}

impl TryFrom<String> for LocalTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime(Self::FORM))
    }
}

impl From<LocalTime> for String {
    fn from(local: LocalTime) -> Self {
        local.to_string()
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Timestamp {
        Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn every_country_has_zones_that_are_known() {
        let mut countries = 0;
        for row in COUNTRIES.lines() {
            let (code, names) = row.split_once(' ').unwrap();
            assert!(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
            let zones = ZoneSet::of_country(code).unwrap();
            assert_eq!(zones.iter().count(), names.split(' ').count(), "{row}");
            countries += 1;
        }
        assert!(countries > 240, "{countries}");
        assert_eq!(ZoneSet::of_country("ID").unwrap().iter().count(), 3);
        assert_eq!(ZoneSet::of_country("XX"), None);
    }

    #[test]
    fn a_wall_clock_is_read_in_its_zone() {
        for (zone, local, at) in [
            ("Asia/Jakarta", "2026-12-24T09:00", "2026-12-24T02:00:00Z"),
            ("Asia/Kathmandu", "2026-12-24T09:00", "2026-12-24T03:15:00Z"),
            ("Australia/Adelaide", "2026-12-24T09:00", "2026-12-23T22:30:00Z"),
            ("America/New_York", "2026-07-01T09:00", "2026-07-01T13:00:00Z"),
            // Clocks go from 2:00 to 3:00.
            ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:00:00Z"),
            ("Europe/Berlin", "2027-03-28T02:00", "2027-03-28T01:00:00Z"),
            ("Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00:00Z"),
            // Clocks show 2:30 twice.
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            // By half an hour.
            ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),
            // A day that there was not.
            ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00:00Z"),
        ] {
            let (name, local) = (zone, local.parse::<LocalTime>().unwrap());
            let zone: Zone = zone.parse().unwrap();
            assert_eq!(zone.first(local), utc(at), "{name} {local}");
        }
        let all = ZoneSet::of_country("ID").unwrap();
        let nine = "2026-12-24T09:00".parse().unwrap();
        assert_eq!(all.first(nine), utc("2026-12-24T02:00:00Z"), "the last of them");
    }

    #[test]
    fn what_is_no_zone_and_no_time_is_refused() {
        for bad in [
            "",
            "Nowhere/Here",
            "+02:00",
            "EST5EDT,M3.2.0,M11.1.0",
            "../etc/passwd",
        ] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
        assert_eq!("asia/jakarta".parse::<Zone>().unwrap().name(), "Asia/Jakarta");
        for bad in [
            "",
            "2026-12-24",
            "2026-12-24T09:00Z",
            "2026-12-24T09:00:00",
            "2026-02-30T09:00",
            "2026-12-24T24:00",
        ] {
            assert!(bad.parse::<LocalTime>().is_err(), "{bad}");
        }
        let local: LocalTime = "2026-12-24T09:00".parse().unwrap();
        assert_eq!(serde_json::to_string(&local).unwrap(), r#""2026-12-24T09:00""#);
        assert_eq!(
            local.after(Duration::from_hours(15)).to_string(),
            "2026-12-25T00:00"
        );
    }
}
