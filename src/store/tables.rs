//! Every kind of row that the store keeps, declared once: what it is, whose, how long it is kept, what of it is personal, what an
//! erasure does to it, and whether a copy to another store takes it along.
//!
//! Tests hold the declarations against both backends' layouts, against what is copied, and against what a customer leaves in the
//! rows; `docs/data.md` is written from them.

mod audit_entry;
mod canned_reply;
mod erasure;
mod invitation;
mod leaving;
mod limit;
mod operator;
mod session;
mod sign_in_event;
mod sign_in_provider;
mod sign_up;
mod subscription;
mod team;
mod usage;
mod user;

use super::transfer::RecordKind;
use crate::domain::Retention;

pub use audit_entry::{
    AUDIT_ENTRY, AUDIT_HEAD, AUDIT_MONTH, AuditActor, AuditDetails, AuditEntry, AuditHead, AuditMonth,
    AuditScope, AuditTarget, AuditTargetId, AuditTargetKind, ChainLink, EntryHash, EntryPlace, MonthBefore,
};
pub use canned_reply::{CANNED_REPLY, CannedReply, Shortcut};
pub use erasure::{KnownUser, OfUser, USER_ERASURE, UserErasure};
pub use invitation::{INVITATION, Invitation, InvitationState, PASSWORD_RESET, PasswordReset};
pub use leaving::{LEAVING, Leaving};
pub use limit::{LIMITED_MEMBER, LimitedMember, NAMED_TEAM, NamedTeam};
pub use operator::{OPERATOR, Operator};
pub use session::{SESSION, SESSION_OF_USER, Session, SessionOfUser};
pub use sign_in_event::{SIGN_IN_EVENT, SignInEvent, SignInResult};
pub use sign_in_provider::{
    NewPeople, ProviderAccount, SIGN_IN_ATTEMPT, SIGN_IN_IDENTITY, SIGN_IN_PROVIDER, SignInAttempt,
    SignInIdentity, SignInProvider,
};
pub use sign_up::{SIGN_UP, SIGN_UP_INVITATION, SignUp, SignUpIds, SignUpInvitation};
pub use subscription::{
    PAYMENT_CUSTOMER, PAYMENTS_ASIDE, PaymentCustomer, PaymentsAside, SUBSCRIPTION, SetByHand, Subscription,
};
pub use team::{Former, Handover, MEMBERSHIP, Member, Membership, TEAM, Team};
pub use usage::{USAGE_CURSOR, USAGE_HOUR, UsageCursor, UsageHour};
pub use user::{
    AcceptedPolicy, EMAIL_CHANGE, EmailChange, EmailChangeLink, Reset, SecondFactor, TotpSecret, USER,
    USER_EMAIL, User, UserEmail,
};

/// How long a row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// By the tenant's retention, from the message's own time.
    WithMessage,
    /// [`Retention::EVENTS`], or as long as messages where that is less.
    WithEvent,
    /// As long as its message, and no less than [`Retention::DEDUPE`].
    PastRetries,
    /// So many hours from when it was written.
    Hours(u64),
    /// Until its message is settled.
    UntilSettled,
    /// Until it is applied.
    UntilApplied,
    /// Until a time that the row itself names, or until it is removed.
    AsLongAsItSays,
    /// Until it is removed or replaced.
    UntilRemoved,
}

/// The person or business that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A customer.
    Contact,
    /// A business.
    Tenant,
    /// Who looks after the gateway.
    Operator,
    /// A person who signs in.
    User,
    /// Nobody.
    Nobody,
}

/// What an erasure of its subject does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// It is removed.
    Removed,
    /// It stays without what it tells of the subject.
    Blanked,
    /// Nothing: it holds ids or digests alone, or is nobody's.
    Nothing,
    /// It is removed where a text in it is one of the subject's names.
    Searched,
    /// Nothing yet: whoever erases waits until it is applied.
    WaitedFor,
}

/// Whether a copy to another store takes a row along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// With the rows of a tenant's ledger.
    Ledger(RecordKind),
    /// By a call of its own.
    ByItself,
    /// With the rows of all plain tables.
    Plain,
    /// No: whoever takes the other rows in makes it.
    Made,
    /// No: it is about this store alone.
    No,
}

/// One kind of row.
#[derive(Debug)]
pub struct Table {
    /// Its name, also in reports of copies.
    pub name: &'static str,
    /// What a row is.
    pub says: &'static str,
    /// What names a row, first what stands together.
    pub key: &'static str,
    /// How long it is kept.
    pub kept: Kept,
    /// Whom it is about.
    pub subject: Subject,
    /// Fields that tell of a person, or that must stay secret.
    pub personal: &'static [&'static str],
    /// Fields that no export shows: they let somebody in, or say how.
    pub secret: &'static [&'static str],
    /// How the rows of one user are found. An account is erased in the order of [`ALL`].
    pub of_user: OfUser,
    /// What an erasure does to it.
    pub erasure: Erasure,
    /// Whether it is copied.
    pub copied: Copied,
    /// Where it stands in a data folder: the engine's keyspace, and the first letter of its keys where several kinds share one.
    pub folder: &'static [&'static str],
    /// Its tables on a cluster.
    pub cluster: &'static [&'static str],
}

/// All of them.
pub const ALL: [&Table; 49] = [
    &CONTACT,
    &ALIAS,
    &CONTACT_INDEX,
    &CONTACT_TERM,
    &MESSAGE,
    &CONVERSATION,
    &CONVERSATION_LIST,
    &SEEN,
    &IDEMPOTENCY,
    &OUTBOX,
    &EVENT,
    &HEAD,
    &RETENTION_JOB,
    &TENANT,
    &NUMBER,
    &API_KEY,
    &CANNED_REPLY,
    &OPERATOR,
    &USER,
    &USER_EMAIL,
    &TEAM,
    &MEMBERSHIP,
    &LEAVING,
    &NAMED_TEAM,
    &LIMITED_MEMBER,
    &SESSION,
    &SESSION_OF_USER,
    &SIGN_IN_EVENT,
    &INVITATION,
    &PASSWORD_RESET,
    &USAGE_HOUR,
    &USAGE_CURSOR,
    &EMAIL_CHANGE,
    &SUBSCRIPTION,
    &PAYMENT_CUSTOMER,
    &PAYMENTS_ASIDE,
    &SIGN_UP,
    &SIGN_UP_INVITATION,
    &USER_ERASURE,
    &AUDIT_ENTRY,
    &AUDIT_HEAD,
    &AUDIT_MONTH,
    &SIGN_IN_PROVIDER,
    &SIGN_IN_IDENTITY,
    &SIGN_IN_ATTEMPT,
    &LEASE,
    &TIME,
    &JOURNAL,
    &QUARANTINE,
];

/// What most rows of a tenant's ledger have in common.
const LEDGER: Table = Table {
    name: "",
    says: "",
    key: "",
    kept: Kept::UntilRemoved,
    subject: Subject::Nobody,
    personal: &[],
    secret: &[],
    of_user: OfUser::None,
    erasure: Erasure::Nothing,
    copied: Copied::No,
    folder: &[],
    cluster: &[],
};

/// What plain tables have in common: one place for all of them.
pub const PLAIN: Table = Table {
    copied: Copied::Plain,
    folder: &["rows R", "expiry p"],
    cluster: &["plain_row"],
    ..LEDGER
};

const CONTACT: Table = Table {
    name: "contact",
    says: "a customer or a group, and the names that it goes or went by",
    key: "tenant · contact",
    subject: Subject::Contact,
    personal: &[
        "phone",
        "bsuid",
        "bsuids",
        "parent_bsuid",
        "group_id",
        "name",
        "username",
        "given_name",
        "attributes",
        "labels",
        "former",
        "taken",
        "pending",
    ],
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Contact),
    folder: &["rows p"],
    cluster: &["contact"],
    ..LEDGER
};

const ALIAS: Table = Table {
    name: "alias",
    says: "the contact that a name leads to; the name as a digest",
    key: "tenant · digest of the name",
    subject: Subject::Contact,
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Alias),
    folder: &["rows a"],
    cluster: &["alias"],
    ..LEDGER
};

const CONTACT_INDEX: Table = Table {
    name: "contact_index",
    says: "what belongs to a contact: conversations, names, linked contacts, groups that it wrote in; ids alone",
    key: "tenant · contact · kind · reference",
    subject: Subject::Contact,
    erasure: Erasure::Removed,
    copied: Copied::Made,
    folder: &["rows x"],
    cluster: &["contact_index"],
    ..LEDGER
};

const CONTACT_TERM: Table = Table {
    name: "contact_term",
    says: "by what a contact is found: under digests of its labels, lists, attributes and pieces of its names, and in order of names",
    key: "tenant · kind and digest · when it was first seen, or the beginning of its name · contact",
    subject: Subject::Contact,
    personal: &["the beginning of its name"],
    erasure: Erasure::Removed,
    copied: Copied::Made,
    folder: &["rows f"],
    cluster: &["contact_term"],
    ..LEDGER
};

const MESSAGE: Table = Table {
    name: "message",
    says: "a message or a note, with its delivery and earlier versions",
    key: "tenant · conversation · message, newest first",
    kept: Kept::WithMessage,
    subject: Subject::Contact,
    personal: &["content", "wamid", "versions", "author", "delivery"],
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Message),
    folder: &["messages", "expiry m"],
    cluster: &["message_s", "message_m", "message_l", "message_bucket"],
    ..LEDGER
};

const CONVERSATION: Table = Table {
    name: "conversation",
    says: "one contact on one number: status, assignee, labels, unread, and the beginning of the last message while that is kept",
    key: "tenant · conversation",
    subject: Subject::Contact,
    personal: &["preview", "last_message_by", "late_message_by", "labels"],
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Conversation),
    folder: &["rows c"],
    cluster: &["conversation"],
    ..LEDGER
};

const CONVERSATION_LIST: Table = Table {
    name: "conversation_list",
    says: "the order of the list of conversations; on a cluster the tenant's owner keeps it in memory",
    key: "tenant · status · last activity, newest first · conversation",
    subject: Subject::Contact,
    erasure: Erasure::Removed,
    copied: Copied::Made,
    folder: &["rows l"],
    ..LEDGER
};

const SEEN: Table = Table {
    name: "seen",
    says: "that a webhook's message or status, or a message of ours, was taken; by digest, with the message that it made",
    key: "tenant · digest",
    kept: Kept::PastRetries,
    subject: Subject::Contact,
    erasure: Erasure::Blanked,
    copied: Copied::Ledger(RecordKind::Seen),
    folder: &["index s"],
    cluster: &["seen"],
    ..LEDGER
};

const IDEMPOTENCY: Table = Table {
    name: "idempotency",
    says: "the answer to a request that a caller named; by digest",
    key: "tenant · digest",
    kept: Kept::Hours(Retention::IDEMPOTENCY.as_secs() / 3_600),
    copied: Copied::Ledger(RecordKind::Idempotency),
    folder: &["index i"],
    cluster: &["idempotency"],
    ..LEDGER
};

const OUTBOX: Table = Table {
    name: "outbox",
    says: "an outbound message that is not settled, with what is sent to Meta",
    key: "tenant · number · message",
    kept: Kept::UntilSettled,
    subject: Subject::Contact,
    personal: &["payload"],
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Outbox),
    folder: &["rows o"],
    cluster: &["outbox", "outbox_slot"],
    ..LEDGER
};

const EVENT: Table = Table {
    name: "event",
    says: "an event of the ledger, as agents see it",
    key: "tenant · seq",
    kept: Kept::WithEvent,
    subject: Subject::Contact,
    personal: &["json"],
    erasure: Erasure::Blanked,
    copied: Copied::Ledger(RecordKind::Event),
    folder: &["events", "expiry e"],
    cluster: &["event"],
    ..LEDGER
};

const HEAD: Table = Table {
    name: "head",
    says: "where the ledger stands; on a cluster also the last commit, until the owner has been idle for a sweep",
    key: "tenant",
    subject: Subject::Tenant,
    copied: Copied::Ledger(RecordKind::Head),
    folder: &["rows h"],
    cluster: &["ledger"],
    ..LEDGER
};

const RETENTION_JOB: Table = Table {
    name: "retention_job",
    says: "the last change of the tenant's retention, and how far it is",
    key: "tenant",
    subject: Subject::Tenant,
    copied: Copied::ByItself,
    folder: &["rows r"],
    cluster: &["retention_job"],
    ..LEDGER
};

const TENANT: Table = Table {
    name: "tenant",
    says: "a business account, and what it says about itself",
    key: "tenant",
    subject: Subject::Tenant,
    personal: &["name", "privacy_contact"],
    copied: Copied::ByItself,
    folder: &["rows T"],
    cluster: &["tenant"],
    ..LEDGER
};

const NUMBER: Table = Table {
    name: "number",
    says: "a business number and Graph's token for it",
    key: "Meta's id of the number",
    subject: Subject::Tenant,
    personal: &["display", "access_token"],
    copied: Copied::ByItself,
    folder: &["rows N"],
    cluster: &["number"],
    ..LEDGER
};

const API_KEY: Table = Table {
    name: "api_key",
    says: "a program's key: the hash of its secret, what it may do, since when it is refused",
    key: "hash; and tenant · hash",
    subject: Subject::Tenant,
    personal: &["name"],
    copied: Copied::ByItself,
    folder: &["rows K", "rows k"],
    cluster: &["api_key", "api_key_of_tenant"],
    ..LEDGER
};

const LEASE: Table = Table {
    name: "lease",
    says: "the last fence of a tenant; on a cluster also its owner's process, and the version of the numbers",
    key: "tenant",
    folder: &["rows L"],
    cluster: &["lease"],
    ..LEDGER
};

const TIME: Table = Table {
    name: "time",
    says: "the latest time that was believed; on a cluster a row of `lease`",
    key: "",
    folder: &["rows t"],
    ..LEDGER
};

const JOURNAL: Table = Table {
    name: "journal",
    says: "a webhook's body and the app that signed it",
    key: "minute · arrival",
    kept: Kept::UntilApplied,
    subject: Subject::Contact,
    personal: &["body"],
    erasure: Erasure::WaitedFor,
    copied: Copied::ByItself,
    folder: &["webhooks/"],
    cluster: &["journal", "journal_minute"],
    ..LEDGER
};

const QUARANTINE: Table = Table {
    name: "quarantine",
    says: "a webhook's element that could not be applied, and why",
    key: "arrival",
    kept: Kept::Hours(Retention::ASIDE.as_secs() / 3_600),
    subject: Subject::Contact,
    personal: &["body"],
    erasure: Erasure::Searched,
    copied: Copied::ByItself,
    folder: &["rows q"],
    cluster: &["quarantine"],
    ..LEDGER
};

impl RecordKind {
    /// The kind of row that a record is.
    pub const fn table(self) -> &'static Table {
        match self {
            Self::Contact => &CONTACT,
            Self::Alias => &ALIAS,
            Self::Message => &MESSAGE,
            Self::Conversation => &CONVERSATION,
            Self::Seen => &SEEN,
            Self::Idempotency => &IDEMPOTENCY,
            Self::Outbox => &OUTBOX,
            Self::Event => &EVENT,
            Self::Head => &HEAD,
        }
    }
}

#[cfg(test)]
mod tests;
