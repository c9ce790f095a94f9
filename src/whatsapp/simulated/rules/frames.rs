//! What stands around an action: every kind of `interactive` with every header, body and footer.

use serde_json::{Value, json};

use super::messages::{letters, message};
use super::{gateway_takes, simulator_takes};

const MISSING: u32 = 131_008;
const BAD: u32 = 131_009;
const WRONG_TYPE: u32 = 100;

/// What Meta documents of a kind.
struct Kind {
    name: &'static str,
    headers: &'static [&'static str],
    needs_header: bool,
    needs_body: bool,
    longest_body: usize,
    has_footer: bool,
    action: Value,
}

const MEDIA_OR_TEXT: &[&str] = &["text", "image", "video", "document"];

fn kinds() -> Vec<Kind> {
    let kind = |name, headers, action| Kind {
        name,
        headers,
        needs_header: false,
        needs_body: true,
        longest_body: 1_024,
        has_footer: true,
        action,
    };
    let named = |name: &str| json!({ "name": name });
    let reply = json!({ "type": "reply", "reply": { "id": "a", "title": "A" } });
    let product = json!({ "catalog_id": "1", "product_retailer_id": "p" });
    let card = |place| json!({ "card_index": place, "type": "product", "action": product });
    let link = json!({ "display_text": "Go", "url": "https://shop.example.com" });
    let form = json!({ "flow_message_version": "3", "flow_id": "1", "flow_cta": "Go" });
    let rows = json!([{ "rows": [{ "id": "r", "title": "R" }] }]);
    let items = json!([{ "product_items": [{ "product_retailer_id": "p" }] }]);
    vec![
        kind("button", MEDIA_OR_TEXT, json!({ "buttons": [reply] })),
        Kind {
            longest_body: 4_096,
            ..kind("list", &["text"], json!({ "button": "Open", "sections": rows }))
        },
        kind(
            "cta_url",
            MEDIA_OR_TEXT,
            json!({ "name": "cta_url", "parameters": link }),
        ),
        kind(
            "flow",
            MEDIA_OR_TEXT,
            json!({ "name": "flow", "parameters": form }),
        ),
        Kind {
            has_footer: false,
            ..kind("location_request_message", &[], named("send_location"))
        },
        kind("contact_request", &[], named("request_contact_info")),
        kind("request_contact_info", &[], named("request_contact_info")),
        Kind {
            has_footer: false,
            ..kind("carousel", &[], json!({ "cards": [card(0), card(1)] }))
        },
        Kind {
            needs_body: false,
            ..kind("product", &[], product.clone())
        },
        Kind {
            needs_header: true,
            ..kind(
                "product_list",
                &["text"],
                json!({ "catalog_id": "1", "sections": items }),
            )
        },
        kind("catalog_message", &[], named("catalog_message")),
        kind("voice_call", &[], named("voice_call")),
        Kind {
            needs_body: false,
            ..kind("call_permission_request", &[], named("call_permission_request"))
        },
        kind(
            "address_message",
            &["text"],
            json!({ "name": "address_message", "parameters": { "country": "IN" } }),
        ),
        kind("order_details", MEDIA_OR_TEXT, named("review_and_pay")),
        kind("order_status", &[], named("review_order")),
    ]
}

/// Headers, and what is wrong with each even where its kind is allowed.
fn headers() -> Vec<(Value, Option<u32>)> {
    let url = "https://shop.example.com/a";
    vec![
        (Value::Null, None),
        (json!({ "type": "text", "text": letters(60) }), None),
        (json!({ "type": "text", "text": letters(61) }), Some(BAD)),
        (json!({ "type": "text" }), Some(MISSING)),
        (json!({ "type": "image", "image": { "id": "1" } }), None),
        (json!({ "type": "image", "image": {} }), Some(MISSING)),
        (
            json!({ "type": "image", "image": { "id": "1", "link": url } }),
            Some(BAD),
        ),
        (json!({ "type": "video", "video": { "link": url } }), None),
        (json!({ "type": "video" }), Some(MISSING)),
        (
            json!({ "type": "document", "document": { "id": "1", "filename": "a.pdf" } }),
            None,
        ),
        (json!({ "type": "audio", "audio": { "id": "1" } }), Some(BAD)),
        (json!({}), Some(MISSING)),
    ]
}

/// Texts, each with the length that it takes, or with what is wrong with it whatever is allowed.
fn texts(lengths: &[usize]) -> Vec<(Value, Result<usize, u32>)> {
    let mut texts = vec![
        (Value::Null, Err(MISSING)),
        (json!({}), Err(MISSING)),
        (json!({ "text": "" }), Err(MISSING)),
        (json!({ "text": 7 }), Err(WRONG_TYPE)),
        (json!("b"), Err(WRONG_TYPE)),
    ];
    texts.extend(
        lengths
            .iter()
            .map(|length| (json!({ "text": letters(*length) }), Ok(*length))),
    );
    texts
}

fn of_header(kind: &Kind, header: &Value, own: Option<u32>) -> Option<u32> {
    if header.is_null() {
        return kind.needs_header.then_some(MISSING);
    }
    let is_allowed = |name: &Value| kind.headers.iter().any(|allowed| name == allowed);
    match header.get("type") {
        _ if kind.headers.is_empty() => Some(BAD),
        Some(name) if !is_allowed(name) => Some(BAD),
        _ => own,
    }
}

fn of_text(is_needed: Option<()>, longest: usize, text: &Value, length: Result<usize, u32>) -> Option<u32> {
    match length {
        _ if text.is_null() => is_needed.map(|()| MISSING),
        Ok(length) => (length > longest).then_some(BAD),
        Err(own) => Some(own),
    }
}

#[test]
fn every_kind_with_every_header_body_and_footer_gets_one_verdict_from_both() {
    let (headers, bodies, footers) = (
        headers(),
        texts(&[1, 1_024, 1_025, 4_096, 4_097]),
        texts(&[60, 61]),
    );
    for kind in kinds() {
        let needs_body = kind.needs_body.then_some(());
        for (header, own) in &headers {
            for (body, body_length) in &bodies {
                for (footer, footer_length) in &footers {
                    let sent = message(
                        "interactive",
                        json!({
                            "type": kind.name, "header": header, "body": body, "footer": footer, "action": kind.action,
                        }),
                    );
                    let of_footer = if kind.has_footer {
                        of_text(None, 60, footer, *footer_length)
                    } else {
                        (!footer.is_null()).then_some(BAD)
                    };
                    let faults: Vec<u32> = [
                        of_header(&kind, header, *own),
                        of_text(needs_body, kind.longest_body, body, *body_length),
                        of_footer,
                    ]
                    .into_iter()
                    .flatten()
                    .collect();
                    let gateway = gateway_takes(&sent);
                    assert_eq!(gateway.is_ok(), faults.is_empty(), "{gateway:?}, {sent}");
                    match simulator_takes(&sent) {
                        Ok(()) => assert_eq!(faults, [0; 0], "the simulator is lax: {sent}"),
                        Err(code) => assert!(faults.contains(&code), "{code} for {faults:?}: {sent}"),
                    }
                }
            }
        }
    }
}

#[test]
fn every_kind_needs_its_own_action() {
    for kind in kinds() {
        let mut cases = vec![
            (Value::Null, MISSING),
            (json!("a"), WRONG_TYPE),
            (json!({}), MISSING),
        ];
        if kind.action.get("name").is_some() {
            let mut other = kind.action.clone();
            other["name"] = json!("another");
            cases.push((other, BAD));
        }
        for (action, code) in cases {
            let header = kind.needs_header.then(|| json!({ "type": "text", "text": "h" }));
            let sent = message(
                "interactive",
                json!({ "type": kind.name, "header": header, "body": { "text": "b" }, "action": action }),
            );
            assert!(gateway_takes(&sent).is_err(), "the gateway is lax: {sent}");
            assert_eq!(simulator_takes(&sent), Err(code), "{sent}");
        }
    }
}

/// What Meta adds tomorrow can be sent by callers at once; Meta in a box knows only what is documented.
#[test]
fn a_new_kind_passes_the_gateway_with_the_rules_that_all_kinds_share() {
    let sent = |body: usize| {
        message(
            "interactive",
            json!({ "type": "hologram", "body": { "text": letters(body) }, "action": { "name": "x" } }),
        )
    };
    assert_eq!(gateway_takes(&sent(4_096)), Ok(()));
    assert!(gateway_takes(&sent(4_097)).is_err());
    assert_eq!(simulator_takes(&sent(1)), Err(BAD));
}
