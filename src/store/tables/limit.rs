//! Teams of a business, and which members are limited to numbers and teams.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{OfUser, PLAIN, Subject, Table};
use crate::domain::{MemberLimit, PhoneNumberId, TeamId, TenantId, Timestamp, UserId};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where teams of a business are declared. `team` is the row of all its members.
pub const NAMED_TEAM: Table = Table {
    name: "named_team",
    says: "a team of a business: its name, its members and numbers by their ids",
    key: "tenant · team",
    subject: Subject::Tenant,
    personal: &["name"],
    ..PLAIN
};

/// Where limits of members are.
pub const LIMITED_MEMBER: Table = Table {
    name: "limited_member",
    says: "the numbers and teams that a member is limited to, while the member is the one since that time; ids alone",
    key: "tenant · user",
    subject: Subject::User,
    of_user: OfUser::Named(|known| {
        let tenants = known.tenants.iter();
        tenants
            .map(|tenant| LimitedMember::at(*tenant, known.user.id))
            .collect()
    }),
    ..PLAIN
};

/// A team of a business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTeam {
    /// What it is found by.
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// Who is in it. Those who left the business since are left out where it is shown.
    pub members: BTreeSet<UserId>,
    /// The numbers that it answers.
    pub numbers: BTreeSet<PhoneNumberId>,
}

impl NamedTeam {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&NAMED_TEAM, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, id: TeamId) -> PlainKey {
        Self::of(tenant).row(id.as_bytes())
    }
}

impl PlainRow for NamedTeam {
    const TABLE: &'static Table = &NAMED_TEAM;
}

/// What a member is limited to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedMember {
    /// Who.
    pub user: UserId,
    /// Since when the member is in the team whom it is about: whoever leaves and comes back starts anew.
    pub since: Timestamp,
    /// To what.
    pub limit: MemberLimit,
}

impl LimitedMember {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&LIMITED_MEMBER, tenant)
    }

    /// One of them.
    pub fn at(tenant: TenantId, user: UserId) -> PlainKey {
        Self::of(tenant).row(user.as_bytes())
    }
}

impl PlainRow for LimitedMember {
    const TABLE: &'static Table = &LIMITED_MEMBER;
}
