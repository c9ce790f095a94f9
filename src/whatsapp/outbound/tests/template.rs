//! Templates and what they are filled with.

use super::*;

fn template(components: Value) -> Value {
    request(
        "template",
        json!({ "name": "order_shipped_2", "language": { "code": "pt_BR" }, "components": components }),
    )
}

#[test]
fn a_template_has_a_name_and_a_language() {
    let hello = request(
        "template",
        json!({ "name": "hello_world", "language": { "code": "en" } }),
    );
    assert_passes(&hello);
    for bad in ["Hello", "hello world", "hello-world", "héllo"] {
        assert_refused(
            &with(&hello, "/template/name", json!(bad)),
            "template.name",
            "a-z, 0-9 and _",
        );
    }
    for good in ["en", "en_US", "en-US", "fil", "zh_CN", "zh_Hant"] {
        assert_passes(&with(&hello, "/template/language/code", json!(good)));
    }
    for bad in ["EN", "english", "e", "en_", "en US"] {
        assert_refused(
            &with(&hello, "/template/language/code", json!(bad)),
            "template.language.code",
            "language code",
        );
    }
    assert_refused(
        &with(&hello, "/template/language", json!("en")),
        "template.language",
        "object",
    );
}

#[test]
fn texts_fit_where_they_go() {
    let filled = |kind: &str, length: usize| {
        template(json!([{ "type": kind, "parameters": [{ "type": "text", "text": "ü".repeat(length) }] }]))
    };
    assert_passes(&filled("body", 32_768));
    assert_refused(
        &filled("body", 32_769),
        "template.components[0].parameters[0].text",
        "32768",
    );
    let beside = |length: usize| {
        let mut filled = filled("body", length);
        let url = json!({ "type": "button", "sub_type": "url", "index": 0 });
        filled["template"]["components"].as_array_mut().unwrap().push(url);
        filled
    };
    assert_passes(&beside(1_024));
    assert_refused(
        &beside(1_025),
        "template.components[0].parameters[0].text",
        "1024",
    );
    assert_passes(&filled("header", 60));
    assert_refused(
        &filled("HEADER", 61),
        "template.components[0].parameters[0].text",
        "60",
    );
    assert_refused(
        &filled("body", 0),
        "template.components[0].parameters[0].text",
        "empty",
    );
}

#[test]
fn what_fills_a_template_stays_on_its_line() {
    let filled =
        |text: &str| template(json!([{ "type": "body", "parameters": [{ "type": "text", "text": text }] }]));
    assert_passes(&filled("four    spaces and a non-breaking\u{a0}one"));
    let at = "template.components[0].parameters[0].text";
    for (bad, hint) in [
        ("Ani\nbaris dua", "line breaks"),
        ("Ani\rbaris dua", "line breaks"),
        ("Ani\tbaris dua", "tabs"),
        ("five     spaces", "4 spaces"),
        ("Ani\u{0}", "direction"),
        ("Ani\u{1b}[2J", "direction"),
        ("Ani\u{202e}", "direction"),
        ("Ani\u{2028}", "direction"),
    ] {
        assert_refused(&filled(bad), at, hint);
    }
    let date = json!({ "type": "date_time", "date_time": { "fallback_value": "to\nday" } });
    assert_refused(
        &template(json!([{ "type": "body", "parameters": [date] }])),
        "template.components[0].parameters[0].date_time.fallback_value",
        "line breaks",
    );
}

#[test]
fn parameters_of_a_body_all_have_names_or_none() {
    let named = json!({ "type": "text", "parameter_name": "first", "text": "a" });
    let bare = json!({ "type": "text", "text": "b" });
    let body = |parameters: Value| template(json!([{ "type": "body", "parameters": parameters }]));
    assert_passes(&body(json!([named, named])));
    assert_passes(&body(json!([bare, bare])));
    assert_refused(
        &body(json!([named, bare])),
        "template.components[0].parameters",
        "all have",
    );
}

#[test]
fn every_kind_of_parameter_carries_its_value() {
    let at = "template.components[0].parameters[0]";
    let cases = [
        (
            json!({ "type": "currency", "currency": { "fallback_value": "$1", "code": "USD", "amount_1000": 1_000 } }),
            None,
        ),
        (
            json!({ "type": "currency", "currency": { "fallback_value": "$1", "code": "USD", "amount_1000": 1.5 } }),
            Some(".currency.amount_1000"),
        ),
        (
            json!({ "type": "currency", "currency": { "code": "USD", "amount_1000": 1 } }),
            Some(".currency.fallback_value"),
        ),
        (
            json!({ "type": "date_time", "date_time": { "fallback_value": "today" } }),
            None,
        ),
        (
            json!({ "type": "date_time", "date_time": {} }),
            Some(".date_time.fallback_value"),
        ),
        (json!({ "type": "image", "image": { "id": "1" } }), None),
        (json!({ "type": "image", "image": {} }), Some(".image")),
        (
            json!({ "type": "video", "video": { "link": "x" } }),
            Some(".video.link"),
        ),
        (
            json!({ "type": "document", "document": { "id": "1", "filename": "a" } }),
            None,
        ),
        (
            json!({ "type": "location", "location": { "latitude": 1, "longitude": 2 } }),
            None,
        ),
        (
            json!({ "type": "location", "location": { "latitude": 1 } }),
            Some(".location.longitude"),
        ),
        (json!({ "type": "coupon_code", "coupon_code": "25OFF" }), None),
        (
            json!({ "type": "coupon_code", "coupon_code": "MUCH-TOO-LONG-A-CODE" }),
            Some(".coupon_code"),
        ),
        (json!({ "type": "payload", "payload": "p" }), None),
        (json!({ "type": "payload" }), Some(".payload")),
        (json!({ "type": "text", "text": true }), None),
        (json!({ "type": "text", "text": {} }), Some(".text")),
        (json!({ "type": "hologram", "hologram": 1 }), None),
        (json!({ "text": "no type" }), Some(".type")),
        (json!("text"), Some("")),
    ];
    for (parameter, refused) in cases {
        let filled = template(json!([{ "type": "header", "parameters": [parameter] }]));
        match refused {
            None => assert_passes(&filled),
            Some(path) => assert_refused(&filled, &format!("{at}{path}"), ""),
        }
    }
}

#[test]
fn a_button_has_a_kind_and_a_place_from_0_to_9() {
    let button = template(json!([{
        "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "x" }],
    }]));
    assert_passes(&button);
    for good in [json!(0), json!(9), json!("9"), Value::Null] {
        assert_passes(&with(&button, "/template/components/0/index", good));
    }
    for bad in [json!(10), json!(-1), json!("first"), json!(true)] {
        assert_refused(
            &with(&button, "/template/components/0/index", bad),
            "template.components[0].index",
            "0 to 9",
        );
    }
    assert_refused(
        &with(&button, "/template/components/0/sub_type", Value::Null),
        "template.components[0].sub_type",
        "missing",
    );
}

#[test]
fn cards_of_a_carousel_are_checked_like_templates() {
    let carousel = template(
        json!([{ "type": "carousel", "cards": [{ "card_index": 0, "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] },
    ] }, { "card_index": 1, "components": [] }] }]),
    );
    assert_passes(&carousel);
    assert_refused(
        &with(
            &carousel,
            "/template/components/0/cards/0/components/0/parameters/0/image",
            json!({}),
        ),
        "template.components[0].cards[0].components[0].parameters[0].image",
        "one of media_id, id and link",
    );
}
