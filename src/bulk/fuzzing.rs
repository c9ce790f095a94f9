//! What the targets in `fuzz/` reach of this layer. Compiled with `--cfg fuzzing` alone, so that the product has no such door.

use std::collections::BTreeMap;

use super::encoding::ToUtf8;
use super::records::{Format, Records, Separator};
pub use super::records::{LONGEST_RECORD, Place, Record};
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

/// The columns: a row may be wider than these.
const COLUMNS: [&str; 3] = ["phone", "name", "label"];

/// All records of a text from a place on, each also read for what it says, and where reading goes on behind it.
pub fn read_all(text: &[u8], from: Place) -> Vec<(Record, Place)> {
    let (format, separator) = (Format::of(text), Separator::of(text));
    let rest = usize::try_from(from.byte).ok().and_then(|byte| text.get(byte..));
    let columns = COLUMNS.map(str::to_owned).into();
    let mut records = Records::new(rest.unwrap_or_default(), format, separator, columns, from);
    let reading = Reading {
        fields: COLUMNS.iter().filter_map(|field| field.parse().ok()).collect(),
        attributes: BTreeMap::new(),
        ..Reading::default()
    };
    let mut all = Vec::new();
    while let Ok(Some(next)) = records.read_next() {
        if let Ok(record) = next {
            let _read = reading.row(&record, format);
            all.push((record, records.place()));
        }
    }
    all
}
