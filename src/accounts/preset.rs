//! People whom the gateway puts into a team by itself, as the demonstration does, and takes the way in from again.

use secrecy::SecretString;

use super::invitations::NewUser;
use super::{AccountError, Accounts, Actor};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{TenantId, UserId};
use crate::store::tables::User;

/// Somebody who is put into a team.
#[derive(Debug)]
pub struct PresetMember {
    /// The team's tenant.
    pub tenant: TenantId,
    /// What the person signs in with.
    pub email: EmailAddress,
    /// What colleagues see.
    pub name: String,
    /// As what, for who is not in the team yet.
    pub role: Role,
    /// The password from now on.
    pub password: SecretString,
    /// The id of who has no account yet.
    pub fresh: UserId,
}

/// Whether what is open goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    GoOn,
    End,
}

impl Accounts {
    /// Puts somebody into a team. Who has an account keeps it, with this password and no second factor; who is in the team keeps the role.
    pub async fn preset_member(&self, preset: PresetMember) -> Result<UserId, AccountError> {
        let PresetMember {
            tenant,
            email,
            name,
            role,
            password,
            fresh,
        } = preset;
        let user = if let Some(user) = self.by_email(&email).await? {
            self.set_way_in(user.id, password, Sessions::GoOn).await?;
            user.id
        } else {
            let new = NewUser {
                email,
                name,
                phone: None,
                policy: None,
            };
            self.make_user(new, password, fresh).await?.id
        };
        self.add_member(tenant, Actor::Operator, user, (role, None))
            .await?;
        Ok(user)
    }

    /// Takes the way in from whoever has an address: another password, no second factor, and the end of all sessions. Who that is.
    pub async fn lock_out(
        &self,
        email: &EmailAddress,
        password: SecretString,
    ) -> Result<Option<UserId>, AccountError> {
        let Some(user) = self.by_email(email).await? else {
            return Ok(None);
        };
        self.set_way_in(user.id, password, Sessions::End).await?;
        Ok(Some(user.id))
    }

    async fn set_way_in(
        &self,
        user: UserId,
        password: SecretString,
        sessions: Sessions,
    ) -> Result<(), AccountError> {
        let hash = String::from(self.passwords.hash(password).await?);
        let changed = self.table::<User>().change(User::at(user), |before| {
            let before = before.cloned().ok_or(AccountError::NoSuchMember)?;
            let generation = match sessions {
                Sessions::GoOn => before.generation,
                Sessions::End => before.generation.wrapping_add(1),
            };
            Ok::<_, AccountError>(Some(User {
                password: hash.clone(),
                generation,
                reset: None,
                second_factor: None,
                pending_factor: None,
                email_change: None,
                ..before
            }))
        });
        changed.await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, email, id, origin};
    use super::super::{SignedIn, SigningIn};
    use super::*;

    const TENANT: TenantId = TenantId::new(1);
    const KEY: &str = "mj_live_a_key_of_the_demo";

    fn ana(fresh: u8, password: &str) -> PresetMember {
        PresetMember {
            tenant: TENANT,
            email: email("ana@example.com"),
            name: "Ana".to_owned(),
            role: Role::Owner,
            password: password.to_owned().into(),
            fresh: id(fresh),
        }
    }

    async fn sign_in(stage: &mut Stage, password: &str) -> Result<SignedIn, AccountError> {
        let asked = SigningIn {
            email: email("ana@example.com"),
            password: password.to_owned().into(),
            code: None,
            tenant: None,
            token: stage.token(),
            origin: origin(),
        };
        stage.accounts.sign_in(asked).await
    }

    #[tokio::test]
    async fn who_is_put_into_a_team_signs_in_and_is_the_same_person_the_next_time() {
        let mut stage = Stage::with("");
        let first = stage.accounts.preset_member(ana(1, KEY)).await.unwrap();
        let who = sign_in(&mut stage, KEY).await.unwrap();
        assert_eq!((who.user, who.tenant), (first, Some((TENANT, Role::Owner))));
        let again = stage
            .accounts
            .preset_member(ana(2, "mj_live_another_key"))
            .await
            .unwrap();
        assert_eq!(again, first);
        assert!(matches!(
            sign_in(&mut stage, KEY).await,
            Err(AccountError::WrongCredentials)
        ));
        sign_in(&mut stage, "mj_live_another_key").await.unwrap();
    }

    #[tokio::test]
    async fn who_is_locked_out_signs_in_no_more_and_no_session_goes_on() {
        let mut stage = Stage::with("");
        let user = stage.accounts.preset_member(ana(1, KEY)).await.unwrap();
        let who = sign_in(&mut stage, KEY).await.unwrap();
        let nobodys = || "a password that nobody has".to_owned().into();
        let locked = stage
            .accounts
            .lock_out(&email("ana@example.com"), nobodys())
            .await
            .unwrap();
        assert_eq!(locked, Some(user));
        assert!(matches!(
            sign_in(&mut stage, KEY).await,
            Err(AccountError::WrongCredentials)
        ));
        let open = stage
            .accounts
            .session(who.token, super::super::Asking::Uses)
            .await
            .unwrap();
        assert!(open.is_none());
        let stranger = stage
            .accounts
            .lock_out(&email("carl@example.com"), nobodys())
            .await
            .unwrap();
        assert_eq!(stranger, None);
    }
}
