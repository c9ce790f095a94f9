//! Many messages in one request: one in each line, and one line of the answer for each, in the same order.
//!
//! What is read, what is being committed and what is not told yet has a bound together: a client that does not read is not read from. A line
//! of the answer leaves after its message is durable, and each message has a name, so that whatever is cut off can be sent again whole.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::busy_names::{Busy, BusyNames};
use super::lines::{Line, Lines};
use super::{accept, request, told};
use crate::actors::request::{Acceptance, Accepted, Destination, SubmitRequest};
use crate::api::auth::{Call, CanSend, StreamCall};
use crate::api::connection::Working;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::{idempotency, json};
use crate::domain::{IdempotencyKey, Priority, TenantId};
use crate::telemetry::metrics as measured;
use crate::tenant_places::TenantPlace;

/// How the body is said to be written.
const NDJSON: &str = "application/x-ndjson";
/// The member of a line that names it.
const KEY: &str = "idempotency_key";
/// Lines of a request.
const MOST_LINES: u64 = 10_000;
/// Bytes of a request.
const MOST_BYTES: u64 = 64 << 20;
/// How long a request may take.
const DEADLINE: Duration = Duration::from_mins(15);
/// Lines that are read and not told of.
const WINDOW: usize = 64;
/// Bytes of these lines, in [`UNIT`]s.
const HELD: usize = 1 << 10;
const UNIT: usize = 1 << 10;
/// How long what lets the caller in is trusted.
const TRUSTED: Duration = Duration::from_secs(1);

/// Whether a body with this `Content-Type` has a message in each line.
pub(super) fn is_meant(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(NDJSON)
}

/// `POST /v1/messages` with many messages.
pub(super) async fn submit(call: StreamCall<CanSend>) -> Result<HttpResponse, ApiError> {
    let StreamCall { call, body } = call;
    if call.idempotency_key()?.is_some() {
        let why = format!("Idempotency-Key names one message: each line has a `{KEY}` of its own");
        return Err(ApiError::invalid(why));
    }
    call.quotas().demand_subscription(call.state().clock.now())?;
    if body.declared().is_some_and(|bytes| bytes > MOST_BYTES) {
        return Err(too_large());
    }
    let place = call.state().bulk_sends.take(call.tenant())?;
    let longest = call.state().config.server.api_body_limit.as_usize();
    let now = Instant::now();
    let source = Source {
        _working: body.working(),
        _place: place,
        lines: Lines::of(body, MOST_BYTES, longest),
        line: 0,
        is_over: false,
        call: Rc::new(call),
        renewed: now,
        until: now + DEADLINE,
        held: Arc::new(Semaphore::new(HELD)),
        busy: Rc::default(),
    };
    let answers = stream::unfold(source, Source::next)
        .map(answered)
        .buffered(WINDOW)
        .ready_chunks(WINDOW)
        .map(|lines| Ok::<_, ApiError>(Bytes::from(lines.concat())));
    Ok(HttpResponse::Ok().content_type(NDJSON).streaming(answers))
}

fn too_large() -> ApiError {
    let why = format!("the body has more than {MOST_BYTES} bytes: send the rest in another request");
    ApiError::because(ErrorCode::TooLarge, why)
}

/// A line to be answered.
struct Given {
    line: u64,
    what: Result<Wanted, ApiError>,
    /// Whether it and what follows it is not read.
    ends: bool,
}

/// A message that was read.
struct Wanted {
    call: Rc<Call<CanSend>>,
    request: SubmitRequest,
    _held: OwnedSemaphorePermit,
    _busy: Busy,
}

/// What the request brings, line by line.
struct Source {
    lines: Lines,
    /// Lines so far.
    line: u64,
    is_over: bool,
    call: Rc<Call<CanSend>>,
    renewed: Instant,
    until: Instant,
    held: Arc<Semaphore>,
    busy: Rc<BusyNames>,
    _working: Option<Working>,
    _place: TenantPlace,
}

impl Source {
    async fn next(mut self) -> Option<(Given, Self)> {
        if self.is_over {
            self.lines.drain().await;
            return None;
        }
        let given = timeout_at(self.until, self.given()).await;
        let given = given.unwrap_or_else(|_elapsed| {
            let why = format!(
                "a request may take {} seconds: go on in another",
                DEADLINE.as_secs()
            );
            Err(ApiError::because(ErrorCode::Timeout, why))
        });
        let given = match given {
            Ok(given) => given?,
            Err(error) => {
                self.is_over = true;
                Given {
                    line: self.line,
                    what: Err(error),
                    ends: true,
                }
            }
        };
        Some((given, self))
    }

    /// The next line with something in it. An error is the end, at the line that was begun.
    async fn given(&mut self) -> Result<Option<Given>, ApiError> {
        loop {
            self.line = self.line.saturating_add(1);
            let line = self.lines.next().await.map_err(in_words)?;
            let Some(line) = line else {
                return Ok(None);
            };
            if self.line > MOST_LINES {
                let why = format!("a request has at most {MOST_LINES} lines: send the rest in another");
                return Err(ApiError::because(ErrorCode::LimitReached, why));
            }
            let what = match line {
                Line::Text(text) if text.trim_ascii().is_empty() => continue,
                Line::Text(text) => {
                    self.go_on().await?;
                    self.wanted(&text).await
                }
                Line::TooLong => Err(ErrorCode::TooLarge.into()),
            };
            return Ok(Some(Given {
                line: self.line,
                what,
                ends: false,
            }));
        }
    }

    /// Sees that the caller may go on, and waits for the line's turn.
    async fn go_on(&mut self) -> Result<(), ApiError> {
        if self.renewed.elapsed() >= TRUSTED {
            let call = self.call.renewed().await?;
            call.quotas().demand_subscription(call.state().clock.now())?;
            self.call = Rc::new(call);
            self.renewed = Instant::now();
        }
        // The call itself was one.
        if self.line > 1 {
            self.call.turn().await;
        }
        Ok(())
    }

    async fn wanted(&self, text: &[u8]) -> Result<Wanted, ApiError> {
        let units = text.len().div_ceil(UNIT).clamp(1, HELD);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let held = Arc::clone(&self.held).acquire_many_owned(units).await;
        let held = held.map_err(ApiError::internal)?;
        let (request, names) = read(&self.call, text)?;
        Ok(Wanted {
            call: Rc::clone(&self.call),
            request,
            _held: held,
            _busy: Rc::clone(&self.busy).take(names).await,
        })
    }
}

/// Why no more of a body can be read, in words that fit.
fn in_words(error: ApiError) -> ApiError {
    match error.code() {
        ErrorCode::TooLarge => too_large(),
        _ => error,
    }
}

/// The message of a line, and the names that no other line in hand may have: its own, and its receiver's, so that messages to the same
/// are accepted in the order of their lines.
fn read(call: &Call<CanSend>, text: &[u8]) -> Result<(SubmitRequest, [[u8; 16]; 2]), ApiError> {
    let Value::Object(mut members) = json::read(text)? else {
        return Err(ApiError::invalid("the line must be a JSON object"));
    };
    let key = match members.shift_remove(KEY) {
        Some(Value::String(key)) => IdempotencyKey::parse(&key)?,
        Some(_) => return Err(ApiError::invalid(format!("`{KEY}` must be a text"))),
        None => {
            let why = format!("`{KEY}` is missing: by it the line can be sent again without harm");
            return Err(ApiError::invalid(why));
        }
    };
    let asked = Value::Object(members);
    // The same as of a message that comes alone.
    let once = idempotency::name(call.tenant(), "messages", key.as_str(), &asked);
    let named = once.key;
    let request = request(call, asked, Priority::Bulk, Some(once))?;
    let receiver = receiver(call.tenant(), &request.to);
    Ok((request, [named, receiver]))
}

fn receiver(tenant: TenantId, to: &Destination) -> [u8; 16] {
    match to {
        Destination::Conversation(id) => *id.as_bytes(),
        Destination::Contact { aliases, .. } => aliases
            .new_contact_id(tenant)
            .map_or([0; 16], |id| *id.as_bytes()),
    }
}

/// A line's answer, once its message is durable.
async fn answered(given: Given) -> Vec<u8> {
    let Given { line, what, ends } = given;
    let accepted = match what {
        Ok(wanted) => accept(&wanted.call, wanted.request).await,
        Err(error) => Err(error),
    };
    let told = match accepted {
        Ok(accepted) => done(line, &accepted),
        Err(error) => {
            measured::sends_refused_total(error.code().label()).increment(1);
            refused(line, &error, ends)
        }
    };
    let mut written = told.to_string();
    written.push('\n');
    written.into_bytes()
}

fn done(line: u64, accepted: &Accepted) -> Value {
    let message = told(accepted);
    match accepted.acceptance {
        Acceptance::New => json!({ "line": line, "message": message }),
        Acceptance::Repeated => json!({ "line": line, "message": message, "replayed": true }),
    }
}

fn refused(line: u64, error: &ApiError, ends: bool) -> Value {
    let error = serde_json::to_value(error.body()).unwrap_or_default();
    if ends {
        json!({ "line": line, "error": error, "ended": true })
    } else {
        json!({ "line": line, "error": error })
    }
}
