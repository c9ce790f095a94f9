//! Links to new passwords, for people who forgot theirs.
//!
//! Whoever asks gets the same answer in the same time whether or not there is such an account: the work is done afterwards. Anybody can ask
//! for anybody's link. So one that was just made holds for some minutes whatever others ask for.

use std::sync::Arc;
use std::time::Duration;

use super::requests::Purpose;
use super::sign_in::address_of;
use super::{AccountError, Accounts, NewLink, SignInOrigin};
use crate::domain::email::EmailAddress;
use crate::mail::Letter;
use crate::store::tables::{PasswordReset, Reset, User};

/// How long a link holds against others that are asked for.
pub(super) const PAUSE: Duration = Duration::from_secs(300);
/// How long the work after the answer may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Somebody says that the password is forgotten.
#[derive(Debug)]
pub struct Forgotten {
    /// The address.
    pub email: EmailAddress,
    /// The link that it gets, if somebody has the address.
    pub link: NewLink,
    /// From where.
    pub origin: SignInOrigin,
}

/// Whether a link takes the place of one that was just made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It does: an operator makes it.
    IsVoid,
    /// It does not: anybody may ask for it.
    HoldsForAWhile,
}

impl Accounts {
    /// Takes a request of somebody who is not signed in; what is to be done goes on after the answer.
    pub(super) fn after_the_answer<F>(
        self: &Arc<Self>,
        origin: &SignInOrigin,
        work: impl FnOnce(Arc<Self>) -> F,
    ) -> Result<(), AccountError>
    where
        F: Future<Output = Result<(), AccountError>> + Send + 'static,
    {
        let place = self.requests.place().ok_or(AccountError::Busy)?;
        let admitted = self.requests.admit(address_of(origin), self.clock.monotonic());
        admitted.map_err(AccountError::TooManyRequests)?;
        let work = work(Arc::clone(self));
        self.requests.begin(async move {
            match tokio::time::timeout(DEADLINE, work).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "what somebody asked for by e-mail was not done"),
                Err(_elapsed) => tracing::warn!("what somebody asked for by e-mail took too long"),
            }
            drop(place);
        });
        Ok(())
    }

    /// Waits, at most so long, until what people asked for is done.
    pub async fn requests_done(&self, limit: Duration) {
        self.requests.done(limit).await;
    }

    /// Sends a link to a new password, if somebody has this address. The answer does not tell.
    pub fn forgotten(self: &Arc<Self>, asked: Forgotten) -> Result<(), AccountError> {
        let Forgotten { email, link, origin } = asked;
        self.after_the_answer(&origin, |accounts| async move {
            accounts.mail_new_password(&email, link).await
        })
    }

    async fn mail_new_password(&self, email: &EmailAddress, link: NewLink) -> Result<(), AccountError> {
        let may_mail = self
            .requests
            .may_mail(email, Purpose::Password, self.clock.monotonic());
        let Some(user) = self.by_email(email).await?.filter(|_| may_mail) else {
            return Ok(());
        };
        let lasts = self.settings.link_expires;
        let offered = self.offer(&user, &link, lasts, Earlier::HoldsForAWhile).await;
        match offered {
            Ok(()) => {
                let letter = Letter::ForgottenPassword {
                    link: link.link,
                    lasts,
                    pause: PAUSE,
                };
                self.mailer.send(email, &letter);
                Ok(())
            }
            // The link that holds is on its way.
            Err(AccountError::TooManyRequests(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Makes a link the one by which a user sets a new password.
    pub(super) async fn offer(
        &self,
        user: &User,
        link: &NewLink,
        lasts: Duration,
        earlier: Earlier,
    ) -> Result<(), AccountError> {
        let (token, now) = (link.token.hash, self.now());
        let expires = now.after(lasts);
        // The index row first: it leads nowhere until the user's row names the link.
        let index = PasswordReset {
            user: user.id,
            expires,
        };
        self.table()
            .replace(&PasswordReset::at(token), None, Some(&index))
            .await?;
        let changed = self.table::<User>().change(User::at(user.id), |before| {
            // The link goes to the address that was read: another one may have taken its place.
            let before = before.filter(|before| before.email == user.email);
            let before = before.cloned().ok_or(AccountError::NoSuchMember)?;
            let made = before.reset.filter(|reset| now < reset.expires);
            let age = made.and_then(|reset| reset.made).map(|made| now.since(made));
            // One that lasts longer than this one would is an operator's: nobody who is not signed in makes it void.
            let outlasts = made.is_some_and(|reset| reset.expires > expires);
            if earlier == Earlier::HoldsForAWhile && (outlasts || age.is_some_and(|age| age < PAUSE)) {
                return Err(AccountError::TooManyRequests(PAUSE));
            }
            Ok(Some(User {
                reset: Some(Reset {
                    token,
                    expires,
                    made: Some(now),
                }),
                ..before
            }))
        });
        changed.await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::{Stage, email};
    use super::*;
    use crate::telemetry::labels::MailKind;

    const ANA: &str = "ana@example.com";

    async fn asks(stage: &mut Stage) {
        let link = stage.link("password");
        stage.accounts.mail_new_password(&email(ANA), link).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_who_forgot_a_password_voids_an_operator_s_link_that_outlasts_theirs() {
        let mut stage = Stage::with("");
        let user = stage.user(ANA, 1).await;
        let link = stage.link("password");
        let token = link.token.hash;
        let made = stage.accounts.offer_reset(&email(ANA), link).await.unwrap().made;
        assert_eq!(stage.inbox.next().await.kind, MailKind::NewPassword);
        // Long after the pause that each link has.
        stage.clock.advance(Duration::from_secs(86_400));
        asks(&mut stage).await;
        assert!(stage.inbox.is_empty());
        let reset = async || stage.accounts.user(user.id).await.unwrap().unwrap().reset;
        assert_eq!(reset().await.map(|reset| reset.token), Some(token));
        // In its last hour another one lasts longer.
        let last = made.expires.since(stage.clock_now()) - stage.accounts.settings.link_expires;
        stage.clock.advance(last + Duration::from_secs(1));
        asks(&mut stage).await;
        assert_eq!(stage.inbox.next().await.kind, MailKind::ForgottenPassword);
    }
}
