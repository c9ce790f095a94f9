//! The real binary: its logs, and its end.

use std::process::Stdio;
use std::time::Duration;

use mesej_simulator::SimulatorConfig;
use mesej_simulator::control::WebhookTarget;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::gateway::{ADMIN, PATIENCE, settings, text_to, until};
use crate::kept::{Kept, on_every_store};

/// Words and names that must never be logged.
const SECRETS: [&str; 5] = [
    "628777000111",
    "canary-in-the-text",
    "Canary Customer",
    "simulated-access-token",
    "wamid.",
];

on_every_store! {
    logs_hold_no_personal_data_at_any_level_and_sigterm_ends_the_process_in_order,
}

async fn logs_hold_no_personal_data_at_any_level_and_sigterm_ends_the_process_in_order(kept: Kept) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let meta = mesej_simulator::start(SimulatorConfig::default()).await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = format!("127.0.0.1:{port}");
    let log = kept.folder().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_mesej"))
        .arg("serve")
        .envs(settings(&kept, &listen, &meta.url()))
        .env("MESEJ_TELEMETRY__LOG_LEVEL", "trace")
        .stdout(Stdio::null())
        .stderr(Stdio::from(file))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let client = client.build().unwrap();
    let base = format!("http://{listen}");
    until("the process is ready", || async {
        client
            .get(format!("{base}/readyz"))
            .send()
            .await
            .ok()?
            .status()
            .is_success()
            .then_some(())
    })
    .await;
    let admin = |path: String, body: Value| {
        let request = client
            .post(format!("{base}{path}"))
            .bearer_auth(ADMIN)
            .json(&body);
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    let tenant = admin("/v1/admin/tenants".into(), json!({ "name": "Toko" })).await;
    let tenant = tenant["tenant_id"].as_str().unwrap().to_owned();
    let number = mesej_simulator::NumberConfig::default();
    let body = json!({
        "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
        "display_phone_number": number.display_phone_number, "access_token": "simulated-access-token", "rate": 80,
    });
    admin(format!("/v1/admin/tenants/{tenant}/numbers"), body).await;
    let key = admin(
        format!("/v1/admin/tenants/{tenant}/keys"),
        json!({ "name": "k", "scopes": ["send", "read"] }),
    )
    .await;
    let key = key["key"].as_str().unwrap().to_owned();
    let url = Some(format!("{base}/webhooks/whatsapp"));
    meta.set_webhook(&WebhookTarget {
        url,
        ..WebhookTarget::default()
    })
    .await
    .unwrap();
    let customer = mesej_simulator::CustomerSpec {
        phone: Some("628777000111".to_owned()),
        name: Some("Canary Customer".to_owned()),
        ..Default::default()
    };
    meta.customer(&customer).unwrap();
    meta.say_text("628777000111", "canary-in-the-text from the customer")
        .unwrap();
    let sent = until("the reply is accepted", || async {
        let request = client.post(format!("{base}/v1/messages")).bearer_auth(&key);
        let answer = request
            .json(&text_to("628777000111", "canary-in-the-text from us"))
            .send()
            .await
            .ok()?;
        (answer.status() == 202).then_some(())
    })
    .await;
    let () = sent;
    until("the reply arrived", || async {
        meta.sends(&mesej_simulator::control::SendQuery::default())
            .iter()
            .any(|send| send.status.as_deref() == Some("read"))
            .then_some(())
    })
    .await;
    meta.quiesce(Duration::from_secs(10)).await;
    let pid = process.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    let ended = tokio::time::timeout(Duration::from_secs(25), process.wait()).await;
    assert!(
        matches!(&ended, Ok(Ok(status)) if status.success()),
        "it ends in order within 25 seconds: {ended:?}"
    );
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().count() > 3, "the log says something");
    for line in text.lines() {
        assert!(
            serde_json::from_str::<Value>(line).is_ok(),
            "every line is JSON: {line}"
        );
    }
    for secret in SECRETS {
        assert!(!text.contains(secret), "the log holds {secret}");
    }
    meta.stop().await;
}
