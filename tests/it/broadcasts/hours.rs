//! Broadcasts in sending hours: some recipients are where it is day, others where it is night.

use mesej::domain::{Clock as _, SystemClock};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{definition, launched, made, phone, planned, sends, shown, started, until_state};
use crate::gateway::{TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    who_sleeps_is_not_sent_to_over_a_restart_and_a_cancel_ends_it,
}

const DAY: i64 = 24 * 60;
/// Recipients where it is day, and where it is night.
const AWAKE: u32 = 20;
const ASLEEP: u32 = 5;

fn in_germany(n: u32) -> String {
    format!("49151123456{n:02}")
}

/// Hours that have been open for three hours in the west of Indonesia and are for three more in its east, whatever the time is now. In
/// Germany, five or six hours behind the west, they begin later.
fn hours() -> Value {
    let minutes = SystemClock::new().now().as_secs() / 60;
    let jakarta = minutes + 7 * 60;
    let time = |minute: i64| {
        let minute = minute.rem_euclid(DAY);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let range = json!([[time(jakarta - 3 * 60), time(jakarta + 5 * 60)]]);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let days: Map<String, Value> = days
        .map(|day| (day.to_owned(), range.clone()))
        .into_iter()
        .collect();
    json!({ "zone": "recipient", "fallback_zone": "Etc/UTC", "days": days })
}

async fn upload(gateway: &TestGateway, path: &str) {
    let awake = (0..AWAKE).map(phone);
    let asleep = (0..ASLEEP).map(in_germany);
    // One in Germany among those in Indonesia, and the others behind them.
    let mut rows: Vec<String> = awake.chain(asleep).map(|phone| format!("+{phone}\n")).collect();
    rows.swap(3, usize::try_from(AWAKE).unwrap());
    let request = gateway
        .client
        .put(format!("{}{path}/audience", gateway.base))
        .bearer_auth(&gateway.key)
        .body(format!("phone\n{}", rows.concat()));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

async fn all_awake_have_it(gateway: &TestGateway, path: &str) -> Value {
    until("all who are awake have it, and the others wait", || async {
        let shown = shown(gateway, path).await;
        let is_so = shown["counts"]["outcomes"]["read"] == AWAKE && shown["limited_by"] == "quiet_hours";
        is_so.then_some(shown)
    })
    .await
}

async fn who_sleeps_is_not_sent_to_over_a_restart_and_a_cancel_ends_it(kept: Kept) {
    let gateway = started(kept, 200).await;
    let mut broadcast = definition(&json!({ "type": "upload" }), &json!("5%"));
    broadcast["hours"] = hours();
    let path = made(&gateway, &broadcast).await;
    upload(&gateway, &path).await;
    let ready = planned(&gateway, &path).await;
    assert_eq!(
        ready["plan"]["countries"],
        json!({ "DE": ASLEEP, "ID": AWAKE }),
        "{ready}"
    );
    launched(&gateway, &path).await;
    let waits = all_awake_have_it(&gateway, &path).await;
    assert!(
        waits["next_opens_at"].as_i64() > waits["launched_at"].as_i64(),
        "{waits}"
    );
    let asleep = waits["zones"]
        .as_array()
        .unwrap()
        .iter()
        .find(|zone| zone["state"] == "closed");
    let asleep = asleep.unwrap();
    assert_eq!(
        (&asleep["zones"], &asleep["recipients"]),
        (&json!(["Europe/Berlin"]), &json!(ASLEEP))
    );
    // Whoever goes on knows who had a turn, and what time it is where the others are.
    let gateway = gateway.restart().await;
    all_awake_have_it(&gateway, &path).await;
    let (status, answer) = gateway
        .ask(Method::POST, &format!("{path}/cancel"), &json!({}))
        .await;
    assert_eq!(status, 200, "{answer}");
    let cancelled = until_state(&gateway, &path, "cancelled").await;
    assert_eq!(cancelled["counts"]["submitted"], AWAKE, "{cancelled}");
    for n in 0..AWAKE {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}");
    }
    for n in 0..ASLEEP {
        assert_eq!(sends(&gateway, &in_germany(n)), 0, "recipient {n}");
    }
    gateway.stop().await;
}
