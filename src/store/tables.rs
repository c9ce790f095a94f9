//! Every kind of row that the store keeps, declared once: what it is, whose, how long it is kept, what of it is personal, what an
//! erasure does to it, and whether a copy to another store takes it along.
//!
//! Tests hold the declarations against both backends' layouts, against what is copied, and against what a customer leaves in the
//! rows; `docs/data.md` is written from them.

mod audit_entry;
mod canned_reply;
mod contact_attribute;
mod contact_import;
mod contact_note;
mod erasure;
mod invitation;
mod leaving;
mod ledger;
mod limit;
mod media;
mod operator;
mod segment;
mod session;
mod sign_in_event;
mod sign_in_provider;
mod sign_up;
mod subscription;
mod team;
mod template;
mod usage;
mod user;

use self::ledger::{
    ALIAS, API_KEY, CONTACT, CONTACT_INDEX, CONTACT_TERM, CONVERSATION, CONVERSATION_LIST, EVENT, HEAD,
    IDEMPOTENCY, JOURNAL, LEASE, MESSAGE, NUMBER, OUTBOX, QUARANTINE, RETENTION_JOB, SEEN, TENANT, TIME,
};
use super::transfer::RecordKind;

pub use audit_entry::{
    AUDIT_ENTRY, AUDIT_HEAD, AUDIT_MONTH, AuditActor, AuditDetails, AuditEntry, AuditHead, AuditMonth,
    AuditScope, AuditTarget, AuditTargetId, AuditTargetKind, ChainLink, EntryHash, EntryPlace, MonthBefore,
};
pub use canned_reply::{CANNED_REPLY, CannedReply, Shortcut};
pub use contact_attribute::{AttributeType, CONTACT_ATTRIBUTE, CONTACT_LIST, ContactAttribute, ContactList};
pub use contact_import::{CONTACT_IMPORT, IMPORT_MAPPING};
pub use contact_note::{CONTACT_NOTE, ContactNote};
pub use erasure::{KnownUser, OfUser, USER_ERASURE, UserErasure};
pub use invitation::{INVITATION, Invitation, InvitationState, PASSWORD_RESET, PasswordReset};
pub use leaving::{LEAVING, Leaving};
pub use limit::{LIMITED_MEMBER, LimitedMember, NAMED_TEAM, NamedTeam};
pub use media::{
    Carrier, FileKey, MEDIA, MEDIA_AT_META, MEDIA_CURSOR, MEDIA_LINK, MEDIA_TASK, MEDIA_USAGE, MediaAtMeta,
    MediaCursor, MediaFile, MediaLink, MediaTask, MediaUsage, QUICK_FILE, QuickFile, UPLOAD, Upload,
    UploadPiece,
};
pub use operator::{OPERATOR, Operator};
pub use segment::{SEGMENT, Segment};
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
pub use template::{
    TEMPLATE, TEMPLATE_ACCOUNT, TEMPLATE_HISTORY, Template, TemplateAccount, TemplateHistory,
    TemplateVersion, Told,
};
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
pub const ALL: [&Table; 66] = [
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
    &CONTACT_NOTE,
    &CONTACT_ATTRIBUTE,
    &CONTACT_LIST,
    &TEMPLATE,
    &TEMPLATE_HISTORY,
    &TEMPLATE_ACCOUNT,
    &MEDIA,
    &MEDIA_TASK,
    &MEDIA_CURSOR,
    &MEDIA_LINK,
    &MEDIA_AT_META,
    &MEDIA_USAGE,
    &QUICK_FILE,
    &UPLOAD,
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
    &SEGMENT,
    &CONTACT_IMPORT,
    &IMPORT_MAPPING,
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
