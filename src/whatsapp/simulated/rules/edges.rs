//! Further rules, each with the code that Meta refuses with what breaks it.

use serde_json::{Value, json};

use super::messages::{
    buttons, cards, carousel, filled, flow, image, interactive, letters, link, list, message, template, with,
};

const MISSING: u32 = 131_008;
const BAD: u32 = 131_009;
const WRONG_TYPE: u32 = 100;

fn products(in_sections: &[usize]) -> Value {
    let item = json!({ "product_retailer_id": "p" });
    let sections: Vec<Value> = in_sections
        .iter()
        .map(|count| json!({ "title": "S", "product_items": vec![item.clone(); *count] }))
        .collect();
    interactive(
        "product_list",
        json!({
            "header": { "type": "text", "text": "h" }, "action": { "catalog_id": "1", "sections": sections },
        }),
    )
}

fn voice_call(parameters: Value) -> Value {
    interactive(
        "voice_call",
        json!({ "action": { "name": "voice_call", "parameters": parameters } }),
    )
}

fn address(country: &str) -> Value {
    let parameters = json!({ "country": country });
    interactive(
        "address_message",
        json!({ "action": { "name": "address_message", "parameters": parameters } }),
    )
}

fn parameter(kind: &str, value: Value) -> Value {
    template(
        json!([{ "type": "button", "sub_type": "url", "index": 0, "parameters": [{ "type": kind, kind: value }] }]),
    )
}

fn body(parameters: Value) -> Value {
    template(json!([{ "type": "body", "parameters": parameters }]))
}

/// A link of so many characters.
fn url(length: usize) -> String {
    let start = "https://shop.example.com/";
    format!("{start}{}", "a".repeat(length - start.len()))
}

/// What rule, a message that keeps it, one that does not, and the code of Meta's refusal.
pub(super) fn rules() -> Vec<(&'static str, Value, Value, u32)> {
    let mut rules = of_messages();
    rules.extend(of_interactive());
    rules.extend(of_templates());
    rules
}

fn of_messages() -> Vec<(&'static str, Value, Value, u32)> {
    let place = |more: Value| {
        let mut place = json!({ "latitude": "1.5", "longitude": 180 });
        for (key, value) in more.as_object().unwrap() {
            place[key] = value.clone();
        }
        message("location", place)
    };
    let card = |key: &str, value: Value| with(cards(1), &format!("/contacts/0/{key}"), value);
    let text = message("text", json!({ "body": "b" }));
    let link = |length| image(json!({ "link": url(length) }));
    vec![
        ("media: link 2,000", link(2_000), link(2_001), BAD),
        (
            "media: a host",
            link(30),
            image(json!({ "link": "https:///a" })),
            BAD,
        ),
        (
            "media: no space",
            image(json!({ "link": "HTTPS://shop.example.com/é" })),
            image(json!({ "link": "https://a b" })),
            BAD,
        ),
        (
            "media: id 512",
            image(json!({ "id": "7".repeat(512) })),
            image(json!({ "id": "7".repeat(513) })),
            BAD,
        ),
        (
            "media: no empty caption",
            image(json!({ "id": "1", "caption": "c" })),
            image(json!({ "id": "1", "caption": "" })),
            MISSING,
        ),
        (
            "voice: true or false",
            message("audio", json!({ "id": "1", "voice": true })),
            message("audio", json!({ "id": "1", "voice": "yes" })),
            WRONG_TYPE,
        ),
        (
            "location: address 1,000",
            place(json!({ "address": letters(1_000) })),
            place(json!({ "address": letters(1_001) })),
            BAD,
        ),
        (
            "location: longitude",
            place(json!({})),
            place(json!({ "longitude": -180.5 })),
            BAD,
        ),
        (
            "contacts: a birthday is a date",
            card("birthday", json!("1999-01-23")),
            card("birthday", json!("23.1.1999")),
            BAD,
        ),
        (
            "contacts: a birthday has ten characters",
            card("birthday", json!("1999-01-23")),
            card("birthday", json!("")),
            MISSING,
        ),
        (
            "contacts: phones are objects",
            card("phones", json!([{ "phone": "+1" }])),
            card("phones", json!(["+1"])),
            WRONG_TYPE,
        ),
        (
            "contacts: an address is an object",
            card("addresses", json!([{ "city": "C" }])),
            card("addresses", json!("C")),
            WRONG_TYPE,
        ),
        (
            "contacts: org is an object",
            card("org", json!({ "company": "C" })),
            card("org", json!("C")),
            WRONG_TYPE,
        ),
        (
            "contacts: parts of a name are texts",
            cards(1),
            card("name", json!({ "formatted_name": "A", "first_name": 7 })),
            WRONG_TYPE,
        ),
        (
            "messaging_account_id: 512",
            with(text.clone(), "/messaging_account_id", json!("1")),
            with(text.clone(), "/messaging_account_id", json!(letters(513))),
            BAD,
        ),
        (
            "direct send: not by halves",
            with(
                with(text.clone(), "/category", json!("utility")),
                "/ttl_seconds",
                json!(60),
            ),
            with(text, "/ttl_seconds", json!(60)),
            MISSING,
        ),
    ]
}

fn of_interactive() -> Vec<(&'static str, Value, Value, u32)> {
    let reply = "/interactive/action/buttons/1/reply";
    let row = "/interactive/action/sections/0/rows/1";
    let rows = || list(&[2], [1, 1, 2, 1, 1]);
    let first_id = rows()
        .pointer("/interactive/action/sections/0/rows/0/id")
        .unwrap()
        .clone();
    let first = |key: &str| buttons(2, 2, 2)["interactive"]["action"]["buttons"][0]["reply"][key].clone();
    let card = "/interactive/action/cards/1";
    vec![
        (
            "buttons: ids once",
            buttons(2, 2, 2),
            with(buttons(2, 2, 2), &format!("{reply}/id"), first("id")),
            BAD,
        ),
        (
            "buttons: titles once",
            buttons(2, 2, 2),
            with(buttons(2, 2, 2), &format!("{reply}/title"), first("title")),
            BAD,
        ),
        (
            "list: ids once",
            rows(),
            with(rows(), &format!("{row}/id"), first_id),
            BAD,
        ),
        (
            "list: several sections have titles",
            list(&[1, 1], [1, 1, 2, 1, 1]),
            with(
                list(&[1, 1], [1, 1, 2, 1, 1]),
                "/interactive/action/sections/1/title",
                Value::Null,
            ),
            MISSING,
        ),
        ("link: 2,000", link(1, &url(2_000)), link(1, &url(2_001)), BAD),
        ("link: a host", link(1, "https://a"), link(1, "https://?a"), BAD),
        (
            "flow: the version is a text",
            flow(json!({})),
            flow(json!({ "flow_message_version": 3 })),
            WRONG_TYPE,
        ),
        (
            "flow: id 256",
            flow(json!({ "flow_id": letters(256) })),
            flow(json!({ "flow_id": letters(257) })),
            BAD,
        ),
        (
            "flow: a token is not empty",
            flow(json!({ "flow_token": "t" })),
            flow(json!({ "flow_token": "" })),
            MISSING,
        ),
        (
            "carousel: cards are counted from 0",
            carousel(2, "b", 1),
            with(carousel(2, "b", 1), &format!("{card}/card_index"), json!(2)),
            BAD,
        ),
        (
            "carousel: a card that is no product has a header",
            carousel(2, "b", 1),
            with(
                carousel(2, "b", 1),
                "/interactive/action/cards/0/header",
                Value::Null,
            ),
            MISSING,
        ),
        ("products: 30", products(&[30]), products(&[31]), BAD),
        (
            "products: 30 in all",
            products(&[15, 15]),
            products(&[15, 16]),
            BAD,
        ),
        (
            "products: ten sections",
            products(&[1; 10]),
            products(&[1; 11]),
            BAD,
        ),
        (
            "products: section 24",
            products(&[1]),
            with(
                products(&[1]),
                "/interactive/action/sections/0/title",
                json!(letters(25)),
            ),
            BAD,
        ),
        (
            "call: payload 512",
            voice_call(json!({ "payload": letters(512) })),
            voice_call(json!({ "payload": letters(513) })),
            BAD,
        ),
        (
            "call: 30 days",
            voice_call(json!({ "ttl_minutes": 43_200 })),
            voice_call(json!({ "ttl_minutes": 43_201 })),
            BAD,
        ),
        (
            "call: a minute",
            voice_call(json!({ "ttl_minutes": 1 })),
            voice_call(json!({ "ttl_minutes": 0 })),
            BAD,
        ),
        (
            "call: label 20",
            voice_call(json!({ "display_text": letters(20) })),
            voice_call(json!({ "display_text": letters(21) })),
            BAD,
        ),
        ("address: in India", address("IN"), address("ID"), BAD),
        ("address: in Singapore", address("SG"), address("sg"), BAD),
    ]
}

fn of_templates() -> Vec<(&'static str, Value, Value, u32)> {
    let named = |name: Value| json!({ "type": "text", "text": "t", "parameter_name": name });
    let money = |code: &str, amount: Value| {
        let currency = json!({ "fallback_value": "1 €", "code": code, "amount_1000": amount });
        body(json!([{ "type": "currency", "currency": currency }]))
    };
    let header = |kind: &str, value: Value| {
        template(json!([{ "type": "header", "parameters": [{ "type": kind, kind: value }] }]))
    };
    vec![
        (
            "template: all parameters have names, or none",
            body(json!([named(json!("a")), named(json!("b"))])),
            body(json!([named(json!("a")), named(Value::Null)])),
            132_012,
        ),
        (
            "template: a name is not empty",
            body(json!([named(json!("a"))])),
            body(json!([named(json!(""))])),
            MISSING,
        ),
        (
            "template: a date stays on its line",
            body(json!([{ "type": "date_time", "date_time": { "fallback_value": "1 May" } }])),
            body(json!([{ "type": "date_time", "date_time": { "fallback_value": "1\nMay" } }])),
            132_018,
        ),
        (
            "template: a currency's code",
            money("EUR", json!(1)),
            money("EU", json!(1)),
            BAD,
        ),
        (
            "template: an amount",
            money("EUR", json!(-1)),
            money("EUR", json!(1.5)),
            BAD,
        ),
        (
            "template: a place on earth",
            header("location", json!({ "latitude": 1, "longitude": 1 })),
            header("location", json!({ "latitude": 91, "longitude": 1 })),
            BAD,
        ),
        (
            "template: a picture by id or link",
            header("image", json!({ "id": "1" })),
            header("image", json!({})),
            MISSING,
        ),
        (
            "template: a product",
            parameter("product", json!({ "product_retailer_id": "p" })),
            parameter("product", json!({})),
            MISSING,
        ),
        (
            "template: an action is an object",
            parameter("action", json!({ "flow_token": "t" })),
            parameter("action", json!("a")),
            WRONG_TYPE,
        ),
        (
            "template: an offer is an object",
            parameter("limited_time_offer", json!({ "expiration_time_ms": 1 })),
            parameter("limited_time_offer", json!(1)),
            WRONG_TYPE,
        ),
        (
            "template: one target to tap at least",
            parameter("tap_target_configuration", json!([{ "title": "t" }])),
            parameter("tap_target_configuration", json!([])),
            BAD,
        ),
        (
            "template: a payload is not empty",
            parameter("payload", json!("p")),
            parameter("payload", json!("")),
            MISSING,
        ),
        (
            "template: kinds in either case",
            body(json!([{ "type": "TEXT", "text": "t" }])),
            template(json!([filled("BODY", "a\tb")])),
            132_018,
        ),
    ]
}
