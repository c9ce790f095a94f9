//! What happened in a tenant, as agents see it: numbered, encoded once, never changed.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::clock::Timestamp;
use super::ids::{ConversationId, Seq};

/// What an event is about. Where `conversation` stands below, an event has either that, the whole row, or
/// `conversation_changes`, what changed of it; and `contact` with a whole one, or when it changed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A message or note was added: `{message, conversation, contact?, member?}`.
    Message,
    /// What a message says changed (edited, or filled in): `{message, conversation, contact?, member?, instead_of?}`.
    MessageChanged,
    /// A message was taken back, and what it said is gone: `{message, conversation, contact?, member?}`.
    MessageRevoked,
    /// An outbound message moved: `{message_id, state, times, wamid?, error?, category?, biz_opaque_callback_data?}`.
    Status,
    /// A conversation changed (assignee, labels, status, read): `{conversation, by, contact?}`.
    Conversation,
    /// A contact changed (aliases, marketing, link): `{contact, changed, linked?, conversation?, instead_of?}`.
    Contact,
    /// A lane paused, slowed or resumed: `{number, state, reason, until?}`.
    Lane,
    /// Anything else that Meta said: `{field, number?, waba?, value}`.
    Meta,
    /// A message's file came, or cannot come: `{message_id, media}`.
    Media,
    /// How a broadcast goes, at most once a second: `{broadcast_id, numbers, run, counts, since}`. Its messages and what becomes of them
    /// make no events.
    Broadcast,
    /// What stood here was erased, and only its place is left; or, where it is new, a customer was: `{"seq","kind"}`, no data.
    Erased,
}

impl EventKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Message,
        Self::MessageChanged,
        Self::MessageRevoked,
        Self::Status,
        Self::Conversation,
        Self::Contact,
        Self::Lane,
        Self::Meta,
        Self::Media,
        Self::Broadcast,
        Self::Erased,
    ];

    /// Name used on the wire and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MessageChanged => "message_changed",
            Self::MessageRevoked => "message_revoked",
            Self::Status => "status",
            Self::Conversation => "conversation",
            Self::Contact => "contact",
            Self::Lane => "lane",
            Self::Meta => "meta",
            Self::Media => "media",
            Self::Broadcast => "broadcast",
            Self::Erased => "erased",
        }
    }

    /// The number under which stores write it down. It never changes, and none is used twice.
    pub const fn code(self) -> u8 {
        match self {
            Self::Message => 1,
            Self::Status => 2,
            Self::Conversation => 3,
            Self::Contact => 4,
            Self::Lane => 5,
            Self::Meta => 6,
            Self::Erased => 7,
            Self::MessageChanged => 8,
            Self::MessageRevoked => 9,
            Self::Media => 10,
            Self::Broadcast => 11,
        }
    }

    /// The kind that a number stands for.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// One committed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the ledger.
    pub seq: Seq,
    /// When it was committed.
    pub at: Timestamp,
    /// What it is about.
    pub kind: EventKind,
    /// The conversation, if it belongs to one.
    pub conversation: Option<ConversationId>,
    /// The whole event as the wire shows it: `{"seq","at","kind","conversation_id"?,"data"}`. Personal data.
    pub json: Bytes,
}

impl Event {
    /// Whether it tells that Meta took a message more than once. Within a JSON text the quotes would be escaped.
    pub fn tells_of_a_duplicate(&self) -> bool {
        self.kind == EventKind::Status && memchr::memmem::find(&self.json, br#""sent_twice":true"#).is_some()
    }

    /// Whether it tells in which category Meta counts a message, for the first time.
    pub fn tells_of_its_category(&self) -> bool {
        self.kind == EventKind::Status && memchr::memmem::find(&self.json, br#""priced":true"#).is_some()
    }

    /// What is left of an event after its body was erased.
    pub fn erased(seq: Seq, at: Timestamp) -> Self {
        Self {
            seq,
            at,
            kind: EventKind::Erased,
            conversation: None,
            json: format!(r#"{{"seq":{},"kind":"erased"}}"#, seq.get()).into(),
        }
    }

    /// Encodes an event. `data` is its body as JSON.
    pub fn encode(
        seq: Seq,
        at: Timestamp,
        kind: EventKind,
        conversation: Option<ConversationId>,
        data: &RawValue,
    ) -> Self {
        #[derive(Serialize)]
        struct Wire<'a> {
            seq: Seq,
            at: Timestamp,
            kind: EventKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            conversation_id: Option<ConversationId>,
            data: &'a RawValue,
        }
        let wire = Wire {
            seq,
            at,
            kind,
            conversation_id: conversation,
            data,
        };
        let mut json = Vec::with_capacity(data.get().len() + 128);
        // Writing plain structs into memory cannot fail.
        let _ = serde_json::to_writer(&mut json, &wire);
        Self {
            seq,
            at,
            kind,
            conversation,
            json: json.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EventKind::{self, *};

    #[test]
    fn what_is_written_down_stands_for_the_same_kind_for_ever() {
        let read: Vec<_> = (0..=u8::MAX).map(EventKind::of_code).collect();
        let first = [Message, Status, Conversation, Contact, Lane, Meta, Erased];
        let later = [MessageChanged, MessageRevoked, Media];
        let known: Vec<_> = first.into_iter().chain(later).map(Some).collect();
        assert_eq!(read[1..=known.len()], known);
        assert_eq!(read.iter().flatten().count(), EventKind::ALL.len());
    }
}
