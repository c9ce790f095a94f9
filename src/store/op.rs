//! What can happen to a tenant: the only way in which its rows change.

mod customer;
mod details;
mod erase;
mod incoming;
mod merge;

use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::customer::{Called, Naming, Prefer, Relate};
pub use self::details::{Audience, ChangeContact, ContactFate, Whom};
pub use self::erase::Erase;
pub use self::incoming::{Amend, Receive};
pub use self::merge::{Merge, Unmerge};
use super::row::{MessageRef, Queued};
use crate::domain::message::{Delivery, UnknownPolicy};
use crate::domain::{
    AgentId, AttemptToken, Author, BroadcastId, BroadcastProblem, BroadcastRecipient, BroadcastRun,
    ContactAliases, ContactId, Content, ConversationId, ConversationStatus, DeliveryState, DetailLimit,
    EventKind, MessageId, MessageMedia, MetaError, PhoneNumberId, Purpose, RecipientHours, Seq, Suppression,
    Timestamp, Wamid, WamidHash,
};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Op {
    /// A message that Meta tells of came in: a customer's, or one that the business wrote elsewhere.
    Receive(Box<Receive>),
    /// The author of such a message edited it or took it back.
    Amend(Box<Amend>),
    /// A message to a customer was accepted.
    Submit(Box<Submit>),
    /// An agent left a private note.
    Note(Box<Note>),
    /// A call to Meta ended, or is known not to end any more.
    Attempted(Attempted),
    /// Meta reported on an outbound message.
    Report(Box<Report>),
    /// The wait for an unknown outcome is over.
    Settle(Settle),
    /// A queued message was taken back, or its validity ended.
    Withdraw(Withdraw),
    /// Agents changed a conversation.
    Organise(Organise),
    /// A customer called.
    Called(Called),
    /// A contact goes by new aliases.
    Relate(Relate),
    /// A customer wants marketing, or does not.
    Prefer(Prefer),
    /// The business notes something of a contact, or makes one.
    ChangeContact(Box<ChangeContact>),
    /// A message's file came, or cannot come.
    Media(Box<MediaChange>),
    /// A person of the business says that two contacts are one customer.
    Merge(Box<Merge>),
    /// That is undone.
    Unmerge(Box<Unmerge>),
    /// A customer is erased.
    Erase(Erase),
    /// A broadcast begins, halts, goes on or ends.
    SteerBroadcast(SteerBroadcast),
    /// Something that agents should see and that changes no row.
    Announce(Announce),
}

impl Op {
    /// Bytes of what may be large in it.
    pub fn body_bytes(&self) -> usize {
        let raw = |json: &RawValue| json.get().len();
        match self {
            Self::Receive(op) => raw(op.content.json()),
            Self::Amend(op) => raw(op.notice.content.json()),
            Self::Submit(op) => raw(op.content.json()) + raw(&op.payload),
            Self::Note(op) => raw(op.content.json()),
            Self::Report(op) => raw(&op.otherwise.data),
            Self::Announce(op) => raw(&op.data),
            // Not in itself, but in what it is found by.
            Self::ChangeContact(_) | Self::Merge(_) | Self::Unmerge(_) => 2_048,
            Self::Attempted(_)
            | Self::Settle(_)
            | Self::Withdraw(_)
            | Self::Organise(_)
            | Self::Called(_)
            | Self::Relate(_)
            | Self::Prefer(_)
            | Self::SteerBroadcast(_)
            | Self::Media(_)
            | Self::Erase(_) => 0,
        }
    }
}

/// A message to a customer.
#[derive(Debug, Clone)]
pub struct Submit {
    /// Its id, made by the caller.
    pub id: MessageId,
    /// The number that sends it.
    pub number: PhoneNumberId,
    /// The customer, made from `aliases` when new.
    pub contact: ContactId,
    /// Names of the customer as the caller gave them.
    pub aliases: ContactAliases,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// How it travels.
    pub delivery: Delivery,
    /// The request body for Graph, without the attempt token.
    pub payload: Arc<RawValue>,
    /// Whether Meta may hold it back for a quality check.
    pub may_be_held: bool,
    /// What it is for: refused when the customer does not want that.
    pub purpose: Purpose,
    /// A name for the request, so that repeating it sends nothing.
    pub once: Option<Once>,
    /// Refuse when the conversation has a newer message or note than this position.
    pub unless_after: Option<Seq>,
    /// Refuse when the customer's service window is not open at this time.
    pub window_at: Option<Timestamp>,
    /// The recipient of a broadcast to whom it goes: each has one turn, and no event tells of it.
    pub broadcast: Option<BroadcastRecipient>,
    /// Until when that recipient may be sent to before it is looked when that may be again.
    pub hours: Option<RecipientHours>,
}

/// Begins a broadcast, halts it, has it go on or ends it. Where it is so already, what no event told of it is told.
#[derive(Debug, Clone)]
pub struct SteerBroadcast {
    /// Which.
    pub broadcast: BroadcastId,
    /// The numbers that send it, for its beginning.
    pub numbers: Vec<PhoneNumberId>,
    /// What is to be.
    pub to: BroadcastRun,
    /// Why it does not go on, where no person wanted that.
    pub problem: Option<BroadcastProblem>,
    /// Which version of the broadcast says so: what an earlier one said changes nothing any more.
    pub version: u64,
}

/// Names a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Digest of tenant, route and key.
    pub key: [u8; 16],
    /// Digest of the request's body.
    pub request: [u8; 16],
}

/// A private note.
#[derive(Debug, Clone)]
pub struct Note {
    /// Its id, made by the caller.
    pub id: MessageId,
    /// The conversation; must exist.
    pub conversation: ConversationId,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// A name for the request, so that repeating it adds nothing.
    pub once: Option<Once>,
}

/// How a call to Meta ended.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// Which call.
    pub token: AttemptToken,
    /// The lane.
    pub number: PhoneNumberId,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub result: AttemptResult,
    /// Names that Meta gave for whom it took the message, where they are others than those that it was sent to.
    pub recipient: ContactAliases,
}

/// The outcome of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// Meta took it.
    Accepted {
        /// Meta's id.
        wamid: Wamid,
    },
    /// Meta took it and holds it back for a quality check.
    Held {
        /// Meta's id.
        wamid: Wamid,
    },
    /// Provably not taken: may be tried again.
    NotAccepted {
        /// When.
        retry_at: Timestamp,
        /// What Meta said, if anything.
        error: Option<MetaError>,
    },
    /// Refused for good.
    Refused {
        /// What Meta said.
        error: MetaError,
    },
    /// Nobody can tell.
    Unknown {
        /// What Meta said, or why there is no answer.
        error: Option<MetaError>,
    },
}

/// What a status webhook reports on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportTarget {
    /// Our own token came back.
    Token(AttemptToken),
    /// Only Meta's id is known.
    Wamid,
}

/// A status webhook.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the message is found.
    pub target: ReportTarget,
    /// The number that sent it.
    pub number: PhoneNumberId,
    /// Meta's id.
    pub wamid: Wamid,
    /// The state that it reports.
    pub state: DeliveryState,
    /// Meta's time.
    pub at: Timestamp,
    /// Meta's error, for a failure.
    pub error: Option<MetaError>,
    /// Meta's pricing object, as it came.
    pub pricing: Option<Arc<RawValue>>,
    /// Names of the recipient, if given; for a group, of the member who is reported on.
    pub aliases: ContactAliases,
    /// What is told to agents when no message of ours is found: other programs may send from the same number.
    pub otherwise: Box<Announce>,
}

/// The end of waiting for an unknown outcome.
#[derive(Debug, Clone)]
pub struct Settle {
    /// The message.
    pub at: MessageRef,
    /// The lane.
    pub number: PhoneNumberId,
    /// What is done about it.
    pub how: Settlement,
}

/// What is done about an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing: it stays unknown, or held, and leaves the outbox.
    GiveUp,
    /// It is queued again; its policy, or an agent, allowed that.
    SendAgain,
}

/// The end of a message that was never called for.
#[derive(Debug, Clone)]
pub struct Withdraw {
    /// The message.
    pub at: MessageRef,
    /// The lane.
    pub number: PhoneNumberId,
    /// `Cancelled`, `Expired`, or `Failed` when it may not be sent any more.
    pub to: DeliveryState,
    /// Why it failed.
    pub error: Option<MetaError>,
}

/// A change to a conversation.
#[derive(Debug, Clone)]
pub struct Organise {
    /// The conversation; must exist.
    pub conversation: ConversationId,
    /// Who did it.
    pub author: Author,
    /// What.
    pub change: OrganiseChange,
}

/// What agents can change about a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganiseChange {
    /// Who answers; `None` for nobody.
    Assign(Option<AgentId>),
    /// Who answers, if that is still the one who did; others have taken it over meanwhile.
    Reassign {
        /// From whom.
        from: AgentId,
        /// To whom; `None` for nobody.
        to: Option<AgentId>,
    },
    /// Add and remove labels.
    Label {
        /// To add.
        add: Vec<String>,
        /// To remove.
        remove: Vec<String>,
    },
    /// Whether it wants attention.
    Status(ConversationStatus),
    /// What came up to a position of the ledger was read; `None` for everything.
    Read {
        /// The last position that whoever read it had seen.
        seen: Option<Seq>,
    },
}

/// What became of a message's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaChange {
    /// The message.
    pub at: MessageRef,
    /// What it shows of its file now.
    pub media: MessageMedia,
}

/// An event without rows.
#[derive(Debug, Clone)]
pub struct Announce {
    /// Its kind.
    pub kind: EventKind,
    /// The conversation, if it belongs to one.
    pub conversation: Option<ConversationId>,
    /// Its body.
    pub data: Arc<RawValue>,
    /// Taken once per key, if given.
    pub once: Option<WamidHash>,
}

/// What became of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpOutcome {
    /// It changed something; its main event stands here.
    Committed {
        /// Position of its last event.
        seq: Seq,
        /// The message that it made or changed, if any.
        at: Option<MessageRef>,
        /// The row that waits in the outbox since, if it accepted a message for sending: what its lane is handed.
        queued: Option<Box<Queued>>,
    },
    /// It had happened before; nothing changed.
    Duplicate {
        /// The message that it made then, if any.
        at: Option<MessageRef>,
    },
    /// A contact is as the business says.
    Contact {
        /// Which: the one to which the others of the same person lead.
        contact: ContactId,
        /// What became of it.
        fate: ContactFate,
        /// Position of the event that tells of it, if one does.
        seq: Option<Seq>,
    },
    /// Nothing is sent to the recipient of a broadcast, whose turn this was; it is counted.
    Suppressed(Suppression),
    /// It was true already; nothing changed.
    Unchanged,
    /// It may not happen; nothing changed.
    Refused(OpRefusal),
}

/// Why an op may not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpRefusal {
    /// The same key was used for another request.
    OtherRequest,
    /// Somebody wrote since; this is the position of the newest message.
    ConversationChanged(Seq),
    /// The customer's service window is not open when the message is to go.
    WindowClosed,
    /// The customer wants no marketing.
    OptedOut,
    /// The customer is under age: nobody writes to them.
    ContactIsMinor,
    /// The contacts are not any more as the caller read them.
    ContactsChanged,
    /// They are not one customer, or one person by Meta's word.
    NotMerged,
    /// The message or conversation is not there.
    NotFound,
    /// It is too late: the message was claimed.
    AlreadyClaimed,
    /// The conversation would have more labels than this.
    TooManyLabels(usize),
    /// The broadcast does not run: the recipient has not had its turn.
    BroadcastNotRunning,
    /// The broadcast was cancelled.
    BroadcastCancelled,
    /// A contact goes by this name already.
    ContactExists(ContactId),
    /// The contact would have more of something than may be.
    ContactFull(DetailLimit),
}

/// Policies and deadlines that a message's class asks for.
impl UnknownPolicy {
    /// Name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverDuplicate => "never_duplicate",
            Self::Ask => "ask",
            Self::RetryAfterDeadline => "retry_after_deadline",
        }
    }
}
