//! Countries, and in which of them a customer's number is given out.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::contact::{Alias, AliasKind, ContactAliases};

/// A country by its two letters (ISO 3166-1), such as `ID`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

/// Which beginnings of numbers belong where, in order.
const CALLING_CODES: &str = include_str!("country/calling_codes.txt");

static BY_CALLING_CODE: LazyLock<Vec<(&str, CountryCode)>> = LazyLock::new(|| {
    let lines = CALLING_CODES.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    let known = pairs.filter_map(|(digits, country)| Some((digits, country.parse().ok()?)));
    known.collect()
});

impl CountryCode {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "two letters for a country, such as ID";
    /// Digits of the longest beginning.
    const LONGEST: usize = 7;

    /// The country in which a number is given out: digits with the country's code.
    pub fn of_phone(digits: &str) -> Option<Self> {
        (1..=Self::LONGEST).rev().find_map(|length| {
            let beginning = digits.get(..length)?;
            let place = BY_CALLING_CODE.binary_search_by(|(known, _)| (*known).cmp(beginning));
            let found = place.ok().and_then(|place| BY_CALLING_CODE.get(place));
            found.map(|(_, country)| *country)
        })
    }

    /// The country of a customer: that of the number, else the one that Meta's id of the customer begins with (`US.…`).
    pub fn of_aliases(aliases: &ContactAliases) -> Option<Self> {
        let alias = |kind| aliases.of_kind(kind);
        let by_phone = alias(AliasKind::Phone).and_then(|phone| Self::of_phone(&phone.value));
        by_phone
            .or_else(|| alias(AliasKind::Bsuid).and_then(of_user_id))
            .or_else(|| alias(AliasKind::ParentBsuid).and_then(of_user_id))
    }
}

fn of_user_id(alias: &Alias) -> Option<CountryCode> {
    let (country, _) = alias.value.split_once('.')?;
    country.parse().ok()
}

impl FromStr for CountryCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
            }
            _ => Err(Self::RULE),
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(country: CountryCode) -> Self {
        country.to_string()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([first, second]) = self;
        write!(f, "{}{}", char::from(*first), char::from(*second))
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(digits: &str) -> Option<String> {
        CountryCode::of_phone(digits).map(String::from)
    }

    #[test]
    fn a_number_tells_its_country() {
        for (digits, country) in [
            ("628123456789", "ID"),
            ("60123456789", "MY"),
            ("16502530000", "US"),
            ("14165550100", "CA"),
            ("18095550100", "DO"),
            ("18765550100", "JM"),
            ("79161234567", "RU"),
            ("77011234567", "KZ"),
            ("447911123456", "GB"),
            ("447624123456", "IM"),
            ("3906698123", "VA"),
            ("390612345678", "IT"),
            ("5215512345678", "MX"),
            ("555187654321", "BR"),
        ] {
            assert_eq!(of(digits).as_deref(), Some(country), "{digits}");
        }
        for none in ["", "999123456", "0812345678", "87012345678"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn every_line_of_calling_codes_is_read_and_found() {
        let lines = CALLING_CODES.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count(), BY_CALLING_CODE.len());
        assert!(BY_CALLING_CODE.is_sorted_by(|(one, _), (next, _)| one < next));
        for (digits, country) in BY_CALLING_CODE.iter() {
            assert!((1..=CountryCode::LONGEST).contains(&digits.len()));
            assert_eq!(CountryCode::of_phone(digits), Some(*country), "{digits}");
        }
    }

    #[test]
    fn who_shows_no_number_is_where_their_id_says() {
        let phone = Alias::phone("628123456789").unwrap();
        let id = Alias::bsuid("US.13491208655302741918").unwrap();
        let of = |aliases: &[&Alias]| {
            let aliases = ContactAliases::of(aliases.iter().map(|alias| (*alias).clone()));
            CountryCode::of_aliases(&aliases).map(String::from)
        };
        assert_eq!(of(&[&phone, &id]).as_deref(), Some("ID"));
        assert_eq!(of(&[&id]).as_deref(), Some("US"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_country_is_two_letters() {
        assert_eq!("id".parse::<CountryCode>().map(String::from).as_deref(), Ok("ID"));
        for wrong in ["", "I", "IDN", "1D", "é"] {
            assert_eq!(wrong.parse::<CountryCode>(), Err(CountryCode::RULE), "{wrong}");
        }
    }
}
