//! Whether a text is one emoji, by the grammar of Unicode's technical standard 51: possible emoji.

use std::iter::Peekable;
use std::str::Chars;

use unicode_properties::UnicodeEmoji as _;

const JOINER: char = '\u{200d}';
const PRESENTATION: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const TAGS: std::ops::RangeInclusive<char> = '\u{e0020}'..='\u{e007e}';
const END_OF_TAGS: char = '\u{e007f}';
const SKINS: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';
const REGIONS: std::ops::RangeInclusive<char> = '\u{1f1e6}'..='\u{1f1ff}';

/// Whether a text is one emoji and nothing else.
pub(super) fn is_one(text: &str) -> bool {
    let mut left = text.chars().peekable();
    loop {
        if !element(&mut left) {
            return false;
        }
        match left.next() {
            None => return true,
            Some(JOINER) => {}
            Some(_) => return false,
        }
    }
}

/// Takes a flag, a keycap, or a picture with what changes its looks.
fn element(left: &mut Peekable<Chars<'_>>) -> bool {
    let Some(first) = left.next() else {
        return false;
    };
    if REGIONS.contains(&first) {
        return left.next().is_some_and(|second| REGIONS.contains(&second));
    }
    if first.is_ascii() {
        left.next_if_eq(&PRESENTATION);
        return matches!(first, '0'..='9' | '#' | '*') && left.next_if_eq(&KEYCAP).is_some();
    }
    if !first.is_emoji_char() || SKINS.contains(&first) {
        return false;
    }
    if left.next_if(|next| SKINS.contains(next)).is_none() {
        left.next_if_eq(&PRESENTATION);
    }
    if left.next_if(|next| TAGS.contains(next)).is_some() {
        while left.next_if(|next| TAGS.contains(next)).is_some() {}
        return left.next_if_eq(&END_OF_TAGS).is_some();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_of_every_make_are_told_from_letters_digits_and_words() {
        for emoji in [
            "😀",
            "❤️",
            "❤",
            "ℹ️",
            "🅿️",
            "Ⓜ️",
            "🅰️",
            "1️⃣",
            "#️⃣",
            "👍🏽",
            "👩‍👩‍👧‍👦",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "🇮🇩",
            "🧑🏿‍🚀",
            "©️",
            "🏳️‍🌈",
        ] {
            assert!(is_one(emoji), "{emoji}");
        }
        for other in [
            "1", "!?", "#", "*", "a", "é", "lol", "😀😀", "😀!", " 😀", "🇮", "🏽", "\u{200d}", "👩‍",
            "\u{fe0f}",
        ] {
            assert!(!is_one(other), "{other}");
        }
    }
}
