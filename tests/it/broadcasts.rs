//! Broadcasts from the draft to the last answer: on both stores, with restarts between.

mod contested;
mod dry_run;
mod files;
mod halted;
mod hours;
mod killed;
mod pausing;
mod retrying;

use mesej_simulator::NumberConfig;
use mesej_simulator::control::SendQuery;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, Setup, TestGateway, until};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_list_is_sent_to_once_and_enters_the_inbox_when_it_answers,
    who_stops_after_the_plan_is_not_sent_to,
    a_pause_holds_what_waits_over_a_restart_and_a_cancel_takes_it_back,
    two_who_launch_at_once_launch_once,
    one_with_a_time_begins_then_and_not_before,
}

const NAME: &str = "spring_offer";

/// A gateway whose account has the template.
async fn started(kept: Kept, rate: u32) -> TestGateway {
    started_with(kept, rate, Setup::default()).await
}

async fn started_with(kept: Kept, rate: u32, mut setup: Setup) -> TestGateway {
    for number in &mut setup.simulator.numbers {
        number.rate = rate;
    }
    let gateway = TestGateway::start_with(kept, setup).await;
    let number = NumberConfig {
        rate,
        ..NumberConfig::default()
    };
    gateway.add_number(&number).await;
    let draft = json!({
        "waba_id": number.waba_id, "name": NAME, "language": "en_US", "category": "MARKETING",
        "components": [
            { "type": "BODY", "text": "Hi {{1}}, take {{2}} off.", "example": { "body_text": [["Ana", "5%"]] } },
            { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Show me" }] },
        ],
    });
    let (status, made) = gateway.post("/v1/templates", None, &draft).await;
    assert_eq!(status, 201, "{made}");
    let id = made["template_id"].as_str().unwrap();
    until("the template is approved", || async {
        let (_, shown) = gateway.get(&format!("/v1/templates/{id}")).await;
        (shown["status"] == "APPROVED").then_some(())
    })
    .await;
    gateway
}

fn phone(n: u32) -> String {
    format!("62812345{n:05}")
}

fn definition(audience: &Value, second: &Value) -> Value {
    json!({
        "name": "Spring", "numbers": [NumberConfig::default().phone_number_id],
        "audience": audience,
        "template": { "name": NAME, "language": { "code": "en_US" }, "components": [
            { "type": "body", "parameters": [
                { "type": "text", "text": { "from": "name", "fallback": "friend" } },
                { "type": "text", "text": second },
            ] },
        ] },
    })
}

/// A list with so many contacts.
async fn list_of(gateway: &TestGateway, count: u32) -> String {
    let (status, list) = gateway.post("/v1/lists", None, &json!({ "name": "all" })).await;
    assert_eq!(status, 201, "{list}");
    let list = list["list_id"].as_str().unwrap().to_owned();
    let rows: Vec<String> = (0..count).map(|n| format!("+{},Ana {n}\n", phone(n))).collect();
    let request = gateway
        .client
        .post(format!("{}/v1/imports?name=all.csv", gateway.base))
        .bearer_auth(&gateway.key)
        .body(format!("phone,name\n{}", rows.concat()));
    let uploaded: Value = request.send().await.unwrap().json().await.unwrap();
    let path = format!("/v1/imports/{}", uploaded["import_id"].as_str().unwrap());
    let start = json!({ "mapping": { "phone": "phone", "name": "name" }, "lists": [list] });
    let (status, answer) = gateway.post(&format!("{path}/start"), None, &start).await;
    assert_eq!(status, 202, "{answer}");
    until("the contacts are there", || async {
        let (_, import) = gateway.get(&path).await;
        (import["state"] == "done").then_some(())
    })
    .await;
    list
}

async fn made(gateway: &TestGateway, definition: &Value) -> String {
    let (status, answer) = gateway.post("/v1/broadcasts", None, definition).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["broadcast"]["state"], "draft");
    let id = answer["broadcast"]["broadcast_id"].as_str().unwrap();
    format!("/v1/broadcasts/{id}")
}

async fn shown(gateway: &TestGateway, path: &str) -> Value {
    let (status, answer) = gateway.get(path).await;
    assert_eq!(status, 200, "{answer}");
    answer["broadcast"].clone()
}

async fn until_state(gateway: &TestGateway, path: &str, wanted: &str) -> Value {
    until(&format!("the broadcast is {wanted}"), || async {
        let shown = shown(gateway, path).await;
        (shown["state"] == wanted).then_some(shown)
    })
    .await
}

async fn planned(gateway: &TestGateway, path: &str) -> Value {
    let (status, answer) = gateway.post(&format!("{path}/plan"), None, &json!({})).await;
    assert_eq!(status, 202, "{answer}");
    until_state(gateway, path, "ready").await
}

async fn launched(gateway: &TestGateway, path: &str) -> Value {
    let ready = shown(gateway, path).await;
    let launch = json!({ "version": ready["version"], "recipients": ready["plan"]["recipients"] });
    let (status, answer) = gateway.post(&format!("{path}/launch"), None, &launch).await;
    assert_eq!(status, 202, "{answer}");
    answer["broadcast"].clone()
}

fn sends(gateway: &TestGateway, to: &str) -> usize {
    let query = SendQuery {
        to: Some(to.to_owned()),
        ..SendQuery::default()
    };
    gateway.meta.sends(&query).len()
}

async fn recipients(gateway: &TestGateway, path: &str, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = gateway
            .get(&format!("{path}/recipients?limit=7&cursor={cursor}{query}"))
            .await;
        assert_eq!(status, 200, "{page}");
        all.extend(page["recipients"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
    }
}

async fn a_list_is_sent_to_once_and_enters_the_inbox_when_it_answers(kept: Kept) {
    let gateway = started(kept, 200).await;
    let list = list_of(&gateway, 30).await;
    let path = made(
        &gateway,
        &definition(&json!({ "type": "list", "list_id": list }), &json!("5%")),
    )
    .await;
    let ready = planned(&gateway, &path).await;
    assert_eq!(
        (&ready["plan"]["total"], &ready["plan"]["recipients"]),
        (&json!(30), &json!(30))
    );
    let (_, page) = gateway
        .get(&format!("{path}/recipients?outcome=planned&filled=true&limit=1"))
        .await;
    let first = &page["recipients"][0];
    let name = first["name"].as_str().unwrap();
    let says = first["template"]["components"][0]["parameters"].clone();
    assert_eq!((&says[0]["text"], &says[1]["text"]), (&json!(name), &json!("5%")));
    assert!(first["phone"].as_str().unwrap().starts_with("62"), "{first}");
    let before = gateway.events().await.len();
    launched(&gateway, &path).await;
    until_state(&gateway, &path, "done").await;
    // Statuses come after the end, too.
    let done = until("all read it", || async {
        let shown = shown(&gateway, &path).await;
        (shown["counts"]["outcomes"]["read"] == 30).then_some(shown)
    })
    .await;
    assert_eq!(done["counts"]["submitted"], 30);
    for n in 0..30 {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}");
    }
    let (_, all) = gateway.get("/v1/broadcasts").await;
    assert_eq!(all["broadcasts"][0]["counts"]["outcomes"]["read"], 30, "{all}");
    let reached = until("what filled it stands in the messages alone", || async {
        let reached = recipients(&gateway, &path, "&filled=true").await;
        let is_kept = reached.iter().any(|one| one["template"].is_object());
        (!is_kept).then_some(reached)
    })
    .await;
    assert_eq!(reached.len(), 30);
    assert!(reached.iter().all(|one| one["outcome"] == "read"), "{reached:?}");
    assert_eq!(
        recipients(&gateway, &path, "&outcome=failed").await,
        Vec::<Value>::new()
    );
    // Nobody's inbox and nobody's socket was told of each.
    let (_, inbox) = gateway.get("/v1/conversations").await;
    assert_eq!(inbox["conversations"], json!([]));
    let told = gateway.events().await.split_off(before);
    assert!(told.iter().all(|event| event["kind"] == "broadcast"), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!(last["data"]["counts"]["submitted"], 30);
    // Who answers enters it, with what was sent above.
    gateway.meta.say_text(&phone(3), "tell me more").unwrap();
    gateway.in_history("tell me more").await;
    let (_, inbox) = gateway.get("/v1/conversations").await;
    assert_eq!(inbox["conversations"].as_array().unwrap().len(), 1, "{inbox}");
    let history = gateway.history().await;
    assert_eq!(history.len(), 2, "{history:?}");
    assert_eq!(
        history[1]["content"]["template"]["components"][0]["parameters"][0]["text"],
        "Ana 3"
    );
    until("the answer is counted", || async {
        let shown = shown(&gateway, &path).await;
        (shown["counts"]["reactions"]["replied"] == 1).then_some(())
    })
    .await;
    let csv = gateway
        .client
        .get(format!("{}{path}/export", gateway.base))
        .bearer_auth(&gateway.key);
    let csv = csv.send().await.unwrap().text().await.unwrap();
    assert_eq!(csv.lines().count(), 31, "{csv}");
    assert!(csv.contains(&format!(",{},Ana 3,read,", phone(3))), "{csv}");
    gateway.stop().await;
}

async fn who_stops_after_the_plan_is_not_sent_to(kept: Kept) {
    let gateway = started(kept, 200).await;
    let list = list_of(&gateway, 5).await;
    gateway.meta.say_text(&phone(0), "stop").unwrap();
    gateway.in_history("stop").await;
    let path = made(
        &gateway,
        &definition(&json!({ "type": "list", "list_id": list }), &json!("5%")),
    )
    .await;
    let ready = planned(&gateway, &path).await;
    assert_eq!(ready["plan"]["suppressed"], json!({ "opted_out": 1 }), "{ready}");
    gateway.meta.say_text(&phone(1), "stop").unwrap();
    until("both stopped", || async {
        let said = gateway.history().await;
        let stops = said.iter().filter(|one| one["content"]["text"]["body"] == "stop");
        (stops.count() == 2).then_some(())
    })
    .await;
    // What is on the list since then is not in the plan.
    let launch = json!({ "version": ready["version"], "recipients": 5 });
    let (status, answer) = gateway.post(&format!("{path}/launch"), None, &launch).await;
    assert_eq!(
        (
            status,
            answer["error"]["code"].as_str(),
            &answer["error"]["recipients"]
        ),
        (409, Some("count_differs"), &json!(4))
    );
    launched(&gateway, &path).await;
    let done = until_state(&gateway, &path, "done").await;
    assert_eq!(done["counts"]["suppressed"], json!({ "opted_out": 1 }), "{done}");
    assert_eq!((sends(&gateway, &phone(0)), sends(&gateway, &phone(1))), (0, 0));
    assert_eq!((2..5).map(|n| sends(&gateway, &phone(n))).sum::<usize>(), 3);
    let told = recipients(&gateway, &path, "&outcome=suppressed").await;
    assert!(told.iter().all(|one| one["reason"] == "opted_out"), "{told:?}");
    assert_eq!(told.len(), 2);
    gateway.stop().await;
}

async fn a_pause_holds_what_waits_over_a_restart_and_a_cancel_takes_it_back(kept: Kept) {
    let gateway = started(kept, 10).await;
    let list = list_of(&gateway, 60).await;
    let path = made(
        &gateway,
        &definition(&json!({ "type": "list", "list_id": list }), &json!("5%")),
    )
    .await;
    planned(&gateway, &path).await;
    launched(&gateway, &path).await;
    let all = || gateway.meta.sends(&SendQuery::default()).len();
    until("some are sent", || async { (all() >= 3).then_some(()) }).await;
    let (status, paused) = gateway.post(&format!("{path}/pause"), None, &json!({})).await;
    assert_eq!((status, &paused["broadcast"]["state"]), (200, &json!("paused")));
    let before = all();
    let (status, error) = gateway.ask(Method::DELETE, &path, &json!({})).await;
    assert_eq!(
        (status, error["error"]["code"].as_str()),
        (409, Some("broadcast_state"))
    );
    // Whoever ends in order waits for the calls that were claimed before the pause.
    let gateway = gateway.restart().await;
    let all = || gateway.meta.sends(&SendQuery::default()).len();
    let held = all();
    assert!(held <= before + 3, "{held} were sent, {before} before the pause");
    // An agent's reply goes out meanwhile, and with it all that would have gone before.
    gateway.customer_says("hello").await;
    let reply = gateway.send_text("at once").await;
    gateway.until_state(&reply, "read").await;
    assert_eq!(all(), held + 1);
    let waits = shown(&gateway, &path).await;
    assert!(
        waits["counts"]["outcomes"]["queued"].as_u64().unwrap() > 0,
        "{waits}"
    );
    let (status, resumed) = gateway.post(&format!("{path}/resume"), None, &json!({})).await;
    assert_eq!((status, &resumed["broadcast"]["state"]), (200, &json!("running")));
    until("it goes on", || async { (all() > held + 4).then_some(()) }).await;
    let (status, _) = gateway.post(&format!("{path}/cancel"), None, &json!({})).await;
    assert_eq!(status, 200);
    let ended = until("nothing waits any more", || async {
        let shown = shown(&gateway, &path).await;
        let outcomes = &shown["counts"]["outcomes"];
        let settled = outcomes["read"].as_u64()? + outcomes["cancelled"].as_u64()?;
        (outcomes["queued"] == 0 && settled == shown["counts"]["messages"].as_u64()?).then_some(shown)
    })
    .await;
    assert!(
        ended["counts"]["outcomes"]["cancelled"].as_u64().unwrap() > 0,
        "{ended}"
    );
    assert_eq!(
        ended["counts"]["outcomes"]["read"].as_u64().unwrap() + 1,
        u64::try_from(all()).unwrap()
    );
    for n in 0..60 {
        assert!(sends(&gateway, &phone(n)) <= 1, "recipient {n}");
    }
    let told = recipients(&gateway, &path, "").await;
    assert_eq!(told.len(), 60);
    assert!(
        told.iter()
            .all(|one| one["outcome"] == "read" || one["outcome"] == "cancelled"),
        "{told:?}"
    );
    let (status, _) = gateway.ask(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, 200);
    let (status, _) = gateway.get(&path).await;
    assert_eq!(status, 404);
    gateway.stop().await;
}

async fn two_who_launch_at_once_launch_once(kept: Kept) {
    let gateway = started(kept, 200).await;
    let list = list_of(&gateway, 8).await;
    let path = made(
        &gateway,
        &definition(&json!({ "type": "list", "list_id": list }), &json!("5%")),
    )
    .await;
    let draft = shown(&gateway, &path).await;
    let launch = |version: &Value| json!({ "version": version });
    let (status, error) = gateway
        .post(&format!("{path}/launch"), None, &launch(&draft["version"]))
        .await;
    assert_eq!(
        (status, error["error"]["state"].as_str()),
        (409, Some("draft")),
        "{error}"
    );
    let ready = planned(&gateway, &path).await;
    let (status, error) = gateway
        .post(&format!("{path}/launch"), None, &launch(&draft["version"]))
        .await;
    assert_eq!(
        (status, error["error"]["code"].as_str()),
        (409, Some("broadcast_changed"))
    );
    let (at, body) = (format!("{path}/launch"), launch(&ready["version"]));
    let (one, other) = tokio::join!(gateway.post(&at, None, &body), gateway.post(&at, None, &body));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "{one:?} {other:?}");
    until_state(&gateway, &path, "done").await;
    for n in 0..8 {
        assert_eq!(sends(&gateway, &phone(n)), 1, "recipient {n}");
    }
    gateway.stop().await;
}

async fn one_with_a_time_begins_then_and_not_before(kept: Kept) {
    let gateway = started(kept, 200).await;
    let list = list_of(&gateway, 3).await;
    gateway.customer_says("hello").await;
    let (_, inbox) = gateway.get("/v1/conversations").await;
    let now = inbox["conversations"][0]["last_activity"].as_i64().unwrap();
    let mut late = definition(&json!({ "type": "list", "list_id": list }), &json!("5%"));
    late["at"] = json!(now + 3_600_000);
    let path = made(&gateway, &late).await;
    let ready = planned(&gateway, &path).await;
    assert_eq!(
        ready["not_after"],
        json!(now + 7_200_000),
        "an hour later where nothing is said"
    );
    let scheduled = launched(&gateway, &path).await;
    assert_eq!(scheduled["state"], "scheduled");
    let (status, error) = gateway.ask(Method::PUT, &path, &late).await;
    assert_eq!(status, 400, "without a version: {error}");
    late["version"] = scheduled["version"].clone();
    let (status, error) = gateway.ask(Method::PUT, &path, &late).await;
    assert_eq!(
        (status, error["error"]["state"].as_str()),
        (409, Some("scheduled"))
    );
    // It is called off, and another one begins soon.
    let (status, _) = gateway.post(&format!("{path}/cancel"), None, &json!({})).await;
    assert_eq!(status, 200);
    let mut soon = definition(&json!({ "type": "list", "list_id": list }), &json!("5%"));
    soon["at"] = json!(now + 6_000);
    let path = made(&gateway, &soon).await;
    planned(&gateway, &path).await;
    launched(&gateway, &path).await;
    until_state(&gateway, &path, "done").await;
    let query = SendQuery {
        to: Some(phone(1)),
        ..SendQuery::default()
    };
    let sent = gateway.meta.sends(&query);
    assert_eq!(sent.len(), 1, "by the second alone");
    assert!(sent[0].accepted_at_ms >= now + 6_000, "not before its time");
    assert_eq!(sends(&gateway, CUSTOMER), 0, "who is not on the list");
    gateway.stop().await;
}
