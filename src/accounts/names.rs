//! What people who left a team are called, as it was read a moment ago: lists of a team that is looked at often do not read the rows of
//! all who ever left it each time.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::{AccountError, Accounts};
use crate::domain::UserId;

/// Names that are remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// How long each is trusted: for so long another gateway may show it although the account was erased.
const FRESH: Duration = Duration::from_secs(30);

/// What a user is called; `None` once the account is erased.
type Name = Option<String>;
type Known = LruCache<UserId, (Name, Duration)>;

/// The names.
pub(super) struct Names(Mutex<Known>);

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Names {
    /// Has somebody read again.
    pub(super) fn forget(&self, user: UserId) {
        self.known().pop(&user);
    }

    fn get(&self, user: UserId, now: Duration) -> Option<Name> {
        let mut known = self.known();
        let (name, read) = known.get(&user)?;
        (now.saturating_sub(*read) < FRESH).then(|| name.clone())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Names are put and taken whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// What several users are called, in this order; nothing for those whose accounts are erased.
    pub async fn names_of(&self, users: &[UserId]) -> Result<Vec<Option<String>>, AccountError> {
        let now = self.clock.monotonic();
        let known: Vec<_> = users.iter().map(|user| self.names.get(*user, now)).collect();
        let unknown = users.iter().zip(&known).filter(|(_, known)| known.is_none());
        let unknown: Vec<UserId> = unknown.map(|(user, _)| *user).collect();
        let mut read = unknown.iter().zip(self.users(&unknown).await?);
        let names = known.into_iter().map(|known| {
            known.unwrap_or_else(|| {
                let (user, row) = read.next()?;
                // Of an account that is being erased nothing is kept.
                let (name, is_closing) =
                    row.map_or((None, false), |row| (Some(row.name), row.closing.is_some()));
                if !is_closing {
                    self.names.known().put(*user, (name.clone(), now));
                }
                name
            })
        });
        Ok(names.collect())
    }
}
