//! What the reader makes of well-formed, odd and broken bodies.

mod batches;
mod calls;
mod coexistence;
mod identity;
mod odd;
mod preferences;
mod samples;
mod statuses;

use serde_json::{Value, json};

use super::*;

/// A body with one change of the field `messages`.
fn messages_body(value: Value) -> Vec<u8> {
    let mut value = value;
    if value.get("metadata").is_none() {
        value["metadata"] =
            json!({ "display_phone_number": "15550783881", "phone_number_id": "106540352242922" });
    }
    value["messaging_product"] = "whatsapp".into();
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "changes": [{ "value": value, "field": "messages" }] }],
    })
    .to_string()
    .into_bytes()
}

fn elements(body: &[u8]) -> Vec<Element> {
    parse(body).unwrap().elements
}

fn only(body: &[u8]) -> Element {
    let mut elements = elements(body);
    assert_eq!(elements.len(), 1, "{elements:?}");
    elements.remove(0)
}

fn message(message: Value) -> IncomingMessage {
    let body = messages_body(json!({ "messages": [message] }));
    match only(&body) {
        Element::Message(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

fn status(status: Value) -> IncomingStatus {
    match only(&messages_body(json!({ "statuses": [status] }))) {
        Element::Status(status) => *status,
        other => panic!("not a status: {other:?}"),
    }
}

fn phone(aliases: &ContactAliases) -> Option<&str> {
    aliases.phone.as_ref().map(|alias| &*alias.value)
}

fn bsuid(aliases: &ContactAliases) -> Option<&str> {
    aliases.bsuid.as_ref().map(|alias| &*alias.value)
}

fn parent(aliases: &ContactAliases) -> Option<&str> {
    aliases.parent_bsuid.as_ref().map(|alias| &*alias.value)
}

/// An element put aside and read again must be the same element.
fn assert_survives_replay(element: &Element) {
    let body = element.to_single_webhook();
    let again = parse(&body).unwrap().elements;
    assert_eq!(again.len(), 1, "{}", String::from_utf8_lossy(&body));
    match (element, &again[0]) {
        (Element::Message(one), Element::Message(two)) => assert_eq!(one, two),
        (Element::Status(one), Element::Status(two)) => {
            assert_eq!(
                (
                    &one.number,
                    &one.waba,
                    &one.wamid,
                    one.state,
                    one.at,
                    &one.token,
                    &one.error,
                    &one.aliases
                ),
                (
                    &two.number,
                    &two.waba,
                    &two.wamid,
                    two.state,
                    two.at,
                    &two.token,
                    &two.error,
                    &two.aliases
                )
            );
            assert_eq!(one.raw.get(), two.raw.get());
            assert_eq!(one.group_id, two.group_id);
        }
        (Element::Other(one), Element::Other(two)) => {
            assert_eq!(
                (&one.field, &one.number, &one.waba, &one.part, one.key, one.at),
                (&two.field, &two.number, &two.waba, &two.part, two.key, two.at)
            );
            assert_eq!(one.value.get(), two.value.get());
        }
        (Element::Malformed(one), Element::Malformed(two)) => {
            assert_eq!((one.reason, &one.body), (two.reason, &two.body));
        }
        (one, two) => panic!("{one:?} became {two:?}"),
    }
}
