//! What people see and correct of their own data, and the policy that they accept.

use super::{AccountError, Accounts, SignedIn};
use crate::domain::UserId;
use crate::domain::phone::Phone;
use crate::store::tables::{AcceptedPolicy, User};

/// What somebody corrects; what is not named stays.
#[derive(Debug, Default)]
pub struct ProfileChange {
    /// What colleagues see.
    pub name: Option<String>,
    /// Another phone number, or none.
    pub phone: Option<Option<Phone>>,
}

/// The policy in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Its version.
    pub version: &'a str,
    /// Where it can be read.
    pub url: &'a str,
}

impl Accounts {
    /// The policy in force, where there is one.
    pub fn policy(&self) -> Option<Policy<'_>> {
        let (version, url) = (&self.settings.policy_version, &self.settings.policy_url);
        (!version.is_empty()).then_some(Policy { version, url })
    }

    /// The policy that somebody has still to accept.
    pub fn policy_due(&self, who: &SignedIn) -> Option<Policy<'_>> {
        let accepted = who.policy.as_deref();
        self.policy().filter(|policy| accepted != Some(policy.version))
    }

    /// The version of a policy that somebody accepts, now. Refuses any but the one in force.
    pub(super) fn accepted(&self, version: Option<&str>) -> Result<Option<AcceptedPolicy>, AccountError> {
        let policy = self.policy();
        if policy.map(|policy| policy.version) != version {
            let version = policy.map(|policy| policy.version.to_owned()).unwrap_or_default();
            return Err(AccountError::OtherPolicy(version));
        }
        Ok(version.map(|version| AcceptedPolicy {
            version: version.to_owned(),
            accepted: self.now(),
        }))
    }

    /// A user's own row.
    pub async fn profile(&self, user: UserId) -> Result<User, AccountError> {
        self.user(user).await?.ok_or(AccountError::NoSuchMember)
    }

    /// Corrects it.
    pub async fn change_profile(&self, user: UserId, change: ProfileChange) -> Result<User, AccountError> {
        self.correct_user(user, |before| User {
            name: change.name.clone().unwrap_or_else(|| before.name.clone()),
            phone: change.phone.clone().unwrap_or_else(|| before.phone.clone()),
            ..before.clone()
        })
        .await
    }

    /// Notes that a user accepts the policy in force. Saying it again changes nothing.
    pub async fn accept_policy(&self, user: UserId, version: &str) -> Result<User, AccountError> {
        let accepted = self.accepted(Some(version))?;
        self.correct_user(user, |before| {
            let same = before
                .policy
                .as_ref()
                .is_some_and(|policy| policy.version == version);
            let policy = if same {
                before.policy.clone()
            } else {
                accepted.clone()
            };
            User {
                policy,
                ..before.clone()
            }
        })
        .await
    }

    async fn correct_user(&self, user: UserId, change: impl Fn(&User) -> User) -> Result<User, AccountError> {
        let changed = self.table::<User>().change(User::at(user), |before| {
            let before = before.ok_or(AccountError::NoSuchMember)?;
            Ok::<_, AccountError>(Some(change(before)))
        });
        let (_, after) = changed.await?;
        self.names.forget(user);
        after.ok_or(AccountError::NoSuchMember)
    }
}
