//! Who is in a tenant's team, and in which teams a user is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{OfUser, PLAIN, Subject, Table};
use crate::domain::roles::Role;
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where teams are declared.
pub const TEAM: Table = Table {
    name: "team",
    says: "the members of a tenant's team and their roles, and who left it; one row, so that an owner always stays",
    key: "tenant",
    subject: Subject::Tenant,
    ..PLAIN
};

/// Where memberships are.
pub const MEMBERSHIP: Table = Table {
    name: "membership",
    says: "that a user may be in a tenant's team, which says whether it is so",
    key: "user · tenant",
    subject: Subject::User,
    of_user: OfUser::WithId,
    ..PLAIN
};

/// A tenant's team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its members.
    pub members: BTreeMap<UserId, Member>,
    /// Who left. What they are called stands in their own rows alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub former: BTreeMap<UserId, Former>,
}

/// What the team knows of one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What the member may do.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
    /// Since when the account is being erased: the team counts on this one no more, not as somebody who becomes an owner either.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub erasing: Option<Timestamp>,
}

/// What the team knows of somebody who left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// Since when.
    pub left: Timestamp,
    /// What is to become of the conversations that were theirs; `None` once that is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handover: Option<Handover>,
}

/// Conversations go to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// To whom; to nobody when it is not said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<UserId>,
    /// Who had it done: the author of the changes.
    pub by: UserId,
}

impl Team {
    /// The team of a tenant.
    pub fn at(tenant: TenantId) -> PlainKey {
        Partition::of_tenant(&TEAM, tenant).row(&[])
    }

    /// How many owners there are who stay.
    pub fn owners(&self) -> usize {
        let stays = |member: &&Member| member.role == Role::Owner && member.erasing.is_none();
        self.members.values().filter(stays).count()
    }

    /// Whether somebody is the only owner who stays.
    pub fn is_last_owner(&self, user: UserId) -> bool {
        let is_owner = |member: &Member| member.role == Role::Owner && member.erasing.is_none();
        self.owners() == 1 && self.members.get(&user).is_some_and(is_owner)
    }
}

impl PlainRow for Team {
    const TABLE: &'static Table = &TEAM;
}

/// A tenant in whose team a user may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whose team.
    pub tenant: TenantId,
}

impl Membership {
    /// All of a user's.
    pub fn of(user: UserId) -> Partition {
        Partition::of(&MEMBERSHIP, user.as_bytes())
    }

    /// The one in a tenant.
    pub fn at(user: UserId, tenant: TenantId) -> PlainKey {
        Self::of(user).row(&tenant.get().to_be_bytes())
    }
}

impl PlainRow for Membership {
    const TABLE: &'static Table = &MEMBERSHIP;
}
