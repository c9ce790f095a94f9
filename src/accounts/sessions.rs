//! Sessions: browsers in which somebody is signed in.

use super::{AccountError, Accounts, NewToken, SignInOrigin};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::plain::Found;
use crate::store::tables::{Session, SessionOfUser};
use crate::store::{KeyHash, PlainKey};

/// Sessions of one user that are listed and ended together.
const MOST: usize = 200;
/// Characters that are kept of what a browser calls itself.
const BROWSER: usize = 200;
/// A session that is used is written again after this part of the time that it may rest.
const WRITTEN_AGAIN: u32 = 24;

/// Somebody who is signed in, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// For which tenant, and as what; `None` for somebody who is in no team.
    pub tenant: Option<(TenantId, Role)>,
    /// When the session began.
    pub created: Timestamp,
    /// Until when it lasts if it is not used again.
    pub until: Timestamp,
}

/// Which sessions of a user end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All.
    All,
    /// All but the one with this token.
    Others(KeyHash),
    /// The one with this token.
    One(KeyHash),
    /// Those that are signed in for this tenant.
    OfTenant(TenantId),
}

impl Accounts {
    /// Signs a user in.
    pub(super) async fn open_session(
        &self,
        user: UserId,
        tenant: Option<TenantId>,
        token: NewToken,
        origin: &SignInOrigin,
    ) -> Result<SignedIn, AccountError> {
        let now = self.now();
        let session = Session {
            id: token.id,
            user,
            tenant,
            created: now,
            used: now,
            idle_until: now.after(self.settings.session_idle),
            ends: now.after(self.settings.session_max),
            browser: origin.browser.chars().take(BROWSER).collect(),
            address: origin.address.map(|address| address.to_string()),
        };
        // First what leads there: a session that is in no list could not be ended.
        let listed = SessionOfUser { ends: session.ends };
        let list = self.table::<SessionOfUser>();
        list.replace(&SessionOfUser::at(user, token.hash), None, Some(&listed))
            .await?;
        let sessions = self.table::<Session>();
        sessions
            .replace(&Session::at(token.hash), None, Some(&session))
            .await?;
        let opened = self.session(token.hash).await?;
        opened.ok_or_else(|| AccountError::Broken("a session that was just opened is not there".to_owned()))
    }

    /// Who is signed in with a token. Being asked counts as use.
    pub async fn session(&self, token: KeyHash) -> Result<Option<SignedIn>, AccountError> {
        let key = Session::at(token);
        let Some(found) = self.table::<Session>().get(&key).await? else {
            return Ok(None);
        };
        let session = self.note_use(&key, found).await?;
        let Some(user) = self.user(session.user).await? else {
            return Ok(None);
        };
        let role = match session.tenant {
            Some(tenant) => self
                .role_in(tenant, session.user)
                .await?
                .map(|role| (tenant, role)),
            None => None,
        };
        Ok(Some(SignedIn {
            token,
            until: session.idle_until.min(session.ends),
            session: session.id,
            user: user.id,
            name: user.name,
            email: user.email,
            tenant: role,
            created: session.created,
        }))
    }

    /// Writes now and then that a session is used, so that it goes on. Another gateway may do so at the same moment.
    async fn note_use(&self, key: &PlainKey, found: Found<Session>) -> Result<Session, AccountError> {
        let (now, idle) = (self.now(), self.settings.session_idle);
        if now.since(found.row.used) < idle / WRITTEN_AGAIN {
            return Ok(found.row);
        }
        let used = Session {
            used: now,
            idle_until: now.after(idle),
            ..found.row.clone()
        };
        let sessions = self.table::<Session>();
        sessions.replace(key, Some(&found), Some(&used)).await?;
        Ok(used)
    }

    /// A user's sessions, the one used last first.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<(KeyHash, Session)>, AccountError> {
        let list = self.table::<SessionOfUser>();
        let list = list.page(SessionOfUser::of(user), None, MOST).await?;
        let mut sessions = Vec::new();
        for listed in list.items {
            let Some(token) = listed.sort.first_chunk::<32>().map(|hash| KeyHash(*hash)) else {
                continue;
            };
            if let Some(found) = self.table::<Session>().get(&Session::at(token)).await? {
                sessions.push((token, found.row));
            }
        }
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.used));
        Ok(sessions)
    }

    /// Ends sessions of a user; the tokens of those that were ended.
    pub async fn end_sessions(&self, user: UserId, which: Ending) -> Result<Vec<KeyHash>, AccountError> {
        let mut ended = Vec::new();
        for (token, session) in self.sessions_of(user).await? {
            let ends = match which {
                Ending::All => true,
                Ending::Others(this) => token != this,
                Ending::One(this) => token == this,
                Ending::OfTenant(tenant) => session.tenant == Some(tenant),
            };
            if ends {
                self.table::<Session>().remove(Session::at(token)).await?;
                self.table::<SessionOfUser>()
                    .remove(SessionOfUser::at(user, token))
                    .await?;
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
        if self.role_in(tenant, now.user).await?.is_none() {
            return Err(AccountError::NotAllowed);
        }
        let opened = self.open_session(now.user, Some(tenant), token, origin).await?;
        self.end_sessions(now.user, Ending::One(now.token)).await?;
        Ok(opened)
    }
}
