//! A tenant's team: who is in it, as what, and who may change that.

use super::{AccountError, Accounts, Confirmation};
use crate::domain::email::EmailAddress;
use crate::domain::roles::{Right, Role};
use crate::domain::{AgentId, MemberLimit, Quota, TenantId, Timestamp, UserId};
use crate::store::tables::{Former, LimitedMember, Member, Membership, Team, User};

/// Memberships read at once: more than anybody has.
const MEMBERSHIPS: usize = 500;
/// Users read at once for a list.
const TOGETHER: usize = 16;

/// Who changes a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A member, with the role that the team's row gives at that moment.
    Member(UserId),
    /// Whoever looks after the gateway.
    Operator,
}

impl Actor {
    /// Refuses what the actor's role in the team does not allow.
    pub(super) fn demand(self, team: &Team, right: Right) -> Result<(), AccountError> {
        let allowed = match self {
            Self::Operator => true,
            Self::Member(user) => team
                .members
                .get(&user)
                .is_some_and(|member| member.role.allows(right)),
        };
        if allowed {
            Ok(())
        } else {
            Err(AccountError::NotAllowed)
        }
    }
}

/// What an agent is to a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A member.
    Member(UserId),
    /// Somebody who left, or was never here.
    Former,
    /// A name of a program's own.
    Program,
}

/// A member as lists show one.
#[derive(Clone, PartialEq, Eq)]
pub struct TeamMember {
    /// Who.
    pub user: UserId,
    /// What colleagues see.
    pub name: String,
    /// What the member signs in with.
    pub email: EmailAddress,
    /// What the member may do.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
    /// Whether the business's identity provider made the account: its word alone stands for the address.
    pub is_provisioned: bool,
}

/// What adding somebody to a team changed.
#[derive(Debug)]
pub(super) struct Added {
    /// Whether the user was no member before.
    pub(super) is_new: bool,
    /// What the team knew of the user who had left it.
    pub(super) former: Option<Former>,
}

impl Accounts {
    pub(super) async fn team_row(&self, tenant: TenantId) -> Result<Team, AccountError> {
        let team = self.table::<Team>().get(&Team::at(tenant)).await?;
        Ok(team.map(|team| team.row).unwrap_or_default())
    }

    /// A user's place in a tenant's team.
    pub(super) async fn member(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<Member>, AccountError> {
        Ok(self.team_row(tenant).await?.members.get(&user).copied())
    }

    /// How many members a tenant's team may have.
    async fn most_members(&self, tenant: TenantId) -> Result<u32, AccountError> {
        let row = self.store.tenant(tenant).await?;
        let set = row.and_then(|row| row.quotas.get(Quota::Agents));
        let set = set.and_then(|most| u32::try_from(most).ok());
        Ok(set.unwrap_or(self.settings.members_per_team))
    }

    /// Refuses somebody more where the team is full.
    pub(super) async fn demand_room(&self, tenant: TenantId) -> Result<(), AccountError> {
        let (most, members) = (self.most_members(tenant).await?, self.members_of(tenant).await?);
        if u32::try_from(members).is_ok_and(|members| members < most) {
            return Ok(());
        }
        Err(AccountError::TeamFull(most))
    }

    /// How many members a tenant's team has.
    pub async fn members_of(&self, tenant: TenantId) -> Result<usize, AccountError> {
        Ok(self.team_row(tenant).await?.members.len())
    }

    /// Whether a user is in a tenant's team.
    pub async fn is_member(&self, tenant: TenantId, user: UserId) -> Result<bool, AccountError> {
        Ok(self.member(tenant, user).await?.is_some())
    }

    /// What an agent is to a team, by what it is called: ids of users are nobody else's names.
    pub async fn standing(&self, tenant: TenantId, agent: &AgentId) -> Result<Standing, AccountError> {
        let Ok(user) = agent.as_str().parse::<UserId>() else {
            return Ok(Standing::Program);
        };
        let team = self.team_row(tenant).await?;
        Ok(if team.members.contains_key(&user) {
            Standing::Member(user)
        } else if team.former.contains_key(&user) || self.user(user).await?.is_some() {
            // Those who left first are not in the team's row any more.
            Standing::Former
        } else {
            Standing::Program
        })
    }

    /// Refuses who was in the team and is not any more: nobody speaks for them, and nothing is assigned to them.
    pub async fn demand_present(&self, tenant: TenantId, agent: &AgentId) -> Result<(), AccountError> {
        match self.standing(tenant, agent).await? {
            Standing::Former => Err(AccountError::NoSuchMember),
            Standing::Member(_) | Standing::Program => Ok(()),
        }
    }

    /// A tenant's team, those who came first first.
    pub async fn team(&self, tenant: TenantId) -> Result<Vec<TeamMember>, AccountError> {
        let members: Vec<(UserId, Member)> = self.team_row(tenant).await?.members.into_iter().collect();
        let mut all = Vec::with_capacity(members.len());
        let users: Vec<UserId> = members.iter().map(|(user, _)| *user).collect();
        for ((user, member), row) in members.iter().zip(self.users(&users).await?) {
            let Some(row) = row else { continue };
            all.push(TeamMember {
                user: *user,
                is_provisioned: row.password.is_empty(),
                name: row.name,
                email: row.email,
                role: member.role,
                since: member.since,
            });
        }
        all.sort_by_key(|member| (member.since, member.user));
        Ok(all)
    }

    /// Several users' rows, in this order.
    pub(super) async fn users(&self, users: &[UserId]) -> Result<Vec<Option<User>>, AccountError> {
        let mut all = Vec::with_capacity(users.len());
        for some in users.chunks(TOGETHER) {
            let rows = some.iter().map(|user| self.user(*user));
            all.extend(futures_util::future::try_join_all(rows).await?);
        }
        Ok(all)
    }

    /// What colleagues see of a user.
    pub async fn name_of(&self, user: UserId) -> Result<Option<String>, AccountError> {
        Ok(self.user(user).await?.map(|user| user.name))
    }

    pub(super) async fn user(&self, user: UserId) -> Result<Option<User>, AccountError> {
        let found = self.table::<User>().get(&User::at(user)).await?;
        Ok(found.map(|found| found.row))
    }

    /// The user with an address.
    pub async fn user_at(&self, email: &EmailAddress) -> Result<Option<UserId>, AccountError> {
        Ok(self.by_email(email).await?.map(|user| user.id))
    }

    /// The tenants in whose teams a user is, and as what; where the user was added first comes first.
    pub async fn tenants_of(&self, user: UserId) -> Result<Vec<(TenantId, Member)>, AccountError> {
        let page = self
            .table::<Membership>()
            .page(Membership::of(user), None, MEMBERSHIPS);
        let mut teams = Vec::new();
        for found in page.await?.items {
            let tenant = found.row.tenant;
            if let Some(member) = self.member(tenant, user).await? {
                teams.push((tenant, member));
            }
        }
        teams.sort_by_key(|(tenant, member)| (member.since, *tenant));
        Ok(teams)
    }

    /// Writes the index row by which a user's teams are found, or removes it where the team does not know the user.
    pub(super) async fn index(&self, tenant: TenantId, user: UserId) -> Result<(), AccountError> {
        let key = Membership::at(user, tenant);
        if self.member(tenant, user).await?.is_some() {
            let put = |_: Option<&Membership>| Ok::<_, AccountError>(Some(Membership { tenant }));
            self.table().change(key, put).await?;
        } else {
            self.table::<Membership>().remove(key).await?;
        }
        Ok(())
    }

    /// Adds a user, by somebody who may still do so; one who is there keeps the role. Nobody whose account is being erased.
    pub(super) async fn add_member(
        &self,
        tenant: TenantId,
        by: Actor,
        user: UserId,
        (role, limit): (Role, Option<MemberLimit>),
    ) -> Result<Added, AccountError> {
        // The index row first, and once more: a removal at the same moment may have taken it away.
        let put = |_: Option<&Membership>| Ok::<_, AccountError>(Some(Membership { tenant }));
        self.table().change(Membership::at(user, tenant), put).await?;
        let most = self.most_members(tenant).await?;
        let since = self.now();
        // The limit first: nobody is a member without it for a moment. One who is there already keeps the own.
        if let Some(limit) = limit
            && !self.is_member(tenant, user).await?
        {
            let row = LimitedMember { user, since, limit };
            let put = |_: Option<&LimitedMember>| Ok::<_, AccountError>(Some(row.clone()));
            self.table().change(LimitedMember::at(tenant, user), put).await?;
        }
        let changed = self.table::<Team>().change(Team::at(tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            by.demand(&team, role.given_by())?;
            let is_full = u32::try_from(team.members.len()).is_ok_and(|members| members >= most);
            if is_full && !team.members.contains_key(&user) {
                return Err(AccountError::TeamFull(most));
            }
            team.former.remove(&user);
            team.members.entry(user).or_insert(Member {
                role,
                since,
                erasing: None,
            });
            Ok(Some(team))
        });
        let (before, _) = changed.await?;
        self.index(tenant, user).await?;
        let before = before.unwrap_or_default();
        let added = Added {
            is_new: !before.members.contains_key(&user),
            former: before.former.get(&user).copied(),
        };
        // After the team's change: an erasure locks the account before it looks which teams there are to leave.
        let account = self.user(user).await?;
        if account.is_none_or(|account| account.closing.is_some()) {
            if added.is_new {
                self.take_back(tenant, user, added.former).await?;
            }
            return Err(AccountError::NoSuchLink);
        }
        Ok(added)
    }

    /// Gives a member another role; the one before. Where that is another one, the member has to sign in again. Nobody becomes an owner,
    /// or is one no more, without the caller's password.
    pub async fn set_role(
        &self,
        tenant: TenantId,
        by: Actor,
        user: UserId,
        role: Role,
        confirmed: Confirmation,
    ) -> Result<Role, AccountError> {
        if role == Role::Owner {
            self.demand_password_of(user).await?;
        }
        let changed = self.table::<Team>().change(Team::at(tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            let before = team.members.get(&user).ok_or(AccountError::NoSuchMember)?.role;
            by.demand(&team, before.given_by())?;
            by.demand(&team, role.given_by())?;
            if let Some(member) = team.members.get_mut(&user) {
                member.role = role;
            }
            if before == Role::Owner && team.owners() == 0 {
                return Err(AccountError::LastOwner);
            }
            if (before == Role::Owner) != (role == Role::Owner) {
                confirmed.demand()?;
            }
            Ok(Some(team))
        });
        let (before, _) = changed.await?;
        self.forget_limit(tenant, user, role).await?;
        let before = before.and_then(|team| team.members.get(&user).map(|member| member.role));
        before.ok_or(AccountError::NoSuchMember)
    }

    /// Whoever sees all, and is that no more one day, starts anew: an earlier limit does not come back.
    async fn forget_limit(&self, tenant: TenantId, user: UserId, role: Role) -> Result<(), AccountError> {
        if !role.may_be_limited() {
            let limit = LimitedMember::at(tenant, user);
            self.table::<LimitedMember>().remove(limit).await?;
        }
        Ok(())
    }

    /// Refuses an owner who could do nothing that asks for a password.
    async fn demand_password_of(&self, user: UserId) -> Result<(), AccountError> {
        let user = self.user(user).await?;
        if user.is_some_and(|user| user.password.is_empty()) {
            return Err(AccountError::OwnerWithoutPassword);
        }
        Ok(())
    }

    /// Makes another member owner and the one who is, an admin, in one step.
    pub async fn hand_over_ownership(
        &self,
        tenant: TenantId,
        from: UserId,
        to: UserId,
    ) -> Result<(), AccountError> {
        self.demand_password_of(to).await?;
        let changed = self.table::<Team>().change(Team::at(tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            Actor::Member(from).demand(&team, Right::ManageOwners)?;
            team.members.get_mut(&from).ok_or(AccountError::NotAllowed)?.role = Role::Admin;
            team.members.get_mut(&to).ok_or(AccountError::NoSuchMember)?.role = Role::Owner;
            if team.owners() == 0 {
                // The account of whoever was to be owner is being erased.
                return Err(AccountError::LastOwner);
            }
            Ok::<_, AccountError>(Some(team))
        });
        changed.await?;
        self.forget_limit(tenant, to, Role::Owner).await
    }
}
