//! A call by a tenant's program: authenticated, paced, its body read.

use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

use super::super::audit::{self, LetIn, Note};
use super::super::body::{self, BodyStream};
use super::super::error::{ApiError, ErrorCode};
use super::super::params::Params;
use super::super::quotas::TenantQuotas;
use super::super::state::ApiState;
use super::{Colleague, KnownKey, session};
use crate::actors::request::{Missing, Refusal};
use crate::domain::roles::Right;
use crate::domain::{AgentId, Author, IdempotencyKey, NumberLimit, TenantId};
use crate::store::ApiKey;
use crate::store::directory::Scope;
use crate::store::plain::{PlainRow, PlainTable};
use crate::store::tables::{AuditActor, AuditScope};

/// The header with the agent as whom a program acts.
const ACT_AS: &str = "Act-As";

/// What a call needs its key to allow.
pub trait Need: 'static {
    /// The scopes, all of them.
    const SCOPES: &'static [Scope];
    /// What the role of somebody who is signed in must allow beside them.
    const RIGHT: Option<Right> = None;
}

/// The call sends or changes something.
#[derive(Debug, Clone, Copy)]
pub enum CanSend {}
/// The call reads.
#[derive(Debug, Clone, Copy)]
pub enum CanRead {}
/// The call lets an agent in, who sees everything that happens.
#[derive(Debug, Clone, Copy)]
pub enum CanManageAgents {}

/// The call changes what all of the business works with. A program needs the scope to send, a person the right to manage the business.
#[derive(Debug, Clone, Copy)]
pub enum CanManage {}

impl Need for CanManage {
    const SCOPES: &'static [Scope] = &[Scope::Send];
    const RIGHT: Option<Right> = Some(Right::ManageBusiness);
}

/// The call takes all contacts out. A program needs the scope to read, a person the right to manage the business.
#[derive(Debug, Clone, Copy)]
pub enum CanExport {}

/// The call does something about broadcasts, which reach very many. A program needs the scope to send, a person the right to broadcast.
#[derive(Debug, Clone, Copy)]
pub enum CanBroadcast {}

impl Need for CanBroadcast {
    const SCOPES: &'static [Scope] = &[Scope::Send];
    const RIGHT: Option<Right> = Some(Right::Broadcast);
}

/// The call shows how broadcasts go.
#[derive(Debug, Clone, Copy)]
pub enum CanSeeBroadcasts {}

impl Need for CanSeeBroadcasts {
    const SCOPES: &'static [Scope] = &[Scope::Read];
    const RIGHT: Option<Right> = Some(Right::SeeBroadcasts);
}

impl Need for CanExport {
    const SCOPES: &'static [Scope] = &[Scope::Read];
    const RIGHT: Option<Right> = Some(Right::ManageBusiness);
}

impl Need for CanSend {
    const SCOPES: &'static [Scope] = &[Scope::Send];
}

impl Need for CanRead {
    const SCOPES: &'static [Scope] = &[Scope::Read];
}

impl Need for CanManageAgents {
    const SCOPES: &'static [Scope] = &[Scope::Agents, Scope::Read];
}

/// A call that was let in. The only source of a tenant for handlers.
pub struct Call<N: Need> {
    state: web::Data<ApiState>,
    request: HttpRequest,
    known: KnownKey,
    acting: Option<AgentId>,
    body: Bytes,
    need: PhantomData<N>,
}

impl<N: Need> Call<N> {
    /// What the handlers share.
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// The same for what goes on although the client went away.
    pub fn shared_state(&self) -> web::Data<ApiState> {
        web::Data::clone(&self.state)
    }

    /// Whose call it is.
    pub fn tenant(&self) -> TenantId {
        self.known.key().tenant
    }

    /// The author of what the call writes.
    pub fn author(&self) -> Author {
        let agent = self.user().map(|user| &user.agent).or(self.acting.as_ref());
        match agent {
            Some(agent) => Author::Agent { id: agent.clone() },
            None => Author::Api {
                key: self.known.key().id.as_str().into(),
            },
        }
    }

    /// A plain table, to read and write rows of the tenant's now.
    pub fn table<R: PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.state.store.as_ref(), self.state.clock.now())
    }

    /// The key that it showed.
    pub fn key(&self) -> &Arc<ApiKey> {
        self.known.key()
    }

    /// Who is signed in; `None` for a program with a key of its own.
    pub fn user(&self) -> Option<&Arc<Colleague>> {
        self.known.user()
    }

    /// What the tenant may have.
    pub fn quotas(&self) -> &TenantQuotas {
        self.known.quotas()
    }

    /// The numbers whose conversations it may see and change.
    pub fn limit(&self) -> &NumberLimit {
        self.known.limit()
    }

    /// Whether its key allows more than the call needs.
    pub fn may(&self, scope: Scope) -> bool {
        self.known.key().scopes.contains(&scope)
    }

    /// For what the audit log is to say beside what it says already.
    pub(in crate::api) fn note(&self) -> Note<'_> {
        Note(&self.request)
    }

    /// The same call by what lets it in now, for one that lasts: refused where nothing does any more.
    pub(in crate::api) async fn renewed(&self) -> Result<Self, ApiError> {
        let known = self.state.keys.look_up(self.known.key().hash).await?;
        demand::<N>(&known)?;
        if let Some(agent) = &self.acting {
            known.key().demand(&[Scope::ActAs])?;
            let team = &self.state.accounts;
            team.demand_present(known.key().tenant, agent).await?;
        }
        Ok(Self {
            state: web::Data::clone(&self.state),
            request: self.request.clone(),
            known,
            acting: self.acting.clone(),
            body: Bytes::new(),
            need: PhantomData,
        })
    }

    /// Waits for the turn of another of the many things that the call asks for: each counts like a call.
    pub(in crate::api) async fn turn(&self) {
        self.state.keys.turn(&self.known).await;
    }

    /// The body as it came; at most `server.api_body_limit`.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// An id from the path. What has not the form of an id is as little there as an id that nobody has.
    pub fn path<T: FromStr>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        text.parse().map_err(|_malformed| match name {
            "conversation_id" => Refusal::NotFound(Missing::Conversation).into(),
            "contact_id" => Refusal::NotFound(Missing::ContactId).into(),
            "message_id" => Refusal::NotFound(Missing::Message).into(),
            _ => ErrorCode::NotFound.into(),
        })
    }

    /// The headers of the request.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The parameters of the address.
    pub fn params(&self) -> Result<Params, ApiError> {
        Params::read(self.request.query_string())
    }

    /// The `Idempotency-Key` header.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, ApiError> {
        let Some(value) = single(self.request.headers(), "Idempotency-Key")? else {
            return Ok(None);
        };
        Ok(Some(IdempotencyKey::parse(value)?))
    }
}

/// A header that may stand there once, as text.
fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let readable = value.to_str().ok().filter(|_| values.next().is_none());
    let readable =
        readable.ok_or_else(|| ApiError::invalid(format!("{name}: must be there once, as plain text")))?;
    Ok(Some(readable))
}

/// The token of `Authorization: Bearer <token>`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = single(headers, AUTHORIZATION.as_str()).ok()??.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

impl ApiKey {
    /// Refuses unless the key has all of these scopes.
    pub(in crate::api) fn demand(&self, scopes: &[Scope]) -> Result<(), ApiError> {
        let missing = scopes.iter().find(|scope| !self.scopes.contains(scope));
        missing.map_or(Ok(()), |scope| {
            let missing = format!("this needs a key with the scope `{}`", scope.as_str());
            Err(ApiError::because(ErrorCode::Forbidden, missing))
        })
    }
}

/// The agent as whom a program acts with this call.
async fn acting(
    state: &ApiState,
    request: &HttpRequest,
    known: &KnownKey,
) -> Result<Option<AgentId>, ApiError> {
    let Some(agent) = single(request.headers(), ACT_AS)? else {
        return Ok(None);
    };
    if known.user().is_some() {
        let why = "whoever is signed in acts as nobody else";
        return Err(ApiError::because(ErrorCode::Forbidden, why));
    }
    known.key().demand(&[Scope::ActAs])?;
    let agent = AgentId::parse(agent)?;
    state.accounts.demand_present(known.key().tenant, &agent).await?;
    Ok(Some(agent))
}

/// Refuses who may not do what the call does.
fn demand<N: Need>(known: &KnownKey) -> Result<(), ApiError> {
    known.key().demand(N::SCOPES)?;
    match (known.user(), N::RIGHT) {
        (Some(user), Some(right)) if !user.role.allows(right) => Err(ApiError::because(
            ErrorCode::Forbidden,
            "your role in the team does not allow this",
        )),
        _ => Ok(()),
    }
}

async fn authenticate<N: Need>(
    state: &ApiState,
    request: &HttpRequest,
) -> Result<(KnownKey, Option<AgentId>), ApiError> {
    let headers = request.headers();
    let known = match (bearer(headers), session::presented(headers)) {
        (Some(presented), _) => state.keys.recognise(presented).await?,
        (None, Some(session)) => {
            session::demand_token(state, request)?;
            state.keys.look_up(session).await?
        }
        (None, None) => return Err(ErrorCode::Unauthorized.into()),
    };
    state.keys.admit(&known)?;
    demand::<N>(&known)?;
    let acting = acting(state, request, &known).await?;
    Ok((known, acting))
}

impl<N: Need> FromRequest for Call<N> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = ApiState::of(&request)?;
            let settings = &state.config.server;
            let plan = body::Plan::of(&request, settings.api_body_limit.as_usize(), settings);
            let let_in = authenticate::<N>(&state, &request).await;
            let (who, body) = body::read_of(&mut payload, &plan, let_in).await?;
            Self::begin(state, request, who, body).await
        })
    }
}

impl<N: Need> Call<N> {
    /// Of somebody who was let in, as the audit log knows before anything is done.
    async fn begin(
        state: web::Data<ApiState>,
        request: HttpRequest,
        (known, acting): (KnownKey, Option<AgentId>),
        body: Bytes,
    ) -> Result<Self, ApiError> {
        // Most calls are in the ledger.
        if audit::is_recorded(&request) {
            let program = || AuditActor::Key(known.key().id.clone());
            let let_in = LetIn {
                actor: known
                    .user()
                    .map_or_else(program, |user| AuditActor::User(user.id)),
                scope: AuditScope::Tenant(known.key().tenant),
            };
            audit::begin(&state, &request, let_in, &body).await?;
        }
        Ok(Self {
            state,
            request,
            known,
            acting,
            body,
            need: PhantomData,
        })
    }
}

/// A call whose body is a file: let in, and in the audit log, before the first byte of it is read.
pub struct StreamCall<N: Need> {
    /// The call, without its body.
    pub(in crate::api) call: Call<N>,
    /// The file as it comes.
    pub(in crate::api) body: BodyStream,
}

impl<N: Need> FromRequest for StreamCall<N> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = ApiState::of(&request)?;
            let settings = &state.config.server;
            let plan = body::Plan::of(&request, settings.api_body_limit.as_usize(), settings);
            let who = match authenticate::<N>(&state, &request).await {
                Ok(who) => who,
                Err(error) => {
                    body::drain(&mut payload, &plan).await;
                    return Err(error);
                }
            };
            let call = Call::begin(state, request, who, Bytes::new()).await?;
            let body = BodyStream::new(payload, plan);
            Ok(Self { call, body })
        })
    }
}
