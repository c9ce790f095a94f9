//! Accounts that are being erased, and how the rows of one user are found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table, User};
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where erasures are declared.
pub const USER_ERASURE: Table = Table {
    name: "user_erasure",
    says: "that an account is being erased, until all its rows are gone",
    key: "user",
    subject: Subject::User,
    of_user: OfUser::Named(|known| vec![UserErasure::at(known.user.id)]),
    ..PLAIN
};

/// How the rows of one user are found in a table.
#[derive(Debug, Clone, Copy)]
pub enum OfUser {
    /// There are none: the table is not about users.
    None,
    /// They are those that stand with the user's id.
    WithId,
    /// They have these keys.
    Named(fn(&KnownUser) -> Vec<PlainKey>),
    /// They have these keys, as long as the row itself says so: the keys are made of what may be somebody else's by then.
    Shared(fn(&KnownUser) -> Vec<PlainKey>, fn(&KnownUser, &[u8]) -> bool),
    /// They stand among those of others in one partition, which has a bound or ends by itself, and say so themselves.
    Among(fn() -> Partition, fn(&KnownUser, &[u8]) -> bool),
}

impl OfUser {
    /// Whether a row that was found for the user is about the user.
    pub fn is_theirs(&self, known: &KnownUser, row: &[u8]) -> bool {
        match self {
            Self::Shared(_, is_theirs) | Self::Among(_, is_theirs) => is_theirs(known, row),
            Self::None | Self::WithId | Self::Named(_) => true,
        }
    }
}

/// What keys of a user's rows are made of.
pub struct KnownUser {
    /// The user's row.
    pub user: User,
    /// Tokens of the sessions that are listed.
    pub sessions: Vec<KeyHash>,
    /// All tenants: somebody may be invited anywhere.
    pub tenants: Vec<TenantId>,
}

/// Addresses do not belong into logs.
impl fmt::Debug for KnownUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownUser({})", self.user.id)
    }
}

/// An account that is being erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErasure {
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub begun: Timestamp,
    /// Since when all rows are gone, but for those that somebody was writing at that moment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gone: Option<Timestamp>,
}

impl UserErasure {
    /// All of them.
    pub fn all() -> Partition {
        Partition::of(&USER_ERASURE, &[])
    }

    /// The one of a user.
    pub fn at(user: UserId) -> PlainKey {
        Self::all().row(user.as_bytes())
    }
}

impl PlainRow for UserErasure {
    const TABLE: &'static Table = &USER_ERASURE;
}
