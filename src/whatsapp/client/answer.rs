//! Reads the answers of the Graph API. Pure.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Acceptance, AmbiguousCause, BlockedPage, GraphError, NotAcceptedCause, SendResult};
use crate::domain::{Alias, Backoff, ContactAliases, MetaError, Timestamp, Wamid};
use crate::whatsapp::error::{Class, RetryAdvice, Said, classify};

/// A server that asks for more patience than this is asked again sooner: its clock may be wrong.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// An answer as it came.
#[derive(Debug, Clone)]
pub(super) struct Answer<'a> {
    /// The HTTP status.
    pub(super) http_status: u16,
    /// The `Retry-After` header, resolved to a wait.
    pub(super) retry_after: Option<Duration>,
    /// The body; `None` when it did not arrive whole.
    pub(super) body: Option<&'a [u8]>,
}

/// What an answer to a call that sends proves.
pub(super) fn read_send(answer: &Answer<'_>) -> SendResult {
    let error = answer.body.and_then(read_error);
    if (200..300).contains(&answer.http_status) {
        return match answer.body.and_then(read_accepted) {
            Some(accepted) => accepted,
            None => SendResult::Ambiguous {
                cause: AmbiguousCause::Unreadable,
                error: error.map(|found| found.error),
            },
        };
    }
    let class = classify(error.as_ref().map(FoundError::said).as_ref(), answer.http_status);
    let error = error.map(|found| found.error);
    match class {
        Class::Retry(advice) => SendResult::NotAccepted {
            retry: with_retry_after(advice, answer.retry_after),
            cause: match answer.http_status {
                500.. => NotAcceptedCause::Unprocessed,
                _ => NotAcceptedCause::Throttled,
            },
            error,
        },
        Class::NotGraph => SendResult::NotAccepted {
            retry: with_retry_after(RetryAdvice::DOUBLING, answer.retry_after),
            cause: NotAcceptedCause::NotGraph,
            error: Some(without_verdict(answer.http_status)),
        },
        Class::Ambiguous => SendResult::Ambiguous {
            cause: match answer.http_status {
                408 => AmbiguousCause::Timeout,
                _ => AmbiguousCause::ServerError,
            },
            error: Some(error.unwrap_or_else(|| without_verdict(answer.http_status))),
        },
        Class::Refused(scope) => SendResult::Refused {
            scope,
            error: error.unwrap_or_else(|| without_verdict(answer.http_status)),
        },
    }
}

/// What an answer to any other call says: its JSON, or why there is none.
pub(super) fn read_other(answer: &Answer<'_>) -> Result<Value, GraphError> {
    let body = answer
        .body
        .ok_or_else(|| GraphError::Unreachable("the answer broke off".to_owned()))?;
    if !(200..300).contains(&answer.http_status) {
        let status = answer.http_status;
        return Err(match read_error(body) {
            Some(found) => GraphError::Refused {
                http_status: status,
                error: found.error,
            },
            None => GraphError::Unreadable(format!("HTTP {status} without an error of the Graph API")),
        });
    }
    serde_json::from_slice(body).map_err(|broken| GraphError::Unreadable(broken.to_string()))
}

/// What an answer about one customer of a blocklist says. Meta tells of a customer of whom it was not done beside those of whom
/// it was, and says why there; the error beside the list only says that there are some.
pub(super) fn read_blocked(answer: &Answer<'_>) -> Result<(), GraphError> {
    let list = answer.body.and_then(|body| {
        let answer: Value = serde_json::from_slice(body).ok()?;
        answer.get("block_users").cloned()
    });
    let errors = list
        .as_ref()
        .and_then(|list| list.pointer("/failed_users/0/errors/0"));
    if let Some(error) = errors
        && let Some(code) = error.get("code").and_then(number)
    {
        let text = |error: &Value, at: &str| error.pointer(at).and_then(Value::as_str).map(Arc::<str>::from);
        return Err(GraphError::Refused {
            http_status: answer.http_status,
            error: MetaError {
                code,
                title: text(error, "/message").unwrap_or_else(|| "unknown error".into()),
                details: text(error, "/error_data/details"),
            },
        });
    }
    read_other(answer)?;
    match list {
        Some(_) => Ok(()),
        None => Err(GraphError::Unreadable("it tells of no customer".to_owned())),
    }
}

/// A page of a blocklist. Meta names a customer by phone, by id, or by both.
pub(super) fn read_blocklist(answer: &Value) -> Result<BlockedPage, GraphError> {
    let users = answer.get("data").and_then(Value::as_array);
    let users = users.ok_or_else(|| GraphError::Unreadable("a list has no `data`".to_owned()))?;
    let named = |user: &Value| {
        let text = |key: &str| user.get(key).and_then(Value::as_str);
        let phone = text("wa_id").and_then(Alias::phone);
        [phone, text("user_id").and_then(Alias::bsuid)]
    };
    let after = answer.pointer("/paging/cursors/after").and_then(Value::as_str);
    let has_next = answer.pointer("/paging/next").is_some_and(Value::is_string);
    Ok(BlockedPage {
        names: users.iter().flat_map(named).flatten().collect(),
        after: after.filter(|_| has_next).map(str::to_owned),
    })
}

/// Resolves a `Retry-After` header: seconds or an HTTP date.
pub(super) fn read_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    }
    Some(read_date(header)?.since(now).min(LONGEST_RETRY_AFTER))
}

/// Reads a time as HTTP writes it.
pub(super) fn read_date(header: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(header.trim()).ok()?;
    let ms = at.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(ms).ok()?))
}

fn with_retry_after(advice: RetryAdvice, retry_after: Option<Duration>) -> RetryAdvice {
    retry_after.map_or(advice, |wait| RetryAdvice {
        backoff: Backoff {
            first: wait.max(advice.backoff.first),
            longest: wait.max(advice.backoff.longest),
            ..advice.backoff
        },
        ..advice
    })
}

fn without_verdict(http_status: u16) -> MetaError {
    MetaError {
        code: 0,
        title: format!("HTTP {http_status} without an error of the Graph API").into(),
        details: None,
    }
}

fn read_accepted(body: &[u8]) -> Option<SendResult> {
    #[derive(Deserialize)]
    struct Accepted {
        messages: Vec<AcceptedMessage>,
        #[serde(default)]
        contacts: Value,
    }
    #[derive(Deserialize)]
    struct AcceptedMessage {
        id: String,
        message_status: Option<Value>,
    }
    let accepted: Accepted = serde_json::from_slice(body).ok()?;
    let message = accepted.messages.into_iter().next()?;
    let held = message
        .message_status
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|status| matches!(status, "held_for_quality_assessment" | "paused"));
    Some(SendResult::Accepted {
        wamid: Wamid::parse(&message.id).ok()?,
        acceptance: if held {
            Acceptance::Held
        } else {
            Acceptance::Sending
        },
        recipient: recipient(&accepted.contacts),
    })
}

/// Names of the recipient that are not what the message was addressed to: a phone may be known in another form.
fn recipient(contacts: &Value) -> ContactAliases {
    let Some(contact) = contacts.get(0) else {
        return ContactAliases::default();
    };
    let text = |key: &str| contact.get(key).and_then(Value::as_str);
    let input = text("input").unwrap_or_default();
    let dialled = Alias::phone(input);
    let phone = text("wa_id").and_then(Alias::phone);
    let bsuid = text("user_id").filter(|id| *id != input).and_then(Alias::bsuid);
    ContactAliases::of(
        phone
            .filter(|phone| dialled.as_ref().is_some_and(|dialled| dialled != phone))
            .into_iter()
            .chain(bsuid),
    )
}

struct FoundError {
    error: MetaError,
    subcode: Option<i64>,
    kind: Option<Arc<str>>,
    is_transient: bool,
}

impl FoundError {
    fn said(&self) -> Said<'_> {
        Said {
            code: self.error.code,
            subcode: self.subcode,
            kind: self.kind.as_deref(),
            is_transient: self.is_transient,
        }
    }
}

/// A whole number, also where it is written as a text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Whether an error bears the marks of the Graph API: the id of a trace, or an exception for its type.
fn is_graphs(error: &Value) -> bool {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    !text("fbtrace_id").is_empty() || text("type").ends_with("Exception")
}

/// Reads `{"error": {…}}` of Graph's. Some endpoints give `error_data` as a bare string; the code may be a text.
///
/// Others answer in this shape, too, with codes that mean something else to Graph.
fn read_error(body: &[u8]) -> Option<FoundError> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("error").filter(|error| is_graphs(error))?;
    let code = number(error.get("code")?)?;
    let text = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(Arc::<str>::from)
    };
    let details = error
        .get("error_data")
        .and_then(|data| text(data).or_else(|| data.get("details").and_then(text)));
    Some(FoundError {
        error: MetaError {
            code,
            title: ["message", "title", "error_user_title"]
                .iter()
                .find_map(|key| error.get(key).and_then(text))
                .unwrap_or_else(|| "unknown error".into()),
            details: details.or_else(|| error.get("error_user_msg").and_then(text)),
        },
        subcode: error.get("error_subcode").and_then(number),
        kind: error.get("type").and_then(text),
        is_transient: error
            .get("is_transient")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    })
}
