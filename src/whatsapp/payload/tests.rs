use serde_json::{Value, json};

use super::*;
use crate::domain::{Alias, ContactId, ContentKind, ConversationId, MessageId, TenantId};

fn aliases(names: &[&str]) -> ContactAliases {
    ContactAliases::of(
        names
            .iter()
            .map(|name| Alias::bsuid(name).or_else(|| Alias::phone(name)).unwrap()),
    )
}

fn written(content: &Content, recipient: Recipient<'_>) -> Value {
    serde_json::from_str(payload(content, recipient).unwrap().get()).unwrap()
}

fn token() -> AttemptToken {
    AttemptToken {
        tenant: TenantId::new(7),
        conversation: ConversationId::derive(
            TenantId::new(7),
            &"1".parse().unwrap(),
            ContactId::from_bytes([2; 16]),
        ),
        message: MessageId::from_bytes([4; 16]),
        attempt: 1,
    }
}

#[test]
fn a_customer_is_addressed_by_every_name_that_meta_takes() {
    let text = Content::text("hi");
    let cases = [
        (&["628123456789"][..], json!({ "to": "+628123456789" })),
        (&["US.1"], json!({ "recipient": "US.1" })),
        (&["US.ENT.9"], json!({ "recipient": "US.ENT.9" })),
        (
            &["628123456789", "US.1", "US.ENT.9"],
            json!({ "to": "+628123456789", "recipient": "US.1" }),
        ),
    ];
    for (names, address) in cases {
        let mut expected = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "type": "text", "text": { "body": "hi" },
        });
        expected
            .as_object_mut()
            .unwrap()
            .extend(address.as_object().unwrap().clone());
        assert_eq!(
            written(&text, Recipient::Contact(&aliases(names))),
            expected,
            "{names:?}"
        );
    }
}

#[test]
fn nobody_cannot_be_addressed() {
    assert!(
        payload(
            &Content::text("hi"),
            Recipient::Contact(&ContactAliases::default())
        )
        .is_none()
    );
}

#[test]
fn a_group_is_addressed_by_its_id() {
    let group = ContactAliases::of([Alias::group("Y2FwaV9n").unwrap()]);
    let body = written(&Content::text("hi"), Recipient::of(&group));
    assert_eq!(
        (&body["recipient_type"], &body["to"]),
        (&json!("group"), &json!("Y2FwaV9n"))
    );
}

#[test]
fn content_goes_in_as_it_is_and_cannot_change_the_address() {
    let content = Content::from_value(
        ContentKind::Text,
        &json!({
            "type": "text", "text": { "body": "hi" }, "context": { "message_id": "wamid.0" }, "to": "+1",
            "recipient": "US.2", "recipient_type": "group", "messaging_product": "x", "biz_opaque_callback_data": "y",
        }),
    );
    let body = written(&content, Recipient::Contact(&aliases(&["628123456789"])));
    assert_eq!(
        body,
        json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+628123456789", "type": "text",
            "text": { "body": "hi" }, "context": { "message_id": "wamid.0" },
        })
    );
}

#[test]
fn a_token_is_spliced_in_without_touching_the_rest() {
    let body = payload(&Content::text("a \"quoted\" {text}"), Recipient::Group("g")).unwrap();
    let sent: Value = serde_json::from_slice(&with_token(&body, &token())).unwrap();
    let mut expected: Value = serde_json::from_str(body.get()).unwrap();
    expected["biz_opaque_callback_data"] = token().to_string().into();
    assert_eq!(sent, expected);
}

#[test]
fn even_an_empty_body_takes_a_token() {
    for empty in ["{}", "{ }"] {
        let body = RawValue::from_string(empty.to_owned()).unwrap();
        let sent: Value = serde_json::from_slice(&with_token(&body, &token())).unwrap();
        assert_eq!(sent, json!({ "biz_opaque_callback_data": token().to_string() }));
    }
}

#[test]
fn reading_may_show_typing() {
    let wamid = Wamid::parse("wamid.1").unwrap();
    let plain: Value = serde_json::from_slice(&mark_read(&wamid, TypingSign::Hidden)).unwrap();
    let typing: Value = serde_json::from_slice(&mark_read(&wamid, TypingSign::Shown)).unwrap();
    let expected = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1" });
    assert_eq!(plain, expected);
    let mut expected = expected;
    expected["typing_indicator"] = json!({ "type": "text" });
    assert_eq!(typing, expected);
}
