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
    /// The link that the new address gets.
    pub link: NewLink,
    /// Where its owner signs in, if the address has an account already.
    pub page: Link,
    /// From where.
    pub origin: SignInOrigin,
}

impl Accounts {
    /// Claims an address for a user. Whose it is then: another user's, whose account is not made yet, is theirs.
    pub(super) async fn claim_address(
        &self,
        email: &EmailAddress,
        user: UserId,
        link: Option<KeyHash>,
    ) -> Result<UserId, AccountError> {
        let (table, key) = (self.table::<UserEmail>(), UserEmail::at(email));
        let mine = UserEmail { user, link };
        for _ in 0..TRIES {
            let found = table.get(&key).await?;
            match &found {
                Some(found) if found.row == mine => return Ok(user),
                Some(found) if found.row.user != user => {
                    if self.user(found.row.user).await?.is_none() {
                        return Ok(found.row.user);
                    }
                    self.release_address(email, found.row.user).await?;
                }
                _ => {}
            }
            if table.replace(&key, found.as_ref(), Some(&mine)).await? {
                return Ok(user);
            }
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
            link,
            page,
            origin,
        } = asked;
        let user = self.verified(&who.email, password, &origin).await?;
        if user.email == email {
            return Err(AccountError::SameAddress);
        }
        if !self
            .requests
            .may_mail(&email, Purpose::Address, self.clock.monotonic())
        {
            return Err(AccountError::TooManyRequests(super::forgotten::PAUSE));
        }
        if self.by_email(&email).await?.is_some() {
            self.mailer.send(&email, &Letter::HasAccount { page });
            return Ok(());
        }
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
        let link = link.link;
        self.mailer.send(&email, &Letter::ConfirmEmail { link, lasts });
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
        if self.claim_address(&change.email, user.id, Some(token)).await? != user.id {
            return Err(AccountError::AddressTaken);
        }
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
