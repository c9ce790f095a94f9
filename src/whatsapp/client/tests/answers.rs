use std::time::Duration;

use serde_json::{Value, json};

use super::super::answer::{Answer, read_other, read_retry_after, read_send};
use super::*;
use crate::domain::Timestamp;
use crate::whatsapp::error::{ContactRefusal, PauseReason, RetryScope};

fn send(http_status: u16, body: &str) -> SendResult {
    read_send(&Answer {
        http_status,
        retry_after: None,
        body: Some(body.as_bytes()),
    })
}

fn error(code: Value) -> String {
    json!({ "error": { "message": "(#1) Said", "type": "OAuthException", "code": code, "error_data": { "details": "Why" } } })
        .to_string()
}

fn accepted(message: Value) -> String {
    json!({ "messaging_product": "whatsapp", "contacts": [{ "input": "+1", "wa_id": "1" }], "messages": [message] }).to_string()
}

#[test]
fn an_accepted_message_tells_its_id_and_whether_it_is_held() {
    let cases = [
        (json!({ "id": "wamid.1" }), Acceptance::Sending),
        (
            json!({ "id": "wamid.1", "message_status": "accepted" }),
            Acceptance::Sending,
        ),
        (
            json!({ "id": "wamid.1", "message_status": "held_for_quality_assessment" }),
            Acceptance::Held,
        ),
        (
            json!({ "id": "wamid.1", "message_status": "paused" }),
            Acceptance::Held,
        ),
        (
            json!({ "id": "wamid.1", "message_status": "something new" }),
            Acceptance::Sending,
        ),
        (
            json!({ "id": "wamid.1", "message_status": 5 }),
            Acceptance::Sending,
        ),
    ];
    for (message, acceptance) in cases {
        let expected = SendResult::Accepted {
            wamid: Wamid::parse("wamid.1").unwrap(),
            acceptance,
            recipient: crate::domain::ContactAliases::default(),
        };
        assert_eq!(send(200, &accepted(message.clone())), expected, "{message}");
    }
}

#[test]
fn a_success_without_a_readable_id_is_ambiguous() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"messages":[]}"#,
        r#"{"messages":[{}]}"#,
        r#"{"messages":[{"id":""}]}"#,
    ] {
        assert!(
            matches!(
                send(200, body),
                SendResult::Ambiguous {
                    cause: AmbiguousCause::Unreadable,
                    ..
                }
            ),
            "{body}"
        );
    }
    let cut_off = Answer {
        http_status: 200,
        retry_after: None,
        body: None,
    };
    assert!(matches!(read_send(&cut_off), SendResult::Ambiguous { .. }));
}

#[test]
fn throttling_is_not_acceptance_and_says_whom_it_concerns() {
    for (code, scope) in [
        (130_429, RetryScope::Number),
        (131_056, RetryScope::Pair),
        (80007, RetryScope::Account),
        (80008, RetryScope::Account),
        (4, RetryScope::Account),
        (17, RetryScope::Account),
        (32, RetryScope::Account),
        (613, RetryScope::Account),
    ] {
        let SendResult::NotAccepted { retry, cause, error } = send(400, &error(code.into())) else {
            panic!("{code} was taken for something else")
        };
        assert_eq!(
            (retry.scope, cause),
            (scope, NotAcceptedCause::Throttled),
            "{code}"
        );
        assert_eq!(error.unwrap().code, code);
    }
}

#[test]
fn refusals_carry_metas_words_and_their_reach() {
    let cases = [
        (400, 131_047, RefusalScope::Message),
        (
            400,
            131_050,
            RefusalScope::Contact(ContactRefusal::MarketingStopped),
        ),
        (400, 132_015, RefusalScope::Template),
        (401, 190, RefusalScope::Lane(PauseReason::AccessToken)),
        (400, 131_048, RefusalScope::Bulk(PauseReason::SpamLimit)),
        (400, 987_654, RefusalScope::Message),
    ];
    for (status, code, scope) in cases {
        let error = MetaError {
            code,
            title: "(#1) Said".into(),
            details: Some("Why".into()),
        };
        assert_eq!(
            send(status, &self::error(code.into())),
            SendResult::Refused { scope, error },
            "{code}"
        );
    }
}

#[test]
fn server_errors_are_ambiguous_whatever_their_body() {
    for (status, body) in [
        (500, error(131_000.into())),
        (503, error(2.into())),
        (500, error(987_654.into())),
        (500, error(130_429.into())),
        (502, "<html>Bad gateway</html>".to_owned()),
        (504, String::new()),
    ] {
        let result = send(status, &body);
        assert!(
            matches!(
                result,
                SendResult::Ambiguous {
                    cause: AmbiguousCause::ServerError,
                    ..
                }
            ),
            "{status} {body}: {result:?}"
        );
    }
    assert!(matches!(
        send(408, ""),
        SendResult::Ambiguous {
            cause: AmbiguousCause::Timeout,
            ..
        }
    ));
}

#[test]
fn an_undocumented_error_that_calls_itself_transient_is_ambiguous() {
    let transient = json!({ "error": { "message": "m", "type": "OAuthException", "code": 987_654, "is_transient": true } }).to_string();
    assert!(matches!(send(400, &transient), SendResult::Ambiguous { .. }));
    let known =
        json!({ "error": { "message": "m", "fbtrace_id": "A", "code": 131_047, "is_transient": true } })
            .to_string();
    assert!(matches!(send(400, &known), SendResult::Refused { .. }));
    assert!(matches!(send(429, &transient), SendResult::NotAccepted { .. }));
}

#[test]
fn an_answer_that_is_not_the_graph_apis_fails_no_message_and_says_what_came() {
    for (status, body) in [
        (404, "<html>"),
        (401, "<html>Sign in to the proxy</html>"),
        (413, ""),
        (302, ""),
        (400, r#"{"error":{}}"#),
        (403, r#"{"message":"Forbidden"}"#),
        (400, r#"{"error":"x"}"#),
        (
            403,
            r#"{"error":{"code":403,"message":"Forbidden","status":"PERMISSION_DENIED"}}"#,
        ),
        (404, r#"{"error":{"code":404,"message":"Not Found"}}"#),
        (
            400,
            r#"{"error":{"code":400,"message":"Bad","type":"bad_request"}}"#,
        ),
        (401, r#"{"error":{"code":"190","message":"Sign in"}}"#),
        (400, r#"{"error":{"code":100,"message":"Bad","fbtrace_id":""}}"#),
        (300, ""),
        (304, ""),
    ] {
        let SendResult::NotAccepted { cause, error, .. } = send(status, body) else {
            panic!("{status} {body}")
        };
        assert_eq!(cause, NotAcceptedCause::NotGraph, "{status} {body}");
        let error = error.unwrap();
        assert_eq!(error.code, 0, "{status} {body}");
        assert!(error.title.contains(&status.to_string()), "{error:?}");
    }
    // Whoever answers so may have passed the request on.
    for status in [303, 502] {
        let SendResult::Ambiguous { error, .. } = send(status, "<html>Elsewhere</html>") else {
            panic!("{status} proves nothing")
        };
        assert!(error.unwrap().title.contains(&status.to_string()));
    }
}

#[test]
fn subcode_and_type_say_that_the_number_cannot_be_seen() {
    let gone = json!({ "error": {
        "message": "Unsupported post request. Object with ID '7' does not exist", "type": "GraphMethodException",
        "code": 100, "error_subcode": 33, "fbtrace_id": "A",
    } });
    let SendResult::Refused { scope, error } = send(400, &gone.to_string()) else {
        panic!("it is a refusal")
    };
    assert_eq!(scope, RefusalScope::Lane(PauseReason::NumberNotReady));
    assert_eq!(error.code, 100);
    assert!(error.title.starts_with("Unsupported post request"));
}

#[test]
fn errors_are_read_in_every_shape_that_was_seen() {
    let cases = [
        (json!({ "code": "131047", "message": "M" }), 131_047, "M", None),
        (
            json!({ "code": 100, "error_data": "bare" }),
            100,
            "unknown error",
            Some("bare"),
        ),
        (
            json!({ "code": 100, "message": "", "error_user_title": "T", "error_user_msg": "U" }),
            100,
            "T",
            Some("U"),
        ),
    ];
    for (mut shape, code, title, details) in cases {
        shape["fbtrace_id"] = "A".into();
        let SendResult::Refused { error, .. } = send(400, &json!({ "error": shape }).to_string()) else {
            panic!("{shape}")
        };
        assert_eq!(
            (error.code, &*error.title, error.details.as_deref()),
            (code, title, details),
            "{shape}"
        );
    }
}

#[test]
fn patience_is_asked_for_in_seconds_or_by_date() {
    // Wed, 21 Oct 2026 07:28:00 GMT
    let now = Timestamp::from_secs(1_792_567_680);
    let cases = [
        ("7", Some(7)),
        (" 0 ", Some(0)),
        ("999999", Some(3_600)),
        ("Wed, 21 Oct 2026 07:28:30 GMT", Some(30)),
        ("Wed, 21 Oct 2026 07:27:00 GMT", Some(0)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ];
    for (header, seconds) in cases {
        assert_eq!(
            read_retry_after(header, now),
            seconds.map(Duration::from_secs),
            "{header}"
        );
    }
}

#[test]
fn a_longer_patience_is_honoured_and_a_shorter_one_does_not_shorten_the_advice() {
    let wait = |code: i64, asked: u64| {
        let body = error(code.into());
        let answer = Answer {
            http_status: 429,
            retry_after: Some(Duration::from_secs(asked)),
            body: Some(body.as_bytes()),
        };
        match read_send(&answer) {
            SendResult::NotAccepted { retry, .. } => retry.backoff.after(1).as_secs(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(130_429, 17), 17);
    assert_eq!(wait(130_429, 120), 120);
    assert_eq!(wait(4, 5), 300);
}

#[test]
fn other_calls_give_their_json_or_the_reason() {
    let other = |http_status, body: Option<&str>| {
        read_other(&Answer {
            http_status,
            retry_after: None,
            body: body.map(str::as_bytes),
        })
    };
    assert_eq!(
        other(200, Some(r#"{"success":true}"#)),
        Ok(json!({ "success": true }))
    );
    assert!(matches!(
        other(200, Some("<html>")),
        Err(GraphError::Unreadable(_))
    ));
    assert!(matches!(other(200, None), Err(GraphError::Unreachable(_))));
    let refused = other(401, Some(&error(190.into()))).unwrap_err();
    assert!(matches!(&refused, GraphError::Refused { http_status: 401, error } if error.code == 190));
    assert_eq!(
        refused.to_string(),
        "the Graph API answered 401: (#1) Said (code 190)"
    );
}

#[test]
fn an_answer_names_the_recipient_where_meta_knows_it_otherwise() {
    let names = |contact: Value| {
        let body = json!({ "contacts": [contact], "messages": [{ "id": "wamid.1" }] });
        match send(200, &body.to_string()) {
            SendResult::Accepted { recipient, .. } => recipient
                .strongest_first()
                .map(|alias| alias.value.to_string())
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    for (contact, expected) in [
        (
            json!({ "input": "+5551987654321", "wa_id": "555187654321" }),
            vec!["555187654321"],
        ),
        (
            json!({ "input": "+62 812-3456789", "wa_id": "628123456789" }),
            vec![],
        ),
        (json!({ "input": "ID.901", "user_id": "ID.901" }), vec![]),
        (
            json!({ "input": "+628123456789", "user_id": "ID.901" }),
            vec!["ID.901"],
        ),
        (json!({ "input": "Y2FwaV9n", "wa_id": "Y2FwaV9n" }), vec![]),
        (json!({ "wa_id": "628123456789" }), vec![]),
        (json!(null), vec![]),
    ] {
        assert_eq!(names(contact.clone()), expected, "{contact}");
    }
}
