//! What the targets in `fuzz/` reach of this layer. Compiled with `--cfg fuzzing` alone, so that the product has no such door.

use std::collections::BTreeMap;

use super::encoding::ToUtf8;
pub use super::records::LONGEST_RECORD;
use super::records::{Format, Place, Record, Records, Separator};
use super::rows::Reading;

/// A file's text, which came in pieces of this size.
pub fn to_utf8(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut to_utf8, mut text) = (ToUtf8::default(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        to_utf8.push(piece, &mut text);
    }
    to_utf8.finish(&mut text);
    text
}

/// All records of a text, each also read for what it says.
pub fn read_all(text: &[u8]) -> Vec<Record> {
    let (format, separator) = (Format::of(text), Separator::of(text));
    let mut records = Records::new(text, format, separator, Vec::new(), Place::START);
    let reading = Reading {
        fields: ["phone", "name", "label"]
            .iter()
            .filter_map(|field| field.parse().ok())
            .collect(),
        attributes: BTreeMap::new(),
        ..Reading::default()
    };
    let mut all = Vec::new();
    while let Ok(Some(next)) = records.read_next() {
        if let Ok(record) = next {
            let _read = reading.row(&record, format);
            all.push(record);
        }
    }
    all
}
