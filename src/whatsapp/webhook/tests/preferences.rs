//! What customers want to be sent.

use super::*;
use crate::domain::{MarketingWish, WishSource};

const STOP: MarketingWish = MarketingWish::Stop(WishSource::Preference);

fn told(value: Value) -> Vec<Preference> {
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "value": value, "field": "user_preferences" }] }],
    });
    let Element::Other(event) = only(body.to_string().as_bytes()) else {
        panic!("a preference is no message")
    };
    preferences(&event)
}

fn one(preference: Value) -> Vec<Preference> {
    told(json!({
        "metadata": { "phone_number_id": "106540352242922" },
        "contacts": [{ "wa_id": "16505551234", "user_id": "US.1" }],
        "user_preferences": [preference],
    }))
}

#[test]
fn a_stop_and_a_resume_name_the_customer_by_all_that_is_known() {
    for (value, wish) in [
        ("stop", STOP),
        ("resume", MarketingWish::Resume(WishSource::Preference)),
    ] {
        let told = one(json!({
            "user_id": "US.1", "detail": "User requested to stop marketing messages",
            "category": "marketing_messages", "value": value, "timestamp": 1_731_705_721,
        }));
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].wish, told[0].at),
            (wish, Some(Timestamp::from_secs(1_731_705_721)))
        );
        let names: Vec<&str> = told[0]
            .aliases
            .strongest_first()
            .map(|alias| &*alias.value)
            .collect();
        assert_eq!(names, ["US.1", "16505551234"]);
    }
}

#[test]
fn what_says_nothing_of_marketing_or_of_nobody_is_no_preference() {
    for odd in [
        json!({ "wa_id": "16505551234", "category": "marketing_messages", "value": "signup", "signup_id": "1" }),
        json!({ "wa_id": "16505551234", "category": "calls", "value": "stop" }),
        json!({ "category": "marketing_messages", "value": "stop" }),
        json!("stop"),
    ] {
        assert_eq!(one(odd.clone()), [], "{odd}");
    }
    assert_eq!(told(json!({ "user_preferences": "none" })), []);
    let without_time =
        one(json!({ "wa_id": "16505551234", "category": "marketing_messages", "value": "stop" }));
    assert_eq!((without_time[0].wish, without_time[0].at), (STOP, None));
}
