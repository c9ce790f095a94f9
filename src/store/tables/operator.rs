//! Operators: people and programs that look after the gateway, each with a token of its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Kept, PLAIN, Subject, Table};
use crate::domain::Timestamp;
use crate::domain::roles::OperatorRole;
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const OPERATOR: Table = Table {
    name: "operator",
    kept: Kept::AsLongAsItSays,
    says: "an operator: its name and role, when its token ends or was revoked; the token as a hash",
    key: "hash of the token",
    subject: Subject::Operator,
    personal: &["name"],
    ..PLAIN
};

/// How long an operator is listed whose token ended or was revoked.
const SHOWN: Duration = Duration::from_secs(90 * 86_400);

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

    fn expires(&self) -> Option<Timestamp> {
        self.revoked.or(self.expires).map(|end| end.after(SHOWN))
    }
}
