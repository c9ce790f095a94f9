//! Which contacts somebody merged, for it to be undone within a month.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Erasure, Kept, PLAIN, Subject, Table};
use crate::domain::{Author, ContactId, MergeDone, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const MERGE: Table = Table {
    name: "merge",
    says: "that somebody merged a contact into another, and what that one took over: 30 days long it can be undone",
    key: "tenant · contact · chance",
    kept: Kept::Hours(30 * 24),
    subject: Subject::Contact,
    personal: &["done", "by"],
    erasure: Erasure::Removed,
    ..PLAIN
};

/// Names a merge: the card that stays, and a number by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MergeId {
    /// The card that stays.
    pub contact: ContactId,
    /// Tells its merges apart.
    pub twin: u64,
}

impl fmt::Display for MergeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}", self.contact, self.twin)
    }
}

impl FromStr for MergeId {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "a merge_id of 48 hexadecimal digits";
        let (contact, twin) = text.split_at_checked(32).ok_or(RULE)?;
        let is_hex = twin.len() == 16 && twin.bytes().all(|byte| byte.is_ascii_hexdigit());
        let twin = u64::from_str_radix(twin, 16).ok().filter(|_| is_hex);
        Ok(Self {
            contact: contact.parse().map_err(|_malformed| RULE)?,
            twin: twin.ok_or(RULE)?,
        })
    }
}

impl TryFrom<String> for MergeId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MergeId> for String {
    fn from(id: MergeId) -> Self {
        id.to_string()
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRecord {
    /// Its id.
    pub merge_id: MergeId,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub by: Author,
    /// What it did.
    pub done: MergeDone,
}

impl MergeRecord {
    /// How long it can be undone.
    pub const UNDOABLE: Duration = Duration::from_secs(30 * 86_400);

    /// All into one card.
    pub fn of(tenant: TenantId, contact: ContactId) -> Partition {
        Partition::of_contact(&MERGE, tenant, contact)
    }

    /// One of them.
    pub fn at(tenant: TenantId, id: MergeId) -> PlainKey {
        Self::of(tenant, id.contact).row(&id.twin.to_be_bytes())
    }

    /// Until when it can be undone.
    pub fn undo_until(&self) -> Timestamp {
        self.at.after(Self::UNDOABLE)
    }
}

impl PlainRow for MergeRecord {
    const TABLE: &'static Table = &MERGE;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.undo_until())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = MergeId {
            contact: ContactId::from_bytes([7; 16]),
            twin: 9,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "7",
            &"0".repeat(47),
            &"g".repeat(48),
            &format!("{}+{}", "0".repeat(32), "0".repeat(15)),
        ] {
            assert!(bad.parse::<MergeId>().is_err(), "{bad}");
        }
    }
}
