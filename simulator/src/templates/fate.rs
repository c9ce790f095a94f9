//! What becomes of templates, and how Meta tells it.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::{TemplateFate, verdict};
use crate::SimulatorError;
use crate::act::bad;
use crate::numbers::NumberIndex;
use crate::webhooks::{OtherUpdate, Review, Update};
use crate::world::{Now, World};

impl World {
    /// The account of the first number.
    pub(crate) fn first_account(&self) -> String {
        let first = self.numbers.get(NumberIndex(0));
        first.map_or_else(String::new, |number| number.config.waba_id.as_str().to_owned())
    }

    /// Has a template reviewed. How it ends is told when it does.
    pub(crate) fn review_template(&mut self, now: Now, waba: &str, id: u64) {
        let ends_us = now.us.saturating_add(self.config.review_ms.saturating_mul(1_000));
        let review = self.templates.begin_review(id, ends_us);
        self.tell_review(now, waba, id, (ends_us, review));
    }

    /// Tells how a review ends, when it does.
    fn tell_review(&mut self, now: Now, waba: &str, id: u64, when: (u64, Option<Review>)) {
        let Some(spec) = self.templates.get(id).map(|template| template.spec.clone()) else {
            return;
        };
        let reason = verdict(&spec);
        let value = json!({
            "event": if reason.is_some() { "REJECTED" } else { "APPROVED" },
            "message_template_id": id, "message_template_name": spec.name,
            "message_template_language": spec.language, "message_template_category": spec.category,
            "reason": reason.unwrap_or("NONE"),
        });
        self.tell_account(now, waba, ("message_template_status_update", value), when);
    }

    /// Takes a template of the library, which was reviewed before.
    pub(crate) fn approve_template(&mut self, now: Now, waba: &str, id: u64) {
        self.tell_review(now, waba, id, (now.us, None));
    }

    /// Changes a template of an account, and tells it.
    pub(crate) fn change_template(&mut self, now: Now, fate: &TemplateFate) -> Result<(), SimulatorError> {
        let waba = fate.waba_id.clone().unwrap_or_else(|| self.first_account());
        self.templates.settle(now.us);
        let known = self
            .templates
            .find_mut(&waba, &fate.name, &fate.language)
            .ok_or_else(|| bad("there is no such template"))?;
        let id = known.id;
        let mut told = Vec::new();
        let named = |mut value: Value| {
            put(&mut value, "message_template_id", json!(id));
            put(&mut value, "message_template_name", json!(fate.name));
            let language = fate.language.replace('_', "-");
            put(&mut value, "message_template_language", json!(language));
            value
        };
        if let Some(status) = &fate.status {
            known.reviewed_us = None;
            known.turn += 1;
            known.spec.status.clone_from(status);
            let reason = fate.reason.as_deref().unwrap_or("NONE");
            let mut value = json!({ "event": status, "reason": reason });
            if status == "PAUSED" {
                let info = json!({ "title": "FIRST_PAUSE", "description": "paused for 3 hours" });
                put(&mut value, "other_info", info);
            }
            told.push(("message_template_status_update", named(value)));
        }
        if let Some(quality) = &fate.quality {
            let before = known.spec.quality.replace(quality.clone());
            let value = json!({
                "previous_quality_score": before.as_deref().unwrap_or("GREEN"), "new_quality_score": quality,
            });
            told.push(("message_template_quality_update", named(value)));
        }
        if let Some(category) = &fate.category {
            let before = std::mem::replace(&mut known.spec.category, category.clone());
            let value = json!({ "previous_category": before, "new_category": category });
            told.push(("template_category_update", named(value)));
        }
        for update in told {
            self.tell_account(now, &waba, update, (now.us, None));
        }
        Ok(())
    }

    fn tell_account(
        &mut self,
        now: Now,
        waba: &str,
        (field, value): (&str, Value),
        (due_us, review): (u64, Option<Review>),
    ) {
        // Without a callback of the app nobody hears it, and what numbers tell callbacks of their own must not wait behind it.
        if self.config.webhook_url.is_none() {
            return;
        }
        let Ok(value) = to_raw_value(&value) else {
            return;
        };
        let later = std::time::Duration::from_micros(due_us.saturating_sub(now.us));
        let update = OtherUpdate {
            waba: waba.to_owned(),
            field: field.to_owned(),
            value,
            at: now.wall.after(later),
            review,
        };
        self.schedule(now, Update::Other(update.into()), due_us);
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
