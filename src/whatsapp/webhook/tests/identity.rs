//! Who wrote: phones, BSUIDs, contact cards and changes of them.

use super::*;

#[test]
fn a_customer_without_a_phone_goes_by_the_bsuid() {
    let body = messages_body(json!({
        "contacts": [{ "profile": { "name": "Ana", "username": "@ana_p" }, "user_id": "ES.2", "parent_user_id": "ES.ENT.9" }],
        "messages": [{ "id": "wamid.1", "from_user_id": "ES.2", "timestamp": "1790418000", "type": "text", "text": { "body": "hi" } }],
    }));
    let Element::Message(message) = only(&body) else {
        panic!("not a message")
    };
    assert_eq!(phone(&message.aliases), None);
    assert_eq!(bsuid(&message.aliases), Some("ES.2"));
    assert_eq!(
        parent(&message.aliases),
        Some("ES.ENT.9"),
        "the card completes the names"
    );
    assert_eq!(message.name.as_deref(), Some("Ana"));
    assert_eq!(
        message.username.as_deref(),
        Some("ana_p"),
        "with or without the sign it is one name"
    );
}

#[test]
fn a_card_is_found_by_bsuid_then_phone_and_never_by_its_place() {
    let card = |name: &str, phone: Option<&str>, bsuid: Option<&str>| {
        let mut card = json!({ "profile": { "name": name } });
        if let Some(phone) = phone {
            card["wa_id"] = phone.into();
        }
        if let Some(bsuid) = bsuid {
            card["user_id"] = bsuid.into();
        }
        card
    };
    let text = |from: Option<&str>, bsuid: Option<&str>, id: &str| {
        let mut text =
            json!({ "id": id, "timestamp": "1790418000", "type": "text", "text": { "body": "x" } });
        if let Some(from) = from {
            text["from"] = from.into();
        }
        if let Some(bsuid) = bsuid {
            text["from_user_id"] = bsuid.into();
        }
        text
    };
    // The same with few cards, which are searched, and with many, which are indexed.
    for extra in [0, 20] {
        let mut cards = vec![
            card("by phone", Some("16505550002"), None),
            card("by bsuid", Some("16505559999"), Some("US.1")),
        ];
        cards.extend((0..extra).map(|n| {
            card(
                "stranger",
                Some(&format!("1650666{n:04}")),
                Some(&format!("US.9{n}")),
            )
        }));
        let body = messages_body(json!({
            "contacts": cards,
            "messages": [
                text(Some("16505550001"), Some("US.1"), "wamid.1"),
                text(Some("16505550002"), None, "wamid.2"),
                text(Some("16505550003"), None, "wamid.3"),
            ],
        }));
        let names: Vec<_> = elements(&body)
            .into_iter()
            .map(|element| match element {
                Element::Message(message) => message,
                other => panic!("{other:?}"),
            })
            .map(|message| {
                (
                    message.name.as_deref().map(str::to_owned),
                    phone(&message.aliases).map(str::to_owned),
                )
            })
            .collect();
        let expected = [
            (Some("by bsuid"), Some("16505550001")),
            (Some("by phone"), Some("16505550002")),
            (None, Some("16505550003")),
        ];
        let expected = expected.map(|(name, phone)| (name.map(str::to_owned), phone.map(str::to_owned)));
        assert_eq!(names, expected, "{extra} more cards");
    }
}

#[test]
fn an_undocumented_form_of_bsuid_is_kept_whole() {
    let message = message(json!({
        "id": "wamid.1", "timestamp": "1", "type": "text", "text": {}, "from_user_id": "user.9373795779eb6441c8adb2",
    }));
    assert_eq!(bsuid(&message.aliases), Some("user.9373795779eb6441c8adb2"));
}

#[test]
fn a_changed_number_names_the_customer_before_and_since() {
    let message = message(json!({
        "from": "16505551234", "id": "wamid.1", "timestamp": "1790418000", "type": "system",
        "system": {
            "body": "User Ana changed", "wa_id": "12195555358", "user_id": "US.3", "previous_user_id": "US.2",
            "type": "user_changed_number",
        },
    }));
    let change = message.identity_change.unwrap();
    assert_eq!(
        (phone(&change.from), bsuid(&change.from)),
        (Some("16505551234"), Some("US.2"))
    );
    assert_eq!(
        (phone(&change.to), bsuid(&change.to)),
        (Some("12195555358"), Some("US.3"))
    );
    assert_eq!(
        message.aliases, change.from,
        "the notice belongs to the customer as known before"
    );
    assert_eq!(message.content.kind().as_str(), "system");
}

#[test]
fn a_changed_bsuid_needs_no_phone() {
    let message = message(json!({
        "id": "wamid.1", "timestamp": "1790418000", "type": "system",
        "system": {
            "user_id": "ES.3", "previous_user_id": "ES.2", "parent_user_id": "ES.ENT.300",
            "previous_parent_user_id": "ES.ENT.200", "type": "user_changed_user_id",
        },
    }));
    let change = message.identity_change.unwrap();
    assert_eq!(
        (bsuid(&change.from), parent(&change.from)),
        (Some("ES.2"), Some("ES.ENT.200"))
    );
    assert_eq!(
        (bsuid(&change.to), parent(&change.to)),
        (Some("ES.3"), Some("ES.ENT.300"))
    );
    assert_eq!(message.aliases, change.from);
}

#[test]
fn a_changed_id_may_be_told_by_whom_the_notice_is_from() {
    let body = messages_body(json!({ "messages": [{
        "from_user_id": "ES.3", "id": "wamid.1", "timestamp": "1790418000", "type": "system",
        "system": { "previous_user_id": "ES.2", "type": "user_changed_user_id" },
    }] }));
    let element = only(&body);
    assert_survives_replay(&element);
    let Element::Message(message) = element else {
        panic!("not a message")
    };
    let change = message.identity_change.unwrap();
    assert_eq!(
        (bsuid(&change.from), bsuid(&change.to)),
        (Some("ES.2"), Some("ES.3"))
    );
    assert_eq!(message.aliases, change.from);
}

#[test]
fn a_notice_that_names_nothing_new_is_no_change() {
    for system in [
        json!({ "type": "customer_identity_changed", "wa_id": "12195555358" }),
        json!({ "type": "user_changed_number", "wa_id": "16505551234" }),
        json!({ "type": "user_changed_number" }),
        json!({ "body": "no type", "wa_id": "12195555358" }),
        json!("not an object"),
    ] {
        let message = message(json!({
            "from": "16505551234", "id": "wamid.1", "timestamp": "1", "type": "system", "system": system,
        }));
        assert_eq!(message.identity_change, None, "{system}");
        assert_eq!(phone(&message.aliases), Some("16505551234"), "{system}");
    }
}

#[test]
fn a_message_in_a_group_names_its_writer_and_the_group() {
    let message = message(json!({
        "from": "16505551234", "group_id": "Y2FwaV9n", "id": "wamid.1", "timestamp": "1744344496",
        "type": "text", "text": { "body": "all?" },
    }));
    assert_eq!(phone(&message.aliases), Some("16505551234"));
    assert_eq!(message.group_id.as_deref(), Some("Y2FwaV9n"));
    assert_eq!(message.content.to_value()["group_id"], "Y2FwaV9n");
}

#[test]
fn an_answer_in_a_group_says_what_it_answers_and_not_whom() {
    let answer = |group: serde_json::Value| {
        let mut wire = json!({
            "from": "16505551234", "id": "wamid.2", "timestamp": "1744344496", "type": "text", "text": { "body": "yes" },
            "context": { "from": "16505555678", "from_user_id": "US.1", "id": "wamid.1", "forwarded": false },
        });
        if !group.is_null() {
            wire["group_id"] = group;
        }
        message(wire).content.to_value()["context"].clone()
    };
    assert_eq!(
        answer("Y2FwaV9n".into()),
        json!({ "id": "wamid.1", "forwarded": false })
    );
    assert_eq!(answer(serde_json::Value::Null)["from"], "16505555678");
}
