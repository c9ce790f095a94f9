//! Businesses that open an account by themselves.
//!
//! Whoever signs up gets a link at the address that was given; following it makes the user, the business and the team of which the user is
//! the owner. The ids of both are chosen by the first step and kept, and each step finds what an earlier try made: whoever is stopped in
//! the middle follows the link again, with the same password, and nothing is made twice.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::requests::Purpose;
use super::sessions::OpenedBy;
use super::sign_in::address_of;
use super::{AccountError, Accounts, Actor, NewLink, NewToken, NewUser, SignInOrigin, SignedIn, Told};
use crate::config::accounts::SignUp as Mode;
use crate::domain::email::EmailAddress;
use crate::domain::network::WideNetwork;
use crate::domain::phone::Phone;
use crate::domain::roles::Role;
use crate::domain::{Retention, Timestamp, UserId};
use crate::mail::{Handed, Letter, Link};
use crate::store::plain::Found;
use crate::store::tables::{SignInResult, SignUp, SignUpIds, SignUpInvitation, User};
use crate::store::{KeyHash, Tenant};

/// Sign-ups that wait for their link to be followed, of all gateways together.
pub const MOST_SIGN_UPS: usize = 1_000;
/// Of these, those of one /24, or /48 of IPv6. Many customers of a mobile provider share one.
const MOST_OF_NETWORK: usize = 50;
/// How long such a link holds.
const LASTS: Duration = Duration::from_secs(86_400);
/// Rows of a page when they are counted.
const PAGE: usize = 500;

/// Somebody signs up for a business.
#[derive(Debug)]
pub struct SigningUp {
    /// The address.
    pub email: EmailAddress,
    /// What colleagues will see.
    pub name: String,
    /// The person's phone number.
    pub phone: Phone,
    /// What the business is called.
    pub business: String,
    /// The version of the policy that the person accepts.
    pub policy: Option<String>,
    /// The invitation that the person has.
    pub invitation: Option<KeyHash>,
    /// The link that the address gets.
    pub link: NewLink,
    /// Where one signs in, for an address that has an account.
    pub page: Link,
    /// From where.
    pub origin: SignInOrigin,
}

/// Somebody follows the link of a sign-up.
pub struct CompletingSignUp {
    /// The link's token.
    pub token: KeyHash,
    /// The new account's password.
    pub password: SecretString,
    /// The ids that the business and its owner get.
    pub fresh: SignUpIds,
    /// How long its messages are kept.
    pub retention: Retention,
    /// The token of the session that opens.
    pub session: NewToken,
    /// From where.
    pub origin: SignInOrigin,
}

impl fmt::Debug for CompletingSignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompletingSignUp")
    }
}

/// A business that has an account now.
#[derive(Debug)]
pub struct SignedUp {
    /// Its first owner, who is signed in.
    pub who: SignedIn,
    /// The business.
    pub tenant: Tenant,
}

impl Accounts {
    /// Refuses whom the settings do not let sign up.
    fn demand_open(&self, invitation: Option<KeyHash>) -> Result<(), AccountError> {
        match (self.settings.sign_up, invitation) {
            (Mode::Closed, _) => Err(AccountError::SignUpClosed),
            (Mode::Invitation, None) => Err(AccountError::InvitationNeeded),
            (Mode::Invitation | Mode::Open, _) => Ok(()),
        }
    }

    /// Takes a sign-up; what is to be done goes on after the answer, which does not tell whether the address has an account.
    pub async fn sign_up(self: &Arc<Self>, asked: SigningUp) -> Result<(), AccountError> {
        self.demand_open(asked.invitation)?;
        let policy = self.accepted(asked.policy.as_deref())?;
        let (from, now) = (address_of(&asked.origin), self.clock.monotonic());
        let admitted = self.requests.admit_sign_up(from, now);
        admitted.map_err(AccountError::TooManyRequests)?;
        if let Some(token) = asked.invitation {
            let invitation = self.table::<SignUpInvitation>();
            let invitation = invitation.get(&SignUpInvitation::at(token)).await?;
            let admits = invitation.is_some_and(|found| found.row.admits(&asked.email));
            if !admits {
                return Err(AccountError::NoSuchLink);
            }
        }
        let SigningUp {
            email,
            name,
            phone,
            business,
            invitation,
            link,
            page,
            origin,
            ..
        } = asked;
        let row = SignUp {
            email,
            name,
            phone,
            business,
            policy,
            invitation,
            network: Some(WideNetwork::of(from)),
            expires: self.now().after(LASTS),
            ids: None,
        };
        self.after_the_answer(&origin, |accounts| async move {
            accounts.mail_sign_up(row, link, page).await
        })
    }

    async fn mail_sign_up(&self, row: SignUp, link: NewLink, page: Link) -> Result<(), AccountError> {
        let known = self.by_email(&row.email).await?;
        if !self
            .requests
            .may_mail(&row.email, Purpose::Address, self.clock.monotonic())
        {
            return Ok(());
        }
        if known.is_some() {
            self.mailer.send(&row.email, &Letter::HasAccount { page });
            return Ok(());
        }
        self.make_room_for(row.network).await?;
        let key = SignUp::at(link.token.hash);
        self.table().replace(&key, None, Some(&row)).await?;
        let (link, lasts) = (link.link, LASTS);
        self.mailer.send(&row.email, &Letter::SignUp { link, lasts });
        Ok(())
    }

    /// Refuses a network that has as many waiting as it may. When there are as many as there may be in all, the oldest of the network
    /// that has most gives way to one that has fewer: whoever holds many networks shuts nobody out.
    async fn make_room_for(&self, network: Option<WideNetwork>) -> Result<(), AccountError> {
        let waiting = self.all_sign_ups().await?;
        let mut counts = HashMap::<_, usize>::new();
        for found in &waiting {
            *counts.entry(found.row.network).or_default() += 1;
        }
        let own = counts.get(&network).copied().unwrap_or_default();
        if own >= MOST_OF_NETWORK {
            return Err(AccountError::TooMany(MOST_OF_NETWORK));
        }
        if waiting.len() < MOST_SIGN_UPS {
            return Ok(());
        }
        let count = |found: &Found<SignUp>| counts.get(&found.row.network).copied().unwrap_or_default();
        // With it the newcomer's network has no more than the other one without it.
        let gives_way = waiting
            .iter()
            .filter(|found| found.row.ids.is_none() && count(found) >= own.saturating_add(2))
            .min_by_key(|found| (std::cmp::Reverse(count(found)), found.row.expires));
        let Some(oldest) = gives_way else {
            return Err(AccountError::TooMany(MOST_SIGN_UPS));
        };
        let key = SignUp::all().row(&oldest.sort);
        // Whoever follows its link at this moment goes on.
        self.table().replace(&key, Some(oldest), None).await?;
        Ok(())
    }

    async fn all_sign_ups(&self) -> Result<Vec<Found<SignUp>>, AccountError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.table::<SignUp>().page(SignUp::all(), after, PAGE).await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items);
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// Who signs up by a link.
    pub async fn signing_up(&self, token: KeyHash) -> Result<SignUp, AccountError> {
        Ok(self.sign_up_row(token).await?.row)
    }

    async fn sign_up_row(&self, token: KeyHash) -> Result<Found<SignUp>, AccountError> {
        let found = self.table::<SignUp>().get(&SignUp::at(token)).await?;
        found.ok_or(AccountError::NoSuchLink)
    }

    /// Makes the business and its first owner by a link, once, and signs the owner in. `record` is told first whom it makes.
    pub async fn complete_sign_up<E: From<AccountError>>(
        &self,
        asked: CompletingSignUp,
        record: impl AsyncFnOnce(SignUpIds) -> Result<(), E>,
    ) -> Result<SignedUp, E> {
        let (row, ids) = self.chosen(&asked).await?;
        record(ids).await?;
        Ok(self.open_account(asked, row, ids).await?)
    }

    /// Who signs up, and the ids that the business and its owner get.
    async fn chosen(&self, asked: &CompletingSignUp) -> Result<(SignUp, SignUpIds), AccountError> {
        let found = self.sign_up_row(asked.token).await?;
        let row = found.row.clone();
        // The settings may be others than when it began.
        self.demand_open(row.invitation)?;
        // Of two links for one address the first makes the account.
        if row.ids.is_none() && self.by_email(&row.email).await?.is_some() {
            return Err(AccountError::NoSuchLink);
        }
        let about = [row.email.as_str(), &row.name, &row.business];
        let strong = self
            .passwords
            .check_strength(asked.password.expose_secret(), &about);
        strong.map_err(|weak| AccountError::WeakPassword(weak.to_string()))?;
        let ids = self.sign_up_ids(asked.token, found, asked.fresh).await?;
        if let Some(invitation) = row.invitation {
            self.use_invitation(invitation, asked.token).await?;
        }
        Ok((row, ids))
    }

    async fn open_account(
        &self,
        asked: CompletingSignUp,
        row: SignUp,
        ids: SignUpIds,
    ) -> Result<SignedUp, AccountError> {
        let CompletingSignUp {
            token,
            password,
            retention,
            session,
            origin,
            ..
        } = asked;
        let user = self
            .first_owner(&row, ids.user, password, session.hash, &origin)
            .await?;
        // An earlier try may have made it, and its owner may have changed it since.
        let tenant = if let Some(tenant) = self.store.tenant(ids.tenant).await? {
            tenant
        } else {
            let tenant = Tenant::new(ids.tenant, row.business, retention, self.now());
            self.store.put_tenant(tenant.clone()).await?;
            tenant
        };
        self.add_member(ids.tenant, Actor::Operator, user.id, (Role::Owner, None))
            .await?;
        self.table::<SignUp>().remove(SignUp::at(token)).await?;
        let who = self
            .open_session(
                &user,
                Some(ids.tenant),
                session,
                &origin,
                self.now(),
                OpenedBy::Password,
            )
            .await?;
        self.note_sign_in(&who.email, &origin, SignInResult::SignedIn);
        Ok(SignedUp { who, tenant })
    }

    /// The ids that an earlier try chose, or these.
    async fn sign_up_ids(
        &self,
        token: KeyHash,
        found: Found<SignUp>,
        fresh: SignUpIds,
    ) -> Result<SignUpIds, AccountError> {
        if let Some(ids) = found.row.ids {
            return Ok(ids);
        }
        let chosen = SignUp {
            ids: Some(fresh),
            ..found.row.clone()
        };
        let key = SignUp::at(token);
        if self.table().replace(&key, Some(&found), Some(&chosen)).await? {
            return Ok(fresh);
        }
        // Somebody follows the same link at this moment.
        self.sign_up_row(token).await?.row.ids.ok_or(AccountError::Busy)
    }

    /// Uses an invitation up, for one sign-up.
    async fn use_invitation(&self, invitation: KeyHash, sign_up: KeyHash) -> Result<(), AccountError> {
        let key = SignUpInvitation::at(invitation);
        let used = self.table::<SignUpInvitation>().change(key, |before| {
            let before = before.ok_or(AccountError::NoSuchLink)?;
            if before.used_by.is_some_and(|used_by| used_by != sign_up) {
                return Err(AccountError::NoSuchLink);
            }
            Ok(Some(SignUpInvitation {
                used_by: Some(sign_up),
                ..before.clone()
            }))
        });
        used.await.map(drop)
    }

    async fn first_owner(
        &self,
        row: &SignUp,
        id: UserId,
        password: SecretString,
        session: KeyHash,
        origin: &SignInOrigin,
    ) -> Result<User, AccountError> {
        // An earlier try made the account, or an invitation of somebody else's since.
        if self.by_email(&row.email).await?.is_some() {
            return self
                .verified_with_code(&row.email, password, None, session, origin)
                .await;
        }
        let new = NewUser {
            email: row.email.clone(),
            name: row.name.clone(),
            phone: Some(row.phone.clone()),
            policy: row.policy.clone(),
        };
        self.make_user(new, password, id).await
    }

    /// Lets somebody sign up, by an operator; when the link ends.
    pub async fn invite_business(
        &self,
        email: Option<EmailAddress>,
        link: NewLink,
    ) -> Result<Told<Timestamp>, AccountError> {
        if self.settings.sign_up == Mode::Closed {
            return Err(AccountError::SignUpClosed);
        }
        let lasts = self.settings.invitation_expires;
        let expires = self.now().after(lasts);
        let invitation = SignUpInvitation {
            email,
            expires,
            used_by: None,
        };
        let key = SignUpInvitation::at(link.token.hash);
        self.table().replace(&key, None, Some(&invitation)).await?;
        let link = link.link;
        let letter = Letter::SignUpInvitation { link, lasts };
        let mail = match &invitation.email {
            Some(email) => self.mailer.send(email, &letter),
            None => Handed::Back,
        };
        Ok(Told { made: expires, mail })
    }
}

#[cfg(test)]
mod tests;
