//! `/{waba}/message_templates`.

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Call, ok, paging, success};
use crate::templates::{self, TemplateSpec, review};
use crate::upload_sessions::UploadSessions;
use crate::world::{Shared, World};

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
        Method::GET => list(shared, call, waba),
        Method::POST => create(shared, call, waba),
        Method::DELETE => delete(shared, call, waba),
        _ => Err(GraphError::new(100, "Unsupported request.")),
    }
}

fn list(shared: &Shared, call: &Call, waba: &str) -> Result<HttpResponse, GraphError> {
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
    let items: Vec<Value> = shared.with(|world, now| {
        world.templates.settle(now.us);
        world
            .templates
            .of(waba)
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

/// A new template is reviewed, and the account told how that ended.
fn create(shared: &Shared, call: &Call, waba: &str) -> Result<HttpResponse, GraphError> {
    let mut body = call.json()?;
    if body.get("library_template_name").is_some() {
        return take_from_library(shared, waba, &body);
    }
    if let Some(fields) = body.as_object_mut() {
        fields.remove("status");
    }
    let spec: TemplateSpec = serde_json::from_value(body)
        .map_err(|error| GraphError::new(100, format!("The template cannot be read: {error}.")))?;
    review(&spec)?;
    shared.with(|world, now| {
        check_handles(&world.upload_sessions, &spec.components)?;
        admit(world, waba, &spec, now.us)?;
        let category = spec.category.clone();
        let id = world.templates.put(waba, spec);
        world.review_template(now, waba, id);
        Ok(ok(
            json!({ "id": id.to_string(), "status": "PENDING", "category": category }).to_string(),
        ))
    })
}

/// Whether there may be one more template, of this name.
fn admit(world: &mut World, waba: &str, spec: &TemplateSpec, now_us: u64) -> Result<(), GraphError> {
    if world.templates.find(waba, &spec.name, &spec.language).is_some() {
        return Err(GraphError::new(
            100,
            "There is already a template of this name in this language.",
        ));
    }
    let named = (spec.name.as_str(), spec.language.as_str());
    world.templates.limits.create(waba, named, now_us)
}

/// A template of the library was reviewed before: it is approved at once.
fn take_from_library(shared: &Shared, waba: &str, body: &Value) -> Result<HttpResponse, GraphError> {
    let spec = templates::from_library(body)?;
    review(&spec)?;
    shared.with(|world, now| {
        admit(world, waba, &spec, now.us)?;
        let category = spec.category.clone();
        let id = world.templates.put(waba, spec);
        world.approve_template(now, waba, id);
        Ok(ok(
            json!({ "id": id.to_string(), "status": "APPROVED", "category": category }).to_string(),
        ))
    })
}

/// A handle that was given out here stands for a file of the header's kind. Others are taken for those of earlier days.
fn check_handles(sessions: &UploadSessions, components: &[Value]) -> Result<(), GraphError> {
    for component in components {
        let handle = component
            .pointer("/example/header_handle/0")
            .and_then(Value::as_str);
        let mime = handle.and_then(|handle| sessions.mime_of(handle));
        let format = component
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fits = mime.is_none_or(|mime| match format.to_ascii_uppercase().as_str() {
            "IMAGE" => mime.starts_with("image/"),
            "VIDEO" | "GIF" => mime.starts_with("video/"),
            "DOCUMENT" => mime == "application/pdf",
            _ => false,
        });
        if !fits {
            let why = format!("The example of a header of format {format} is not such a file.");
            return Err(GraphError::new(100, why));
        }
        let cards = component.get("cards").and_then(Value::as_array);
        for card in cards.into_iter().flatten() {
            if let Some(inside) = card.get("components").and_then(Value::as_array) {
                check_handles(sessions, inside)?;
            }
        }
    }
    Ok(())
}

/// Whether an id is a template's.
pub(super) fn is_template(shared: &Shared, id: &str) -> bool {
    let id = id.parse().ok();
    shared.with(|world, _| id.and_then(|id| world.templates.get(id)).is_some())
}

/// `POST /{template}`: another category, other components.
pub(super) fn edit(shared: &Shared, call: &Call, id: &str) -> Result<HttpResponse, GraphError> {
    let body = call.json()?;
    shared.with(|world, now| {
        world.templates.settle(now.us);
        let known = id.parse().ok().and_then(|id| world.templates.get(id));
        let known = known.ok_or_else(|| GraphError::unknown_object(id))?;
        if !["APPROVED", "REJECTED", "PAUSED"].contains(&known.spec.status.as_str()) {
            return Err(GraphError::new(
                100,
                "Only APPROVED, REJECTED and PAUSED templates can be edited.",
            ));
        }
        let mut spec = known.spec.clone();
        if let Some(category) = body.get("category").and_then(Value::as_str) {
            if known.spec.status == "APPROVED" && category != spec.category {
                return Err(GraphError::new(
                    100,
                    "The category of an approved template cannot be edited.",
                ));
            }
            category.clone_into(&mut spec.category);
        }
        if let Some(components) = body.get("components").and_then(Value::as_array) {
            spec.components.clone_from(components);
        }
        if let Some(seconds) = body.get("message_send_ttl_seconds").and_then(Value::as_i64) {
            spec.message_send_ttl_seconds = Some(seconds);
        }
        review(&spec)?;
        check_handles(&world.upload_sessions, &spec.components)?;
        let (waba, id) = (known.waba.clone(), known.id);
        if known.spec.status == "APPROVED" {
            world.templates.limits.edit(id, now.us)?;
        }
        let id = world.templates.put(&waba, spec);
        world.review_template(now, &waba, id);
        Ok(success())
    })
}

/// `GET /message_template_library`.
pub(super) fn library(call: &Call) -> Result<HttpResponse, GraphError> {
    let items = templates::library().into_iter().filter(|template| {
        let text = template.to_string().to_lowercase();
        let is_language = call.query("language").is_none_or(|wanted| {
            template
                .get("language")
                .is_some_and(|language| language == wanted)
        });
        let is_found = call
            .query("search")
            .is_none_or(|wanted| text.contains(&wanted.to_lowercase()));
        is_language && is_found
    });
    Ok(ok(paging::page(call, items.collect())?.to_string()))
}

fn delete(shared: &Shared, call: &Call, waba: &str) -> Result<HttpResponse, GraphError> {
    let Some(name) = call.query("name") else {
        return Err(GraphError::new(100, "The parameter name is required."));
    };
    let id = call.query("hsm_id").and_then(|id| id.parse().ok());
    if shared.with(|world, now| world.templates.remove(waba, name, id, now.us)) {
        Ok(success())
    } else {
        Err(GraphError::new(100, "There is no such template.").with_status(404))
    }
}
