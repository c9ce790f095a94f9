use std::collections::BTreeSet;

use super::*;
use crate::actors::request::Missing;
use crate::domain::ContactId;

const DOCS: &str = include_str!("../../../docs/api.md");

/// The rows of the table below "### Error codes".
fn documented() -> Vec<(String, u16, String)> {
    let section = DOCS.split("## Error codes").nth(1).unwrap();
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (
                cells[1].trim_matches('`').to_owned(),
                cells[2].parse().unwrap(),
                cells[3].to_owned(),
            )
        })
        .collect()
}

#[test]
fn the_documentation_lists_exactly_the_codes_that_exist() {
    let table: Vec<(String, u16, String)> = ErrorCode::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), code.status(), code.meaning().to_owned()))
        .collect();
    assert_eq!(documented(), table);
}

#[test]
fn codes_are_distinct_lower_case_words_with_an_error_status() {
    let codes: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        assert!(
            code.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        );
        assert!((400..600).contains(&code.status()), "{code:?}");
    }
}

fn shown(error: &ApiError) -> serde_json::Value {
    serde_json::to_value(error.body()).unwrap()
}

#[test]
fn each_refusal_has_its_code() {
    let second = Some(Duration::from_secs(1));
    let five = Some(Duration::from_secs(5));
    let table = [
        (Refusal::UnknownTenant, "not_found", 404, None),
        (Refusal::NotFound(Missing::Message), "not_found", 404, None),
        (Refusal::UnknownNumber, "unknown_number", 422, None),
        (Refusal::WindowClosed, "window_closed", 422, None),
        (
            Refusal::ConversationChanged(Seq::new(7)),
            "conversation_changed",
            409,
            None,
        ),
        (
            Refusal::ContactExists(ContactId::from_bytes([1; 16])),
            "contact_exists",
            409,
            None,
        ),
        (Refusal::OtherRequest, "idempotency_mismatch", 422, None),
        (Refusal::InProgress, "idempotency_in_progress", 409, second),
        (Refusal::AlreadyClaimed, "too_late", 409, None),
        (Refusal::OutcomeKnown, "too_late", 409, None),
        (Refusal::QueueFull, "queue_full", 429, five),
        (Refusal::Busy, "busy", 503, second),
        (
            Refusal::Unavailable { retry_after: None },
            "unavailable",
            503,
            five,
        ),
        (
            Refusal::Unavailable { retry_after: second },
            "unavailable",
            503,
            second,
        ),
        (Refusal::Uncertain, "uncertain", 503, second),
        (
            Refusal::Invalid("to: not a phone".to_owned()),
            "invalid_request",
            400,
            None,
        ),
    ];
    for (refusal, code, status, retry) in table {
        let error = ApiError::from(refusal.clone());
        assert_eq!(
            (error.code().as_str(), error.code().status()),
            (code, status),
            "{refusal:?}"
        );
        assert_eq!(error.retry_in(), retry, "{refusal:?}");
    }
}

#[test]
fn a_changed_conversation_says_where_its_newest_message_stands() {
    let error = ApiError::from(Refusal::ConversationChanged(Seq::new(7)));
    assert_eq!(shown(&error)["newest_seq"], 7);
}

#[test]
fn who_makes_a_contact_that_is_there_is_told_which() {
    let contact = ContactId::from_bytes([1; 16]);
    let error = ApiError::from(Refusal::ContactExists(contact));
    assert_eq!(shown(&error)["contact_id"], contact.to_string());
}

#[test]
fn a_broken_store_is_not_described_to_the_caller() {
    for kind in [
        StoreErrorKind::Corrupt,
        StoreErrorKind::Invalid,
        StoreErrorKind::Fenced,
        StoreErrorKind::HeadMoved,
    ] {
        let error = ApiError::from(StoreError::new(kind, "row 17 of /data/x"));
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(error.cause().unwrap().contains("row 17"));
        assert!(!shown(&error).to_string().contains("row 17"));
    }
    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::Overloaded,
        StoreErrorKind::Full,
    ] {
        let error = ApiError::from(StoreError::new(kind, "disk /dev/x").retry_after(Duration::from_secs(9)));
        assert_eq!(
            (error.code(), error.retry_in()),
            (ErrorCode::Unavailable, Some(Duration::from_secs(9)))
        );
        assert!(!shown(&error).to_string().contains("disk"));
    }
    let lost = ApiError::from(StoreError::new(StoreErrorKind::Unknown, "lost"));
    assert_eq!(lost.code(), ErrorCode::Uncertain);
}

#[actix_web::test]
async fn a_wait_is_told_in_milliseconds_and_in_whole_seconds_rounded_up() {
    let error = ApiError::new(ErrorCode::RateLimited).retry_after(Duration::from_millis(1_200));
    let response = error.error_response();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "2");
    let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"error": {
            "code": "rate_limited", "message": ErrorCode::RateLimited.meaning(), "retry_after_ms": 1_200
        }})
    );
}

#[test]
fn what_a_caller_sent_is_not_given_back_at_length() {
    for long in ["x".repeat(250_000), "é".repeat(125_000)] {
        let error = ApiError::invalid(format!("unknown field `{long}`"));
        assert_eq!(error.message().chars().count(), LONGEST + 1);
    }
    assert_eq!(ApiError::invalid("é").message(), "é");
}
