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
/// Those that the provider of one tenant opened for one user: it ends none of the others.
const MOST_BY_PROVIDER: usize = 20;
/// How old a sign-in by a provider may be that stands for a password.
const FRESH: std::time::Duration = std::time::Duration::from_mins(5);
/// Rows of a list that are read at once.
const PAGE: usize = 200;
/// Characters that are kept of what a browser calls itself.
const BROWSER: usize = 200;
/// A session that is used is written again after this part of the time that it may rest.
const WRITTEN_AGAIN: u32 = 24;

/// By what somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    /// The user's own password: all of the account is the user's.
    Password,
    /// The identity provider of one tenant, whose word counts for that tenant alone.
    Provider,
}

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
    /// By what.
    pub method: SignInMethod,
    /// Whether the tenant's provider made the account: it has no password.
    pub is_provisioned: bool,
    /// When the session began.
    pub created: Timestamp,
    /// Until when it lasts if it is not used again.
    pub until: Timestamp,
    /// Whether signing in asks for a code beside the password.
    pub has_second_factor: bool,
}

impl SignedIn {
    /// Whether what concerns this tenant is for whoever signed in so.
    pub fn may_see(&self, tenant: Option<TenantId>) -> bool {
        match self.method {
            SignInMethod::Password => true,
            SignInMethod::Provider => tenant.is_some() && tenant == self.tenant.map(|(tenant, _)| tenant),
        }
    }

    /// Whether one of the user's sessions is: whom a provider let in sees those that it opened, not those of the user's own.
    pub fn may_see_session(&self, session: &Session) -> bool {
        match self.method {
            SignInMethod::Password => true,
            SignInMethod::Provider => self.may_see(session.opened_by()),
        }
    }

    /// Refuses what concerns the account itself for whom one tenant's provider let in.
    pub fn demand_own_account(&self) -> Result<(), AccountError> {
        match self.method {
            SignInMethod::Password => Ok(()),
            SignInMethod::Provider => Err(AccountError::ByProvider),
        }
    }

    /// By what calls are paced: those of a person in whichever browser, but what one tenant's provider opens takes nothing from the
    /// person elsewhere.
    pub fn paced_by(&self) -> KeyHash {
        match (self.method, self.tenant) {
            (SignInMethod::Provider, Some((tenant, _))) => KeyHash::of(&format!("{} {tenant}", self.user)),
            _ => KeyHash::of(&self.user.to_string()),
        }
    }

    /// Refuses who may not see all that is kept of the account: one that a provider made has nobody else who could.
    pub fn demand_own_data(&self) -> Result<(), AccountError> {
        if self.is_provisioned {
            return Ok(());
        }
        self.demand_own_account()
    }

    /// The same for what asks for proof: of an account without a password that is a sign-in a moment ago.
    pub fn demand_fresh(&self, now: Timestamp) -> Result<(), AccountError> {
        self.demand_own_data()?;
        if self.is_provisioned && now.since(self.created) > FRESH {
            return Err(AccountError::SignInAgain);
        }
        Ok(())
    }
}

/// Names and addresses do not belong into logs.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedIn({}, session {})", self.user, self.session)
    }
}

/// By what a session opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenedBy {
    /// The user's own password.
    Password,
    /// The tenant's provider, as it is set since a time.
    Provider {
        /// Since when.
        since: Timestamp,
    },
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
    /// Those that this tenant's provider opened, but the one with this token.
    OthersByProviderOf(KeyHash, TenantId),
    /// Those that this tenant's provider opened.
    ByProviderOf(TenantId),
}

/// What is kept of what a browser calls itself.
pub(super) fn shortened(browser: &str) -> String {
    browser.chars().take(BROWSER).collect()
}

impl Accounts {
    /// Signs a user in, whose row is the one that the password was compared with, at a time; or whom a tenant's provider means.
    pub(super) async fn open_session(
        &self,
        user: &User,
        tenant: Option<TenantId>,
        token: NewToken,
        origin: &SignInOrigin,
        began: Timestamp,
        by: OpenedBy,
    ) -> Result<SignedIn, AccountError> {
        let provider_since = match by {
            OpenedBy::Password => None,
            OpenedBy::Provider { since } => Some(since),
        };
        self.make_room(user.id, provider_since.and(tenant)).await?;
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
            provider_since,
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
        let Some(most) = self.most_trusted(&found.row).await? else {
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
            tenant: member.map(|(tenant, member)| (tenant, member.role.max(most))),
            limit,
            method: match session.provider_since {
                None => SignInMethod::Password,
                Some(_) => SignInMethod::Provider,
            },
            is_provisioned: user.password.is_empty(),
            created: session.created,
            has_second_factor: user.second_factor.is_some(),
        }))
    }

    /// The role that a session has at most; `None` when the provider that opened it is not the tenant's any more. Whoever may set a
    /// provider could become an owner by it, so that it opens sessions of owners only where it was trusted with that.
    async fn most_trusted(&self, session: &Session) -> Result<Option<Role>, AccountError> {
        let Some(since) = session.provider_since else {
            return Ok(Some(Role::Owner));
        };
        let Some(tenant) = session.tenant else {
            return Ok(None);
        };
        let provider = self.provider(tenant).await?;
        let provider = provider.filter(|provider| provider.since == since);
        Ok(provider.map(|provider| {
            if provider.gives(Role::Owner) {
                Role::Owner
            } else {
                Role::Admin
            }
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

    /// Ends the sessions that were used least lately where there are as many as there may be: of those by password, or of those by the
    /// provider of one tenant.
    async fn make_room(&self, user: UserId, by: Option<TenantId>) -> Result<(), AccountError> {
        let most = match by {
            None => MOST_SESSIONS,
            Some(_) => MOST_BY_PROVIDER,
        };
        let list = self.table::<SessionOfUser>();
        let page = list.page(SessionOfUser::of(user), None, most).await?;
        if page.items.len() < most {
            return Ok(());
        }
        let sessions = self.sessions_of(user).await?;
        let same = sessions.iter().filter(|(_, session)| session.opened_by() == by);
        for (token, _) in same.skip(most.saturating_sub(1)) {
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
                Ending::OthersByProviderOf(this, tenant) => {
                    token != this && session.opened_by() == Some(tenant)
                }
                Ending::ByProviderOf(tenant) => session.opened_by() == Some(tenant),
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
        now.demand_own_account()?;
        if !self.is_member(tenant, now.user).await? {
            return Err(AccountError::NotAllowed);
        }
        let user = self.user(now.user).await?.ok_or(AccountError::NoSuchMember)?;
        let opened = self
            .open_session(
                &user,
                Some(tenant),
                token,
                origin,
                now.created,
                OpenedBy::Password,
            )
            .await?;
        self.end_session(now.user, now.token).await?;
        Ok(opened)
    }
}

/// For so long a session that is listed may not be written yet.
const NEW: std::time::Duration = std::time::Duration::from_mins(1);
