//! What Meta charges for a message: a card with a date and a currency, prices by market and category, and which countries a market has.
//!
//! Prices are whole millionths of the currency, so that sums are exact.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Sum;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::country::CountryCode;
use super::date::Date;
use super::usage::PricingCategory;

mod reading;

pub use reading::RateCardError;

/// Millionths of a currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Micros(u64);

impl Micros {
    const DECIMALS: usize = 6;
    const ONE: u64 = 1_000_000;

    /// So many.
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This for each of so many.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.fold(0, |sum, one| sum.saturating_add(one.0)))
    }
}

/// As a decimal number, without zeros at its end.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / Self::ONE, self.0 % Self::ONE);
        let rest = format!("{rest:06}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            rest => write!(f, "{whole}.{rest}"),
        }
    }
}

impl FromStr for Micros {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a price is a number such as 0.0411, below 1000000, with up to six decimals";
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(rest) || whole.len() > 6 || rest.len() > Self::DECIMALS {
            return Err(RULE);
        }
        let micros = format!("{whole}{rest:0<6}");
        micros.parse().map(Self).map_err(|_too_long| RULE)
    }
}

/// Countries for which Meta charges alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Market {
    name: Arc<str>,
    prices: BTreeMap<PricingCategory, Micros>,
}

/// What Meta charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateCard {
    date: Date,
    currency: String,
    source: String,
    markets: Vec<Market>,
    /// Which of the markets each country is of.
    countries: BTreeMap<CountryCode, usize>,
    /// That of all other countries.
    other: Market,
}

/// Messages to a market, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketSpend {
    /// What Meta calls it.
    pub market: Arc<str>,
    /// The countries that they go to; those of customers whose country is not known are left out.
    pub countries: BTreeMap<CountryCode, u64>,
    /// All of them.
    pub messages: u64,
    /// For one; `None` where the card has no price.
    pub price: Option<Micros>,
}

impl MarketSpend {
    /// For all; `None` where the card has no price.
    pub fn cost(&self) -> Option<Micros> {
        self.price.map(|price| price.times(self.messages))
    }
}

/// What messages come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spend {
    /// By market, in the order of the card.
    pub markets: Vec<MarketSpend>,
}

impl Spend {
    /// All together, as far as there are prices.
    pub fn total(&self) -> Micros {
        self.markets.iter().filter_map(MarketSpend::cost).sum()
    }

    /// Messages without a price.
    pub fn unpriced(&self) -> u64 {
        let without = self.markets.iter().filter(|market| market.price.is_none());
        without.map(|market| market.messages).sum()
    }
}

impl RateCard {
    /// The text of the card that ships.
    pub const SHIPPED: &str = include_str!("rate_card/usd_2026-01-01.csv");

    /// The card that ships.
    pub fn shipped() -> Result<Self, RateCardError> {
        Self::parse(Self::SHIPPED)
    }

    /// From when on it holds.
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The currency, by its three letters.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Where it is from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The market of a country. One that is on no list, and a customer whose country is not known, are of `Other`.
    pub fn market(&self, country: Option<CountryCode>) -> &str {
        &self.market_of(country).name
    }

    fn market_of(&self, country: Option<CountryCode>) -> &Market {
        let place = country.and_then(|country| self.countries.get(&country));
        let market = place.and_then(|place| self.markets.get(*place));
        market.unwrap_or(&self.other)
    }

    /// For one message.
    pub fn price(&self, category: &PricingCategory, country: Option<CountryCode>) -> Option<Micros> {
        self.market_of(country).prices.get(category).copied()
    }

    /// For messages of one category to countries.
    pub fn spend(
        &self,
        category: &PricingCategory,
        messages: impl IntoIterator<Item = (Option<CountryCode>, u64)>,
    ) -> Spend {
        let mut by_name: BTreeMap<&str, MarketSpend> = BTreeMap::new();
        for (country, messages) in messages.into_iter().filter(|(_, messages)| *messages > 0) {
            let market = self.market_of(country);
            let spend = by_name.entry(&market.name).or_insert_with(|| MarketSpend {
                market: Arc::clone(&market.name),
                countries: BTreeMap::new(),
                messages: 0,
                price: market.prices.get(category).copied(),
            });
            spend.messages = spend.messages.saturating_add(messages);
            if let Some(country) = country {
                let known = spend.countries.entry(country).or_default();
                *known = known.saturating_add(messages);
            }
        }
        let in_order = self.markets.iter().chain([&self.other]);
        let markets = in_order.filter_map(|market| by_name.remove(&*market.name));
        Spend {
            markets: markets.collect(),
        }
    }

    /// The markets' names.
    fn names(&self) -> BTreeSet<&str> {
        let all = self.markets.iter().chain([&self.other]);
        all.map(|market| &*market.name).collect()
    }
}

#[cfg(test)]
mod tests;
