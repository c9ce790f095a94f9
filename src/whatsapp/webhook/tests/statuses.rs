//! Reports on outbound messages.

use super::*;
use crate::domain::{ConversationId, MessageId, TenantId};

#[test]
fn each_state_is_told_by_its_name() {
    for (name, state) in [
        ("sent", DeliveryState::Sent),
        ("delivered", DeliveryState::Delivered),
        ("read", DeliveryState::Read),
        ("played", DeliveryState::Played),
        ("failed", DeliveryState::Failed),
    ] {
        let read = status(
            json!({ "id": "wamid.1", "status": name, "timestamp": "1750030073", "recipient_id": "16505551234" }),
        );
        assert_eq!(
            (read.state, read.at),
            (state, Timestamp::from_secs(1_750_030_073)),
            "{name}"
        );
    }
}

#[test]
fn unknown_states_and_calls_are_kept_as_they_came() {
    for odd in [
        json!({ "id": "wamid.1", "status": "pondered", "timestamp": "1750030073", "recipient_id": "16505551234" }),
        json!({ "id": "wacid.1", "type": "call", "status": "RINGING", "timestamp": "1750030073" }),
        json!({ "id": "wacid.1", "type": "call", "status": "sent", "timestamp": "1750030073" }),
        json!({ "status": "sent", "timestamp": "1750030073" }),
        json!({ "id": "wamid.1", "status": "sent" }),
    ] {
        let Element::Other(other) = only(&messages_body(json!({ "statuses": [odd] }))) else {
            panic!("{odd} was read as a status")
        };
        assert_eq!((&*other.field, &*other.part), ("messages", "statuses"));
        assert_eq!(serde_json::from_str::<Value>(other.value.get()).unwrap(), odd);
    }
}

#[test]
fn our_token_comes_back_and_foreign_data_is_not_one() {
    let token = AttemptToken {
        tenant: TenantId::new(7),
        conversation: ConversationId::from_bytes([3; 16]),
        message: MessageId::from_bytes([4; 16]),
        attempt: 2,
    };
    let with = |data: &str| {
        status(json!({
            "id": "wamid.1", "status": "sent", "timestamp": "1", "recipient_id": "16505551234",
            "biz_opaque_callback_data": data,
        }))
    };
    assert_eq!(with(&token.to_string()).token, Some(token));
    let foreign = with("mesej:01J");
    assert_eq!(
        (foreign.token, foreign.callback_data.as_deref()),
        (None, Some("mesej:01J"))
    );
}

#[test]
fn errors_are_read_in_every_shape_that_was_seen() {
    let cases = [
        (
            json!([{ "code": 131_049, "title": "T", "message": "T", "error_data": { "details": "D" }, "href": "x" }]),
            (131_049, "T", Some("D")),
        ),
        (json!([{ "code": "131026", "title": "T" }]), (131_026, "T", None)),
        (
            json!([{ "code": 1, "message": "M", "error_data": "bare" }]),
            (1, "M", Some("bare")),
        ),
        (
            json!({ "code": 2, "title": "flat", "details": "D" }),
            (2, "flat", Some("D")),
        ),
        (json!([{ "title": "no code" }]), (0, "no code", None)),
        (
            json!([null, "x", { "code": 5, "title": "third" }]),
            (5, "third", None),
        ),
    ];
    for (errors, (code, title, details)) in cases {
        let error =
            status(json!({ "id": "wamid.1", "status": "failed", "timestamp": "1", "errors": errors }))
                .error
                .unwrap();
        assert_eq!(
            (error.code, &*error.title, error.details.as_deref()),
            (code, title, details),
            "{errors}"
        );
    }
}

#[test]
fn pricing_is_found_inside_the_conversation_too() {
    let priced = |status_json: Value| status(status_json).pricing.map(|raw| raw.get().to_owned());
    let base = json!({ "id": "wamid.1", "status": "sent", "timestamp": "1", "recipient_id": "16505551234" });
    let mut nested = base.clone();
    nested["conversation"] = json!({ "pricing": { "category": "group_service" } });
    let mut plain = base.clone();
    plain["pricing"] = json!({ "category": "utility" });
    assert_eq!(priced(nested).as_deref(), Some(r#"{"category":"group_service"}"#));
    assert_eq!(priced(plain).as_deref(), Some(r#"{"category":"utility"}"#));
    assert_eq!(priced(base), None);
}

#[test]
fn a_status_of_a_group_names_the_member() {
    for key in ["recipient_participant_id", "participant_recipient_id"] {
        let mut group = json!({
            "id": "wamid.1", "status": "read", "timestamp": "1", "recipient_id": "Y2FwaV9n", "recipient_type": "group",
        });
        group[key] = "16505551235".into();
        let read = status(group);
        assert_eq!(phone(&read.aliases), Some("16505551235"), "{key}");
        assert_eq!(read.group_id.as_deref(), Some("Y2FwaV9n"), "{key}");
    }
}

#[test]
fn a_recipient_is_named_by_status_and_card_together() {
    let body = messages_body(json!({
        "contacts": [{ "profile": { "name": "Pablo" }, "wa_id": "16505551234", "user_id": "US.1" }],
        "statuses": [{ "id": "wamid.1", "status": "sent", "timestamp": "1", "recipient_id": "16505551234" }],
    }));
    let Element::Status(status) = only(&body) else {
        panic!("not a status")
    };
    assert_eq!(
        (phone(&status.aliases), bsuid(&status.aliases)),
        (Some("16505551234"), Some("US.1"))
    );
}

#[test]
fn a_status_may_name_nobody() {
    let read = status(json!({ "id": "wamid.1", "status": "failed", "timestamp": "1" }));
    assert!(read.aliases.is_empty());
}
