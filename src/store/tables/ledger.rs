//! Tables with layouts of their own: those of a tenant's ledger, the directory, and what comes before both.

use super::{Copied, Erasure, Kept, LEDGER, Subject, Table};
use crate::domain::{BroadcastTally, Retention};
use crate::store::transfer::RecordKind;

pub(super) const CONTACT: Table = Table {
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
        "merged",
        "consents",
        "wishes",
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

pub(super) const ALIAS: Table = Table {
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

pub(super) const CONTACT_INDEX: Table = Table {
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

pub(super) const CONTACT_TERM: Table = Table {
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

pub(super) const MESSAGE: Table = Table {
    name: "message",
    says: "a message or a note, with its delivery and earlier versions",
    key: "tenant · conversation · message, newest first",
    kept: Kept::WithMessage,
    subject: Subject::Contact,
    personal: &["content", "wamid", "versions", "author", "delivery", "media"],
    erasure: Erasure::Removed,
    copied: Copied::Ledger(RecordKind::Message),
    folder: &["messages", "expiry m"],
    cluster: &["message_s", "message_m", "message_l", "message_bucket"],
    ..LEDGER
};

pub(super) const CONVERSATION: Table = Table {
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

pub(super) const CONVERSATION_LIST: Table = Table {
    name: "conversation_list",
    says: "the order of the list of conversations; on a cluster the tenant's owner keeps it in memory",
    key: "tenant · status · last activity, newest first · conversation",
    subject: Subject::Contact,
    erasure: Erasure::Removed,
    copied: Copied::Made,
    folder: &["rows l"],
    ..LEDGER
};

pub(super) const SEEN: Table = Table {
    name: "seen",
    says: "that a webhook's message or status, or a message of ours, was taken; by digest, with the message that it made; and for five years that somebody of a name was erased, also by digest",
    key: "tenant · digest",
    kept: Kept::PastRetries,
    subject: Subject::Contact,
    erasure: Erasure::Blanked,
    copied: Copied::Ledger(RecordKind::Seen),
    folder: &["index s"],
    cluster: &["seen"],
    ..LEDGER
};

pub(super) const IDEMPOTENCY: Table = Table {
    name: "idempotency",
    says: "the answer to a request that a caller named; by digest",
    key: "tenant · digest",
    kept: Kept::Hours(Retention::IDEMPOTENCY.as_secs() / 3_600),
    copied: Copied::Ledger(RecordKind::Idempotency),
    folder: &["index i"],
    cluster: &["idempotency"],
    ..LEDGER
};

pub(super) const OUTBOX: Table = Table {
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

pub(super) const BROADCAST_TALLY: Table = Table {
    name: "broadcast_tally",
    says: "whether a broadcast goes on, and how many of its recipients came to what",
    key: "tenant · broadcast",
    kept: Kept::Hours(BroadcastTally::KEPT.as_secs() / 3_600),
    subject: Subject::Tenant,
    copied: Copied::Ledger(RecordKind::Tally),
    folder: &["index b"],
    cluster: &["broadcast_tally"],
    ..LEDGER
};

pub(super) const EVENT: Table = Table {
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

pub(super) const HEAD: Table = Table {
    name: "head",
    says: "where the ledger stands; on a cluster also the last commit, until the owner has been idle for a sweep",
    key: "tenant",
    subject: Subject::Tenant,
    copied: Copied::Ledger(RecordKind::Head),
    folder: &["rows h"],
    cluster: &["ledger"],
    ..LEDGER
};

pub(super) const RETENTION_JOB: Table = Table {
    name: "retention_job",
    says: "the last change of the tenant's retention, and how far it is",
    key: "tenant",
    subject: Subject::Tenant,
    copied: Copied::ByItself,
    folder: &["rows r"],
    cluster: &["retention_job"],
    ..LEDGER
};

pub(super) const TENANT: Table = Table {
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

pub(super) const NUMBER: Table = Table {
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

pub(super) const API_KEY: Table = Table {
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

pub(super) const LEASE: Table = Table {
    name: "lease",
    says: "the last fence of a tenant; on a cluster also its owner's process, and the version of the numbers",
    key: "tenant",
    folder: &["rows L"],
    cluster: &["lease"],
    ..LEDGER
};

pub(super) const TIME: Table = Table {
    name: "time",
    says: "the latest time that was believed; on a cluster a row of `lease`",
    key: "",
    folder: &["rows t"],
    ..LEDGER
};

pub(super) const JOURNAL: Table = Table {
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

pub(super) const QUARANTINE: Table = Table {
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
