//! The templates that every simulated account has: one of each make, several languages, and some that may not be sent.

use serde_json::{Value, json};

use super::TemplateSpec;

fn spec(name: &str, language: &str, category: &str, status: &str, components: Value) -> TemplateSpec {
    TemplateSpec {
        name: name.to_owned(),
        language: language.to_owned(),
        category: category.to_owned(),
        status: status.to_owned(),
        parameter_format: None,
        message_send_ttl_seconds: None,
        quality: None,
        components: match components {
            Value::Array(components) => components,
            other => vec![other],
        },
    }
}

fn body(text: &str, example: &[&str]) -> Value {
    if example.is_empty() {
        json!({"type": "BODY", "text": text})
    } else {
        json!({"type": "BODY", "text": text, "example": {"body_text": [example]}})
    }
}

pub(super) fn specs() -> Vec<TemplateSpec> {
    let mut specs = utility();
    specs.extend(authentication());
    specs.extend(marketing());
    specs.extend(not_sendable());
    specs
}

fn utility() -> Vec<TemplateSpec> {
    let shipping = |language, text, button| {
        spec(
            "order_shipped",
            language,
            "UTILITY",
            "APPROVED",
            json!([
                body(text, &["Ana", "1042", "tomorrow"]),
                {"type": "FOOTER", "text": "Mesej Bakery"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "URL", "text": button, "url": "https://shop.example.com/track/{{1}}",
                     "example": ["https://shop.example.com/track/1042"]}]}
            ]),
        )
    };
    vec![
        spec(
            "hello_world",
            "en_US",
            "UTILITY",
            "APPROVED",
            json!([
                {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
                body("Welcome and congratulations!! This message demonstrates your ability to send a message \
                      notification from the Cloud API. Thank you for taking the time to test with us.", &[]),
                {"type": "FOOTER", "text": "WhatsApp Business Platform sample message"}
            ]),
        ),
        shipping(
            "en_US",
            "Hi {{1}}, your order {{2}} is on its way and arrives {{3}}.",
            "Track order",
        ),
        shipping(
            "es",
            "Hola {{1}}, tu pedido {{2}} va en camino y llega {{3}}.",
            "Seguir pedido",
        ),
        shipping(
            "pt_BR",
            "Oi {{1}}, seu pedido {{2}} está a caminho e chega {{3}}.",
            "Acompanhar",
        ),
        shipping(
            "id",
            "Halo {{1}}, pesanan {{2}} sedang dikirim dan tiba {{3}}.",
            "Lacak pesanan",
        ),
        shipping(
            "ar",
            "مرحباً {{1}}، طلبك رقم {{2}} في الطريق ويصل {{3}}.",
            "تتبع الطلب",
        ),
        spec(
            "appointment_reminder",
            "en_US",
            "UTILITY",
            "APPROVED",
            json!([
                {"type": "HEADER", "format": "TEXT", "text": "Your visit on {{1}}",
                 "example": {"header_text": ["Monday"]}},
                body("Hello {{1}}, we expect you at {{2}}. Can you make it?", &["Ana", "10:30"]),
                {"type": "BUTTONS", "buttons": [
                    {"type": "QUICK_REPLY", "text": "Yes, I'll be there"},
                    {"type": "QUICK_REPLY", "text": "Move it"},
                    {"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+15550700000"}]}
            ]),
        ),
        spec(
            "invoice",
            "en_US",
            "UTILITY",
            "APPROVED",
            json!([
                {"type": "HEADER", "format": "DOCUMENT", "example": {"header_handle": ["4::aW52b2ljZQ"]}},
                body("Dear {{1}}, your invoice for {{2}} is attached.", &["Ana", "March"])
            ]),
        ),
        spec(
            "feedback_form",
            "en_US",
            "UTILITY",
            "APPROVED",
            json!([
                body("How did we do, {{1}}?", &["Ana"]),
                {"type": "BUTTONS", "buttons": [
                    {"type": "FLOW", "text": "Answer", "flow_id": "1052393163072117", "flow_action": "navigate",
                     "navigate_screen": "RATE"}]}
            ]),
        ),
    ]
}

fn authentication() -> Vec<TemplateSpec> {
    let code = |language, text, label| {
        spec(
            "verification_code",
            language,
            "AUTHENTICATION",
            "APPROVED",
            json!([
                {"type": "BODY", "text": text, "add_security_recommendation": true},
                {"type": "FOOTER", "text": "⏱ 10 min", "code_expiration_minutes": 10},
                {"type": "BUTTONS", "buttons": [
                    {"type": "OTP", "otp_type": "COPY_CODE", "text": label}]}
            ]),
        )
    };
    vec![
        code(
            "en_US",
            "*{{1}}* is your verification code. For your security, do not share this code.",
            "Copy code",
        ),
        code(
            "es",
            "Tu código de verificación es *{{1}}*. No lo compartas.",
            "Copiar código",
        ),
    ]
}

fn marketing() -> Vec<TemplateSpec> {
    let card = |image: &str| {
        json!({"components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [image]}},
            {"type": "BODY", "text": "Fresh from the oven"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "I want it"}]}]})
    };
    vec![
        spec(
            "seasonal_offer",
            "en_US",
            "MARKETING",
            "APPROVED",
            json!([
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::b2ZmZXI"]}},
                {"type": "BODY", "text": "Hi {{first_name}}, take {{discount}} off with code {{code}} until Sunday.",
                 "example": {"body_text_named_params": [
                    {"param_name": "first_name", "example": "Ana"}, {"param_name": "discount", "example": "25%"},
                    {"param_name": "code", "example": "SPRING25"}]}},
                {"type": "FOOTER", "text": "Reply STOP to opt out"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "COPY_CODE", "example": "SPRING25"},
                    {"type": "QUICK_REPLY", "text": "Stop promotions"}]}
            ]),
        ),
        spec(
            "weekend_news",
            "en_US",
            "MARKETING",
            "APPROVED",
            json!([
                body("Hello {{1}}! This weekend: {{2}}.", &["Ana", "rye bread"]),
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop promotions"}]}
            ]),
        ),
        spec(
            "weekend_news",
            "es",
            "MARKETING",
            "APPROVED",
            json!([
                body("¡Hola {{1}}! Este fin de semana: {{2}}.", &["Ana", "pan de centeno"]),
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "No más ofertas"}]}
            ]),
        ),
        spec(
            "new_in_store",
            "en_US",
            "MARKETING",
            "APPROVED",
            json!([
                body("New this week, {{1}}:", &["Ana"]),
                {"type": "CAROUSEL", "cards": [card("4::Y2FyZDE"), card("4::Y2FyZDI"), card("4::Y2FyZDM")]}
            ]),
        ),
    ]
}

fn not_sendable() -> Vec<TemplateSpec> {
    let one = |name, status| {
        spec(
            name,
            "en_US",
            "MARKETING",
            status,
            json!([body("Hello {{1}}, have a look.", &["Ana"])]),
        )
    };
    vec![
        one("paused_offer", "PAUSED"),
        one("rejected_offer", "REJECTED"),
        one("pending_offer", "PENDING"),
        one("disabled_offer", "DISABLED"),
    ]
}
