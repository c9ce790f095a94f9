//! Reads the answers of the Graph API. Pure.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{Acceptance, AmbiguousCause, GraphError, NotAcceptedCause, SendResult};
use crate::domain::{Alias, ContactAliases, MetaError, Timestamp, Wamid};
use crate::whatsapp::error::{Class, RetryAdvice, classify};

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
    // An error that Meta itself calls transient and does not document may have struck after the message was taken.
    let undocumented = error.as_ref().is_some_and(|found| {
        found.is_transient && crate::whatsapp::error::lookup(found.error.code).is_none()
    });
    let class = if undocumented && answer.http_status != 429 {
        Class::Ambiguous
    } else {
        classify(error.as_ref().map(|found| found.error.code), answer.http_status)
    };
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
        Class::Ambiguous => SendResult::Ambiguous {
            cause: match answer.http_status {
                408 => AmbiguousCause::Timeout,
                _ => AmbiguousCause::ServerError,
            },
            error,
        },
        Class::Refused(scope) => SendResult::Refused {
            scope,
            error: error.unwrap_or_else(|| without_body(answer.http_status)),
        },
    }
}

/// What an answer to any other call says: its JSON, or why there is none.
pub(super) fn read_other(answer: &Answer<'_>) -> Result<Value, GraphError> {
    let body = answer
        .body
        .ok_or_else(|| GraphError::Unreachable("the answer broke off".to_owned()))?;
    if !(200..300).contains(&answer.http_status) {
        return Err(GraphError::Refused {
            http_status: answer.http_status,
            error: read_error(body).map_or_else(|| without_body(answer.http_status), |found| found.error),
        });
    }
    serde_json::from_slice(body).map_err(|broken| GraphError::Unreadable(broken.to_string()))
}

/// Resolves a `Retry-After` header: seconds or an HTTP date.
pub(super) fn read_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER));
    }
    let at = httpdate::parse_http_date(header).ok()?;
    let ms = at.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    let at = Timestamp::from_millis(i64::try_from(ms).ok()?);
    Some(at.since(now).min(LONGEST_RETRY_AFTER))
}

fn with_retry_after(advice: RetryAdvice, retry_after: Option<Duration>) -> RetryAdvice {
    retry_after.map_or(advice, |wait| RetryAdvice {
        first: wait.max(advice.first),
        longest: wait.max(advice.longest),
        ..advice
    })
}

fn without_body(http_status: u16) -> MetaError {
    MetaError {
        code: 0,
        title: format!("HTTP {http_status} without a readable error").into(),
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
    is_transient: bool,
}

/// Reads `{"error": {…}}`. Some endpoints give `error_data` as a bare string; the code may be a text.
fn read_error(body: &[u8]) -> Option<FoundError> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("error")?;
    let code = error.get("code")?;
    let code = code.as_i64().or_else(|| code.as_str()?.trim().parse().ok())?;
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
        is_transient: error
            .get("is_transient")
            .and_then(Value::as_bool)
            .unwrap_or_default(),
    })
}
