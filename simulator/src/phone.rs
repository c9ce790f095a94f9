//! Phone numbers as WhatsApp knows them: digits with a country code.

use std::fmt;

/// An international number, without its `+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Phone(u64);

/// Country calling codes that the simulator knows, the longer first.
const COUNTRIES: [(&str, &str); 29] = [
    ("212", "MA"),
    ("213", "DZ"),
    ("216", "TN"),
    ("234", "NG"),
    ("254", "KE"),
    ("351", "PT"),
    ("966", "SA"),
    ("971", "AE"),
    ("972", "IL"),
    ("20", "EG"),
    ("27", "ZA"),
    ("31", "NL"),
    ("33", "FR"),
    ("34", "ES"),
    ("39", "IT"),
    ("44", "GB"),
    ("49", "DE"),
    ("52", "MX"),
    ("54", "AR"),
    ("55", "BR"),
    ("57", "CO"),
    ("60", "MY"),
    ("62", "ID"),
    ("65", "SG"),
    ("81", "JP"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("1", "US"),
];

impl Phone {
    /// Reads a number as people write it: `+`, spaces, dashes, dots and brackets are let through.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut value = 0_u64;
        let mut digits = 0_usize;
        for (position, letter) in text.trim().chars().enumerate() {
            match letter {
                '+' if position == 0 => {}
                ' ' | '-' | '.' | '(' | ')' | '\u{a0}' => {}
                '0'..='9' => {
                    let digit = letter.to_digit(10)?;
                    if digits == 0 && digit == 0 {
                        return None;
                    }
                    digits += 1;
                    value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
                }
                _ => return None,
            }
        }
        (7..=15).contains(&digits).then_some(Self(value))
    }

    /// The number under which WhatsApp knows a dialled one: it may differ in Brazil, Mexico and Argentina.
    pub(crate) fn whatsapp(self) -> Self {
        let text = self.0.to_string();
        let known = match text.split_at_checked(2) {
            Some(("52", rest)) if rest.len() == 10 => Some(format!("521{rest}")),
            Some(("54", rest)) if rest.len() == 10 => Some(format!("549{rest}")),
            Some(("55", rest)) => brazilian(rest),
            _ => None,
        };
        known.and_then(|known| known.parse().ok()).map_or(self, Self)
    }

    /// The country by ISO's two letters.
    pub(crate) fn country(self) -> &'static str {
        let text = self.0.to_string();
        COUNTRIES
            .iter()
            .find(|(code, _)| text.starts_with(code))
            .map_or("US", |(_, country)| country)
    }

    /// The digits as a number.
    pub(crate) const fn digits(self) -> u64 {
        self.0
    }
}

/// How WhatsApp knows a mobile phone of Brazil, if it was dialled in another way: those of the first areas got their ninth digit
/// before they came to WhatsApp, the others after.
fn brazilian(rest: &str) -> Option<String> {
    let (area, line) = rest.split_at_checked(2)?;
    let is_mobile = |line: &str| line.len() == 8 && line.starts_with(['6', '7', '8', '9']);
    match line.strip_prefix('9') {
        Some(old) if area >= "31" && is_mobile(old) => Some(format!("55{area}{old}")),
        _ if area < "31" && is_mobile(line) => Some(format!("55{area}9{line}")),
        _ => None,
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["+1 (650) 555-1234", "16505551234", " 1.650.555.1234 "] {
            assert_eq!(Phone::parse(text), Some(Phone(16_505_551_234)), "{text}");
        }
        for text in [
            "",
            "+",
            "0123456789",
            "12345",
            "1234567890123456",
            "US.1349120",
            "1650+5551234",
        ] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }

    #[test]
    fn some_are_known_under_another_number_in_whichever_form_they_are_dialled() {
        let known = |text| Phone::parse(text).unwrap().whatsapp().to_string();
        assert_eq!(known("+5551999991234"), "555199991234");
        assert_eq!(known("+555199991234"), "555199991234");
        assert_eq!(known("+5511999991234"), "5511999991234");
        assert_eq!(known("+551199991234"), "5511999991234");
        assert_eq!(known("+551132654321"), "551132654321");
        assert_eq!(known("+525512345678"), "5215512345678");
        assert_eq!(known("+5215512345678"), "5215512345678");
        assert_eq!(known("+541123456789"), "5491123456789");
        assert_eq!(known("+5491123456789"), "5491123456789");
        assert_eq!(known("+16505551234"), "16505551234");
    }

    #[test]
    fn the_country_follows_the_code() {
        assert_eq!(Phone::parse("+6281234567890").unwrap().country(), "ID");
        assert_eq!(Phone::parse("+16505551234").unwrap().country(), "US");
        assert_eq!(Phone::parse("+212612345678").unwrap().country(), "MA");
    }
}
