//! What does not fill a template, and what the customer sees of what does.

use super::*;
use crate::whatsapp::parse_outbound;

/// Checks a template of a message as a call that sends does.
fn filled(template: &Value, components: &Value) -> Result<Preview, ContentError> {
    let name = &template["name"];
    let used =
        json!({ "name": name, "language": { "code": template["language"] }, "components": components });
    let request = json!({ "type": "template", "template": used });
    parse_outbound(&serde_json::value::to_raw_value(&request).unwrap())?;
    fill(&definition(template), &used)
}

fn texts(values: &[&str]) -> Value {
    values
        .iter()
        .map(|value| json!({ "type": "text", "text": value }))
        .collect()
}

fn named(values: &[(&str, &str)]) -> Value {
    let one = |(name, text): &(&str, &str)| json!({ "type": "text", "parameter_name": name, "text": text });
    values.iter().map(one).collect()
}

fn link(value: &str, index: Value) -> Value {
    json!({ "type": "button", "sub_type": "url", "index": index, "parameters": texts(&[value]) })
}

fn right_for_usual() -> Value {
    json!([
        { "type": "header", "parameters": texts(&["1042"]) },
        { "type": "body", "parameters": texts(&["Ana", "1042"]) },
        { "type": "button", "sub_type": "quick_reply", "index": 0,
          "parameters": [{ "type": "payload", "payload": "thanks" }] },
        link("1042", json!("1"))
    ])
}

fn right_for_offer() -> Value {
    json!([
        { "type": "header", "parameters": [
            { "type": "image", "image": { "link": "https://shop.example.com/a.png" } }] },
        { "type": "limited_time_offer", "parameters": [
            { "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_800_000_000_000_u64 } }] },
        { "type": "body", "parameters": named(&[("discount", "25%"), ("first_name", "Ana")]) },
        { "type": "button", "sub_type": "COPY_CODE", "index": 0,
          "parameters": [{ "type": "coupon_code", "coupon_code": "SPRING25" }] }
    ])
}

fn card_of(index: u32, bread: &str) -> Value {
    json!({ "card_index": index, "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] },
        { "type": "body", "parameters": texts(&[bread]) },
        link(bread, json!(1))] })
}

fn right_for_carousel() -> Value {
    json!([
        { "type": "body", "parameters": texts(&["Ana"]) },
        { "type": "carousel", "cards": [card_of(0, "rye"), card_of(1, "wheat")] }
    ])
}

fn right_for_password() -> Value {
    json!([{ "type": "body", "parameters": texts(&["123456"]) }, link("123456", json!("0"))])
}

#[test]
fn the_customer_sees_the_template_filled() {
    let preview = filled(&usual(), &right_for_usual()).unwrap();
    assert_eq!(preview.header.unwrap().text.as_deref(), Some("Order 1042"));
    assert_eq!(preview.body, "Hi Ana, your order 1042 is on its way.");
    assert_eq!(preview.footer.as_deref(), Some("Mesej Bakery"));
    let values: Vec<_> = preview
        .buttons
        .iter()
        .map(|button| button.value.as_deref())
        .collect();
    assert_eq!(
        values,
        [
            None,
            Some("https://shop.example.com/t/1042"),
            Some("+15550700000")
        ]
    );
    let preview = filled(&offer(), &right_for_offer()).unwrap();
    assert_eq!(preview.body, "Hi Ana, take 25% off.");
    assert_eq!(preview.limited_time_offer.as_deref(), Some("Ends soon"));
    assert_eq!(
        preview.header.unwrap().text.as_deref(),
        Some("https://shop.example.com/a.png")
    );
    assert_eq!(preview.buttons[0].value.as_deref(), Some("SPRING25"));
    let preview = filled(&carousel(), &right_for_carousel()).unwrap();
    assert_eq!(preview.cards[1].body.as_deref(), Some("Fresh wheat today"));
    assert_eq!(
        preview.cards[0].buttons[1].value.as_deref(),
        Some("https://shop.example.com/p/rye")
    );
    let preview = filled(&password(), &right_for_password()).unwrap();
    assert_eq!(preview.body, "*123456* is your verification code.");
}

#[test]
fn cards_may_come_in_any_order() {
    let turned = json!([
        { "type": "body", "parameters": texts(&["Ana"]) },
        { "type": "carousel", "cards": [card_of(1, "wheat"), card_of(0, "rye")] }
    ]);
    let preview = filled(&carousel(), &turned).unwrap();
    assert_eq!(preview.cards[0].body.as_deref(), Some("Fresh rye today"));
}

#[test]
fn a_sample_shows_the_examples() {
    let sample = |template: &Value| definition(template).sample(&template["components"]);
    assert_eq!(sample(&usual()).body, "Hi Ana, your order 1042 is on its way.");
    assert_eq!(
        sample(&usual()).header.unwrap().text.as_deref(),
        Some("Order 1042")
    );
    assert_eq!(sample(&offer()).body, "Hi Ana, take 25% off.");
    assert_eq!(
        sample(&carousel()).cards[1].body.as_deref(),
        Some("Fresh rye today")
    );
    let buttons = |template: &Value| -> Vec<(String, Option<String>)> {
        let buttons = sample(template).buttons.into_iter();
        buttons.map(|button| (button.text, button.value)).collect()
    };
    let button = |text: &str, value: &str| (text.to_owned(), Some(value.to_owned()));
    let track = "https://shop.example.com/t/1042";
    assert_eq!(buttons(&usual())[1], button("Track", track));
    let short = with(&usual(), "/components/3/buttons/1/example", json!(["1042"]));
    assert_eq!(
        buttons(&short)[1],
        button("Track", track),
        "the end of the link alone"
    );
    assert_eq!(buttons(&offer())[0], button("Copy offer code", "SPRING25"));
    let card = sample(&carousel()).cards.remove(0);
    assert_eq!(
        card.buttons[1].value.as_deref(),
        Some("https://shop.example.com/p/1")
    );
    let unnamed = with(&password(), "/components/2/buttons/0/text", Value::Null);
    for template in [password(), unnamed] {
        assert_eq!(sample(&template).body, "*123456* is your verification code.");
        assert_eq!(buttons(&template), [button("Copy code", "123456")]);
    }
}

/// What is changed, what it becomes, and where it is wrong.
type Wrong = (&'static str, Value, &'static str, &'static str);

fn assert_each_is_refused(template: &Value, right: &Value, cases: Vec<Wrong>) {
    for (pointer, new, path, hint) in cases {
        let changed = with(right, pointer, new);
        let Err(refused) = filled(template, &changed) else {
            panic!("{pointer}: {changed} passed")
        };
        assert_eq!(
            refused.path,
            format!("template.components{path}"),
            "{pointer}: {refused}"
        );
        assert!(
            refused.problem.contains(hint),
            "{pointer}: {refused} lacks {hint:?}"
        );
    }
}

#[test]
fn each_way_of_filling_a_usual_template_wrongly_is_told_where_it_is() {
    let all = "x".repeat(1_024);
    let cases = vec![
        ("/0", Value::Null, "", "header"),
        ("/0/parameters", json!([]), "[0].parameters", "1 variable"),
        ("/0/parameters", Value::Null, "[0].parameters", "1 variable"),
        (
            "/0/parameters/0/text",
            json!("x".repeat(55)),
            "[0].parameters",
            "61 characters",
        ),
        (
            "/0/parameters/0",
            json!({ "type": "image", "image": { "id": "1" } }),
            "[0].parameters[0].type",
            "text",
        ),
        ("/1", Value::Null, "", "lacks the body"),
        ("/1/parameters", texts(&["Ana"]), "[1].parameters", "1 parameter"),
        (
            "/1/parameters",
            texts(&["Ana", "1", "2"]),
            "[1].parameters",
            "3 parameters",
        ),
        (
            "/1/parameters/0/text",
            json!(""),
            "[1].parameters[0].text",
            "empty",
        ),
        (
            "/1/parameters/0/text",
            json!("a\nb"),
            "[1].parameters[0].text",
            "line breaks",
        ),
        (
            "/1/parameters/0/text",
            json!("a\tb"),
            "[1].parameters[0].text",
            "tabs",
        ),
        (
            "/1/parameters/0/text",
            json!("a     b"),
            "[1].parameters[0].text",
            "spaces",
        ),
        (
            "/1/parameters/0/text",
            json!(all),
            "[1].parameters",
            "at most 1024",
        ),
        (
            "/1/parameters/0",
            json!({ "type": "payload", "payload": "x" }),
            "[1].parameters[0].type",
            "text, currency",
        ),
        (
            "/-",
            json!({ "type": "body", "parameters": texts(&["a", "b"]) }),
            "[4]",
            "second",
        ),
        ("/-", json!({ "type": "sticker" }), "[4].type", "does not have"),
        (
            "/-",
            json!({ "type": "carousel", "cards": [card_of(0, "a"), card_of(1, "b")] }),
            "[4]",
            "has none",
        ),
        (
            "/-",
            json!({ "type": "limited_time_offer", "parameters": [
                { "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1 } }] }),
            "[4]",
            "has none",
        ),
        ("/3", Value::Null, "", "index 1"),
        ("/3/index", json!(3), "[3].index", "3 buttons"),
        ("/3/index", json!(0), "[3].index", "already"),
        ("/3/sub_type", json!("quick_reply"), "[3].sub_type", "must be url"),
        ("/3/parameters", json!([]), "[3].parameters", "one parameter"),
        (
            "/3/parameters",
            texts(&["a", "b"]),
            "[3].parameters",
            "one parameter",
        ),
        (
            "/3/parameters/0/text",
            json!("a b"),
            "[3].parameters[0].text",
            "spaces",
        ),
        (
            "/3/parameters/0",
            json!({ "type": "payload", "payload": "x" }),
            "[3].parameters[0].type",
            "text",
        ),
        ("/2/sub_type", json!("flow"), "[2].sub_type", "quick_reply"),
        (
            "/2/parameters/-",
            json!({ "type": "payload", "payload": "x" }),
            "[2].parameters",
            "at most",
        ),
        (
            "/2/parameters/0",
            json!({ "type": "coupon_code", "coupon_code": "x" }),
            "[2].parameters[0].type",
            "payload",
        ),
        (
            "/-",
            json!({ "type": "button", "sub_type": "phone_number", "index": 2 }),
            "[4]",
            "does not fill",
        ),
    ];
    assert_each_is_refused(&usual(), &right_for_usual(), cases);
}

#[test]
fn each_way_of_filling_named_variables_files_cards_and_codes_wrongly_is_told() {
    let cases = vec![
        ("/0", Value::Null, "", "image"),
        ("/0/parameters", json!([]), "[0].parameters", "image"),
        (
            "/0/parameters/0",
            json!({ "type": "video", "video": { "id": "1" } }),
            "[0].parameters[0].type",
            "must be image",
        ),
        ("/1", Value::Null, "", "expires"),
        (
            "/1/parameters/0/limited_time_offer",
            json!({ "expiration_time_ms": "soon" }),
            "[1].parameters[0].limited_time_offer.expiration_time_ms",
            "milliseconds",
        ),
        (
            "/2/parameters",
            texts(&["a", "b"]),
            "[2].parameters[0].parameter_name",
            "missing",
        ),
        ("/2/parameters/0", Value::Null, "[2].parameters", "discount"),
        (
            "/2/parameters/0/parameter_name",
            json!("price"),
            "[2].parameters[0].parameter_name",
            "first_name",
        ),
        (
            "/2/parameters/0/parameter_name",
            json!("first_name"),
            "[2].parameters[1].parameter_name",
            "twice",
        ),
        ("/3", Value::Null, "", "coupon_code"),
        (
            "/3/parameters/0",
            json!({ "type": "text", "text": "x" }),
            "[3].parameters[0].type",
            "coupon_code",
        ),
        (
            "/-",
            json!({ "type": "button", "sub_type": "url", "index": 1, "parameters": texts(&["x"]) }),
            "[4].parameters",
            "no variable",
        ),
    ];
    assert_each_is_refused(&offer(), &right_for_offer(), cases);
    let cards = vec![
        ("/1", Value::Null, "", "2 cards"),
        ("/1/cards/-", card_of(2, "oat"), "[1].cards", "exactly 2"),
        (
            "/1/cards/1/card_index",
            json!(0),
            "[1].cards[1].card_index",
            "twice",
        ),
        (
            "/1/cards/1/card_index",
            json!(7),
            "[1].cards[1].card_index",
            "0 to 1",
        ),
        ("/1/cards/1/components/0", Value::Null, "", ""),
        (
            "/1/cards/1/components/1/parameters",
            texts(&["a", "b"]),
            "[1].cards[1].components[1].parameters",
            "2",
        ),
        (
            "/1/cards/1/components/1/parameters",
            texts(&[&"a".repeat(160)]),
            "[1].cards[1].components[1].parameters",
            "160",
        ),
        ("/1/cards/1/components/2", Value::Null, "", ""),
    ];
    for (pointer, new, path, hint) in cards {
        let refused = filled(&carousel(), &with(&right_for_carousel(), pointer, new)).unwrap_err();
        let path = match (path, pointer) {
            ("", "/1") => "template.components".to_owned(),
            ("", _) => "template.components[1].cards[1].components".to_owned(),
            (path, _) => format!("template.components{path}"),
        };
        assert_eq!(refused.path, path, "{pointer}: {refused}");
        assert!(refused.problem.contains(hint), "{pointer}: {refused}");
    }
    let codes = vec![
        ("/0", Value::Null, "", "lacks the body"),
        ("/1", Value::Null, "", "index 0"),
        (
            "/1/parameters/0/text",
            json!("1".repeat(16)),
            "[1].parameters[0].text",
            "15",
        ),
    ];
    assert_each_is_refused(&password(), &right_for_password(), codes);
}

#[test]
fn what_this_version_does_not_know_limits_nothing() {
    let mut strange = with(
        &usual(),
        "/components/-",
        json!({ "type": "POLL", "question": "?" }),
    );
    strange = with(
        &strange,
        "/components/3/buttons/-",
        json!({ "type": "SHAKE", "text": "Shake" }),
    );
    let mut given = with(
        &right_for_usual(),
        "/-",
        json!({ "type": "poll", "parameters": [] }),
    );
    let shake = json!({ "type": "button", "sub_type": "shake", "index": 3, "parameters": [{ "type": "x" }] });
    given = with(&given, "/-", shake);
    filled(&strange, &given).unwrap();
}

#[test]
fn a_body_alone_may_be_long() {
    let alone = json!({ "name": "a", "language": "en", "category": "UTILITY", "components": [
        { "type": "BODY", "text": "Hi {{1}}!", "example": { "body_text": [["Ana"]] } }] });
    let long = |length: usize| json!([{ "type": "body", "parameters": texts(&[&"x".repeat(length)]) }]);
    filled(&alone, &long(32_764)).unwrap();
    let refused = filled(&alone, &long(32_768)).unwrap_err();
    assert!(refused.problem.contains("at most 32768"), "{refused}");
}
