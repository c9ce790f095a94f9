//! A call by an operator.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use ring::digest;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::super::audit::{self, LetIn, Note};
use super::super::body;
use super::super::client_address::client_address;
use super::super::error::{ApiError, ErrorCode};
use super::super::params::Params;
use super::super::state::ApiState;
use super::call::bearer;
use super::key::{KeyKind, PresentedKey};
use crate::domain::TenantId;
use crate::domain::roles::{OperatorAction, OperatorRole};
use crate::store::plain::PlainTable;
use crate::store::tables::{AuditActor, AuditScope, Operator};

/// Look-ups of operators at once: what a flood of invented tokens may cost the store.
pub(in crate::api) const LOOKUPS: usize = 16;

/// Who makes a call.
#[derive(Debug, Clone)]
pub enum CallingOperator {
    /// Whoever has the token of the settings: everything is allowed.
    Settings,
    /// An operator with a token of its own.
    Named(Operator),
}

impl CallingOperator {
    /// What it may do.
    pub const fn role(&self) -> OperatorRole {
        match self {
            Self::Settings => OperatorRole::Admin,
            Self::Named(operator) => operator.role,
        }
    }

    /// Its id; that of the settings' token is `settings`.
    pub fn id(&self) -> &str {
        match self {
            Self::Settings => "settings",
            Self::Named(operator) => &operator.id,
        }
    }
}

/// A call that showed an operator's token.
pub struct AdminCall {
    state: web::Data<ApiState>,
    request: HttpRequest,
    operator: CallingOperator,
    body: Bytes,
}

impl AdminCall {
    /// What the handlers share.
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// Who calls.
    pub fn operator(&self) -> &CallingOperator {
        &self.operator
    }

    /// The body as it came; at most `server.api_body_limit`.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request itself, for the audit log.
    pub(in crate::api) fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// For what the audit log is to say beside what it says already.
    pub(in crate::api) fn note(&self) -> Note<'_> {
        Note(&self.request)
    }

    /// An id from the path.
    pub fn path<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        text.parse()
            .map_err(|malformed| ApiError::absent(format!("nothing is there: {malformed}")))
    }

    /// What handlers share, for what goes on although the client went away.
    pub fn shared_state(&self) -> web::Data<ApiState> {
        web::Data::clone(&self.state)
    }

    /// The parameters of the address.
    pub fn params(&self) -> Result<Params, ApiError> {
        Params::read(self.request.query_string())
    }
}

/// Whether a request shows what has the form of an operator's own token.
pub(in crate::api) fn shows_operator_token(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|token| PresentedKey::parse(KeyKind::Operator, token).is_some())
}

/// The operator whose token was presented. Tokens without the right form never reach the store.
async fn recognise(state: &ApiState, presented: &str) -> Result<Option<CallingOperator>, ApiError> {
    let expected = state.config.server.admin_token.as_ref();
    if expected.is_some_and(|expected| same_secret(presented, expected.expose_secret())) {
        return Ok(Some(CallingOperator::Settings));
    }
    let Some(token) = PresentedKey::parse(KeyKind::Operator, presented) else {
        return Ok(None);
    };
    let _place = state
        .operator_lookups
        .try_acquire()
        .map_err(|_full| ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)))?;
    let now = state.clock.now();
    let table = PlainTable::<Operator>::of(state.store.as_ref(), now);
    let found = table.get(&Operator::at(token.hash())).await?;
    let operator = found.map(|found| found.row);
    Ok(operator
        .filter(|operator| operator.is_valid_at(now))
        .map(CallingOperator::Named))
}

fn refused_for_now(state: &ApiState, peer: Option<IpAddr>) -> Result<(), ApiError> {
    let now = state.clock.monotonic();
    match peer.and_then(|peer| state.wrong_tokens.admit(peer, now).err()) {
        Some(wait) => {
            let why = "too many wrong operator's tokens from this address";
            Err(ApiError::because(ErrorCode::RateLimited, why).retry_after(wait))
        }
        None => Ok(()),
    }
}

async fn authenticate(state: &ApiState, request: &HttpRequest) -> Result<CallingOperator, ApiError> {
    let peer = client_address(request, &state.config.server.trusted_proxies);
    let refused = |why| Err(ApiError::because(ErrorCode::Unauthorized, why));
    let Some(presented) = bearer(request.headers()) else {
        refused_for_now(state, peer)?;
        return refused(
            "the operator's token is missing: `Authorization: Bearer` with a token of `mesej operator create` or the \
             value of `server.admin_token`",
        );
    };
    // The right one is never refused: others may call from the operator's address, behind a proxy for example.
    if let Some(operator) = recognise(state, presented).await? {
        return Ok(operator);
    }
    refused_for_now(state, peer)?;
    if let Some(peer) = peer {
        state.wrong_tokens.shown(peer, state.clock.monotonic());
    }
    refused("the operator's token is unknown, revoked or expired")
}

fn demand(operator: &CallingOperator, request: &HttpRequest) -> Result<(), ApiError> {
    let action = if request.method().is_safe() {
        OperatorAction::Read
    } else {
        OperatorAction::Change
    };
    if operator.role().allows(action) {
        return Ok(());
    }
    let why = format!(
        "an operator with the role `{}` only looks",
        operator.role().as_str()
    );
    Err(ApiError::because(ErrorCode::Forbidden, why))
}

/// Whose log a call concerns: that of the tenant that it names, if there is such a tenant.
async fn concerned(state: &ApiState, request: &HttpRequest) -> Result<AuditScope, ApiError> {
    let of_path = request.match_info().get("tenant_id").map(str::to_owned);
    let of_query = || {
        let mut params = Params::read(request.query_string()).ok()?;
        params.take::<String>("tenant_id", "").ok().flatten()
    };
    let named = of_path
        .or_else(of_query)
        .and_then(|id| id.parse::<TenantId>().ok());
    let tenant = match named {
        Some(id) => state.store.tenant(id).await?,
        None => None,
    };
    Ok(tenant.map_or(AuditScope::Operators, |tenant| AuditScope::Tenant(tenant.id)))
}

/// Compares in a time that tells nothing, not even the length.
pub(in crate::api) fn same_secret(presented: &str, expected: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    hash(presented).as_ref().ct_eq(hash(expected).as_ref()).into()
}

impl FromRequest for AdminCall {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = ApiState::of(&request)?;
            let settings = &state.config.server;
            let plan = body::Plan::of(&request, settings.api_body_limit.as_usize(), settings);
            let let_in = authenticate(&state, &request).await;
            let let_in = let_in.and_then(|operator| demand(&operator, &request).map(|()| operator));
            let (operator, body) = body::read_of(&mut payload, &plan, let_in).await?;
            if audit::is_recorded(&request) {
                let let_in = LetIn {
                    actor: AuditActor::Operator(operator.id().to_owned()),
                    scope: concerned(&state, &request).await?,
                };
                audit::begin(&state, &request, let_in, &body).await?;
            }
            Ok(Self {
                state,
                request,
                operator,
                body,
            })
        })
    }
}
