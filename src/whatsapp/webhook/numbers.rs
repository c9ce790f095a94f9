//! Which webhooks tell that something changed of an account's numbers, and what of that stands against sending to many.
//! Source: Cloud API, phone_number_quality_update (Nov 14 2025), phone_number_name_update (Oct 22 2025), account_update (Dec 5 2025,
//! revised May 21 2026), account_review_update (Oct 22 2025), business_capability_update (Nov 14 2025).

use serde_json::Value;

use super::OtherEvent;
use crate::domain::Timestamp;

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

/// What a webhook warns of, or that such a thing is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberNews {
    /// The number, in digits; all of the account where none is named.
    pub display: Option<String>,
    /// What.
    pub warning: Warning,
    /// When, to the second.
    pub at: Option<Timestamp>,
}

/// Something against a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Its quality fell.
    Flagged(String),
    /// It did not, or does not any more.
    Unflagged(String),
    /// Its account may not write first, or not at all, until a time if one is told.
    Restricted(String, Option<Timestamp>),
    /// It may.
    Unrestricted(String),
}

/// Restrictions that stand against sending to many.
const RESTRICTIONS: [&str; 2] = [
    "RESTRICTED_BIZ_INITIATED_MESSAGING",
    "RESTRICTED_UTILITY_TEMPLATES",
];

/// What an event warns of; `None` where it says nothing against a number, and nothing for it.
pub fn number_news(event: &OtherEvent) -> Option<NumberNews> {
    let value: Value = serde_json::from_str(event.value.get()).ok()?;
    let what = value.get("event").and_then(Value::as_str)?;
    let warning = match event.field.as_ref() {
        "phone_number_quality_update" => match what {
            "FLAGGED" | "DOWNGRADE" => Warning::Flagged(what.to_owned()),
            "UNFLAGGED" | "UPGRADE" => Warning::Unflagged(what.to_owned()),
            _ => return None,
        },
        "account_update" => of_account(what, &value)?,
        _ => return None,
    };
    let display = value.get("display_phone_number").and_then(Value::as_str);
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    Some(NumberNews {
        display: display.map(digits).filter(|digits| !digits.is_empty()),
        warning,
        at: event.at,
    })
}

fn of_account(what: &str, value: &Value) -> Option<Warning> {
    let restricted = |said: &str, until| Some(Warning::Restricted(said.to_owned(), until));
    match what {
        "ACCOUNT_DELETED" | "ACCOUNT_OFFBOARDED" => restricted(what, None),
        "ACCOUNT_RECONNECTED" => Some(Warning::Unrestricted(what.to_owned())),
        "DISABLED_UPDATE" => match value
            .pointer("/ban_info/waba_ban_state")
            .and_then(Value::as_str)?
        {
            "REINSTATE" => Some(Warning::Unrestricted("REINSTATE".to_owned())),
            state @ ("DISABLE" | "SCHEDULE_FOR_DISABLE") => restricted(state, None),
            _ => None,
        },
        "ACCOUNT_RESTRICTION" => {
            let all = value.get("restriction_info").and_then(Value::as_array)?;
            let named = all.iter().filter_map(|one| {
                let kind = one.get("restriction_type").and_then(Value::as_str)?;
                let kind = RESTRICTIONS.into_iter().find(|known| *known == kind)?;
                Some((kind, one.get("expiration").and_then(seconds)))
            });
            // The one that lasts longest; one that does not say how long lasts longest.
            let (kind, until) = named.max_by_key(|(_, until)| (until.is_none(), *until))?;
            restricted(kind, until)
        }
        _ => None,
    }
}

/// A time that Meta writes as a number, or in digits.
fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(digits) => digits.parse().ok()?,
        _ => return None,
    };
    Some(Timestamp::from_secs(seconds))
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

    fn news(field: &str, value: &Value) -> Option<NumberNews> {
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "time": 1_750_000_000, "changes": [
            { "field": field, "value": value }] }] });
        let parsed = parse(body.to_string().as_bytes()).unwrap();
        let [Element::Other(other)] = parsed.elements.as_slice() else {
            panic!("one element");
        };
        number_news(other)
    }

    #[test]
    fn what_stands_against_sending_to_many_is_told_from_the_rest() {
        let quality = |event: &str| {
            let value = json!({ "display_phone_number": "+1 555-078-3881", "event": event });
            news("phone_number_quality_update", &value)
        };
        let flagged = quality("FLAGGED").unwrap();
        assert_eq!(flagged.warning, Warning::Flagged("FLAGGED".to_owned()));
        assert_eq!(flagged.display.as_deref(), Some("15550783881"));
        assert_eq!(flagged.at, Some(Timestamp::from_secs(1_750_000_000)));
        assert!(matches!(
            quality("DOWNGRADE").unwrap().warning,
            Warning::Flagged(_)
        ));
        assert!(matches!(
            quality("UNFLAGGED").unwrap().warning,
            Warning::Unflagged(_)
        ));
        assert_eq!(quality("THROUGHPUT_UPGRADE"), None);
        let account = |value: Value| news("account_update", &value).map(|news| news.warning);
        let ban = |state: &str| {
            account(json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": state } }))
        };
        assert_eq!(
            ban("DISABLE"),
            Some(Warning::Restricted("DISABLE".to_owned(), None))
        );
        assert!(matches!(
            ban("SCHEDULE_FOR_DISABLE"),
            Some(Warning::Restricted(..))
        ));
        assert!(matches!(ban("REINSTATE"), Some(Warning::Unrestricted(_))));
        let restriction = |kinds: &[(&str, Value)]| {
            let all: Vec<Value> = kinds
                .iter()
                .map(|(kind, until)| json!({ "restriction_type": kind, "expiration": until }))
                .collect();
            account(json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": all }))
        };
        assert_eq!(
            restriction(&[("RESTRICTED_ADD_PHONE_NUMBER_ACTION", json!(1_800_000_000))]),
            None
        );
        assert_eq!(
            restriction(&[
                ("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", json!(1_900_000_000)),
                ("RESTRICTED_BIZ_INITIATED_MESSAGING", json!("1800000000")),
            ]),
            Some(Warning::Restricted(
                "RESTRICTED_BIZ_INITIATED_MESSAGING".to_owned(),
                Some(Timestamp::from_secs(1_800_000_000))
            ))
        );
        assert_eq!(
            account(json!({ "event": "ACCOUNT_VIOLATION", "violation_info": {} })),
            None
        );
        assert_eq!(
            news("account_review_update", &json!({ "decision": "APPROVED" })),
            None
        );
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
