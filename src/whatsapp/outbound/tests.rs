//! What may be sent and what may not, kind by kind.

mod interactive;
mod plain;
mod samples;
mod template;

use serde_json::{Value, json};

use super::*;

fn parse(request: &Value) -> Result<OutboundContent, ContentError> {
    parse_outbound(&serde_json::value::to_raw_value(request).unwrap())
}

/// A request of a kind, with its object.
fn request(kind: &str, object: Value) -> Value {
    json!({ "type": kind, kind: object })
}

fn assert_passes(request: &Value) {
    let passed = parse(request).unwrap_or_else(|refused| panic!("{refused}\n{request}"));
    let kind = passed.content.kind().as_str().to_owned();
    assert_eq!(
        passed.content.to_value()[&kind],
        request[&kind],
        "the object must stay as it is"
    );
}

/// Asserts that a request is refused, where, and that the words contain a hint.
fn assert_refused(request: &Value, path: &str, hint: &str) {
    match parse(request) {
        Ok(_) => panic!("passed: {request}"),
        Err(refused) => {
            assert_eq!(refused.path, path, "{refused}\n{request}");
            assert!(refused.problem.contains(hint), "{refused:?} lacks {hint:?}");
        }
    }
}

/// A copy with one value replaced, added, or (with null) removed.
fn with(request: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = request.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
        }
        Value::Array(array) => array[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other} has no {key}"),
    }
    changed
}

fn long(characters: usize) -> Value {
    "ü".repeat(characters).into()
}

#[test]
fn content_keeps_the_callers_bytes_and_leaves_out_what_is_not_the_messages() {
    let raw = r#"{"to":"+1 650","priority":"bulk","text":{"body":"a\u00e9",  "preview_url":false},"type":"text",
        "context":{"message_id":"wamid.0"},"biz_opaque_callback_data":"mine","recipient_type":"individual"}"#;
    let passed = parse_outbound(&RawValue::from_string(raw.to_owned()).unwrap()).unwrap();
    assert_eq!(
        passed.content.json().get(),
        r#"{"type":"text","text":{"body":"a\u00e9",  "preview_url":false},"context":{"message_id":"wamid.0"}}"#
    );
    assert_eq!(
        (passed.class, passed.audience),
        (MessageClass::Service, Audience::Individual)
    );
}

#[test]
fn a_text_without_a_type_is_a_text() {
    let passed = parse(&json!({ "text": { "body": "x" } })).unwrap();
    assert_eq!(
        passed.content.to_value(),
        json!({ "type": "text", "text": { "body": "x" } })
    );
}

#[test]
fn kinds_that_cannot_be_sent_are_refused_with_those_that_can() {
    for kind in ["hologram", "order", "system", "note", "button", "TEXT", ""] {
        assert_refused(&request(kind, json!({})), "type", "one of text, image");
    }
    assert_refused(&json!({}), "type", "is missing");
    assert_refused(&json!({ "type": 5 }), "type", "must be a text");
    assert_refused(&json!({ "type": "image" }), "image", "is missing");
    assert_refused(&json!({ "type": "image", "image": null }), "image", "is missing");
    assert_refused(&json!([1]), "$", "object");
    assert_refused(&json!("x"), "$", "object");
}

#[test]
fn a_group_is_an_audience_of_its_own() {
    let text = json!({ "type": "text", "text": { "body": "x" }, "recipient_type": "group" });
    assert_eq!(parse(&text).unwrap().audience, Audience::Group);
    assert_refused(
        &with(&text, "/recipient_type", json!("crowd")),
        "recipient_type",
        "individual or group",
    );
}

#[test]
fn a_text_that_says_its_category_needs_no_template() {
    let text = json!({ "type": "text", "text": { "body": "x" }, "category": "utility", "ttl_seconds": 600 });
    let passed = parse(&text).unwrap();
    assert_eq!(passed.class, MessageClass::Direct);
    let kept: Value = serde_json::from_str(passed.content.json().get()).unwrap();
    assert_eq!(kept, text, "all of it goes to Meta");
    for (path, value, field, problem) in [
        (
            "/category",
            json!("marketing"),
            "category",
            "utility or authentication",
        ),
        ("/ttl_seconds", json!(29), "ttl_seconds", "from 30 to 43200"),
        ("/ttl_seconds", json!("600"), "ttl_seconds", "whole number"),
        (
            "/direct_send_config",
            json!({}),
            "direct_send_config.template_name",
            "is missing",
        ),
        ("/recipient_type", json!("group"), "category", "one customer"),
    ] {
        assert_refused(&with(&text, path, value), field, problem);
    }
    let code = with(&text, "/category", json!("authentication"));
    assert_passes(&code);
    assert_refused(
        &with(&code, "/ttl_seconds", json!(901)),
        "ttl_seconds",
        "from 30 to 900",
    );
}

#[test]
fn what_only_half_says_that_it_needs_no_template_is_refused_rather_than_dropped() {
    let text = request("text", json!({ "body": "x" }));
    for key in ["ttl_seconds", "direct_send_config"] {
        assert_refused(
            &with(&text, &format!("/{key}"), json!(60)),
            key,
            "needs `category`",
        );
    }
    let place = json!({ "latitude": 1.5, "longitude": 2.5 });
    let place = with(&request("location", place), "/category", json!("utility"));
    assert_refused(&place, "category", "texts and interactive messages");
}

#[test]
fn a_reply_names_its_message_and_a_reaction_is_no_reply() {
    let text = json!({ "type": "text", "text": { "body": "x" }, "context": { "message_id": "wamid.0" } });
    assert_passes(&text);
    assert_refused(
        &with(&text, "/context", json!({})),
        "context.message_id",
        "is missing",
    );
    assert_refused(&with(&text, "/context", json!("wamid.0")), "context", "object");
    let reaction = json!({
        "type": "reaction", "reaction": { "message_id": "wamid.0", "emoji": "😀" }, "context": { "message_id": "wamid.0" },
    });
    assert_refused(&reaction, "context", "not allowed");
}

#[test]
fn each_class_has_its_rules() {
    let class = |request: Value| parse(&request).unwrap().class;
    assert_eq!(
        class(request("text", json!({ "body": "x" }))),
        MessageClass::Service
    );
    assert_eq!(
        class(request(
            "reaction",
            json!({ "message_id": "wamid.0", "emoji": "" })
        )),
        MessageClass::Reaction
    );
    assert_eq!(
        class(request(
            "template",
            json!({ "name": "hello_world", "language": { "code": "en_US" } })
        )),
        MessageClass::Template {
            name: "hello_world".to_owned(),
            language: "en_US".to_owned()
        }
    );
}

#[test]
fn nesting_too_deep_to_read_is_refused() {
    let raw = format!(
        r#"{{"type":"text","text":{}{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let refused = parse_outbound(&RawValue::from_string(raw).unwrap()).unwrap_err();
    assert_eq!(refused.path, "text");
}
