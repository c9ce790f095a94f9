//! Asking the gateway while its store is away: what it answers, and whether it says when to come back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::hmac;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Submitted, Tenant};
use crate::rig::{Rig, SECRET};

/// A webhook that holds nothing: taken like any other, and done at once.
const NOTHING: &str = r#"{"object":"whatsapp_business_account","entry":[]}"#;

/// Somebody who asks.
pub(super) struct Probe {
    gateway: Gateway,
    tenant: Tenant,
    signature: String,
    asked: AtomicU64,
    run: u64,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Webhook,
    Send,
}

/// How a probe was answered.
#[derive(Debug)]
pub(super) struct Answer {
    asked: Asked,
    status: u16,
    code: String,
    retry_after: bool,
}

impl Answer {
    /// Whether the gateway took it.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.status, 200 | 202)
    }

    fn none(asked: Asked) -> Self {
        Self {
            asked,
            status: 0,
            code: "no_answer".to_owned(),
            retry_after: false,
        }
    }
}

impl Probe {
    /// Asks a rig's gateway.
    pub(super) fn new(rig: &Rig) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag = hmac::sign(&key, NOTHING.as_bytes());
        let mut signature = "sha256=".to_owned();
        for byte in tag.as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(signature, "{byte:02x}");
        }
        Self {
            gateway: rig.gateway.clone(),
            tenant: rig.tenant.clone(),
            signature,
            asked: AtomicU64::new(0),
            run: fastrand::u64(..),
        }
    }

    /// Posts a webhook.
    pub(super) async fn webhook(&self) -> Answer {
        let request = self.gateway.client().post(self.gateway.url("/webhooks/whatsapp"));
        let request = request
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", &self.signature)
            .body(NOTHING);
        let Ok(answer) = request.send().await else {
            return Answer::none(Asked::Webhook);
        };
        let status = answer.status().as_u16();
        let retry_after = answer.headers().contains_key("Retry-After");
        let body: Value = answer.json().await.unwrap_or_default();
        Answer {
            asked: Asked::Webhook,
            status,
            code: code(&body),
            retry_after,
        }
    }

    /// Submits a message.
    pub(super) async fn send(&self) -> Answer {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let key = format!("probe-{:x}-{number}", self.run);
        // To somebody who wrote before, so that nothing but the store can be the reason for a refusal.
        let message = json!({
            "to": format!("+62811{:07}", number % 500), "type": "text", "text": { "body": format!("{key} are you there?") },
            "on_unknown": "never_duplicate",
        });
        match self.gateway.submit(&self.tenant, &key, &message).await {
            Submitted::Accepted { .. } => Answer {
                asked: Asked::Send,
                status: 202,
                code: String::new(),
                retry_after: false,
            },
            Submitted::Refused {
                status,
                code,
                retry_after,
            } => Answer {
                asked: Asked::Send,
                status,
                code,
                retry_after,
            },
            Submitted::NoAnswer => Answer::none(Asked::Send),
        }
    }
}

fn code(body: &Value) -> String {
    let code = body.pointer("/error/code").and_then(Value::as_str);
    code.unwrap_or_default().to_owned()
}

/// What an outage's probes were answered, as `status code`, and how often.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub(super) webhooks: BTreeMap<String, u64>,
    pub(super) sends: BTreeMap<String, u64>,
    /// Answers that broke the promise: something else than 503 (for sends also 429), or one without a time to come back.
    pub(super) wrong: u64,
}

impl Refusals {
    /// Counts answers.
    pub(super) fn of(answers: Vec<Answer>) -> Self {
        let mut refusals = Self::default();
        for answer in answers {
            let (counts, is_refusal) = match answer.asked {
                Asked::Webhook => (&mut refusals.webhooks, answer.status == 503),
                // Who tries again as often as the load does may be told that it is too often.
                Asked::Send => (&mut refusals.sends, matches!(answer.status, 503 | 429)),
            };
            if !is_refusal || !answer.retry_after {
                refusals.wrong += 1;
            }
            *counts
                .entry(format!("{} {}", answer.status, answer.code))
                .or_default() += 1;
        }
        refusals
    }
}
