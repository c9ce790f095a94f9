//! Every kind of row that the store keeps, declared once: what it is, whose, how long it is kept, what of it is personal, what an
//! erasure does to it, and whether a copy to another store takes it along.
//!
//! Tests hold the declarations against both backends' layouts, against what is copied, and against what a customer leaves in the
//! rows; `docs/data.md` is written from them.

mod audit_entry;
mod broadcast;
mod broadcast_chunk;
mod canned_reply;
mod consent;
mod contact_attribute;
mod contact_erasure;
mod contact_import;
mod contact_note;
mod declaration;
mod erasure;
mod invitation;
mod leaving;
mod ledger;
mod limit;
mod media;
mod media_owner;
mod merge;
mod number_standing;
mod operator;
mod own_reply;
mod segment;
mod session;
mod sign_in_event;
mod sign_in_provider;
mod sign_up;
mod subscription;
mod team;
mod template;
mod tenant_turn;
mod upload;
mod usage;
mod user;

use self::ledger::{
    ALIAS, API_KEY, BROADCAST_TALLY, CONTACT, CONTACT_INDEX, CONTACT_TERM, CONVERSATION, CONVERSATION_LIST,
    EVENT, HEAD, IDEMPOTENCY, JOURNAL, LEASE, MESSAGE, NUMBER, OUTBOX, QUARANTINE, RETENTION_JOB, SEEN,
    TENANT, TIME,
};

use super::transfer::RecordKind;

pub use audit_entry::{
    AUDIT_ENTRY, AUDIT_HEAD, AUDIT_MONTH, AuditActor, AuditDetails, AuditEntry, AuditHead, AuditMonth,
    AuditScope, AuditTarget, AuditTargetId, AuditTargetKind, ChainLink, EntryHash, EntryPlace, MonthBefore,
};
pub use broadcast::{
    BROADCAST, BROADCAST_JOB, BROADCAST_KEPT, BROADCAST_PROGRESS, Broadcast, BroadcastAudience,
    BroadcastExclusions, BroadcastJob, BroadcastPause, BroadcastPlan, BroadcastProgressRow, BroadcastState,
    BroadcastTemplate, PLAN_LASTS, PauseCount, UploadedRecipients,
};
pub use broadcast_chunk::{
    BROADCAST_CHUNK, BROADCAST_UPLOAD, BroadcastChunk, BroadcastUpload, CHUNK_BYTES, CHUNK_RECIPIENTS,
    PIECES_TOGETHER, PlannedRecipient, Unsendable, UploadedRow,
};
pub use canned_reply::{CANNED_REPLY, CannedReply, Shortcut};
pub use consent::{CONSENT, ConsentRecord, Proof};
pub use contact_attribute::{AttributeType, CONTACT_ATTRIBUTE, CONTACT_LIST, ContactAttribute, ContactList};
pub use contact_erasure::{CONTACT_ERASURE, ContactErasure};
pub use contact_import::{CONTACT_IMPORT, IMPORT_MAPPING};
pub use contact_note::{CONTACT_NOTE, ContactNote};
pub use declaration::{Copied, Erasure, Kept, Subject, Table};
pub use erasure::{KnownUser, OfUser, USER_ERASURE, UserErasure};
pub use invitation::{INVITATION, Invitation, InvitationState, PASSWORD_RESET, PasswordReset};
pub use leaving::{LEAVING, Leaving};
pub use limit::{LIMITED_MEMBER, LimitedMember, NAMED_TEAM, NamedTeam};
pub use media::{
    Carrier, FetchLease, FileKey, MEDIA, MEDIA_AT_META, MEDIA_CURSOR, MEDIA_ERASED, MEDIA_LINK, MEDIA_TASK,
    MediaAtMeta, MediaCursor, MediaErased, MediaFile, MediaLink, MediaTask,
};
pub use media_owner::{InstallationId, MEDIA_OWNER, MediaOwner};
pub use merge::{MERGE, MergeId, MergeRecord};
pub use number_standing::{NUMBER_STANDING, NumberStanding, NumberWarning};
pub use operator::{OPERATOR, Operator};
pub use own_reply::{OWN_REPLY, OwnReply};
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
    Heard, TEMPLATE, TEMPLATE_ACCOUNT, TEMPLATE_HISTORY, Template, TemplateAccount, TemplateHistory,
    TemplateVersion, Told,
};
pub use tenant_turn::{TENANT_TURN, TenantTurn};
pub use upload::{MEDIA_USAGE, MediaUsage, QUICK_FILE, QuickFile, UPLOAD, Upload, UploadPiece};
pub use usage::{USAGE_CURSOR, USAGE_HOUR, UsageCursor, UsageHour};
pub use user::{
    AcceptedPolicy, EMAIL_CHANGE, EmailChange, EmailChangeLink, Reset, SecondFactor, TotpSecret, USER,
    USER_EMAIL, User, UserEmail,
};

/// All of them.
pub const ALL: [&Table; 80] = [
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
    &BROADCAST_TALLY,
    &EVENT,
    &HEAD,
    &RETENTION_JOB,
    &TENANT,
    &TENANT_TURN,
    &NUMBER,
    &NUMBER_STANDING,
    &API_KEY,
    &CANNED_REPLY,
    &CONTACT_NOTE,
    &CONSENT,
    &MERGE,
    &CONTACT_ERASURE,
    &CONTACT_ATTRIBUTE,
    &CONTACT_LIST,
    &TEMPLATE,
    &TEMPLATE_HISTORY,
    &TEMPLATE_ACCOUNT,
    &MEDIA,
    &MEDIA_TASK,
    &MEDIA_CURSOR,
    &MEDIA_LINK,
    &MEDIA_ERASED,
    &MEDIA_AT_META,
    &MEDIA_OWNER,
    &MEDIA_USAGE,
    &QUICK_FILE,
    &OWN_REPLY,
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
    &BROADCAST,
    &BROADCAST_CHUNK,
    &BROADCAST_UPLOAD,
    &BROADCAST_PROGRESS,
    &BROADCAST_JOB,
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
            Self::Tally => &BROADCAST_TALLY,
            Self::Event => &EVENT,
            Self::Head => &HEAD,
        }
    }
}

#[cfg(test)]
mod tests;
