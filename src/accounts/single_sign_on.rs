//! Signing in by a tenant's own identity provider: OpenID Connect, authorization code with PKCE (ADR 031).
//!
//! | File | What it holds |
//! |---|---|
//! | `settings.rs` | a tenant's provider, and who may set it |
//! | `discovery.rs` | what providers say about themselves, kept for a while |
//! | `outgoing.rs`, `reach.rs` | calls to them, and where calls may go |
//! | `token.rs` | what is asked of a provider, and whether its answer is true |
//! | `admission.rs` | which user it means, and which role it gives |
//! | `connections.rs` | accounts that belong to users who have a password |
//!
//! A sign-in leaves to the provider with a row under the hash of its `state`, and comes back once, in the same browser. Nothing of a
//! token is stored or logged.

mod admission;
mod connections;
mod discovery;
mod outgoing;
mod reach;
mod settings;
mod token;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::{AccountError, Accounts, Actor, NewToken, SignInOrigin, SignedIn};
use crate::config::AccountsConfig;
use crate::domain::{Clock, TenantId, UserId};
use crate::limiter::{Allowance, Buckets, Network};
use crate::store::tables::{SignInAttempt, SignInProvider};
use crate::store::{KeyHash, StoreError};
pub use admission::ProviderChange;
use admission::{Arrival, Vouched};
use discovery::{Age, Discovery, Known};
use outgoing::ProviderHttp;
use reach::Reach;
pub use token::TokenFlaw;

/// How long a browser may be away.
pub const AWAY: Duration = Duration::from_mins(10);
/// Sign-ins that one network may begin at once, and how long it takes until it may begin one more: each leaves a row. As many may come
/// back.
const OF_NETWORK: Allowance = Allowance::new(100, Duration::from_secs(1));
/// The same of one tenant, from wherever.
const OF_TENANT: Allowance = Allowance::new(200, Duration::from_millis(100));
/// The same of all together: at most some 30,000 rows are there at any time.
const OF_ALL: Allowance = Allowance::new(500, Duration::from_millis(20));
/// Networks and tenants that are remembered.
const REMEMBERED: usize = 4_096;

fn network(origin: &SignInOrigin) -> Network {
    Network::of(origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// The pace at which sign-ins begin.
struct Pace {
    networks: Buckets<Network>,
    tenants: Buckets<TenantId>,
    all: Buckets<()>,
}

impl Pace {
    fn new() -> Self {
        Self {
            networks: Buckets::new(OF_NETWORK, REMEMBERED),
            tenants: Buckets::new(OF_TENANT, REMEMBERED),
            all: Buckets::new(OF_ALL, 1),
        }
    }

    /// Takes a place, or says when there will be one.
    fn take(&mut self, network: Network, tenant: TenantId, now: Duration) -> Result<(), Duration> {
        let waits = [
            self.networks.wait(&network, now),
            self.tenants.wait(&tenant, now),
            self.all.wait(&(), now),
        ];
        let wait = waits.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        self.networks.add(&network, now);
        self.tenants.add(&tenant, now);
        self.all.add(&(), now);
        Ok(())
    }
}

/// Why somebody was not signed in by a provider.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    /// The tenant has none, or there is no such tenant.
    #[error("there is no identity provider here")]
    NoProvider,
    /// It does not answer, or not as OpenID Connect says.
    #[error("the identity provider cannot be used at this moment")]
    Unavailable,
    /// It says no, or the person did.
    #[error("the identity provider refuses it")]
    Refused,
    /// It took too long, came back before, or in another browser.
    #[error("this sign-in is over: begin again")]
    Expired,
    /// What the provider says cannot be believed.
    #[error("the identity provider's token is refused: {}", .0.as_str())]
    Token(TokenFlaw),
    /// None of the person's groups has a role; the user, where there is one, whose sessions ended.
    #[error("the identity provider gives no role")]
    NoRole(Option<UserId>),
    /// Nobody in the team is known by this name.
    #[error("nobody in the team is connected with this account of the provider's")]
    NotConnected,
    /// Somebody else is.
    #[error("this account of the provider's is connected with somebody else")]
    ConnectedToAnother,
    /// A new account needs an address.
    #[error("the identity provider gives no e-mail address")]
    NoEmail,
    /// Too many begin.
    #[error("too many sign-ins from this network: wait")]
    Throttled(Duration),
    /// Too many calls to providers.
    #[error("too many sign in at this moment")]
    Busy,
    /// What concerns any account.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<StoreError> for SignOnError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// A browser that is to be sent to a provider: what the caller made for it.
pub struct Leaving {
    /// Of which tenant.
    pub tenant: TenantId,
    /// The token that the provider sends back.
    pub state: SecretString,
    /// The token in the browser's cookie.
    pub browser: KeyHash,
    /// What the provider's token has to repeat.
    pub nonce: SecretString,
    /// The secret of PKCE.
    pub verifier: SecretString,
    /// The user who connects an account, and proved to be that user.
    pub connects: Option<UserId>,
    /// From where.
    pub origin: SignInOrigin,
    /// Where the provider sends the browser back to.
    pub callback: String,
}

/// A browser that a provider sent back.
pub struct Returning {
    /// For which tenant, by the address that it was sent to.
    pub tenant: TenantId,
    /// What it brings.
    pub state: KeyHash,
    /// What its cookie holds.
    pub browser: KeyHash,
    /// What the provider gives a token for; `None` where it refuses.
    pub code: Option<String>,
    /// Who the provider says that it is, where it does.
    pub issuer: Option<String>,
    /// The session that opens.
    pub session: NewToken,
    /// The id that somebody new gets.
    pub fresh: UserId,
    /// From where.
    pub origin: SignInOrigin,
    /// Where the browser was sent back to.
    pub callback: String,
}

/// Who connects an account of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::accounts) struct Connecting {
    /// Who.
    pub(in crate::accounts) user: UserId,
    /// The generation of the password that was shown.
    pub(in crate::accounts) generation: u32,
}

/// What came of it.
#[derive(Debug)]
pub enum Returned {
    /// Somebody is signed in.
    SignedIn(SignedIn),
    /// The provider means this user from now on.
    Connected(UserId),
}

/// See the module.
pub struct SingleSignOn {
    accounts: Arc<Accounts>,
    clock: Arc<dyn Clock>,
    /// `None` where this machine cannot make a client for HTTP.
    discovery: Option<Discovery>,
    leaving: Mutex<Pace>,
    returning: Mutex<Buckets<Network>>,
}

impl SingleSignOn {
    /// For a gateway with these settings.
    pub fn new(accounts: Arc<Accounts>, clock: Arc<dyn Clock>, settings: &AccountsConfig) -> Self {
        let http = ProviderHttp::new(Reach::of(settings));
        let http = http.inspect_err(|error| {
            tracing::error!(%error, "no client for calls to identity providers: nobody signs in by one");
        });
        Self {
            discovery: http.ok().map(|http| Discovery::new(http, Arc::clone(&clock))),
            accounts,
            clock,
            leaving: Mutex::new(Pace::new()),
            returning: Mutex::new(Buckets::new(OF_NETWORK, REMEMBERED)),
        }
    }

    fn discovery(&self) -> Result<&Discovery, SignOnError> {
        self.discovery.as_ref().ok_or(SignOnError::Unavailable)
    }

    async fn provider(&self, tenant: TenantId) -> Result<SignInProvider, SignOnError> {
        let provider = self.accounts.provider(tenant).await?;
        provider.ok_or(SignOnError::NoProvider)
    }

    /// Sets a tenant's provider, once it says who it is.
    pub async fn set_provider(
        &self,
        tenant: TenantId,
        by: Actor,
        wanted: SignInProvider,
    ) -> Result<SignInProvider, SignOnError> {
        self.accounts.demand_provider(tenant, by, Some(&wanted)).await?;
        self.discovery()?.probe(tenant, &wanted.issuer).await?;
        // That took a while, in which the role may have become another one.
        self.accounts.demand_provider(tenant, by, Some(&wanted)).await?;
        Ok(self.accounts.put_provider(tenant, wanted).await?)
    }

    /// Where a browser goes to sign in.
    pub async fn leave(&self, leaving: Leaving) -> Result<String, SignOnError> {
        let (network, now) = (network(&leaving.origin), self.clock.monotonic());
        {
            let mut pace = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = pace.take(network, leaving.tenant, now);
            taken.map_err(SignOnError::Throttled)?;
        }
        let provider = self.provider(leaving.tenant).await?;
        let known = self.discovery()?;
        let known = known.of(leaving.tenant, &provider.issuer, Age::Usual).await?;
        let generation = match leaving.connects {
            Some(user) => self.accounts.user(user).await?.map(|user| user.generation),
            None => None,
        };
        let now = self.clock.now();
        let attempt = SignInAttempt {
            tenant: leaving.tenant,
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            browser: leaving.browser,
            nonce: leaving.nonce.expose_secret().to_owned(),
            verifier: leaving.verifier.expose_secret().to_owned(),
            connects: leaving.connects,
            generation: generation.unwrap_or_default(),
            returned: None,
            expires: now.after(AWAY),
        };
        let state = leaving.state.expose_secret();
        let url = token::authorize(&known.metadata, &provider, &attempt, state, &leaving.callback)?;
        let key = SignInAttempt::at(KeyHash::of(state));
        self.accounts.table().replace(&key, None, Some(&attempt)).await?;
        Ok(url.into())
    }

    /// Lets in whom the provider sent back. What changes in the team is recorded before.
    pub async fn come_back(
        &self,
        returning: Returning,
        record: impl AsyncFn(UserId, ProviderChange) -> Result<(), SignOnError>,
    ) -> Result<Returned, SignOnError> {
        let (network, now) = (network(&returning.origin), self.clock.monotonic());
        {
            let mut pace = self.returning.lock().unwrap_or_else(PoisonError::into_inner);
            let wait = pace.wait(&network, now);
            if !wait.is_zero() {
                return Err(SignOnError::Throttled(wait));
            }
            pace.add(&network, now);
        }
        let attempt = self.take(&returning).await?;
        let tenant = attempt.tenant;
        let provider = self.provider(tenant).await?;
        if provider.issuer != attempt.issuer || provider.client_id != attempt.client_id {
            return Err(SignOnError::Expired);
        }
        let code = returning.code.ok_or(SignOnError::Refused)?;
        let discovery = self.discovery()?;
        let known = discovery.of(tenant, &provider.issuer, Age::Usual).await?;
        if !known.may_say(returning.issuer.as_deref()) {
            return Err(SignOnError::Token(TokenFlaw::Issuer));
        }
        let exchanged = {
            let _place = discovery.place(tenant)?;
            let http = discovery.http();
            token::exchange(
                http,
                &known.metadata,
                &provider,
                &attempt,
                code,
                &returning.callback,
            )
            .await?
        };
        let (token, access_token) = exchanged;
        let verify = |known: &Known| {
            token::verify(
                &known.metadata,
                &attempt.client_id,
                &attempt.nonce,
                &token,
                &access_token,
                self.clock.now(),
            )
        };
        let claims = match verify(&known) {
            // The provider has a new key since it was asked, perhaps under an old name.
            Err(TokenFlaw::UnknownKey | TokenFlaw::Signature) => {
                let newer = discovery.of(tenant, &provider.issuer, Age::NewKeys).await?;
                verify(&newer)
            }
            verified => verified,
        };
        let claims = claims.map_err(SignOnError::Token)?;
        let vouched = Vouched::of(&provider, &claims);
        if let Some(user) = attempt.connects {
            // A provider that does not ask would connect whoever signed in to it in this browser before.
            let began = attempt.expires.before(AWAY).before(token::LEEWAY);
            if claims
                .auth_time()
                .is_some_and(|at| at.timestamp() < began.as_secs())
            {
                return Err(SignOnError::Token(TokenFlaw::Time));
            }
            let connecting = Connecting {
                user,
                generation: attempt.generation,
            };
            self.accounts
                .connect(tenant, connecting, &vouched, record)
                .await?;
            // It is done: that nobody could be told does not undo it.
            let told = self
                .accounts
                .tell_of_connection(tenant, user, &returning.origin)
                .await;
            if let Err(error) = told {
                tracing::warn!(%error, "a user is not told that an account of a provider's was connected");
            }
            return Ok(Returned::Connected(user));
        }
        let arrival = Arrival {
            fresh: returning.fresh,
            session: returning.session,
            origin: returning.origin,
        };
        let admitted = self
            .accounts
            .admit(tenant, &provider, vouched, arrival, record)
            .await?;
        Ok(Returned::SignedIn(admitted))
    }

    /// The sign-in that comes back, once. The row names the session by which it came back, so that of two at one moment one wins.
    async fn take(&self, returning: &Returning) -> Result<SignInAttempt, SignOnError> {
        let (table, key) = (
            self.accounts.table::<SignInAttempt>(),
            SignInAttempt::at(returning.state),
        );
        let found = table.get(&key).await?.ok_or(SignOnError::Expired)?;
        let attempt = &found.row;
        if attempt.returned.is_some()
            || attempt.browser != returning.browser
            || attempt.tenant != returning.tenant
        {
            return Err(SignOnError::Expired);
        }
        let taken = SignInAttempt {
            nonce: String::new(),
            verifier: String::new(),
            returned: Some(returning.session.hash),
            ..attempt.clone()
        };
        if table.replace(&key, Some(&found), Some(&taken)).await? {
            Ok(found.row)
        } else {
            Err(SignOnError::Expired)
        }
    }
}

impl std::fmt::Debug for SingleSignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SingleSignOn")
    }
}

#[cfg(test)]
mod tests;
