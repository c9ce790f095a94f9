//! Invitations into a team: a link that works once.
//!
//! An invitation is open, then claimed by the user who follows it, then accepted. Each step replaces the row as it was read, so that
//! of an acceptance and a withdrawal at the same moment one wins.

use std::fmt;

use secrecy::SecretString;

use super::codes::SecondFactorCode;
use super::sessions::OpenedBy;
use super::{
    AccountError, Accounts, Actor, MOST_INVITATIONS, NewLink, NewToken, SignInOrigin, SignedIn, Told,
};
use crate::domain::email::EmailAddress;
use crate::domain::phone::Phone;
use crate::domain::roles::Role;
use crate::domain::{MemberLimit, TenantId, UserId};
use crate::mail::{Handed, Letter};
use crate::store::KeyHash;
use crate::store::plain::Found;
use crate::store::tables::{AcceptedPolicy, Invitation, InvitationState, SignInResult, User, UserEmail};

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
    /// Limited to what.
    pub limit: Option<MemberLimit>,
    /// The link.
    pub link: NewLink,
}

/// What a new person says of themselves when an invitation is accepted. For somebody who has an account it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newcomer {
    /// What colleagues see.
    pub name: Option<String>,
    /// Whether the person says to be old enough.
    pub age: Option<OfAge>,
    /// The version of the policy that the person accepts.
    pub policy: Option<String>,
}

#[cfg(test)]
impl Newcomer {
    /// Somebody who is old enough, where there is no policy.
    pub(crate) fn of_age(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            age: Some(OfAge),
            policy: None,
        }
    }
}

/// Somebody says to be as old as the settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfAge;

/// Somebody follows an invitation.
pub struct Accepting {
    /// Into whose team.
    pub tenant: TenantId,
    /// The link's token.
    pub token: KeyHash,
    /// What somebody says who is new here.
    pub newcomer: Newcomer,
    /// The password: a new one for somebody who is new here, else the account's.
    pub password: SecretString,
    /// A code of the second factor, for an account that has one.
    pub code: Option<SecondFactorCode>,
    /// The id that somebody new gets.
    pub fresh: UserId,
    /// The token of the session that opens.
    pub session: NewToken,
    /// From where.
    pub origin: SignInOrigin,
}

impl fmt::Debug for Accepting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Accepting({})", self.tenant)
    }
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

/// Somebody who gets an account.
pub(super) struct NewUser {
    pub(super) email: EmailAddress,
    pub(super) name: String,
    pub(super) phone: Option<Phone>,
    pub(super) policy: Option<AcceptedPolicy>,
}

/// Who follows a link.
enum Entering {
    /// Somebody with an account.
    Known(User),
    /// Somebody whose account is not written yet.
    New(User),
}

impl Entering {
    const fn id(&self) -> UserId {
        match self {
            Self::Known(user) | Self::New(user) => user.id,
        }
    }
}

/// Who answers for an invitation.
const fn inviter(invitation: &Invitation) -> Actor {
    match invitation.by {
        Some(user) => Actor::Member(user),
        None => Actor::Operator,
    }
}

impl Accounts {
    /// Invites somebody; an earlier invitation of the same address is over with it. The link goes out by e-mail, too.
    pub async fn invite(&self, asked: Inviting) -> Result<Told<Invitation>, AccountError> {
        let Inviting {
            tenant,
            by,
            email,
            role,
            limit,
            link: NewLink { token, link },
        } = asked;
        let team = self.team_row(tenant).await?;
        by.demand(&team, role.given_by())?;
        if let Some(limit) = &limit {
            if !role.may_be_limited() {
                return Err(AccountError::LimitNotAllowed);
            }
            self.check_limit(tenant, limit).await?;
        }
        let known = self.by_email(&email).await?;
        if known.is_some_and(|user| team.members.contains_key(&user.id)) {
            return Err(AccountError::AlreadyMember);
        }
        let open = self.open_invitations(tenant).await?;
        let others = open.iter().filter(|found| found.row.email != email).count();
        if others >= MOST_INVITATIONS {
            return Err(AccountError::TooMany(MOST_INVITATIONS));
        }
        let now = self.now();
        let invitation = Invitation {
            id: token.id,
            token: token.hash,
            email,
            role,
            limit,
            by: match by {
                Actor::Member(user) => Some(user),
                Actor::Operator => None,
            },
            created: now,
            expires: now.after(self.settings.invitation_expires),
            state: InvitationState::Open,
        };
        let key = Invitation::at(tenant, &invitation.email);
        let invitations = self.table::<Invitation>();
        let before = invitations.get(&key).await?;
        if !invitations
            .replace(&key, before.as_ref(), Some(&invitation))
            .await?
        {
            // Somebody else invites the same person at this moment.
            return Err(AccountError::Busy);
        }
        let letter = Letter::Invitation {
            business: self.store.tenant(tenant).await?.map(|tenant| tenant.name),
            link,
            lasts: self.settings.invitation_expires,
        };
        let now = self.clock.monotonic();
        let may_mail = match by {
            Actor::Member(_) => self.requests.may_invite(tenant, &invitation.email, now),
            Actor::Operator => true,
        };
        let mail = if may_mail {
            self.mailer.send(&invitation.email, &letter)
        } else {
            Handed::Back
        };
        Ok(Told {
            made: invitation,
            mail,
        })
    }

    async fn all_invitations(&self, tenant: TenantId) -> Result<Vec<Found<Invitation>>, AccountError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.table::<Invitation>();
            let page = page.page(Invitation::of(tenant), after, MOST_INVITATIONS).await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items);
            if !page.more {
                return Ok(all);
            }
        }
    }

    async fn open_invitations(&self, tenant: TenantId) -> Result<Vec<Found<Invitation>>, AccountError> {
        let mut all = self.all_invitations(tenant).await?;
        all.retain(|found| found.row.state != InvitationState::Accepted);
        Ok(all)
    }

    /// Invitations that nobody accepted yet, the newest first.
    pub async fn invitations(&self, tenant: TenantId) -> Result<Vec<Invitation>, AccountError> {
        let open = self.open_invitations(tenant).await?;
        let mut all: Vec<Invitation> = open.into_iter().map(|found| found.row).collect();
        all.sort_by_key(|invitation| std::cmp::Reverse(invitation.created));
        Ok(all)
    }

    /// Takes an invitation back, unless it was accepted by then.
    pub async fn withdraw_invitation(
        &self,
        tenant: TenantId,
        by: Actor,
        id: &str,
    ) -> Result<(), AccountError> {
        let team = self.team_row(tenant).await?;
        let open = self.open_invitations(tenant).await?;
        let found = open.into_iter().find(|found| found.row.id == id);
        let found = found.ok_or(AccountError::NoSuchLink)?;
        by.demand(&team, found.row.role.given_by())?;
        let key = Invitation::at(tenant, &found.row.email);
        let withdrawn = self.table::<Invitation>().replace(&key, Some(&found), None);
        if withdrawn.await? {
            Ok(())
        } else {
            // It is followed at this moment, or another one took its place.
            Err(AccountError::Busy)
        }
    }

    /// The invitation with this link.
    async fn linked(&self, tenant: TenantId, token: KeyHash) -> Result<Found<Invitation>, AccountError> {
        let open = self.open_invitations(tenant).await?;
        let found = open.into_iter().find(|found| found.row.token == token);
        found.ok_or(AccountError::NoSuchLink)
    }

    /// Whom a link invites.
    pub async fn invited(&self, tenant: TenantId, token: KeyHash) -> Result<Invited, AccountError> {
        let Invitation { email, role, .. } = self.linked(tenant, token).await?.row;
        let is_known = self.by_email(&email).await?.is_some();
        Ok(Invited {
            email,
            role,
            is_known,
        })
    }

    /// Lets somebody into the team by a link, once, and signs them in. `record` is told first, as soon as it is known who that is.
    pub async fn accept_recorded<E: From<AccountError>>(
        &self,
        asked: Accepting,
        record: impl AsyncFnOnce(UserId, &Invitation) -> Result<(), E>,
    ) -> Result<SignedIn, E> {
        let open = self.linked(asked.tenant, asked.token).await?;
        let entering = self.entering(&open.row, &asked).await?;
        record(entering.id(), &open.row).await?;
        Ok(self.enter(asked, open, entering).await?)
    }

    /// The same without a record.
    #[cfg(test)]
    pub(crate) async fn accept(&self, asked: Accepting) -> Result<SignedIn, AccountError> {
        self.accept_recorded(asked, async |_user: UserId, _invitation: &Invitation| Ok(()))
            .await
    }

    /// Who follows a link: somebody whose password is right, or a new person with a good one.
    async fn entering(&self, invitation: &Invitation, asked: &Accepting) -> Result<Entering, AccountError> {
        let email = &invitation.email;
        if self.by_email(email).await?.is_some() {
            let (password, code) = (asked.password.clone(), asked.code.clone());
            let user = self
                .verified_with_code(email, password, code, asked.session.hash, &asked.origin)
                .await?;
            return Ok(Entering::Known(user));
        }
        let Newcomer { name, age, policy } = asked.newcomer.clone();
        let name = name.ok_or(AccountError::NoName)?;
        let OfAge = age.ok_or(AccountError::NotOfAge(self.settings.least_age))?;
        let policy = self.accepted(policy.as_deref())?;
        self.check_strength(&asked.password, email, &name, Some(asked.tenant))
            .await?;
        let new = NewUser {
            email: email.clone(),
            name,
            phone: None,
            policy,
        };
        let user = self.new_user(new, asked.password.clone(), asked.fresh).await?;
        Ok(Entering::New(user))
    }

    async fn enter(
        &self,
        asked: Accepting,
        open: Found<Invitation>,
        entering: Entering,
    ) -> Result<SignedIn, AccountError> {
        let Accepting {
            tenant,
            session,
            origin,
            ..
        } = asked;
        let invitation = open.row.clone();
        let user = match entering {
            Entering::Known(user) => user,
            Entering::New(user) => self.add_user(user).await?,
        };
        let claimed = Invitation {
            state: InvitationState::Claimed(user.id),
            ..invitation
        };
        let key = Invitation::at(tenant, &claimed.email);
        let invitations = self.table::<Invitation>();
        if !invitations.replace(&key, Some(&open), Some(&claimed)).await? {
            return Err(AccountError::NoSuchLink);
        }
        let added = self
            .add_member(
                tenant,
                inviter(&claimed),
                user.id,
                (claimed.role, claimed.limit.clone()),
            )
            .await;
        let added = added.map_err(|error| match error {
            // Who invited may do so no more.
            AccountError::NotAllowed => AccountError::NoSuchLink,
            other => other,
        })?;
        let accepted = Invitation {
            state: InvitationState::Accepted,
            ..claimed.clone()
        };
        let claim = invitations.get(&key).await?.filter(|found| found.row == claimed);
        let done = match &claim {
            Some(claim) => invitations.replace(&key, Some(claim), Some(&accepted)).await?,
            None => false,
        };
        if !done {
            // It was withdrawn meanwhile.
            if added.is_new {
                self.take_back(tenant, user.id, added.former).await?;
            }
            return Err(AccountError::NoSuchLink);
        }
        let opened = self
            .open_session(
                &user,
                Some(tenant),
                session,
                &origin,
                self.now(),
                OpenedBy::Password,
            )
            .await?;
        self.note_sign_in(&opened.email, &origin, SignInResult::SignedIn);
        Ok(opened)
    }

    /// Makes an account with a password that is good enough.
    pub(super) async fn make_user(
        &self,
        new: NewUser,
        password: SecretString,
        fresh: UserId,
    ) -> Result<User, AccountError> {
        let user = self.new_user(new, password, fresh).await?;
        self.add_user(user).await
    }

    /// The row of a new person, which is not written yet.
    async fn new_user(
        &self,
        new: NewUser,
        password: SecretString,
        fresh: UserId,
    ) -> Result<User, AccountError> {
        let hash = self.passwords.hash(password).await?;
        let NewUser {
            email,
            name,
            phone,
            policy,
        } = new;
        Ok(User {
            password: hash.into(),
            phone,
            policy,
            ..User::new(fresh, email, name, self.now())
        })
    }

    /// Writes a new person's account, if nobody else has the address.
    async fn add_user(&self, user: User) -> Result<User, AccountError> {
        // The address first: two users never have the same one.
        self.claim_address(&user.email, user.id, None).await?;
        if self
            .table()
            .replace(&User::at(user.id), None, Some(&user))
            .await?
        {
            let claim = self.table::<UserEmail>().get(&UserEmail::at(&user.email)).await?;
            if claim.is_none_or(|claim| claim.row.user != user.id) {
                // Somebody took the address over while it led to nobody.
                self.table::<User>().remove(User::at(user.id)).await?;
                return Err(AccountError::Busy);
            }
            Ok(user)
        } else {
            // Somebody accepted for the same address at this moment.
            Err(AccountError::Busy)
        }
    }
}
