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

/// A text without characters of which nothing shows and that change nothing beside them: two names that look alike are one.
pub fn without_hidden(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_hidden(kept.chars().next_back(), c) {
            kept.push(c);
        }
    }
    kept
}

/// Whether a character is not seen behind another one.
fn is_hidden(before: Option<char>, c: char) -> bool {
    // Joiners and selectors form what they follow in scripts that join, and in emoji; never in Latin, Greek or Cyrillic.
    let forms_nothing = |joiner: bool| {
        before.is_none_or(|before| {
            let western = before < '\u{590}' || matches!(before, '\u{1e00}'..='\u{1fff}');
            (western && (joiner || before.is_alphabetic())) || (joiner && is_joiner(before))
        })
    };
    match c {
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        _ if is_joiner(c) => forms_nothing(true),
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => forms_nothing(false),
        // Flags of parts of countries are a black flag and tags.
        '\u{e0000}'..='\u{e007f}' => {
            !before.is_some_and(|before| matches!(before, '\u{1f3f4}' | '\u{e0020}'..='\u{e007f}'))
        }
        _ => false,
    }
}

const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Characters of a name that somebody outside chose. WhatsApp's own have 25; the rest of a longer one is left out, since it
/// stands in every list and event.
const LONGEST: usize = 128;

/// A name that somebody outside chose, without what would leave its line or is not seen; `None` when nothing of it shows.
pub fn display_name(text: &str) -> Option<Arc<str>> {
    let kept: String = text.chars().filter(|c| !leaves_line(*c)).take(LONGEST).collect();
    let kept = without_hidden(&kept);
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
            (&"a".repeat(100_000), Some("a".repeat(LONGEST).as_str())),
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
            ("A\u{200b}na", Some("Ana")),
            ("A\u{200d}n\u{200c}a\u{fe0f}", Some("Ana")),
            ("\u{feff}Ana\u{e0041}\u{e007f}", Some("Ana")),
            ("An\u{ad}a\u{200f}", Some("Ana")),
            ("می\u{200c}\u{200c}خواهم", Some("می\u{200c}خواهم")),
            ("क्\u{200d}ष", Some("क्\u{200d}ष")),
            ("1\u{fe0f}\u{20e3} ©\u{fe0f}", Some("1\u{fe0f}\u{20e3} ©\u{fe0f}")),
            (
                "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} FC",
                Some("\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} FC"),
            ),
        ] {
            assert_eq!(display_name(given).as_deref(), kept, "{given:?}");
        }
    }
}
