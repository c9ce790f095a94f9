//! Who did what: the audit log's entries, chained by hashes, and where each chain ends.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::ids::hex;
use crate::domain::quota::Quotas;
use crate::domain::roles::{OperatorRole, Role};
use crate::domain::subscription::SubscriptionState;
use crate::domain::{AuditAction, BroadcastProblem, MemberLimit, Month, TenantId, Timestamp, UserId};
use crate::store::directory::Scope;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where entries are declared.
pub const AUDIT_ENTRY: Table = Table {
    name: "audit_entry",
    kept: Kept::AsLongAsItSays,
    says: "who did what to what, when, from where: ids and no content; each with the hash of the one before",
    key: "tenant, or nothing for what concerns none · month · seq",
    subject: Subject::Tenant,
    personal: &["actor", "target", "address"],
    ..PLAIN
};

/// Where the ends of the chains are.
pub const AUDIT_HEAD: Table = Table {
    name: "audit_head",
    says: "the last entry of an audit log: its place and hash",
    key: "tenant, or nothing for what concerns none",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where the ends of closed months are.
pub const AUDIT_MONTH: Table = Table {
    name: "audit_month",
    kept: Kept::AsLongAsItSays,
    says: "the last entry of a closed month of an audit log: its place and hash",
    key: "tenant, or nothing for what concerns none · month",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditScope {
    /// A tenant's.
    Tenant(TenantId),
    /// That of the operators, for what concerns no tenant.
    Operators,
}

impl AuditScope {
    fn part(self) -> Vec<u8> {
        match self {
            Self::Tenant(tenant) => tenant.get().to_be_bytes().to_vec(),
            Self::Operators => Vec::new(),
        }
    }
}

/// SHA-256 over an entry as it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EntryHash([u8; 32]);

impl EntryHash {
    /// That of an entry's stored bytes.
    pub fn of(stored: &[u8]) -> Self {
        let mut out = [0_u8; 32];
        let full = digest::digest(&digest::SHA256, stored);
        out.iter_mut()
            .zip(full.as_ref())
            .for_each(|(slot, byte)| *slot = *byte);
        Self(out)
    }

    /// What the first entry of a log is chained to: no log's is another's.
    pub fn beginning(scope: AuditScope) -> Self {
        Self::of(&[b"mesej audit ".as_slice(), &scope.part()].concat())
    }
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for EntryHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a hash of 64 hexadecimal digits";
        let digits = text.bytes().map(|byte| char::from(byte).to_digit(16));
        let digits: Vec<u8> = digits
            .map(|digit| digit.and_then(|digit| u8::try_from(digit).ok()).ok_or(RULE))
            .collect::<Result<_, _>>()?;
        let mut out = [0_u8; 32];
        if digits.len() != out.len() * 2 {
            return Err(RULE);
        }
        for (slot, pair) in out.iter_mut().zip(digits.chunks(2)) {
            *slot = pair.iter().fold(0, |byte, digit| (byte << 4) | digit);
        }
        Ok(Self(out))
    }
}

impl Serialize for EntryHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum AuditActor {
    /// A person who is signed in.
    User(UserId),
    /// A program: the public part of its key.
    Key(String),
    /// Who looks after the gateway: the public part of the token, or `settings`.
    Operator(String),
    /// Somebody who is not signed in, or the gateway by itself.
    Nobody,
}

impl AuditActor {
    /// Name of the kind in the API.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Key(_) => "key",
            Self::Operator(_) => "operator",
            Self::Nobody => "nobody",
        }
    }

    /// Who of the kind.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::Key(id) | Self::Operator(id) => Some(id.clone()),
            Self::Nobody => None,
        }
    }
}

/// What kind of thing it was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditTargetKind {
    /// A person.
    User,
    /// An API key.
    Key,
    /// An operator.
    Operator,
    /// A tenant.
    Tenant,
    /// A number, by Meta's id.
    Number,
    /// An invitation.
    Invitation,
    /// A session.
    Session,
    /// A canned reply, by its shortcut.
    CannedReply,
    /// A team of the business.
    Team,
    /// An attribute of contacts, by its key.
    Attribute,
    /// A list of contacts.
    ContactList,
    /// A segment of contacts.
    Segment,
    /// An import of contacts.
    Import,
    /// A broadcast.
    Broadcast,
    /// A message template.
    Template,
    /// A file.
    File,
    /// A contact.
    Contact,
}

/// The id of a thing: up to 64 letters, digits, `-`, `_` and `.`, so that nobody writes anything else into the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditTargetId(String);

impl AuditTargetId {
    /// An id, where a text has the form of one.
    pub fn of(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTarget {
    /// What kind of thing.
    pub kind: AuditTargetKind,
    /// Which.
    pub id: AuditTargetId,
}

impl AuditTarget {
    /// A thing, where its id has the form of one.
    pub fn of(kind: AuditTargetKind, id: &str) -> Option<Self> {
        AuditTargetId::of(id).map(|id| Self { kind, id })
    }
}

/// What else is said. Never a name, an address of a person, or a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditDetails {
    /// The entry, in the same log, that this one says more about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<EntryPlace>,
    /// It was not done: the error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Nobody can tell whether it was done: the error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// The role that a member gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The role that the member had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_before: Option<Role>,
    /// What the member is limited to from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<MemberLimit>,
    /// The role of an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_role: Option<OperatorRole>,
    /// What a key may do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// Days of retention, or until a token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Days of retention before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_before: Option<u32>,
    /// Quotas that a tenant gets.
    #[serde(skip_serializing_if = "Quotas::is_empty")]
    pub quotas: Quotas,
    /// The state that the subscription gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionState>,
    /// Why the gateway did it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<BroadcastProblem>,
    /// How many things it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Which month of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
}

/// An entry's place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPlace {
    /// The month that it stands in.
    pub month: Month,
    /// Its place there, from 1 on, without a hole.
    pub seq: u64,
}

/// What the chain is made of; the part of an entry that every version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    /// The hash of the entry before; of the first of all, [`EntryHash::beginning`].
    pub prev: EntryHash,
    /// Until when the month's entries may be read: the same for all of them, so that no chain loses its middle.
    pub keep_until: Timestamp,
    /// In the first entry of a month: the last one of the month before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<MonthBefore>,
    /// In the last entry of a month: where the chain goes on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Month>,
}

/// Where the month before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthBefore {
    /// Its last entry.
    pub place: EntryPlace,
    /// Until when that may be read.
    pub keep_until: Timestamp,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// What no other entry has: who writes one knows it again.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: AuditAction,
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<AuditTarget>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<IpAddr>,
    /// What else.
    #[serde(default)]
    pub details: AuditDetails,
    /// Its place in the chain.
    #[serde(flatten)]
    pub link: ChainLink,
}

impl AuditEntry {
    /// Those of a month.
    pub fn of(scope: AuditScope, month: Month) -> Partition {
        let part = [scope.part().as_slice(), &month.to_be_bytes()].concat();
        Partition::of(&AUDIT_ENTRY, &part)
    }

    /// One of them.
    pub fn at(scope: AuditScope, place: EntryPlace) -> PlainKey {
        Self::of(scope, place.month).row(&place.seq.to_be_bytes())
    }

    /// The place in its month of a row with this key; 0 of one that is no entry's.
    pub fn seq_of(sort: &Bytes) -> u64 {
        sort.as_ref().try_into().map_or(0, u64::from_be_bytes)
    }
}

impl PlainRow for AuditEntry {
    const TABLE: &'static Table = &AUDIT_ENTRY;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.link.keep_until)
    }
}

/// Where a log ends, as far as was noted: after a kill there may be entries behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The month of the first entry of all.
    pub began: Month,
    /// The last entry; 0 where there is none yet.
    pub place: EntryPlace,
    /// Its hash.
    pub hash: EntryHash,
    /// Until when the month's entries may be read; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keep_until: Option<Timestamp>,
    /// Where the chain goes on, when that entry closed its month.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Month>,
}

impl AuditHead {
    /// That of a log.
    pub fn at(scope: AuditScope) -> PlainKey {
        Partition::of(&AUDIT_HEAD, &scope.part()).row(&[])
    }
}

impl PlainRow for AuditHead {
    const TABLE: &'static Table = &AUDIT_HEAD;
}

/// How a closed month ended: what a check of that month alone compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditMonth {
    /// The last entry's place.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
    /// Until when the month's entries may be read.
    pub keep_until: Timestamp,
}

impl AuditMonth {
    /// That of a month.
    pub fn at(scope: AuditScope, month: Month) -> PlainKey {
        Partition::of(&AUDIT_MONTH, &scope.part()).row(&month.to_be_bytes())
    }
}

impl PlainRow for AuditMonth {
    const TABLE: &'static Table = &AUDIT_MONTH;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.keep_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_no_text_and_no_address() {
        for good in ["a", "opening-hours_2", "0192f0c1a2b3c4d5", &"x".repeat(64)] {
            assert!(AuditTargetId::of(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "ana@example.com",
            "two words",
            "a/b",
            "+62812",
            "ü",
            &"x".repeat(65),
        ] {
            assert!(AuditTargetId::of(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written_and_no_log_begins_as_another() {
        let scopes = [
            AuditScope::Operators,
            AuditScope::Tenant(TenantId::new(1)),
            AuditScope::Tenant(TenantId::new(2)),
        ];
        let hashes = scopes.map(EntryHash::beginning);
        for (n, hash) in hashes.iter().enumerate() {
            assert_eq!(hash.to_string().parse(), Ok(*hash));
            assert!(hashes.iter().skip(n + 1).all(|other| other != hash));
        }
        let hash = hashes[0].to_string();
        for bad in [
            "",
            &hash[1..],
            &format!("{hash}0"),
            &hash.replace(&hash[..1], "x"),
        ] {
            assert!(bad.parse::<EntryHash>().is_err(), "{bad}");
        }
    }
}
