//! Each recipient has one turn, and never in quiet hours.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::broadcast::zone::Zone;

fn utc(text: &str) -> Timestamp {
    Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

fn week(days: &[&str], from: &str, to: &str) -> WeekHours {
    let range = |day: &&str| ((*day).to_owned(), json!([[from, to]]));
    serde_json::from_value(days.iter().map(range).collect::<serde_json::Map<_, _>>().into()).unwrap()
}

const EACH: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Recipients 1, 2, 3, … in zones of a list, again and again.
fn spans(zones: &[&str], total: u32) -> Vec<ZoneSpan> {
    let count = u32::try_from(zones.len()).unwrap();
    let of = |(at, name): (u32, &&str)| {
        let country = ZoneSet::of_country(name);
        let theirs: Vec<u32> = (1..=total).filter(|no| (no - 1) % count == at).collect();
        ZoneSpan {
            zones: country.unwrap_or_else(|| name.parse::<Zone>().unwrap().into()),
            recipients: u32::try_from(theirs.len()).unwrap(),
            first: theirs.first().copied().unwrap_or(1),
            last: theirs.last().copied().unwrap_or(0),
        }
    };
    (0..).zip(zones).map(of).collect()
}

fn zone_of(no: u32, zones: &[&str]) -> u16 {
    u16::try_from((usize::try_from(no).unwrap() - 1) % zones.len()).unwrap()
}

#[test]
fn recipients_without_hours_go_one_after_the_other() {
    let (mut all, now) = (Timetable::always(10), utc("2026-11-30T00:00:00Z"));
    let due = all.due(now).unwrap();
    assert_eq!((due.from, due.until, due.has(0)), (1, 11, true));
    all.pass(&due, 4);
    assert_eq!((all.lowest(), all.places(), all.is_over()), (4, vec![4], false));
    let mut again = Timetable::always(10);
    again.resume(&[], 4);
    assert_eq!(again.due(now).unwrap().from, 4);
    again.pass(&due, 11);
    assert!(again.is_over() && again.due(now).is_none() && again.opens(now).is_none());
}

#[test]
fn a_zone_that_opens_later_goes_back_to_its_first_and_then_all_go_together() {
    let zones = ["Asia/Jakarta", "Europe/Berlin"];
    let mut table = Timetable::new(Some(week(&EACH, "09:00", "20:00")), None, &spans(&zones, 100));
    let morning = utc("2026-11-30T02:00:00Z");
    assert_eq!(table.due(morning.before(Duration::from_secs(1))), None);
    assert_eq!(table.opens(morning.before(Duration::from_secs(1))), Some(morning));
    let due = table.due(morning).unwrap();
    assert_eq!((due.from, due.has(0), due.has(1)), (1, true, false));
    assert_eq!(table.closes(0, morning), Some(utc("2026-11-30T13:00:00Z")));
    table.pass(&due, 51);
    let berlin = utc("2026-11-30T08:00:00Z");
    assert_eq!(table.opens(morning), Some(berlin));
    let due = table.due(berlin).unwrap();
    assert_eq!((due.from, due.until), (2, 51), "until where the other one is");
    assert_eq!((due.has(0), due.has(1), table.lowest()), (false, true, 2));
    let mut resumed = Timetable::new(Some(week(&EACH, "09:00", "20:00")), None, &spans(&zones, 100));
    resumed.resume(&table.places(), table.lowest());
    assert_eq!(resumed.due(berlin), Some(due.clone()));
    table.pass(&due, due.until);
    let due = table.due(berlin).unwrap();
    assert_eq!((due.from, due.has(0), due.has(1)), (51, true, true));
}

#[test]
fn each_zone_begins_at_its_own_nine_and_is_late_by_its_own_clock() {
    let zones = ["Asia/Jakarta", "Europe/Berlin"];
    let at: LocalTime = "2026-12-24T09:00".parse().unwrap();
    let start = LocalStart {
        at,
        not_after: at.after(Duration::from_hours(1)),
    };
    let fresh = || Timetable::new(None, Some(start), &spans(&zones, 10));
    let (jakarta, berlin) = (utc("2026-12-24T02:00:00Z"), utc("2026-12-24T08:00:00Z"));
    let mut table = fresh();
    assert_eq!(
        table.starts(),
        Some((jakarta, jakarta.after(Duration::from_hours(1))))
    );
    assert_eq!(
        (table.due(jakarta.before(Duration::from_secs(1))), table.places()),
        (None, vec![0, 0])
    );
    assert_eq!(table.begin(jakarta, None), Ok(true));
    assert_eq!(table.begin(jakarta, None), Ok(false));
    assert!(table.due(jakarta).unwrap().has(0) && !table.due(jakarta).unwrap().has(1));
    let mut later = fresh();
    later.resume(&table.places(), table.lowest());
    // It begins no earlier than it is there again: Jakarta goes on, Berlin is too late.
    let afternoon = berlin.after(Duration::from_hours(2));
    assert_eq!(later.begin(afternoon, None), Err(ZoneTooLate));
    assert_eq!(
        later.begin(berlin.after(Duration::from_hours(1)), None),
        Ok(true),
        "in time"
    );
    let mut wanted = fresh();
    assert_eq!(
        wanted.begin(afternoon, Some(jakarta.after(Duration::from_hours(1)))),
        Err(ZoneTooLate)
    );
    assert_eq!(
        wanted.begin(afternoon, Some(afternoon)),
        Ok(true),
        "a person wants it all the same"
    );
    assert_eq!(wanted.places(), [1, 2]);
}

#[test]
fn a_clock_that_is_set_back_is_believed() {
    let table = &mut Timetable::new(
        Some(week(&EACH, "09:00", "20:00")),
        None,
        &spans(&["Asia/Jakarta"], 10),
    );
    let morning = utc("2026-11-30T02:00:00Z");
    assert!(table.due(morning).is_some());
    assert!(table.due(morning.before(Duration::from_secs(1))).is_none());
    assert!(table.due(morning).is_some());
}

/// Zones with half hours and quarters, with and without summer time, by half an hour, in both hemispheres, and whole countries.
const ZONES: [&str; 14] = [
    "Asia/Jakarta",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Chatham",
    "Pacific/Apia",
    "America/Santiago",
    "ID",
    "ES",
];

/// The same as the table says, from the rules of zones alone: what a person would read off the clock and the calendar.
fn is_quiet(zones: &ZoneSet, days: &[usize], (from, to): (i32, i32), at: Timestamp) -> bool {
    zones.iter().any(|zone| {
        let rules = TimeZone::get(zone.name()).unwrap();
        let local = jiff::Timestamp::from_second(at.as_secs())
            .unwrap()
            .to_zoned_datetime(rules);
        let today = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap();
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let is_open = if from < to {
            days.contains(&today) && (from..to).contains(&minute)
        } else {
            days.contains(&today) && minute >= from || days.contains(&((today + 6) % 7)) && minute < to
        };
        !is_open
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_recipient_has_one_turn_and_never_in_quiet_hours(
        chosen in prop::collection::btree_set(0..ZONES.len(), 1..6),
        days in prop::collection::btree_set(0..7_usize, 1..8),
        (from, to) in (0..96_i32, 0..96_i32).prop_filter("not the same", |(from, to)| from != to),
        // Around days that skip an hour or have one twice, on either side of the world.
        day in prop::sample::select(vec!["2026-10-03", "2026-10-25", "2026-11-01", "2027-03-14", "2027-03-28", "2027-04-04", "2027-09-25"]),
        before in 0..100_u64,
        is_local in any::<bool>(),
        steps in prop::collection::vec((1..200_u64, 1..9_u32, any::<bool>()), 40),
    ) {
        let (from, to) = (from * 15, to * 15);
        let zones: Vec<&str> = chosen.iter().map(|at| ZONES[*at]).collect();
        let text = |minute: i32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let named: Vec<&str> = days.iter().map(|day| EACH[*day]).collect();
        let hours = week(&named, &text(from), &text(to));
        let total = 40;
        let all = spans(&zones, total);
        let at: LocalTime = format!("{day}T02:30").parse().unwrap();
        let start = is_local.then_some(LocalStart { at, not_after: at.after(Duration::from_hours(10_000)) });
        let fresh = || Timetable::new(Some(hours.clone()), start, &all);
        let midnight = utc(&format!("{day}T00:00:00Z"));
        let mut now = midnight.before(Duration::from_mins(before * 15));
        let days: Vec<usize> = days.into_iter().collect();
        let can_be_open = |zone: u16| hours.next_open(&all[usize::from(zone)].zones, midnight).is_some();
        let mut table = fresh();
        let mut turns: BTreeMap<u32, Timestamp> = BTreeMap::new();
        let mut steps = steps.into_iter().cycle();
        while !table.is_over() {
            let (minutes, most, is_killed) = steps.next().unwrap();
            if is_killed {
                let mut next = fresh();
                next.resume(&table.places(), table.lowest());
                table = next;
            }
            table.begin(now, None).unwrap();
            let Some(due) = table.due(now) else {
                // Some zones are never open all at once: a plan sends to nobody there.
                let Some(opens) = table.opens(now) else { break };
                prop_assert!(opens > now);
                now = opens;
                continue;
            };
            let mut place = due.from;
            for _ in 0..most {
                if place >= due.until {
                    break;
                }
                let zone = zone_of(place, &zones);
                if due.has(zone) {
                    let zones = &all[usize::from(zone)].zones;
                    prop_assert!(!is_quiet(zones, &days, (from, to), now), "{:?} at {:?}", zones, now);
                    prop_assert!(start.is_none_or(|start| now >= zones.first(start.at)));
                    prop_assert!(table.closes(zone, now).is_none_or(|closes| closes > now));
                    prop_assert_eq!(turns.insert(place, now), None, "twice");
                }
                place += 1;
            }
            table.pass(&due, place);
            now = now.after(Duration::from_mins(minutes));
        }
        for no in 1..=total {
            prop_assert_eq!(turns.contains_key(&no), can_be_open(zone_of(no, &zones)), "{} of {:?}", no, zones);
        }
    }
}
