//! Bytes of a file, in whatever encoding a spreadsheet wrote it, to UTF-8.
//!
//! A byte order mark decides; without one the beginning does, and where that is all ASCII the first text that is not. What is held
//! until then is bounded. A byte that is no UTF-8 in a file that otherwise is stays as it is: the row that holds it is told.

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

/// Bytes that are looked at to tell one encoding from another.
const LOOKED_AT: usize = 64 << 10;
/// Bytes that are decoded at once.
const STEP: usize = 16 << 10;

/// A byte that no text in UTF-8 has.
const NO_TEXT: u8 = 0xFF;

/// How a file's text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Also ASCII.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Little-endian.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// Big-endian.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Western European.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What is known so far.
enum State {
    /// The beginning is waited for.
    Beginning(Vec<u8>),
    /// All was ASCII; what follows may not be, and begins with a byte that is not.
    Ascii(Vec<u8>),
    /// UTF-8: bytes pass as they are.
    Passing,
    /// Another: bytes are decoded.
    Decoding(Box<Decoder>, Encoding),
}

/// Turns a stream of bytes into UTF-8.
pub struct ToUtf8(State);

impl Default for ToUtf8 {
    fn default() -> Self {
        Self(State::Beginning(Vec::new()))
    }
}

impl ToUtf8 {
    /// Takes the next bytes and appends what is known of their text.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Beginning(held) => {
                held.extend_from_slice(bytes);
                if held.len() >= LOOKED_AT {
                    self.begin(out);
                }
            }
            State::Ascii(held) if held.is_empty() => {
                let plain = bytes
                    .iter()
                    .position(|byte| !byte.is_ascii())
                    .unwrap_or(bytes.len());
                let (ascii, rest) = bytes.split_at(plain);
                out.extend_from_slice(ascii);
                held.extend_from_slice(rest);
            }
            State::Ascii(held) => held.extend_from_slice(bytes),
            State::Passing => out.extend_from_slice(bytes),
            State::Decoding(decoder, _) => decode(decoder, bytes, Last::No, out),
        }
        if let State::Ascii(held) = &self.0
            && held.len() >= LOOKED_AT
        {
            self.decide(out);
        }
    }

    /// Ends the text; says how it was written.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Encoding {
        if matches!(self.0, State::Beginning(_)) {
            self.begin(out);
        }
        if matches!(self.0, State::Ascii(_)) {
            self.decide(out);
        }
        match self.0 {
            State::Decoding(mut decoder, encoding) => {
                decode(&mut decoder, &[], Last::Yes, out);
                encoding
            }
            State::Beginning(_) | State::Ascii(_) | State::Passing => Encoding::Utf8,
        }
    }

    /// Tells by a mark, or by where bytes are zero; else what is not ASCII decides.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let State::Beginning(held) = std::mem::replace(&mut self.0, State::Passing) else {
            return;
        };
        let (state, mark) = match held.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => (State::Passing, 3),
            [0xFF, 0xFE, ..] => (utf16(Encoding::Utf16Le), 2),
            [0xFE, 0xFF, ..] => (utf16(Encoding::Utf16Be), 2),
            bytes => match zeros(bytes) {
                Some(encoding) => (utf16(encoding), 0),
                None => (State::Ascii(Vec::new()), 0),
            },
        };
        self.0 = state;
        self.push(held.get(mark..).unwrap_or_default(), out);
    }

    /// What is held begins with the first byte that is not ASCII, if there is any.
    fn decide(&mut self, out: &mut Vec<u8>) {
        let State::Ascii(held) = std::mem::replace(&mut self.0, State::Passing) else {
            return;
        };
        if !is_utf8(&held) {
            let decoder = Box::new(WINDOWS_1252.new_decoder_without_bom_handling());
            self.0 = State::Decoding(decoder, Encoding::Windows1252);
        }
        self.push(&held, out);
    }
}

fn utf16(encoding: Encoding) -> State {
    let name = if encoding == Encoding::Utf16Le {
        UTF_16LE
    } else {
        UTF_16BE
    };
    State::Decoding(Box::new(name.new_decoder_without_bom_handling()), encoding)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

fn decode(decoder: &mut Decoder, bytes: &[u8], last: Last, out: &mut Vec<u8>) {
    let mut pieces = bytes.chunks(STEP).peekable();
    let mut text = String::new();
    loop {
        let piece = pieces.next().unwrap_or_default();
        let is_end = pieces.peek().is_none();
        let is_last = is_end && last == Last::Yes;
        let mut rest = piece;
        loop {
            text.clear();
            let most = decoder.max_utf8_buffer_length_without_replacement(rest.len());
            text.reserve(most.unwrap_or(STEP * 4));
            // There is room for all of it.
            let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, is_last);
            out.extend_from_slice(text.as_bytes());
            rest = rest.get(read..).unwrap_or_default();
            if !matches!(result, DecoderResult::Malformed(..)) {
                break;
            }
            // No text in any encoding: the row that holds it is told, as with a broken byte of UTF-8.
            out.push(NO_TEXT);
        }
        if is_end {
            return;
        }
    }
}

/// Mostly Latin text in UTF-16 is zero in every other byte.
fn zeros(bytes: &[u8]) -> Option<Encoding> {
    let zero = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (zero(0), zero(1));
    let many = bytes.len() / 8;
    if odd > many && odd > even * 4 {
        Some(Encoding::Utf16Le)
    } else if even > many && even > odd * 4 {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Whether more of what is not ASCII is UTF-8 than is not; a character that is cut off at the end does not count.
fn is_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    let is_cut = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none());
    bad == usize::from(is_cut) || good > bad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], step: usize) -> (Vec<u8>, Encoding) {
        let (mut to_utf8, mut out) = (ToUtf8::default(), Vec::new());
        for piece in bytes.chunks(step) {
            to_utf8.push(piece, &mut out);
        }
        let encoding = to_utf8.finish(&mut out);
        (out, encoding)
    }

    fn utf16(text: &str, mark: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let letters = text.encode_utf16().flat_map(order);
        mark.iter().copied().chain(letters).collect()
    }

    #[test]
    fn a_text_is_read_in_whatever_encoding_it_was_written() {
        let long_ago = "name,phone\n".repeat(9_000);
        for text in ["phone,name\n1,Zoë\n", "", "plain\n", &format!("{long_ago}Zoë\n")] {
            let (western, _, _) = WINDOWS_1252.encode(text);
            let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
            let is_ascii = text.is_ascii();
            let cases = [
                (text.as_bytes().to_vec(), Encoding::Utf8),
                (marked, Encoding::Utf8),
                (
                    western.to_vec(),
                    if is_ascii {
                        Encoding::Utf8
                    } else {
                        Encoding::Windows1252
                    },
                ),
                (utf16(text, b"\xFF\xFE", u16::to_le_bytes), Encoding::Utf16Le),
                (utf16(text, b"\xFE\xFF", u16::to_be_bytes), Encoding::Utf16Be),
            ];
            for (bytes, encoding) in cases {
                let steps: &[usize] = if text.len() > 1_000 {
                    &[999, 1 << 20]
                } else {
                    &[1, 2, 7, 1_000]
                };
                for step in steps.iter().copied() {
                    assert_eq!(decoded(&bytes, step), (text.as_bytes().to_vec(), encoding));
                }
            }
        }
        let unmarked = utf16("phone;name\n62812;Ana\n", b"", u16::to_le_bytes);
        assert_eq!(decoded(&unmarked, 3).1, Encoding::Utf16Le);
        let unmarked = utf16("phone;name\n62812;Ana\n", b"", u16::to_be_bytes);
        assert_eq!(decoded(&unmarked, 3).1, Encoding::Utf16Be);
    }

    #[test]
    fn one_broken_byte_does_not_make_a_file_western() {
        let bytes = [&b"Zo\xC3\xAB,\xC3\xA9\n"[..], &b"\xFF\n"[..]].concat();
        assert_eq!(decoded(&bytes, 4), (bytes.clone(), Encoding::Utf8));
        assert_eq!(decoded(b"Ana\xC3", 2).1, Encoding::Utf8);
    }

    #[test]
    fn what_is_cut_off_in_the_middle_of_a_letter_is_no_text() {
        let whole = utf16("1,x\n2,y🌱", b"\xFF\xFE", u16::to_le_bytes);
        for cut in [1, 2, 3] {
            let (text, encoding) = decoded(&whole[..whole.len() - cut], 3);
            assert_eq!(encoding, Encoding::Utf16Le);
            assert!(text.starts_with(b"1,x\n2,y\xFF"), "{cut}: {text:?}");
            assert!(
                !text.contains(&0xEF),
                "{cut}: no letter stands for what was cut off"
            );
        }
        let lone = [b"\xFF\xFE".as_slice(), &[0x00, 0xD8, b'a', 0]].concat();
        assert_eq!(decoded(&lone, 9).0, b"\xFFa");
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut to_utf8 = ToUtf8::default();
        let (mut out, mut pushed) = (Vec::new(), 0);
        for _ in 0..100 {
            to_utf8.push(&[b'a'; 10_000], &mut out);
            pushed += 10_000;
            assert!(pushed - out.len() <= LOOKED_AT + 10_000);
        }
        for _ in 0..100 {
            to_utf8.push("é".repeat(5_000).as_bytes(), &mut out);
            pushed += 10_000;
            assert!(pushed - out.len() <= LOOKED_AT + 10_000);
        }
    }
}
