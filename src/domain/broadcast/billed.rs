//! What Meta said that it charges for, of a broadcast's messages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BroadcastTally;
use crate::domain::clock::Timestamp;
use crate::domain::country::CountryCode;
use crate::domain::usage::PricingCategory;

/// Messages of one category.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledCategory {
    /// All of them.
    pub messages: u64,
    /// By the countries of their customers; those of whom it is not known are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<CountryCode, u64>,
}

/// Messages that Meta charges for, by category. Each when Meta first told it: it does so when it took the message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BilledMessages(BTreeMap<PricingCategory, BilledCategory>);

impl BilledMessages {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more, to a customer in a country.
    pub fn add(&mut self, category: PricingCategory, country: Option<CountryCode>) {
        let category = category.bounded(&self.0);
        let billed = self.0.entry(category).or_default();
        billed.messages = billed.messages.saturating_add(1);
        if let Some(country) = country {
            let known = billed.countries.entry(country).or_default();
            *known = known.saturating_add(1);
        }
    }

    /// How many there are.
    pub fn messages(&self) -> u64 {
        self.0.values().map(|billed| billed.messages).sum()
    }

    /// Each category with its messages by country.
    pub fn iter(&self) -> impl Iterator<Item = (&PricingCategory, Vec<(Option<CountryCode>, u64)>)> {
        self.0.iter().map(|(category, billed)| {
            let known = billed.countries.iter();
            let mut all: Vec<_> = known.map(|(country, count)| (Some(*country), *count)).collect();
            let of_unknown = billed.messages.saturating_sub(billed.countries.values().sum());
            all.push((None, of_unknown));
            (category, all)
        })
    }
}

impl BroadcastTally {
    /// Meta charges for it, and the customer is in a country.
    pub fn bill(&mut self, category: PricingCategory, country: Option<CountryCode>, now: Timestamp) {
        self.counts.billed.add(category, country);
        self.note(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_category_and_country() {
        let mut billed = BilledMessages::default();
        let country = |code: &str| Some(code.parse().unwrap());
        for (category, country) in [
            (PricingCategory::marketing(), country("ID")),
            (PricingCategory::marketing(), country("ID")),
            (PricingCategory::marketing(), None),
            (PricingCategory::utility(), country("MY")),
        ] {
            billed.add(category, country);
        }
        let told = serde_json::to_string(&billed).unwrap();
        assert_eq!(
            told,
            r#"{"marketing":{"messages":3,"countries":{"ID":2}},"utility":{"messages":1,"countries":{"MY":1}}}"#
        );
        assert_eq!(serde_json::from_str::<BilledMessages>(&told).unwrap(), billed);
        let all: Vec<_> = billed
            .iter()
            .map(|(category, all)| (category.as_str(), all))
            .collect();
        assert_eq!(
            all,
            [
                ("marketing", vec![(country("ID"), 2), (None, 1)]),
                ("utility", vec![(country("MY"), 1), (None, 0)]),
            ]
        );
        assert_eq!(billed.messages(), 4);
    }
}
