//! Messages that are changed, and messages of a number that others use, too.

use super::*;
use crate::domain::ContentKind;

/// A body with one change of a field.
fn body_of(field: &str, value: Value) -> Vec<u8> {
    let mut value = value;
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] =
        json!({ "display_phone_number": "+1 555-071-0000", "phone_number_id": "106540352242922" });
    let change = json!({ "value": value, "field": field });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [change] }] })
        .to_string()
        .into_bytes()
}

fn messages(body: &[u8]) -> Vec<IncomingMessage> {
    let all = elements(body);
    all.iter().for_each(assert_survives_replay);
    all.into_iter()
        .filter_map(|element| match element {
            Element::Message(message) => Some(*message),
            _ => None,
        })
        .collect()
}

#[test]
fn an_edit_and_a_revocation_name_what_they_change() {
    let edit = json!({
        "original_message_id": "wamid.1",
        "message": { "type": "text", "text": { "body": "better" }, "context": { "id": "M0" } },
    });
    let edited = message(
        json!({ "from": "6281234567890", "id": "wamid.2", "timestamp": "1790418000", "type": "edit", "edit": edit }),
    );
    let amends = edited.amends.clone().unwrap();
    assert_eq!(amends.original, Wamid::parse("wamid.1").unwrap());
    let Amendment::Edited(content) = &amends.change else {
        panic!("not an edit")
    };
    assert_eq!(content.preview().as_deref(), Some("better"));
    assert_survives_replay(&Element::Message(Box::new(edited)));
    let revoke = json!({ "original_message_id": "wamid.1" });
    let revoked = message(
        json!({ "from": "6281234567890", "id": "wamid.3", "timestamp": "1790418000", "type": "revoke", "revoke": revoke }),
    );
    assert_eq!(revoked.amends.unwrap().change, Amendment::Revoked);
    for vague in [
        json!({ "type": "edit", "edit": { "original_message_id": "wamid.1" } }),
        json!({ "type": "revoke", "revoke": {} }),
        json!({ "type": "text", "text": { "body": "x" } }),
    ] {
        let mut vague = vague;
        vague["from"] = "6281234567890".into();
        vague["id"] = "wamid.4".into();
        vague["timestamp"] = "1790418000".into();
        assert_eq!(message(vague).amends, None);
    }
}

#[test]
fn an_echo_is_of_the_business_and_names_the_customer() {
    let value = json!({
        "contacts": [{ "profile": { "name": "" }, "wa_id": "6281234567890", "user_id": "ID.77" }],
        "message_echoes": [
            { "from": "15550710000", "to": "6281234567890", "to_user_id": "ID.77", "id": "wamid.1",
              "timestamp": "1790418000", "type": "text", "text": { "body": "from the phone" } },
            { "from": "15550710000", "to": "6281234567890", "id": "wamid.2", "timestamp": "1790418001",
              "type": "revoke", "revoke": { "original_message_id": "wamid.1" } },
        ],
    });
    let found = messages(&body_of("smb_message_echoes", value));
    let [echo, revoked] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((echo.by, echo.via), (Side::Business, None));
    assert_eq!(
        (phone(&echo.aliases), bsuid(&echo.aliases), &echo.name),
        (Some("6281234567890"), Some("ID.77"), &None)
    );
    assert_eq!(
        echo.content.to_value(),
        json!({ "type": "text", "text": { "body": "from the phone" } })
    );
    assert!(revoked.amends.is_some());
}

#[test]
fn imported_messages_belong_to_their_thread_whoever_wrote_them() {
    let text = |from: &str, id: &str| {
        json!({ "from": from, "id": id, "timestamp": "1739230955", "type": "text", "text": { "body": id },
                "history_context": { "status": "READ" } })
    };
    let threads = json!([
        { "id": "16505551234", "messages": [text("15550710000", "wamid.1"), text("16505551234", "wamid.2")] },
        { "id": "US.13491208655302741918", "messages": [text("15550710000", "wamid.3")] },
    ]);
    let chunk = json!({ "metadata": { "phase": 0, "chunk_order": 1, "progress": 55 }, "threads": threads });
    let body = body_of("history", json!({ "history": [chunk] }));
    let found = messages(&body);
    let read: Vec<_> = found
        .iter()
        .map(|one| (one.by, one.via, phone(&one.aliases), bsuid(&one.aliases)))
        .collect();
    let via = Some(Via::History);
    assert_eq!(
        read,
        [
            (Side::Business, via, Some("16505551234"), None),
            (Side::Customer, via, Some("16505551234"), None),
            (Side::Business, via, None, Some("US.13491208655302741918")),
        ]
    );
    assert_eq!(
        elements(&body).len(),
        4,
        "how far the import is stands beside them"
    );
    // Media come later, without their thread.
    let media = json!({ "messages": [
        { "from": "16505551234", "id": "wamid.4", "timestamp": "1738796547", "type": "image", "image": { "id": "1" } },
        { "from": "15550710000", "id": "wamid.5", "timestamp": "1738796547", "type": "image", "image": { "id": "2" } },
    ] });
    let found = messages(&body_of("history", media));
    assert_eq!(
        (found[0].by, phone(&found[0].aliases)),
        (Side::Customer, Some("16505551234"))
    );
    assert_eq!((found[1].by, found[1].aliases.is_empty()), (Side::Business, true));
    let refused = json!({ "history": [{ "errors": [{ "code": 2593109, "title": "declined" }] }] });
    let refused = only(&body_of("history", refused));
    assert!(matches!(&refused, Element::Other(other) if &*other.part == "history"));
    assert_survives_replay(&refused);
}

#[test]
fn what_another_program_has_is_told_as_such() {
    let sent = json!({
        "messaging_product": "whatsapp", "to": "16505551234", "recipient_type": "individual", "type": "template",
        "template": { "name": "sale", "language": { "code": "en_US" } },
    });
    let echo = json!({ "id": "wamid.2", "timestamp": "1750101001", "message": sent, "template": { "name": "sale", "category": "MARKETING" } });
    let standby = json!({
        "contacts": [{ "profile": { "name": "Ada" }, "wa_id": "16505551234" }],
        "messages": [{ "from": "16505551234", "id": "wamid.1", "timestamp": "1750101000", "type": "text", "text": { "body": "hi" } }],
        "message_echoes": [echo, { "id": "wamid.9" }],
        "statuses": [{ "id": "wamid.2", "status": "delivered", "timestamp": "1750101002", "recipient_id": "16505551234" }],
        "next_year": 1,
    });
    let body = body_of("standby", json!({ "standby": standby }));
    let found = messages(&body);
    let [asked, answered] = found.as_slice() else {
        panic!("{found:?}")
    };
    let via = Some(Via::Standby);
    assert_eq!(
        (asked.by, asked.via, asked.name.as_deref()),
        (Side::Customer, via, Some("Ada"))
    );
    assert_eq!((answered.by, answered.via), (Side::Business, via));
    assert_eq!(phone(&answered.aliases), Some("16505551234"));
    assert_eq!(answered.content.kind(), &ContentKind::Template);
    let content = answered.content.to_value();
    assert_eq!(
        (
            &content["template"]["name"],
            &content["template_definition"]["category"]
        ),
        (&json!("sale"), &json!("MARKETING"))
    );
    let kinds: Vec<_> = elements(&body).iter().map(Element::kind).collect();
    assert_eq!(kinds, ["message", "message", "other", "status", "other"]);
    assert_eq!(elements(&body_of("standby", json!({ "standby": {} }))).len(), 1);
}
