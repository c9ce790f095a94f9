//! The account's message templates, and whether a message fills one as it must be filled.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>

mod check;
mod fate;
mod library;
mod limits;
mod review;
mod seed;
mod shape;

pub(crate) use check::check;
pub(crate) use library::{from_library, library};
pub(crate) use limits::TemplateLimits;
pub(crate) use review::{review, verdict};

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
    /// For how many seconds a message is tried to be delivered; the category's own time when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_send_ttl_seconds: Option<i64>,
    /// Header, body, footer, buttons, carousel.
    pub components: Vec<Value>,
    /// GREEN, YELLOW, RED or UNKNOWN; GREEN when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
}

/// What becomes of a template of an account, told by a webhook as Meta tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateFate {
    /// Whose it is; the first number's account when left out.
    pub waba_id: Option<String>,
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
    /// Only once so many more messages with it were accepted; at once when left out.
    pub after_sends: Option<u32>,
}

fn approved() -> String {
    "APPROVED".to_owned()
}

/// A template of the account.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: u64,
    /// The account.
    pub(crate) waba: String,
    /// Why a review refused it.
    pub(crate) reason: Option<&'static str>,
    pub(crate) spec: TemplateSpec,
    pub(crate) shape: Shape,
    /// When its review ends, by the clock that never goes back.
    pub(crate) reviewed_us: Option<u64>,
    /// How many reviews were begun, or overtaken by something else that became of it.
    pub(crate) turn: u64,
    /// What becomes of it after so many more messages.
    pub(crate) fate: Option<(u32, Box<TemplateFate>)>,
}

impl Template {
    fn is(&self, waba: &str, name: &str, language: &str) -> bool {
        self.waba == waba && self.spec.name == name && self.spec.language == language
    }

    /// All fields that Graph can show.
    pub(crate) fn fields(&self) -> Value {
        let mut fields = serde_json::json!({
            "id": self.id.to_string(),
            "name": self.spec.name,
            "language": self.spec.language,
            "status": self.spec.status,
            "category": self.spec.category,
            "parameter_format": if self.shape.named { "NAMED" } else { "POSITIONAL" },
            "components": self.spec.components,
            "quality_score": { "score": self.spec.quality.as_deref().unwrap_or("GREEN"), "date": 1_760_000_000 },
            "rejected_reason": if self.spec.status == "REJECTED" { self.reason.unwrap_or("INVALID_FORMAT") } else { "NONE" },
        });
        if let (Some(seconds), Some(fields)) = (self.spec.message_send_ttl_seconds, fields.as_object_mut()) {
            fields.insert("message_send_ttl_seconds".to_owned(), seconds.into());
        }
        fields
    }
}

/// The templates of all accounts. Every account begins with the same ones, each with an id of its own.
#[derive(Debug)]
pub(crate) struct Templates {
    all: Vec<Template>,
    next_id: u64,
    pub(crate) limits: TemplateLimits,
}

impl Templates {
    /// The lists with which accounts start.
    pub(crate) fn seeded<'waba>(accounts: impl IntoIterator<Item = &'waba str>) -> Self {
        let mut templates = Self {
            all: Vec::new(),
            next_id: 920_070_352_646_140,
            limits: TemplateLimits::default(),
        };
        for waba in accounts {
            if templates.of(waba).next().is_none() {
                for spec in seed::specs() {
                    templates.put(waba, spec);
                }
            }
        }
        templates
    }

    /// Adds a template, or replaces the one of the same name and language. Returns its id.
    pub(crate) fn put(&mut self, waba: &str, spec: TemplateSpec) -> u64 {
        let shape = Shape::of(&spec);
        if let Some(known) = self.find_mut(waba, &spec.name, &spec.language) {
            known.reason = None;
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
            waba: waba.to_owned(),
            reason: None,
            spec,
            shape,
            reviewed_us: None,
            turn: 0,
            fate: None,
        });
        id
    }

    /// Ends the reviews whose time has come.
    pub(crate) fn settle(&mut self, now_us: u64) {
        for template in &mut self.all {
            if template.reviewed_us.is_some_and(|at| at <= now_us) {
                template.reviewed_us = None;
                template.reason = verdict(&template.spec);
                template.spec.status = match template.reason {
                    Some(_) => "REJECTED".to_owned(),
                    None => approved(),
                };
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

    pub(crate) fn find_mut(&mut self, waba: &str, name: &str, language: &str) -> Option<&mut Template> {
        self.all.iter_mut().find(|known| known.is(waba, name, language))
    }

    /// Removes a name of an account in all languages, or one template by id. Says whether there was one.
    pub(crate) fn remove(&mut self, waba: &str, name: &str, id: Option<u64>, now_us: u64) -> bool {
        let goes = |known: &Template| {
            known.waba == waba && known.spec.name == name && id.is_none_or(|id| known.id == id)
        };
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.all).into_iter().partition(goes);
        self.all = kept;
        for template in gone.iter().filter(|gone| gone.spec.status == "APPROVED") {
            let named = (name, template.spec.language.as_str());
            self.limits.lock(waba, named, now_us);
        }
        !gone.is_empty()
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Template> {
        self.all.iter().find(|known| known.id == id)
    }

    pub(crate) fn find(&self, waba: &str, name: &str, language: &str) -> Option<&Template> {
        self.all.iter().find(|known| known.is(waba, name, language))
    }

    /// Those of an account.
    pub(crate) fn of(&self, waba: &str) -> impl Iterator<Item = &Template> {
        self.all.iter().filter(move |known| known.waba == waba)
    }
}

#[cfg(test)]
mod tests;
