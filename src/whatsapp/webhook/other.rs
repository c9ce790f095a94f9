//! Events that are neither messages nor statuses: where they belong, and what tells them apart.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::OtherEvent;
use crate::domain::{PhoneNumberId, Timestamp, WabaId, WamidHash};
use crate::whatsapp::lenient::{Text, lenient_object, read};

/// Parts whose elements are events of their own.
pub(super) const PARTS_OF_LISTS: [&str; 4] = ["messages", "statuses", "errors", "user_actions"];

lenient_object! {
    /// Where the fields of webhooks name a number or an account.
    struct Hints<'a> {
        metadata: Names<'a> = "metadata",
        recipient: Names<'a> = "recipient",
        settings: Names<'a> = "phone_number_settings",
        account: Account<'a> = "waba_info",
        display_phone: Text<'a> = "display_phone_number" | "phone_number",
    }
}

lenient_object! {
    /// A number's id and display form.
    struct Names<'a> {
        number: Text<'a> = "phone_number_id",
        display_phone: Text<'a> = "display_phone_number",
    }
}

lenient_object! {
    /// The account that a partner's event is about.
    struct Account<'a> {
        id: Text<'a> = "waba_id",
    }
}

/// Where in a webhook an event stood.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The entry's account.
    pub(super) waba: Option<WabaId>,
    /// The entry's time.
    pub(super) at: Option<Timestamp>,
    /// The change's field.
    pub(super) field: Arc<str>,
    /// The number of the value's metadata.
    pub(super) number: Option<PhoneNumberId>,
    /// Its display form.
    pub(super) display_phone: Option<Arc<str>>,
}

impl Origin {
    /// An event that is one part of a value with metadata.
    pub(super) fn part(&self, part: &str, raw: &RawValue) -> OtherEvent {
        self.event(part, raw)
    }

    /// An event that is the whole value of a change. The value may name its number and account itself.
    pub(super) fn value(&self, raw: &RawValue) -> OtherEvent {
        let hints: Hints<'_> = read(raw);
        let number = [&hints.metadata, &hints.recipient, &hints.settings]
            .into_iter()
            .find_map(|names| names.number.get().and_then(|id| PhoneNumberId::parse(id).ok()));
        let display_phone = [
            &hints.metadata.display_phone,
            &hints.recipient.display_phone,
            &hints.display_phone,
        ]
        .into_iter()
        .find_map(Text::get)
        .map(Arc::from);
        let account = hints.account.id.get().and_then(|id| WabaId::parse(id).ok());
        let origin = Self {
            waba: account.or_else(|| self.waba.clone()),
            number,
            display_phone,
            ..self.clone()
        };
        origin.event("value", raw)
    }

    fn event(&self, part: &str, raw: &RawValue) -> OtherEvent {
        let at = self.at.map(|at| at.as_secs().to_be_bytes());
        let key = WamidHash::of_other(
            "webhook",
            &[
                self.waba.as_ref().map_or("", |id| id.as_str()).as_bytes(),
                at.as_ref().map_or(&[], |at| at.as_slice()),
                self.field.as_bytes(),
                self.number.as_ref().map_or("", |id| id.as_str()).as_bytes(),
                part.as_bytes(),
                raw.get().as_bytes(),
            ],
        );
        OtherEvent {
            field: Arc::clone(&self.field),
            number: self.number.clone(),
            display_phone: self.display_phone.clone(),
            waba: self.waba.clone(),
            part: part.into(),
            value: raw.to_owned().into(),
            at: self.at,
            key,
        }
    }
}
