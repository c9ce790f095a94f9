//! Reads what webhooks tell of message templates: status, quality, category and components.
//! Source: Cloud API, message_template_status_update (Nov 14 2025, revised May 21 2026), message_template_quality_update,
//! message_template_components_update, template_category_update (2025).

use serde_json::Value;

use super::OtherEvent;
use crate::domain::{TemplateStatus, Timestamp};

/// What is new of one template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateNews {
    /// Its name.
    pub name: String,
    /// Its language, as the webhook writes it.
    pub language: String,
    /// What changed.
    pub change: TemplateChange,
    /// When, to the second.
    pub at: Option<Timestamp>,
}

/// What changed of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateChange {
    /// How it stands, and why.
    Status(TemplateStatus, Option<String>),
    /// How customers like it.
    Quality(String),
    /// What it is for.
    Category(String),
    /// Its texts and buttons, as far as the webhook tells them.
    Components,
    /// Something else, or something that is to come.
    Notice,
}

/// Characters of a text: a template's name has no more.
const LONGEST: usize = 512;

const FIELDS: [&str; 4] = [
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
];

/// The news of an event about a template; `None` when it is about something else.
pub fn template_news(event: &OtherEvent) -> Option<TemplateNews> {
    if !FIELDS.contains(&event.field.as_ref()) {
        return None;
    }
    let value: Value = serde_json::from_str(event.value.get()).ok()?;
    let text = |key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(short)
    };
    let name = text("message_template_name")?;
    let language = text("message_template_language")?;
    // Meta's own example of a quality carries the field of a status: what is there decides.
    let change = if let Some(quality) = text("new_quality_score") {
        TemplateChange::Quality(quality)
    } else if let Some(event) = text("event") {
        status(&event, reason(&value))
    } else if event.field.as_ref() == "template_category_update" {
        match (text("correct_category"), text("new_category")) {
            (None, Some(category)) => TemplateChange::Category(category),
            // It is announced: the category changes later.
            _ => TemplateChange::Notice,
        }
    } else if value.get("message_template_element").is_some() {
        TemplateChange::Components
    } else {
        TemplateChange::Notice
    };
    Some(TemplateNews {
        name,
        language,
        change,
        at: event.at,
    })
}

fn status(event: &str, reason: Option<String>) -> TemplateChange {
    let status = match event {
        "REINSTATED" | "UNARCHIVED" => TemplateStatus::Approved,
        // It can still be sent.
        "FLAGGED" | "LOCKED" => return TemplateChange::Notice,
        other => TemplateStatus::from(other),
    };
    match status {
        TemplateStatus::Other(_) => TemplateChange::Notice,
        known => TemplateChange::Status(known, reason),
    }
}

/// Why, in the words that tell most.
fn reason(value: &Value) -> Option<String> {
    let text = |path: &str| {
        let text = value.pointer(path).and_then(Value::as_str);
        text.filter(|text| !text.is_empty() && *text != "NONE")
    };
    let told = [
        text("/rejection_info/reason"),
        text("/reason"),
        text("/other_info/description"),
        text("/other_info/title"),
    ];
    told.into_iter().flatten().next().map(short)
}

/// What a row can hold of a text: all that Meta writes by its own rules.
fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::whatsapp::payloads::at_hand;
    use crate::whatsapp::webhook::{Element, parse};

    fn news_of(body: &Value) -> Vec<TemplateNews> {
        let parsed = parse(body.to_string().as_bytes()).unwrap();
        let told = parsed.elements.iter().filter_map(|element| match element {
            Element::Other(other) => template_news(other),
            _ => None,
        });
        told.collect()
    }

    fn one(field: &str, value: Value) -> TemplateChange {
        let mut value = value;
        value["message_template_name"] = json!("order");
        value["message_template_language"] = json!("en-US");
        let body = json!({ "object": "whatsapp_business_account", "entry": [
            { "id": "1", "time": 1_750_000_000, "changes": [{ "field": field, "value": value }] }] });
        let [news] = news_of(&body).try_into().unwrap();
        assert_eq!((news.name.as_str(), news.language.as_str()), ("order", "en-US"));
        assert_eq!(news.at, Some(Timestamp::from_secs(1_750_000_000)));
        news.change
    }

    #[test]
    fn each_kind_of_news_is_told_by_what_it_holds() {
        let status = "message_template_status_update";
        let paused = json!({ "event": "PAUSED", "reason": "NONE", "other_info": { "title": "FIRST_PAUSE", "description": "for 3 hours" } });
        assert_eq!(
            one(status, paused),
            TemplateChange::Status(TemplateStatus::Paused, Some("for 3 hours".to_owned()))
        );
        let rejected = json!({ "event": "REJECTED", "reason": "INVALID_FORMAT" });
        assert_eq!(
            one(status, rejected),
            TemplateChange::Status(TemplateStatus::Rejected, Some("INVALID_FORMAT".to_owned()))
        );
        assert_eq!(
            one(status, json!({ "event": "REINSTATED", "reason": null })),
            TemplateChange::Status(TemplateStatus::Approved, None)
        );
        assert_eq!(one(status, json!({ "event": "FLAGGED" })), TemplateChange::Notice);
        // As Meta's example has it.
        let quality = json!({ "previous_quality_score": "GREEN", "new_quality_score": "YELLOW" });
        assert_eq!(one(status, quality), TemplateChange::Quality("YELLOW".to_owned()));
        let category = "template_category_update";
        let to_come = json!({ "new_category": "UTILITY", "correct_category": "MARKETING" });
        assert_eq!(one(category, to_come), TemplateChange::Notice);
        let done = json!({ "previous_category": "UTILITY", "new_category": "MARKETING" });
        assert_eq!(
            one(category, done),
            TemplateChange::Category("MARKETING".to_owned())
        );
        let components = json!({ "message_template_element": "Hi" });
        assert_eq!(
            one("message_template_components_update", components),
            TemplateChange::Components
        );
    }

    #[test]
    fn every_example_of_metas_is_read() {
        for (place, body) in at_hand("webhooks") {
            if place.contains("template_") && !place.contains("standby") && !place.contains("messages/") {
                assert_eq!(news_of(&body).len(), 1, "{place}");
            }
        }
    }
}
