//! Shapes that no document promises, and that came or may come all the same.

use super::*;

#[test]
fn content_is_metas_object_without_its_envelope() {
    let message = message(json!({
        "from": "16505551234", "from_logical_id": "89", "id": "wamid.1", "timestamp": "1750030073", "type": "image",
        "context": { "from": "15550783881", "id": "wamid.0" }, "referral": { "source_id": "7" },
        "image": { "id": "9", "caption": "c" }, "brand_new": [1, 2],
    }));
    assert_eq!(
        message.content.to_value(),
        json!({
            "type": "image", "context": { "from": "15550783881", "id": "wamid.0" }, "referral": { "source_id": "7" },
            "image": { "id": "9", "caption": "c" }, "brand_new": [1, 2],
        })
    );
    assert!(message.content.json().get().starts_with(r#"{"type":"image""#));
}

#[test]
fn kinds_that_come_without_their_object_are_messages_all_the_same() {
    let cases = [
        (json!({ "type": "interactive" }), "interactive"),
        (
            json!({ "type": "button", "button": { "payload": "p", "text": "t" } }),
            "button",
        ),
        (
            json!({ "type": "reaction", "reaction": { "message_id": "wamid.0" } }),
            "reaction",
        ),
        (
            json!({ "type": "unsupported", "errors": [{ "code": 131_051 }] }),
            "unsupported",
        ),
        (
            json!({ "type": "edit", "edit": { "original_message_id": "wamid.0" } }),
            "edit",
        ),
        (
            json!({ "type": "revoke", "revoke": { "original_message_id": "wamid.0" } }),
            "revoke",
        ),
        (
            json!({ "type": "hologram", "hologram": { "depth": 3 } }),
            "hologram",
        ),
        (json!({ "type": 7 }), "7"),
        (json!({ "text": { "body": "no type" } }), "text"),
        (json!({ "nothing": "known" }), "unknown"),
        (json!({ "type": null, "sticker": {} }), "sticker"),
    ];
    for (mut fields, kind) in cases {
        fields["id"] = "wamid.1".into();
        fields["from"] = "16505551234".into();
        fields["timestamp"] = "1750030073".into();
        let read = message(fields.clone());
        assert_eq!(read.content.kind().as_str(), kind, "{fields}");
        assert_eq!(read.content.to_value()["type"], kind, "{fields}");
    }
}

#[test]
fn numbers_may_be_texts_and_texts_numbers() {
    let body = r#"{"entry":[{"id":102290129340398,"time":"1750030000","changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":106540352242922,"display_phone_number":15550783881},
        "messages":[{"id":"wamid.1","from":16505551234,"timestamp":1750030073,"type":"text","text":{"body":"x"}}]}}]}]}"#;
    let Element::Message(message) = only(body.as_bytes()) else {
        panic!("not a message")
    };
    assert_eq!(message.number.as_str(), "106540352242922");
    assert_eq!(
        message.waba.as_ref().map(|id| id.as_str()),
        Some("102290129340398")
    );
    assert_eq!(phone(&message.aliases), Some("16505551234"));
    assert_eq!(message.at, Timestamp::from_secs(1_750_030_073));
}

#[test]
fn times_are_seconds_or_milliseconds_and_fall_back_to_that_of_the_entry() {
    let at = |timestamp: Value| {
        let body = json!({ "entry": [{ "time": 1_750_000_000, "changes": [{ "field": "messages", "value": {
            "metadata": { "phone_number_id": "1" },
            "messages": [{ "id": "wamid.1", "from": "16505551234", "timestamp": timestamp, "type": "text" }],
        } }] }] });
        let element = only(body.to_string().as_bytes());
        assert_survives_replay(&element);
        match element {
            Element::Message(message) => message.at.as_millis(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at(json!("1750030073")), 1_750_030_073_000);
    assert_eq!(at(json!(1_750_030_073_123_i64)), 1_750_030_073_123);
    for odd in [json!(null), json!("yesterday"), json!(-5), json!({})] {
        assert_eq!(at(odd), 1_750_000_000_000);
    }
    // A whole second, but so late that it could only be read as milliseconds.
    assert_eq!(at(json!("179590102290120000")), 179_590_102_290_120_000);
}

#[test]
fn the_time_of_an_entry_in_milliseconds_survives_a_replay() {
    let body = json!({ "entry": [{ "id": "1", "time": 1_750_000_000_123_i64, "changes": [
        { "field": "account_update", "value": { "event": "VERIFIED_ACCOUNT" } },
    ] }] });
    let element = only(body.to_string().as_bytes());
    assert_survives_replay(&element);
    let Element::Other(other) = element else { panic!() };
    assert_eq!(other.at, Some(Timestamp::from_millis(1_750_000_000_123)));
}

#[test]
fn odd_changes_beside_other_keys_are_put_aside_without_these() {
    let body = br#"{"object":"whatsapp_business_account","entry":[
        {"id":"102","time":1795900000,"changes":{"odd":1},"surprise":{"a":[1]},"more":2}]}"#;
    let found = elements(body);
    let kinds: Vec<_> = found.iter().map(Element::kind).collect();
    assert_eq!(kinds, ["other", "other", "malformed"]);
    for element in &found {
        assert_survives_replay(element);
    }
}

#[test]
fn escaped_text_and_escaped_keys_read_like_plain_ones() {
    let body = r#"{"entry":[{"changes":[{"fiel\u0064":"messages","value":{"metadata":{"phone_number_id":"1"},
        "contacts":[{"profile":{"name":"Jos\u00e9 \ud83d\ude00"},"wa_id":"16505551234"}],
        "messages":[{"\u0069d":"wamid.1","from":"16505551234","timestamp":"1","type":"te\u0078t",
        "text":{"body":"\u00e9\ud83d\ude00 cut \ud83d"}}]}}]}]}"#;
    let Element::Message(message) = only(body.as_bytes()) else {
        panic!("not a message")
    };
    assert_eq!(message.name.as_deref(), Some("José 😀"));
    assert_eq!(message.content.to_value()["text"]["body"], "é😀 cut \u{fffd}");
}

#[test]
fn of_a_repeated_key_the_last_one_counts() {
    let body = r#"{"entry":[],"entry":[{"changes":[{"field":"x","field":"messages","value":{"metadata":{"phone_number_id":"1"},
        "messages":[{"id":"wamid.0","id":"wamid.1","from":"16505551234","timestamp":"1","type":"text",
        "text":{"body":"first"},"text":{"body":"second"}}]}}]}]}"#;
    let Element::Message(message) = only(body.as_bytes()) else {
        panic!("not a message")
    };
    assert_eq!(message.wamid.as_str(), "wamid.1");
    assert_eq!(
        message.content.json().get(),
        r#"{"type":"text","text":{"body":"second"}}"#
    );
}

#[test]
fn a_message_that_cannot_be_placed_is_kept_as_it_came() {
    for odd in [
        json!({ "from": "16505551234", "timestamp": "1", "type": "text" }),
        json!({ "id": "", "from": "16505551234", "timestamp": "1", "type": "text" }),
        json!({ "id": "wamid.1", "timestamp": "1", "type": "text" }),
        json!({ "id": "wamid.1", "from": "16505551234", "type": "text" }),
        json!({}),
    ] {
        let element = only(&messages_body(json!({ "messages": [odd] })));
        let Element::Other(other) = &element else {
            panic!("{odd} was read as a message")
        };
        assert_eq!((&*other.part, other.number.is_some()), ("messages", true));
        assert_survives_replay(&element);
    }
}

#[test]
fn fields_that_tell_of_no_message_are_kept_whole() {
    for (field, value) in [
        ("calls", json!({ "calls": [{ "id": "wacid.1" }] })),
        ("a_field_of_next_year", json!({ "anything": 1 })),
    ] {
        let mut value = value;
        value["metadata"] =
            json!({ "phone_number_id": "106540352242922", "display_phone_number": "15550783881" });
        let body = json!({ "entry": [{ "id": "1", "changes": [{ "field": field, "value": value }] }] });
        let element = only(body.to_string().as_bytes());
        let Element::Other(other) = &element else {
            panic!("{field} was read as something else")
        };
        assert_eq!((&*other.field, &*other.part), (field, "value"));
        assert_eq!(
            other.number.as_ref().map(|id| id.as_str()),
            Some("106540352242922"),
            "{field}"
        );
        assert_survives_replay(&element);
    }
}

#[test]
fn other_fields_tell_number_and_account_wherever_they_name_them() {
    let cases = [
        (
            json!({ "recipient": { "phone_number_id": "5" } }),
            Some("5"),
            Some("1"),
        ),
        (
            json!({ "phone_number_settings": { "phone_number_id": "6" } }),
            Some("6"),
            Some("1"),
        ),
        (json!({ "waba_info": { "waba_id": "77" } }), None, Some("77")),
        (json!({ "event": "x" }), None, Some("1")),
        (json!([1]), None, Some("1")),
        (json!(3), None, Some("1")),
    ];
    for (value, number, waba) in cases {
        let body = json!({ "entry": [{ "id": "1", "time": 9, "changes": [{ "field": "account_update", "value": value }] }] });
        let element = only(body.to_string().as_bytes());
        let Element::Other(other) = &element else {
            panic!("{value}")
        };
        assert_eq!(other.number.as_ref().map(|id| id.as_str()), number, "{value}");
        assert_eq!(other.waba.as_ref().map(|id| id.as_str()), waba, "{value}");
        assert_survives_replay(&element);
    }
}

#[test]
fn a_repetition_has_the_same_key_and_any_difference_another() {
    let key = |id: &str, time: i64, field: &str, value: Value| {
        let body =
            json!({ "entry": [{ "id": id, "time": time, "changes": [{ "field": field, "value": value }] }] });
        match only(body.to_string().as_bytes()) {
            Element::Other(other) => other.key,
            other => panic!("{other:?}"),
        }
    };
    let first = key("1", 5, "flows", json!({ "event": "A" }));
    assert_eq!(first, key("1", 5, "flows", json!({ "event": "A" })));
    for other in [
        key("2", 5, "flows", json!({ "event": "A" })),
        key("1", 6, "flows", json!({ "event": "A" })),
        key("1", 5, "security", json!({ "event": "A" })),
        key("1", 5, "flows", json!({ "event": "B" })),
    ] {
        assert_ne!(first, other);
    }
}

#[test]
fn elements_show_nothing_personal_in_debug() {
    let body = messages_body(json!({
        "contacts": [{ "profile": { "name": "Secretname", "username": "secretuser" }, "wa_id": "16505551234" }],
        "messages": [
            { "id": "wamid.SECRETID", "from": "16505551234", "timestamp": "1", "type": "text", "text": { "body": "secrettext" } },
            { "from": "16505551234", "text": { "body": "secrettext" } },
            "secrettext",
        ],
        "statuses": [{
            "id": "wamid.SECRETID", "status": "sent", "timestamp": "1", "recipient_id": "16505551234",
            "biz_opaque_callback_data": "secretdata",
        }],
    }));
    let shown = format!("{:?}", elements(&body)).to_ascii_lowercase();
    assert!(
        !shown.contains("secret") && !shown.contains("16505551234"),
        "{shown}"
    );
}
