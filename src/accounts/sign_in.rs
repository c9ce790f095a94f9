//! Passwords of people: signing in, changing one, setting a new one by link.

use std::net::{IpAddr, Ipv4Addr};

use secrecy::{ExposeSecret as _, SecretString};

use super::passwords::{PasswordHash, Verdict};
use super::{AccountError, Accounts, Ending, NewToken, SignInOrigin, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::{TenantId, UserId};
use crate::store::KeyHash;
use crate::store::tables::{PasswordReset, User, UserEmail};
use crate::telemetry::labels::SignInOutcome;
use crate::telemetry::metrics;

/// Somebody who signs in.
#[derive(Debug)]
pub struct SigningIn {
    /// The address.
    pub email: EmailAddress,
    /// The password.
    pub password: SecretString,
    /// For which tenant; the one where the user was added first when it is not said.
    pub tenant: Option<TenantId>,
    /// The token of the session that opens.
    pub token: NewToken,
    /// From where.
    pub origin: SignInOrigin,
}

/// A client whose address is not known shares one place with all others of the kind.
fn address_of(origin: &SignInOrigin) -> IpAddr {
    origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

impl Accounts {
    /// The user with an address. As many reads for an address that nobody has.
    pub(super) async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, AccountError> {
        let found = self.table::<UserEmail>().get(&UserEmail::at(email)).await?;
        let id = found.map_or(UserId::from_bytes(email.key()), |found| found.row.user);
        let user = self.user(id).await?;
        Ok(user.filter(|user| user.email == *email))
    }

    /// Whether a password is the user's. Takes as long for nobody's.
    pub(super) async fn verify(
        &self,
        email: &EmailAddress,
        user: Option<&User>,
        password: SecretString,
        origin: &SignInOrigin,
    ) -> Result<(), AccountError> {
        let (account, address, now) = (email.key(), address_of(origin), self.clock.monotonic());
        if let Err(wait) = self.throttle.admit(account, address, now) {
            metrics::sign_ins_total(SignInOutcome::Throttled).increment(1);
            return Err(AccountError::Throttled(wait));
        }
        let stored = user.map(|user| user.password.parse::<PasswordHash>()).transpose();
        let stored = stored.map_err(|error| AccountError::Broken(error.to_string()))?;
        let verdict = self.passwords.verify(password.clone(), stored.as_ref()).await;
        let outcome = match &verdict {
            Ok(Verdict::Right | Verdict::RightButOutdated) => SignInOutcome::Right,
            Ok(Verdict::Wrong) => SignInOutcome::Wrong,
            Err(_) => SignInOutcome::Busy,
        };
        metrics::sign_ins_total(outcome).increment(1);
        if verdict.is_err() {
            self.throttle.not_tried(account, address);
        }
        match (verdict?, user) {
            (Verdict::Right, Some(_)) => {
                self.throttle.succeeded(account, address, now);
                Ok(())
            }
            (Verdict::RightButOutdated, Some(user)) => {
                self.throttle.succeeded(account, address, now);
                self.write_password(user.id, password).await
            }
            _ => {
                self.throttle.failed(account, address, now);
                Err(AccountError::WrongCredentials)
            }
        }
    }

    async fn write_password(&self, user: UserId, password: SecretString) -> Result<(), AccountError> {
        let hash = String::from(self.passwords.hash(password).await?);
        let changed = self.table::<User>().change(User::at(user), |before| {
            let before = before.cloned().ok_or(AccountError::NoSuchMember)?;
            Ok::<_, AccountError>(Some(User {
                password: hash.clone(),
                ..before
            }))
        });
        changed.await?;
        Ok(())
    }

    pub(super) fn check_strength(
        &self,
        password: &SecretString,
        email: &EmailAddress,
        name: &str,
    ) -> Result<(), AccountError> {
        let about = [email.as_str(), name];
        let checked = self.passwords.check_strength(password.expose_secret(), &about);
        checked.map_err(|weak| AccountError::WeakPassword(weak.to_string()))
    }

    /// Signs somebody in.
    pub async fn sign_in(&self, asked: SigningIn) -> Result<SignedIn, AccountError> {
        let SigningIn {
            email,
            password,
            tenant,
            token,
            origin,
        } = asked;
        let user = self.by_email(&email).await?;
        self.verify(&email, user.as_ref(), password, &origin).await?;
        let user = user.ok_or(AccountError::WrongCredentials)?;
        let teams = self.memberships(user.id).await?;
        let wanted = teams
            .iter()
            .find(|(team, _)| tenant.is_none_or(|tenant| tenant == *team));
        let tenant = wanted.map(|(team, _)| *team);
        self.open_session(user.id, tenant, token, &origin).await
    }

    /// Changes the password of somebody who is signed in, and ends all other sessions; the tokens of those.
    pub async fn change_password(
        &self,
        who: &SignedIn,
        current: SecretString,
        new: SecretString,
        origin: &SignInOrigin,
    ) -> Result<Vec<KeyHash>, AccountError> {
        let user = self.user(who.user).await?;
        self.verify(&who.email, user.as_ref(), current, origin).await?;
        self.check_strength(&new, &who.email, &who.name)?;
        self.write_password(who.user, new).await?;
        self.end_sessions(who.user, Ending::Others(who.token)).await
    }

    /// Makes a link by which a user sets a new password; when it ends. For operators: it opens the account.
    pub async fn offer_reset(
        &self,
        email: &EmailAddress,
        token: KeyHash,
    ) -> Result<crate::domain::Timestamp, AccountError> {
        let user = self.by_email(email).await?.ok_or(AccountError::NoSuchMember)?;
        let reset = PasswordReset {
            user: user.id,
            expires: self.now().after(self.settings.invitation_expires),
        };
        let resets = self.table::<PasswordReset>();
        resets
            .replace(&PasswordReset::at(token), None, Some(&reset))
            .await?;
        Ok(reset.expires)
    }

    /// Sets a new password by such a link, once, and ends all sessions of the user; the tokens of those.
    pub async fn reset_password(
        &self,
        token: KeyHash,
        new: SecretString,
    ) -> Result<Vec<KeyHash>, AccountError> {
        let resets = self.table::<PasswordReset>();
        let key = PasswordReset::at(token);
        let found = resets.get(&key).await?.ok_or(AccountError::NoSuchLink)?;
        let user = self.user(found.row.user).await?.ok_or(AccountError::NoSuchLink)?;
        self.check_strength(&new, &user.email, &user.name)?;
        // The link goes first: of two who use it at the same time, one sets the password.
        resets.remove(key).await?.ok_or(AccountError::NoSuchLink)?;
        self.write_password(user.id, new).await?;
        self.end_sessions(user.id, Ending::All).await
    }
}
