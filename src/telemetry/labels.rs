//! The closed sets of values by which metrics are told apart.

mod http;
mod people;

pub use http::{HttpMethod, HttpRoute, StatusClass};
pub use people::{AuditOutcome, ErasureOf, MailKind, MailOutcome, ProviderSignIn, SignInOutcome};

use super::table::{Label, label_enums};
use crate::domain::subscription::SubscriptionState;
use crate::domain::{BroadcastProblem, EventKind, Priority, Quota, TemplateStatus};

label_enums! {
    /// What became of a webhook of the payment provider's.
    PaymentWebhookOutcome {
        /// 200, durable, of a business that is known.
        Applied = "applied",
        /// 200, durable: which business it is about is not known yet.
        Aside = "aside",
        /// 200, a checkout for a business that did not ask for its link: nothing is changed.
        Unproven = "unproven",
        /// 200, of a kind that says nothing of subscriptions.
        Ignored = "ignored",
        /// 400, the signature was missing, wrong or too old.
        BadSignature = "bad_signature",
        /// 413, longer than allowed.
        TooLarge = "too_large",
        /// 503, too much in flight.
        Busy = "busy",
        /// 503, the store would not take it.
        StoreDown = "store_down",
        /// 400 or 408, the body did not arrive whole.
        Broken = "broken",
    }

    /// How a webhook post was answered.
    WebhookOutcome {
        /// 200, durable.
        Accepted = "accepted",
        /// 401, the signature was missing or wrong.
        BadSignature = "bad_signature",
        /// 413, longer than allowed.
        TooLarge = "too_large",
        /// 503, too much in flight.
        Busy = "busy",
        /// 503, the journal would not take it.
        StoreDown = "store_down",
        /// 400 or 408, the body did not arrive whole.
        Broken = "broken",
    }

    /// What kind of element of a webhook was applied.
    ElementKind {
        /// A customer's message.
        Message = "message",
        /// A status of one of our messages.
        Status = "status",
        /// A message sent by another application on the same number.
        Echo = "echo",
        /// A customer changed number or identity.
        Identity = "identity",
        /// Anything about accounts, numbers or templates.
        Account = "account",
        /// A kind that this version does not know; kept as it came.
        Unknown = "unknown",
    }

    /// Why a webhook or a part of it was put aside.
    QuarantineReason {
        /// Not JSON, or not the envelope that Meta promises.
        Malformed = "malformed",
        /// The number belongs to no tenant.
        UnknownNumber = "unknown_number",
        /// It was signed by another app than the one that its number belongs to.
        WrongApp = "wrong_app",
        /// Applying it failed again and again.
        Poison = "poison",
    }

    /// What became of a message when its tenant's retention changed.
    RetentionFate {
        /// Its time was over.
        Removed = "removed",
        /// It got another end.
        Moved = "moved",
    }

    /// How an import ended.
    ImportOutcome {
        /// It is done, with what was wrong of its rows told.
        Done = "done",
        /// It cannot go on.
        Failed = "failed",
    }

    /// What became of a row of an import.
    ImportedRow {
        /// It says something of a contact, new or not.
        Accepted = "accepted",
        /// Nothing of it counts.
        Rejected = "rejected",
    }

    /// What became of somebody for whom a broadcast is. What becomes of messages is counted with all others.
    RecipientTurn {
        /// Written down to be sent to.
        Planned = "planned",
        /// Written down with the reason why not.
        Unsendable = "unsendable",
        /// A message was accepted.
        Accepted = "accepted",
        /// Nothing was sent when the turn came.
        Suppressed = "suppressed",
    }

    /// Whether a tenant has actors.
    TenantState {
        /// It has.
        Live = "live",
        /// Nobody needs it now.
        Rest = "rest",
    }

    /// Why a socket was closed.
    CloseReason {
        /// The client left.
        Client = "client",
        /// The connection broke.
        Broken = "broken",
        /// No sign of life.
        Timeout = "timeout",
        /// It read nothing while something waited.
        Stuck = "stuck",
        /// Too many frames, or a frame too long.
        Flood = "flood",
        /// A frame that breaks the protocol.
        Protocol = "protocol",
        /// Its key was revoked.
        Revoked = "revoked",
        /// Its member is limited to other numbers.
        OtherNumbers = "other_numbers",
        /// Its tenant was not available.
        Unavailable = "unavailable",
        /// The server is stopping.
        Shutdown = "shutdown",
    }

    /// Why a connection was refused or closed by the server.
    ConnectionEnd {
        /// Silent for too long after a request.
        Idle = "idle",
        /// The head of a request did not come in time.
        Head = "head",
        /// What was sent is not read.
        Unread = "unread",
        /// Refused: its address has too many.
        Peer = "peer",
        /// Refused: there are as many as the limit on open files allows.
        Full = "full",
        /// Refused: more handshakes of TLS wait on its thread than are done in two seconds.
        Overloaded = "overloaded",
        /// The handshake of TLS did not end in time.
        Handshake = "handshake",
    }

    /// How a handshake of TLS ended.
    HandshakeEnd {
        /// The connection is open.
        Done = "done",
        /// The client broke off, or has no version, cipher or protocol of the server's.
        Failed = "failed",
        /// It did not end in time.
        Late = "late",
    }

    /// What became of a certificate whose files had changed.
    ReloadEnd {
        /// It is shown.
        Loaded = "loaded",
        /// It cannot be used: the one before is still shown.
        Refused = "refused",
    }

    /// Why a client was told to load afresh.
    ResyncReason {
        /// Its cursor is of another epoch.
        EpochChanged = "epoch_changed",
        /// The events after its cursor are no longer kept.
        TooOld = "too_old",
        /// It is too many events behind.
        TooFar = "too_far",
        /// It has seen more than there is.
        Ahead = "ahead",
    }

    /// Why a frame was refused.
    FrameRefusal {
        /// Not JSON, or not a frame that the protocol knows.
        Malformed = "malformed",
        /// Longer than allowed.
        TooLarge = "too_large",
        /// More than allowed in a second.
        TooMany = "too_many",
        /// Not allowed for this key.
        Forbidden = "forbidden",
    }

    /// How customers like what a number sends, as Meta says.
    NumberQuality {
        /// They do.
        Green = "green",
        /// Some block or report it.
        Yellow = "yellow",
        /// Many do: Meta may limit it.
        Red = "red",
        /// Meta does not say, or was not asked yet.
        Unknown = "unknown",
    }

    /// How a message template stands with Meta.
    TemplateState {
        /// It may be sent.
        Approved = "approved",
        /// Meta reviews it.
        Pending = "pending",
        /// Meta refused it.
        Rejected = "rejected",
        /// Customers do not like it.
        Paused = "paused",
        /// It was paused too often.
        Disabled = "disabled",
        /// Anything else.
        Other = "other",
    }

    /// Where a send came from.
    SendOrigin {
        /// REST.
        Api = "api",
        /// A socket.
        Ws = "ws",
    }

    /// How one call to Meta ended.
    AttemptResult {
        /// Meta took it.
        Accepted = "accepted",
        /// Meta holds it back for quality assessment.
        Held = "held",
        /// Provably not taken; may be tried again.
        NotAccepted = "not_accepted",
        /// Refused for good.
        Permanent = "permanent",
        /// Nobody can tell.
        Unknown = "unknown",
    }

    /// How an unknown outcome became known.
    UnknownResolution {
        /// A status with its token arrived.
        Status = "status",
        /// The deadline passed and it is reported as unknown for good.
        GivenUp = "given_up",
        /// The deadline passed and it was sent once more.
        Retried = "retried",
        /// Somebody decided: it was sent once more, or given up.
        Decided = "decided",
        /// Meta held it back and never told what became of it.
        HeldTooLong = "held_too_long",
    }

    /// Why a send waited for a limit.
    DelayReason {
        /// The number's messages per second.
        NumberLimit = "number_limit",
        /// The pace to one customer.
        PairLimit = "pair_limit",
        /// The portfolio's customers per day.
        DailyBudget = "daily_budget",
        /// Room for inbound messages, which count too.
        Inbound = "inbound",
        /// Meta said to slow down.
        Throttled = "throttled",
    }

    /// Why a lane stands still.
    PauseReason {
        /// Meta throttles the number.
        Throttled = "throttled",
        /// The access token is refused.
        Token = "token",
        /// The account or the number is locked.
        Locked = "locked",
        /// An operator paused it.
        Operator = "operator",
    }

    /// How a try to fetch a file ended.
    MediaFetch {
        /// It is kept.
        Stored = "stored",
        /// It is not what it is said to be, or too large.
        Refused = "refused",
        /// It did not come while Meta had it.
        Failed = "failed",
        /// It is tried again.
        Retried = "retried",
    }

    /// How a try to bring a file to Meta ended.
    MediaUpload {
        /// It is there.
        Brought = "brought",
        /// It will never be: its message fails.
        Failed = "failed",
        /// It is tried again.
        Retried = "retried",
    }

    /// Which call to Meta.
    GraphCall {
        /// Send a message.
        Send = "send",
        /// Mark a message as read.
        MarkRead = "mark_read",
        /// Anything that reads settings.
        Inspect = "inspect",
    }

    /// Which operation of the store.
    StoreOp {
        /// Put a webhook into the journal.
        JournalAppend = "journal_append",
        /// Mark journal entries as done.
        JournalDone = "journal_done",
        /// Read waiting journal entries.
        JournalScan = "journal_scan",
        /// Open a tenant's ledger.
        OpenTenant = "open_tenant",
        /// Commit a batch to a ledger.
        Append = "append",
        /// Read events.
        Events = "events",
        /// Claim messages to send.
        Claim = "claim",
        /// Read anything else.
        Read = "read",
        /// Write anything else.
        Write = "write",
        /// Free what expired.
        Expire = "expire",
    }

    /// How an operation of the store ended.
    StoreOutcome {
        /// Done.
        Ok = "ok",
        /// Not done, for a reason that the caller expects: fenced, or overtaken.
        Refused = "refused",
        /// Not done, the store does not answer or is full.
        Unavailable = "unavailable",
        /// Nobody can tell whether it was done.
        Unknown = "unknown",
        /// What was read makes no sense.
        Corrupt = "corrupt",
    }

    /// Which actor.
    ActorKind {
        /// The process's directory.
        Directory = "directory",
        /// A tenant.
        Tenant = "tenant",
        /// A conversation.
        Conversation = "conversation",
        /// A tenant's ledger.
        Ledger = "ledger",
        /// A number's lane.
        Lane = "lane",
        /// A socket.
        Session = "session",
        /// The part of the road in that applies webhooks.
        Applier = "applier",
    }
}

/// This build's version, as a label.
#[derive(Debug, Clone, Copy)]
pub struct Version;

impl Label for Version {
    fn label(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn every() -> &'static [Self] {
        &[Self]
    }
}

impl Label for Priority {
    fn label(&self) -> &'static str {
        self.as_str()
    }

    fn every() -> &'static [Self] {
        Self::ALL
    }
}

impl Label for SubscriptionState {
    fn label(&self) -> &'static str {
        self.as_str()
    }

    fn every() -> &'static [Self] {
        Self::ALL
    }
}

impl Label for Quota {
    fn label(&self) -> &'static str {
        self.as_str()
    }

    fn every() -> &'static [Self] {
        Self::ALL
    }
}

impl Label for BroadcastProblem {
    fn label(&self) -> &'static str {
        self.as_str()
    }

    fn every() -> &'static [Self] {
        Self::ALL
    }
}

impl Label for EventKind {
    fn label(&self) -> &'static str {
        self.as_str()
    }

    fn every() -> &'static [Self] {
        Self::ALL
    }
}

/// A name from a closed table in the code: an error code, a kind of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub &'static str);

impl Label for Code {
    fn label(&self) -> &'static str {
        self.0
    }

    fn every() -> &'static [Self] {
        &[]
    }
}

impl NumberQuality {
    /// By what Meta says.
    pub fn of(told: Option<&str>) -> Self {
        match told {
            Some("GREEN") => Self::Green,
            Some("YELLOW") => Self::Yellow,
            Some("RED") => Self::Red,
            Some(_) | None => Self::Unknown,
        }
    }
}

impl From<&TemplateStatus> for TemplateState {
    fn from(status: &TemplateStatus) -> Self {
        match status {
            TemplateStatus::Approved => Self::Approved,
            TemplateStatus::Pending | TemplateStatus::InAppeal => Self::Pending,
            TemplateStatus::Rejected => Self::Rejected,
            TemplateStatus::Paused => Self::Paused,
            TemplateStatus::Disabled => Self::Disabled,
            TemplateStatus::LimitExceeded
            | TemplateStatus::PendingDeletion
            | TemplateStatus::Deleted
            | TemplateStatus::Archived
            | TemplateStatus::Other(_) => Self::Other,
        }
    }
}
