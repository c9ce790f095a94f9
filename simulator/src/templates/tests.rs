use super::*;
use crate::graph::error::GraphError;
use crate::graph::validate::{self, Request};
use serde_json::json;

const WABA: &str = "1";

fn seeded() -> Templates {
    Templates::seeded([WABA, "2", WABA])
}

fn send(template: &Value) -> Result<u64, GraphError> {
    let request = json!({
        "messaging_product": "whatsapp", "to": "+16505551234", "type": "template", "template": template
    });
    let Request::Message(message) = validate::request(&request)? else {
        panic!("a message")
    };
    check(&seeded(), WABA, &message.template.unwrap()).map(|template| template.id)
}

fn texts(values: &[&str]) -> Value {
    values
        .iter()
        .map(|value| json!({"type": "text", "text": value}))
        .collect()
}

#[test]
fn each_way_of_filling_a_template_wrongly_has_its_code() {
    let body = |values: &[&str]| json!({"type": "body", "parameters": texts(values)});
    let url = json!({"type": "button", "sub_type": "url", "index": "0", "parameters": texts(&["1042"])});
    let named = |name: &str| json!({"type": "text", "parameter_name": name, "text": "x"});
    let offer = |parameters: Value, header: Value| {
        json!({"name": "seasonal_offer", "language": {"code": "en_US"}, "components": [
            {"type": "header", "parameters": [header]},
            {"type": "body", "parameters": parameters},
            {"type": "button", "sub_type": "copy_code", "index": 0,
             "parameters": [{"type": "coupon_code", "coupon_code": "SPRING25"}]}]})
    };
    let image = json!({"type": "image", "image": {"link": "https://shop.example.com/a.png"}});
    let all_named = json!([named("first_name"), named("discount"), named("code")]);
    let shipped = |components: Value| json!({"name": "order_shipped", "language": {"code": "en_US"}, "components": components});
    let cases = [
        ("well filled", shipped(json!([body(&["a", "b", "c"]), url])), None),
        (
            "plain",
            json!({"name": "hello_world", "language": {"code": "en_US"}}),
            None,
        ),
        ("named", offer(all_named.clone(), image.clone()), None),
        (
            "unknown name",
            json!({"name": "nope", "language": {"code": "en_US"}}),
            Some(132_001),
        ),
        (
            "unknown language",
            json!({"name": "hello_world", "language": {"code": "fr"}}),
            Some(132_001),
        ),
        (
            "paused",
            json!({"name": "paused_offer", "language": {"code": "en_US"}}),
            Some(132_015),
        ),
        (
            "disabled",
            json!({"name": "disabled_offer", "language": {"code": "en_US"}}),
            Some(132_016),
        ),
        (
            "rejected",
            json!({"name": "rejected_offer", "language": {"code": "en_US"}}),
            Some(132_001),
        ),
        ("too few", shipped(json!([body(&["a", "b"]), url])), Some(132_000)),
        (
            "too many",
            shipped(json!([body(&["a", "b", "c", "d"]), url])),
            Some(132_000),
        ),
        ("no components", shipped(json!([])), Some(132_000)),
        (
            "button without its value",
            shipped(json!([body(&["a", "b", "c"])])),
            Some(131_008),
        ),
        (
            "wrong kind of button",
            shipped(json!([body(&["a", "b", "c"]),
                {"type": "button", "sub_type": "quick_reply", "index": 0,
                 "parameters": [{"type": "payload", "payload": "x"}]}])),
            Some(132_012),
        ),
        (
            "a header that nobody asked for",
            shipped(json!([
            {"type": "header", "parameters": texts(&["x"])}, body(&["a", "b", "c"]), url])),
            Some(132_000),
        ),
        (
            "numbers where names are wanted",
            offer(texts(&["a", "b", "c"]), image.clone()),
            Some(132_012),
        ),
        (
            "a wrong name",
            offer(
                json!([named("first_name"), named("discount"), named("kode")]),
                image,
            ),
            Some(132_012),
        ),
        (
            "a document where an image is wanted",
            offer(
                all_named,
                json!({"type": "document", "document": {"link": "https://shop.example.com/a.pdf"}}),
            ),
            Some(132_012),
        ),
        (
            "too long once filled",
            shipped(json!([body(&["a", "b", &"c".repeat(1_024)]), url])),
            Some(132_005),
        ),
    ];
    for (label, template, wanted) in cases {
        assert_eq!(send(&template).err().map(|error| error.code), wanted, "{label}");
    }
}

#[test]
fn every_approved_template_of_the_list_can_be_told_apart() {
    let templates = seeded();
    let mut ids: Vec<u64> = templates.of(WABA).map(|template| template.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), templates.of(WABA).count());
}

#[test]
fn putting_a_template_again_keeps_its_id() {
    let mut templates = seeded();
    let mut spec = templates.find(WABA, "hello_world", "en_US").unwrap().spec.clone();
    let id = templates.find(WABA, "hello_world", "en_US").unwrap().id;
    spec.status = "PAUSED".into();
    assert_eq!(templates.put(WABA, spec), id);
    assert!(templates.remove(WABA, "order_shipped", None, 0));
    assert!(templates.find(WABA, "order_shipped", "es").is_none());
}

#[test]
fn a_review_is_overtaken_by_whatever_else_becomes_of_its_template() {
    let mut templates = seeded();
    let spec = templates.find(WABA, "hello_world", "en_US").unwrap().spec.clone();
    let id = templates.put(WABA, spec.clone());
    let first = templates.begin_review(id, 10).unwrap();
    assert!(templates.stands(first));
    // A list that ends it comes before its webhook.
    templates.settle(20);
    assert!(templates.stands(first));
    // Edited, and reviewed once more.
    let second = templates.begin_review(id, 30).unwrap();
    assert!(!templates.stands(first) && templates.stands(second));
    templates.put(WABA, spec);
    assert!(!templates.stands(second));
    let third = templates.begin_review(id, 40).unwrap();
    templates.remove(WABA, "hello_world", Some(id), 0);
    assert!(!templates.stands(third));
}

#[test]
fn accounts_have_templates_of_their_own() {
    let mut templates = seeded();
    let ids = |templates: &Templates, waba: &str| {
        templates.of(waba).map(|template| template.id).collect::<Vec<_>>()
    };
    let (one, two) = (ids(&templates, WABA), ids(&templates, "2"));
    assert_eq!(one.len(), two.len());
    assert!(one.iter().all(|id| !two.contains(id)));
    assert!(templates.remove(WABA, "hello_world", None, 0));
    assert!(templates.find(WABA, "hello_world", "en_US").is_none());
    assert!(templates.find("2", "hello_world", "en_US").is_some());
}

#[test]
fn a_review_refuses_what_it_sees_when_it_looks_closer() {
    let mut templates = seeded();
    let text = |text: &str| TemplateSpec {
        name: "new".to_owned(),
        language: "en".to_owned(),
        category: "UTILITY".to_owned(),
        status: approved(),
        parameter_format: None,
        message_send_ttl_seconds: None,
        components: vec![json!({ "type": "BODY", "text": text })],
        quality: None,
    };
    for (body, reason) in [
        ("Your order left.", None),
        ("Now 50% off!", Some("TAG_CONTENT_MISMATCH")),
        ("See https://bit.ly/x for it.", Some("SCAM")),
    ] {
        let id = templates.put(WABA, text(body));
        templates.begin_review(id, 10);
        templates.settle(10);
        let fields = templates.get(id).unwrap().fields();
        let expected = if reason.is_some() { "REJECTED" } else { "APPROVED" };
        assert_eq!(fields["status"], expected, "{body}");
        assert_eq!(fields["rejected_reason"], reason.unwrap_or("NONE"));
    }
}

#[test]
fn a_template_of_the_library_is_filled_by_what_its_buttons_lead_to() {
    let body = |inputs: Value| {
        json!({ "name": "mine", "language": "en_US", "category": "UTILITY",
        "library_template_name": "delivery_update_1", "library_template_button_inputs": inputs })
    };
    let phone = json!({ "type": "PHONE_NUMBER", "phone_number": "+16315551010" });
    let url = json!({ "type": "URL", "url": { "base_url": "https://shop.example/{{1}}",
        "url_suffix_example": "https://shop.example/7" } });
    let spec = from_library(&body(json!([url, phone]))).unwrap();
    assert_eq!(spec.status, "APPROVED");
    assert_eq!(
        spec.components[1]["buttons"][0]["url"],
        "https://shop.example/{{1}}"
    );
    assert_eq!(spec.components[1]["buttons"][1]["phone_number"], "+16315551010");
    review(&spec).unwrap();
    for wrong in [json!([]), json!([phone, url]), json!([{ "type": "URL" }, phone])] {
        assert!(from_library(&body(wrong)).is_err());
    }
}
