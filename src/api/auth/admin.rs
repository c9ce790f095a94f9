//! A call by the operator.

use std::fmt::Display;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use ring::digest;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::super::body;
use super::super::error::{ApiError, ErrorCode};
use super::super::params::Params;
use super::super::state::ApiState;
use super::call::bearer;

/// A call that showed the operator's token. Without such a token in the settings there is no admin API: 404.
pub struct AdminCall {
    state: web::Data<ApiState>,
    request: HttpRequest,
    body: Bytes,
}

impl AdminCall {
    /// What the handlers share.
    pub fn state(&self) -> &ApiState {
        &self.state
    }

    /// The body as it came; at most `server.api_body_limit`.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// An id from the path.
    pub fn path<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        text.parse()
            .map_err(|malformed| ApiError::absent(format!("nothing is there: {malformed}")))
    }

    /// The parameters of the address.
    pub fn params(&self) -> Result<Params, ApiError> {
        Params::read(self.request.query_string())
    }
}

fn authenticate(state: &ApiState, request: &HttpRequest) -> Result<(), ApiError> {
    let expected = state
        .config
        .server
        .admin_token
        .as_ref()
        .ok_or(ErrorCode::NotFound)?;
    let presented = bearer(request.headers());
    // The right one is never refused: others may call from the operator's address, behind a proxy for example.
    if presented.is_some_and(|presented| same_secret(presented, expected.expose_secret())) {
        return Ok(());
    }
    let refused = |why| Err(ApiError::because(ErrorCode::Unauthorized, why));
    let (peer, now) = (request.peer_addr().map(|peer| peer.ip()), state.clock.monotonic());
    if let Some(wait) = peer.and_then(|peer| state.wrong_tokens.admit(peer, now).err()) {
        let why = "too many wrong operator's tokens from this address";
        return Err(ApiError::because(ErrorCode::RateLimited, why).retry_after(wait));
    }
    if presented.is_none() {
        return refused(
            "the operator's token is missing: `Authorization: Bearer` with the value of `server.admin_token`",
        );
    }
    if let Some(peer) = peer {
        state.wrong_tokens.shown(peer, now);
    }
    refused("the operator's token is not that of `server.admin_token`")
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
            if let Err(error) = authenticate(&state, &request) {
                body::drain(&mut payload, &plan).await;
                return Err(error);
            }
            let body = body::read(&mut payload, &plan, async |_more| true).await?;
            Ok(Self { state, request, body })
        })
    }
}
