//! A broadcast whose gateway is killed while it is planned and while it runs.

use mesej_simulator::NumberConfig;
use mesej_simulator::control::{SendQuery, WebhookTarget};
use reqwest::Method;
use serde_json::{Value, json};

use super::{definition, phone};
use crate::gateway::{ADMIN, PATIENCE, Setup, settings, until};
use crate::kept::{Kept, on_every_store};
use crate::process::{free_port, mesej};

on_every_store! {
    whatever_is_killed_nobody_is_sent_to_twice_and_nobody_forgotten,
    a_pause_that_was_decided_holds_although_the_ledger_was_not_told,
}

/// The gateway as a process of its own, which may be killed.
pub(super) struct Process {
    pub(super) child: Option<tokio::process::Child>,
    pub(super) base: String,
    pub(super) key: String,
    pub(super) client: reqwest::Client,
    /// What it is told beside the usual.
    pub(super) extra: Vec<(&'static str, String)>,
}

impl Process {
    pub(super) fn new() -> Self {
        // Another test of this binary may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Self {
            child: None,
            base: String::new(),
            key: String::new(),
            client: client.unwrap(),
            extra: Vec::new(),
        }
    }

    /// Starts it, to die at a crash point where one is named.
    pub(super) async fn start(&mut self, kept: &Kept, meta: &str, dies_at: Option<&str>) {
        let port = free_port();
        let mut command = mesej(&["serve"]);
        for (name, value) in settings(kept, &format!("127.0.0.1:{port}"), meta) {
            command.env(name, value);
        }
        command.envs(self.extra.iter().cloned());
        if let Some(place) = dies_at {
            command.env("MESEJ_CRASH_AT", place);
        }
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        self.child = Some(command.spawn().unwrap());
        self.base = format!("http://127.0.0.1:{port}");
        let url = format!("{}/readyz", self.base);
        until("it is ready", || async {
            let answer = self.client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Has Meta's webhooks come here.
    pub(super) async fn hear(&self, meta: &mesej_simulator::Simulator) {
        let target = WebhookTarget {
            url: Some(format!("{}/webhooks/whatsapp", self.base)),
            ..WebhookTarget::default()
        };
        meta.set_webhook(&target).await.unwrap();
    }

    /// Waits until it is dead.
    async fn died(&mut self) {
        let mut child = self.child.take().unwrap();
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        assert!(ended.is_ok_and(|ended| !ended.unwrap().success()), "it lives");
    }

    pub(super) async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let token = if path.starts_with("/v1/admin") {
            ADMIN
        } else {
            &self.key
        };
        let request = self.client.request(method, format!("{}{path}", self.base));
        let answer = request.bearer_auth(token).json(body).send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path} answered {status}: {body}");
        body
    }

    pub(super) async fn until(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until(what, || async {
            let shown = self.call(Method::GET, path, &Value::Null).await;
            Some(shown["broadcast"].clone()).filter(&is_so)
        })
        .await
    }

    /// A tenant with a number, and a draft of a broadcast to so many.
    pub(super) async fn draft(&mut self, rate: u32, many: u32) -> String {
        let tenant = self
            .call(Method::POST, "/v1/admin/tenants", &json!({ "name": "Toko" }))
            .await;
        let at = format!("/v1/admin/tenants/{}", tenant["tenant_id"].as_str().unwrap());
        let number = NumberConfig::default();
        let body = json!({
            "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
            "display_phone_number": number.display_phone_number, "access_token": "simulated-access-token", "rate": rate,
        });
        self.call(Method::POST, &format!("{at}/numbers"), &body).await;
        let key = json!({ "name": "test", "scopes": ["send", "read", "agents"] });
        let key = self.call(Method::POST, &format!("{at}/keys"), &key).await;
        key["key"].as_str().unwrap().clone_into(&mut self.key);
        // The account is not looked up yet: Meta alone decides about the template.
        let mut plain = definition(&json!({ "type": "upload" }), &json!("5%"));
        plain["template"] = json!({ "name": "hello_world", "language": { "code": "en_US" } });
        let made = self.call(Method::POST, "/v1/broadcasts", &plain).await;
        let path = format!(
            "/v1/broadcasts/{}",
            made["broadcast"]["broadcast_id"].as_str().unwrap()
        );
        let rows: Vec<String> = (0..many).map(|n| format!("+{}\n", phone(n))).collect();
        let request = self
            .client
            .put(format!("{}{path}/audience", self.base))
            .bearer_auth(&self.key)
            .body(format!("phone\n{}", rows.concat()));
        assert!(request.send().await.unwrap().status().is_success());
        path
    }
}

async fn whatever_is_killed_nobody_is_sent_to_twice_and_nobody_forgotten(kept: Kept) {
    const MANY: u32 = 700;
    let mut config = Setup::default().simulator;
    let rate = 400;
    for number in &mut config.numbers {
        number.rate = rate;
    }
    let meta = mesej_simulator::start(config).await.unwrap();
    let mut gateway = Process::new();
    gateway
        .start(&kept, &meta.url(), Some("after_broadcast_chunk:1"))
        .await;
    let path = gateway.draft(rate, MANY).await;
    gateway
        .call(Method::POST, &format!("{path}/plan"), &json!({}))
        .await;
    gateway.died().await;
    // The plan is begun anew by itself; then the run is cut off twice.
    gateway
        .start(&kept, &meta.url(), Some("after_broadcast_batch:2"))
        .await;
    let ready = gateway
        .until(&path, "it is ready", |shown| shown["state"] == "ready")
        .await;
    assert_eq!(ready["plan"]["recipients"], MANY, "{ready}");
    let launch = json!({ "version": ready["version"] });
    gateway
        .call(Method::POST, &format!("{path}/launch"), &launch)
        .await;
    gateway.died().await;
    gateway
        .start(&kept, &meta.url(), Some("after_broadcast_batch:4"))
        .await;
    gateway.died().await;
    gateway.start(&kept, &meta.url(), None).await;
    let done = gateway
        .until(&path, "it is done", |shown| shown["state"] == "done")
        .await;
    assert_eq!(done["counts"]["submitted"], MANY, "{done}");
    let outcomes = &done["counts"]["outcomes"];
    let unknown = usize::try_from(outcomes["unknown"].as_u64().unwrap()).unwrap();
    let mut never = 0;
    for n in 0..MANY {
        let query = SendQuery {
            to: Some(phone(n)),
            ..SendQuery::default()
        };
        match meta.sends(&query).len() {
            1 => {}
            0 => never += 1,
            times => assert_eq!(times, 1, "recipient {n} was sent to more than once"),
        }
    }
    assert!(
        never <= unknown,
        "{never} of {unknown} unknown ones were never sent: {done}"
    );
    drop(gateway.child.take());
    meta.stop().await;
}

async fn a_pause_that_was_decided_holds_although_the_ledger_was_not_told(kept: Kept) {
    const MANY: u32 = 300;
    let mut config = Setup::default().simulator;
    let rate = 40;
    for number in &mut config.numbers {
        number.rate = rate;
    }
    config.faults.errored_later = 1.0;
    let meta = mesej_simulator::start(config).await.unwrap();
    let mut gateway = Process::new();
    gateway
        .start(&kept, &meta.url(), Some("after_broadcast_pause"))
        .await;
    gateway.hear(&meta).await;
    let path = gateway.draft(rate, MANY).await;
    gateway
        .call(Method::POST, &format!("{path}/plan"), &json!({}))
        .await;
    let ready = gateway
        .until(&path, "it is ready", |shown| shown["state"] == "ready")
        .await;
    let launch = json!({ "version": ready["version"] });
    gateway
        .call(Method::POST, &format!("{path}/launch"), &launch)
        .await;
    gateway.died().await;
    meta.set_faults(&mesej_simulator::Faults::default()).unwrap();
    gateway.start(&kept, &meta.url(), None).await;
    gateway.hear(&meta).await;
    let paused = gateway
        .until(&path, "it is paused", |shown| shown["state"] == "paused")
        .await;
    assert_eq!(paused["problem"]["code"], "failure_spike", "{paused}");
    let all = || meta.stats().graph.sends_accepted;
    until("its ledger was told", || async {
        let events = gateway
            .call(Method::GET, "/v1/events?after=0&limit=500", &Value::Null)
            .await;
        let events = events["events"].as_array()?.clone();
        let last = events
            .into_iter()
            .rev()
            .find(|event| event["kind"] == "broadcast")?;
        (last["data"]["run"] == "halted").then_some(())
    })
    .await;
    // Other messages go out, and soon nothing beside them.
    let other = json!({ "to": "+628999000111", "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } } });
    let to_other = SendQuery {
        to: Some("628999000111".to_owned()),
        ..SendQuery::default()
    };
    let mut is_halted = false;
    for count in 1..=6 {
        let before = all();
        gateway.call(Method::POST, "/v1/messages", &other).await;
        until("it is sent", || async {
            (meta.sends(&to_other).len() == count).then_some(())
        })
        .await;
        is_halted = all() == before + 1;
        if is_halted {
            break;
        }
    }
    assert!(is_halted && all() < u64::from(MANY), "the broadcast goes on");
    gateway
        .call(Method::POST, &format!("{path}/resume"), &json!({}))
        .await;
    let done = gateway
        .until(&path, "it is done", |shown| shown["state"] == "done")
        .await;
    assert_eq!(done["counts"]["submitted"], MANY, "{done}");
    for n in 0..MANY {
        let query = SendQuery {
            to: Some(phone(n)),
            ..SendQuery::default()
        };
        assert!(meta.sends(&query).len() <= 1, "recipient {n}");
    }
    drop(gateway.child.take());
    meta.stop().await;
}
