//! A message as it stands in history and as the API shows it: one JSON shape for both.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::broadcast::BroadcastRecipient;
use super::clock::Timestamp;
use super::content::Content;
use super::conversation::Conversation;
use super::ids::{AgentId, ClientMessageId, ContactId, ConversationId, MessageId, PhoneNumberId, Seq, Wamid};
use super::media::{MediaId, MediaOrigin, MediaState, MessageMedia, NamedMedia, Stands};
use super::rate::Priority;
use super::status::{DeliveryState, StatusTimes};
use super::usage::PricingCategory;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
    /// Between agents.
    Note,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    /// The customer.
    Contact,
    /// A member of the group. Personal data.
    Member {
        /// The member's own contact.
        id: ContactId,
        /// What the member was called then.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        name: Option<Arc<str>>,
    },
    /// An agent.
    Agent {
        /// Which.
        id: AgentId,
    },
    /// A program with an API key.
    Api {
        /// The key's public id.
        key: Arc<str>,
    },
    /// Somebody of the business, on the phone that shares the number.
    BusinessApp,
    /// Another program of the business, which has the thread now.
    OtherApp,
}

impl Author {
    /// The same author without what people call it.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        match self {
            Self::Member { id, .. } => Self::Member { id: *id, name: None },
            Self::Contact | Self::Agent { .. } | Self::Api { .. } | Self::BusinessApp | Self::OtherApp => {
                self.clone()
            }
        }
    }
}

/// Which side of a conversation wrote a message that Meta tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The customer.
    Customer,
    /// The business, by another way than this gateway.
    Business,
}

/// How a message came to be known, when it was not exchanged through this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Imported: it is older than the connection of the number.
    History,
    /// A copy: another program has the thread and answers.
    Standby,
}

/// What a message said before it was edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// What it said.
    pub content: Content,
    /// Since when, by Meta's time.
    pub at: Timestamp,
}

/// What its author changes about a message afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amendment {
    /// It says something else.
    Edited(Content),
    /// It is taken back for everybody.
    Revoked,
}

/// Earlier versions kept of one message, and their bytes, for each edit is told with them. People edit for a quarter of an
/// hour; the first and the newest stay.
const MOST_VERSIONS: usize = 50;
const VERSIONS_BYTES: usize = 32 * 1024;

/// What to do when an attempt's outcome stays unknown past its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// Leave it unknown for good and report it.
    NeverDuplicate,
    /// Ask the agent; nothing is sent until one answers.
    Ask,
    /// Send once more after the deadline: the customer may get it twice, but gets it.
    RetryAfterDeadline,
}

/// An error that Meta gave for a message, at once or by webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaError {
    /// Meta's code; 0 when there was none.
    pub code: i64,
    /// Meta's title.
    pub title: Arc<str>,
    /// Meta's details.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub details: Option<Arc<str>>,
}

/// A message in history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Time-ordered id.
    pub id: MessageId,
    /// The conversation that holds it.
    pub conversation_id: ConversationId,
    /// The customer, or the group.
    pub contact_id: ContactId,
    /// The business number.
    pub number: PhoneNumberId,
    /// Which way it goes.
    pub direction: Direction,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// When it was written: Meta's time for inbound ones, ours for the rest.
    pub created: Timestamp,
    /// Meta's id, once known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wamid: Option<Wamid>,
    /// For outbound ones: everything about the way to the phone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivery: Option<Delivery>,
    /// The broadcast that it was sent by. Events tell of it once its customer answered, and not before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broadcast: Option<BroadcastRecipient>,
    /// How it came to be known, when it was not exchanged through this gateway.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub via: Option<Via>,
    /// Since when it says what it says, by Meta's time, if it was edited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited_at: Option<Timestamp>,
    /// What it said before, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub versions: Vec<Version>,
    /// Whether it is known by a change of it alone: the message itself has not come.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub first_version_missing: bool,
    /// When its author took it back, by Meta's time: then nothing of what it said is kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Timestamp>,
    /// Its file, if it carries one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media: Option<MessageMedia>,
    /// Files in its headers that were uploaded here.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<MessageMedia>,
    /// Ledger positions of the events that tell what it says or said.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub told: Vec<Seq>,
}

impl Message {
    /// One that is new in a conversation: nothing happened to it yet.
    pub fn new_in(
        conversation: &Conversation,
        id: MessageId,
        direction: Direction,
        author: Author,
        content: Content,
        created: Timestamp,
    ) -> Self {
        Self {
            id,
            conversation_id: conversation.id,
            contact_id: conversation.contact_id,
            number: conversation.number.clone(),
            direction,
            author,
            content,
            created,
            wamid: None,
            delivery: None,
            broadcast: None,
            via: None,
            edited_at: None,
            versions: Vec::new(),
            first_version_missing: false,
            revoked_at: None,
            media: None,
            files: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Whose its file is: the customer's who wrote it, or to whom it goes.
    pub fn media_owner(&self) -> ContactId {
        match &self.author {
            Author::Member { id, .. } => *id,
            _ => self.contact_id,
        }
    }

    /// The files that its content names and that are to be fetched, with their ids. Of what was sent through this gateway that is what was
    /// uploaded here: what its caller gave to Meta, or left on the web, may be in a million messages.
    pub fn named_media(&self) -> Vec<(MediaId, NamedMedia)> {
        let named = if self.delivery.is_some() {
            let uploads = NamedMedia::uploads(&self.content).into_iter();
            uploads.map(|(_, named)| named).collect()
        } else {
            let own = NamedMedia::of(&self.content);
            let is_metas = |named: &NamedMedia| matches!(named.origin, MediaOrigin::Meta(_));
            Vec::from_iter(own.filter(is_metas))
        };
        let owner = self.media_owner();
        let with_id = |named: NamedMedia| (named.id(owner, self.id), named);
        named.into_iter().map(with_id).collect()
    }

    /// Notes the files that its content names, which are to be fetched.
    pub fn expect_media(&mut self) {
        if self.media.is_some() || !self.files.is_empty() {
            return;
        }
        for (media_id, named) in self.named_media() {
            let media = MessageMedia {
                media_id,
                state: MediaState::Pending,
                mime: named.mime,
                bytes: None,
                name: named.name,
                why: None,
            };
            match named.stands {
                Stands::Alone => self.media = Some(media),
                Stands::InHeader => self.files.push(media),
            }
        }
    }

    /// What it shows of a file.
    pub fn shown_media(&self, id: MediaId) -> Option<&MessageMedia> {
        let mut all = self.media.iter().chain(&self.files);
        all.find(|media| media.media_id == id)
    }

    /// The same, to change it.
    pub fn shown_media_mut(&mut self, id: MediaId) -> Option<&mut MessageMedia> {
        let mut all = self.media.iter_mut().chain(&mut self.files);
        all.find(|media| media.media_id == id)
    }

    /// Whether events tell nothing of it: many got it, and this customer has not answered.
    pub fn is_quiet(&self) -> bool {
        self.broadcast.is_some() && self.told.is_empty()
    }

    /// Whether it did not reach the customer and will not.
    pub fn has_failed(&self) -> bool {
        let delivery = self.delivery.as_ref();
        delivery.is_some_and(|delivery| delivery.state.is_failure())
    }

    /// Takes another version of what it says. The newest by Meta's time is what it says now.
    pub fn edit(&mut self, content: Content, at: Timestamp) {
        let since = self.edited_at.unwrap_or(self.created);
        if at < since {
            self.keep(Version { content, at });
            return;
        }
        let before = std::mem::replace(&mut self.content, content);
        self.edited_at = Some(at);
        self.keep(Version {
            content: before,
            at: since,
        });
    }

    /// Takes the message itself, which came after a change of it. Of one that was taken back nothing is kept but when it was
    /// written.
    pub fn take_first_version(&mut self, content: Content, at: Timestamp) {
        self.first_version_missing = false;
        self.created = at;
        if self.revoked_at.is_none() {
            let later = self.versions.iter_mut().map(|version| &mut version.content);
            for said in later.chain([&mut self.content]) {
                *said = said.in_place_of(&content);
            }
            self.versions.insert(0, Version { content, at });
        }
    }

    /// Whether it is known to say this since a time, or to have said it.
    pub fn has_said(&self, content: &Content, at: Timestamp) -> bool {
        let said = |since: Timestamp, known: &Content| since == at && known.to_value() == content.to_value();
        let now = self.edited_at.unwrap_or(self.created);
        said(now, &self.content)
            || self
                .versions
                .iter()
                .any(|version| said(version.at, &version.content))
    }

    fn keep(&mut self, version: Version) {
        let place = self.versions.partition_point(|earlier| earlier.at <= version.at);
        self.versions.insert(place, version);
        let bytes = |versions: &[Version]| -> usize {
            let each = versions.iter().map(|version| version.content.json().get().len());
            each.sum()
        };
        while self.versions.len() > 1
            && (self.versions.len() > MOST_VERSIONS || bytes(&self.versions) > VERSIONS_BYTES)
        {
            self.versions.remove(1);
        }
    }

    /// Forgets all that it says and said.
    pub fn revoke(&mut self, at: Timestamp) {
        self.content = Content::revoked();
        self.versions.clear();
        self.media = None;
        self.files.clear();
        self.edited_at = None;
        self.revoked_at = Some(at);
    }
}

/// How an outbound message travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The state shown, computed from `times`.
    pub state: DeliveryState,
    /// When each state was reached.
    pub times: StatusTimes,
    /// Which queue it waits in.
    pub priority: Priority,
    /// What to do with an unknown outcome.
    pub on_unknown: UnknownPolicy,
    /// Calls to Meta so far.
    pub attempts: u8,
    /// Not to be sent before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub send_at: Option<Timestamp>,
    /// Not to be sent after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid_until: Option<Timestamp>,
    /// Since when nothing more is done about an unknown outcome, except to take a late status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gave_up: Option<Timestamp>,
    /// Meta's last error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<MetaError>,
    /// In which category Meta counts it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<PricingCategory>,
    /// The id that an agent's client gave it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_msg_id: Option<ClientMessageId>,
    /// The caller's own text, given back in events; never sent to Meta.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub biz_opaque_callback_data: Option<Arc<str>>,
}

impl Delivery {
    /// Whether nothing more will be done for it, whatever Meta may still report.
    pub fn is_settled(&self) -> bool {
        self.state.is_settled() || self.gave_up.is_some()
    }

    /// Merges times into this delivery and brings the state shown up to date; returns whether the state changed.
    pub fn advance(&mut self, times: StatusTimes) -> bool {
        let before = self.state;
        self.times = self.times.merge(times);
        self.state = self.times.state();
        self.state != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_newest_versions_are_kept_within_their_bytes() {
        let text = |n: i64, letters: usize| {
            let body = format!("{n}{}", "x".repeat(letters));
            Content::text(&body)
        };
        let began = Timestamp::from_secs(0);
        let conversation = Conversation::new(
            ConversationId::from_bytes([0; 16]),
            PhoneNumberId::parse("1").unwrap(),
            ContactId::from_bytes([0; 16]),
            began,
        );
        for (letters, kept) in [(1, MOST_VERSIONS), (4_000, 8), (60_000, 1)] {
            let mut message = Message::new_in(
                &conversation,
                MessageId::from_bytes([0; 16]),
                Direction::Inbound,
                Author::Contact,
                text(0, letters),
                began,
            );
            for n in 1..=100 {
                message.edit(text(n, letters), Timestamp::from_secs(n));
            }
            assert_eq!(message.versions.len(), kept, "{letters}");
            assert_eq!(message.versions[0].content, text(0, letters));
            if kept > 1 {
                assert_eq!(message.versions[kept - 1].content, text(99, letters));
            }
        }
    }
}
