//! Sending again to whom a broadcast failed to reach.

use mesej_simulator::control::SendQuery;
use mesej_simulator::{CustomerSpec, Faults};
use serde_json::json;

use super::{definition, launched, made, phone, planned, recipients, sends, shown, started, until_state};
use crate::gateway::until;
use crate::kept::{Kept, on_every_store};

on_every_store! {
    whom_sending_again_may_help_gets_it_once_more_with_their_own_words_and_nobody_else,
}

const MANY: u32 = 12;

async fn whom_sending_again_may_help_gets_it_once_more_with_their_own_words_and_nobody_else(kept: Kept) {
    let gateway = started(kept, 200).await;
    let customer = |n: u32, spec: CustomerSpec| {
        let spec = CustomerSpec {
            phone: Some(phone(n)),
            ..spec
        };
        gateway.meta.customer(&spec).unwrap();
    };
    let spec = CustomerSpec::default;
    customer(
        0,
        CustomerSpec {
            on_whatsapp: Some(false),
            ..spec()
        },
    );
    customer(
        1,
        CustomerSpec {
            capped: Some(true),
            ..spec()
        },
    );
    let errors = Faults {
        errored_later: 1.0,
        ..Faults::default()
    };
    gateway.meta.set_faults(&errors).unwrap();
    let column = json!({ "from": "column", "key": "Off" });
    let path = made(&gateway, &definition(&json!({ "type": "upload" }), &column)).await;
    let rows: Vec<String> = (0..MANY).map(|n| format!("+{};{n}%\n", phone(n))).collect();
    let request = gateway
        .client
        .put(format!("{}{path}/audience", gateway.base))
        .bearer_auth(&gateway.key)
        .body(format!("phone;Off\n{}", rows.concat()));
    assert!(request.send().await.unwrap().status().is_success());
    planned(&gateway, &path).await;
    let retry = format!("{path}/retry");
    let (status, early) = gateway.post(&retry, None, &json!({})).await;
    assert_eq!(
        (status, &early["error"]["state"]),
        (409, &json!("ready")),
        "{early}"
    );
    launched(&gateway, &path).await;
    until_state(&gateway, &path, "done").await;
    until("all failed", || async {
        let shown = shown(&gateway, &path).await;
        (shown["counts"]["outcomes"]["failed"] == MANY).then_some(())
    })
    .await;
    let reasons: Vec<String> = recipients(&gateway, &path, "&outcome=failed")
        .await
        .iter()
        .take(3)
        .map(|one| one["reason"].as_str().unwrap_or("none").to_owned())
        .collect();
    assert_eq!(reasons, ["unreachable", "marketing_limit", "none"]);
    gateway.meta.set_faults(&Faults::default()).unwrap();
    let (status, answer) = gateway.post(&retry, None, &json!({})).await;
    assert_eq!(
        (status, &answer["broadcast"]["state"]),
        (201, &json!("draft")),
        "{answer}"
    );
    let id = answer["broadcast"]["broadcast_id"].as_str().unwrap().to_owned();
    let second = format!("/v1/broadcasts/{id}");
    assert_eq!(shown(&gateway, &path).await["retried_by"], json!(id));
    let (status, again) = gateway.post(&retry, None, &json!({})).await;
    assert_eq!(
        (status, &again["error"]["code"]),
        (409, &json!("broadcast_state")),
        "{again}"
    );
    let ready = planned(&gateway, &second).await;
    assert_eq!(ready["plan"]["recipients"], MANY - 2, "{ready}");
    assert_eq!(ready["plan"]["suppressed"], json!({ "too_soon": 1 }), "{ready}");
    launched(&gateway, &second).await;
    until_state(&gateway, &second, "done").await;
    for n in 0..MANY {
        let times = if n < 2 { 1 } else { 2 };
        assert_eq!(sends(&gateway, &phone(n)), times, "recipient {n}");
        let own = SendQuery {
            to: Some(phone(n)),
            contains: Some(format!("\"{n}%\"")),
            ..SendQuery::default()
        };
        assert_eq!(
            gateway.meta.sends(&own).len(),
            times,
            "recipient {n} has its own words"
        );
    }
    until("all of the second were reached", || async {
        let shown = shown(&gateway, &second).await;
        (shown["counts"]["outcomes"]["read"] == MANY - 2).then_some(())
    })
    .await;
    let (status, nobody) = gateway.post(&format!("{second}/retry"), None, &json!({})).await;
    assert_eq!(
        (status, &nobody["error"]["state"]),
        (409, &json!("done")),
        "{nobody}"
    );
    gateway.stop().await;
}
