//! Mends escapes that are valid JSON to some writers and to no reader: half of a surrogate pair.
//!
//! Non-ASCII text may arrive as UTF-8 or as `\uXXXX`. Where a text was cut inside an emoji, a lone half remains, at which
//! strict readers, ours and our callers', refuse the whole document.

use std::borrow::Cow;

/// Bytes of one escape: `\uXXXX`.
const ESCAPE: usize = 6;

/// The text with each lone half of a surrogate pair replaced by U+FFFD; borrowed when there is none.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        let Some(unit) = escaped_unit(bytes, at) else {
            // Any other escape: the backslash and what it escapes.
            at += 2;
            continue;
        };
        let pair = is_high(unit) && escaped_unit(bytes, at + ESCAPE).is_some_and(is_low);
        if pair {
            at += 2 * ESCAPE;
            continue;
        }
        if is_high(unit) || is_low(unit) {
            mended.push_str(text.get(copied..at).unwrap_or_default());
            mended.push_str("\\ufffd");
            copied = at + ESCAPE;
        }
        at += ESCAPE;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(mended)
}

fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + ESCAPE)?;
    let digits = escape.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0_u16, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | u16::try_from(digit).ok()?)
    })
}

const fn is_high(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

const fn is_low(unit: u16) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lone_halves_are_replaced_and_pairs_kept() {
        let cases = [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""cut \ud83d""#, r#""cut \ufffd""#),
            (r#""\ude00 cut""#, r#""\ufffd cut""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\uD83D x \u00e4""#, r#""\ufffd x \u00e4""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\ud83"#, r#""\ud83"#),
            (r"\", r"\"),
        ];
        for (text, expected) in cases {
            assert_eq!(mend(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_mended_can_be_read(units in proptest::collection::vec(any::<u16>(), 0..40)) {
            let mut text = String::from("\"");
            for unit in &units {
                text.push_str(&format!("\\u{unit:04x}"));
            }
            text.push('"');
            let read: String = serde_json::from_str(&mend(&text)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn garbage_is_left_in_peace(text in "[\\\\u0-9d-f\"é]{0,60}") {
            let _ = mend(&text);
        }
    }
}
