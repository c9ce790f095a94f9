//! What the edges ask of a tenant, and what they are told.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::message::UnknownPolicy;
use crate::domain::{
    AgentId, Author, ClientMessageId, ContactAliases, ContactId, Content, ConversationId, DetailLimit,
    MetaError, PhoneNumberId, Priority, Purpose, Seq, Timestamp,
};
use crate::store::op::Once;
use crate::store::row::MessageRef;

use super::feed::{Presence, Typing};

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a contact or a group by its names; the number that sends may be left out if the tenant has only one.
    Contact {
        /// The number that sends.
        number: Option<PhoneNumberId>,
        /// Phone, BSUID, or a group's id.
        aliases: ContactAliases,
    },
    /// Into a conversation.
    Conversation(ConversationId),
}

/// What the service window asks of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentClass {
    /// Only within the window.
    Service,
    /// At any time, by a template or by Direct Send; Meta may hold it back for a quality check.
    Template,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct SubmitRequest {
    /// Where it goes.
    pub to: Destination,
    /// Who wrote it.
    pub author: Author,
    /// What it says, validated.
    pub content: Content,
    /// What the service window asks of it.
    pub class: ContentClass,
    /// What it is for.
    pub purpose: Purpose,
    /// Which queue.
    pub priority: Priority,
    /// Not before.
    pub send_at: Option<Timestamp>,
    /// Not longer than this after `send_at` or now.
    pub valid_for: Option<Duration>,
    /// What to do with an unknown outcome; the class decides when left out.
    pub on_unknown: Option<UnknownPolicy>,
    /// A name for the request, so that repeating it sends nothing.
    pub once: Option<Once>,
    /// Refuse when somebody else wrote after this position.
    pub unless_after: Option<Seq>,
    /// The id that an agent's client gave it.
    pub client_msg_id: Option<ClientMessageId>,
    /// The caller's own text, given back in events.
    pub callback_data: Option<Arc<str>>,
    /// Refuse when so many of the tenant's messages wait already; the settings say how many when left out.
    pub most_waiting: Option<usize>,
}

/// A private note to leave.
#[derive(Debug, Clone)]
pub struct NoteRequest {
    /// Where.
    pub conversation: ConversationId,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub text: String,
    /// A name for the request, so that repeating it adds nothing.
    pub once: Option<Once>,
}

/// Whether a request made something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It did.
    New,
    /// The same request had made it before.
    Repeated,
}

/// A request that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The message.
    pub at: MessageRef,
    /// Whether this request made it.
    pub acceptance: Acceptance,
}

/// What to tell the customer beside messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// That everything was read.
    Read,
    /// That everything was read, and that somebody types.
    ReadAndTyping,
}

/// Why a message that is accepted is not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DelayReason {
    /// Its `send_at` lies ahead.
    Scheduled,
    /// Others go first.
    Queued,
    /// The number's rate.
    NumberLimit,
    /// Meta's rule for messages to the same customer.
    PairLimit,
    /// Meta asked to slow down; the message waits for its next attempt.
    Throttled,
    /// The lane is paused: token, account, or number.
    LanePaused,
    /// The store takes no claims now.
    StoreUnavailable,
    /// Its file is brought to Meta.
    File,
}

impl DelayReason {
    /// Name used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::NumberLimit => "number_limit",
            Self::PairLimit => "pair_limit",
            Self::Throttled => "throttled",
            Self::LanePaused => "lane_paused",
            Self::StoreUnavailable => "store_unavailable",
            Self::File => "file",
        }
    }
}

/// When a waiting message is expected to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayEstimate {
    /// Why it waits.
    pub reason: DelayReason,
    /// When it should go, if that can be told.
    pub expected: Option<Timestamp>,
    /// Until when nothing of its kind goes, if the lane stands still: one message is tried then.
    pub until: Option<Timestamp>,
    /// What Meta said, if the lane stands still for it.
    pub error: Option<MetaError>,
}

impl DelayEstimate {
    /// A wait while the lane goes on.
    pub const fn waits(reason: DelayReason, expected: Option<Timestamp>) -> Self {
        Self {
            reason,
            expected,
            until: None,
            error: None,
        }
    }
}

/// How a number's outbound queue stands, as agents and the API are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneState {
    /// `running`, `slowed`, `paused`.
    pub state: &'static str,
    /// `all`, or `bulk` where replies go on.
    pub scope: &'static str,
    /// Why it does not run at the number's rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Meta's code for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Meta's words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    /// More of Meta's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Arc<str>>,
    /// When one message is tried, or until when nothing goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl LaneState {
    /// Nothing holds it up.
    pub const RUNNING: Self = Self {
        state: "running",
        scope: "all",
        reason: None,
        code: None,
        title: None,
        details: None,
        until: None,
    };
}

/// What an agent's client shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attendance {
    /// A socket opened or closed, or the agent said so.
    Presence(Presence),
    /// Looks at this conversation, or at none.
    Viewing(Option<ConversationId>),
    /// Types in a conversation, or stopped.
    Typing(ConversationId, Typing),
}

/// A conversation, and who looks at it.
pub type Viewed = (ConversationId, Vec<AgentId>);

/// Who is there and who looks at what.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// Whom a newcomer is told of by name.
    pub named: Arc<Named>,
    /// How many agents have a socket.
    pub count: usize,
}

/// Whom a newcomer is told of by name. A team that reconnects is told the same thousands of times.
#[derive(Debug, Default)]
pub struct Named {
    /// Agents with a socket; of a crowd, some.
    pub present: Vec<(AgentId, Presence)>,
    /// Conversations that somebody looks at; of very many, some.
    pub viewing: Vec<Viewed>,
    written: OnceLock<Written>,
}

/// Both as a client is told.
#[derive(Debug)]
pub struct Written {
    /// Agents.
    pub present: Box<RawValue>,
    /// Conversations.
    pub viewing: Box<RawValue>,
}

impl Named {
    /// Those.
    pub fn new(present: Vec<(AgentId, Presence)>, viewing: Vec<Viewed>) -> Self {
        Self {
            present,
            viewing,
            written: OnceLock::new(),
        }
    }

    /// As a client is told, written once.
    pub fn written(&self, write: impl FnOnce(&Self) -> Written) -> &Written {
        self.written.get_or_init(|| write(self))
    }
}

/// What a request named that is not there, or is another tenant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A conversation.
    #[error("the tenant has no such conversation: `GET /v1/conversations` lists them")]
    Conversation,
    /// A message that was sent, or is to be.
    #[error("the tenant has no such outbound message, or it is no longer kept")]
    Message,
    /// A customer.
    #[error("nobody is known by this name, and none can be made of it")]
    Contact,
    /// A contact, by its id.
    #[error("the tenant has no such contact: `GET /v1/contacts` lists them")]
    ContactId,
    /// A message of the customer that could be marked as read.
    #[error("the conversation has no message of the customer that could be marked as read")]
    Inbound,
}

/// Why a request was not done. Nothing changed, except where `Uncertain` says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such tenant.
    #[error("no such tenant")]
    UnknownTenant,
    /// The tenant has no such number, or several and none was named.
    #[error(
        "the tenant has no such number, or several and none was named: name one of its phone_number_ids in `number`"
    )]
    UnknownNumber,
    /// What was named is not there.
    #[error("{0}")]
    NotFound(Missing),
    /// The 24 h service window is closed; only templates may be sent.
    #[error("the service window is closed: the customer has not written within 24 hours; send a template")]
    WindowClosed,
    /// The customer wants no marketing.
    #[error("the customer stopped marketing messages: only others may be sent")]
    OptedOut,
    /// A contact goes by this name already.
    #[error("a contact has this phone already")]
    ContactExists(ContactId),
    /// The customer is under age.
    #[error("the customer is marked as under age: nothing is sent to them")]
    ContactIsMinor,
    /// Somebody changed the contacts since they were read.
    #[error("somebody changes these contacts at the same moment: try again")]
    ContactsChanged,
    /// They are not one customer.
    #[error("these contacts are not merged, or turned out to be one person since")]
    NotMerged,
    /// The contact would have more of something than may be.
    #[error("{0}")]
    ContactFull(DetailLimit),
    /// The broadcast was cancelled.
    #[error("the broadcast was cancelled: it goes on no more")]
    BroadcastCancelled,
    /// Somebody wrote since.
    #[error("somebody wrote since: look at the conversation, then send again with its newest position")]
    ConversationChanged(Seq),
    /// The same key was used for another request.
    #[error("this key was used for another request")]
    OtherRequest,
    /// The first request with this key is not finished.
    #[error("the first request with this key is still in progress")]
    InProgress,
    /// Too late: the message was claimed or is settled.
    #[error("too late: the message is on its way or settled")]
    AlreadyClaimed,
    /// There is nothing to decide: the outcome is not unknown, or was decided about.
    #[error("only a message whose outcome is unknown can be decided about, and once")]
    OutcomeKnown,
    /// The tenant's backlog is at its limit.
    #[error("too many messages wait already")]
    QueueFull,
    /// The tenant has too much in hand.
    #[error("the tenant is busy")]
    Busy,
    /// The store does not take it now.
    #[error("the store is not available")]
    Unavailable {
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// It may or may not have been done. Ask again with the same key.
    #[error("the outcome is uncertain: ask again with the same key")]
    Uncertain,
    /// The request can never succeed as it is.
    #[error("invalid: {0}")]
    Invalid(String),
}
