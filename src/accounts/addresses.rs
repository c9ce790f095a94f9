//! Whose an e-mail address is, and how a user gets another one.
//!
//! The address's row leads to a user, and the user's row says which address it has: an address is a user's when both say so. They change
//! one after the other. For another address of a user:
//!
//! 1. the row of the new address leads to the user. The user's row names the old one still, which signs in;
//! 2. the user's row names the new address. From this write on that one signs in, and the old one does not;
//! 3. the row of the old address is removed.
//!
//! Whoever is stopped after 1 follows the link again, and nobody else gets the address until the link is over. After 3 was left out, the
//! row leads to a user who has another address: the next who claims the address takes it over.
//!
//! A row that leads to a user is written anew by each link, with its token. So it differs from what others read before, and of two who
//! claim an address at the same moment one wins.

use secrecy::SecretString;

use super::codes::SecondFactorCode;
use super::requests::Purpose;
use super::{AccountError, Accounts, NewLink, SignInOrigin, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::{Timestamp, UserId};
use crate::mail::{Letter, Link};
use crate::store::KeyHash;
use crate::store::tables::{EmailChange, EmailChangeLink, User, UserEmail};

/// How often a claim is tried while others claim the same address.
const TRIES: usize = 8;

/// Somebody who is signed in wants another address.
#[derive(Debug)]
pub struct ChangingEmail {
    /// The new one.
    pub email: EmailAddress,
    /// The account's password.
    pub password: SecretString,
    /// A code of its second factor.
    pub code: Option<SecondFactorCode>,
    /// The link that the new address gets.
    pub link: NewLink,
    /// Where its owner signs in, if the address has an account already.
    pub page: Link,
    /// From where.
    pub origin: SignInOrigin,
}

impl Accounts {
    /// Claims an address for a user; refused where another user has it. A row that leads to nobody, whose account was not made or is erased,
    /// is taken over: an id is never another person's again.
    pub(super) async fn claim_address(
        &self,
        email: &EmailAddress,
        user: UserId,
        link: Option<KeyHash>,
    ) -> Result<(), AccountError> {
        let (table, key) = (self.table::<UserEmail>(), UserEmail::at(email));
        let mine = UserEmail { user, link };
        for _ in 0..TRIES {
            let found = table.get(&key).await?;
            if found.as_ref().is_some_and(|found| found.row == mine) {
                return Ok(());
            }
            let other = found.as_ref().map(|found| found.row.user);
            let other = other.filter(|other| *other != user);
            if let Some(other) = other {
                self.release_address(email, other).await?;
            }
            if !table.replace(&key, found.as_ref(), Some(&mine)).await? {
                continue;
            }
            // Whoever makes an account writes it after its claim, and looks at the claim once more: one of two gives way.
            let (Some(other), Some(found)) = (other, found) else {
                return Ok(());
            };
            let made = self.user(other).await?;
            if made.is_none_or(|made| made.email != *email) {
                return Ok(());
            }
            let ours = table.get(&key).await?.filter(|ours| ours.row == mine);
            if let Some(ours) = ours {
                table.replace(&key, Some(&ours), Some(&found.row)).await?;
            }
            return Err(AccountError::AddressTaken);
        }
        Err(AccountError::Busy)
    }

    /// Refuses unless a user does not have an address and cannot get it any more by a link that was made before.
    async fn release_address(&self, email: &EmailAddress, user: UserId) -> Result<(), AccountError> {
        let now = self.now();
        let changed = self.table::<User>().change(User::at(user), |before| {
            let Some(before) = before else { return Ok(None) };
            let change = before
                .email_change
                .as_ref()
                .filter(|change| change.email == *email);
            if before.email == *email || change.is_some_and(|change| now < change.expires) {
                return Err(AccountError::AddressTaken);
            }
            Ok(Some(User {
                // Somebody may be about to use a link that has just ended: that write fails now.
                email_change: before.email_change.clone().filter(|_| change.is_none()),
                ..before.clone()
            }))
        });
        changed.await.map(drop)
    }

    /// Sends a link to the address that a user wants. If it has an account, it is told that instead; the answer does not tell.
    pub async fn change_email(&self, who: &SignedIn, asked: ChangingEmail) -> Result<(), AccountError> {
        let ChangingEmail {
            email,
            password,
            code,
            link,
            page,
            origin,
        } = asked;
        // Another user may have the address that a provider gave for this one.
        who.demand_own_account()?;
        let user = self
            .verified_with_code(&who.email, password, code, link.token.hash, &origin)
            .await?;
        if user.email == email {
            return Err(AccountError::SameAddress);
        }
        if !self
            .requests
            .may_mail(&email, Purpose::Address, self.clock.monotonic())
        {
            return Err(AccountError::TooManyRequests(super::forgotten::PAUSE));
        }
        // The same is written in both cases. A link that nobody gets is followed by nobody.
        let is_known = self.by_email(&email).await?.is_some();
        let (token, lasts) = (link.token.hash, self.settings.link_expires);
        let expires = self.now().after(lasts);
        let index = EmailChangeLink {
            user: user.id,
            expires,
        };
        self.table()
            .replace(&EmailChangeLink::at(token), None, Some(&index))
            .await?;
        let change = EmailChange {
            email: email.clone(),
            token,
            expires,
        };
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            let before = before.cloned().ok_or(AccountError::NoSuchMember)?;
            Ok::<_, AccountError>(Some(User {
                email_change: Some(change.clone()),
                ..before
            }))
        });
        changed.await?;
        let letter = if is_known {
            Letter::HasAccount { page }
        } else {
            let link = link.link;
            Letter::ConfirmEmail { link, lasts }
        };
        self.mailer.send(&email, &letter);
        // While it can still be prevented.
        self.mailer.send(&user.email, &Letter::EmailChangeAsked);
        Ok(())
    }

    /// Gives a user the address that the link was sent to; the user's row with it. `record` is told first whose it is.
    pub async fn confirm_email<E: From<AccountError>>(
        &self,
        token: KeyHash,
        record: impl AsyncFnOnce(UserId) -> Result<(), E>,
    ) -> Result<User, E> {
        let user = self.changing_email(token).await?;
        record(user.id).await?;
        Ok(self.write_email(token, user).await?)
    }

    /// Whose link it is, while it holds.
    async fn changing_email(&self, token: KeyHash) -> Result<User, AccountError> {
        let index = self.table::<EmailChangeLink>();
        let index = index.get(&EmailChangeLink::at(token)).await?;
        let index = index.ok_or(AccountError::NoSuchLink)?;
        let user = self.user(index.row.user).await?;
        let holds = |user: &User| wanted(user, token, self.now()).is_some();
        user.filter(holds).ok_or(AccountError::NoSuchLink)
    }

    async fn write_email(&self, token: KeyHash, user: User) -> Result<User, AccountError> {
        let change = wanted(&user, token, self.now()).ok_or(AccountError::NoSuchLink)?;
        // As it stands before anything changes: if the user gets the old address back meanwhile, its row is another one.
        let (addresses, old) = (self.table::<UserEmail>(), UserEmail::at(&user.email));
        let before = addresses
            .get(&old)
            .await?
            .filter(|found| found.row.user == user.id);
        self.claim_address(&change.email, user.id, Some(token)).await?;
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            let change = before.and_then(|before| wanted(before, token, self.now()));
            let (before, change) = before.zip(change).ok_or(AccountError::NoSuchLink)?;
            Ok::<_, AccountError>(Some(User {
                email: change.email,
                email_change: None,
                // A link to a new password went to the old address.
                reset: None,
                ..before.clone()
            }))
        });
        let (_, after) = changed.await?;
        if let Some(before) = before {
            addresses.replace(&old, Some(&before), None).await?;
        }
        self.table::<EmailChangeLink>()
            .remove(EmailChangeLink::at(token))
            .await?;
        self.mailer.send(&user.email, &Letter::EmailChanged);
        after.ok_or(AccountError::NoSuchLink)
    }
}

/// What a link changes, if it still holds.
fn wanted(user: &User, token: KeyHash, now: Timestamp) -> Option<EmailChange> {
    let change = user.email_change.clone()?;
    let holds = change.token == token && now < change.expires && user.closing.is_none();
    holds.then_some(change)
}

#[cfg(test)]
mod tests;
