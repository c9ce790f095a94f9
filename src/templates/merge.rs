//! What a list or a webhook of Meta's makes of a row: never backwards in time, part by part.

use serde_json::Value;

use super::change::TTL;

use crate::domain::{TemplateName, TemplateStatus, Timestamp, WabaId};
use crate::store::tables::{Heard, Template, Told};
use crate::whatsapp::webhook::TemplateChange;

/// Bytes of components that a row can hold beside the rest.
const LONGEST_COMPONENTS: usize = 48 << 10;

/// Characters of any other text: a template's name has no more.
const LONGEST_TEXT: usize = 512;

/// A template as Meta lists it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listed {
    pub(super) name: TemplateName,
    meta_id: Option<String>,
    category: String,
    status: TemplateStatus,
    quality: String,
    reason: Option<String>,
    parameter_format: Option<String>,
    components: Value,
    ttl_seconds: Option<i64>,
}

impl Listed {
    /// Reads one of Meta's; `None` for one without a name or a language.
    pub(super) fn read(waba: &WabaId, template: &Value) -> Option<Self> {
        let text = |path: &str| {
            let text = template.pointer(path).and_then(Value::as_str);
            let text = text.filter(|text| !text.is_empty());
            text.map(|text| text.chars().take(LONGEST_TEXT).collect::<String>())
        };
        let name = TemplateName::new(waba.clone(), text("/name")?, &text("/language")?);
        Some(Self {
            name,
            meta_id: text("/id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit())),
            category: text("/category").unwrap_or_default(),
            status: TemplateStatus::from(text("/status").unwrap_or_default().as_str()),
            quality: text("/quality_score/score").unwrap_or_else(|| "UNKNOWN".to_owned()),
            reason: text("/rejected_reason").filter(|reason| reason != "NONE"),
            parameter_format: text("/parameter_format").map(|format| format.to_ascii_lowercase()),
            components: kept(template.get("components")),
            ttl_seconds: template.get(TTL).and_then(Value::as_i64),
        })
    }

    /// The row that it makes. What was told since this look-up began stays.
    pub(super) fn row(self, before: Option<&Template>, generation: u64, now: Timestamp) -> Template {
        let TemplateName { waba, name, language } = self.name;
        let mut row = Template {
            waba,
            name,
            language,
            meta_id: self.meta_id,
            category: self.category,
            status: self.status,
            quality: self.quality,
            reason: self.reason,
            parameter_format: self.parameter_format,
            components: self.components,
            ttl_seconds: self.ttl_seconds,
            changed_at: now,
            told: before.map(|before| before.told).unwrap_or_default(),
        };
        let Some(before) = before else {
            return row;
        };
        let is_newer = |told: Option<Heard>| told.is_some_and(|told| told.generation >= generation);
        if is_newer(before.told.status) {
            row.status.clone_from(&before.status);
            row.reason.clone_from(&before.reason);
        } else if row.reason.is_none() && row.status == before.status {
            // A list says why a template was rejected, and not why it is paused.
            row.reason.clone_from(&before.reason);
        }
        if is_newer(before.told.quality) {
            row.quality.clone_from(&before.quality);
        }
        if is_newer(before.told.category) {
            row.category.clone_from(&before.category);
        }
        if is_newer(before.told.components) {
            row.components.clone_from(&before.components);
            row.parameter_format.clone_from(&before.parameter_format);
            row.ttl_seconds = before.ttl_seconds;
        }
        row.changed_at = before.changed_at;
        if row != *before {
            row.changed_at = now;
        }
        row
    }
}

/// Components that a row can hold.
pub(super) fn kept(components: Option<&Value>) -> Value {
    let components = components.filter(|components| components.is_array());
    let fits = |components: &&Value| components.to_string().len() <= LONGEST_COMPONENTS;
    components.filter(fits).cloned().unwrap_or(Value::Null)
}

/// The row that a webhook makes; `None` where it tells nothing new. One that comes late, after a list that knew better, counts until
/// the next list, which is asked for at once: whose clock would say which was first?
pub(super) fn told(
    before: &Template,
    change: &TemplateChange,
    heard: Heard,
    now: Timestamp,
) -> Option<Template> {
    let is_old = |told: Option<Heard>| {
        told.is_some_and(|told| match heard.at.cmp(&told.at) {
            std::cmp::Ordering::Less => heard.at.is_some(),
            // The same once more: a list has had its say since.
            std::cmp::Ordering::Equal => heard.at.is_some() && told.generation < heard.generation,
            std::cmp::Ordering::Greater => false,
        })
    };
    let mut row = before.clone();
    let Told {
        status,
        quality,
        category,
        ..
    } = &mut row.told;
    let part = match change {
        TemplateChange::Status(new, reason) => {
            row.status = new.clone();
            row.reason.clone_from(reason);
            status
        }
        TemplateChange::Quality(new) => {
            row.quality.clone_from(new);
            quality
        }
        TemplateChange::Category(new) => {
            row.category.clone_from(new);
            category
        }
        // What a webhook tells of components leaves out half of them: the next list has all.
        TemplateChange::Components | TemplateChange::Notice => return None,
    };
    if is_old(*part) {
        return None;
    }
    *part = Some(heard);
    if shown(&row) != shown(before) {
        row.changed_at = now;
    }
    (row != *before).then_some(row)
}

/// What of a row callers see.
fn shown(row: &Template) -> (&TemplateStatus, &str, &str, Option<&str>) {
    (&row.status, &row.quality, &row.category, row.reason.as_deref())
}
