//! How rows are written down: a format byte, the expiry, and the row.
//!
//! The expiry stands outside the row, so that readers, sweeps and compaction see it without decoding anything.

use bytes::Bytes;
use fjall::Slice;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{ConversationId, Epoch, Event, EventKind, Fence, Seq, Timestamp};
use crate::store::error::StoreError;

/// The only format so far. Another one gets another number, and both are read.
const FORMAT: u8 = 1;
const HEADER: usize = 9;

/// The expiry of rows that do not expire by themselves.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

fn header(expires: Timestamp, room: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER + room);
    value.push(FORMAT);
    value.extend_from_slice(&expires.as_millis().to_be_bytes());
    value
}

/// Until when a stored value may be read.
pub(super) fn expires(value: &[u8]) -> Result<Timestamp, StoreError> {
    split(value).map(|(expires, _)| expires)
}

fn split(value: &[u8]) -> Result<(Timestamp, &[u8]), StoreError> {
    match value.split_first_chunk::<HEADER>() {
        Some(([FORMAT, expires @ ..], body)) => {
            Ok((Timestamp::from_millis(i64::from_be_bytes(*expires)), body))
        }
        Some(_) => Err(StoreError::corrupt("row", "written in an unknown format")),
        None => Err(StoreError::corrupt("row", "too short")),
    }
}

/// The row in a value, unless its time is over.
pub(super) fn live(value: &[u8], now: Timestamp) -> Result<Option<&[u8]>, StoreError> {
    let (expires, body) = split(value)?;
    Ok((now < expires).then_some(body))
}

/// The row in a value, whatever the time.
pub(super) fn body(value: &[u8]) -> Result<&[u8], StoreError> {
    split(value).map(|(_, body)| body)
}

/// Writes raw bytes.
pub(super) fn bytes(expires: Timestamp, body: &[u8]) -> Slice {
    let mut value = header(expires, body.len());
    value.extend_from_slice(body);
    value.into()
}

/// What an entry of the index of expiries says: from when on its row is over.
pub(super) fn begins(expires: Timestamp) -> Slice {
    Slice::from(&expires.as_millis().to_be_bytes()[..])
}

/// Writes a row as JSON.
pub(super) fn json(expires: Timestamp, row: &impl Serialize) -> Result<Slice, StoreError> {
    let mut value = header(expires, 512);
    serde_json::to_writer(&mut value, row).map_err(|error| StoreError::corrupt("row", error))?;
    Ok(value.into())
}

/// Reads a row that was written as JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, StoreError> {
    // The error's own text may quote the row, which is personal data.
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("{:?} error at byte {}", error.classify(), error.column());
        StoreError::corrupt("row", place)
    })
}

/// Reads a value that was written as JSON, whatever the time.
pub(super) fn row<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    parse(body(value)?)
}

/// Reads a value that was written as JSON, unless its time is over.
pub(super) fn live_row<T: DeserializeOwned>(value: &[u8], now: Timestamp) -> Result<Option<T>, StoreError> {
    live(value, now)?.map(parse).transpose()
}

/// Writes an event: time, kind, whether it has a conversation, the conversation, and the JSON as the wire shows it.
pub(super) fn event(expires: Timestamp, event: &Event) -> Slice {
    let mut value = header(expires, 26 + event.json.len());
    value.extend_from_slice(&event.at.as_millis().to_be_bytes());
    value.push(event.kind.code());
    value.push(u8::from(event.conversation.is_some()));
    let conversation = event.conversation.map_or([0; 16], |id| *id.as_bytes());
    value.extend_from_slice(&conversation);
    value.extend_from_slice(&event.json);
    value.into()
}

/// Reads an event.
pub(super) fn parse_event(seq: Seq, body: &[u8]) -> Result<Event, StoreError> {
    let broken = || StoreError::corrupt("event", "too short or of an unknown kind");
    let (at, rest) = body.split_first_chunk::<8>().ok_or_else(broken)?;
    let ([kind, placed], rest) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
    let (conversation, json) = rest.split_first_chunk::<16>().ok_or_else(broken)?;
    Ok(Event {
        seq,
        at: Timestamp::from_millis(i64::from_be_bytes(*at)),
        kind: EventKind::of_code(*kind).ok_or_else(broken)?,
        conversation: (*placed == 1).then(|| ConversationId::from_bytes(*conversation)),
        json: Bytes::copy_from_slice(json),
    })
}

/// Where a ledger stands, who may write to it, and until when its newest event may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    pub(super) fence: Fence,
    pub(super) head: Seq,
    pub(super) events_until: Timestamp,
    /// The first position that may be read: what stands before it may have holes.
    pub(super) floor: Seq,
}

/// Writes a head.
pub(super) fn head(row: &Head) -> Slice {
    let mut value = header(NEVER, 40);
    for number in [row.epoch.get(), row.fence.get(), row.head.get()] {
        value.extend_from_slice(&number.to_be_bytes());
    }
    value.extend_from_slice(&row.events_until.as_millis().to_be_bytes());
    value.extend_from_slice(&row.floor.get().to_be_bytes());
    value.into()
}

/// Reads a head. Those of earlier versions have no floor.
pub(super) fn parse_head(body: &[u8]) -> Result<Head, StoreError> {
    let broken = || StoreError::corrupt("head", "too short");
    let (epoch, rest) = body.split_first_chunk::<8>().ok_or_else(broken)?;
    let (fence, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let (head, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let (until, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let floor = rest
        .first_chunk::<8>()
        .map_or(1, |bytes| u64::from_be_bytes(*bytes));
    Ok(Head {
        epoch: Epoch::new(u64::from_be_bytes(*epoch)),
        fence: Fence::new(u64::from_be_bytes(*fence)),
        head: Seq::new(u64::from_be_bytes(*head)),
        events_until: Timestamp::from_millis(i64::from_be_bytes(*until)),
        floor: Seq::new(floor),
    })
}
