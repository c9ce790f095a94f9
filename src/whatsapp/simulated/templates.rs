//! The gateway's compiler against the simulator's own rules: what one refuses the other refuses, and what one takes the other takes.

use super::client::{bearer, graph};
use super::*;
use crate::domain::WabaId;
use crate::whatsapp::client::GraphTemplates as _;
use crate::whatsapp::parse_outbound;
use crate::whatsapp::templates::{Definition, Draft, fill, problems};

const WABA: &str = "102290129340398";

pub(super) fn waba() -> WabaId {
    WabaId::parse(WABA).unwrap()
}

pub(super) async fn all(rig: &Rig) -> Vec<Value> {
    let (graph, mut after, mut all) = (graph(rig), None, Vec::new());
    loop {
        let page = graph
            .templates(&waba(), after.as_deref(), &bearer())
            .await
            .unwrap();
        all.extend(page.templates);
        after = page.after;
        if after.is_none() {
            return all;
        }
    }
}

fn problems_of(template: &Value) -> Vec<String> {
    let text = |key: &str| template[key].as_str().unwrap_or_default();
    let found = problems(&Draft {
        name: text("name"),
        language: text("language"),
        category: text("category"),
        format: None,
        components: &template["components"],
        ttl_seconds: template["message_send_ttl_seconds"].as_i64(),
    });
    found.iter().map(ToString::to_string).collect()
}

fn texts(values: &[&str]) -> Value {
    values
        .iter()
        .map(|value| json!({ "type": "text", "text": value }))
        .collect()
}

fn named(values: &[&str]) -> Value {
    values
        .iter()
        .map(|name| json!({ "type": "text", "parameter_name": name, "text": "x" }))
        .collect()
}

#[actix_web::test]
async fn every_template_of_the_simulator_has_no_problem() {
    let rig = Rig::start(quick()).await;
    let all = all(&rig).await;
    assert!(all.len() >= 15, "{}", all.len());
    for template in &all {
        assert_eq!(problems_of(template), [""; 0], "{template}");
    }
}

#[actix_web::test]
async fn both_refuse_the_same_drafts() {
    let rig = Rig::start(quick()).await;
    let body = |text: &str| json!({ "type": "BODY", "text": text, "example": { "body_text": [["a"]] } });
    let buttons = |list: Value| json!([body("Hi {{1}}!"), { "type": "BUTTONS", "buttons": list }]);
    let reply = |label: &str| json!({ "type": "QUICK_REPLY", "text": label });
    let drafts = [
        ("right", json!([body("Hi {{1}}!")]), true),
        ("no body", json!([{ "type": "FOOTER", "text": "x" }]), false),
        ("at an edge", json!([body("{{1}} hi")]), false),
        ("a gap", json!([body("Hi {{2}}!")]), false),
        (
            "no example",
            json!([{ "type": "BODY", "text": "Hi {{1}}!" }]),
            false,
        ),
        ("twice", json!([body("Hi {{1}}!"), body("Hi {{1}}!")]), false),
        (
            "too long",
            json!([body(&format!("Hi {{{{1}}}}! {}", "x".repeat(1_024)))]),
            false,
        ),
        (
            "a variable below",
            json!([body("Hi {{1}}!"), { "type": "FOOTER", "text": "a {{1}} b" }]),
            false,
        ),
        (
            "no handle",
            json!([{ "type": "HEADER", "format": "IMAGE" }, body("Hi {{1}}!")]),
            false,
        ),
        (
            "a bold header",
            json!([{ "type": "HEADER", "format": "TEXT", "text": "*a*" }, body("Hi {{1}}!")]),
            false,
        ),
        ("replies", buttons(json!([reply("a"), reply("b")])), true),
        (
            "apart",
            buttons(
                json!([reply("a"), { "type": "PHONE_NUMBER", "text": "c", "phone_number": "+15550700000" }, reply("b")]),
            ),
            false,
        ),
        ("a long label", buttons(json!([reply(&"x".repeat(26))])), false),
        (
            "no link",
            buttons(json!([{ "type": "URL", "text": "a", "url": "b" }])),
            false,
        ),
        (
            "within a link",
            buttons(
                json!([{ "type": "URL", "text": "a", "url": "https://a.example/{{1}}/b", "example": ["c"] }]),
            ),
            false,
        ),
        (
            "a code too long",
            buttons(json!([{ "type": "COPY_CODE", "example": "x".repeat(16) }])),
            false,
        ),
        (
            "a password",
            buttons(json!([{ "type": "OTP", "otp_type": "COPY_CODE" }])),
            false,
        ),
        ("no button", buttons(json!([])), false),
        (
            "one card",
            json!([body("Hi {{1}}!"), { "type": "CAROUSEL", "cards": [{ "components": [] }] }]),
            false,
        ),
    ];
    for (index, (label, components, is_right)) in drafts.into_iter().enumerate() {
        let draft = json!({ "name": format!("draft_{index}"), "language": "en_US", "category": "UTILITY",
            "components": components });
        let found = problems_of(&draft);
        assert_eq!(found.is_empty(), is_right, "{label}: {found:?}");
        let made = graph(&rig).create_template(&waba(), &draft, &bearer()).await;
        assert_eq!(made.is_ok(), is_right, "{label}: {made:?}");
    }
}

#[actix_web::test]
async fn both_refuse_the_same_messages() {
    let rig = Rig::start(quick()).await;
    let all = all(&rig).await;
    let image = json!({ "type": "header", "parameters": [
        { "type": "image", "image": { "link": "https://shop.example.com/a.png" } }] });
    let link = |index: u32, value: &str| {
        json!({ "type": "button", "sub_type": "url", "index": index,
        "parameters": texts(&[value]) })
    };
    let coupon = json!({ "type": "button", "sub_type": "copy_code", "index": 0,
        "parameters": [{ "type": "coupon_code", "coupon_code": "SPRING25" }] });
    let body = |values: &[&str]| json!({ "type": "body", "parameters": texts(values) });
    let card = |header: &Value| json!({ "components": [header.clone()] });
    let by_name = |names: &[&str]| json!({ "type": "body", "parameters": named(names) });
    let three = ["first_name", "discount", "code"];
    let messages = [
        ("hello_world", json!([]), true),
        ("hello_world", json!([body(&["a"])]), false),
        (
            "hello_world",
            json!([{ "type": "header", "parameters": texts(&["a"]) }]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b", "c"]), link(0, "1042")]),
            true,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b"]), link(0, "1042")]),
            false,
        ),
        ("order_shipped", json!([body(&["a", "b", "c"])]), false),
        (
            "order_shipped",
            json!([body(&["a", "b", "c"]), link(1, "1042")]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b", "c"]), link(0, "1042"), link(0, "1")]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b", "c"]), body(&["a", "b", "c"]), link(0, "1")]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b", &"c".repeat(1_024)]), link(0, "1")]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b\nb", "c"]), link(0, "1")]),
            false,
        ),
        (
            "order_shipped",
            json!([body(&["a", "b", "c"]), link(0, "1 2")]),
            false,
        ),
        (
            "appointment_reminder",
            json!([{ "type": "header", "parameters": texts(&["Monday"]) }, body(&["a", "b"])]),
            true,
        ),
        ("appointment_reminder", json!([body(&["a", "b"])]), false),
        (
            "appointment_reminder",
            json!([{ "type": "header", "parameters": texts(&[&"x".repeat(60)]) }, body(&["a", "b"])]),
            false,
        ),
        ("seasonal_offer", json!([image, by_name(&three), coupon]), true),
        ("seasonal_offer", json!([by_name(&three), coupon]), false),
        (
            "seasonal_offer",
            json!([image, body(&["a", "b", "c"]), coupon]),
            false,
        ),
        (
            "seasonal_offer",
            json!([image, by_name(&["first_name", "discount", "kode"]), coupon]),
            false,
        ),
        (
            "seasonal_offer",
            json!([image, by_name(&["first_name", "first_name", "code"]), coupon]),
            false,
        ),
        ("seasonal_offer", json!([image, by_name(&three)]), false),
        (
            "new_in_store",
            json!([body(&["a"]), { "type": "carousel", "cards": [card(&image), card(&image), card(&image)] }]),
            true,
        ),
        ("new_in_store", json!([body(&["a"])]), false),
        (
            "new_in_store",
            json!([body(&["a"]), { "type": "carousel", "cards": [card(&image), card(&image)] }]),
            false,
        ),
        (
            "new_in_store",
            json!([body(&["a"]), { "type": "carousel", "cards": [
                card(&image), card(&image), { "components": [] }] }]),
            false,
        ),
        (
            "verification_code",
            json!([body(&["123456"]), link(0, "123456")]),
            true,
        ),
        (
            "verification_code",
            json!([body(&["123456"]), link(0, &"1".repeat(16))]),
            false,
        ),
        ("verification_code", json!([body(&["123456"])]), false),
    ];
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    for (index, (name, components, is_right)) in messages.into_iter().enumerate() {
        let template = all
            .iter()
            .find(|template| template["name"] == name && template["language"] == "en_US")
            .unwrap_or_else(|| panic!("{name}"));
        let definition = Definition::read(
            &template["components"],
            template["category"].as_str().unwrap(),
            template["parameter_format"].as_str(),
        );
        let used = json!({ "name": name, "language": { "code": "en_US" }, "components": components });
        let request = json!({ "type": "template", "template": used });
        let raw = serde_json::value::to_raw_value(&request).unwrap();
        let ours = parse_outbound(&raw).and_then(|_| fill(&definition, &used));
        assert_eq!(ours.is_ok(), is_right, "{index} {name}: {ours:?}");
        let body = json!({ "messaging_product": "whatsapp", "to": format!("+62812345678{index:02}"),
            "type": "template", "template": used });
        let theirs = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .post(format!("{}/v25.0/{NUMBER}/messages", rig.simulator.url()))
            .bearer_auth("simulated-access-token")
            .body(body.to_string())
            .header("Content-Type", "application/json")
            .send()
            .await
            .unwrap();
        let status = theirs.status();
        let said = theirs.text().await.unwrap();
        assert_eq!(status.is_success(), is_right, "{index} {name}: {said}");
    }
}

#[actix_web::test]
async fn the_gateway_edits_deletes_and_searches_as_the_simulator_has_it() {
    let rig = Rig::start(quick()).await;
    let all = all(&rig).await;
    let hello = all
        .iter()
        .find(|template| template["name"] == "hello_world")
        .unwrap();
    let (graph, id) = (graph(&rig), hello["id"].as_str().unwrap());
    let change = json!({ "components": [{ "type": "BODY", "text": "Hello again!" }] });
    graph.edit_template(id, &change, &bearer()).await.unwrap();
    let wrong = json!({ "components": [{ "type": "FOOTER", "text": "x" }] });
    assert!(graph.edit_template(id, &wrong, &bearer()).await.is_err());
    graph
        .delete_template(&waba(), "hello_world", Some(id), &bearer())
        .await
        .unwrap();
    assert!(
        graph
            .delete_template(&waba(), "hello_world", None, &bearer())
            .await
            .is_err()
    );
    let found = graph
        .template_library(Some("delivery"), Some("en_US"), None, &bearer())
        .await
        .unwrap();
    assert_eq!(found.templates.len(), 1);
}
