//! Members who left a team, and whose conversations are still theirs.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::ConversationCursor;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const LEAVING: Table = Table {
    name: "leaving",
    says: "that conversations of a member who left, or is limited to other numbers, are handed over, and how far that is; ids alone",
    key: "tenant · user",
    subject: Subject::Tenant,
    ..PLAIN
};

/// How far it is with one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Whose team.
    pub tenant: TenantId,
    /// Who left.
    pub user: UserId,
    /// Since when it is listed: somewhat before the team says so.
    pub listed: Timestamp,
    /// Up to which place of the list conversations were looked at, in this pass.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<ConversationCursor>,
    /// How many were handed over, at least: what a killed process did last is not counted.
    #[serde(default)]
    pub conversations: u64,
    /// How many had been when this pass began; `None` in the first one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before_pass: Option<u64>,
    /// When the last pass may begin, once a whole one found none: what was about to be assigned to the member when the member left
    /// is assigned by then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_pass: Option<Timestamp>,
    /// Who limited the member, who is still here: only conversations of other numbers are handed over then, to nobody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limited_by: Option<UserId>,
}

impl Leaving {
    /// Somebody who is about to leave.
    pub const fn new(tenant: TenantId, user: UserId, listed: Timestamp) -> Self {
        Self {
            tenant,
            user,
            listed,
            after: None,
            conversations: 0,
            before_pass: None,
            last_pass: None,
            limited_by: None,
        }
    }

    /// All of them, of all tenants: there are few at a time.
    pub fn all() -> Partition {
        Partition::of(&LEAVING, &[])
    }

    /// Before those of a tenant.
    pub const fn before(tenant: TenantId) -> [u8; 8] {
        tenant.get().to_be_bytes()
    }

    /// One of them.
    pub fn at(tenant: TenantId, user: UserId) -> PlainKey {
        Self::all().row(&[&Self::before(tenant)[..], user.as_bytes()].concat())
    }
}

impl PlainRow for Leaving {
    const TABLE: &'static Table = &LEAVING;
}
