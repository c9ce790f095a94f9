//! Answers where there is no call.

use actix_web::{HttpResponse, web};

use super::error::ApiError;
use super::state::ApiState;

/// Where nothing is.
const NO_SUCH_CALL: &str = "no call has this path";

pub(super) async fn no_operator(state: web::Data<ApiState>) -> Result<HttpResponse, ApiError> {
    Err(if state.config.server.admin_token.is_some() {
        ApiError::absent(NO_SUCH_CALL)
    } else {
        let why = "this server has no admin API: it opens with `server.admin_token` in its settings";
        ApiError::absent(why)
    })
}

pub(super) async fn nothing() -> Result<HttpResponse, ApiError> {
    Err(ApiError::absent(NO_SUCH_CALL))
}
