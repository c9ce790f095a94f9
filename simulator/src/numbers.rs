//! The business numbers, and where the webhooks of each go.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::config::NumberConfig;
use super::limits::SlidingSecond;
use super::phone::Phone;

/// A number's place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NumberIndex(pub(crate) u16);

#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) config: NumberConfig,
    pub(crate) phone: Option<Phone>,
    pub(crate) second: SlidingSecond,
    /// Where this number's messages go instead of the account's callback.
    pub(crate) override_url: Option<String>,
    /// Service messages delivered this month: the first thousand are free.
    pub(crate) service_delivered: u32,
}

/// What becomes of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberFate {
    /// Which; the first one when left out.
    pub phone_number_id: Option<String>,
    /// GREEN, YELLOW, RED or UNKNOWN, as Graph tells it from now on.
    pub quality_rating: Option<String>,
    /// What a `phone_number_quality_update` tells: FLAGGED, UNFLAGGED, …; none is posted when left out.
    pub event: Option<String>,
}

/// What an account has set for its webhooks.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// Whether the app is subscribed: without it nothing is posted at all.
    pub(crate) subscribed: bool,
    /// Where this account's messages go instead of the app's callback.
    pub(crate) override_url: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Numbers {
    all: Vec<Number>,
    by_id: HashMap<String, NumberIndex>,
    wabas: Vec<(String, Subscription)>,
}

impl Numbers {
    pub(crate) fn new(configs: &[NumberConfig]) -> Self {
        let mut numbers = Self {
            all: Vec::new(),
            by_id: HashMap::new(),
            wabas: Vec::new(),
        };
        for config in configs {
            numbers.add(config.clone());
        }
        numbers
    }

    pub(crate) fn add(&mut self, config: NumberConfig) {
        let Ok(index) = u16::try_from(self.all.len()) else {
            return;
        };
        if self.subscription(config.waba_id.as_str()).is_none() {
            let fresh = Subscription {
                subscribed: true,
                override_url: None,
            };
            self.wabas.push((config.waba_id.as_str().to_owned(), fresh));
        }
        self.by_id
            .insert(config.phone_number_id.as_str().to_owned(), NumberIndex(index));
        self.all.push(Number {
            phone: Phone::parse(&config.display_phone_number),
            second: SlidingSecond::default(),
            override_url: None,
            service_delivered: 0,
            config,
        });
    }

    pub(crate) fn find(&self, phone_number_id: &str) -> Option<NumberIndex> {
        self.by_id.get(phone_number_id).copied()
    }

    pub(crate) fn get(&self, index: NumberIndex) -> Option<&Number> {
        self.all.get(usize::from(index.0))
    }

    pub(crate) fn get_mut(&mut self, index: NumberIndex) -> Option<&mut Number> {
        self.all.get_mut(usize::from(index.0))
    }

    pub(crate) fn all(&self) -> &[Number] {
        &self.all
    }

    pub(crate) fn of_waba<'a>(&'a self, waba: &'a str) -> impl Iterator<Item = &'a Number> {
        self.all
            .iter()
            .filter(move |number| number.config.waba_id.as_str() == waba)
    }

    pub(crate) fn subscription(&self, waba: &str) -> Option<&Subscription> {
        self.wabas
            .iter()
            .find(|(id, _)| id == waba)
            .map(|(_, subscription)| subscription)
    }

    pub(crate) fn subscription_mut(&mut self, waba: &str) -> Option<&mut Subscription> {
        self.wabas
            .iter_mut()
            .find(|(id, _)| id == waba)
            .map(|(_, subscription)| subscription)
    }

    /// Where a number's messages go, the nearest setting first; `None` when nobody listens.
    pub(crate) fn target<'a>(&'a self, index: NumberIndex, app_url: Option<&'a str>) -> Option<&'a str> {
        let number = self.get(index)?;
        let account = self.subscription(number.config.waba_id.as_str())?;
        if !account.subscribed {
            return None;
        }
        number
            .override_url
            .as_deref()
            .or(account.override_url.as_deref())
            .or(app_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_callback_wins() {
        let mut numbers = Numbers::new(&[NumberConfig::numbered(0), NumberConfig::numbered(1)]);
        let index = NumberIndex(0);
        assert_eq!(numbers.target(index, Some("app")), Some("app"));
        numbers.subscription_mut("102290129340398").unwrap().override_url = Some("account".into());
        assert_eq!(numbers.target(index, Some("app")), Some("account"));
        numbers.get_mut(index).unwrap().override_url = Some("number".into());
        assert_eq!(numbers.target(index, Some("app")), Some("number"));
        assert_eq!(numbers.target(NumberIndex(1), Some("app")), Some("account"));
    }

    #[test]
    fn an_account_without_a_subscribed_app_gets_nothing() {
        let mut numbers = Numbers::new(&[NumberConfig::default()]);
        numbers.subscription_mut("102290129340398").unwrap().subscribed = false;
        assert_eq!(numbers.target(NumberIndex(0), Some("app")), None);
    }
}
