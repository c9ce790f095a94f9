//! Password hashes: argon2id with a random salt, computed on threads of their own by a bounded pool.
//!
//! A hash takes ten milliseconds of a core or more, and 19 MiB: a flood of sign-ins must neither hold up the gateway's other work nor take its
//! memory. So a few are computed at a time, a few more wait, and the rest is refused at once.

mod argon;
mod hash;
mod pool;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::strength::{self, WeakPassword};
use super::throttle::Familiarity;
use crate::config::AccountsConfig;
use argon::Derive;
use hash::{Cost, SALT, Salt, TAG};
use pool::{Pool, Yields};

pub use hash::{NotAHash, PasswordHash};

/// What became of a password that was compared with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the account's.
    Right,
    /// It is, and the stored hash has other parameters than the settings: hash it anew and store that.
    RightButOutdated,
    /// It is not, or there is no account.
    Wrong,
}

/// Why there is no hash and no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait, or this one waited too long. Try again in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    /// Something is wrong that trying again does not mend. Holds nothing of the password.
    #[error("cannot compute a password hash: {0}")]
    Broken(String),
}

/// Makes hashes and compares passwords with them.
pub struct Passwords {
    cost: Cost,
    /// Stands in for the hash of an account that is not there. No password leads to it but by chance, 2^-256.
    decoy: PasswordHash,
    random: SystemRandom,
    derive: Arc<Derive>,
    pool: Pool,
    /// For people who signed in from where they are before: a flood from elsewhere does not keep them waiting.
    familiar: Pool,
}

impl Passwords {
    /// By the settings, which apply to new hashes; stored ones keep the cost that they were made with.
    pub fn new(settings: &AccountsConfig) -> Self {
        let cost = Cost {
            memory_kib: u32::try_from(settings.hash_memory.get() >> 10).unwrap_or(u32::MAX),
            passes: settings.hash_passes,
        };
        let memory = argon::Memory::default();
        Self {
            cost,
            decoy: PasswordHash::new(cost, [0; SALT], [0; TAG]),
            random: SystemRandom::new(),
            derive: Arc::new(move |password, salt, cost| argon::derive(&memory, password, salt, cost)),
            pool: Pool::new(settings.hashes_at_a_time(), Yields::ToAll),
            familiar: Pool::new(1, Yields::ToNone),
        }
    }

    /// Refuses what is too short, too long or too easy to guess. `about` is what others know of the person: e-mail address, name, business.
    pub fn check_strength(&self, password: &str, about: &[&str]) -> Result<(), WeakPassword> {
        strength::check(password, about)
    }

    /// Hashes a new password, which [`Self::check_strength`] has let pass.
    pub async fn hash(&self, password: SecretString) -> Result<PasswordHash, PasswordError> {
        strength::check_length(password.expose_secret())
            .map_err(|error| PasswordError::Broken(error.to_string()))?;
        let mut salt: Salt = [0; SALT];
        self.random
            .fill(&mut salt)
            .map_err(|_unspecified| PasswordError::Broken("there is no randomness for a salt".to_owned()))?;
        let tag = self.derive(&self.pool, password, salt, self.cost).await?;
        Ok(PasswordHash::new(self.cost, salt, tag))
    }

    /// Compares a password with the stored hash. Without one, a hash is computed all the same, so that the time does not tell which accounts
    /// there are.
    ///
    /// A password of a length that none may have is wrong at once; that says nothing of the account. While stored hashes still have other
    /// parameters than the settings, their time differs from that of accounts that are not there, until each has been hashed anew.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<&PasswordHash>,
        from: Familiarity,
    ) -> Result<Verdict, PasswordError> {
        if strength::check_length(password.expose_secret()).is_err() {
            return Ok(Verdict::Wrong);
        }
        let target = stored.unwrap_or(&self.decoy);
        let pool = match from {
            Familiarity::Familiar => &self.familiar,
            Familiarity::Strange => &self.pool,
        };
        let tag = self.derive(pool, password, *target.salt(), target.cost()).await?;
        let equal = bool::from(tag.ct_eq(target.tag()));
        Ok(match stored {
            Some(stored) if equal && stored.cost() == self.cost => Verdict::Right,
            Some(_) if equal => Verdict::RightButOutdated,
            _ => Verdict::Wrong,
        })
    }

    async fn derive(
        &self,
        pool: &Pool,
        password: SecretString,
        salt: Salt,
        cost: Cost,
    ) -> Result<[u8; TAG], PasswordError> {
        let derive = Arc::clone(&self.derive);
        // The password is wiped where it is dropped: at the end of the work, or when it never begins.
        let work = move || derive(password.expose_secret().as_bytes(), &salt, cost);
        pool.run(work).await?
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
