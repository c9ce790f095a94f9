//! Phone numbers as people write them, with or without their country's code.

use std::fmt;
use std::str::FromStr;

use phonenumber::country::Id;
use phonenumber::{Mode, PhoneNumber};
use serde::{Deserialize, Serialize};

use crate::domain::{Alias, AliasKind, national};

/// The country of numbers that are written without one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(Id);

impl Country {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "two letters for a country, such as ID";
}

impl FromStr for Country {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        let code = is_code.then(|| text.to_ascii_uppercase()).ok_or(Self::RULE)?;
        code.parse().map(Self).map_err(|_unknown| Self::RULE)
    }
}

impl Country {
    /// The one in which numbers like this are given out, as people write them.
    pub fn of_number(display: &str) -> Option<Self> {
        let digits: String = display.chars().filter(char::is_ascii_digit).collect();
        let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
        number.country().id().map(Self)
    }
}

impl TryFrom<String> for Country {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.0.as_ref().to_owned()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// Why a text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneProblem {
    /// It is `6.28E+11`: a spreadsheet dropped digits.
    Shortened,
    /// It has no country's code, and none is given for those that have none.
    NoCountry,
    /// It is none of any country.
    Invalid,
}

/// The longest text that is looked at.
const LONGEST: usize = 64;

/// Reads a number, to digits with the country's code.
pub fn read(text: &str, default: Option<Country>) -> Result<Alias, PhoneProblem> {
    if text.len() > LONGEST {
        return Err(PhoneProblem::Invalid);
    }
    // Marks of direction come along where a number is copied from a page.
    let shown: String = text.chars().filter(|c| !is_mark(*c)).collect();
    let text = shown.trim();
    if is_shortened(text) {
        return Err(PhoneProblem::Shortened);
    }
    // Letters stand for digits on a telephone's keys: a typed `O` would be somebody else's number.
    if !text.chars().all(is_written) {
        return Err(PhoneProblem::Invalid);
    }
    // Spreadsheets write whole numbers so.
    let text = text.strip_suffix(".0").unwrap_or(text);
    // `(+62) 812…` has its country's code, too.
    let open = text.trim_start_matches(['(', ' ', '\u{a0}']);
    if let Some(digits) = open.strip_prefix(['+', '＋']).or_else(|| open.strip_prefix("00")) {
        let digits = if open.len() < text.len() {
            digits.replacen(')', " ", 1)
        } else {
            digits.to_owned()
        };
        return international(&digits).ok_or(PhoneProblem::Invalid);
    }
    let national = default.and_then(|country| {
        let number = phonenumber::parse(Some(country.0), text).ok()?;
        is_assigned(&number).then(|| alias(&number)).flatten()
    });
    // Digits that mean nothing in the country may begin with a country's code.
    let found = national.or_else(|| international(text));
    found.ok_or(if default.is_some() {
        PhoneProblem::Invalid
    } else {
        PhoneProblem::NoCountry
    })
}

/// A number as a cell has it: with a space behind the country's code no spreadsheet takes it for a number or a formula.
pub fn spaced(digits: &str) -> String {
    let parsed = phonenumber::parse(None, format!("+{digits}")).ok();
    let code = parsed.map_or(1, |number| number.country().code().to_string().len());
    let (code, rest) = digits.split_at_checked(code).unwrap_or((digits, ""));
    format!("+{code} {rest}")
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether a number is written with it.
const fn is_written(c: char) -> bool {
    matches!(c, '0'..='9' | '+' | '\u{ff0b}' | ' ' | '\u{a0}' | '-' | '\u{2010}'..='\u{2015}' | '.' | '(' | ')' | '/')
}

fn international(digits: &str) -> Option<Alias> {
    let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
    is_assigned(&number).then(|| alias(&number)).flatten()
}

fn alias(number: &PhoneNumber) -> Option<Alias> {
    Alias::phone(&number.format().mode(Mode::E164).to_string())
}

/// Whether its country gives out such numbers, in either form in which it is written.
fn is_assigned(number: &PhoneNumber) -> bool {
    if phonenumber::is_valid(number) {
        return true;
    }
    let other = alias(number).and_then(|alias| {
        debug_assert_eq!(alias.kind, AliasKind::Phone);
        let other = national::other_form(&alias.value)?;
        phonenumber::parse(None, format!("+{other}")).ok()
    });
    other.is_some_and(|other| phonenumber::is_valid(&other))
}

fn is_shortened(text: &str) -> bool {
    let mut parts = text.splitn(2, ['e', 'E']);
    let (Some(number), Some(power)) = (parts.next(), parts.next()) else {
        return false;
    };
    let is_digit = |c: char| c.is_ascii_digit();
    number.starts_with(is_digit)
        && number.chars().all(|c| is_digit(c) || matches!(c, '.' | ','))
        && power.trim_start_matches('+').chars().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CountryCode;

    #[test]
    fn a_number_is_read_as_it_is_dialled_and_as_it_is_written() {
        for (country, text, digits) in [
            (Some("id"), "0812 3456 789", "628123456789"),
            (Some("ID"), "812-3456-789", "628123456789"),
            (Some("ID"), "+62 812 3456 789", "628123456789"),
            (Some("ID"), "628123456789", "628123456789"),
            (Some("ID"), "628123456789.0", "628123456789"),
            (Some("MY"), "00 62 812 3456 789", "628123456789"),
            (Some("MY"), "628123456789", "628123456789"),
            (Some("MY"), "012-345 6789", "60123456789"),
            (None, "628123456789", "628123456789"),
            (Some("US"), "(650) 253-0000", "16502530000"),
            (Some("BR"), "(51) 98765-4321", "5551987654321"),
            (Some("MX"), "55 1234 5678", "525512345678"),
            // As WhatsApp writes them.
            (None, "+5215512345678", "5215512345678"),
            (None, "+555187654321", "555187654321"),
            (Some("AE"), "050 123 4567", "971501234567"),
            (None, "(+62) 812 1200003", "628121200003"),
            (Some("MY"), "( +62 ) 812-1200003", "628121200003"),
            (None, "(0062) 812 1200003", "628121200003"),
            (None, "\u{202a}+62 812 1200003\u{202c}", "628121200003"),
            (None, "+44 (0)20 7946 0958", "442079460958"),
        ] {
            let country = country.map(|code| code.parse().unwrap());
            let read = read(text, country).map(|alias| alias.value.to_string());
            assert_eq!(read.as_deref(), Ok(digits), "{country:?} {text}");
        }
    }

    #[test]
    fn the_own_number_of_a_business_tells_its_country() {
        for (number, country) in [
            ("+62 812-3456-789", Some("ID")),
            ("1 650 253 0000", Some("US")),
            ("1 555 071 0000", None),
            ("+44 20 7946 0958", Some("GB")),
            ("", None),
            ("+999 1234", None),
        ] {
            let found = Country::of_number(number).map(String::from);
            assert_eq!(found.as_deref(), country, "{number}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_from_one_without_a_country() {
        for (country, text, problem) in [
            (Some("ID"), "6.28123E+11", PhoneProblem::Shortened),
            (Some("ID"), "6,28E11", PhoneProblem::Shortened),
            (None, "0812 3456 789", PhoneProblem::NoCountry),
            (Some("ID"), "0812", PhoneProblem::Invalid),
            (Some("ID"), "", PhoneProblem::Invalid),
            (Some("ID"), "no number", PhoneProblem::Invalid),
            (Some("ID"), "08123456789O", PhoneProblem::Invalid),
            (Some("ID"), "+62812345671O3", PhoneProblem::Invalid),
            (Some("ID"), "0812 345 67l02", PhoneProblem::Invalid),
            (Some("ID"), "0812345676666;0812345677777", PhoneProblem::Invalid),
            (Some("ID"), "0812345676666 / 0812345677777", PhoneProblem::Invalid),
            (Some("ID"), "0812 3456 789 ext 12", PhoneProblem::Invalid),
            (Some("US"), "+1 555", PhoneProblem::Invalid),
            (Some("US"), "123456789012345678", PhoneProblem::Invalid),
            (Some("US"), &"1".repeat(1_000), PhoneProblem::Invalid),
        ] {
            let country = country.map(|code| code.parse().unwrap());
            assert_eq!(read(text, country), Err(problem), "{country:?} {text}");
        }
        for bad in ["", "I", "IDN", "12", "XX"] {
            assert!(bad.parse::<Country>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_table_of_calling_codes_agrees_with_the_numbering_plans() {
        let code_of = |country: &str| {
            let id: Id = country.parse().ok()?;
            let metadata = phonenumber::metadata::DATABASE.by_id(id.as_ref())?;
            Some(metadata.country_code().to_string())
        };
        let letters = || 'A'..='Z';
        let countries = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
        let known: Vec<(String, String)> = countries
            .filter_map(|country| code_of(&country).map(|code| (country, code)))
            .collect();
        assert!(known.len() > 240, "{}", known.len());
        for (country, code) in known {
            let found = CountryCode::of_phone(&code).unwrap();
            assert_eq!(code_of(&found.to_string()), Some(code), "{country}");
        }
    }
}
