//! A start over a log in which anything may stand, for the targets in `fuzz/`. Compiled with `--cfg fuzzing` alone: the product
//! has no such door.

use std::io;
use std::path::Path;

use super::recover::Noted;
use super::{check, find, read, record, segment};
use crate::domain::JournalId;
use crate::store::fjall::Loss;
use crate::store::fjall::watermark::Watermark;
use crate::store::{JournalEntry, StoreError};

/// The first bytes of a segment.
pub const BEGINNING: &[u8] = segment::MAGIC;

/// The file that a segment stands in.
pub fn name(number: u64) -> String {
    segment::name(number)
}

/// Appends the record of a webhook.
pub fn put_entry(bytes: &mut Vec<u8>, entry: &JournalEntry) {
    record::put_entry(bytes, entry);
}

/// Appends the record of webhooks that were applied.
pub fn put_done(bytes: &mut Vec<u8>, ids: &[JournalId]) {
    record::put_done(bytes, ids);
}

/// Notes how many bytes of each segment were acknowledged.
pub fn note(watermark: &Path, lengths: &[(u64, u64)]) -> io::Result<()> {
    Watermark::open(watermark)?.note_durably(&Noted(lengths.to_vec()))
}

/// What a start finds open in a folder of segments, oldest first. What is damaged is mended on the way.
pub fn recover(folder: &Path, watermark: &Path, loss: Loss) -> Result<Vec<JournalEntry>, StoreError> {
    let checked = check(folder, watermark)?;
    match (loss, checked.refusal()) {
        (Loss::IsRefused, Some(refusal)) => return Err(refusal),
        (Loss::IsRefused, None) | (Loss::IsAcceptedAt(_), _) => {}
    }
    let mut index = checked.recover()?.index;
    let places: Vec<_> = index.open_after(None).collect();
    read(&find(&mut index, places)?)
}
