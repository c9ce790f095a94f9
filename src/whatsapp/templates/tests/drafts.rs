//! What Meta's review refuses at once.

use super::*;

#[test]
fn templates_that_are_right_have_no_problem() {
    for template in [usual(), offer(), carousel(), password()] {
        assert_eq!(all_problems(&template), [], "{template}");
    }
}

/// What is changed, what it becomes, and where the only problem is.
pub(super) type Wrong = (&'static str, Value, &'static str, &'static str);

pub(super) fn assert_each_is_refused(right: &Value, cases: Vec<Wrong>) {
    for (pointer, new, path, hint) in cases {
        let changed = with(right, pointer, new);
        let found = all_problems(&changed);
        let [only] = found.as_slice() else {
            panic!("{pointer}: {found:?}")
        };
        assert_eq!(only.path, path, "{pointer}: {only}");
        assert!(only.problem.contains(hint), "{pointer}: {only} lacks {hint:?}");
    }
}

fn buttons(list: Value) -> Value {
    json!({ "type": "BUTTONS", "buttons": list })
}

pub(super) fn reply(label: &str) -> Value {
    json!({ "type": "QUICK_REPLY", "text": label })
}

#[test]
fn texts_of_a_usual_template_follow_the_rules() {
    let cases = vec![
        ("/name", json!(""), "name", "a-z"),
        ("/name", json!("Order"), "name", "a-z"),
        ("/name", json!("x".repeat(513)), "name", "512"),
        ("/language", json!("en-US"), "language", "en_US"),
        ("/language", json!("tlh"), "language", "languages"),
        ("/category", json!("utility"), "category", "UTILITY"),
        ("/components", json!("x"), "components", "list"),
        ("/components", json!([]), "components", "0 items"),
        ("/components/1", Value::Null, "components", "BODY"),
        (
            "/components/-",
            json!({ "type": "STICKER" }),
            "components[4].type",
            "HEADER",
        ),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "components[4]",
            "second",
        ),
        (
            "/components/0/format",
            Value::Null,
            "components[0].format",
            "missing",
        ),
        (
            "/components/0/format",
            json!("AUDIO"),
            "components[0].format",
            "IMAGE",
        ),
        (
            "/components/0/text",
            json!("x".repeat(61)),
            "components[0].text",
            "60",
        ),
        (
            "/components/0/text",
            json!("*Order*"),
            "components[0].text",
            "formatting",
        ),
        (
            "/components/0/text",
            json!("Order 🎉"),
            "components[0].text",
            "emojis",
        ),
        (
            "/components/0/text",
            json!("Order {{1}} {{2}}"),
            "components[0].text",
            "one variable",
        ),
        (
            "/components/0/text",
            json!("Order {{2}}"),
            "components[0].text",
            "gap",
        ),
        (
            "/components/0/example",
            Value::Null,
            "components[0].example",
            "missing",
        ),
        (
            "/components/0/example/header_text",
            json!(["a", "b"]),
            "components[0].example.header_text",
            "1",
        ),
        (
            "/components/0",
            json!({ "type": "HEADER", "format": "IMAGE" }),
            "components[0].example",
            "missing",
        ),
        ("/components/1/text", Value::Null, "components[1].text", "missing"),
        ("/components/1/text", json!(""), "components[1].text", "empty"),
        (
            "/components/1/text",
            json!(format!("Hi {{{{1}}}}, {{{{2}}}} {}", "x".repeat(1_024))),
            "components[1].text",
            "1024",
        ),
        (
            "/components/1/text",
            json!("{{1}}, order {{2}} left."),
            "components[1].text",
            "begin or end",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}}, order {{2}}"),
            "components[1].text",
            "begin or end",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}} {{2}}!"),
            "components[1].text",
            "words between",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}}, order {{3}}."),
            "components[1].text",
            "gap",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}}, {{2}} {{ gone."),
            "components[1].text",
            "braces",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}},\torder {{2}}."),
            "components[1].text",
            "tabs",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}},     order {{2}}."),
            "components[1].text",
            "spaces",
        ),
        (
            "/components/1/text",
            json!("Hi {{1}},\n\n\norder {{2}}."),
            "components[1].text",
            "line breaks",
        ),
        (
            "/components/1/example",
            Value::Null,
            "components[1].example",
            "missing",
        ),
        (
            "/components/1/example/body_text",
            json!([["Ana"]]),
            "components[1].example.body_text[0]",
            "2",
        ),
        (
            "/components/1/example/body_text",
            json!([["Ana", ""]]),
            "components[1].example.body_text[0][1]",
            "empty",
        ),
        (
            "/components/2/text",
            json!("x".repeat(61)),
            "components[2].text",
            "60",
        ),
        (
            "/components/2/text",
            json!("Bye {{1}} now"),
            "components[2].text",
            "variables",
        ),
        (
            "/components/2/text",
            json!("Bye\nnow"),
            "components[2].text",
            "line breaks",
        ),
        (
            "/parameter_format",
            json!("named"),
            "components[0].text",
            "names are",
        ),
    ];
    // Names instead of numbers are wrong in both texts: the header is told first.
    let (last, rest) = cases.split_last().unwrap();
    assert_each_is_refused(&usual(), rest.to_vec());
    let found = all_problems(&with(&usual(), last.0, last.1.clone()));
    assert_eq!(found.first().unwrap().path, last.2);
}

#[test]
fn buttons_follow_the_rules() {
    let url = |address: &str| json!({ "type": "URL", "text": "Go", "url": address });
    let flow = |more: Value| {
        let mut flow = json!({ "type": "FLOW", "text": "Answer" });
        flow.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        flow
    };
    let at = "/components/3";
    let place = "components[3].buttons";
    let many: Vec<Value> = (0..11).map(|number| reply(&number.to_string())).collect();
    let cases = vec![
        (at, buttons(json!([])), "components[3].buttons", "0 items"),
        (at, buttons(json!(many)), place, "11 items"),
        (
            at,
            buttons(json!([{ "type": "CALL", "text": "x" }])),
            "components[3].buttons[0].type",
            "QUICK_REPLY",
        ),
        (
            at,
            buttons(json!([{ "type": "QUICK_REPLY" }])),
            "components[3].buttons[0].text",
            "missing",
        ),
        (
            at,
            buttons(json!([reply(&"x".repeat(26))])),
            "components[3].buttons[0].text",
            "25",
        ),
        (
            at,
            buttons(json!([reply("Hi {{1}}")])),
            "components[3].buttons[0].text",
            "variables",
        ),
        (
            at,
            buttons(json!([reply("Yes"), reply("Yes")])),
            "components[3].buttons[1].text",
            "another",
        ),
        (
            at,
            buttons(json!([reply("Yes"), url("https://a.example"), reply("No")])),
            place,
            "together",
        ),
        (
            at,
            buttons(json!([
                { "type": "URL", "text": "1", "url": "https://a.example" },
                { "type": "URL", "text": "2", "url": "https://a.example" },
                { "type": "URL", "text": "3", "url": "https://a.example" }])),
            place,
            "more than 2",
        ),
        (
            at,
            buttons(json!([url("a.example")])),
            "components[3].buttons[0].url",
            "http",
        ),
        (
            at,
            buttons(json!([url("https://wa.me/1555")])),
            "components[3].buttons[0].url",
            "WhatsApp",
        ),
        (
            at,
            buttons(json!([url("https://a.example/{{1}}/x")])),
            "components[3].buttons[0].url",
            "at its end",
        ),
        (
            at,
            buttons(json!([url("https://a.example/{{2}}")])),
            "components[3].buttons[0].url",
            "at its end",
        ),
        (
            at,
            buttons(json!([url("https://a.example/{{1}}")])),
            "components[3].buttons[0].example",
            "missing",
        ),
        (
            at,
            buttons(json!([{ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "call me" }])),
            "components[3].buttons[0].phone_number",
            "digits",
        ),
        (
            at,
            buttons(json!([{ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "1".repeat(21) }])),
            "components[3].buttons[0].phone_number",
            "20",
        ),
        (
            at,
            buttons(json!([{ "type": "COPY_CODE" }])),
            "components[3].buttons[0].example",
            "missing",
        ),
        (
            at,
            buttons(json!([{ "type": "COPY_CODE", "example": "x".repeat(16) }])),
            "components[3].buttons[0].example",
            "15",
        ),
        (
            at,
            buttons(json!([flow(json!({}))])),
            "components[3].buttons[0]",
            "flow_id",
        ),
        (
            at,
            buttons(json!([flow(
                json!({ "flow_id": "1", "flow_action": "navigate" })
            )])),
            "components[3].buttons[0].navigate_screen",
            "missing",
        ),
        (
            at,
            buttons(json!([flow(json!({ "flow_id": "1", "flow_action": "jump" }))])),
            "components[3].buttons[0].flow_action",
            "navigate",
        ),
        (
            at,
            buttons(json!([{ "type": "OTP", "otp_type": "COPY_CODE" }])),
            place,
            "AUTHENTICATION",
        ),
    ];
    assert_each_is_refused(&usual(), cases);
}

#[test]
fn all_problems_are_told_together() {
    let mut wrong = with(&usual(), "/name", json!("Order"));
    wrong = with(&wrong, "/components/1/text", json!("{{1}} {{3}}"));
    wrong = with(&wrong, "/components/3/buttons/1/url", json!("shop"));
    let paths: Vec<String> = all_problems(&wrong)
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    assert_eq!(
        paths,
        [
            "name",
            "components[1].text",
            "components[1].text",
            "components[1].text",
            "components[3].buttons[1].url"
        ]
    );
}
