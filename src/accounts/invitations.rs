//! Invitations into a team: a link that works once.

use secrecy::SecretString;

use super::{AccountError, Accounts, Actor, MOST_INVITATIONS, NewToken, SignInOrigin, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{TenantId, UserId};
use crate::store::KeyHash;
use crate::store::tables::{Invitation, Team, User, UserEmail};

/// Somebody is invited.
#[derive(Debug)]
pub struct Inviting {
    /// Into whose team.
    pub tenant: TenantId,
    /// By whom.
    pub by: Actor,
    /// Who.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// The link's token.
    pub token: NewToken,
}

/// Somebody follows an invitation.
#[derive(Debug)]
pub struct Accepting {
    /// Into whose team.
    pub tenant: TenantId,
    /// The link's token.
    pub token: KeyHash,
    /// What colleagues see, for somebody who is new here.
    pub name: Option<String>,
    /// The password: a new one for somebody who is new here, else the account's.
    pub password: SecretString,
    /// The id that somebody new gets.
    pub fresh: UserId,
    /// The token of the session that opens.
    pub session: NewToken,
    /// From where.
    pub origin: SignInOrigin,
}

/// An invitation as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// Who is invited.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// Whether this person has an account here already.
    pub is_known: bool,
}

impl Accounts {
    /// Invites somebody; an earlier invitation of the same person is over with it.
    pub async fn invite(&self, asked: Inviting) -> Result<Invitation, AccountError> {
        let Inviting {
            tenant,
            by,
            email,
            role,
            token,
        } = asked;
        let team = self.table::<Team>().get(&Team::at(tenant)).await?;
        let team = team.map(|team| team.row).unwrap_or_default();
        by.demand(&team, role.given_by())?;
        let known = self.by_email(&email).await?;
        if known.is_some_and(|user| team.members.contains_key(&user.id)) {
            return Err(AccountError::AlreadyMember);
        }
        let open = self.table::<Invitation>();
        let open = open.page(Invitation::of(tenant), None, MOST_INVITATIONS).await?;
        for earlier in &open.items {
            if earlier.row.email == email {
                let key = Invitation::of(tenant).row(&earlier.sort);
                let invitations = self.table::<Invitation>();
                invitations.replace(&key, Some(earlier), None).await?;
            }
        }
        if open.items.len() >= MOST_INVITATIONS {
            return Err(AccountError::TooMany(MOST_INVITATIONS));
        }
        let now = self.now();
        let invitation = Invitation {
            id: token.id,
            email,
            role,
            by: match by {
                Actor::Member(user) => Some(user),
                Actor::Operator => None,
            },
            created: now,
            expires: now.after(self.settings.invitation_expires),
        };
        let invitations = self.table::<Invitation>();
        let key = Invitation::at(tenant, token.hash);
        invitations.replace(&key, None, Some(&invitation)).await?;
        Ok(invitation)
    }

    /// Invitations that nobody accepted yet, the newest first.
    pub async fn invitations(&self, tenant: TenantId) -> Result<Vec<Invitation>, AccountError> {
        let open = self.table::<Invitation>();
        let open = open.page(Invitation::of(tenant), None, MOST_INVITATIONS).await?;
        let mut all: Vec<Invitation> = open.items.into_iter().map(|found| found.row).collect();
        all.sort_by_key(|invitation| std::cmp::Reverse(invitation.created));
        Ok(all)
    }

    /// Takes an invitation back.
    pub async fn withdraw_invitation(
        &self,
        tenant: TenantId,
        by: Actor,
        id: &str,
    ) -> Result<(), AccountError> {
        let team = self.table::<Team>().get(&Team::at(tenant)).await?;
        let team = team.map(|team| team.row).unwrap_or_default();
        let open = self.table::<Invitation>();
        let open = open.page(Invitation::of(tenant), None, MOST_INVITATIONS).await?;
        let found = open.items.into_iter().find(|found| found.row.id == id);
        let found = found.ok_or(AccountError::NoSuchLink)?;
        by.demand(&team, found.row.role.given_by())?;
        let key = Invitation::of(tenant).row(&found.sort);
        self.table::<Invitation>().remove(key).await?;
        Ok(())
    }

    /// Whom a link invites.
    pub async fn invited(&self, tenant: TenantId, token: KeyHash) -> Result<Invited, AccountError> {
        let invitations = self.table::<Invitation>();
        let found = invitations.get(&Invitation::at(tenant, token)).await?;
        let Invitation { email, role, .. } = found.ok_or(AccountError::NoSuchLink)?.row;
        let is_known = self.by_email(&email).await?.is_some();
        Ok(Invited {
            email,
            role,
            is_known,
        })
    }

    /// Lets somebody into the team by a link, once, and signs them in.
    pub async fn accept(&self, asked: Accepting) -> Result<SignedIn, AccountError> {
        let Accepting {
            tenant,
            token,
            name,
            password,
            fresh,
            session,
            origin,
        } = asked;
        let key = Invitation::at(tenant, token);
        let invitations = self.table::<Invitation>();
        let invitation = invitations.get(&key).await?.ok_or(AccountError::NoSuchLink)?;
        let Invitation { email, role, .. } = invitation.row.clone();
        let user = match self.by_email(&email).await? {
            Some(user) => {
                self.verify(&email, Some(&user), password, &origin).await?;
                user.id
            }
            None => self.add_user(email, name, password, fresh).await?,
        };
        self.add_member(tenant, user, role).await?;
        // Whoever else holds the link finds nothing from now on. Should this not be done, it invites a member again.
        invitations.replace(&key, Some(&invitation), None).await?;
        self.open_session(user, Some(tenant), session, &origin).await
    }

    async fn add_user(
        &self,
        email: EmailAddress,
        name: Option<String>,
        password: SecretString,
        fresh: UserId,
    ) -> Result<UserId, AccountError> {
        let name = name.ok_or(AccountError::NoName)?;
        self.check_strength(&password, &email, &name)?;
        let hash = self.passwords.hash(password).await?;
        // The address first: two users never have the same one. Where somebody stopped in between, the id is there already.
        let claim = |before: Option<&UserEmail>| {
            Ok::<_, AccountError>(Some(before.cloned().unwrap_or(UserEmail { user: fresh })))
        };
        let (_, claimed) = self.table().change(UserEmail::at(&email), claim).await?;
        let id = claimed.map_or(fresh, |claimed| claimed.user);
        let user = User {
            id,
            email,
            name,
            password: hash.into(),
            created: self.now(),
        };
        if self
            .table::<User>()
            .replace(&User::at(id), None, Some(&user))
            .await?
        {
            Ok(id)
        } else {
            // Somebody accepted for the same address at this moment.
            Err(AccountError::Busy)
        }
    }
}
