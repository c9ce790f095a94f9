//! New templates: the gateway's rules against the simulator's own. Each wrong one is refused by both, and for the same part of it.

use super::client::{bearer, graph};
use super::templates::waba;
use super::*;
use crate::domain::ContentError;
use crate::whatsapp::client::GraphTemplates as _;
use crate::whatsapp::templates::tests::{all_problems, carousel, offer, password, usual, with};

/// What is changed, what it becomes, and which part is refused.
type Wrong = (&'static str, Value, &'static str);

fn reply(label: &str) -> Value {
    json!({ "type": "QUICK_REPLY", "text": label })
}

fn of_usual() -> Vec<Wrong> {
    let body = "/components/1/text";
    let buttons = "/components/3/buttons";
    let button = |button: Value| json!([button]);
    let link =
        |url: &str| json!({ "type": "URL", "text": "See", "url": url, "example": ["https://a.example/1"] });
    let call = json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550700000" });
    let code = json!({ "type": "COPY_CODE", "example": "SPRING25" });
    let replies: Vec<Value> = (0..11).map(|place| reply(&place.to_string())).collect();
    vec![
        ("/name", json!(""), "name"),
        ("/name", json!("Order"), "name"),
        ("/name", json!("a-b"), "name"),
        ("/name", json!("x".repeat(513)), "name"),
        ("/category", json!("utility"), "category"),
        ("/category", json!("OTHER"), "category"),
        ("/message_send_ttl_seconds", json!(29), "message_send_ttl_seconds"),
        (
            "/message_send_ttl_seconds",
            json!(43_201),
            "message_send_ttl_seconds",
        ),
        ("/message_send_ttl_seconds", json!(0), "message_send_ttl_seconds"),
        ("/message_send_ttl_seconds", json!(-2), "message_send_ttl_seconds"),
        ("/components/1", Value::Null, "body"),
        ("/components/-", json!({ "type": "STICKER" }), "sticker"),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "footer",
        ),
        ("/components/-", json!({ "type": "BODY", "text": "x" }), "body"),
        (
            "/components/0/text",
            json!(format!("{{{{1}}}}{}", "x".repeat(60))),
            "header",
        ),
        ("/components/0/text", json!("a {{1}}\nb"), "header"),
        ("/components/0/text", json!("*a* {{1}}"), "header"),
        ("/components/0/text", json!("a {{1}} {{2}}"), "header"),
        ("/components/0/text", json!("a {{2}}"), "header"),
        ("/components/0/text", json!(""), "header"),
        ("/components/0/example", Value::Null, "header"),
        ("/components/0/format", json!("STICKER"), "header"),
        ("/components/0/format", json!("IMAGE"), "header"),
        (body, json!(""), "body"),
        (body, json!("{{1}}, your order {{2}} is there."), "body"),
        (body, json!("Hi {{1}}, here is {{2}}"), "body"),
        (body, json!("Hi {{1}}, your order {{3}} is there."), "body"),
        (body, json!("Hi {{1}},\tyour order {{2}} is there."), "body"),
        (body, json!("Hi {{1}},\n\n\nyour order {{2}} is there."), "body"),
        (body, json!("Hi {{1}},     your order {{2}} is there."), "body"),
        (
            body,
            json!(format!("Hi {{{{1}}}} and {{{{2}}}}, {}.", "x".repeat(1_024))),
            "body",
        ),
        ("/components/1/example", Value::Null, "body"),
        ("/components/1/example", json!({ "body_text": [["Ana"]] }), "body"),
        ("/components/2/text", json!("x".repeat(61)), "footer"),
        ("/components/2/text", json!("a {{1}} b"), "footer"),
        ("/components/2/text", json!(""), "footer"),
        (buttons, json!([]), "buttons"),
        (buttons, json!(replies), "buttons"),
        (buttons, button(reply(&"x".repeat(26))), "buttons"),
        (buttons, button(reply("")), "buttons"),
        (buttons, button(link("shop.example.com")), "buttons"),
        (buttons, button(link("ftp://shop.example.com/")), "buttons"),
        (
            buttons,
            button(link("https://shop.example.com/{{1}}/a")),
            "buttons",
        ),
        (
            buttons,
            button(link("https://shop.example.com/{{1}}{{2}}")),
            "buttons",
        ),
        (
            buttons,
            button(link(&format!("https://a.example/{}", "x".repeat(2_000)))),
            "buttons",
        ),
        (
            buttons,
            button(json!({ "type": "URL", "text": "See", "url": "https://a.example/{{1}}" })),
            "buttons",
        ),
        (
            buttons,
            button(json!({ "type": "URL", "text": "See" })),
            "buttons",
        ),
        (
            buttons,
            json!([
                link("https://a.example/"),
                link("https://b.example/"),
                link("https://c.example/")
            ]),
            "buttons",
        ),
        (
            buttons,
            button(json!({ "type": "PHONE_NUMBER", "text": "Call", "phone_number": "1".repeat(21) })),
            "buttons",
        ),
        (
            buttons,
            button(json!({ "type": "PHONE_NUMBER", "text": "Call" })),
            "buttons",
        ),
        (buttons, json!([call, call]), "buttons"),
        (buttons, json!([reply("a"), call, reply("b")]), "buttons"),
        (
            buttons,
            button(json!({ "type": "COPY_CODE", "example": "x".repeat(16) })),
            "buttons",
        ),
        (buttons, button(json!({ "type": "COPY_CODE" })), "buttons"),
        (buttons, json!([code, code]), "buttons"),
        (
            buttons,
            button(json!({ "type": "OTP", "otp_type": "COPY_CODE" })),
            "buttons",
        ),
        (
            buttons,
            button(json!({ "type": "STICKER", "text": "a" })),
            "buttons",
        ),
    ]
}

fn of_offer() -> Vec<Wrong> {
    let text = "/components/1/limited_time_offer/text";
    vec![
        (text, json!("x".repeat(17)), "limited_time_offer"),
        (text, json!(""), "limited_time_offer"),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "limited_time_offer",
        ),
        ("/components/0/example", Value::Null, "header"),
        (
            "/components/2/text",
            json!("Hi {{First}}, take {{discount}} off."),
            "body",
        ),
        ("/components/2/example", Value::Null, "body"),
        (
            "/message_send_ttl_seconds",
            json!(43_199),
            "message_send_ttl_seconds",
        ),
        (
            "/message_send_ttl_seconds",
            json!(2_592_001),
            "message_send_ttl_seconds",
        ),
        ("/message_send_ttl_seconds", json!(-1), "message_send_ttl_seconds"),
    ]
}

fn of_carousel() -> Vec<Wrong> {
    let cards = "/components/1/cards";
    let card = carousel()["components"][1]["cards"][0].clone();
    vec![
        (cards, json!([card]), "carousel"),
        (cards, json!(vec![card.clone(); 11]), "carousel"),
        (
            "/components/1/cards/0/components/1/text",
            json!("x".repeat(161)),
            "carousel",
        ),
        ("/components/1/cards/0/components/2", Value::Null, "carousel"),
        (
            "/components/1/cards/0/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "carousel",
        ),
        (
            "/components/-",
            json!({ "type": "FOOTER", "text": "x" }),
            "carousel",
        ),
    ]
}

fn of_password() -> Vec<Wrong> {
    let buttons = "/components/2/buttons";
    let otp = password()["components"][2]["buttons"][0].clone();
    vec![
        (buttons, json!([reply("a")]), "buttons"),
        (buttons, json!([otp, otp]), "buttons"),
        ("/components/2/buttons/0/otp_type", json!("STICKER"), "buttons"),
        ("/message_send_ttl_seconds", json!(29), "message_send_ttl_seconds"),
        (
            "/message_send_ttl_seconds",
            json!(901),
            "message_send_ttl_seconds",
        ),
    ]
}

/// Whether the gateway means this part.
fn is_ours(problem: &ContentError, draft: &Value, place: &str) -> bool {
    let kind = problem.path.strip_prefix("components[").and_then(|rest| {
        let index: usize = rest.split(']').next()?.parse().ok()?;
        Some(draft["components"][index]["type"].as_str()?.to_lowercase())
    });
    match kind {
        Some(kind) => kind == place,
        // What components ask of each other.
        None if problem.path == "components" => problem.problem.to_lowercase().contains(place),
        None => problem.path == place,
    }
}

/// Whether the simulator does, which tells it in words.
fn is_theirs(said: &str, place: &str) -> bool {
    let words: &[&str] = match place {
        "buttons" => &[
            "button",
            "quick replies",
            "an address",
            "a phone number",
            "a code",
            "one-time password",
        ],
        "carousel" => &["carousel", "card"],
        place => &[place],
    };
    let said = said.to_lowercase();
    words.iter().any(|word| said.contains(word))
}

#[actix_web::test]
async fn both_refuse_what_is_wrong_with_a_template_for_the_same_part_of_it() {
    let rig = Rig::start(quick()).await;
    let graph = graph(&rig);
    let mut all: Vec<(Value, Wrong)> = Vec::new();
    for (right, wrong) in [
        (usual(), of_usual()),
        (offer(), of_offer()),
        (carousel(), of_carousel()),
        (password(), of_password()),
    ] {
        assert_eq!(all_problems(&right), []);
        all.extend(wrong.into_iter().map(|wrong| (right.clone(), wrong)));
    }
    assert!(all.len() >= 60, "{}", all.len());
    let mut differ = Vec::new();
    for (right, (pointer, new, place)) in all {
        let draft = with(&right, pointer, new.clone());
        let ours = all_problems(&draft);
        let told = ours.iter().any(|problem| is_ours(problem, &draft, place));
        let made = graph.create_template(&waba(), &draft, &bearer()).await;
        let theirs = made.err().map(|error| format!("{error:?}"));
        if !told || !theirs.as_deref().is_some_and(|said| is_theirs(said, place)) {
            let new = new.to_string().chars().take(80).collect::<String>();
            differ.push(format!("{pointer} {new} at {place}: {ours:?} and {theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[actix_web::test]
async fn both_take_the_times_that_a_message_may_be_tried() {
    let rig = Rig::start(quick()).await;
    let graph = graph(&rig);
    let hello = |category: &str, seconds: i64| {
        let name = format!("{}_{}", category.to_lowercase(), seconds.unsigned_abs());
        let mut draft = if category == "AUTHENTICATION" {
            password()
        } else {
            usual()
        };
        draft["name"] = json!(name);
        draft["category"] = json!(category);
        draft["message_send_ttl_seconds"] = json!(seconds);
        draft
    };
    for (category, seconds) in [
        ("UTILITY", 30),
        ("UTILITY", 43_200),
        ("UTILITY", -1),
        ("MARKETING", 43_200),
        ("MARKETING", 2_592_000),
        ("AUTHENTICATION", 30),
        ("AUTHENTICATION", 900),
        ("AUTHENTICATION", -1),
    ] {
        let draft = hello(category, seconds);
        assert_eq!(all_problems(&draft), [], "{draft}");
        graph.create_template(&waba(), &draft, &bearer()).await.unwrap();
        let listed = super::templates::all(&rig).await;
        let listed = listed.iter().find(|template| template["name"] == draft["name"]);
        assert_eq!(listed.unwrap()["message_send_ttl_seconds"], json!(seconds));
    }
}
