//! What the page of routes is written with.

use actix_web::guard::{Any, Get, GuardContext, Head};
use actix_web::web::{self, resource};
use actix_web::{Resource, Route};

use super::auth::shows_operator_token;
use super::meter::RouteMeter;
use super::state::ApiState;
use crate::telemetry::Label as _;
use crate::telemetry::labels::HttpRoute;

/// Where the calls with the operator's token are.
pub(super) const ADMIN: &str = "/v1/admin";
/// Where the calls with a tenant's key are.
pub(super) const TENANT: &str = "/v1";

/// The resource of a route, within the scope that it is in.
pub(super) fn at(route: HttpRoute) -> Resource {
    let pattern = route.label();
    let within = [ADMIN, TENANT]
        .into_iter()
        .find_map(|scope| pattern.strip_prefix(scope));
    resource(within.unwrap_or(pattern)).app_data(RouteMeter::new(route))
}

/// What only reads. HEAD is GET without its body, which the server leaves out.
pub(super) fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// Without the settings' token there are such calls for operators with a token of their own alone, whatever the method.
pub(super) fn has_operator(request: &GuardContext<'_>) -> bool {
    let state = request.app_data::<web::Data<ApiState>>();
    state.is_some_and(|state| state.config.server.admin_token.is_some())
        || shows_operator_token(request.head().headers())
}
