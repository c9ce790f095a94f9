//! Many elements in one body, and bad ones among good ones.

use proptest::prelude::*;

use super::*;

fn text(id: &str) -> Value {
    json!({ "id": id, "from": "16505551234", "timestamp": "1750030073", "type": "text", "text": { "body": "x" } })
}

fn kinds(body: &[u8]) -> Vec<&'static str> {
    elements(body).iter().map(Element::kind).collect()
}

#[test]
fn entries_changes_and_elements_come_in_their_order() {
    let change = |ids: &[&str]| {
        let messages: Vec<Value> = ids.iter().map(|id| text(id)).collect();
        json!({ "field": "messages", "value": { "metadata": { "phone_number_id": "1" }, "messages": messages } })
    };
    let body = json!({ "entry": [
        { "id": "1", "changes": [change(&["a", "b"]), change(&["c"])] },
        { "id": "2", "changes": [change(&["d"])] },
    ] });
    let ids: Vec<(String, String)> = elements(body.to_string().as_bytes())
        .iter()
        .map(|element| match element {
            Element::Message(message) => (
                message.waba.as_ref().unwrap().as_str().to_owned(),
                message.wamid.as_str().to_owned(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [("1", "a"), ("1", "b"), ("1", "c"), ("2", "d")].map(|(waba, id)| (waba.to_owned(), id.to_owned()));
    assert_eq!(ids, expected);
}

#[test]
fn every_kind_of_part_is_told() {
    let body = messages_body(json!({
        "messages": [text("wamid.1")],
        "statuses": [{ "id": "wamid.2", "status": "sent", "timestamp": "1" }],
        "errors": [{ "code": 130_429 }, { "code": 131_035 }],
        "user_actions": [{ "action_type": "marketing_messages_link_click" }],
        "brand_new": { "x": 1 },
        "conversation_context": { "type": "summary", "summary": { "text": "s" } },
    }));
    let found = elements(&body);
    let parts: Vec<String> = found
        .iter()
        .map(|element| match element {
            Element::Other(other) => other.part.to_string(),
            other => other.kind().to_owned(),
        })
        .collect();
    assert_eq!(
        parts,
        [
            "message",
            "status",
            "errors",
            "errors",
            "user_actions",
            "brand_new"
        ]
    );
    let Element::Message(message) = &found[0] else {
        panic!("not a message")
    };
    assert_eq!(
        message.content.to_value()["conversation_context"]["summary"]["text"],
        "s"
    );
    found.iter().for_each(assert_survives_replay);
}

#[test]
fn a_value_that_tells_nothing_is_kept_as_it_came() {
    let element = only(&messages_body(
        json!({ "contacts": [{ "wa_id": "16505551234" }] }),
    ));
    let Element::Other(other) = &element else {
        panic!("{element:?}")
    };
    assert_eq!(&*other.part, "value");
    assert_survives_replay(&element);
}

#[test]
fn bad_elements_do_not_cost_their_neighbours() {
    let body = messages_body(json!({
        "contacts": "none",
        "messages": [text("wamid.1"), null, 7, "x", [], text("wamid.2")],
        "statuses": "oops",
    }));
    assert_eq!(
        kinds(&body),
        [
            "message",
            "malformed",
            "malformed",
            "malformed",
            "malformed",
            "message",
            "malformed"
        ]
    );
    elements(&body).iter().for_each(assert_survives_replay);
}

#[test]
fn bad_entries_and_changes_do_not_cost_their_neighbours() {
    let good = json!({ "field": "messages", "value": { "metadata": { "phone_number_id": "1" }, "messages": [text("wamid.1")] } });
    let body = json!({ "entry": [
        null, 5, {}, "x", { "id": "1", "changes": 3 },
        { "id": "1", "changes": [null, {}, { "field": "messages" }, { "field": "messages", "value": "odd" }, good] },
        { "id": "1", "messaging": [{ "sender": "other product" }] },
    ] });
    let found = elements(body.to_string().as_bytes());
    let kinds: Vec<_> = found.iter().map(Element::kind).collect();
    let mut expected = vec!["malformed"; 9];
    expected.extend(["message", "other"]);
    assert_eq!(kinds, expected);
    found.iter().for_each(assert_survives_replay);
}

#[test]
fn a_single_object_where_a_list_belongs_counts_as_one() {
    let body = messages_body(json!({ "messages": text("wamid.1"), "errors": { "code": 1 } }));
    assert_eq!(kinds(&body), ["message", "other"]);
}

#[test]
fn messages_of_no_number_can_be_replayed() {
    for metadata in [
        json!({}),
        json!(null),
        json!("x"),
        json!({ "phone_number_id": "no spaces, please" }),
    ] {
        let body = messages_body(json!({ "metadata": metadata, "messages": [text("wamid.1")] }));
        let element = only(&body);
        let Element::Malformed(malformed) = &element else {
            panic!("{element:?}")
        };
        assert_eq!(malformed.reason, MalformedReason::NoNumber);
        assert!(String::from_utf8_lossy(&malformed.body).contains("wamid.1"));
        assert_survives_replay(&element);
    }
}

#[test]
fn deep_nesting_costs_only_its_own_element() {
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"1"}},"messages":[{},
        {{"id":"wamid.2","from":"16505551234","timestamp":"1","type":"text","text":{deep}}},{}]}}}},
        {{"field":"flows","value":{deep}}}]}}]}}"#,
        text("wamid.1"),
        text("wamid.3"),
    );
    assert_eq!(
        kinds(body.as_bytes()),
        ["message", "malformed", "message", "malformed"]
    );
    for element in elements(body.as_bytes()) {
        assert_survives_replay(&element);
    }
}

#[test]
fn brackets_within_texts_are_not_nesting() {
    let mut message = text("wamid.1");
    message["text"]["body"] = "[{\"".repeat(500).into();
    assert_eq!(
        kinds(&messages_body(json!({ "messages": [message] }))),
        ["message"]
    );
}

#[test]
fn a_thousand_elements_are_read_one_by_one() {
    let statuses: Vec<Value> = (0..1_000)
        .map(|n| json!({ "id": format!("wamid.{n}"), "status": "delivered", "timestamp": "1", "recipient_id": format!("1650555{n:04}") }))
        .collect();
    let cards: Vec<Value> = (0..1_000)
        .map(|n| json!({ "wa_id": format!("1650555{n:04}"), "user_id": format!("US.{n}") }))
        .collect();
    let found = elements(&messages_body(json!({ "contacts": cards, "statuses": statuses })));
    assert_eq!(found.len(), 1_000);
    for (n, element) in found.iter().enumerate() {
        let Element::Status(status) = element else {
            panic!("{element:?}")
        };
        assert_eq!(status.wamid.as_str(), format!("wamid.{n}"));
        assert_eq!(bsuid(&status.aliases), Some(format!("US.{n}").as_str()));
    }
}

#[test]
fn bytes_that_are_no_text_cost_only_themselves() {
    let mut body = messages_body(json!({ "messages": [text("wamid.1")] }));
    let place = body
        .windows(10)
        .position(|window| window == br#""body":"x""#)
        .unwrap();
    body[place + 8] = 0xff;
    let Element::Message(message) = only(&body) else {
        panic!("not a message")
    };
    assert_eq!(message.content.to_value()["text"]["body"], "\u{fffd}");
}

#[test]
fn only_what_is_no_webhook_at_all_is_refused() {
    for body in ["", "x", "{", r#"{"entry":[}"#] {
        assert!(
            matches!(parse(body.as_bytes()), Err(ParseError::NotJson(_))),
            "{body}"
        );
    }
    for body in ["{}", "[]", "null", r#"{"entry":null}"#, r#"{"entry":{}}"#] {
        assert_eq!(
            parse(body.as_bytes()).unwrap_err(),
            ParseError::NoEntries,
            "{body}"
        );
    }
    assert!(elements(br#"{"object":"whatsapp_business_account","entry":[]}"#).is_empty());
}

/// JSON built from the words of webhooks, so that garbage gets deep into the reader.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "entry",
        "changes",
        "field",
        "value",
        "messages",
        "statuses",
        "contacts",
        "metadata",
        "phone_number_id",
        "id",
        "from",
        "from_user_id",
        "timestamp",
        "type",
        "text",
        "system",
        "errors",
        "status",
        "sent",
        "wa_id",
        "profile",
        "name",
        "user_id",
        "pricing",
        "1750030073",
        "user_changed_number",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&body);
    }

    #[test]
    fn no_json_makes_the_reader_panic_or_lose_an_element(list in prop::collection::vec(any_json(), 0..5), whole in any_json()) {
        let _ = parse(whole.to_string().as_bytes());
        let _ = parse(json!({ "entry": [{ "changes": [{ "field": "messages", "value": whole }] }] }).to_string().as_bytes());
        let body = messages_body(json!({ "messages": list }));
        prop_assert_eq!(elements(&body).len(), list.len().max(1));
    }

    #[test]
    fn whatever_is_put_aside_can_be_replayed(value in any_json()) {
        let body = json!({ "entry": [value] }).to_string();
        for element in elements(body.as_bytes()) {
            prop_assert!(parse(&element.to_single_webhook()).is_ok());
        }
    }

    #[test]
    fn a_cut_or_flipped_body_never_panics(at in 0_usize..900, byte: u8) {
        let mut body = messages_body(json!({
            "contacts": [{ "profile": { "name": "Ana" }, "wa_id": "16505551234", "user_id": "US.1" }],
            "messages": [text("wamid.1"), text("wamid.2")],
            "statuses": [{ "id": "wamid.3", "status": "sent", "timestamp": "1" }],
        }));
        let place = at % body.len();
        let _ = parse(&body[..place]);
        body[place] = byte;
        let _ = parse(&body);
    }
}
