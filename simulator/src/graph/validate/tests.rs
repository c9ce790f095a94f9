use super::*;
use serde_json::json;

fn code(value: &Value) -> Option<u32> {
    request(value).err().map(|error| error.code)
}

/// A request with a type and what it names.
fn message(kind: &str, content: Value) -> Value {
    let mut value = json!({"messaging_product": "whatsapp", "to": "+16505551234", "type": kind});
    value[kind] = content;
    value
}

fn interactive(kind: &str, action: Value) -> Value {
    message(
        "interactive",
        json!({"type": kind, "body": {"text": "b"}, "action": action}),
    )
}

fn long(length: usize) -> String {
    "é".repeat(length)
}

#[test]
fn envelopes_are_checked_as_meta_checks_them() {
    let text = json!({"body": "hi"});
    let cases = [
        ("plain", message("text", text.clone()), None),
        (
            "no product",
            json!({"to": "+16505551234", "type": "text", "text": text}),
            Some(100),
        ),
        (
            "another product",
            json!({"messaging_product": "sms", "to": "+16505551234", "text": text}),
            Some(100),
        ),
        ("not an object", json!([1]), Some(100)),
        (
            "nobody to send to",
            json!({"messaging_product": "whatsapp", "type": "text", "text": text}),
            Some(131_008),
        ),
        (
            "no phone number",
            json!({"messaging_product": "whatsapp", "to": "hello", "text": text}),
            Some(131_009),
        ),
        (
            "by user id",
            json!({"messaging_product": "whatsapp", "recipient": "US.13491208655302741918", "text": text}),
            None,
        ),
        (
            "by something else",
            json!({"messaging_product": "whatsapp", "recipient": "ana", "text": text}),
            Some(131_009),
        ),
        (
            "unknown recipient type",
            json!({"messaging_product": "whatsapp", "recipient_type": "crowd", "to": "+16505551234", "text": text}),
            Some(100),
        ),
        ("unknown type", message("hologram", json!({})), Some(131_051)),
        (
            "without what the type names",
            json!({"messaging_product": "whatsapp", "to": "+16505551234", "type": "image"}),
            Some(131_008),
        ),
        (
            "read",
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x",
                   "typing_indicator": {"type": "text"}}),
            None,
        ),
        (
            "read without a message",
            json!({"messaging_product": "whatsapp", "status": "read"}),
            Some(131_008),
        ),
        (
            "another status",
            json!({"messaging_product": "whatsapp", "status": "delivered", "message_id": "wamid.x"}),
            Some(131_009),
        ),
    ];
    for (label, value, wanted) in cases {
        assert_eq!(code(&value), wanted, "{label}");
    }
}

#[test]
fn to_wins_over_recipient() {
    let value = json!({"messaging_product": "whatsapp", "to": "+16505551234", "recipient": "US.1",
                       "text": {"body": "hi"}});
    let Ok(Request::Message(message)) = request(&value) else {
        panic!("a message")
    };
    assert!(matches!(message.to, Address::Phone { .. }));
}

#[test]
fn limits_hold_at_their_edges() {
    let token = |length| {
        let mut value = message("text", json!({"body": "hi"}));
        value["biz_opaque_callback_data"] = long(length).into();
        value
    };
    let button =
        |id: usize, title: usize| json!({"type": "reply", "reply": {"id": long(id), "title": long(title)}});
    let rows = |count: usize| -> Value {
        (0..count)
            .map(|row| json!({"id": row.to_string(), "title": "t"}))
            .collect()
    };
    let list = |sections: Value| interactive("list", json!({"button": "Choose", "sections": sections}));
    let url = |label: usize| {
        interactive(
            "cta_url",
            json!({"name": "cta_url", "parameters": {
            "display_text": long(label), "url": "https://shop.example.com/a?b=c"}}),
        )
    };
    let footer = |length: usize| {
        message(
            "interactive",
            json!({"type": "button", "body": {"text": "b"}, "footer": {"text": long(length)},
            "action": {"buttons": [button(1, 1)]}}),
        )
    };
    let link = "https://shop.example.com/a";
    let cases = [
        (
            "text",
            message("text", json!({"body": long(4_096)})),
            message("text", json!({"body": long(4_097)})),
        ),
        ("token", token(512), token(513)),
        (
            "caption",
            message("image", json!({"link": link, "caption": long(1_024)})),
            message("image", json!({"link": link, "caption": long(1_025)})),
        ),
        (
            "button title",
            interactive("button", json!({"buttons": [button(256, 20)]})),
            interactive("button", json!({"buttons": [button(256, 21)]})),
        ),
        (
            "button id",
            interactive("button", json!({"buttons": [button(256, 1)]})),
            interactive("button", json!({"buttons": [button(257, 1)]})),
        ),
        (
            "buttons",
            interactive(
                "button",
                json!({"buttons": [button(1, 1), button(2, 2), button(3, 3)]}),
            ),
            interactive(
                "button",
                json!({"buttons": [button(1, 1), button(2, 2), button(3, 3), button(4, 4)]}),
            ),
        ),
        (
            "rows",
            list(json!([{"rows": rows(10)}])),
            list(json!([{"rows": rows(11)}])),
        ),
        (
            "rows in all",
            list(json!([{"title": "a", "rows": rows(5)}])),
            list(json!([
                {"title": "a", "rows": rows(6)},
                {"title": "b", "rows": [{"id": "x1", "title": "t"}, {"id": "x2", "title": "t"},
                    {"id": "x3", "title": "t"}, {"id": "x4", "title": "t"}, {"id": "x5", "title": "t"}]}])),
        ),
        ("link label", url(20), url(21)),
        ("footer", footer(60), footer(61)),
        (
            "latitude",
            message("location", json!({"latitude": "90.0", "longitude": -180})),
            message("location", json!({"latitude": 90.1, "longitude": 0})),
        ),
    ];
    for (label, within, beyond) in cases {
        assert_eq!(code(&within), None, "{label} within");
        assert_eq!(code(&beyond), Some(131_009), "{label} beyond");
    }
}

#[test]
fn every_interactive_type_is_known_and_checked() {
    let flow = |parameters: Value| interactive("flow", json!({"name": "flow", "parameters": parameters}));
    let card = |index: usize, action: Value| {
        json!({"card_index": index, "type": "cta_url",
               "header": {"type": "image", "image": {"link": "https://shop.example.com/a.png"}},
               "body": {"text": "one"}, "action": action})
    };
    let url =
        json!({"name": "cta_url", "parameters": {"display_text": "Buy", "url": "https://shop.example.com"}});
    let quick = json!({"buttons": [{"type": "quick_reply", "quick_reply": {"id": "a", "title": "A"}}]});
    let good = [
        flow(json!({"flow_message_version": "3", "flow_id": "1", "flow_cta": "Go"})),
        interactive("location_request_message", json!({"name": "send_location"})),
        interactive("contact_request", json!({"name": "request_contact_info"})),
        interactive("request_contact_info", json!({"name": "request_contact_info"})),
        interactive("product", json!({"catalog_id": "1", "product_retailer_id": "2"})),
        message(
            "interactive",
            json!({"type": "product_list", "header": {"type": "text", "text": "h"},
            "body": {"text": "b"}, "action": {"catalog_id": "1", "sections": [
                {"title": "s", "product_items": [{"product_retailer_id": "2"}]}]}}),
        ),
        interactive("catalog_message", json!({"name": "catalog_message"})),
        interactive(
            "voice_call",
            json!({"name": "voice_call", "parameters": {"display_text": "Call"}}),
        ),
        interactive(
            "call_permission_request",
            json!({"name": "call_permission_request"}),
        ),
        interactive(
            "address_message",
            json!({"name": "address_message", "parameters": {"country": "IN"}}),
        ),
        interactive(
            "carousel",
            json!({"cards": [card(0, url.clone()), card(1, url.clone())]}),
        ),
        interactive(
            "carousel",
            json!({"cards": [card(0, quick.clone()), card(1, quick.clone())]}),
        ),
    ];
    for value in good {
        assert_eq!(code(&value), None, "{value}");
    }
    let bad = [
        ("an unknown type", interactive("riddle", json!({}))),
        (
            "a wrong name",
            interactive("location_request_message", json!({"name": "send"})),
        ),
        (
            "cards of two makes",
            interactive(
                "carousel",
                json!({"cards": [card(0, url.clone()), card(1, quick)]}),
            ),
        ),
        (
            "cards counted wrongly",
            interactive("carousel", json!({"cards": [card(0, url.clone()), card(2, url)]})),
        ),
        (
            "a flow by id and name",
            flow(
                json!({"flow_message_version": "3", "flow_id": "1", "flow_name": "n",
            "flow_cta": "Go"}),
            ),
        ),
        (
            "an old flow",
            flow(json!({"flow_message_version": "2", "flow_id": "1", "flow_cta": "Go"})),
        ),
        (
            "twin buttons",
            interactive(
                "button",
                json!({"buttons": [
            {"type": "reply", "reply": {"id": "a", "title": "A"}},
            {"type": "reply", "reply": {"id": "a", "title": "B"}}]}),
            ),
        ),
        (
            "a link that is none",
            interactive(
                "cta_url",
                json!({"name": "cta_url", "parameters": {
            "display_text": "Go", "url": "javascript:alert(1)"}}),
            ),
        ),
        (
            "a footer where none may be",
            message(
                "interactive",
                json!({"type": "location_request_message",
            "body": {"text": "b"}, "footer": {"text": "f"}, "action": {"name": "send_location"}}),
            ),
        ),
        (
            "a caption on sound",
            message(
                "audio",
                json!({"link": "https://shop.example.com/a.ogg", "caption": "c"}),
            ),
        ),
        (
            "words as a reaction",
            message("reaction", json!({"message_id": "wamid.x", "emoji": "nice"})),
        ),
    ];
    for (label, value) in bad {
        assert_eq!(code(&value), Some(131_009), "{label}");
    }
}

#[test]
fn a_card_needs_more_than_a_formatted_name() {
    let card = |name: Value| message("contacts", json!([{"name": name}]));
    assert_eq!(
        code(&card(json!({"formatted_name": "Ana P", "first_name": "Ana"}))),
        None
    );
    assert_eq!(code(&card(json!({"formatted_name": "Ana P"}))), Some(131_008));
}
