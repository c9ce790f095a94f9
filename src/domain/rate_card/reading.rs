//! A rate card as a text.

use std::collections::{BTreeMap, BTreeSet};

use super::{Market, Micros, RateCard};
use crate::domain::country::CountryCode;
use crate::domain::date::Date;
use crate::domain::usage::PricingCategory;

/// What is wrong with a card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct RateCardError {
    /// Where, counted from 1.
    pub line: usize,
    /// What.
    pub why: String,
}

/// The market of all countries that no other has.
const OTHER: &str = "Other";
/// Markets, and categories, of a card.
const MOST_MARKETS: usize = 500;
const MOST_CATEGORIES: usize = 32;

/// What was read so far.
#[derive(Default)]
struct Reading {
    date: Option<Date>,
    currency: Option<String>,
    source: Option<String>,
    categories: Option<Vec<PricingCategory>>,
    names: BTreeSet<String>,
    markets: Vec<Market>,
    countries: BTreeMap<CountryCode, usize>,
    other: Option<Market>,
}

impl RateCard {
    /// Reads a card.
    pub fn parse(text: &str) -> Result<Self, RateCardError> {
        let mut reading = Reading::default();
        let mut last = 1;
        for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
            last = number;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = reading.line(line);
            read.map_err(|why| RateCardError { line: number, why })?;
        }
        reading.end().map_err(|why| RateCardError { line: last, why })
    }
}

/// Puts something where nothing is to stand yet.
fn once<T>(place: &mut Option<T>, found: T, name: &str) -> Result<(), String> {
    match place.replace(found) {
        None => Ok(()),
        Some(_) => Err(format!("`{name}` is there twice")),
    }
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(categories) = self.categories.clone() {
            return self.market(line, &categories);
        }
        if let Some((name, value)) = line.split_once(':') {
            return self.fact(name.trim(), value.trim());
        }
        self.columns(line)
    }

    fn fact(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "date" => once(
                &mut self.date,
                value.parse().map_err(|rule| format!("`date` must be {rule}"))?,
                name,
            ),
            "currency" => {
                let is_code = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase());
                if !is_code {
                    return Err("`currency` must be three letters, such as USD".to_owned());
                }
                once(&mut self.currency, value.to_owned(), name)
            }
            "source" if value.is_empty() => Err("`source` says nothing".to_owned()),
            "source" => once(&mut self.source, value.to_owned(), name),
            _ => Err(format!("`{name}` is none of `date`, `currency` and `source`")),
        }
    }

    fn columns(&mut self, line: &str) -> Result<(), String> {
        let mut cells = line.split(',').map(str::trim);
        if (cells.next(), cells.next()) != (Some("market"), Some("countries")) {
            return Err("the columns must begin with `market,countries`".to_owned());
        }
        let mut categories = Vec::new();
        for cell in cells {
            let category = PricingCategory::try_from(cell.to_owned());
            let category = category.map_err(|rule| format!("the column `{cell}` is no category: {rule}"))?;
            if categories.contains(&category) {
                return Err(format!("the column `{cell}` is there twice"));
            }
            categories.push(category);
        }
        if !(1..=MOST_CATEGORIES).contains(&categories.len()) {
            return Err(format!("there must be 1 to {MOST_CATEGORIES} categories"));
        }
        self.categories = Some(categories);
        Ok(())
    }

    fn market(&mut self, line: &str, categories: &[PricingCategory]) -> Result<(), String> {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let (Some((name, rest)), true) = (cells.split_first(), cells.len() == categories.len() + 2) else {
            let (columns, there) = (categories.len() + 2, cells.len());
            return Err(format!("there must be {columns} cells, and {there} are there"));
        };
        let Some((countries, prices)) = rest.split_first() else {
            return Err("the countries are missing".to_owned());
        };
        if name.is_empty() || !self.names.insert((*name).to_owned()) {
            return Err(format!("the market `{name}` has no name, or is there twice"));
        }
        if self.names.len() > MOST_MARKETS {
            return Err(format!("there are more than {MOST_MARKETS} markets"));
        }
        let mut known = BTreeMap::new();
        for (category, price) in categories
            .iter()
            .zip(prices)
            .filter(|(_, price)| !price.is_empty())
        {
            let price: Micros = price.parse().map_err(|rule| format!("`{price}`: {rule}"))?;
            known.insert(category.clone(), price);
        }
        let market = Market {
            name: (*name).into(),
            prices: known,
        };
        if *name == OTHER {
            if !countries.is_empty() {
                return Err(format!(
                    "`{OTHER}` has no countries: it has all that are in no market"
                ));
            }
            self.other = Some(market);
            return Ok(());
        }
        self.countries_of(countries)?;
        self.markets.push(market);
        Ok(())
    }

    fn countries_of(&mut self, countries: &str) -> Result<(), String> {
        let place = self.markets.len();
        if countries.is_empty() {
            return Err("the market has no countries".to_owned());
        }
        for country in countries.split_ascii_whitespace() {
            let code: CountryCode = country
                .parse()
                .map_err(|rule| format!("`{country}` is no country: {rule}"))?;
            if self.countries.insert(code, place).is_some() {
                return Err(format!("the country {code} is there twice"));
            }
        }
        Ok(())
    }

    fn end(self) -> Result<RateCard, String> {
        let missing = |what: &str| format!("the card ends, and {what} is missing");
        let card = RateCard {
            date: self.date.ok_or_else(|| missing("`date:`"))?,
            currency: self.currency.ok_or_else(|| missing("`currency:`"))?,
            source: self.source.ok_or_else(|| missing("`source:`"))?,
            markets: self.markets,
            countries: self.countries,
            other: self.other.ok_or_else(|| missing("the market `Other`"))?,
        };
        debug_assert_eq!(card.names().len(), self.names.len());
        Ok(card)
    }
}
