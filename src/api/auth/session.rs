//! A call by somebody who is signed in: by a cookie, from a page of this gateway's own.
//!
//! The cookie is `__Host-` (RFC 6265bis), so that no other host and no other path sets it, and no script reads it. What changes
//! something needs, beside it, the page's own origin and a token that only such a page knows.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, USER_AGENT};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq as _;
use tokio::sync::OwnedSemaphorePermit;

use super::super::audit::{self, LetIn, Note};
use super::super::body;
use super::super::client_address::client_address;
use super::super::error::{ApiError, ErrorCode};
use super::super::params::Params;
use super::super::state::ApiState;
use super::key::{KeyKind, NewKey, PresentedKey};
use crate::accounts::{AccountError, NewToken, SignInOrigin, SignedIn};
use crate::domain::TenantId;
use crate::domain::ids::{digest16, hex};
use crate::domain::roles::Right;
use crate::store::KeyHash;
use crate::store::tables::{AuditActor, AuditScope};

/// The cookie's name.
const NAME: &str = "__Host-mesej";
/// The name of the cookie of a browser that was sent to an identity provider.
const SIGN_IN: &str = "__Host-mesej-sign-in";
/// The header with the page's token.
const CSRF: &str = "x-csrf-token";
/// Calls of people who are not signed in yet that are worked on at once: more than sign-ins that wait for their hash.
pub(in crate::api) const OPEN_CALLS: usize = 128;
/// Bytes of a body that somebody sends who is not signed in yet.
const OPEN_BODY: usize = 4 << 10;

/// The session's token in a request's cookie, if it has the form of one.
pub(in crate::api) fn cookie(headers: &HeaderMap) -> Option<&str> {
    named(headers, NAME)
}

/// The token of a browser that was sent to an identity provider.
pub(in crate::api) fn sign_in_browser(headers: &HeaderMap) -> Option<KeyHash> {
    let token = PresentedKey::parse(KeyKind::SignInBrowser, named(headers, SIGN_IN)?)?;
    Some(token.hash())
}

fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    // As bytes: browsers send other applications' cookies as they were set, not in ASCII alone.
    let pairs = headers
        .get_all(COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut tokens = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(wanted.as_bytes())?;
        value.strip_prefix(b"=")
    });
    // Twice the same name: somebody else set one of them.
    let token = tokens.next().filter(|_| tokens.next().is_none())?;
    std::str::from_utf8(token).ok()
}

/// The token that a page shows with what changes something.
pub(in crate::api) fn csrf_token(token: &str) -> String {
    hex(&digest16(&[b"csrf", token.as_bytes()]))
}

/// A cookie that holds a token, or takes it away.
pub(in crate::api) fn set_cookie(token: &str, lasts: Duration) -> String {
    set(NAME, token, lasts)
}

/// The same for a browser that was sent to an identity provider.
pub(in crate::api) fn set_sign_in_cookie(token: &str, lasts: Duration) -> String {
    set(SIGN_IN, token, lasts)
}

fn set(name: &str, token: &str, lasts: Duration) -> String {
    let seconds = lasts.as_secs();
    format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The session that a cookie names.
pub(in crate::api) fn presented(headers: &HeaderMap) -> Option<KeyHash> {
    let token = PresentedKey::parse(KeyKind::Session, cookie(headers)?)?;
    Some(token.hash())
}

fn bad_origin(why: &'static str) -> ApiError {
    ApiError::because(ErrorCode::BadOrigin, why)
}

/// Refuses what a page of another site began, as far as the browser tells (Fetch Metadata, W3C).
fn demand_own_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match site {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(bad_origin("this is for pages of the gateway's own alone")),
    }
}

/// Refuses what a page of somebody else's sent.
pub(in crate::api) fn demand_own_page(state: &ApiState, request: &HttpRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    demand_own_site(headers)?;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if state.own_origins.admits(text(ORIGIN), text(HOST)) {
        return Ok(());
    }
    Err(bad_origin("this is for pages of the gateway's own alone"))
}

/// Refuses what somebody else's page does with the rights of somebody who is signed in.
///
/// What only reads needs no token. With one it is of the same session, lest a page show what belongs to a session that another tab opened.
pub(in crate::api) fn demand_token(state: &ApiState, request: &HttpRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    if request.method().is_safe() {
        demand_own_site(headers)?;
        if !headers.contains_key(CSRF) {
            return Ok(());
        }
    } else {
        demand_own_page(state, request)?;
    }
    let shown = headers.get(CSRF).and_then(|value| value.to_str().ok());
    let expected = cookie(headers).map(csrf_token);
    let same = shown
        .zip(expected)
        .is_some_and(|(shown, expected)| shown.as_bytes().ct_eq(expected.as_bytes()).into());
    if same {
        return Ok(());
    }
    Err(bad_origin(
        "`X-CSRF-Token` is missing or not that of this session: load the page again",
    ))
}

/// Where a client signs in from.
pub(in crate::api) fn origin(state: &ApiState, request: &HttpRequest) -> SignInOrigin {
    let browser = request.headers().get(USER_AGENT);
    SignInOrigin {
        address: client_address(request, &state.config.server.trusted_proxies),
        browser: browser
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A new token of a kind, and what the store keeps of it.
pub(in crate::api) fn new_token(state: &ApiState, kind: KeyKind) -> Result<(NewKey, NewToken), ApiError> {
    let new = NewKey::generate(kind, &state.random).map_err(ApiError::internal)?;
    let kept = NewToken {
        id: new.id.clone(),
        hash: new.hash,
    };
    Ok((new, kept))
}

/// A call by nobody: somebody who is about to sign in, from a page of the gateway's own.
pub struct OpenCall {
    state: web::Data<ApiState>,
    request: HttpRequest,
    body: Bytes,
    /// So many are looked at in the store at once.
    _place: OwnedSemaphorePermit,
}

impl OpenCall {
    /// What the handlers share.
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// The body as it came; at most four kibibytes.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// From where.
    pub fn origin(&self) -> SignInOrigin {
        origin(&self.state, &self.request)
    }

    /// The request itself, for the audit log.
    pub(in crate::api) fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The parameters of the address.
    pub fn params(&self) -> Result<Params, ApiError> {
        Params::read(self.request.query_string())
    }
}

impl FromRequest for OpenCall {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = ApiState::of(&request)?;
            let plan = body::Plan::of(&request, OPEN_BODY, &state.config.server);
            let let_in = demand_own_page(&state, &request);
            let ((), body) = body::read_of(&mut payload, &plan, let_in).await?;
            let place = Arc::clone(&state.open_calls).try_acquire_owned();
            let place =
                place.map_err(|_full| ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)))?;
            Ok(Self {
                state,
                request,
                body,
                _place: place,
            })
        })
    }
}

/// A call by somebody who is signed in, about the account itself: no role is needed.
pub struct SessionCall {
    state: web::Data<ApiState>,
    request: HttpRequest,
    who: SignedIn,
    body: Bytes,
}

impl SessionCall {
    /// The request itself, for the audit log.
    pub(in crate::api) fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// What the handlers share.
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// The same for what goes on although the client went away.
    pub fn shared_state(&self) -> web::Data<ApiState> {
        web::Data::clone(&self.state)
    }

    /// Who calls.
    pub fn who(&self) -> &SignedIn {
        &self.who
    }

    /// Who calls, about the account itself: a session by a tenant's provider is not enough.
    pub fn own_account(&self) -> Result<&SignedIn, ApiError> {
        self.who.demand_own_account()?;
        Ok(&self.who)
    }

    /// The same about what is kept of the account: of one that a provider made, its sessions are enough.
    pub fn own_data(&self) -> Result<&SignedIn, ApiError> {
        self.who.demand_own_data()?;
        Ok(&self.who)
    }

    /// The tenant that somebody works for whose role allows this.
    pub fn demand(&self, right: Right) -> Result<TenantId, ApiError> {
        let team = self.who.tenant;
        let (tenant, role) =
            team.ok_or_else(|| ApiError::because(ErrorCode::Forbidden, "you are in no team any more"))?;
        if role.allows(right) {
            return Ok(tenant);
        }
        Err(AccountError::NotAllowed.into())
    }

    /// The body as it came; at most four kibibytes.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// From where.
    pub fn origin(&self) -> SignInOrigin {
        origin(&self.state, &self.request)
    }

    /// The parameters of the address.
    pub fn params(&self) -> Result<Params, ApiError> {
        Params::read(self.request.query_string())
    }

    /// For what the audit log is to say beside what it says already.
    pub(in crate::api) fn note(&self) -> Note<'_> {
        Note(&self.request)
    }

    /// A part of the path.
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The session's token.
    pub fn token(&self) -> &str {
        cookie(self.request.headers()).unwrap_or_default()
    }
}

async fn authenticate(state: &ApiState, request: &HttpRequest) -> Result<SignedIn, ApiError> {
    let nobody = || ApiError::because(ErrorCode::Unauthorized, "sign in first");
    let token = presented(request.headers()).ok_or_else(nobody)?;
    let who = state.keys.session(token).await?.ok_or_else(nobody)?;
    demand_token(state, request)?;
    Ok(who)
}

impl FromRequest for SessionCall {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = ApiState::of(&request)?;
            let plan = body::Plan::of(&request, OPEN_BODY, &state.config.server);
            let let_in = authenticate(&state, &request).await;
            let (who, body) = body::read_of(&mut payload, &plan, let_in).await?;
            // Who is in no team changes nothing but the own account, which is in nobody's log.
            if let Some((tenant, role)) = who.tenant {
                if audit::needs(&request, who.user).is_some_and(|right| !role.allows(right)) {
                    return Err(AccountError::NotAllowed.into());
                }
                let let_in = LetIn {
                    actor: AuditActor::User(who.user),
                    scope: AuditScope::Tenant(tenant),
                };
                audit::begin(&state, &request, let_in, &body).await?;
            }
            Ok(Self {
                state,
                request,
                who,
                body,
            })
        })
    }
}
