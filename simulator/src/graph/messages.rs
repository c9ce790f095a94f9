//! `POST /{number}/messages` and its sister for marketing.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::Value;

use super::{Call, connection, ok, validate};
use crate::judge::{Foreign, Manner, Verdict, Via};
use crate::sends::Token;
use crate::world::Shared;

/// How long an answer waits for a status that is to come before it.
const EARLY_STATUS: Duration = Duration::from_secs(5);

/// A call that was not answered yet; also one whose caller is gone.
struct OpenCall<'a> {
    shared: &'a Shared,
    callers: u64,
}

impl<'a> OpenCall<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let callers = shared.with(|world, _| {
            world.calls_open += 1;
            world.callers
        });
        Self { shared, callers }
    }

    /// Nobody takes an answer whose caller is gone.
    fn answered(&self, token: &Token) {
        self.shared.with(|world, _| {
            if world.callers == self.callers {
                world.oracle.answered(token);
            }
        });
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.shared.with(|world, _| {
            if world.callers == self.callers {
                world.calls_open = world.calls_open.saturating_sub(1);
            }
        });
    }
}

pub(super) async fn post(shared: &Shared, call: &Call, number: &str, via: Via) -> HttpResponse {
    let raw = match call.json() {
        Ok(raw) => raw,
        Err(error) => return error.answer(&shared.trace()),
    };
    let open = OpenCall::begin(shared);
    let token = Token::of(raw.get("biz_opaque_callback_data").and_then(Value::as_str));
    // Everything that needs no lock is done before it is taken.
    let request = validate::request(&raw);
    let Verdict {
        answer,
        manner,
        latency,
    } = shared.with(|world, now| world.judge(now, number, via, &raw, request));
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match manner {
        Manner::Plain => {}
        Manner::AfterStatus(told) => {
            // Late or lost, the answer follows all the same.
            let _ = tokio::time::timeout(EARLY_STATUS, told).await;
        }
        Manner::Reset => return connection::reset(&call.http),
        Manner::Hang(how_long) => {
            tokio::select! {
                () = tokio::time::sleep(how_long) => {}
                () = shared.stop.cancelled() => {}
            }
            return connection::reset(&call.http);
        }
        Manner::Garbled => {
            let whole = answer.unwrap_or_default();
            let half = whole.get(..whole.len() / 2).unwrap_or_default().to_owned();
            return ok(half);
        }
        Manner::Foreign(foreign) => return page(foreign),
    }
    open.answered(&token);
    match answer {
        Ok(body) => ok(body),
        Err(error) => error.answer(&shared.trace()),
    }
}

/// What somebody answers who is not Graph.
fn page(foreign: Foreign) -> HttpResponse {
    let html = |mut answer: HttpResponseBuilder, title: &str| {
        answer
            .content_type("text/html")
            .body(format!("<html><body><h1>{title}</h1></body></html>"))
    };
    match foreign {
        Foreign::BadGateway => html(HttpResponse::BadGateway(), "502 Bad Gateway"),
        Foreign::Forbidden => html(HttpResponse::Forbidden(), "403 Forbidden"),
        Foreign::Empty => HttpResponse::NotFound().finish(),
        Foreign::SignIn => HttpResponse::Found()
            .insert_header((header::LOCATION, "https://proxy.example/sign-in"))
            .finish(),
        Foreign::OtherJson => {
            HttpResponse::Unauthorized().json(serde_json::json!({"message": "Unauthorized"}))
        }
        Foreign::OtherCode => HttpResponse::Forbidden().json(serde_json::json!({
            "error": {"code": 403, "message": "Forbidden", "status": "PERMISSION_DENIED"},
        })),
    }
}
