//! A message as it stands in history and as the API shows it: one JSON shape for both.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::content::Content;
use super::ids::{AgentId, ClientMessageId, ContactId, ConversationId, MessageId, PhoneNumberId, Wamid};
use super::rate::Priority;
use super::status::{DeliveryState, StatusTimes};

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
}

impl Author {
    /// The same author without what people call it.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        match self {
            Self::Member { id, .. } => Self::Member { id: *id, name: None },
            Self::Contact | Self::Agent { .. } | Self::Api { .. } => self.clone(),
        }
    }
}

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
