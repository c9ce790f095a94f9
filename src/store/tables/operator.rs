//! Operators: people and programs that look after the gateway, each with a token of its own.

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::Timestamp;
use crate::domain::roles::OperatorRole;
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const OPERATOR: Table = Table {
    name: "operator",
    says: "an operator: its name and role, when its token ends or was revoked; the token as a hash",
    key: "hash of the token",
    subject: Subject::Operator,
    personal: &["name"],
    ..PLAIN
};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The public part of the token.
    pub id: String,
    /// What people call the operator.
    pub name: String,
    /// What it may do.
    pub role: OperatorRole,
    /// When it was added.
    pub created: Timestamp,
    /// From when on its token is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Timestamp>,
    /// Since when its token is refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<Timestamp>,
}

impl Operator {
    /// All of them.
    pub fn all() -> Partition {
        Partition::of(&OPERATOR, &[])
    }

    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Self::all().row(&token.0)
    }

    /// Whether its token lets it in at this time.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

impl PlainRow for Operator {
    const TABLE: &'static Table = &OPERATOR;
}
