//! In which zone each recipient of a plan is, and what that makes of its times.

use std::collections::BTreeMap;

use crate::domain::contact_details::AttributeValue;
use crate::domain::{
    Contact, CountryCode, LocalStart, SendingHours, Timestamp, Timetable, WeekHours, WhoseZone, Zone,
    ZoneSet, ZoneSpan,
};
use crate::store::tables::{Broadcast, BroadcastPlan, BroadcastProgressRow, Unsendable};

/// Where recipients are, as a plan is written.
#[derive(Debug)]
pub(super) struct RecipientZones {
    hours: Option<SendingHours>,
    now: Timestamp,
    spans: Vec<ZoneSpan>,
    /// Each by its place in the spans; without one where no hour is open in all of them.
    known: BTreeMap<ZoneSet, Option<u16>>,
    of_countries: BTreeMap<CountryCode, Option<ZoneSet>>,
}

impl RecipientZones {
    pub(super) const fn new(hours: Option<SendingHours>, now: Timestamp) -> Self {
        Self {
            hours,
            now,
            spans: Vec::new(),
            known: BTreeMap::new(),
            of_countries: BTreeMap::new(),
        }
    }

    /// Where somebody is.
    pub(super) fn find(
        &mut self,
        contact: Option<&Contact>,
        country: Option<CountryCode>,
    ) -> Result<u16, Unsendable> {
        let Some(hours) = &self.hours else {
            return Ok(0);
        };
        let zones = match &hours.zone {
            WhoseZone::Of(zone) => Some(zone.clone().into()),
            WhoseZone::Recipient => hours
                .zone_attribute
                .as_ref()
                .and_then(|key| named(contact?.attributes.get(key)?))
                .map(ZoneSet::from)
                .or_else(|| {
                    let country = country?;
                    let found = self.of_countries.entry(country);
                    let found = found.or_insert_with(|| ZoneSet::of_country(&country.to_string()));
                    found.clone()
                })
                .or_else(|| hours.fallback_zone.clone().map(ZoneSet::from)),
        };
        let zones = zones.ok_or(Unsendable::NeverOpen)?;
        if let Some(known) = self.known.get(&zones) {
            return known.ok_or(Unsendable::NeverOpen);
        }
        let opens = |week: &WeekHours| week.next_open(&zones, self.now).is_some();
        let zone = if hours.days.as_ref().is_none_or(opens) {
            u16::try_from(self.spans.len()).ok()
        } else {
            None
        };
        if zone.is_some() {
            self.spans.push(ZoneSpan {
                zones: zones.clone(),
                recipients: 0,
                first: 1,
                last: 0,
            });
        }
        self.known.insert(zones, zone);
        zone.ok_or(Unsendable::NeverOpen)
    }

    /// Counts a recipient who is sent to.
    pub(super) fn count(&mut self, zone: u16, no: u32) {
        if let Some(span) = self.spans.get_mut(usize::from(zone)) {
            if span.recipients == 0 {
                span.first = no;
            }
            span.recipients += 1;
            span.last = no;
        }
    }

    /// What was counted, for the plan.
    pub(super) fn take(&mut self) -> Vec<ZoneSpan> {
        std::mem::take(&mut self.spans)
    }
}

/// The zone that an attribute names.
fn named(value: &AttributeValue) -> Option<Zone> {
    match value {
        AttributeValue::Text(text) => text.as_str().trim().parse().ok(),
        AttributeValue::Boolean(_) | AttributeValue::Number(_) => None,
    }
}

/// Whose turn it is in a plan, from its beginning.
pub(super) fn timetable(row: &Broadcast, plan: &BroadcastPlan) -> Timetable {
    if plan.zones.is_empty() {
        return Timetable::always(plan.total);
    }
    let week = row.hours.as_ref().and_then(|hours| hours.days.clone());
    let start = row.at_local.map(|at| LocalStart {
        at,
        not_after: row.not_after_local.unwrap_or(at),
    });
    Timetable::new(week, start, &plan.zones)
}

/// The same from where its run is.
pub fn timetable_now(row: &Broadcast, progress: Option<&BroadcastProgressRow>) -> Option<Timetable> {
    let plan = row.plan.as_ref()?;
    let mut timetable = timetable(row, plan);
    if let Some(noted) = progress.filter(|noted| noted.plan == plan.number) {
        timetable.resume(&noted.places, noted.next);
    }
    Some(timetable)
}

/// When a broadcast begins, where that is not at once, and when it begins no more by itself. In recipients' zones: when the first of them
/// does; once it was planned.
pub(super) fn begins(row: &Broadcast) -> Option<(Timestamp, Option<Timestamp>)> {
    if let Some(at) = row.at {
        return Some((at, row.not_after));
    }
    row.at_local?;
    let (at, late) = timetable(row, row.plan.as_ref()?).starts()?;
    Some((at, Some(late)))
}

/// Whether all whose turn is to come wait for a sending hour.
pub(super) fn rests(row: &Broadcast, progress: Option<&BroadcastProgressRow>, now: Timestamp) -> bool {
    timetable_now(row, progress).is_some_and(|mut timetable| rests_until(&mut timetable, now).is_some())
}

/// When somebody may be sent to again, where nobody may now.
pub(super) fn rests_until(timetable: &mut Timetable, now: Timestamp) -> Option<Timestamp> {
    if timetable.is_over() {
        timetable.reopens(now)
    } else if timetable.due(now).is_none() {
        timetable.opens(now)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ContactAliases;

    fn zones(hours: serde_json::Value) -> RecipientZones {
        let hours = serde_json::from_value(hours).unwrap();
        RecipientZones::new(Some(hours), Timestamp::from_secs(1_800_000_000))
    }

    #[test]
    fn a_recipient_is_where_the_phone_is_from_or_where_nothing_tells_at_home() {
        let mut all = zones(json!({ "zone": "recipient", "fallback_zone": "Asia/Jakarta" }));
        let mut at = |phone: &str| all.find(None, CountryCode::of_phone(phone)).unwrap();
        let (berlin, home) = (at("4915112345678"), at(""));
        assert_ne!(berlin, home);
        assert_eq!(at("4915112345679"), berlin);
        assert_eq!(at("999"), home);
        all.count(berlin, 3);
        all.count(berlin, 7);
        let spans = all.take();
        let first = spans.first().unwrap();
        assert_eq!((first.recipients, first.first, first.last), (2, 3, 7));
        assert!(
            spans
                .iter()
                .skip(1)
                .all(|span| span.recipients == 0 && span.first > span.last)
        );
    }

    #[test]
    fn an_attribute_tells_more_than_the_phone() {
        let mut all =
            zones(json!({ "zone": "recipient", "zone_attribute": "zone", "fallback_zone": "Etc/UTC" }));
        let id = crate::domain::ContactId::from_bytes([1; 16]);
        let mut contact = Contact::new(id, &ContactAliases::default(), Timestamp::default());
        let set = |contact: &mut Contact, zone: &str| {
            let value = serde_json::from_value(json!(zone)).unwrap();
            contact.attributes.insert("zone".parse().unwrap(), value);
        };
        set(&mut contact, "America/New_York");
        let mut spans = |contact: &Contact| {
            let zone = all.find(Some(contact), CountryCode::of_phone("628123456789"));
            all.spans.get(usize::from(zone.unwrap())).unwrap().zones.clone()
        };
        assert_eq!(
            spans(&contact),
            "America/New_York".parse::<Zone>().unwrap().into()
        );
        set(&mut contact, "New York");
        assert_eq!(spans(&contact), ZoneSet::of_country("ID").unwrap());
    }

    #[test]
    fn who_can_never_be_sent_to_is_told() {
        let hours = json!({ "zone": "recipient", "fallback_zone": "Etc/UTC", "days": { "mon": [["09:00", "10:00"]] } });
        let mut all = zones(hours);
        let mut at = |phone: &str| all.find(None, CountryCode::of_phone(phone));
        assert_eq!(at("79161234567"), Err(Unsendable::NeverOpen));
        assert_eq!(at("79161234567"), Err(Unsendable::NeverOpen));
        assert!(at("4915112345678").is_ok());
        assert_eq!(all.take().len(), 1);
    }
}
