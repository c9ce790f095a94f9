//! Templates of Meta's own pages, and more where a folder of real ones is at hand.

use super::*;
use crate::whatsapp::payloads::at_hand;

/// Templates of Meta's pages about each kind.
fn of_metas_pages() -> Vec<Value> {
    let one = |name: &str, category: &str, components: Value| json!({ "name": name, "language": "en_US", "category": category, "components": components });
    vec![
        one(
            "abandoned_cart",
            "MARKETING",
            json!([
                { "type": "HEADER", "format": "TEXT", "text": "Forget something, {{1}}?", "example": { "header_text": ["Pablo"] } },
                { "type": "BODY", "text": "You left some items in your cart! Use code {{1}} and you get 10% off of all of them!",
                  "example": { "body_text": [["10OFF"]] } },
                { "type": "BUTTONS", "buttons": [{ "type": "MPM", "text": "View items" }] }
            ]),
        ),
        one(
            "order_confirmation",
            "UTILITY",
            json!([
                { "type": "HEADER", "format": "DOCUMENT", "example": { "header_handle": ["4::YXBwbGljYXRpb24vcGRm"] } },
                { "type": "BODY", "text": "Thank you for your order, {{1}}! Your order number is {{2}}. Thanks again!",
                  "example": { "body_text": [["Mark", "860198-230332"]] } },
                { "type": "BUTTONS", "buttons": [
                    { "type": "PHONE_NUMBER", "text": "Call", "phone_number": "16467043595" },
                    { "type": "URL", "text": "Contact Support", "url": "https://www.examplesite.com/support" }] }
            ]),
        ),
        one(
            "order_delivery_update",
            "UTILITY",
            json!([
                { "type": "HEADER", "format": "LOCATION" },
                { "type": "BODY", "text": "Good news {{1}}! Your order #{{2}} is on its way to the location above. Thank you!",
                  "example": { "body_text": [["Mark", "566701"]] } },
                { "type": "FOOTER", "text": "To stop receiving delivery updates, tap the button below." },
                { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Stop Delivery Updates" }] }
            ]),
        ),
        one(
            "authentication_code_autofill_button",
            "AUTHENTICATION",
            json!([
                { "type": "BODY", "add_security_recommendation": true },
                { "type": "FOOTER", "code_expiration_minutes": 10 },
                { "type": "BUTTONS", "buttons": [
                    { "type": "OTP", "otp_type": "ONE_TAP", "text": "Copy Code", "autofill_text": "Autofill",
                      "package_name": "com.example.luckyshrub", "signature_hash": "K8a%2FAINcGX7" }] }
            ]),
        ),
    ]
}

/// What stands in Meta's examples for a name of one's own.
fn with_own_name(mut template: Value) -> Value {
    if template["name"] == "<TEMPLATE_NAME>" {
        template["name"] = json!("a_name_of_its_own");
    }
    template
}

fn is_template(value: &Value) -> bool {
    value.get("components").is_some_and(Value::is_array) && value.get("category").is_some()
}

#[test]
fn templates_of_metas_own_pages_have_no_problem() {
    let mut all: Vec<(String, Value)> = of_metas_pages()
        .into_iter()
        .map(|template| (template["name"].to_string(), template))
        .collect();
    for (place, payload) in at_hand("management") {
        let listed = payload.get("data").and_then(Value::as_array).cloned();
        let found = listed
            .unwrap_or_else(|| vec![payload])
            .into_iter()
            .filter(is_template);
        all.extend(found.map(|template| (place.clone(), with_own_name(template))));
    }
    if std::env::var_os("MESEJ_FIXTURES").is_some() {
        assert!(all.len() >= 9, "{} templates", all.len());
    }
    for (place, template) in all {
        assert_eq!(all_problems(&template), [], "{place}");
        let sample = definition(&template).sample(&template["components"]);
        assert!(
            !sample.body.is_empty() && !sample.body.contains("{{2}}"),
            "{place}: {sample:?}"
        );
    }
}
