//! A customer who is erased: nothing of them is in any answer, whatever is killed meanwhile, and they may come again.

use std::process::Stdio;

use mesej_simulator::control::Say;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::gateway::{ADMIN, CUSTOMER, PATIENCE, TestGateway, settings, text_to, until};
use crate::kept::{Kept, on_every_store};
use crate::process::{MESEJ, free_port, kept as quiet};

on_every_store! {
    nothing_of_an_erased_customer_is_in_any_answer_and_nothing_is_sold_to_them,
    an_erasure_that_is_killed_ends_after_the_restart,
}

/// A picture that the simulator makes when it is fetched.
const PICTURE: &str = "7000000000000000";
const SECRET: &str = "my address is 1 Jalan Mawar";

async fn nothing_of_an_erased_customer_is_in_any_answer_and_nothing_is_sold_to_them(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says(SECRET).await;
    let image = json!({ "type": "image", "image": { "id": PICTURE, "mime_type": "image/png" } });
    let said = Say {
        from: CUSTOMER.to_owned(),
        message: image.as_object().cloned(),
        ..Say::default()
    };
    gateway.meta.say(&said).unwrap();
    let picture = until("the file is there", || async {
        let all = gateway.history().await;
        all.into_iter()
            .find(|message| message["media"]["state"] == "stored")
    })
    .await;
    let (_, list) = gateway.get("/v1/contacts").await;
    let contact = list["contacts"][0]["id"].as_str().unwrap().to_owned();
    let (_, inbox) = gateway.get("/v1/conversations").await;
    let talk = inbox["conversations"][0]["id"].as_str().unwrap().to_owned();
    let mut later = text_to(CUSTOMER, "in an hour");
    later["send_at"] = json!(inbox["conversations"][0]["last_activity"].as_i64().unwrap() + 3_600_000);
    let (status, later) = gateway.post("/v1/messages", None, &later).await;
    assert_eq!(status, 202, "{later}");
    let note = json!({ "text": "lives in Jalan Mawar" });
    let path = format!("/v1/contacts/{contact}");
    let (status, _) = gateway.post(&format!("{path}/notes"), None, &note).await;
    assert_eq!(status, 201);
    let (status, erased) = gateway.ask(Method::DELETE, &path, &json!({})).await;
    assert!(matches!(status, 200 | 202), "{status} {erased}");
    until("it is erased", || async {
        let (status, _) = gateway.ask(Method::DELETE, &path, &json!({})).await;
        (status == 404).then_some(())
    })
    .await;
    let media = picture["media"]["media_id"].as_str().unwrap();
    for gone in [
        path.clone(),
        format!("{path}/notes"),
        format!("/v1/conversations/{talk}"),
        format!("/v1/conversations/{talk}/messages"),
        format!("/v1/messages/{}", later["message_id"].as_str().unwrap()),
        format!("/v1/media/{media}"),
    ] {
        let (status, answer) = gateway.get(&gone).await;
        assert_eq!(status, 404, "{gone}: {answer}");
    }
    for path in [
        "/v1/contacts".to_owned(),
        format!("/v1/contacts?search={CUSTOMER}"),
        "/v1/conversations".to_owned(),
        "/v1/contacts/duplicates".to_owned(),
    ] {
        let (_, answer) = gateway.get(&path).await;
        assert!(!answer.to_string().contains(CUSTOMER), "{path}: {answer}");
        assert!(!answer.to_string().contains("Mawar"), "{path}: {answer}");
    }
    let export = format!("{}/v1/contacts/export?format=ndjson", gateway.base);
    let export = gateway.client.get(export).bearer_auth(&gateway.key);
    assert_eq!(export.send().await.unwrap().text().await.unwrap(), "");
    let events = gateway.events().await;
    assert_eq!(events.last().unwrap()["kind"], "erased");
    let told = Value::from(events).to_string();
    for word in [CUSTOMER, "Mawar", "in an hour"] {
        assert!(!told.contains(word), "{word} is in the log");
    }
    // They come again, as somebody new to whom nothing is sold.
    gateway.customer_says("hello again").await;
    let (_, list) = gateway.get("/v1/contacts").await;
    assert_eq!(list["contacts"][0]["opted_out_by"], "business", "{list}");
    let history = gateway.history().await;
    assert_eq!(history.len(), 1, "{history:?}");
    gateway.stop().await;
}

/// The gateway as a process that dies at a place.
async fn process(kept: &Kept, dies_at: Option<&str>) -> (Child, String) {
    let listen = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(MESEJ);
    command
        .arg("serve")
        .envs(settings(kept, &listen, "http://127.0.0.1:9"));
    let mut command = quiet(command);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(place) = dies_at {
        command.env("MESEJ_CRASH_AT", place);
    }
    let child = command.spawn().unwrap();
    let base = format!("http://{listen}");
    let client = client();
    until("it is ready", || async {
        let answer = client.get(format!("{base}/readyz")).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    (child, base)
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    client.build().unwrap()
}

async fn asked(method: Method, base: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let request = client()
        .request(method, format!("{base}{path}"))
        .bearer_auth(token)
        .json(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn an_erasure_that_is_killed_ends_after_the_restart(kept: Kept) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut key = String::new();
    for (round, place) in ["erasure_listed", "mid_erasure", "after_erasure"]
        .into_iter()
        .enumerate()
    {
        let (mut child, base) = process(&kept, Some(place)).await;
        if round == 0 {
            let body = json!({ "name": "Toko" });
            let (_, tenant) = asked(Method::POST, &base, "/v1/admin/tenants", ADMIN, &body).await;
            let keys = format!("/v1/admin/tenants/{}/keys", tenant["tenant_id"].as_str().unwrap());
            let body = json!({ "name": "test", "scopes": ["send", "read"] });
            let (_, made) = asked(Method::POST, &base, &keys, ADMIN, &body).await;
            made["key"].as_str().unwrap().clone_into(&mut key);
        }
        let mut ids = Vec::new();
        for phone in ["628120002001", "628120002002"] {
            let body = json!({ "phone": phone });
            let (status, made) = asked(Method::POST, &base, "/v1/contacts", &key, &body).await;
            assert_eq!(status, 201, "{place}: {made}");
            let id = made["id"].as_str().unwrap().to_owned();
            let notes = format!("/v1/contacts/{id}/notes");
            // Those of an earlier round are gone, although it is the same phone and so the same id.
            let (_, before) = asked(Method::GET, &base, &notes, &key, &json!({})).await;
            assert_eq!(before["notes"], json!([]), "{place}");
            let (status, _) = asked(Method::POST, &base, &notes, &key, &json!({ "text": "x" })).await;
            assert_eq!(status, 201);
            ids.push(id);
        }
        let path = format!("/v1/contacts/{}", ids[0]);
        let body = json!({ "other": ids[1] });
        let (status, merged) = asked(Method::POST, &base, &format!("{path}/merge"), &key, &body).await;
        assert_eq!(status, 200, "{merged}");
        let delete = client().delete(format!("{base}{path}")).bearer_auth(&key).send();
        let answer = delete.await;
        assert!(answer.is_err(), "{place}: {answer:?}");
        let died = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap();
        assert!(!died.unwrap().success(), "{place}");
        let (mut child, base) = process(&kept, None).await;
        until("it is erased", || async {
            let (status, _) = asked(Method::DELETE, &base, &path, &key, &json!({})).await;
            (status == 404).then_some(())
        })
        .await;
        let (_, list) = asked(Method::GET, &base, "/v1/contacts", &key, &json!({})).await;
        assert_eq!(list["contacts"], json!([]), "{place}");
        child.kill().await.unwrap();
    }
}
