//! Numbers, accounts, subscriptions and tokens: what a set-up check asks for.

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Call, files, ok, paging, success};
use crate::numbers::{Number, Subscription};
use crate::webhooks;
use crate::world::{Shared, World};

const NUMBER_FIELDS: [&str; 4] = ["id", "display_phone_number", "verified_name", "quality_rating"];

/// All fields of a number.
fn number_fields(world: &World, number: &Number) -> Value {
    let config = &number.config;
    let account = world.numbers.subscription(config.waba_id.as_str());
    let mut webhooks = json!({"application": world.config.webhook_url.as_deref().unwrap_or_default()});
    if let Some(fields) = webhooks.as_object_mut() {
        if let Some(url) = account.and_then(|account| account.override_url.as_deref()) {
            fields.insert("whatsapp_business_account".to_owned(), url.into());
        }
        if let Some(url) = number.override_url.as_deref() {
            fields.insert("phone_number".to_owned(), url.into());
        }
    }
    let level = match config.rate {
        0..=20 => "LOW",
        21..=80 => "STANDARD",
        _ => "HIGH",
    };
    let health = if config.status == "CONNECTED" {
        "AVAILABLE"
    } else {
        "BLOCKED"
    };
    json!({
        "id": config.phone_number_id.as_str(),
        "display_phone_number": config.display_phone_number,
        "verified_name": config.verified_name,
        "quality_rating": config.quality_rating,
        "status": config.status,
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "is_official_business_account": false,
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": config.messaging_limit,
        "messaging_limit_tier": config.messaging_limit,
        "webhook_configuration": webhooks,
        "health_status": {"can_send_message": health, "entities": [
            {"entity_type": "PHONE_NUMBER", "id": config.phone_number_id.as_str(), "can_send_message": health},
            {"entity_type": "WABA", "id": config.waba_id.as_str(), "can_send_message": "AVAILABLE"},
            {"entity_type": "APP", "id": world.config.app_id, "can_send_message": "AVAILABLE"}]},
    })
}

/// `GET /{id}`: a number, an account, a template or a file.
pub(super) fn node(shared: &Shared, call: &Call, id: &str) -> Result<HttpResponse, GraphError> {
    let found = shared.with(|world, now| {
        world.templates.settle(now.us);
        if let Some(number) = world.numbers.find(id).and_then(|index| world.numbers.get(index)) {
            return Some(paging::choose(call, number_fields(world, number), &NUMBER_FIELDS));
        }
        if world.numbers.subscription(id).is_some() {
            let account = json!({
                "id": id, "name": "Mesej Bakery", "timezone_id": "1", "currency": "USD", "country": "US",
                "message_template_namespace": "ba30dd89_2ebd_41e4_b805_f2c05ae04cc9",
                "account_review_status": "APPROVED", "business_verification_status": "verified",
                "health_status": {"can_send_message": "AVAILABLE", "entities": [
                    {"entity_type": "WABA", "id": id, "can_send_message": "AVAILABLE"}]},
            });
            let defaults = ["id", "name", "timezone_id", "message_template_namespace"];
            return Some(paging::choose(call, account, &defaults));
        }
        let template = world.templates.get(id.parse().ok()?)?;
        let defaults = ["name", "components", "language", "status", "category", "id"];
        Some(paging::choose(call, template.fields(), &defaults))
    });
    if let Some(fields) = found {
        return Ok(ok(fields.to_string()));
    }
    id.parse()
        .ok()
        .and_then(|id| files::address(shared, call, id))
        .ok_or_else(|| GraphError::unknown_object(id))
}

/// `GET /{waba}/phone_numbers`.
pub(super) fn phone_numbers(shared: &Shared, call: &Call, waba: &str) -> Result<HttpResponse, GraphError> {
    let defaults = [
        "verified_name",
        "code_verification_status",
        "display_phone_number",
        "quality_rating",
        "platform_type",
        "throughput",
        "status",
        "id",
    ];
    let items = shared.with(|world, _| {
        world.numbers.subscription(waba)?;
        let numbers = world.numbers.of_waba(waba);
        Some(
            numbers
                .map(|number| paging::choose(call, number_fields(world, number), &defaults))
                .collect::<Vec<Value>>(),
        )
    });
    let items = items.ok_or_else(|| GraphError::unknown_object(waba))?;
    Ok(ok(paging::page(call, items)?.to_string()))
}

/// `/{waba}/subscribed_apps`.
pub(super) async fn subscribed_apps(
    shared: &Shared,
    call: &Call,
    method: &Method,
    waba: &str,
) -> Result<HttpResponse, GraphError> {
    let before: Subscription = shared
        .with(|world, _| world.numbers.subscription(waba).cloned())
        .ok_or_else(|| GraphError::unknown_object(waba))?;
    let set = |subscription: Subscription| {
        shared.with(|world, _| {
            if let Some(slot) = world.numbers.subscription_mut(waba) {
                *slot = subscription;
            }
            world.outbox.wake_now();
        });
    };
    match *method {
        Method::GET => {
            let app_id = shared.with(|world, _| world.config.app_id.clone());
            let mut app = json!({"whatsapp_business_api_data": {
                "id": app_id, "name": "Mesej", "link": format!("https://www.facebook.com/games/?app_id={app_id}")}});
            if let (Some(url), Some(fields)) = (before.override_url, app.as_object_mut()) {
                fields.insert("override_callback_uri".to_owned(), url.into());
            }
            let data = if before.subscribed { vec![app] } else { Vec::new() };
            Ok(ok(json!({"data": data}).to_string()))
        }
        Method::POST => {
            let override_url = override_url(shared, &call.json()?).await?;
            set(Subscription {
                subscribed: true,
                override_url,
            });
            Ok(success())
        }
        Method::DELETE => {
            set(Subscription {
                subscribed: false,
                override_url: None,
            });
            Ok(success())
        }
        _ => Err(GraphError::new(100, "Unsupported request.")),
    }
}

/// `POST /{number}` with a webhook override; an empty address takes it back.
pub(super) async fn set_number(shared: &Shared, call: &Call, id: &str) -> Result<HttpResponse, GraphError> {
    let index = shared
        .with(|world, _| world.numbers.find(id))
        .ok_or_else(|| GraphError::unknown_object(id))?;
    let body = call.json()?;
    if let Some(configuration) = body.get("webhook_configuration") {
        let url = override_url(shared, configuration).await?;
        shared.with(|world, _| {
            if let Some(number) = world.numbers.get_mut(index) {
                number.override_url = url;
            }
            world.outbox.wake_now();
        });
    }
    Ok(success())
}

/// The callback that a request asks for, once it has proved itself; none when it asks for none.
async fn override_url(shared: &Shared, body: &Value) -> Result<Option<String>, GraphError> {
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let Some(url) = text("override_callback_uri") else {
        return Ok(None);
    };
    if url.len() > 200 {
        return Err(GraphError::new(
            100,
            "Param override_callback_uri must be at most 200 characters long.",
        ));
    }
    let verify_token = text("verify_token")
        .ok_or_else(|| GraphError::new(100, "The parameter verify_token is required."))?;
    webhooks::verify(shared, url, verify_token)
        .await
        .map_err(|error| GraphError::new(100, format!("The callback could not be validated: {error}.")))?;
    Ok(Some(url.to_owned()))
}

/// `GET /{app}/subscriptions`.
pub(super) fn subscriptions(shared: &Shared, app: &str) -> Result<HttpResponse, GraphError> {
    let answer = shared.with(|world, _| {
        (world.config.app_id == app).then(|| {
            json!({"data": [{
                "object": "whatsapp_business_account",
                "callback_url": world.config.webhook_url.as_deref().unwrap_or_default(),
                "active": world.config.webhook_url.is_some(),
                "fields": [
                    {"name": "messages", "version": "v25.0"},
                    {"name": "message_template_status_update", "version": "v25.0"},
                    {"name": "phone_number_quality_update", "version": "v25.0"},
                    {"name": "account_update", "version": "v25.0"}]}]})
        })
    });
    answer
        .map(|answer| ok(answer.to_string()))
        .ok_or_else(|| GraphError::unknown_object(app))
}

/// `GET /debug_token?input_token=`.
pub(super) fn debug_token(shared: &Shared, call: &Call) -> HttpResponse {
    let answer = shared.with(|world, _| {
        let config = &world.config;
        let valid = call.query("input_token").is_some_and(|token| {
            config.access_tokens.is_empty() || config.access_tokens.iter().any(|known| known == token)
        });
        if !valid {
            return json!({"data": {"is_valid": false, "scopes": [], "error": {
                "code": 190, "message": "Invalid OAuth access token."}}});
        }
        let mut wabas: Vec<&str> = config
            .numbers
            .iter()
            .map(|number| number.waba_id.as_str())
            .collect();
        wabas.sort_unstable();
        wabas.dedup();
        let granular: Vec<Value> = config
            .token_scopes
            .iter()
            .map(|scope| json!({"scope": scope, "target_ids": wabas}))
            .collect();
        json!({"data": {
            "app_id": config.app_id, "type": "SYSTEM_USER", "application": "Mesej", "data_access_expires_at": 0,
            "expires_at": 0, "is_valid": true, "issued_at": 1_760_000_000, "scopes": config.token_scopes,
            "granular_scopes": granular, "user_id": "122094000000000001"}})
    });
    ok(answer.to_string())
}

/// `/{number}/whatsapp_business_profile`.
pub(super) fn profile(shared: &Shared, method: &Method, number: &str) -> Result<HttpResponse, GraphError> {
    if shared.with(|world, _| world.numbers.find(number).is_none()) {
        return Err(GraphError::unknown_object(number));
    }
    if method == Method::POST {
        return Ok(success());
    }
    Ok(ok(json!({"data": [{
        "messaging_product": "whatsapp", "about": "Bread, every day", "address": "1 Baker Street",
        "description": "A small bakery", "email": "hello@shop.example.com", "websites": ["https://shop.example.com/"],
        "vertical": "RESTAURANT"}]})
    .to_string()))
}

/// `POST /{number}/register` and `/deregister`.
pub(super) fn register(shared: &Shared, number: &str) -> Result<HttpResponse, GraphError> {
    if shared.with(|world, _| world.numbers.find(number).is_none()) {
        return Err(GraphError::unknown_object(number));
    }
    Ok(success())
}
