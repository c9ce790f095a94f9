//! Teams of a business, and members who are limited to numbers and teams.
//!
//! A limit stands in a row of its own, which holds since when the member is in the team: it is of that membership alone. What it comes
//! to is resolved where somebody is looked up, so that a change of it or of a team holds from the next look-up on.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountError, Accounts, Actor};
use crate::domain::roles::Right;
use crate::domain::{AgentId, MemberLimit, NumberLimit, PhoneNumberId, TeamId, TenantId, UserId};
use crate::store::tables::{LimitedMember, Member, NamedTeam};

/// Teams of a business.
pub const MOST_TEAMS: usize = 200;
/// Members of a team, which is one row.
const MOST_MEMBERS: usize = 1_000;
/// Numbers of a team.
const MOST_NUMBERS: usize = 256;
/// Rows read at once.
const TOGETHER: usize = 200;

/// A team as it is to be.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// What people call it.
    pub name: String,
    /// Who is in it.
    pub members: BTreeSet<UserId>,
    /// The numbers that it answers.
    pub numbers: BTreeSet<PhoneNumberId>,
}

impl Accounts {
    /// The numbers that a member works on.
    pub(super) async fn numbers_of(
        &self,
        tenant: TenantId,
        user: UserId,
        member: Member,
    ) -> Result<NumberLimit, AccountError> {
        let Some(limit) = self.limit_of(tenant, user, member).await? else {
            return Ok(NumberLimit::All);
        };
        let mut teams = BTreeMap::new();
        for team in limit.teams.iter().take(MemberLimit::MOST_TEAMS) {
            if let Some(found) = self
                .table::<NamedTeam>()
                .get(&NamedTeam::at(tenant, *team))
                .await?
            {
                teams.insert(*team, found.row.numbers);
            }
        }
        Ok(limit.resolve(&teams))
    }

    async fn limit_of(
        &self,
        tenant: TenantId,
        user: UserId,
        member: Member,
    ) -> Result<Option<MemberLimit>, AccountError> {
        if !member.role.may_be_limited() {
            return Ok(None);
        }
        let found = self
            .table::<LimitedMember>()
            .get(&LimitedMember::at(tenant, user))
            .await?;
        let row = found.map(|found| found.row);
        Ok(row.filter(|row| row.since == member.since).map(|row| row.limit))
    }

    /// All limits of a tenant's members, also those of memberships that ended.
    async fn limited(&self, tenant: TenantId) -> Result<Vec<LimitedMember>, AccountError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.table::<LimitedMember>();
            let page = page.page(LimitedMember::of(tenant), after, TOGETHER).await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items.into_iter().map(|found| found.row));
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// What the members of a tenant are limited to; who is not among them sees all.
    pub async fn limits(&self, tenant: TenantId) -> Result<BTreeMap<UserId, MemberLimit>, AccountError> {
        let team = self.team_row(tenant).await?;
        let holds = |row: &LimitedMember| {
            let member = team.members.get(&row.user);
            member.is_some_and(|member| member.since == row.since && member.role.may_be_limited())
        };
        let rows = self.limited(tenant).await?.into_iter().filter(holds);
        Ok(rows.map(|row| (row.user, row.limit)).collect())
    }

    /// Refuses a limit that names too much, or a team that is not there.
    pub async fn check_limit(&self, tenant: TenantId, limit: &MemberLimit) -> Result<(), AccountError> {
        if limit.numbers.len() > MemberLimit::MOST_NUMBERS || limit.teams.len() > MemberLimit::MOST_TEAMS {
            return Err(AccountError::TooMuchNamed(
                "`limit` names at most 256 numbers and 20 teams",
            ));
        }
        for team in &limit.teams {
            self.named_team(tenant, *team).await?;
        }
        Ok(())
    }

    /// Limits a member, or takes the limit away.
    pub async fn set_limit(
        &self,
        tenant: TenantId,
        by: Actor,
        user: UserId,
        limit: Option<MemberLimit>,
    ) -> Result<(), AccountError> {
        let team = self.team_row(tenant).await?;
        let member = team.members.get(&user).ok_or(AccountError::NoSuchMember)?;
        by.demand(&team, member.role.given_by())?;
        let key = LimitedMember::at(tenant, user);
        let Some(limit) = limit else {
            self.table::<LimitedMember>().remove(key).await?;
            return Ok(());
        };
        if !member.role.may_be_limited() {
            return Err(AccountError::LimitNotAllowed);
        }
        self.check_limit(tenant, &limit).await?;
        let since = member.since;
        let row = LimitedMember { user, since, limit };
        let changed = self
            .table()
            .change::<AccountError>(key, |_| Ok(Some(row.clone())));
        changed.await?;
        self.hand_over_unseen(tenant, user, by).await
    }

    /// Refuses to assign a conversation of a number to a member who is limited to others.
    pub async fn demand_assignable(
        &self,
        tenant: TenantId,
        agent: &AgentId,
        number: &PhoneNumberId,
    ) -> Result<(), AccountError> {
        let Ok(user) = agent.as_str().parse::<UserId>() else {
            return Ok(());
        };
        let Some(member) = self.member(tenant, user).await? else {
            return Ok(());
        };
        if self.numbers_of(tenant, user, member).await?.admits(number) {
            return Ok(());
        }
        Err(AccountError::AssigneeLimited)
    }

    /// Teams of a business, by their names. Members who left it are left out.
    pub async fn named_teams(&self, tenant: TenantId) -> Result<Vec<NamedTeam>, AccountError> {
        let page = self.table::<NamedTeam>();
        let page = page.page(NamedTeam::of(tenant), None, MOST_TEAMS).await?;
        let members = self.team_row(tenant).await?.members;
        let mut teams: Vec<NamedTeam> = page.items.into_iter().map(|found| found.row).collect();
        for team in &mut teams {
            team.members.retain(|user| members.contains_key(user));
        }
        teams.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Ok(teams)
    }

    async fn named_team(&self, tenant: TenantId, id: TeamId) -> Result<NamedTeam, AccountError> {
        let found = self.table::<NamedTeam>().get(&NamedTeam::at(tenant, id)).await?;
        Ok(found.ok_or(AccountError::NoSuchTeam)?.row)
    }

    async fn fitting(
        &self,
        tenant: TenantId,
        by: Actor,
        id: TeamId,
        new: NewTeam,
    ) -> Result<NamedTeam, AccountError> {
        let team = self.team_row(tenant).await?;
        by.demand(&team, Right::ManageTeam)?;
        if new.members.len() > MOST_MEMBERS || new.numbers.len() > MOST_NUMBERS {
            return Err(AccountError::TooMuchNamed(
                "a team has at most 1000 members and 256 numbers",
            ));
        }
        if new.members.iter().any(|user| !team.members.contains_key(user)) {
            return Err(AccountError::NoSuchMember);
        }
        let NewTeam {
            name,
            members,
            numbers,
        } = new;
        Ok(NamedTeam {
            id,
            name,
            members,
            numbers,
        })
    }

    /// Makes a team. Two who make one at the same moment may get one more than there may be.
    pub async fn make_team(
        &self,
        tenant: TenantId,
        by: Actor,
        fresh: TeamId,
        new: NewTeam,
    ) -> Result<NamedTeam, AccountError> {
        let team = self.fitting(tenant, by, fresh, new).await?;
        let page = self.table::<NamedTeam>();
        let page = page.page(NamedTeam::of(tenant), None, MOST_TEAMS).await?;
        if page.items.len() >= MOST_TEAMS {
            return Err(AccountError::TooMany(MOST_TEAMS));
        }
        let key = NamedTeam::at(tenant, fresh);
        if self.table().replace(&key, None, Some(&team)).await? {
            Ok(team)
        } else {
            Err(AccountError::Busy)
        }
    }

    /// Replaces a team; gives the members whose limits name it.
    pub async fn change_team(
        &self,
        tenant: TenantId,
        by: Actor,
        id: TeamId,
        new: NewTeam,
    ) -> Result<(NamedTeam, Vec<UserId>), AccountError> {
        let team = self.fitting(tenant, by, id, new).await?;
        let changed = self.table().change(NamedTeam::at(tenant, id), |before| {
            before.ok_or(AccountError::NoSuchTeam)?;
            Ok::<_, AccountError>(Some(team.clone()))
        });
        changed.await?;
        let limited = self.limited_to(tenant, id).await?;
        for user in &limited {
            self.hand_over_unseen(tenant, *user, by).await?;
        }
        Ok((team, limited))
    }

    /// Removes a team. Limits that name it lose it, and one that is left empty shows nothing; gives the members whose they are.
    pub async fn remove_team(
        &self,
        tenant: TenantId,
        by: Actor,
        id: TeamId,
    ) -> Result<Vec<UserId>, AccountError> {
        by.demand(&self.team_row(tenant).await?, Right::ManageTeam)?;
        let removed = self
            .table::<NamedTeam>()
            .remove(NamedTeam::at(tenant, id))
            .await?;
        removed.ok_or(AccountError::NoSuchTeam)?;
        let limited = self.limited_to(tenant, id).await?;
        for user in &limited {
            let changed = self
                .table::<LimitedMember>()
                .change(LimitedMember::at(tenant, *user), |row| {
                    let mut row = row.cloned();
                    if let Some(row) = &mut row {
                        row.limit.teams.remove(&id);
                    }
                    Ok::<_, AccountError>(row)
                });
            changed.await?;
            self.hand_over_unseen(tenant, *user, by).await?;
        }
        Ok(limited)
    }

    async fn limited_to(&self, tenant: TenantId, id: TeamId) -> Result<Vec<UserId>, AccountError> {
        let rows = self.limited(tenant).await?.into_iter();
        let those = rows.filter(|row| row.limit.teams.contains(&id));
        Ok(those.map(|row| row.user).collect())
    }
}
