//! Letting a socket in, or saying why not.
//!
//! A page cannot see the status of a refused handshake, only the code with which an open socket is closed. So whatever
//! its client has to react to (no valid ticket, too many sockets) is told by closing; the rest is an HTTP error.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actix_web_actors::ws;
use bytes::Bytes;

use super::frame::{self, Close};
use super::protocol::{Answered, error};
use super::socket::Socket;
use super::socket_limits::Crowded;
use super::sockets::{Shared, Sockets, WorkerFeeds};
use super::tickets::Pass;
use crate::actors::feed::Feeds;
use crate::api::auth::{CanManageAgents, KeyWatch, Need as _};
use crate::api::error::{ApiError, ErrorCode};
use crate::api::quotas::TenantQuotas;
use crate::domain::Quota;
use crate::telemetry::metrics;

/// The subprotocol, and its earlier name, which means the same: programs that only count what arrives still offer that. The
/// newest that is offered is the answer.
const PROTOCOLS: [&str; 2] = ["mesej.v2", "mesej.v1"];
/// Stands before a ticket among the subprotocols.
const TICKET: &str = "ticket.";
/// How long a client should stay away when the server is stopping or full.
const LATER: Duration = Duration::from_secs(5);

/// What the answer of a handshake carries for whoever takes the connection over.
pub(super) enum Opened {
    /// A socket.
    Socket(Box<Socket>),
    /// The last frames of a socket that is opened only to say why it is closed.
    TurnedAway(Bytes),
}

/// `GET /v1/ws`
pub(in crate::api) async fn open(
    request: HttpRequest,
    sockets: web::Data<Sockets>,
    feeds: web::Data<WorkerFeeds>,
) -> Result<HttpResponse, ApiError> {
    let shared = &sockets.0;
    let offered = admit(&request, shared).and_then(|()| offered(&request));
    // The rate is for those who would be let in: nobody else can use it up, and a ticket outlives its refusal.
    let admitted = offered.and_then(|(response, ticket)| match ticket {
        Some(ticket) if shared.tickets.is_open(ticket) => {
            let turn = shared
                .book_handshake()
                .map_err(|wait| ApiError::new(ErrorCode::Busy).retry_after(wait))?;
            Ok((response, shared.tickets.redeem(ticket), turn))
        }
        _ => Ok((response, None, Duration::ZERO)),
    });
    let (mut response, pass, turn) = admitted.inspect_err(|refused| {
        metrics::handshakes_refused_total(refused.code().label()).increment(1);
    })?;
    if !turn.is_zero() {
        tokio::time::sleep(turn).await;
    }
    let opened = match pass {
        Some(pass) => {
            // Before the look: what is revoked from here on is heard.
            let watch = shared.keys.watch(pass.voucher());
            match vouched(shared, pass).await {
                Ok((pass, quotas)) => make(shared, feeds.of(shared), pass, watch, &quotas).await,
                Err(refused) => Err(refused),
            }
        }
        None => Err((Close::Unauthorized, ErrorCode::BadTicket.into())),
    };
    let opened = opened.map_or_else(turned_away, Opened::Socket);
    let mut response = response.finish();
    response.extensions_mut().insert(opened);
    Ok(response)
}

/// What can be checked before anything is read or made.
fn admit(request: &HttpRequest, shared: &Shared) -> Result<(), ApiError> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    if !shared.options.origins.admits(header(ORIGIN), header(HOST)) {
        return Err(ErrorCode::BadOrigin.into());
    }
    if shared.is_leaving() {
        return Err(ApiError::new(ErrorCode::Unavailable).retry_after(LATER));
    }
    if !shared.socket_limits.has_room() {
        return Err(ApiError::new(ErrorCode::Busy).retry_after(LATER));
    }
    Ok(())
}

/// Checks the handshake, and finds its ticket.
fn offered(request: &HttpRequest) -> Result<(HttpResponseBuilder, Option<&str>), ApiError> {
    let offers: Vec<&str> = request
        .headers()
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let Some(protocol) = PROTOCOLS.into_iter().find(|known| offers.contains(known)) else {
        return Err(ApiError::invalid(
            "the handshake must offer the subprotocol `mesej.v2`",
        ));
    };
    let mut response = ws::handshake(request)
        .map_err(|broken| ApiError::invalid(format!("no WebSocket handshake: {broken}")))?;
    response.insert_header((SEC_WEBSOCKET_PROTOCOL, protocol));
    let mut tickets = offers.iter().filter_map(|offer| offer.strip_prefix(TICKET));
    Ok((response, tickets.next()))
}

type Refused = (Close, ApiError);

/// The pass with its key as it stands now: what was revoked, or may read no more, since the ticket was made lets nobody in.
async fn vouched(shared: &Shared, pass: Pass) -> Result<(Pass, TenantQuotas), Refused> {
    let vouched = async {
        let known = shared.keys.vouch(pass.key.hash).await?;
        shared.keys.look_at(pass.voucher()).await?;
        Ok(known)
    };
    let known = vouched.await.map_err(|refused: ApiError| {
        let close = if refused.code() == ErrorCode::Unauthorized {
            Close::Unauthorized
        } else {
            Close::Unavailable
        };
        (close, refused)
    })?;
    let key = Arc::clone(known.key());
    key.demand(CanManageAgents::SCOPES)
        .map_err(|refused| (Close::Unauthorized, refused))?;
    let limit = known.limit().clone();
    Ok((Pass { key, limit, ..pass }, known.quotas().clone()))
}

async fn make(
    shared: &Arc<Shared>,
    feeds: &Feeds,
    pass: Pass,
    watch: KeyWatch,
    quotas: &TenantQuotas,
) -> Result<Box<Socket>, Refused> {
    let socket_permit = shared
        .socket_limits
        .enter(pass.tenant, &pass.agent, quotas.most(Quota::Sockets))
        .map_err(|crowded| match crowded {
            Crowded::Agent => (
                Close::TooManySockets,
                ApiError::because(ErrorCode::TooManySockets, "too many sockets of this agent"),
            ),
            Crowded::Tenant => (
                Close::TooManySockets,
                quotas.refuse(ErrorCode::TooManySockets, Quota::Sockets),
            ),
            Crowded::Process => (Close::Unavailable, ErrorCode::Busy.into()),
        })?;
    let subscription = feeds
        .join(pass.tenant)
        .await
        .map_err(|refusal| (Close::Unavailable, refusal.into()))?;
    Ok(Box::new(Socket {
        shared: Arc::clone(shared),
        pass,
        watch,
        socket_permit,
        subscription,
    }))
}

/// The frames that say why a socket is closed.
fn turned_away((why, refused): Refused) -> Opened {
    metrics::handshakes_refused_total(refused.code().label()).increment(1);
    let frames = [error(&Answered::default(), &refused), frame::close(why)];
    Opened::TurnedAway(frames.concat().into())
}
