//! Whether what is noted of Meta's id of a message may be believed: the message has to be there, or gone for a reason.
//!
//! Rows go by a clock, and a clock can be wrong. A message that was removed before its time is taken again when Meta repeats
//! it. One whose time is over, that was taken back or whose customer was erased is not: Meta's repetition must not bring it back.

use super::Batch;
use crate::domain::{Wamid, WamidHash};
use crate::store::error::StoreError;
use crate::store::row::Seen;

/// What is noted of Meta's id; nothing when the message that it leads to is lost.
pub(super) fn known(batch: &mut Batch<'_>, wamid: &Wamid) -> Result<Option<Seen>, StoreError> {
    let seen = batch.rows.seen(WamidHash::of(wamid))?;
    let Some(at) = seen.and_then(|seen| seen.at) else {
        return Ok(seen);
    };
    let is_there = batch.rows.message(at)?.is_some();
    if is_there || batch.retention.expiry(at.message.timestamp()) <= batch.now {
        return Ok(seen);
    }
    // A customer is erased with the conversation.
    let was_erased = batch.rows.conversation(at.conversation)?.is_none();
    let is_believed = was_erased || is_taken_back(batch, wamid)?;
    Ok(seen.filter(|_| is_believed))
}

/// Notes that a message was taken back, for longer than the message itself says so.
pub(super) fn note_taken_back(batch: &mut Batch<'_>, wamid: &Wamid) -> Result<(), StoreError> {
    let until = batch.retention.expiry(batch.now);
    batch.put_seen(taken_back(wamid), Seen { at: None }, until)
}

/// Whether that is noted of a message.
pub(super) fn is_taken_back(batch: &mut Batch<'_>, wamid: &Wamid) -> Result<bool, StoreError> {
    Ok(batch.rows.seen(taken_back(wamid))?.is_some())
}

/// Under this key the seen-index tells of a message that was taken back.
fn taken_back(wamid: &Wamid) -> WamidHash {
    WamidHash::of_other("taken back", &[wamid.as_str().as_bytes()])
}
