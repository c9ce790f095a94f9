//! Imported messages that do not say in which thread they stand: pictures, films and documents that the business sent come
//! by themselves, before or after what stands for them in the thread.
//!
//! One that comes before is told to agents for what it is. The event keeps what it says until its place is known.

use serde::Deserialize;

use super::Batch;
use super::known::is_taken_back;
use crate::domain::{
    Content, ContentKind, ConversationId, EventKind, MessageId, Seq, Timestamp, Wamid, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Receive};
use crate::store::row::{MessageRef, Seen};

/// Whether it stands for a picture, a film or a document that is told by itself.
pub(super) fn is_placeholder(kind: &ContentKind) -> bool {
    kind.as_str() == "media_placeholder"
}

/// Tells a message whose thread nobody knows, once. Its id stays free for what says where it belongs.
pub(super) fn tell(batch: &mut Batch<'_>, receive: &Receive) -> Result<OpOutcome, StoreError> {
    let once = key_of(&receive.wamid);
    if batch.rows.seen(once)?.is_some() || is_taken_back(batch, &receive.wamid)? {
        return Ok(OpOutcome::Duplicate { at: None });
    }
    let value = receive.content.json();
    let data = serde_json::json!({ "field": "history", "number": receive.number, "part": "messages", "value": value });
    let seq = batch.emit(EventKind::Meta, None, &data)?;
    // It has no place in history: its position in the ledger is noted as one.
    let told = MessageRef {
        conversation: ConversationId::from_bytes([0; 16]),
        message: MessageId::new(Timestamp::default(), 0, seq.get()),
    };
    batch.put_seen(once, Seen { at: Some(told) }, batch.now)?;
    Ok(OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    })
}

/// The position at which a message was told before its thread was known.
pub(super) fn told(batch: &mut Batch<'_>, wamid: &Wamid) -> Result<Option<Seq>, StoreError> {
    let seen = batch.rows.seen(key_of(wamid))?.and_then(|seen| seen.at);
    let position = |at: MessageRef| at.message.as_bytes().last_chunk::<8>().copied();
    Ok(seen
        .and_then(position)
        .map(|bytes| Seq::new(u64::from_be_bytes(bytes))))
}

/// What was told there, if that can still be read.
pub(super) fn said(batch: &mut Batch<'_>, at: Seq) -> Result<Option<Content>, StoreError> {
    #[derive(Deserialize)]
    struct Told {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        value: Content,
    }
    let event = batch
        .rows
        .event(at)?
        .filter(|event| event.kind == EventKind::Meta);
    let told = event.and_then(|event| serde_json::from_slice(&event.json).ok());
    Ok(told.map(|Told { data }| data.value))
}

fn key_of(wamid: &Wamid) -> WamidHash {
    WamidHash::of_other("unplaced", &[wamid.as_str().as_bytes()])
}
