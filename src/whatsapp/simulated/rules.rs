//! The rules that Meta documents for what a message holds: the gateway refuses what breaks one before a call is spent, and
//! the simulator, by code of its own, as Meta does. Each rule is a message at its edge and one beyond it.

mod edges;
mod frames;
mod messages;

use serde_json::{Value, json};

use messages::{
    button, buttons, cards, carousel, direct, filled, flow, framed, image, interactive, letters, link, list,
    message, place, reaction, template, with,
};

use crate::whatsapp::outbound::parse_outbound;
use crate::whatsapp::payloads::{at_hand, payloads};
use mesej_simulator::graph;

/// What rule, a message that keeps it, and one that does not.
fn rules() -> Vec<(&'static str, Value, Value)> {
    let text = |length| message("text", json!({ "body": letters(length) }));
    let url = "https://shop.example.com/a";
    let card_of = |count: usize| {
        let card = json!({ "components": [] });
        template(json!([{ "type": "carousel", "cards": vec![card; count] }]))
    };
    vec![
        ("text: 4,096", text(4_096), text(4_097)),
        ("text: not empty", text(1), text(0)),
        (
            "preview_url: true or false",
            message("text", json!({ "body": "b", "preview_url": true })),
            message("text", json!({ "body": "b", "preview_url": "yes" })),
        ),
        ("media: id or link", image(json!({ "id": "1" })), image(json!({}))),
        (
            "media: not both",
            image(json!({ "link": url })),
            image(json!({ "id": "1", "link": url })),
        ),
        (
            "media: an http address",
            image(json!({ "link": url })),
            image(json!({ "link": "ftp://x" })),
        ),
        (
            "caption: 1,024",
            image(json!({ "id": "1", "caption": letters(1_024) })),
            image(json!({ "id": "1", "caption": letters(1_025) })),
        ),
        (
            "caption: not on sound",
            message("audio", json!({ "id": "1" })),
            message("audio", json!({ "id": "1", "caption": "c" })),
        ),
        (
            "caption: not on a sticker",
            message("sticker", json!({ "id": "1" })),
            message("sticker", json!({ "id": "1", "caption": "c" })),
        ),
        (
            "filename: 240",
            message("document", json!({ "id": "1", "filename": letters(240) })),
            message("document", json!({ "id": "1", "filename": letters(241) })),
        ),
        ("location: on earth", place(90.0, 1), place(90.5, 1)),
        ("location: name 1,000", place(1.0, 1_000), place(1.0, 1_001)),
        ("contacts: 257", cards(257), cards(258)),
        ("contacts: one at least", cards(1), cards(0)),
        (
            "contacts: one more part of the name",
            cards(1),
            message("contacts", json!([{ "name": { "formatted_name": "Ana" } }])),
        ),
        ("reaction: one emoji", reaction("🅰️"), reaction("!?")),
        ("reaction: no digit", reaction("1️⃣"), reaction("1")),
        ("reaction: only one", reaction("👩‍👩‍👧‍👦"), reaction("😀😀")),
        ("reaction: no word", reaction(""), reaction("ok")),
        (
            "reaction: no reply",
            reaction("ℹ️"),
            with(reaction("ℹ️"), "/context", json!({ "message_id": "wamid.y" })),
        ),
        (
            "context: names a message",
            with(text(1), "/context", json!({ "message_id": "wamid.y" })),
            with(text(1), "/context", json!({})),
        ),
        ("buttons: three", buttons(3, 1, 1), buttons(4, 1, 1)),
        ("buttons: id 256", buttons(1, 256, 1), buttons(1, 257, 1)),
        ("buttons: title 20", buttons(1, 1, 20), buttons(1, 1, 21)),
        ("header: 60", framed(60, 1, 1), framed(61, 1, 1)),
        ("body: 1,024", framed(1, 1_024, 1), framed(1, 1_025, 1)),
        ("footer: 60", framed(1, 1, 60), framed(1, 1, 61)),
        (
            "list: ten rows in all",
            list(&[5, 5], [1, 1, 2, 1, 1]),
            list(&[5, 6], [1, 1, 2, 1, 1]),
        ),
        (
            "list: ten sections",
            list(&[1; 10], [1, 1, 2, 1, 1]),
            list(&[1; 11], [1, 1, 2, 1, 1]),
        ),
        (
            "list: button 20",
            list(&[1], [20, 1, 2, 1, 1]),
            list(&[1], [21, 1, 2, 1, 1]),
        ),
        (
            "list: section 24",
            list(&[1], [1, 24, 2, 1, 1]),
            list(&[1], [1, 25, 2, 1, 1]),
        ),
        (
            "list: id 200",
            list(&[1], [1, 1, 200, 1, 1]),
            list(&[1], [1, 1, 201, 1, 1]),
        ),
        (
            "list: title 24",
            list(&[1], [1, 1, 2, 24, 1]),
            list(&[1], [1, 1, 2, 25, 1]),
        ),
        (
            "list: description 72",
            list(&[1], [1, 1, 2, 1, 72]),
            list(&[1], [1, 1, 2, 1, 73]),
        ),
        (
            "list: body 4,096",
            with(
                list(&[1], [1, 1, 2, 1, 1]),
                "/interactive/body/text",
                json!(letters(4_096)),
            ),
            with(
                list(&[1], [1, 1, 2, 1, 1]),
                "/interactive/body/text",
                json!(letters(4_097)),
            ),
        ),
        ("link: label 20", link(20, url), link(21, url)),
        (
            "link: an http address",
            link(1, url),
            link(1, "javascript:alert(1)"),
        ),
        (
            "flow: id or name",
            flow(json!({})),
            flow(json!({ "flow_name": "n" })),
        ),
        (
            "flow: version 3",
            flow(json!({})),
            flow(json!({ "flow_message_version": "2" })),
        ),
        (
            "flow: label 30",
            flow(json!({ "flow_cta": letters(30) })),
            flow(json!({ "flow_cta": letters(31) })),
        ),
        (
            "flow: mode",
            flow(json!({ "mode": "draft" })),
            flow(json!({ "mode": "live" })),
        ),
        (
            "flow: a screen to go to",
            flow(json!({ "flow_action_payload": { "screen": "S" } })),
            flow(json!({ "flow_action_payload": {} })),
        ),
        (
            "flow: no screen with data_exchange",
            flow(json!({ "flow_action": "data_exchange" })),
            flow(json!({ "flow_action": "data_exchange", "flow_action_payload": { "screen": "S" } })),
        ),
        (
            "location request: no footer",
            interactive(
                "location_request_message",
                json!({ "action": { "name": "send_location" } }),
            ),
            interactive(
                "location_request_message",
                json!({ "action": { "name": "send_location" }, "footer": { "text": "f" } }),
            ),
        ),
        ("carousel: ten cards", carousel(10, "b", 1), carousel(11, "b", 1)),
        ("carousel: two cards", carousel(2, "b", 1), carousel(1, "b", 1)),
        (
            "carousel: body 160",
            carousel(2, &letters(160), 1),
            carousel(2, &letters(161), 1),
        ),
        (
            "carousel: two line breaks",
            carousel(2, "a\nb\nc", 1),
            carousel(2, "a\nb\nc\nd", 1),
        ),
        ("carousel: title 20", carousel(2, "b", 20), carousel(2, "b", 21)),
        (
            "carousel: cards of one kind",
            carousel(2, "b", 1),
            with(
                carousel(2, "b", 1),
                "/interactive/action/cards/1/header",
                json!({ "type": "video", "video": { "id": "1" } }),
            ),
        ),
        (
            "carousel: no header",
            carousel(2, "b", 1),
            with(
                carousel(2, "b", 1),
                "/interactive/header",
                json!({ "type": "text", "text": "h" }),
            ),
        ),
        (
            "template: no line break",
            template(json!([filled("body", "a b")])),
            template(json!([filled("body", "a\nb")])),
        ),
        (
            "template: no tab",
            template(json!([filled("header", "a b")])),
            template(json!([filled("header", "a\tb")])),
        ),
        (
            "template: four spaces",
            template(json!([filled("body", "a    b")])),
            template(json!([filled("body", "a     b")])),
        ),
        (
            "template: header 60",
            template(json!([filled("header", &letters(60))])),
            template(json!([filled("header", &letters(61))])),
        ),
        (
            "template: body alone 32,768",
            template(json!([filled("body", &letters(32_768))])),
            template(json!([filled("body", &letters(32_769))])),
        ),
        (
            "template: body beside others 1,024",
            template(json!([filled("body", &letters(1_024)), filled("header", "h")])),
            template(json!([filled("body", &letters(1_025)), filled("header", "h")])),
        ),
        (
            "template: one header parameter",
            template(json!([filled("header", "h")])),
            template(json!([{ "type": "header", "parameters": [
                { "type": "text", "text": "a" }, { "type": "text", "text": "b" }] }])),
        ),
        (
            "template: a text is a text",
            template(json!([filled("body", "7")])),
            template(json!([{ "type": "body", "parameters": [{ "type": "text", "text": {} }] }])),
        ),
        (
            "template: button 0 to 9",
            template(json!([button(json!({ "type": "payload", "payload": "p" }))])),
            with(
                template(json!([button(json!({ "type": "payload", "payload": "p" }))])),
                "/template/components/0",
                json!({ "type": "button", "sub_type": "url", "index": 10 }),
            ),
        ),
        (
            "template: payload 256",
            template(json!([button(
                json!({ "type": "payload", "payload": letters(256) })
            )])),
            template(json!([button(
                json!({ "type": "payload", "payload": letters(257) })
            )])),
        ),
        (
            "template: coupon 15",
            template(json!([button(
                json!({ "type": "coupon_code", "coupon_code": letters(15) })
            )])),
            template(json!([button(
                json!({ "type": "coupon_code", "coupon_code": letters(16) })
            )])),
        ),
        ("template: ten cards", card_of(10), card_of(11)),
        ("template: two cards", card_of(2), card_of(1)),
        ("direct send: 30 s", direct("utility", 30), direct("utility", 29)),
        (
            "direct send: 12 h",
            direct("utility", 43_200),
            direct("utility", 43_201),
        ),
        (
            "direct send: a code 15 min",
            direct("authentication", 900),
            direct("authentication", 901),
        ),
        (
            "direct send: its categories",
            direct("utility", 60),
            direct("marketing", 60),
        ),
        (
            "direct send: texts and interactive ones",
            direct("utility", 60),
            with(image(json!({ "id": "1" })), "/category", json!("utility")),
        ),
    ]
}

fn gateway_takes(message: &Value) -> Result<(), String> {
    let raw = serde_json::value::to_raw_value(message).unwrap();
    parse_outbound(&raw)
        .map(drop)
        .map_err(|refused| refused.to_string())
}

fn simulator_takes(message: &Value) -> Result<(), u32> {
    let message = with(message.clone(), "/messaging_product", json!("whatsapp"));
    let message = with(message, "/to", json!("+16505551234"));
    graph::refusal(&message).map_or(Ok(()), Err)
}

#[test]
fn the_gateway_and_the_simulator_keep_the_same_rules() {
    for (rule, kept, broken) in rules() {
        assert_eq!(gateway_takes(&kept), Ok(()), "the gateway, {rule}: {kept}");
        assert_eq!(simulator_takes(&kept), Ok(()), "the simulator, {rule}: {kept}");
        assert!(
            gateway_takes(&broken).is_err(),
            "the gateway is lax, {rule}: {broken}"
        );
        assert!(
            simulator_takes(&broken).is_err(),
            "the simulator is lax, {rule}: {broken}"
        );
    }
    let line_break = template(json!([filled("body", "a\nb")]));
    assert_eq!(simulator_takes(&line_break), Err(132_018));
}

#[test]
fn the_gateway_and_the_simulator_keep_the_same_rules_and_the_simulator_says_so_in_metas_codes() {
    for (rule, kept, broken, code) in edges::rules() {
        assert_eq!(gateway_takes(&kept), Ok(()), "the gateway, {rule}: {kept}");
        assert_eq!(simulator_takes(&kept), Ok(()), "the simulator, {rule}: {kept}");
        assert!(
            gateway_takes(&broken).is_err(),
            "the gateway is lax, {rule}: {broken}"
        );
        assert_eq!(
            simulator_takes(&broken),
            Err(code),
            "the simulator, {rule}: {broken}"
        );
    }
}

#[test]
fn callback_data_has_at_most_512_characters() {
    let data = |length| {
        let text = message("text", json!({ "body": "b" }));
        with(text, "/biz_opaque_callback_data", json!(letters(length)))
    };
    assert_eq!(simulator_takes(&data(512)), Ok(()));
    assert_eq!(simulator_takes(&data(513)), Err(131_009));
}

/// All samples that hold real values must be found well formed.
#[test]
fn the_simulator_takes_the_samples_that_hold_real_values() {
    let marketing = at_hand("management")
        .into_iter()
        .filter(|(place, _)| place.contains("marketing_messages_req"));
    let mut seen = 0;
    for (place, value) in payloads("send").into_iter().chain(marketing) {
        let text = value.to_string();
        let placeholder = ["{{", "<", "xxxx", "http(s)", "language-and-locale-code"]
            .iter()
            .any(|mark| text.contains(mark));
        // None may make the check panic, whatever it says about it.
        let refused = graph::refusal(&value);
        if !placeholder {
            assert_eq!(refused, None, "{place}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} samples hold real values");
}
