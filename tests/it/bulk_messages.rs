//! Many messages in one request, while the gateway dies and comes back.

use std::collections::{BTreeMap, BTreeSet};

use mesej_simulator::NumberConfig;
use mesej_simulator::control::SendQuery;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{ADMIN, PATIENCE, Setup, TestGateway, settings, until};
use crate::kept::{Kept, on_every_store};
use crate::process::{free_port, mesej};

on_every_store! {
    a_gateway_killed_in_the_middle_loses_no_accepted_line_and_repeating_sends_nobody_twice,
    what_is_scheduled_in_bulk_is_listed_taken_back_and_sent_at_its_time,
}

fn template(key: &str, to: &str) -> Value {
    json!({
        "idempotency_key": key, "to": to, "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } }, "category": "utility",
    })
}

fn body(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    lines.concat()
}

fn post(client: &reqwest::Client, base: &str, key: &str, lines: &[Value]) -> reqwest::RequestBuilder {
    client
        .post(format!("{base}/v1/messages"))
        .bearer_auth(key)
        .header("Content-Type", "application/x-ndjson")
        .body(body(lines))
}

/// Lines of an answer that are whole.
fn whole(text: &str) -> Vec<Value> {
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    text[..end]
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The gateway as a process of its own, which may be killed.
async fn spawn(kept: &Kept, meta: &str) -> (tokio::process::Child, String) {
    let port = free_port();
    let mut command = mesej(&["serve"]);
    for (name, value) in settings(kept, &format!("127.0.0.1:{port}"), meta) {
        command.env(name, value);
    }
    command
        .env("MESEJ_LIMITS__KEY_REQUESTS_PER_S", "100000")
        .env("MESEJ_LIMITS__KEY_BURST", "100000")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let child = command.spawn().unwrap();
    let base = format!("http://127.0.0.1:{port}");
    until("it is ready", || async {
        let answer = reqwest::get(format!("{base}/readyz")).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    (child, base)
}

async fn call(client: &reqwest::Client, method: Method, url: &str, token: &str, body: &Value) -> Value {
    let request = client.request(method, url).bearer_auth(token).json(body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{url} answered {}", answer.status());
    answer.json().await.unwrap()
}

async fn a_gateway_killed_in_the_middle_loses_no_accepted_line_and_repeating_sends_nobody_twice(kept: Kept) {
    const MANY: usize = 1_500;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = Setup::default().simulator;
    for number in &mut config.numbers {
        number.rate = 500;
    }
    let meta = mesej_simulator::start(config).await.unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let (mut child, base) = spawn(&kept, &meta.url()).await;
    let tenants = format!("{base}/v1/admin/tenants");
    let tenant = call(&client, Method::POST, &tenants, ADMIN, &json!({ "name": "Toko" })).await;
    let at = format!("{tenants}/{}", tenant["tenant_id"].as_str().unwrap());
    let number = NumberConfig::default();
    let number = json!({
        "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
        "display_phone_number": number.display_phone_number, "access_token": "simulated-access-token", "rate": 500,
    });
    call(&client, Method::POST, &format!("{at}/numbers"), ADMIN, &number).await;
    let key = json!({ "name": "test", "scopes": ["send", "read"] });
    let key = call(&client, Method::POST, &format!("{at}/keys"), ADMIN, &key).await;
    let key = key["key"].as_str().unwrap();
    let lines: Vec<Value> = (0..MANY)
        .map(|n| template(&format!("k{n}"), &format!("62811{n:07}")))
        .collect();

    let mut answer = post(&client, &base, key, &lines).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let mut text = String::new();
    while text.lines().count() < 300 {
        let piece = answer.chunk().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    // What was on its way when it died was told, too.
    while let Ok(Some(piece)) = answer.chunk().await {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let told = whole(&text);
    assert!(
        (300..MANY).contains(&told.len()),
        "it died in the middle: {}",
        told.len()
    );

    let (mut child, base) = spawn(&kept, &meta.url()).await;
    let again = post(&client, &base, key, &lines).send().await.unwrap();
    let again = whole(&again.text().await.unwrap());
    assert_eq!(again.len(), MANY, "each line is answered");
    for (n, line) in again.iter().enumerate() {
        assert_eq!(line["line"], n + 1);
        assert!(line.get("message").is_some(), "{line}");
    }
    for (before, now) in told.iter().zip(&again) {
        assert_eq!(before["message"], now["message"], "what was told is durable");
        assert_eq!(now["replayed"], true);
    }
    let ids: BTreeSet<&str> = again
        .iter()
        .map(|line| line["message"]["message_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), MANY);
    let sends = until("each was sent, or its outcome is unknown", || async {
        let mut left = 0;
        let all = SendQuery {
            limit: Some(10_000),
            ..SendQuery::default()
        };
        let sends = meta.sends(&all);
        let reached: BTreeSet<&str> = sends.iter().map(|send| send.to.as_str()).collect();
        for (n, line) in again.iter().enumerate() {
            if reached.contains(format!("62811{n:07}").as_str()) {
                continue;
            }
            let id = line["message"]["message_id"].as_str().unwrap();
            let shown = format!("{base}/v1/messages/{id}");
            let shown = call(&client, Method::GET, &shown, key, &Value::Null).await;
            left += usize::from(shown["delivery"]["state"] != "unknown");
            if left > 0 {
                return None;
            }
        }
        Some(sends)
    })
    .await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for send in sends {
        *counts.entry(send.to).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "somebody got it twice");
    child.start_kill().unwrap();
    child.wait().await.unwrap();
    meta.stop().await;
}

async fn what_is_scheduled_in_bulk_is_listed_taken_back_and_sent_at_its_time(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let said = gateway.customer_says("hello").await;
    let now = said["created"].as_i64().unwrap();
    let lines: Vec<Value> = [("soon", 3_000), ("late", 600_000), ("never", 600_000)]
        .into_iter()
        .map(|(key, after)| {
            let mut line = template(key, &format!("62811{after:07}{}", key.len()));
            line["send_at"] = json!(now + after);
            line
        })
        .collect();
    let sent = post(&gateway.client, &gateway.base, &gateway.key, &lines)
        .send()
        .await
        .unwrap();
    let sent = whole(&sent.text().await.unwrap());
    let ids: Vec<&str> = sent
        .iter()
        .map(|line| line["message"]["message_id"].as_str().unwrap())
        .collect();
    let gone = format!("/v1/messages/{}", ids[2]);
    let (status, _) = gateway.ask(Method::DELETE, &gone, &json!({})).await;
    assert_eq!(status, 200);
    let gateway = gateway.restart().await;
    gateway.until_state(ids[0], "read").await;
    let (_, listed) = gateway.get("/v1/messages/scheduled").await;
    let listed: Vec<&str> = listed["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [ids[1]]);
    let sends = gateway.meta.sends(&SendQuery::default());
    assert_eq!(sends.len(), 1, "what is later or taken back was not sent");
    gateway.stop().await;
}
