//! The simulator as its neighbours meet it: through HTTP.

mod blocking;
mod chatting;
mod dirt;
mod faults;
mod receiver;
mod reporting;
mod sending;
mod webhooks;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use receiver::Receiver;

const NUMBER: &str = "106540352242922";
const CUSTOMER: &str = "+6281234567890";

/// Statuses without waiting.
fn quick() -> SimulatorConfig {
    SimulatorConfig {
        statuses: StatusConfig {
            sent: Millis::none(),
            delivered: Millis::none(),
            read: Millis::none(),
            held: Millis::none(),
            chat_open: 0.0,
        },
        thinking: Millis::none(),
        ..SimulatorConfig::default()
    }
}

/// A simulator with a receiver behind it.
struct Rig {
    simulator: Simulator,
    receiver: Receiver,
    client: reqwest::Client,
}

impl Rig {
    async fn start(config: SimulatorConfig) -> Self {
        let receiver = Receiver::start();
        let simulator = start(SimulatorConfig {
            webhook_url: Some(receiver.url.clone()),
            ..config
        })
        .await
        .unwrap();
        Self {
            simulator,
            receiver,
            client: client(),
        }
    }

    /// Posts to the first number's messages and returns status and body.
    async fn post(&self, body: &Value) -> (u16, Value) {
        self.post_to(&format!("v25.0/{NUMBER}/messages"), body).await
    }

    async fn post_to(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self
            .client
            .post(format!("{}/{path}", self.simulator.url()))
            .bearer_auth("simulated-access-token")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self
            .client
            .get(format!("{}/{path}", self.simulator.url()))
            .bearer_auth("simulated-access-token")
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn send_text(&self, to: &str, body: &str, token: &str) -> (u16, Value) {
        self.post(&json!({
            "messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body},
            "biz_opaque_callback_data": token
        }))
        .await
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

fn code(answer: &Value) -> u64 {
    answer["error"]["code"].as_u64().unwrap_or(0)
}
