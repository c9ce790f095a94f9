use serde_json::json;

use super::*;

fn good() -> Value {
    json!({
        "id": "106540352242922", "display_phone_number": "+1 555 078 3881", "verified_name": "Lucky Shrub",
        "quality_rating": "GREEN", "status": "CONNECTED", "throughput": { "level": "STANDARD" },
        "platform_type": "CLOUD_API", "name_status": "APPROVED", "code_verification_status": "VERIFIED",
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "webhook_configuration": { "application": "https://gw.example/webhooks/whatsapp" },
    })
}

fn apps() -> Value {
    json!({ "data": [{ "whatsapp_business_api_data": { "id": "12", "name": "Mesej", "link": "x" } }] })
}

fn verdicts(number: &Value, apps: &Value) -> Vec<(&'static str, Verdict)> {
    let id = PhoneNumberId::parse("106540352242922").unwrap();
    let wanted = Wanted {
        number: &id,
        per_second: 80,
        callback: Some("https://gw.example/webhooks/whatsapp"),
        app: Some("main"),
        apps: &["main".into()],
    };
    check_number(&NumberFacts::read(number), &SubscribedApp::read_all(apps), wanted)
        .into_iter()
        .map(|check| (check.name, check.verdict))
        .collect()
}

#[test]
fn a_number_that_is_ready_passes_every_check() {
    let all = verdicts(&good(), &apps());
    assert_eq!(all.len(), 10);
    assert!(
        all.iter().all(|(_, verdict)| *verdict == Verdict::Good),
        "{all:?}"
    );
}

#[test]
fn each_fault_is_told_by_its_own_check() {
    let cases = [
        ("/id", json!("999"), "token and number", Verdict::Bad),
        ("/id", json!(null), "token and number", Verdict::Bad),
        ("/status", json!("PENDING"), "status", Verdict::Bad),
        ("/status", json!(null), "status", Verdict::Doubtful),
        ("/platform_type", json!("ON_PREMISE"), "platform", Verdict::Bad),
        ("/name_status", json!("DECLINED"), "display name", Verdict::Bad),
        (
            "/name_status",
            json!("PENDING_REVIEW"),
            "display name",
            Verdict::Doubtful,
        ),
        ("/quality_rating", json!("RED"), "quality", Verdict::Bad),
        ("/quality_rating", json!("YELLOW"), "quality", Verdict::Doubtful),
        (
            "/throughput",
            json!({ "level": "NOVEL" }),
            "throughput",
            Verdict::Doubtful,
        ),
        (
            "/whatsapp_business_manager_messaging_limit",
            json!(null),
            "messaging limit",
            Verdict::Doubtful,
        ),
        (
            "/webhook_configuration",
            json!({ "phone_number": "https://else.example" }),
            "webhook",
            Verdict::Bad,
        ),
        (
            "/webhook_configuration",
            json!(null),
            "webhook",
            Verdict::Doubtful,
        ),
    ];
    for (pointer, value, name, verdict) in cases {
        let mut number = good();
        *number.pointer_mut(pointer).unwrap() = value.clone();
        for (check, found) in verdicts(&number, &apps()) {
            let expected = if check == name { verdict } else { Verdict::Good };
            assert_eq!(found, expected, "{check} when {pointer} is {value}");
        }
    }
}

#[test]
fn a_rate_above_the_level_is_bad() {
    let mut facts = NumberFacts::read(&good());
    let id = PhoneNumberId::parse("106540352242922").unwrap();
    let verdict = |facts: &NumberFacts| {
        let wanted = Wanted {
            number: &id,
            per_second: 1_000,
            callback: None,
            app: None,
            apps: &[],
        };
        check_number(facts, &SubscribedApp::read_all(&apps()), wanted)
            .into_iter()
            .find(|check| check.name == "throughput")
            .unwrap()
            .verdict
    };
    assert_eq!(verdict(&facts), Verdict::Bad);
    facts.throughput = Some("HIGH".to_owned());
    assert_eq!(verdict(&facts), Verdict::Good);
}

#[test]
fn without_a_subscribed_app_nothing_will_be_received() {
    let all = verdicts(&good(), &json!({ "data": [] }));
    assert!(all.contains(&("subscription", Verdict::Bad)), "{all:?}");
}

#[test]
fn the_most_particular_webhook_address_wins() {
    let mut facts = NumberFacts::read(&json!({ "webhook_configuration": {
        "phone_number": "https://number", "whatsapp_business_account": "https://account", "application": "https://app",
    } }));
    assert_eq!(facts.webhook(), Some("https://number"));
    facts.number_webhook = Some(String::new());
    assert_eq!(facts.webhook(), Some("https://account"));
    facts.account_webhook = None;
    assert_eq!(facts.webhook(), Some("https://app"));
}

#[test]
fn answers_of_any_shape_can_be_read() {
    for odd in [
        json!(null),
        json!([]),
        json!({ "id": {}, "throughput": "x", "data": 5 }),
    ] {
        assert_eq!(NumberFacts::read(&odd), NumberFacts::default(), "{odd}");
        assert!(SubscribedApp::read_all(&odd).is_empty(), "{odd}");
    }
}

#[test]
fn a_number_whose_webhooks_no_app_may_sign_is_told_so() {
    let check = |app: Option<&str>, apps: &[&str]| {
        let id = PhoneNumberId::parse("106540352242922").unwrap();
        let apps: Vec<Arc<str>> = apps.iter().map(|app| (*app).into()).collect();
        let wanted = Wanted {
            number: &id,
            per_second: 80,
            callback: None,
            app,
            apps: &apps,
        };
        let checks = check_number(&NumberFacts::default(), &[], wanted);
        checks.into_iter().find(|check| check.name == "app").unwrap()
    };
    for (app, apps) in [(Some("b"), &["a", "b"][..]), (None, &["a"])] {
        assert_eq!(check(app, apps).verdict, Verdict::Good, "{app:?} {apps:?}");
    }
    for (app, apps) in [
        (None, &["a", "b"][..]),
        (Some("c"), &["a", "b"]),
        (Some("a"), &[]),
        (None, &[]),
    ] {
        assert_eq!(check(app, apps).verdict, Verdict::Bad, "{app:?} {apps:?}");
    }
    assert!(check(None, &["a", "b"]).found.contains("a, b"));
}
