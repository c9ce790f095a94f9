//! Broadcasts that stop by themselves: nothing more goes out until a person has them go on, and then each recipient is sent to once.

use mesej_simulator::control::SendQuery;
use mesej_simulator::{Faults, NumberFate, TemplateFate};
use serde_json::{Value, json};

use super::{
    NAME, definition, launched, list_of, made, phone, planned, recipients, sends, shown, started_with,
    until_state,
};
use crate::gateway::{ADMIN, Setup, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_template_that_is_paused_holds_it_and_when_it_is_approved_each_is_sent_to_once,
    many_failures_pause_it_and_the_old_ones_do_not_pause_it_again,
    many_who_stop_marketing_pause_it,
    a_number_that_is_flagged_pauses_it_until_somebody_goes_on_all_the_same,
    customers_whom_meta_spares_marketing_pause_nothing,
}

/// A gateway that needs few results to tell.
async fn watchful(kept: Kept, rate: u32) -> TestGateway {
    let setup = Setup {
        extra: vec![("MESEJ_BROADCASTS__AT_LEAST", "20".to_owned())],
        ..Setup::default()
    };
    started_with(kept, rate, setup).await
}

/// A broadcast to so many, which was launched.
async fn running(gateway: &TestGateway, count: u32) -> String {
    let list = list_of(gateway, count).await;
    let path = made(
        gateway,
        &definition(&json!({ "type": "list", "list_id": list }), &json!("5%")),
    )
    .await;
    planned(gateway, &path).await;
    launched(gateway, &path).await;
    path
}

fn requests(gateway: &TestGateway) -> u64 {
    gateway.meta.stats().graph.send_requests
}

/// Waits until the ledger says that it stands still, and why. From then on nothing more is claimed.
async fn halted(gateway: &TestGateway, path: &str, code: &str) -> Value {
    let paused = until_state(gateway, path, "paused").await;
    assert_eq!(
        (&paused["problem"]["code"], &paused["paused_by"]),
        (&json!(code), &json!("system")),
        "{paused}"
    );
    let advice = paused["problem"]["advice"].as_str().unwrap();
    assert!(advice.ends_with('.'), "{paused}");
    until("an event tells of it", || async {
        let told = gateway.events().await;
        let last = told
            .into_iter()
            .rev()
            .find(|event| event["kind"] == "broadcast")?;
        let data = &last["data"];
        (data["run"] == "halted" && data["problem"]["code"] == code).then_some(())
    })
    .await;
    paused
}

async fn resumed(gateway: &TestGateway, path: &str) {
    let (status, answer) = gateway.post(&format!("{path}/resume"), None, &json!({})).await;
    assert_eq!(
        (status, &answer["broadcast"]["state"]),
        (200, &json!("running")),
        "{answer}"
    );
    assert_eq!(answer["broadcast"]["problem"], Value::Null);
}

/// Replies go out, and soon nothing beside them: what was claimed before the halt still goes, and no more is claimed.
async fn nothing_goes_out(gateway: &TestGateway) {
    gateway.customer_says("hello").await;
    let mut quiet = 0;
    for _ in 0..8 {
        let before = gateway.meta.sends(&all()).len();
        let reply = gateway.send_text("at once").await;
        gateway.until_state(&reply, "read").await;
        let is_quiet = gateway.meta.sends(&all()).len() == before + 1;
        quiet = if is_quiet { quiet + 1 } else { 0 };
        if quiet == 3 {
            break;
        }
    }
    assert_eq!(quiet, 3, "the broadcast goes on");
}

fn all() -> SendQuery {
    SendQuery {
        limit: Some(10_000),
        ..SendQuery::default()
    }
}

fn template(status: &str, after_sends: Option<u32>) -> TemplateFate {
    TemplateFate {
        name: NAME.to_owned(),
        language: "en_US".to_owned(),
        status: Some(status.to_owned()),
        after_sends,
        ..TemplateFate::default()
    }
}

async fn until_template(gateway: &TestGateway, status: &str) {
    until(&format!("the template is {status}"), || async {
        let (_, list) = gateway.get("/v1/templates?limit=200").await;
        let all = list["templates"].as_array()?;
        let one = all.iter().find(|one| one["name"] == NAME)?;
        (one["status"] == status).then_some(())
    })
    .await;
}

async fn a_template_that_is_paused_holds_it_and_when_it_is_approved_each_is_sent_to_once(kept: Kept) {
    const MANY: u32 = 80;
    let gateway = watchful(kept, 20).await;
    gateway
        .meta
        .change_template(&template("PAUSED", Some(10)))
        .unwrap();
    let path = running(&gateway, MANY).await;
    let paused = until_state(&gateway, &path, "paused").await;
    // Whichever came first: Meta's webhook, or its refusal of a message.
    let code = paused["problem"]["code"].as_str().unwrap().to_owned();
    assert!(
        ["template_paused", "template_refused"].contains(&code.as_str()),
        "{paused}"
    );
    halted(&gateway, &path, &code).await;
    until_template(&gateway, "PAUSED").await;
    let (status, refused) = gateway.post(&format!("{path}/resume"), None, &json!({})).await;
    assert_eq!(
        (status, &refused["error"]["code"], &refused["error"]["status"]),
        (422, &json!("template_not_sendable"), &json!("PAUSED")),
        "{refused}"
    );
    nothing_goes_out(&gateway).await;
    let held = requests(&gateway);
    gateway.meta.change_template(&template("APPROVED", None)).unwrap();
    until_template(&gateway, "APPROVED").await;
    assert_eq!(
        shown(&gateway, &path).await["state"],
        "paused",
        "nobody resumed it"
    );
    assert_eq!(requests(&gateway), held, "nothing went out meanwhile");
    resumed(&gateway, &path).await;
    let done = until_state(&gateway, &path, "done").await;
    // What Meta refused before the pause was not taken, and is not sent again by itself.
    let refused = done["counts"]["failed_by_code"]["132015"].as_u64().unwrap_or(0);
    assert!(refused < u64::from(MANY) / 2, "{done}");
    let taken: Vec<usize> = (0..MANY).map(|n| sends(&gateway, &phone(n))).collect();
    assert!(taken.iter().all(|count| *count <= 1), "{taken:?}");
    let taken = u64::try_from(taken.iter().sum::<usize>()).unwrap();
    assert_eq!(taken + refused, u64::from(MANY), "{done}");
    let failed = recipients(&gateway, &path, "&outcome=failed").await;
    assert_eq!(u64::try_from(failed.len()).unwrap(), refused);
    gateway.stop().await;
}

async fn many_failures_pause_it_and_the_old_ones_do_not_pause_it_again(kept: Kept) {
    const MANY: u32 = 150;
    let gateway = watchful(kept, 30).await;
    let bad = Faults {
        errored_later: 1.0,
        ..Faults::default()
    };
    gateway.meta.set_faults(&bad).unwrap();
    let path = running(&gateway, MANY).await;
    let paused = halted(&gateway, &path, "failure_spike").await;
    let counted = &paused["problem"]["counted"];
    assert!(
        counted["bad"].as_u64().unwrap() * 10 >= counted["results"].as_u64().unwrap(),
        "{paused}"
    );
    gateway.meta.set_faults(&Faults::default()).unwrap();
    nothing_goes_out(&gateway).await;
    let log = format!(
        "{}/v1/admin/audit?tenant_id={}&action=broadcast_paused",
        gateway.base, gateway.tenant
    );
    until("the audit log tells of it", || async {
        let request = gateway.client.get(&log).bearer_auth(ADMIN);
        let log: Value = request.send().await.unwrap().json().await.unwrap();
        let entry = log["entries"].as_array()?.first()?.clone();
        assert_eq!(entry["actor"]["kind"], "nobody", "{entry}");
        assert_eq!(entry["details"]["problem"], "failure_spike", "{entry}");
        Some(())
    })
    .await;
    resumed(&gateway, &path).await;
    let done = until_state(&gateway, &path, "done").await;
    assert_eq!(done["counts"]["submitted"], MANY, "{done}");
    for n in 0..MANY {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}");
    }
    gateway.stop().await;
}

async fn many_who_stop_marketing_pause_it(kept: Kept) {
    let gateway = watchful(kept, 30).await;
    let stops = Faults {
        stops_later: 0.5,
        ..Faults::default()
    };
    gateway.meta.set_faults(&stops).unwrap();
    let path = running(&gateway, 150).await;
    halted(&gateway, &path, "opt_out_spike").await;
    nothing_goes_out(&gateway).await;
    gateway.stop().await;
}

async fn a_number_that_is_flagged_pauses_it_until_somebody_goes_on_all_the_same(kept: Kept) {
    const MANY: u32 = 100;
    let gateway = watchful(kept, 20).await;
    let path = running(&gateway, MANY).await;
    until("some are sent", || async {
        (gateway.meta.sends(&all()).len() >= 3).then_some(())
    })
    .await;
    let flagged = NumberFate {
        quality_rating: Some("RED".to_owned()),
        event: Some("FLAGGED".to_owned()),
        ..NumberFate::default()
    };
    gateway.meta.change_number(&flagged).unwrap();
    halted(&gateway, &path, "number_quality").await;
    nothing_goes_out(&gateway).await;
    // It is RED as before, and somebody knows that.
    resumed(&gateway, &path).await;
    until_state(&gateway, &path, "done").await;
    for n in 0..MANY {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}");
    }
    gateway.stop().await;
}

async fn customers_whom_meta_spares_marketing_pause_nothing(kept: Kept) {
    let gateway = watchful(kept, 100).await;
    let capped = Faults {
        failed_later: 1.0,
        ..Faults::default()
    };
    gateway.meta.set_faults(&capped).unwrap();
    let path = running(&gateway, 60).await;
    until_state(&gateway, &path, "done").await;
    let done = until("all failed", || async {
        let shown = shown(&gateway, &path).await;
        (shown["counts"]["failed_by_code"]["131049"] == 60).then_some(shown)
    })
    .await;
    assert_eq!(done["problem"], Value::Null);
    for n in 0..60 {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}: it is not repeated");
    }
    gateway.stop().await;
}
