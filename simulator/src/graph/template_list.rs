//! `/{waba}/message_templates`.

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Call, ok, paging, success};
use crate::templates::TemplateSpec;
use crate::world::Shared;

const FIELDS: [&str; 7] = [
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "id",
];

/// How many templates a verified account may have.
const LIMIT: u32 = 6_000;

pub(super) fn answer(
    shared: &Shared,
    call: &Call,
    method: &Method,
    waba: &str,
) -> Result<HttpResponse, GraphError> {
    if shared.with(|world, _| world.numbers.subscription(waba).is_none()) {
        return Err(GraphError::unknown_object(waba));
    }
    match *method {
        Method::GET => list(shared, call),
        Method::POST => create(shared, call),
        Method::DELETE => delete(shared, call),
        _ => Err(GraphError::new(100, "Unsupported request.")),
    }
}

fn list(shared: &Shared, call: &Call) -> Result<HttpResponse, GraphError> {
    let matches = |template: &TemplateSpec| {
        let is = |key: &str, value: &str| {
            call.query(key)
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        is("status", &template.status)
            && is("language", &template.language)
            && is("category", &template.category)
            && is("name", &template.name)
            && call
                .query("name_or_content")
                .is_none_or(|wanted| template.name.contains(wanted))
    };
    let items: Vec<Value> = shared.with(|world, _| {
        world
            .templates
            .iter()
            .filter(|template| matches(&template.spec))
            .map(|template| template.fields())
            .collect()
    });
    let total = items.len();
    let items = items
        .into_iter()
        .map(|item| paging::choose(call, item, &FIELDS))
        .collect();
    let mut page = paging::page(call, items)?;
    if let (Some(_), Some(fields)) = (call.query("summary"), page.as_object_mut()) {
        let summary = json!({"total_count": total, "message_template_count": total,
            "message_template_limit": LIMIT, "are_translations_complete": true});
        fields.insert("summary".to_owned(), summary);
    }
    Ok(ok(page.to_string()))
}

/// A new template is approved at once: nobody reviews here.
fn create(shared: &Shared, call: &Call) -> Result<HttpResponse, GraphError> {
    let mut body = call.json()?;
    if let Some(fields) = body.as_object_mut() {
        fields.remove("status");
    }
    let spec: TemplateSpec = serde_json::from_value(body)
        .map_err(|error| GraphError::new(100, format!("The template cannot be read: {error}.")))?;
    let named_well = (1..=512).contains(&spec.name.len())
        && spec
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !named_well {
        return Err(GraphError::new(
            100,
            "Param name must be lower-case letters, digits and underscores.",
        ));
    }
    if !["MARKETING", "UTILITY", "AUTHENTICATION"].contains(&spec.category.as_str()) {
        return Err(GraphError::new(
            100,
            "Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}.",
        ));
    }
    let has_body = spec.components.iter().any(|component| {
        component
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("BODY"))
    });
    if !has_body {
        return Err(GraphError::new(100, "A template needs a BODY component."));
    }
    shared.with(|world, _| {
        if world.templates.find(&spec.name, &spec.language).is_some() {
            return Err(GraphError::new(
                100,
                "There is already a template of this name in this language.",
            ));
        }
        let category = spec.category.clone();
        let status = spec.status.clone();
        let id = world.templates.put(spec);
        Ok(ok(json!({
            "id": id.to_string(), "status": status, "category": category
        })
        .to_string()))
    })
}

fn delete(shared: &Shared, call: &Call) -> Result<HttpResponse, GraphError> {
    let Some(name) = call.query("name") else {
        return Err(GraphError::new(100, "The parameter name is required."));
    };
    let id = call.query("hsm_id").and_then(|id| id.parse().ok());
    if shared.with(|world, _| world.templates.remove(name, id)) {
        Ok(success())
    } else {
        Err(GraphError::new(100, "There is no such template.").with_status(404))
    }
}
