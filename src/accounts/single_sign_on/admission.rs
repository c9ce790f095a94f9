//! What a provider's word is worth: which user it means, and which role it gives.
//!
//! People are found by the provider's own name for them, never by an e-mail address: any tenant may name any provider, and what that
//! says of an address proves nothing to anybody else.

use super::super::sessions::OpenedBy;
use super::super::{AccountError, Accounts, Actor, Confirmation, Ending, NewToken, SignInOrigin, SignedIn};
use super::SignOnError;
use super::token::{Claims, texts};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{Issuer, TenantId, UserId, display_name};
use crate::store::tables::{NewPeople, ProviderAccount, SignInIdentity, SignInProvider, User};

/// Characters that are kept of a name.
const NAME: usize = 100;

/// Somebody for whom a provider vouches.
pub(super) struct Vouched {
    pub(super) issuer: Issuer,
    pub(super) subject: String,
    email: Option<EmailAddress>,
    name: Option<String>,
    pub(super) role: Option<Role>,
}

impl Vouched {
    /// What a token says that was verified.
    pub(super) fn of(provider: &SignInProvider, claims: &Claims) -> Self {
        let name = claims.name().and_then(|name| name.get(None));
        let name = name
            .map(|name| name.as_str())
            .or(claims.preferred_username().map(|name| name.as_str()));
        let groups = provider.roles_claim.as_deref().map(|claim| texts(claims, claim));
        Self {
            issuer: provider.issuer.clone(),
            subject: claims.subject().as_str().to_owned(),
            email: claims.email().and_then(|email| email.as_str().parse().ok()),
            name: name
                .and_then(display_name)
                .map(|name| name.chars().take(NAME).collect()),
            role: role_of(provider, &groups.unwrap_or_default()),
        }
    }
}

/// The role that is trusted with most of those that a person's groups give.
fn role_of(provider: &SignInProvider, groups: &[&str]) -> Option<Role> {
    let given = groups.iter().filter_map(|group| provider.roles.get(*group));
    given.min().copied().or(provider.other_role)
}

/// A new sign-in: what the caller made for it.
pub(super) struct Arrival {
    /// The id that somebody new gets.
    pub(super) fresh: UserId,
    /// The token of the session that opens.
    pub(super) session: NewToken,
    /// From where.
    pub(super) origin: SignInOrigin,
}

/// What a provider's word changes in a team. It is recorded before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderChange {
    /// Somebody new is let in.
    Provisioned(Role),
    /// A member gets another role.
    Role {
        /// The one that the member had.
        before: Role,
        /// The one that the provider gives.
        after: Role,
    },
    /// The provider means this user from now on.
    Connected,
}

/// Somebody who has no account of a kind that could be found otherwise.
pub(super) fn is_provisioned(user: &User) -> bool {
    user.password.is_empty()
}

impl Accounts {
    /// Signs in whom the provider of a tenant means.
    pub(super) async fn admit(
        &self,
        tenant: TenantId,
        provider: &SignInProvider,
        vouched: Vouched,
        arrival: Arrival,
        record: impl AsyncFn(UserId, ProviderChange) -> Result<(), SignOnError>,
    ) -> Result<SignedIn, SignOnError> {
        let account = ProviderAccount::named(tenant, &vouched.issuer, &vouched.subject);
        let known = self.table::<SignInIdentity>().get(&account.key()).await?;
        let known = known.map(|known| known.row);
        if known.is_some_and(|known| known.ended.is_some()) {
            return Err(SignOnError::NotConnected);
        }
        let Some(role) = vouched.role else {
            let user = known.map(|known| known.user);
            if let Some(user) = user {
                self.end_sessions(user, Ending::ByProviderOf(tenant)).await?;
            }
            return Err(SignOnError::NoRole(user));
        };
        let user = match known {
            Some(known) => self.user(known.user).await?,
            None => None,
        };
        let (user, known) = match (user.zip(known), provider.new_people) {
            (Some(both), _) => both,
            (None, NewPeople::Refused) => return Err(SignOnError::NotConnected),
            (None, NewPeople::Provisioned) => {
                self.demand_room(tenant).await?;
                self.provision(account, known, arrival.fresh, &vouched).await?
            }
        };
        if user.closing.is_some() {
            return Err(SignOnError::NotConnected);
        }
        // What only owners do asks for a password: nobody becomes an owner who has none.
        let role = if is_provisioned(&user) {
            role.max(Role::Admin)
        } else {
            role
        };
        self.give_role(tenant, provider, known, role, record).await?;
        if known.admitted.is_none() {
            let admitted = |before: Option<&SignInIdentity>| {
                let before = before.filter(|before| before.user == user.id);
                let before = before.ok_or(SignOnError::NotConnected)?;
                Ok::<_, SignOnError>(Some(SignInIdentity {
                    admitted: Some(self.now()),
                    ..*before
                }))
            };
            self.table().change(account.key(), admitted).await?;
        }
        let opened = self.open_session(
            &user,
            Some(tenant),
            arrival.session,
            &arrival.origin,
            self.now(),
            OpenedBy::Provider {
                since: provider.since,
            },
        );
        let opened = opened.await?;
        self.note_sign_in_of(user.id, &arrival.origin);
        Ok(opened)
    }

    /// An account without a password, whose address is nobody's proof: it does not take the address from whoever owns it, and nobody
    /// finds the account by it. One that was cut off before the team knew it is gone on with; the id of one that is erased never comes
    /// back.
    async fn provision(
        &self,
        account: ProviderAccount,
        erased: Option<SignInIdentity>,
        fresh: UserId,
        vouched: &Vouched,
    ) -> Result<(User, SignInIdentity), SignOnError> {
        let email = vouched.email.clone().ok_or(SignOnError::NoEmail)?;
        let fresh = SignInIdentity {
            user: fresh,
            admitted: None,
            ended: None,
        };
        // The identity first: of two sign-ins at this moment one makes the user.
        let claim = |before: Option<&SignInIdentity>| {
            let kept = before.filter(|before| before.admitted.is_none() || Some(**before) != erased);
            Ok::<_, AccountError>(Some(kept.copied().unwrap_or(fresh)))
        };
        let (_, claimed) = self.table().change(account.key(), claim).await?;
        let claimed = claimed.unwrap_or(fresh);
        let name = vouched.name.as_deref().unwrap_or(email.as_str()).to_owned();
        let user = User {
            provider_accounts: vec![account],
            ..User::new(claimed.user, email, name, self.now())
        };
        let made = claimed.admitted.is_none()
            && self
                .table()
                .replace(&User::at(user.id), None, Some(&user))
                .await?;
        if made {
            return Ok((user, claimed));
        }
        // The same person signs in twice at this moment.
        let user = self.user(user.id).await?;
        let user = user.filter(|user| user.provider_accounts.contains(&account));
        Ok((user.ok_or(AccountError::Busy)?, claimed))
    }

    /// The role that the provider gives now. An owner stays one unless the provider is trusted with who is an owner, and the last owner
    /// always. Whoever was taken out of the team, or left it, does not come back by the provider's word.
    async fn give_role(
        &self,
        tenant: TenantId,
        provider: &SignInProvider,
        known: SignInIdentity,
        role: Role,
        record: impl AsyncFn(UserId, ProviderChange) -> Result<(), SignOnError>,
    ) -> Result<(), SignOnError> {
        let (by, user) = (Actor::Operator, known.user);
        let team = self.team_row(tenant).await?;
        let Some(member) = team.members.get(&user) else {
            let is_new = known.admitted.is_none() && !team.former.contains_key(&user);
            if !is_new || provider.new_people == NewPeople::Refused {
                return Err(SignOnError::NotConnected);
            }
            record(user, ProviderChange::Provisioned(role)).await?;
            self.add_member(tenant, by, user, (role, None)).await?;
            return Ok(());
        };
        let (before, after) = (member.role, role);
        let is_last_owner = before == Role::Owner && team.owners() == 1;
        if before == after || (before == Role::Owner && (is_last_owner || !provider.gives(Role::Owner))) {
            return Ok(());
        }
        record(user, ProviderChange::Role { before, after }).await?;
        // Who set the map has shown a password where it makes owners.
        match self.set_role(tenant, by, user, role, Confirmation::Shown).await {
            Ok(_) => {
                self.end_sessions(user, Ending::OfTenant(tenant)).await?;
                Ok(())
            }
            Err(AccountError::LastOwner) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_groups_the_one_that_is_trusted_with_most_counts() {
        let mut provider = super::super::tests::provider("https://login.example.com");
        provider.roles = [("desk", Role::Agent), ("leads", Role::Supervisor)]
            .map(|(group, role)| (group.to_owned(), role))
            .into();
        for (groups, other, expected) in [
            (["desk", "leads"].as_slice(), None, Some(Role::Supervisor)),
            (&["desk", "cooks"], Some(Role::ReadOnly), Some(Role::Agent)),
            (&["Desk"], Some(Role::ReadOnly), Some(Role::ReadOnly)),
            (&["cooks"], None, None),
            (&[], None, None),
        ] {
            provider.other_role = other;
            assert_eq!(role_of(&provider, groups), expected, "{groups:?}");
        }
    }
}
