//! Members who leave a team, and what becomes of the conversations that were theirs.
//!
//! That a member left, and what is to become of the conversations, is one change of the team's row. An index row
//! ([`Leaving`]) leads to it, and holds how far it is; whoever looks after the tenant takes it on (`app/upkeep/handovers.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::{AccountError, Accounts, Actor};
use crate::domain::roles::Role;
use crate::domain::{AgentId, NumberLimit, TenantId, Timestamp, UserId};
use crate::store::tables::{Former, Handover, Leaving, OwnReply, Team};

/// Former members that a team's row knows of; those who left first are forgotten first.
pub const MOST_FORMER: usize = 200;
/// Canned replies of one person that are read at once.
const OWN_REPLIES: usize = 100;
/// Handovers that are read at once.
const TOGETHER: usize = 200;
/// An index row of which the team still says nothing after this long leads nowhere: whoever wrote it was stopped.
const STRAY_AFTER: Duration = Duration::from_mins(1);

/// For so long an assignment that was allowed before somebody left may still come. After that it is looked once more.
const LATE_ASSIGNMENTS: Duration = Duration::from_mins(1);

/// Whether somebody who is signed in showed the password again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Yes, with this call.
    Shown,
    /// No.
    Missing,
}

/// What becomes of a team's last owner who is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastOwner {
    /// It is refused.
    Stays,
    /// The account is being erased: it is too late to refuse it. An operator invites another one.
    Leaves,
}

/// A member is taken out of a team.
#[derive(Debug, Clone, Copy)]
pub struct Removal {
    /// Whose team.
    pub tenant: TenantId,
    /// By whom.
    pub by: Actor,
    /// Who.
    pub user: UserId,
    /// Who gets the conversations; nobody when it is not said.
    pub assign_to: Option<UserId>,
    /// An owner is taken out only by somebody who showed the password.
    pub confirmed: Confirmation,
}

/// Who left, as lists show one.
#[derive(Clone, PartialEq, Eq)]
pub struct FormerMember {
    /// Who.
    pub user: UserId,
    /// What colleagues saw, for as long as there is an account.
    pub name: Option<String>,
    /// What the team's row says.
    pub row: Former,
    /// How many conversations were handed over so far, while that is not done.
    pub conversations: u64,
}

/// Conversations to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueHandover {
    /// Since when the member is gone.
    pub left: Timestamp,
    /// From whom.
    pub from: AgentId,
    /// To whom.
    pub to: Option<AgentId>,
    /// Who had it done.
    pub by: AgentId,
    /// The numbers whose conversations stay with a member who is limited; none are kept by who left.
    pub keeps: NumberLimit,
}

impl Removal {
    /// The team without the member.
    fn decide(
        &self,
        team: Option<&Team>,
        former: &Former,
        last_owner: LastOwner,
    ) -> Result<Team, AccountError> {
        let mut team = team.cloned().unwrap_or_default();
        let before = team
            .members
            .get(&self.user)
            .ok_or(AccountError::NoSuchMember)?
            .role;
        if self.by != Actor::Member(self.user) {
            self.by.demand(&team, before.given_by())?;
        }
        team.members.remove(&self.user);
        if before == Role::Owner {
            if team.owners() == 0 && last_owner == LastOwner::Stays {
                return Err(AccountError::LastOwner);
            }
            self.confirmed.demand()?;
        }
        if self.assign_to.is_some_and(|to| !team.members.contains_key(&to)) {
            return Err(AccountError::NoSuchMember);
        }
        team.former.insert(self.user, *former);
        forget_first(&mut team.former);
        Ok(team)
    }
}

impl Confirmation {
    /// Refuses what is done only with the password.
    pub(super) fn demand(self) -> Result<(), AccountError> {
        match self {
            Self::Shown => Ok(()),
            Self::Missing => Err(AccountError::PasswordRequired),
        }
    }
}

/// Keeps as many as there may be. Those of whom something is still to be done are forgotten last.
fn forget_first(former: &mut BTreeMap<UserId, Former>) {
    while former.len() > MOST_FORMER {
        let first = former
            .iter()
            .min_by_key(|(user, former)| (former.handover.is_some(), former.left, **user));
        let Some(first) = first.map(|(user, _)| *user) else {
            return;
        };
        former.remove(&first);
    }
}

/// Since when a member is gone, and what is still to become of the conversations.
fn open_handover(team: &Team, user: UserId) -> Option<(Timestamp, Handover)> {
    let former = team.former.get(&user)?;
    Some((former.left, former.handover?))
}

fn agent(user: UserId) -> Result<AgentId, AccountError> {
    AgentId::parse(&user.to_string()).map_err(|error| AccountError::Broken(error.to_string()))
}

impl Accounts {
    /// Takes a member out of the team. Everybody may leave it, but the last owner.
    pub async fn remove_member(&self, removal: Removal) -> Result<(), AccountError> {
        self.take_out(removal, LastOwner::Stays).await
    }

    pub(super) async fn take_out(&self, removal: Removal, last: LastOwner) -> Result<(), AccountError> {
        let Removal { tenant, by, user, .. } = removal;
        let now = self.now();
        let former = Former {
            left: now,
            handover: Some(Handover {
                to: removal.assign_to,
                by: match by {
                    Actor::Member(member) => member,
                    Actor::Operator => user,
                },
            }),
        };
        let team = self.team_row(tenant).await?;
        removal.decide(Some(&team), &former, last)?;
        // The index row first, and once more: it may have been taken for a stray one meanwhile.
        let fresh = Leaving::new(tenant, user, now);
        let key = Leaving::at(tenant, user);
        let listed = self.table::<Leaving>();
        listed
            .change::<AccountError>(key, |_| Ok(Some(fresh.clone())))
            .await?;
        let without = |team: Option<&Team>| removal.decide(team, &former, last).map(Some);
        self.table::<Team>().change(Team::at(tenant), without).await?;
        self.list_handover(&fresh).await?;
        self.index(tenant, user).await
    }

    /// Writes the index row of a handover where there is none.
    async fn list_handover(&self, fresh: &Leaving) -> Result<(), AccountError> {
        let keep = |before: Option<&Leaving>| Ok::<_, AccountError>(Some(before.unwrap_or(fresh).clone()));
        let key = Leaving::at(fresh.tenant, fresh.user);
        self.table().change(key, keep).await?;
        Ok(())
    }

    /// Takes out of a team again who was added at this moment, as if that had not been.
    pub(super) async fn take_back(
        &self,
        tenant: TenantId,
        user: UserId,
        before: Option<Former>,
    ) -> Result<(), AccountError> {
        let fresh = Leaving::new(tenant, user, self.now());
        let has_handover = before.is_some_and(|former| former.handover.is_some());
        if has_handover {
            self.list_handover(&fresh).await?;
        }
        let changed = self.table::<Team>().change(Team::at(tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            if team.members.remove(&user).is_some() {
                team.former.extend(before.map(|former| (user, former)));
                forget_first(&mut team.former);
            }
            Ok::<_, AccountError>(Some(team))
        });
        changed.await?;
        if has_handover {
            self.list_handover(&fresh).await?;
        }
        self.index(tenant, user).await
    }

    /// Who left a tenant's team, the last first.
    pub async fn former_members(&self, tenant: TenantId) -> Result<Vec<FormerMember>, AccountError> {
        let team = self.team_row(tenant).await?;
        let mut progress = BTreeMap::new();
        if team.former.values().any(|former| former.handover.is_some()) {
            let after = Leaving::before(tenant);
            let after = bytes::Bytes::copy_from_slice(&after);
            let list = self.table::<Leaving>();
            let page = list.page(Leaving::all(), Some(after), MOST_FORMER).await?;
            let of_tenant = page.items.into_iter().map(|found| found.row);
            let of_tenant = of_tenant.take_while(|row| row.tenant == tenant);
            progress.extend(of_tenant.map(|row| (row.user, row.conversations)));
        }
        let users: Vec<UserId> = team.former.keys().copied().collect();
        let names = self.names_of(&users).await?;
        let all = team.former.into_iter().zip(names);
        let mut all: Vec<FormerMember> = all
            .map(|((user, row), name)| FormerMember {
                user,
                name,
                row,
                conversations: progress.get(&user).copied().unwrap_or_default(),
            })
            .collect();
        all.sort_by_key(|former| (std::cmp::Reverse(former.row.left), former.user));
        Ok(all)
    }

    /// Handovers that are not done, of all tenants.
    pub async fn handovers(&self) -> Result<Vec<Leaving>, AccountError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.table::<Leaving>();
            let page = page.page(Leaving::all(), after, TOGETHER).await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items.into_iter().map(|found| found.row));
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// What is to be done for one of them; `None` when nothing is, or not yet.
    pub async fn due_handover(&self, row: &Leaving) -> Result<Option<DueHandover>, AccountError> {
        if let Some(by) = row.limited_by {
            return self.due_of_limit(row, by).await;
        }
        let team = self.team_row(row.tenant).await?;
        let Some((left, Handover { to, by })) = open_handover(&team, row.user) else {
            if self.now().since(row.listed) >= STRAY_AFTER {
                self.unlist_handover(row).await?;
                // Whoever removed the member may have stood still until now, and be stopped before it is listed once more.
                let team = self.team_row(row.tenant).await?;
                if open_handover(&team, row.user).is_some() {
                    self.list_handover(row).await?;
                }
            }
            return Ok(None);
        };
        if row.last_pass.is_some_and(|at| self.now() < at) {
            return Ok(None);
        }
        // Whoever was to get them may have left, too.
        let to = to.filter(|to| team.members.contains_key(to));
        Ok(Some(DueHandover {
            left,
            from: agent(row.user)?,
            to: to.map(agent).transpose()?,
            by: agent(by)?,
            keeps: NumberLimit::only([]),
        }))
    }

    /// The same for a member who is limited.
    async fn due_of_limit(&self, row: &Leaving, by: UserId) -> Result<Option<DueHandover>, AccountError> {
        let (tenant, user) = (row.tenant, row.user);
        let member = self.member(tenant, user).await?;
        let keeps = match member {
            Some(member) => self.numbers_of(tenant, user, member).await?,
            None => NumberLimit::All,
        };
        let (Some(member), NumberLimit::Only(_)) = (member, &keeps) else {
            // Limited no more, or gone, of which another row tells.
            self.unlist_handover(row).await?;
            return Ok(None);
        };
        if row.last_pass.is_some_and(|at| self.now() < at) {
            return Ok(None);
        }
        Ok(Some(DueHandover {
            left: member.since,
            from: agent(user)?,
            to: None,
            by: agent(by)?,
            keeps,
        }))
    }

    /// Has the conversations that a limited member may not see any more taken from the member. One who left before keeps that handover.
    pub(super) async fn hand_over_unseen(
        &self,
        tenant: TenantId,
        user: UserId,
        by: Actor,
    ) -> Result<(), AccountError> {
        let by = match by {
            Actor::Member(member) => member,
            Actor::Operator => user,
        };
        let fresh = Leaving {
            limited_by: Some(by),
            ..Leaving::new(tenant, user, self.now())
        };
        let key = Leaving::at(tenant, user);
        let listed = self.table::<Leaving>().change(key, |before| {
            let kept = before.filter(|before| before.limited_by.is_none());
            Ok::<_, AccountError>(Some(kept.unwrap_or(&fresh).clone()))
        });
        listed.await?;
        Ok(())
    }

    /// Notes how far a handover is, unless the member left once more meanwhile.
    pub async fn note_handover(&self, before: &Leaving, after: &Leaving) -> Result<(), AccountError> {
        let changed = self
            .table::<Leaving>()
            .change(Leaving::at(before.tenant, before.user), |row| {
                Ok::<_, AccountError>(row.map(|row| if row == before { after } else { row }.clone()))
            });
        changed.await?;
        Ok(())
    }

    /// Notes that a handover is done, unless the member came back and left once more meanwhile.
    pub async fn finish_handover(&self, row: &Leaving, due: &DueHandover) -> Result<(), AccountError> {
        if self.member(row.tenant, row.user).await?.is_none() {
            self.remove_own_replies(row.tenant, row.user).await?;
        }
        // The team first: the index row is found again until nothing is left to do.
        let changed = self.table::<Team>().change(Team::at(row.tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            if let Some(former) = team.former.get_mut(&row.user)
                && former.left == due.left
            {
                former.handover = None;
            }
            Ok::<_, AccountError>(Some(team))
        });
        changed.await?;
        self.erase_if_out_of_reach(row.user).await?;
        self.unlist_handover(row).await
    }

    /// Removes the canned replies that somebody who left wrote for themselves: they are texts of the business.
    async fn remove_own_replies(&self, tenant: TenantId, user: UserId) -> Result<(), AccountError> {
        let mut after = Some(Bytes::copy_from_slice(&OwnReply::begin(tenant)));
        loop {
            let page = self
                .table::<OwnReply>()
                .page(OwnReply::of(user), after, OWN_REPLIES)
                .await?;
            after = page.items.last().map(|found| found.sort.clone());
            for found in page.items {
                if found.row.tenant != tenant {
                    return Ok(());
                }
                let key = OwnReply::at(user, tenant, &found.row.reply.shortcut);
                self.table::<OwnReply>().remove(key).await?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// When the last pass of a handover may begin of which a whole pass found nothing.
    pub fn last_pass(&self) -> Timestamp {
        self.now().after(LATE_ASSIGNMENTS)
    }

    /// Removes the index row, unless the member left once more since it was read.
    async fn unlist_handover(&self, row: &Leaving) -> Result<(), AccountError> {
        let key = Leaving::at(row.tenant, row.user);
        let removed = self.table::<Leaving>().change(key, |before| {
            Ok::<_, AccountError>(before.filter(|before| before.listed != row.listed).cloned())
        });
        removed.await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Quota;
    use crate::store::plain::LONGEST_VALUE;
    use crate::store::tables::Member;

    fn user(number: usize) -> UserId {
        UserId::from_bytes(u128::try_from(number).unwrap().to_be_bytes())
    }

    #[test]
    fn the_largest_team_with_all_who_left_fits_into_its_row() {
        let now = Timestamp::from_secs(1_800_000_000);
        let handover = Some(Handover {
            to: Some(user(1)),
            by: user(1),
        });
        let mut team = Team::default();
        let member = Member {
            role: Role::Supervisor,
            since: now,
            erasing: None,
        };
        let most = usize::try_from(*Quota::Agents.bounds().end()).unwrap();
        team.members = (0..most).map(|n| (user(n), member)).collect();
        for n in 0..MOST_FORMER + 50 {
            let left = now.after(Duration::from_secs(u64::try_from(n).unwrap()));
            // Of the first ten all is done.
            let handover = handover.filter(|_| n >= 10);
            team.former.insert(user(1_000 + n), Former { left, handover });
            forget_first(&mut team.former);
        }
        assert_eq!(team.former.len(), MOST_FORMER);
        assert!(!team.former.contains_key(&user(1_000)));
        assert!(team.former.contains_key(&user(1_000 + MOST_FORMER + 49)));
        let bytes = serde_json::to_vec(&team).unwrap().len();
        assert!(bytes < LONGEST_VALUE * 9 / 10, "{bytes}");
    }
}
