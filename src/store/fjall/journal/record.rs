//! One record of a segment, as bytes.
//!
//! Numbers are little-endian. `length` and `sum` (CRC-32) are those of what follows them:
//!
//! | length | sum | kind | |
//! |---|---|---|---|
//! | u32 | u32 | `1` | id (16 bytes), time of arrival (i64, ms), body |
//! | u32 | u32 | `2` | ids of webhooks that were applied (16 bytes each) |

use crate::domain::{JournalId, Timestamp};
use crate::store::JournalEntry;

/// Bytes before the kind.
pub(super) const FRAME: usize = 8;
/// Bytes of a webhook's record before its body.
pub(super) const BEFORE_BODY: usize = FRAME + 1 + 16 + 8;
/// Kinds.
pub(super) const ENTRY: u8 = 1;
pub(super) const DONE: u8 = 2;

/// A record as it stands in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A webhook. Its body is where it says, counted from the record's beginning.
    Entry {
        id: JournalId,
        received: Timestamp,
        body_at: usize,
        body_length: usize,
    },
    /// Webhooks that were applied.
    Done(Vec<JournalId>),
}

/// Appends a webhook and says where its body begins in the buffer.
pub(super) fn put_entry(buffer: &mut Vec<u8>, entry: &JournalEntry) -> usize {
    let start = begin(buffer, ENTRY);
    buffer.extend_from_slice(entry.id.as_bytes());
    buffer.extend_from_slice(&entry.received.as_millis().to_le_bytes());
    buffer.extend_from_slice(&entry.body);
    end(buffer, start);
    start + BEFORE_BODY
}

/// Appends a mark.
pub(super) fn put_done(buffer: &mut Vec<u8>, ids: &[JournalId]) {
    let start = begin(buffer, DONE);
    for id in ids {
        buffer.extend_from_slice(id.as_bytes());
    }
    end(buffer, start);
}

fn begin(buffer: &mut Vec<u8>, kind: u8) -> usize {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; FRAME]);
    buffer.push(kind);
    start
}

fn end(buffer: &mut [u8], start: usize) {
    let Some((frame, rest)) = buffer
        .get_mut(start..)
        .and_then(|record| record.split_at_mut_checked(FRAME))
    else {
        return;
    };
    let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let sum = crc32fast::hash(rest);
    let both = length.to_le_bytes().into_iter().chain(sum.to_le_bytes());
    frame.iter_mut().zip(both).for_each(|(slot, byte)| *slot = byte);
}

/// Reads the first record and says how long it is. `None` when there is no whole one: a write that was cut off.
pub(super) fn read(bytes: &[u8]) -> Option<(Record, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let rest = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (kind, content) = rest.split_first()?;
    let record = match *kind {
        ENTRY => {
            let (id, content) = content.split_first_chunk::<16>()?;
            let (received, body) = content.split_first_chunk::<8>()?;
            Record::Entry {
                id: JournalId::from_bytes(*id),
                received: Timestamp::from_millis(i64::from_le_bytes(*received)),
                body_at: BEFORE_BODY,
                body_length: body.len(),
            }
        }
        DONE => {
            let (ids, []) = content.as_chunks::<16>() else {
                return None;
            };
            Record::Done(ids.iter().copied().map(JournalId::from_bytes).collect())
        }
        _ => return None,
    };
    Some((record, FRAME + rest.len()))
}
