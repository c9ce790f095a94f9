//! What became of a message's file.

use serde::Serialize;

use super::Batch;
use crate::domain::{EventKind, MessageId, MessageMedia};
use crate::store::error::StoreError;
use crate::store::op::{MediaChange, OpOutcome};

#[derive(Serialize)]
struct Told<'a> {
    message_id: MessageId,
    media: &'a MessageMedia,
}

/// Shows it with its message and tells agents; nothing where the message is gone, was taken back or shows another file.
pub(super) fn media(batch: &mut Batch<'_>, change: &MediaChange) -> Result<OpOutcome, StoreError> {
    let Some(mut message) = batch.rows.message(change.at)? else {
        return Ok(OpOutcome::Unchanged);
    };
    let Some(shown) = message.shown_media_mut(change.media.media_id) else {
        return Ok(OpOutcome::Unchanged);
    };
    if *shown == change.media {
        return Ok(OpOutcome::Unchanged);
    }
    shown.clone_from(&change.media);
    message.told.push(batch.next_seq());
    let expires = batch.retention.expiry(message.created);
    batch.rows.put_message(&message, expires)?;
    let told = Told {
        message_id: message.id,
        media: &change.media,
    };
    let seq = batch.emit_until(expires, EventKind::Media, Some(message.conversation_id), &told)?;
    Ok(OpOutcome::Committed {
        seq,
        at: Some(change.at),
        queued: None,
    })
}
