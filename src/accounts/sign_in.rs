//! Passwords of people: signing in, changing one, setting a new one by link.

use std::net::{IpAddr, Ipv4Addr};

use secrecy::{ExposeSecret as _, SecretString};

use super::codes::SecondFactorCode;
use super::forgotten::Earlier;
use super::passwords::{PasswordHash, Verdict};
use super::second_factor::Proof;
use super::sessions::OpenedBy;
use super::throttle::Familiarity;
use super::{AccountError, Accounts, NewLink, NewToken, SignInOrigin, SignedIn, Told};
use crate::domain::email::EmailAddress;
use crate::domain::{TenantId, Timestamp, UserId};
use crate::mail::Letter;
use crate::store::plain::PlainTable;
use crate::store::tables::{PasswordReset, SignInResult, User, UserEmail};
use crate::store::{KeyHash, Store, StoreError};
use crate::telemetry::labels::SignInOutcome;
use crate::telemetry::metrics;

/// Somebody who signs in.
#[derive(Debug)]
pub struct SigningIn {
    /// The address.
    pub email: EmailAddress,
    /// The password.
    pub password: SecretString,
    /// A code of the second factor.
    pub code: Option<SecondFactorCode>,
    /// For which tenant; the one where the user was added first when it is not said.
    pub tenant: Option<TenantId>,
    /// The token of the session that opens.
    pub token: NewToken,
    /// From where.
    pub origin: SignInOrigin,
}

/// A link to a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferedReset {
    /// Whose.
    pub user: UserId,
    /// When it ends.
    pub expires: Timestamp,
}

/// A client whose address is not known shares one place with all others of the kind.
pub(super) fn address_of(origin: &SignInOrigin) -> IpAddr {
    origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Whether a new password goes with the end of all sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replacing {
    /// Another password.
    Password,
    /// The same password under the settings of today.
    Hash,
}

/// The user with an address, in a store at a time. As many reads for an address that nobody has.
pub(super) async fn user_with(
    store: &dyn Store,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    let found = PlainTable::<UserEmail>::of(store, now)
        .get(&UserEmail::at(email))
        .await?;
    let id = found.map_or(UserId::from_bytes(email.key()), |found| found.row.user);
    let user = PlainTable::<User>::of(store, now).get(&User::at(id)).await?;
    let user = user.map(|found| found.row);
    Ok(user.filter(|user| user.email == *email && user.closing.is_none()))
}

impl Accounts {
    /// The user with an address. As many reads for an address that nobody has.
    pub(super) async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, AccountError> {
        Ok(user_with(self.store.as_ref(), email, self.now()).await?)
    }

    /// The user with this address and this password. Takes as long for an address that nobody has. Does not ask for a second factor.
    pub(super) async fn verified(
        &self,
        email: &EmailAddress,
        password: SecretString,
        origin: &SignInOrigin,
    ) -> Result<User, AccountError> {
        self.attempt(email, origin, async |from| {
            self.with_password(email, password, from).await
        })
        .await
    }

    /// Looks at what somebody shows, at the throttle's pace: a wrong password and a wrong code count the same. A right password without
    /// the code that belongs to it counts as nothing: its network must not become familiar by it.
    pub(super) async fn attempt<T>(
        &self,
        email: &EmailAddress,
        origin: &SignInOrigin,
        look: impl AsyncFnOnce(Familiarity) -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let (account, address, now) = (email.key(), address_of(origin), self.clock.monotonic());
        let mut admitted = self.throttle.admit(account, address, now);
        if admitted.is_err() && self.throttle.asks(account, address, now) {
            let known = self.stored_networks(email).await?;
            self.throttle.recall(account, &known);
            admitted = self.throttle.admit(account, address, now);
        }
        let from = match admitted {
            Ok(from) => from,
            Err(wait) => {
                metrics::sign_ins_total(SignInOutcome::Throttled).increment(1);
                return Err(AccountError::Throttled(wait));
            }
        };
        let looked = look(from).await;
        let (outcome, refused) = match &looked {
            Ok(_) => (SignInOutcome::Right, None),
            Err(AccountError::WrongCredentials) => (SignInOutcome::Wrong, Some(SignInResult::WrongPassword)),
            Err(AccountError::WrongCode) => (SignInOutcome::WrongCode, Some(SignInResult::WrongCode)),
            Err(AccountError::SecondFactorRequired) => (SignInOutcome::CodeMissing, None),
            Err(AccountError::Throttled(_)) => (SignInOutcome::Throttled, None),
            Err(_) => (SignInOutcome::Busy, None),
        };
        metrics::sign_ins_total(outcome).increment(1);
        match refused {
            Some(refused) => {
                self.throttle.failed(account, address, now);
                self.note_sign_in(email, origin, refused);
            }
            None if looked.is_ok() => self.throttle.succeeded(account, address, now),
            None => self.throttle.not_tried(account, address),
        }
        looked
    }

    /// The same within an attempt.
    pub(super) async fn with_password(
        &self,
        email: &EmailAddress,
        password: SecretString,
        from: Familiarity,
    ) -> Result<User, AccountError> {
        let compared = self.compare(email, password.clone(), from).await?;
        let (user, verdict) = compared.ok_or(AccountError::WrongCredentials)?;
        if verdict != Verdict::RightButOutdated {
            return Ok(user);
        }
        // A hash that cannot be made anew now is made anew at another time.
        match self.write_password(&user, password, Replacing::Hash).await {
            Ok(renewed) => Ok(renewed),
            Err(error) => {
                tracing::debug!(%error, "a password hash of earlier settings stays");
                Ok(user)
            }
        }
    }

    async fn compare(
        &self,
        email: &EmailAddress,
        password: SecretString,
        from: Familiarity,
    ) -> Result<Option<(User, Verdict)>, AccountError> {
        let user = self.by_email(email).await?;
        let stored = user.as_ref().map(|user| user.password.parse::<PasswordHash>());
        let stored = stored
            .transpose()
            .map_err(|error| AccountError::Broken(error.to_string()))?;
        let verdict = self.passwords.verify(password, stored.as_ref(), from).await?;
        Ok(user
            .filter(|_| verdict != Verdict::Wrong)
            .map(|user| (user, verdict)))
    }

    /// Replaces the password of a user whose row was read, unless somebody replaced it meanwhile.
    async fn write_password(
        &self,
        user: &User,
        password: SecretString,
        what: Replacing,
    ) -> Result<User, AccountError> {
        let hash = String::from(self.passwords.hash(password).await?);
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            let before = before.filter(|before| before.password == user.password);
            let before = before.cloned().ok_or(AccountError::WrongCredentials)?;
            Ok::<_, AccountError>(Some(match what {
                Replacing::Hash => User {
                    password: hash.clone(),
                    ..before
                },
                Replacing::Password => User {
                    password: hash.clone(),
                    generation: before.generation.wrapping_add(1),
                    reset: None,
                    // Whoever knew the old password may have asked for it.
                    email_change: None,
                    ..before
                },
            }))
        });
        let (_, user) = changed.await?;
        user.ok_or(AccountError::WrongCredentials)
    }

    /// Refuses what is easy to guess for somebody who knows the person and the business.
    pub(super) async fn check_strength(
        &self,
        password: &SecretString,
        email: &EmailAddress,
        name: &str,
        tenant: Option<TenantId>,
    ) -> Result<(), AccountError> {
        let business = match tenant {
            Some(tenant) => self.store.tenant(tenant).await?.map(|tenant| tenant.name),
            None => None,
        };
        let about = [email.as_str(), name, business.as_deref().unwrap_or_default()];
        let checked = self.passwords.check_strength(password.expose_secret(), &about);
        checked.map_err(|weak| AccountError::WeakPassword(weak.to_string()))
    }

    /// Signs somebody in.
    pub async fn sign_in(&self, asked: SigningIn) -> Result<SignedIn, AccountError> {
        let SigningIn {
            email,
            password,
            code,
            tenant,
            token,
            origin,
        } = asked;
        let user = self
            .verified_for(tenant, &email, password, code, token.hash, &origin)
            .await?;
        let teams = self.tenants_of(user.id).await?;
        let wanted = teams
            .iter()
            .find(|(team, _)| tenant.is_none_or(|tenant| tenant == *team));
        if wanted.is_none() && tenant.is_some() {
            return Err(AccountError::NotAllowed);
        }
        let tenant = wanted.map(|(team, _)| *team);
        let opened = self
            .open_session(&user, tenant, token, &origin, self.now(), OpenedBy::Password)
            .await?;
        self.note_sign_in(&email, &origin, SignInResult::SignedIn);
        Ok(opened)
    }

    /// Changes the password of somebody who is signed in, for the one that holds and a code of the second factor, if there is one. All
    /// sessions end; a new one opens.
    pub async fn change_password(
        &self,
        who: &SignedIn,
        current: Proof,
        new: SecretString,
        token: NewToken,
    ) -> Result<SignedIn, AccountError> {
        let origin = current.origin.clone();
        let tenant = who.tenant.map(|(tenant, _)| tenant);
        // First: a code is used up by being looked at.
        self.check_strength(&new, &who.email, &who.name, tenant).await?;
        let user = self.proved(who, current, token.hash).await?;
        let user = self.write_password(&user, new, Replacing::Password).await?;
        self.tell_of_new_password(&user.email, &origin);
        self.open_session(&user, tenant, token, &origin, self.now(), OpenedBy::Password)
            .await
    }

    /// Makes a link by which a user sets a new password. Earlier ones hold no more. For operators: it opens the account.
    pub async fn offer_reset(
        &self,
        email: &EmailAddress,
        link: NewLink,
    ) -> Result<Told<OfferedReset>, AccountError> {
        let user = self.by_email(email).await?.ok_or(AccountError::NoSuchMember)?;
        let lasts = self.settings.invitation_expires;
        let made = OfferedReset {
            user: user.id,
            expires: self.now().after(lasts),
        };
        self.offer(&user, &link, lasts, Earlier::IsVoid).await?;
        let link = link.link;
        let mail = self.mailer.send(email, &Letter::NewPassword { link, lasts });
        Ok(Told { made, mail })
    }

    /// Sets a new password by such a link, once; all sessions of the user end, and the second factor stays. Whose it is. `record` is told
    /// first, as soon as nothing stands in the way any more.
    pub async fn reset_password(
        &self,
        token: KeyHash,
        new: SecretString,
        origin: &SignInOrigin,
    ) -> Result<UserId, AccountError> {
        let (user, hash) = self.hash_for_reset(token, new).await?;
        let user = self.write_reset(token, user, hash).await?;
        self.throttle.proved(user.email.key(), address_of(origin));
        self.tell_of_new_password(&user.email, origin);
        self.note_sign_in(&user.email, origin, SignInResult::PasswordReset);
        Ok(user.id)
    }

    async fn hash_for_reset(
        &self,
        token: KeyHash,
        new: SecretString,
    ) -> Result<(UserId, String), AccountError> {
        let index = self
            .table::<PasswordReset>()
            .get(&PasswordReset::at(token))
            .await?;
        let index = index.ok_or(AccountError::NoSuchLink)?;
        let user = self.user(index.row.user).await?;
        let user = user.filter(|user| self.holds(user, token));
        let user = user.ok_or(AccountError::NoSuchLink)?;
        self.check_strength(&new, &user.email, &user.name, None).await?;
        // Before the link is used up: the machine may be too busy for a hash.
        Ok((user.id, String::from(self.passwords.hash(new).await?)))
    }

    /// Whether a link of a user's may be used.
    fn holds(&self, user: &User, token: KeyHash) -> bool {
        let reset = user.reset.filter(|reset| reset.token == token);
        reset.is_some_and(|reset| self.now() < reset.expires)
    }

    async fn write_reset(&self, token: KeyHash, user: UserId, hash: String) -> Result<User, AccountError> {
        let changed = self.table::<User>().change(User::at(user), |before| {
            let before = before.filter(|before| self.holds(before, token)).cloned();
            let before = before.ok_or(AccountError::NoSuchLink)?;
            Ok::<_, AccountError>(Some(User {
                password: hash.clone(),
                generation: before.generation.wrapping_add(1),
                reset: None,
                email_change: None,
                ..before
            }))
        });
        let (_, user) = changed.await?;
        self.table::<PasswordReset>()
            .remove(PasswordReset::at(token))
            .await?;
        user.ok_or(AccountError::NoSuchLink)
    }
}

#[cfg(test)]
mod tests;
