//! The account's message templates, and whether a message fills one as it must be filled.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>

mod check;
mod fate;
mod library;
mod review;
mod seed;
mod shape;

pub(crate) use check::check;
pub(crate) use library::library;
pub(crate) use review::review;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::webhooks::Review;
use shape::Shape;

/// A template as its creator writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateSpec {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// As Meta writes languages: `en_US`.
    pub language: String,
    /// MARKETING, UTILITY or AUTHENTICATION.
    pub category: String,
    /// APPROVED, PENDING, PAUSED, DISABLED or REJECTED; approved when left out.
    #[serde(default = "approved")]
    pub status: String,
    /// `POSITIONAL` or `NAMED`; told from the body when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter_format: Option<String>,
    /// Header, body, footer, buttons, carousel.
    pub components: Vec<Value>,
    /// GREEN, YELLOW, RED or UNKNOWN; GREEN when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
}

/// What becomes of a template of the account, told by a webhook as Meta tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateFate {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// APPROVED, PAUSED, REJECTED, DISABLED, …
    pub status: Option<String>,
    /// Why, in one of Meta's words.
    pub reason: Option<String>,
    /// GREEN, YELLOW, RED or UNKNOWN.
    pub quality: Option<String>,
    /// MARKETING or UTILITY.
    pub category: Option<String>,
}

fn approved() -> String {
    "APPROVED".to_owned()
}

/// A template of the account.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: u64,
    pub(crate) spec: TemplateSpec,
    pub(crate) shape: Shape,
    /// When its review ends, by the clock that never goes back.
    pub(crate) reviewed_us: Option<u64>,
    /// How many reviews were begun, or overtaken by something else that became of it.
    pub(crate) turn: u64,
}

impl Template {
    /// All fields that Graph can show.
    pub(crate) fn fields(&self) -> Value {
        serde_json::json!({
            "id": self.id.to_string(),
            "name": self.spec.name,
            "language": self.spec.language,
            "status": self.spec.status,
            "category": self.spec.category,
            "parameter_format": if self.shape.named { "NAMED" } else { "POSITIONAL" },
            "components": self.spec.components,
            "quality_score": { "score": self.spec.quality.as_deref().unwrap_or("GREEN"), "date": 1_760_000_000 },
            "rejected_reason": if self.spec.status == "REJECTED" { "INVALID_FORMAT" } else { "NONE" },
        })
    }
}

/// All templates of an account. Every account of a simulator has the same ones.
#[derive(Debug)]
pub(crate) struct Templates {
    all: Vec<Template>,
    next_id: u64,
}

impl Templates {
    /// The list that every simulator starts with.
    pub(crate) fn seeded() -> Self {
        let mut templates = Self {
            all: Vec::new(),
            next_id: 920_070_352_646_140,
        };
        for spec in seed::specs() {
            templates.put(spec);
        }
        templates
    }

    /// Adds a template, or replaces the one of the same name and language. Returns its id.
    pub(crate) fn put(&mut self, spec: TemplateSpec) -> u64 {
        let shape = Shape::of(&spec);
        let known = self
            .all
            .iter_mut()
            .find(|known| known.spec.name == spec.name && known.spec.language == spec.language);
        if let Some(known) = known {
            known.spec = spec;
            known.shape = shape;
            known.reviewed_us = None;
            known.turn += 1;
            return known.id;
        }
        let id = self.next_id;
        self.next_id += 1_013;
        self.all.push(Template {
            id,
            spec,
            shape,
            reviewed_us: None,
            turn: 0,
        });
        id
    }

    /// Ends the reviews whose time has come: all are approved.
    pub(crate) fn settle(&mut self, now_us: u64) {
        for template in &mut self.all {
            if template.reviewed_us.is_some_and(|at| at <= now_us) {
                template.reviewed_us = None;
                template.spec.status = approved();
            }
        }
    }

    /// Begins a template's review.
    pub(crate) fn begin_review(&mut self, id: u64, ends_us: u64) -> Option<Review> {
        let template = self.all.iter_mut().find(|known| known.id == id)?;
        "PENDING".clone_into(&mut template.spec.status);
        template.reviewed_us = Some(ends_us);
        template.turn += 1;
        Some(Review {
            template: id,
            turn: template.turn,
        })
    }

    /// Whether nothing else became of a template since a review of it began.
    pub(crate) fn stands(&self, review: Review) -> bool {
        self.get(review.template)
            .is_some_and(|template| template.turn == review.turn)
    }

    pub(crate) fn find_mut(&mut self, name: &str, language: &str) -> Option<&mut Template> {
        self.all
            .iter_mut()
            .find(|known| known.spec.name == name && known.spec.language == language)
    }

    /// Removes a name in all languages, or one template by id. Says whether there was one.
    pub(crate) fn remove(&mut self, name: &str, id: Option<u64>) -> bool {
        let before = self.all.len();
        self.all
            .retain(|known| known.spec.name != name || id.is_some_and(|id| known.id != id));
        self.all.len() < before
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Template> {
        self.all.iter().find(|known| known.id == id)
    }

    pub(crate) fn find(&self, name: &str, language: &str) -> Option<&Template> {
        self.all
            .iter()
            .find(|known| known.spec.name == name && known.spec.language == language)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Template> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests;
