//! What callers call things: tenants, numbers, keys, agents, labels. It ends in logs, in terminals and on pages, so it stays on
//! its line and in its direction.

use serde::Deserialize;

use crate::domain::display_name::{is_one_line, shows, without_hidden};

/// A name of at most this many characters, without spaces around it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Name<const LONGEST: usize>(String);

impl<const LONGEST: usize> Name<LONGEST> {
    /// The name.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl<const LONGEST: usize> TryFrom<String> for Name<LONGEST> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = without_hidden(&text);
        let text = text.trim();
        if (1..=LONGEST).contains(&text.chars().count()) && is_one_line(text) && shows(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "must be 1 to {LONGEST} characters on one line, some of which show, without control characters"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_letters_of_any_script() {
        let name = |text: &str| Name::<10>::try_from(text.to_owned()).map(Name::into_text);
        for (good, kept) in [
            ("Ana", "Ana"),
            (" Ana K ", "Ana K"),
            ("يارا", "يارا"),
            ("ⵣ🌱", "ⵣ🌱"),
            ("A\u{200b}na\u{e0041}", "Ana"),
        ] {
            assert_eq!(name(good).as_deref(), Ok(kept));
        }
        for bad in [
            "",
            "  ",
            "12345678901",
            "a\nb",
            "a\tb",
            "\u{1b}[31m",
            "a\u{7}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "\u{200b}",
            "\u{200d}\u{fe0f}",
            "\u{3164}",
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
