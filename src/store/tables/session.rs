//! Who is signed in where.

use serde::{Deserialize, Serialize};

use super::{Kept, OfUser, PLAIN, Subject, Table};
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::KeyHash;
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where sessions are declared.
pub const SESSION: Table = Table {
    name: "session",
    says: "a browser in which a user is signed in, and for which tenant; its token as a hash",
    key: "hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    personal: &["browser", "address"],
    of_user: OfUser::Named(|known| known.sessions.iter().copied().map(Session::at).collect()),
    ..PLAIN
};

/// Where a user's are listed.
pub const SESSION_OF_USER: Table = Table {
    name: "session_of_user",
    says: "a session that a user has or had; its token as a hash",
    key: "user · hash of the token",
    kept: Kept::AsLongAsItSays,
    subject: Subject::User,
    of_user: OfUser::WithId,
    ..PLAIN
};

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What it is called in lists.
    pub id: String,
    /// Who is signed in.
    pub user: UserId,
    /// For which tenant; `None` for somebody who is in no team any more.
    pub tenant: Option<TenantId>,
    /// Since when the user was in that tenant's team: whoever leaves and comes back signs in again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub member_since: Option<Timestamp>,
    /// The generation of the password that it was opened with.
    pub generation: u32,
    /// Since when the tenant had the provider that vouched for the user; `None` for a session by password.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider_since: Option<Timestamp>,
    /// When the user signed in.
    pub created: Timestamp,
    /// When it was used last, to within some minutes.
    pub used: Timestamp,
    /// When it ends, unless it is used before.
    pub idle_until: Timestamp,
    /// When it ends however often it is used.
    pub ends: Timestamp,
    /// What the browser calls itself.
    pub browser: String,
    /// From which address the user signed in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
}

impl Session {
    /// The one with this token.
    pub fn at(token: KeyHash) -> PlainKey {
        Partition::of(&SESSION, &token.0).row(&[])
    }

    /// The tenant whose provider opened it; `None` for a session by password.
    pub fn opened_by(&self) -> Option<TenantId> {
        self.provider_since.and(self.tenant)
    }
}

impl PlainRow for Session {
    const TABLE: &'static Table = &SESSION;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.idle_until.min(self.ends))
    }
}

/// That a user has a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOfUser {
    /// Since when it is listed.
    pub listed: Timestamp,
    /// When the session ends at the latest.
    pub ends: Timestamp,
}

impl SessionOfUser {
    /// All of a user's.
    pub fn of(user: UserId) -> Partition {
        Partition::of(&SESSION_OF_USER, user.as_bytes())
    }

    /// One of them.
    pub fn at(user: UserId, token: KeyHash) -> PlainKey {
        Self::of(user).row(&token.0)
    }
}

impl PlainRow for SessionOfUser {
    const TABLE: &'static Table = &SESSION_OF_USER;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}
