//! Which webhooks tell that something changed of an account's numbers.
//! Source: Cloud API, phone_number_quality_update (Nov 14 2025), phone_number_name_update (Oct 22 2025), account_update (Dec 5 2025,
//! revised May 21 2026), account_review_update (Oct 22 2025), business_capability_update (Nov 14 2025).

use super::OtherEvent;

const FIELDS: [&str; 5] = [
    "phone_number_quality_update",
    "phone_number_name_update",
    "account_update",
    "account_review_update",
    "business_capability_update",
];

/// Whether an event tells of the quality, limit, name or standing of numbers. None tells all of that, and that of quality names no
/// quality: Meta must be asked.
pub fn is_about_numbers(event: &OtherEvent) -> bool {
    FIELDS.contains(&event.field.as_ref())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::whatsapp::payloads::at_hand;
    use crate::whatsapp::webhook::{Element, parse};

    fn tells(body: &serde_json::Value) -> usize {
        let parsed = parse(body.to_string().as_bytes()).unwrap();
        let about = parsed
            .elements
            .iter()
            .filter(|element| matches!(element, Element::Other(other) if is_about_numbers(other)));
        about.count()
    }

    #[test]
    fn news_of_numbers_and_accounts_are_told_from_others() {
        let of = |field: &str| {
            json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "time": 1_750_000_000, "changes": [
                { "field": field, "value": { "display_phone_number": "15550783881", "event": "FLAGGED" } }] }] })
        };
        assert_eq!(tells(&of("phone_number_quality_update")), 1);
        assert_eq!(tells(&of("account_update")), 1);
        assert_eq!(tells(&of("message_template_status_update")), 0);
    }

    #[test]
    fn every_example_of_metas_is_read() {
        for (place, body) in at_hand("webhooks") {
            if FIELDS.iter().any(|field| place.contains(field)) {
                assert_eq!(tells(&body), 1, "{place}");
            }
        }
    }
}
