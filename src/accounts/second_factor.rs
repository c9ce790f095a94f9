//! The second factor: turned on with a code that shows that the app knows the secret, asked for at each sign-in, removed with a code.
//!
//! Codes are looked at within an attempt of the throttle, after the password. That a code was used is written to the user's row before
//! anything comes of it.

use secrecy::SecretString;

use super::codes::{self, RecoveryCodes, SecondFactorCode, Times};
use super::sessions::OpenedBy;
use super::{AccountError, Accounts, NewToken, SignInOrigin, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::{TenantId, UserId};
use crate::store::KeyHash;
use crate::store::tables::{SecondFactor, TotpSecret, User};

#[cfg(test)]
mod tests;

/// What somebody who is signed in shows for what a session alone is not enough for.
#[derive(Debug)]
pub struct Proof {
    /// The password.
    pub password: SecretString,
    /// A code of the second factor, where there is one.
    pub code: Option<SecondFactorCode>,
    /// From where.
    pub origin: SignInOrigin,
}

/// A factor that was turned on since the caller was recognised is not replaced without a code of it.
fn demand_none(user: &User) -> Result<(), AccountError> {
    match user.second_factor {
        Some(_) => Err(AccountError::SecondFactorOn),
        None => Ok(()),
    }
}

impl Accounts {
    /// The user with this address and this password, and a code where the account asks for one. The code is used up for a new token.
    pub(super) async fn verified_with_code(
        &self,
        email: &EmailAddress,
        password: SecretString,
        code: Option<SecondFactorCode>,
        token: KeyHash,
        origin: &SignInOrigin,
    ) -> Result<User, AccountError> {
        self.verified_for(None, email, password, code, token, origin)
            .await
    }

    /// Makes sure that it is the user who does what a session alone is not enough for, and a password alone neither where there is a
    /// second factor. The code is used up for a token that nothing else has.
    pub async fn confirm(&self, who: &SignedIn, proof: Proof, token: KeyHash) -> Result<(), AccountError> {
        // Another user may have the address that a provider gave for this one.
        who.demand_own_account()?;
        self.proved(who, proof, token).await.map(drop)
    }

    /// Who shows it. A code is used up for a token.
    pub(super) async fn proved(
        &self,
        who: &SignedIn,
        proof: Proof,
        token: KeyHash,
    ) -> Result<User, AccountError> {
        let Proof {
            password,
            code,
            origin,
        } = proof;
        self.verified_with_code(&who.email, password, code, token, &origin)
            .await
    }

    /// The same for somebody who wants to work for a tenant. Where that is refused, the code is not used up.
    pub(super) async fn verified_for(
        &self,
        tenant: Option<TenantId>,
        email: &EmailAddress,
        password: SecretString,
        code: Option<SecondFactorCode>,
        token: KeyHash,
        origin: &SignInOrigin,
    ) -> Result<User, AccountError> {
        let looked = self.attempt(email, origin, async |from| {
            let user = self.with_password(email, password, from).await?;
            if user.second_factor.is_none() {
                return Ok(user);
            }
            let code = code.ok_or(AccountError::SecondFactorRequired)?;
            self.use_code_for(&user, &code, token, tenant).await
        });
        looked.await
    }

    async fn use_code_for(
        &self,
        user: &User,
        code: &SecondFactorCode,
        token: KeyHash,
        tenant: Option<TenantId>,
    ) -> Result<User, AccountError> {
        let is_in = match tenant {
            Some(tenant) => self.is_member(tenant, user.id).await?,
            None => true,
        };
        // Looked at after the code: who has none does not learn it.
        let used = |factor| {
            if !is_in {
                return Err(AccountError::NotAllowed);
            }
            Ok(Some(SecondFactor {
                used_for: token,
                ..factor
            }))
        };
        self.use_code(user, code, used).await
    }

    /// Uses up a code of a user whose password was compared, unless too many were wrong; what becomes of the factor then.
    async fn use_code(
        &self,
        user: &User,
        code: &SecondFactorCode,
        then: impl Fn(SecondFactor) -> Result<Option<SecondFactor>, AccountError>,
    ) -> Result<User, AccountError> {
        let (times, whose) = (Times::of(self.clock.as_ref()), *user.id.as_bytes());
        let admitted = self.throttle.admit_code(whose, self.clock.monotonic());
        admitted.map_err(AccountError::Throttled)?;
        let used = self.change_user(user, |before| {
            let factor = before.second_factor.as_ref();
            let factor = factor.ok_or(AccountError::NoSecondFactor)?;
            Ok(User {
                second_factor: then(codes::used(factor, code, times)?)?,
                ..before.clone()
            })
        });
        let used = used.await;
        if matches!(used, Ok(_) | Err(AccountError::NotAllowed)) {
            self.throttle.code_was_right(whose);
        }
        used
    }

    /// Changes the row of a user, unless what opens the account was replaced since it was read.
    async fn change_user(
        &self,
        user: &User,
        decide: impl Fn(&User) -> Result<User, AccountError>,
    ) -> Result<User, AccountError> {
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            let same = before.filter(|before| before.generation == user.generation);
            decide(same.ok_or(AccountError::WrongCredentials)?).map(Some)
        });
        let (_, after) = changed.await?;
        after.ok_or(AccountError::WrongCredentials)
    }

    /// Keeps a secret that an app is shown, until a code of it comes. An earlier one is void.
    pub async fn offer_second_factor(
        &self,
        who: &SignedIn,
        password: SecretString,
        secret: &TotpSecret,
        origin: &SignInOrigin,
    ) -> Result<(), AccountError> {
        if who.has_second_factor {
            return Err(AccountError::SecondFactorOn);
        }
        let user = self.verified(&who.email, password, origin).await?;
        let offered = self.change_user(&user, |before| {
            demand_none(before)?;
            Ok(User {
                pending_factor: Some(secret.clone()),
                ..before.clone()
            })
        });
        offered.await.map(|_user| ())
    }

    /// Turns the second factor on with a code of the secret that was offered. All sessions end; a new one opens.
    pub async fn turn_on_second_factor(
        &self,
        who: &SignedIn,
        code: &SecondFactorCode,
        recovery: &RecoveryCodes,
        token: NewToken,
        origin: &SignInOrigin,
    ) -> Result<SignedIn, AccountError> {
        if who.has_second_factor {
            return Err(AccountError::SecondFactorOn);
        }
        let times = Times::of(self.clock.as_ref());
        let user = self.user(who.user).await?.ok_or(AccountError::NoSuchMember)?;
        if user.pending_factor.is_none() {
            return Err(AccountError::NoSecondFactor);
        }
        let turned_on = self.attempt(&who.email, origin, async |_from| {
            let changed = self.change_user(&user, |before| {
                demand_none(before)?;
                let secret = before.pending_factor.as_ref();
                let secret = secret.ok_or(AccountError::NoSecondFactor)?;
                Ok(User {
                    second_factor: Some(codes::begun(secret, code, times, token.hash, recovery)?),
                    pending_factor: None,
                    generation: before.generation.wrapping_add(1),
                    ..before.clone()
                })
            });
            changed.await
        });
        let user = turned_on.await?;
        let tenant = who.tenant.map(|(tenant, _)| tenant);
        self.open_session(&user, tenant, token, origin, self.now(), OpenedBy::Password)
            .await
    }

    /// Signs in without a second factor from now on.
    pub async fn remove_second_factor(&self, who: &SignedIn, proof: Proof) -> Result<(), AccountError> {
        self.change_factor(who, proof, |_factor| Ok(None)).await
    }

    /// Replaces all recovery codes, also those that were not used.
    pub async fn renew_recovery_codes(
        &self,
        who: &SignedIn,
        proof: Proof,
        recovery: &RecoveryCodes,
    ) -> Result<(), AccountError> {
        let renewed = |factor| {
            Ok(Some(SecondFactor {
                recovery: recovery.hashes.clone(),
                ..factor
            }))
        };
        self.change_factor(who, proof, renewed).await
    }

    async fn change_factor(
        &self,
        who: &SignedIn,
        proof: Proof,
        then: impl Fn(SecondFactor) -> Result<Option<SecondFactor>, AccountError>,
    ) -> Result<(), AccountError> {
        let Proof {
            password,
            code,
            origin,
        } = proof;
        let changed = self.attempt(&who.email, &origin, async |from| {
            let user = self.with_password(&who.email, password, from).await?;
            let code = code.as_ref().ok_or(AccountError::SecondFactorRequired)?;
            self.use_code(&user, code, &then).await
        });
        changed.await.map(|_user| ())
    }

    /// Takes the second factor from a user who lost the app and the recovery codes; all sessions end. Whose it was. For operators.
    pub async fn take_second_factor(&self, email: &EmailAddress) -> Result<UserId, AccountError> {
        let user = self.by_email(email).await?.ok_or(AccountError::NoSuchMember)?;
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            let before = before.ok_or(AccountError::NoSuchMember)?;
            before
                .second_factor
                .as_ref()
                .ok_or(AccountError::NoSecondFactor)?;
            Ok::<_, AccountError>(Some(User {
                second_factor: None,
                pending_factor: None,
                generation: before.generation.wrapping_add(1),
                ..before.clone()
            }))
        });
        changed.await?;
        Ok(user.id)
    }
}
