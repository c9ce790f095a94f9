//! What a commit writes: the rows in the form in which the commit record keeps them until they are surely written.

#[cfg(test)]
mod format;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::keys::Class;
use super::terms::TermRow;
use crate::domain::{
    BroadcastTally, Contact, ContactId, Conversation, ConversationId, Event, EventKind, Message, MessageId,
    PhoneNumberId, Seq, Timestamp, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::retention::RetentionJob;
use crate::store::row::{Idempotency, MessageRef, OutboxRow, Seen};

/// One row written or removed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    /// A conversation, with the time until which its preview may be read.
    Conversation {
        row: Box<Conversation>,
        preview_until: Option<Timestamp>,
    },
    DropConversation(ConversationId),
    /// A message.
    Message {
        row: Box<Message>,
        expires: Timestamp,
    },
    /// A message, from the table of one class.
    DropMessage {
        at: MessageRef,
        class: i8,
    },
    /// The newest messages of one partition down to one of them; all of it, and its place in the list, when none is named.
    DropMessages {
        conversation: ConversationId,
        bucket: i32,
        class: i8,
        down_to: Option<MessageId>,
    },
    /// The list of a conversation's partitions.
    DropBuckets(ConversationId),
    /// Something that happened once.
    Seen {
        key: WamidHash,
        row: Seen,
        expires: Timestamp,
    },
    Contact(Box<Contact>),
    /// Where a contact stands no more, and where it stands since.
    Terms {
        contact: ContactId,
        removed: Vec<TermRow>,
        added: Vec<TermRow>,
    },
    DropContact(ContactId),
    /// What belongs to a contact.
    DropBelongings(ContactId),
    Alias {
        key: [u8; 16],
        contact: ContactId,
    },
    DropAlias([u8; 16]),
    Idempotency {
        key: [u8; 16],
        row: Idempotency,
        expires: Timestamp,
    },
    Outbox(Box<OutboxRow>),
    DropOutbox {
        number: PhoneNumberId,
        message: MessageId,
    },
    /// How many recipients of a broadcast came to what.
    Tally {
        row: Box<BroadcastTally>,
        expires: Timestamp,
    },
    Event(Box<EventRow>),
    /// A change of retention, as far as it is with this commit.
    Retention(Box<RetentionJob>),
}

/// An event as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventRow {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    pub(super) conversation: Option<ConversationId>,
    pub(super) expires: Timestamp,
    pub(super) json: Box<RawValue>,
}

impl EventRow {
    /// An event that may be read until a time.
    pub(super) fn new(event: &Event, expires: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            seq: event.seq,
            at: event.at,
            kind: event.kind,
            conversation: event.conversation,
            expires,
            json: parse(&event.json)?,
        })
    }

    /// The event.
    pub(super) fn event(&self) -> Event {
        Event {
            seq: self.seq,
            at: self.at,
            kind: self.kind,
            conversation: self.conversation,
            json: Bytes::copy_from_slice(self.json.get().as_bytes()),
        }
    }
}

/// The last commit's rows: written again by whoever takes over, in case the last owner did not come to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Redo {
    /// The commit's number.
    pub(super) stamp: i64,
    /// The commit's time.
    pub(super) now: Timestamp,
    /// What it writes.
    pub(super) changes: Vec<Change>,
}

/// How a record begins that is compressed: no JSON does. What older programs wrote is JSON as it is.
const COMPRESSED: u8 = 1;
/// The largest record, unpacked, that is believed: a thousand times what a batch may hold would be a broken length.
const LARGEST: usize = 1_024 * 1_024 * 1_024;

impl Redo {
    /// The record: it says many things twice or more, so it is compressed (LZ4 block format, behind its length).
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let json = serde_json::to_vec(self).map_err(|error| StoreError::corrupt("commit", error))?;
        let packed = lz4_flex::block::compress_prepend_size(&json);
        let mut stored = Vec::with_capacity(packed.len() + 1);
        stored.push(COMPRESSED);
        stored.extend_from_slice(&packed);
        Ok(stored)
    }

    /// `None` when the ledger has no commit yet.
    pub(super) fn decode(stored: &[u8]) -> Result<Option<Self>, StoreError> {
        match stored {
            [] => Ok(None),
            [COMPRESSED, packed @ ..] => {
                let (size, _) = lz4_flex::block::uncompressed_size(packed)
                    .map_err(|error| StoreError::corrupt("commit", error))?;
                if size > LARGEST {
                    return Err(StoreError::corrupt("commit", "longer than any batch"));
                }
                let json = lz4_flex::block::decompress_size_prepended(packed)
                    .map_err(|error| StoreError::corrupt("commit", error))?;
                parse(&json).map(Some)
            }
            json => parse(json).map(Some),
        }
    }
}

/// An event as its columns tell it.
pub(super) fn event(
    (seq, at, kind, conversation, _expires, body): (i64, i64, i8, Bytes, i64, Bytes),
) -> Result<Event, StoreError> {
    let kind = EventKind::of_code(kind.cast_unsigned());
    let unknown = || StoreError::corrupt("event", "of an unknown kind");
    Ok(Event {
        seq: super::keys::seq_of(seq),
        at: Timestamp::from_millis(at),
        kind: kind.ok_or_else(unknown)?,
        conversation: optional_id(&conversation)?.map(ConversationId::from_bytes),
        json: body,
    })
}

/// The sixteen bytes of an id.
pub(super) fn id(stored: &[u8]) -> Result<[u8; 16], StoreError> {
    stored
        .try_into()
        .map_err(|_wrong| StoreError::corrupt("id", "not of 16 bytes"))
}

/// An id that may be absent: then no bytes stand there, since a null would be a tombstone.
pub(super) fn optional_id(stored: &[u8]) -> Result<Option<[u8; 16]>, StoreError> {
    if stored.is_empty() {
        Ok(None)
    } else {
        id(stored).map(Some)
    }
}

/// A number by its id.
pub(super) fn number(stored: &str) -> Result<PhoneNumberId, StoreError> {
    PhoneNumberId::parse(stored).map_err(|error| StoreError::corrupt("number", error))
}

/// A place that may be absent.
pub(super) fn optional_place(conversation: &[u8], message: &[u8]) -> Result<Option<MessageRef>, StoreError> {
    Ok(match (optional_id(conversation)?, optional_id(message)?) {
        (Some(conversation), Some(message)) => Some(MessageRef {
            conversation: ConversationId::from_bytes(conversation),
            message: MessageId::from_bytes(message),
        }),
        _ => None,
    })
}

/// Writes a row as JSON.
pub(super) fn json(row: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row).map_err(|error| StoreError::corrupt("row", error))
}

/// Reads a row that was written as JSON. The error tells where it ends to make sense, and quotes nothing.
pub(super) fn parse<'a, T: Deserialize<'a>>(stored: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(stored).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        StoreError::corrupt("row", place)
    })
}

/// The class that a code stands for.
pub(super) fn class(code: i8) -> Result<Class, StoreError> {
    Class::of_code(code).ok_or_else(|| StoreError::corrupt("class", "unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redo() -> Redo {
        Redo {
            stamp: 7,
            now: Timestamp::from_millis(1_000),
            changes: vec![
                Change::DropAlias([3; 16]),
                Change::DropContact(ContactId::from_bytes([4; 16])),
            ],
        }
    }

    fn read(stored: &[u8]) -> String {
        format!("{:?}", Redo::decode(stored).unwrap().unwrap())
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        assert_eq!(read(&redo().encode().unwrap()), format!("{:?}", redo()));
        assert!(Redo::decode(&[]).unwrap().is_none());
    }

    #[test]
    fn a_record_of_an_older_program_is_read() {
        let json = serde_json::to_vec(&redo()).unwrap();
        assert_eq!(read(&json), format!("{:?}", redo()));
    }

    #[test]
    fn a_broken_record_is_an_error() {
        let whole = redo().encode().unwrap();
        for end in 1..whole.len() {
            assert!(Redo::decode(&whole[..end]).is_err(), "cut off at {end}");
        }
        assert!(
            Redo::decode(&[1, 255, 255, 255, 255, 0]).is_err(),
            "a length beyond belief"
        );
    }
}
