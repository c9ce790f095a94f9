//! What becomes of templates, and how Meta tells it.

use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use super::{TemplateFate, verdict};
use crate::SimulatorError;
use crate::act::bad;
use crate::judge::Held;
use crate::numbers::{NumberFate, NumberIndex};
use crate::sends::{SendIndex, Step};
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
        if let Some(count) = fate.after_sends.filter(|count| *count > 0) {
            let then = TemplateFate {
                after_sends: None,
                ..fate.clone()
            };
            known.fate = Some((count, Box::new(then)));
            return Ok(());
        }
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
        if fate
            .status
            .as_deref()
            .is_some_and(|status| matches!(status, "PAUSED" | "DISABLED"))
        {
            self.drop_held(now, id);
        }
        Ok(())
    }

    /// Counts a message with a template: one that has a fate may meet it.
    pub(crate) fn count_template(
        &mut self,
        now: Now,
        number: NumberIndex,
        (name, language): (&str, &str),
        (send, held): (SendIndex, Held),
    ) {
        let waba = self.numbers.get(number);
        let Some(waba) = waba.map(|number| number.config.waba_id.as_str().to_owned()) else {
            return;
        };
        let Some(known) = self.templates.find_mut(&waba, name, language) else {
            return;
        };
        if held == Held::ForQuality {
            self.held.insert(send, known.id);
        }
        let Some((left, fate)) = &mut known.fate else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            let mut fate = fate.as_ref().clone();
            fate.waba_id = Some(waba);
            known.fate = None;
            // It is there: it was found a moment ago.
            let _ = self.change_template(now, &fate);
        }
    }

    /// Messages that were held for the sake of a template which is paused fail, unless they were let go before.
    fn drop_held(&mut self, now: Now, template: u64) {
        let sends = &self.sends;
        let waits = |send: &SendIndex| sends.get(*send).is_some_and(|sent| sent.reached.is_none());
        let of_it = self.held.iter().filter(|(_, of)| **of == template);
        let mut dropped: Vec<SendIndex> = of_it.map(|(send, _)| *send).filter(waits).collect();
        dropped.sort_unstable();
        self.held.retain(|_, of| *of != template);
        self.outbox.withdraw(&dropped);
        for send in dropped {
            let failed = Update::Status {
                send,
                step: Step::Failed,
                error: 132_015,
                at: now.wall,
            };
            self.schedule(now, failed, now.us);
        }
    }

    /// Changes how a number stands, and tells it as Meta does: without the quality itself.
    pub(crate) fn change_number_standing(
        &mut self,
        now: Now,
        fate: &NumberFate,
    ) -> Result<(), SimulatorError> {
        let index = match &fate.phone_number_id {
            None => NumberIndex(0),
            Some(id) => self
                .numbers
                .find(id)
                .ok_or_else(|| bad("there is no such number"))?,
        };
        let number = self
            .numbers
            .get_mut(index)
            .ok_or_else(|| bad("there is no number"))?;
        if let Some(quality) = &fate.quality_rating {
            number.config.quality_rating.clone_from(quality);
        }
        let (waba, display) = (number.config.waba_id.as_str().to_owned(), number.phone);
        if let Some(event) = &fate.event {
            let value = json!({
                "display_phone_number": display.map(|phone| phone.to_string()).unwrap_or_default(),
                "event": event, "current_limit": number.config.messaging_limit,
            });
            self.tell_account(now, &waba, ("phone_number_quality_update", value), (now.us, None));
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
