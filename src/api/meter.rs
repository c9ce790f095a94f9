//! Counts requests and their time, by route, method and class of the answer.

use std::cell::RefCell;
use std::time::Duration;

use ::metrics::{Counter, Histogram};
use actix_web::http::{Method, StatusCode};

use crate::telemetry::labels::{HttpMethod, HttpRoute, StatusClass};
use crate::telemetry::metrics;

/// The requests of one route in one HTTP worker. Stands beside the route, so that a request finds it without its path being
/// looked at again.
pub(super) struct RouteMeter {
    route: HttpRoute,
    /// Looked up once: as many at most as there are methods times classes.
    known: RefCell<Vec<Known>>,
}

struct Known {
    method: HttpMethod,
    status: StatusClass,
    requests: Counter,
    seconds: Histogram,
}

impl RouteMeter {
    pub(super) fn new(route: HttpRoute) -> Self {
        Self {
            route,
            known: RefCell::default(),
        }
    }

    /// Which route it is.
    pub(super) const fn route(&self) -> HttpRoute {
        self.route
    }

    /// Counts a request that was answered.
    pub(super) fn answered(&self, method: &Method, status: StatusCode, took: Duration) {
        let (method, status) = (method_of(method), class_of(status));
        let mut known = self.known.borrow_mut();
        let is_same = |one: &&Known| one.method == method && one.status == status;
        if let Some(known) = known.iter().find(is_same) {
            return known.count(took);
        }
        let new = Known {
            method,
            status,
            requests: metrics::http_requests_total(self.route, method, status),
            seconds: metrics::http_request_seconds(self.route, method, status),
        };
        new.count(took);
        known.push(new);
    }
}

impl Known {
    fn count(&self, took: Duration) {
        self.requests.increment(1);
        self.seconds.record(took);
    }
}

fn method_of(method: &Method) -> HttpMethod {
    match *method {
        Method::GET => HttpMethod::Get,
        Method::HEAD => HttpMethod::Head,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Other,
    }
}

fn class_of(status: StatusCode) -> StatusClass {
    match status.as_u16() {
        0..200 => StatusClass::Switching,
        200..300 => StatusClass::Done,
        300..400 => StatusClass::Elsewhere,
        400..500 => StatusClass::Refused,
        500.. => StatusClass::Failed,
    }
}
