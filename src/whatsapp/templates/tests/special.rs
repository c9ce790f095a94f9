//! Offers, carousels and one-time passwords that Meta's review refuses at once.

use super::drafts::{assert_each_is_refused, reply};
use super::*;

#[test]
fn offers_carousels_and_passwords_follow_their_own_rules() {
    let last = "/components/3/buttons";
    let offers = vec![
        (
            "/components/0/format",
            json!("DOCUMENT"),
            "components[0].format",
            "IMAGE or VIDEO",
        ),
        (
            "/components/1/limited_time_offer/text",
            json!("x".repeat(17)),
            "components[1].limited_time_offer.text",
            "16",
        ),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "components",
            "no FOOTER",
        ),
        ("/category", json!("UTILITY"), "components[1]", "MARKETING"),
        (
            "/components/2/example/body_text_named_params/1",
            Value::Null,
            "components[2].example.body_text_named_params",
            "exactly 2",
        ),
        (
            "/components/2/example/body_text_named_params/1/param_name",
            json!("first_name"),
            "components[2].example.body_text_named_params",
            "must have one example for first_name",
        ),
        (
            "/components/2/example/body_text_named_params/1/param_name",
            json!("price"),
            "components[2].example.body_text_named_params[1].param_name",
            "first_name",
        ),
        (
            last,
            json!([{ "type": "COPY_CODE", "example": "A" }]),
            "components[3].buttons",
            "URL",
        ),
        (
            last,
            json!([{ "type": "URL", "text": "Go", "url": "https://a.example" }, { "type": "COPY_CODE", "example": "A" }]),
            "components[3].buttons",
            "begin with",
        ),
    ];
    assert_each_is_refused(&offer(), offers);
    let one = "/components/1/cards/1/components";
    let carousels = vec![
        (
            "/components/1/cards/1",
            Value::Null,
            "components[1].cards",
            "2 to 10",
        ),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "components",
            "no FOOTER",
        ),
        (
            "/components/1/cards/1/components/1",
            Value::Null,
            "components[1].cards[1]",
            "same",
        ),
        (
            "/components/1/cards/1/components/0/format",
            json!("TEXT"),
            "components[1].cards[1].components[0].format",
            "IMAGE",
        ),
        (
            "/components/1/cards/1/components/0/example",
            Value::Null,
            "components[1].cards[1].components[0].example",
            "missing",
        ),
        (
            "/components/1/cards/1/components/1/text",
            json!(format!("Fresh {{{{1}}}} {}", "x".repeat(160))),
            "components[1].cards[1].components[1].text",
            "160",
        ),
        (
            "/components/1/cards/1/components/2/buttons/0/type",
            json!("FLOW"),
            "components[1].cards[1].components[2].buttons[0].type",
            "on a card",
        ),
        (one, json!([]), "components[1].cards[1].components", "0 items"),
    ];
    for (pointer, new, path, hint) in carousels {
        let found = all_problems(&with(&carousel(), pointer, new));
        let told = found.first().unwrap();
        assert_eq!(told.path, path, "{pointer}: {found:?}");
        assert!(told.problem.contains(hint), "{pointer}: {told}");
    }
    let passwords = vec![
        (
            "/components/1/code_expiration_minutes",
            json!(91),
            "components[1].code_expiration_minutes",
            "90",
        ),
        (
            "/components/2/buttons/0/otp_type",
            json!("TYPE"),
            "components[2].buttons[0].otp_type",
            "ONE_TAP",
        ),
        (
            "/components/2/buttons/0/otp_type",
            json!("ONE_TAP"),
            "components[2].buttons[0].package_name",
            "missing",
        ),
        (
            "/components/2/buttons/0/otp_type",
            json!("ZERO_TAP"),
            "components[2].buttons[0].zero_tap_terms_accepted",
            "true",
        ),
        (
            "/components/2/buttons/-",
            reply("Yes"),
            "components[2].buttons",
            "one OTP",
        ),
        ("/components/2", Value::Null, "components", "OTP button"),
        (
            "/components/-",
            json!({ "type": "HEADER", "format": "LOCATION" }),
            "components",
            "no HEADER",
        ),
    ];
    assert_each_is_refused(&password(), passwords);
}
