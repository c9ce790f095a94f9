//! What changed about a conversation, as a JSON merge patch (RFC 7396): a field that changed has its new value, one that went away
//! is `null`, all others are left out.

use serde::Serialize;

use super::{Conversation, ConversationStatus};
use crate::domain::clock::Timestamp;
use crate::domain::content::ContentKind;
use crate::domain::ids::{AgentId, ContactId, MessageId, Seq};
use crate::domain::message::Author;

/// What a patch says of one field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Field<T> {
    /// Nothing; it is left out.
    #[default]
    Same,
    /// It went away: `null`.
    Gone,
    /// Its value from now on.
    Now(T),
}

impl<T> Field<T> {
    const fn is_same(&self) -> bool {
        matches!(self, Self::Same)
    }

    fn of<B>(before: B, now: T) -> Self
    where
        T: PartialEq<B>,
    {
        Self::optional(Some(before), Some(now))
    }

    fn optional<B>(before: Option<B>, now: Option<T>) -> Self
    where
        T: PartialEq<B>,
    {
        match (before, now) {
            (None, None) => Self::Same,
            (Some(before), Some(now)) if now == before => Self::Same,
            (_, Some(now)) => Self::Now(now),
            (Some(_), None) => Self::Gone,
        }
    }
}

/// An author in place of any other: a merge patch goes into objects, so it says which fields this one does not have.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct AuthorNow<'a> {
    #[serde(flatten)]
    author: &'a Author,
    #[serde(skip_serializing_if = "Field::is_same")]
    id: Field<()>,
    #[serde(skip_serializing_if = "Field::is_same")]
    key: Field<()>,
}

impl<'a> AuthorNow<'a> {
    const fn of(author: &'a Author) -> Self {
        let (id, key) = match author {
            Author::Member { .. } | Author::Agent { .. } => (Field::Same, Field::Gone),
            Author::Api { .. } => (Field::Gone, Field::Same),
            Author::Contact | Author::BusinessApp | Author::OtherApp => (Field::Gone, Field::Gone),
        };
        Self { author, id, key }
    }
}

/// The fields of a [`Conversation`] that changed. What only the gateway counts by is not among them.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConversationChanges<'a> {
    #[serde(skip_serializing_if = "Field::is_same")]
    contact_id: Field<ContactId>,
    #[serde(skip_serializing_if = "Field::is_same")]
    status: Field<ConversationStatus>,
    #[serde(skip_serializing_if = "Field::is_same")]
    assignee: Field<&'a AgentId>,
    #[serde(skip_serializing_if = "Field::is_same")]
    labels: Field<&'a [String]>,
    #[serde(skip_serializing_if = "Field::is_same")]
    unread: Field<u32>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_inbound: Field<Timestamp>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_activity: Field<Timestamp>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_message_seq: Field<Seq>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_message_by: Field<AuthorNow<'a>>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_message_id: Field<MessageId>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_message_kind: Field<&'a ContentKind>,
    #[serde(skip_serializing_if = "Field::is_same")]
    last_message_failed: Field<bool>,
    #[serde(skip_serializing_if = "Field::is_same")]
    preview: Field<&'a str>,
}

impl ConversationChanges<'_> {
    /// Whether nothing did.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Conversation {
    /// What an event tells that is about this message, or about none, to whoever knows the conversation as it was `before`.
    ///
    /// The beginning of a message stands in events about that message alone, so that it can be taken out of them. Where another
    /// event tells of another last message, what is known as its beginning is not.
    pub fn changes_since(&self, before: &Self, about: Option<MessageId>) -> ConversationChanges<'_> {
        let Self {
            // A conversation keeps these.
            id: _,
            number: _,
            created: _,
            // By these the gateway counts.
            unread_seqs: _,
            last_other_seq: _,
            late_message_id: _,
            late_message_by: _,
            last_broadcast: _,
            is_unlisted: _,
            contact_id,
            status,
            assignee,
            labels,
            unread,
            last_inbound,
            last_activity,
            last_message_seq,
            last_message_by,
            last_message_id,
            last_message_kind,
            last_message_failed,
            preview,
        } = self;
        let is_about_the_last = about.is_some() && about == *last_message_id;
        ConversationChanges {
            contact_id: Field::of(before.contact_id, *contact_id),
            status: Field::of(before.status, *status),
            assignee: Field::optional(before.assignee.as_ref(), assignee.as_ref()),
            labels: Field::of(before.labels.as_slice(), labels.as_slice()),
            unread: Field::of(before.unread, *unread),
            last_inbound: Field::optional(before.last_inbound, *last_inbound),
            last_activity: Field::of(before.last_activity, *last_activity),
            last_message_seq: Field::of(before.last_message_seq, *last_message_seq),
            last_message_by: match last_message_by {
                now if *now == before.last_message_by => Field::Same,
                Some(author) => Field::Now(AuthorNow::of(author)),
                None => Field::Gone,
            },
            last_message_id: Field::optional(before.last_message_id, *last_message_id),
            last_message_kind: Field::optional(before.last_message_kind.as_ref(), last_message_kind.as_ref()),
            last_message_failed: match (before.last_message_failed, *last_message_failed) {
                (false, true) => Field::Now(true),
                (true, false) => Field::Gone,
                (true, true) | (false, false) => Field::Same,
            },
            preview: match preview {
                Some(preview) if is_about_the_last => Field::Now(preview),
                None if is_about_the_last => Field::Gone,
                _ if before.last_message_id == *last_message_id => Field::Same,
                _ => Field::Gone,
            },
        }
    }
}
