//! What people and things are called, as pages, terminals and logs show it: on its line, in its direction, and not empty.

use std::sync::Arc;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Letters and signs by their category of which nothing shows.
const BLANK: [char; 6] = [
    '\u{34f}', '\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}',
];

/// Whether a text begins no other line, moves no cursor and turns no direction that it does not turn back.
pub fn is_one_line(text: &str) -> bool {
    !text.chars().any(leaves_line)
}

/// Whether anything of a text shows. What joins or forms other characters does not by itself.
pub fn shows(text: &str) -> bool {
    text.chars().any(|c| {
        let is_blank = matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::SpaceSeparator
        );
        let is_selector = matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
        !is_blank && !is_selector && !BLANK.contains(&c)
    })
}

/// A name that somebody outside chose, without what would leave its line; `None` when nothing of it shows.
pub fn display_name(text: &str) -> Option<Arc<str>> {
    let kept: String = text.chars().filter(|c| !leaves_line(*c)).collect();
    let kept = kept.trim();
    shows(kept).then(|| kept.into())
}

fn leaves_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_others_keeps_to_its_line_and_is_none_when_nothing_of_it_shows() {
        for (given, kept) in [
            ("Ana", Some("Ana")),
            (" Ana\tK\u{202e} ", Some("AnaK")),
            ("a\u{2066}b\u{2069}", Some("ab")),
            ("نمی\u{200c}خواهم", Some("نمی\u{200c}خواهم")),
            ("👩\u{200d}👧", Some("👩\u{200d}👧")),
            ("❤\u{fe0f}", Some("❤\u{fe0f}")),
            ("", None),
            (" \u{a0}\u{3000}", None),
            ("\u{200b}\u{200d}\u{2060}\u{feff}", None),
            ("\u{202e}\u{200f}", None),
            ("\u{ad}\u{fe0f}", None),
            ("\u{3164}\u{2800}", None),
            ("\u{e0041}", None),
        ] {
            assert_eq!(display_name(given).as_deref(), kept, "{given:?}");
        }
    }
}
