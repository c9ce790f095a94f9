//! A person's own phone number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number with its country's code: `+` and digits (E.164).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "a phone number with its country's code, such as +62 812 3456 789";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim().strip_prefix('+').ok_or(Self::RULE)?;
        let is_clean = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '.');
        let kept: String = digits.chars().filter(char::is_ascii_digit).collect();
        if digits.chars().all(is_clean) && (7..=15).contains(&kept.len()) && !kept.starts_with('0') {
            Ok(Self(format!("+{kept}")))
        } else {
            Err(Self::RULE)
        }
    }
}

impl TryFrom<String> for Phone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|rule| format!("must be {rule}"))
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

/// Personal data does not belong into logs.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for (text, kept) in [
            ("+62 812-3456 (789)", Some("+628123456789")),
            (" +1.202.555.0123 ", Some("+12025550123")),
            ("0812 3456 789", None),
            ("+0812 3456 789", None),
            ("+62 812", None),
            ("+62 812 3456 789 x1", None),
            ("+1234567890123456", None),
            ("", None),
        ] {
            let parsed = text.parse::<Phone>().ok();
            assert_eq!(parsed.as_ref().map(Phone::as_str), kept, "{text}");
        }
        assert_eq!(
            format!("{:?}", "+628123456789".parse::<Phone>().unwrap()),
            "Phone"
        );
    }
}
