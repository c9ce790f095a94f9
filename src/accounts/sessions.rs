//! Sessions: browsers in which somebody is signed in.

use std::fmt;

use bytes::Bytes;

use super::{AccountError, Accounts, NewToken, SignInOrigin};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{NumberLimit, TenantId, Timestamp, UserId};
use crate::store::plain::Found;
use crate::store::tables::{Session, SessionOfUser, User};
use crate::store::{KeyHash, PlainKey};

/// Sessions of one user. Whoever signs in once more ends the one that was used least lately.
pub const MOST_SESSIONS: usize = 100;
/// Rows of a list that are read at once.
const PAGE: usize = 200;
/// Characters that are kept of what a browser calls itself.
const BROWSER: usize = 200;
/// A session that is used is written again after this part of the time that it may rest.
const WRITTEN_AGAIN: u32 = 24;

/// Somebody who is signed in, as it stands now.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// By which token.
    pub token: KeyHash,
    /// What the session is called in lists.
    pub session: String,
    /// Who.
    pub user: UserId,
    /// What colleagues see.
    pub name: String,
    /// What the user signs in with.
    pub email: EmailAddress,
    /// The version of the policy that the user accepted last.
    pub policy: Option<String>,
    /// For which tenant, and as what; `None` for somebody who is in no team.
    pub tenant: Option<(TenantId, Role)>,
    /// The numbers that the user works on there.
    pub limit: NumberLimit,
    /// When the session began.
    pub created: Timestamp,
    /// Until when it lasts if it is not used again.
    pub until: Timestamp,
    /// Whether signing in asks for a code beside the password.
    pub has_second_factor: bool,
}

/// Names and addresses do not belong into logs.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({}, session {})", self.user, self.session)
    }
}

/// What asking for a session means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Somebody does something: the session goes on.
    Uses,
    /// A socket that is open looks whether it may stay open.
    Looks,
}

/// Which sessions of a user end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All but the one with this token.
    Others(KeyHash),
    /// Those that are signed in for this tenant.
    OfTenant(TenantId),
}

/// What is kept of what a browser calls itself.
pub(super) fn shortened(browser: &str) -> String {
    browser.chars().take(BROWSER).collect()
}

impl Accounts {
    /// Signs a user in, whose row is the one that the password was compared with, at a time.
    pub(super) async fn open_session(
        &self,
        user: &User,
        tenant: Option<TenantId>,
        token: NewToken,
        origin: &SignInOrigin,
        began: Timestamp,
    ) -> Result<SignedIn, AccountError> {
        self.make_room(user.id).await?;
        let member = match tenant {
            Some(tenant) => self.member(tenant, user.id).await?,
            None => None,
        };
        let now = self.now();
        let session = Session {
            id: token.id,
            user: user.id,
            tenant,
            member_since: member.map(|member| member.since),
            generation: user.generation,
            created: began,
            used: now,
            idle_until: now.after(self.settings.session_idle),
            ends: began.after(self.settings.session_max),
            browser: shortened(&origin.browser),
            address: origin.address.map(|address| address.to_string()),
        };
        // The index row first: a session that is in no list could not be ended.
        let listed = SessionOfUser {
            listed: now,
            ends: session.ends,
        };
        self.table()
            .replace(&SessionOfUser::at(user.id, token.hash), None, Some(&listed))
            .await?;
        self.table()
            .replace(&Session::at(token.hash), None, Some(&session))
            .await?;
        let Some(opened) = self.session(token.hash, Asking::Looks).await? else {
            // Somebody set another password at this moment, or erases the account, which looked for sessions before this one was there.
            self.end_session(user.id, token.hash).await?;
            return Err(AccountError::WrongCredentials);
        };
        Ok(opened)
    }

    /// Who is signed in with a token.
    pub async fn session(&self, token: KeyHash, asking: Asking) -> Result<Option<SignedIn>, AccountError> {
        let key = Session::at(token);
        let Some(found) = self.table::<Session>().get(&key).await? else {
            return Ok(None);
        };
        let user = self.user(found.row.user).await?;
        let Some(user) = user.filter(|user| user.generation == found.row.generation) else {
            return Ok(None);
        };
        let session = match asking {
            Asking::Looks => Some(found.row),
            Asking::Uses => self.note_use(&key, found).await?,
        };
        let Some(session) = session else {
            return Ok(None);
        };
        let member = match session.tenant {
            Some(tenant) => self
                .member(tenant, user.id)
                .await?
                .filter(|member| session.member_since == Some(member.since))
                .map(|member| (tenant, member)),
            None => None,
        };
        let limit = match member {
            Some((tenant, member)) => self.numbers_of(tenant, user.id, member).await?,
            None => NumberLimit::All,
        };
        Ok(Some(SignedIn {
            token,
            until: session.idle_until.min(session.ends),
            session: session.id,
            user: user.id,
            name: user.name,
            email: user.email,
            policy: user.policy.map(|policy| policy.version),
            tenant: member.map(|(tenant, member)| (tenant, member.role)),
            limit,
            created: session.created,
            has_second_factor: user.second_factor.is_some(),
        }))
    }

    /// Writes now and then that a session is used, so that it goes on; `None` when it ended at this moment.
    async fn note_use(&self, key: &PlainKey, found: Found<Session>) -> Result<Option<Session>, AccountError> {
        let (now, idle) = (self.now(), self.settings.session_idle);
        if now.since(found.row.used) < idle / WRITTEN_AGAIN {
            return Ok(Some(found.row));
        }
        let used = Session {
            used: now,
            idle_until: now.after(idle),
            ..found.row.clone()
        };
        if self.table().replace(key, Some(&found), Some(&used)).await? {
            return Ok(Some(used));
        }
        // Another gateway wrote the same, or it ended.
        let found = self.table::<Session>().get(key).await?;
        Ok(found.map(|found| found.row))
    }

    /// A user's sessions, the one used last first. Rows of sessions that are over leave the list.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<(KeyHash, Session)>, AccountError> {
        let generation = self.user(user).await?.map(|user| user.generation);
        let mut sessions = Vec::new();
        let mut after: Option<Bytes> = None;
        loop {
            let page = self
                .table::<SessionOfUser>()
                .page(SessionOfUser::of(user), after, PAGE)
                .await?;
            for listed in &page.items {
                let Some(token) = listed.sort.first_chunk::<32>().map(|hash| KeyHash(*hash)) else {
                    continue;
                };
                match self.table::<Session>().get(&Session::at(token)).await? {
                    Some(found) if Some(found.row.generation) == generation => {
                        sessions.push((token, found.row));
                    }
                    // It is listed before it is written, so that a new one may not be there yet.
                    None if listed.row.ends.since(self.now())
                        > self.settings.session_max.saturating_sub(NEW) => {}
                    _ => self.end_session(user, token).await?,
                }
            }
            after = page.items.last().map(|listed| listed.sort.clone());
            if !page.more {
                break;
            }
        }
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.used));
        Ok(sessions)
    }

    /// Ends the sessions that were used least lately where there are as many as there may be.
    async fn make_room(&self, user: UserId) -> Result<(), AccountError> {
        let list = self.table::<SessionOfUser>();
        let page = list.page(SessionOfUser::of(user), None, MOST_SESSIONS).await?;
        if page.items.len() < MOST_SESSIONS {
            return Ok(());
        }
        let sessions = self.sessions_of(user).await?;
        for (token, _) in sessions.iter().skip(MOST_SESSIONS.saturating_sub(1)) {
            self.end_session(user, *token).await?;
        }
        Ok(())
    }

    /// Ends one session.
    pub async fn end_session(&self, user: UserId, token: KeyHash) -> Result<(), AccountError> {
        self.table::<Session>().remove(Session::at(token)).await?;
        self.table::<SessionOfUser>()
            .remove(SessionOfUser::at(user, token))
            .await?;
        Ok(())
    }

    /// Ends sessions of a user; the tokens of those that were ended.
    pub async fn end_sessions(&self, user: UserId, which: Ending) -> Result<Vec<KeyHash>, AccountError> {
        let mut ended = Vec::new();
        for (token, session) in self.sessions_of(user).await? {
            let ends = match which {
                Ending::Others(this) => token != this,
                Ending::OfTenant(tenant) => session.tenant == Some(tenant),
            };
            if ends {
                self.end_session(user, token).await?;
                ended.push(token);
            }
        }
        Ok(ended)
    }

    /// Signs a user in for another tenant, under a new token; the old one ends.
    pub async fn change_tenant(
        &self,
        now: &SignedIn,
        tenant: TenantId,
        token: NewToken,
        origin: &SignInOrigin,
    ) -> Result<SignedIn, AccountError> {
        if !self.is_member(tenant, now.user).await? {
            return Err(AccountError::NotAllowed);
        }
        let user = self.user(now.user).await?.ok_or(AccountError::NoSuchMember)?;
        let opened = self
            .open_session(&user, Some(tenant), token, origin, now.created)
            .await?;
        self.end_session(now.user, now.token).await?;
        Ok(opened)
    }
}

/// For so long a session that is listed may not be written yet.
const NEW: std::time::Duration = std::time::Duration::from_mins(1);
