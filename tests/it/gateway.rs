//! A gateway and a simulator for one test, each on a port of its own, with a store that goes away afterwards.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use mesej::app::open_core;
use mesej::config::Config;
use mesej::domain::{Clock, SystemClock};
use mesej::shutdown::Shutdown;
use mesej_simulator::control::WebhookTarget;
use mesej_simulator::{Faults, NumberConfig, Simulator, SimulatorConfig};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kept::Kept;

pub(crate) const ADMIN: &str = "an-admin-token-for-tests";
pub(crate) const SECRET: &str = "simulated-app-secret";
pub(crate) const CUSTOMER: &str = "6281234567801";
/// Everything that is waited for happens within this, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway.
pub(crate) struct TestGateway {
    pub(crate) base: String,
    pub(crate) meta: Simulator,
    pub(crate) tenant: String,
    pub(crate) key: String,
    pub(crate) client: reqwest::Client,
    kept: Kept,
    /// What it was started with, also after a restart.
    extra: Vec<(&'static str, String)>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    serving: tokio::task::JoinHandle<()>,
}

/// What a gateway is started with.
pub(crate) struct Setup {
    pub(crate) simulator: SimulatorConfig,
    pub(crate) extra: Vec<(&'static str, String)>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut simulator = SimulatorConfig::default();
        // Statuses come soon, so that tests do not wait for realistic delays.
        for delay in [
            &mut simulator.statuses.sent,
            &mut simulator.statuses.delivered,
            &mut simulator.statuses.read,
        ] {
            *delay = mesej_simulator::Millis::between(1, 20);
        }
        Self {
            simulator,
            extra: Vec::new(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Settings as the environment would give them.
pub(crate) fn settings(kept: &Kept, listen: &str, meta: &str) -> Vec<(String, String)> {
    let apps = format!(
        "[{{ name = \"simulated\", app_id = \"670843887433847\", app_secrets = [\"{SECRET}\"], verify_token = \"simulated-verify-token\" }}]"
    );
    [
        ("MESEJ_SERVER__LISTEN", listen.to_owned()),
        ("MESEJ_SERVER__ADMIN_TOKEN", ADMIN.to_owned()),
        ("MESEJ_SERVER__WORKERS", "1".to_owned()),
        ("MESEJ_WHATSAPP__BASE_URL", meta.to_owned()),
        ("MESEJ_WHATSAPP__APPS", apps),
        ("MESEJ_ACCOUNTS__PROVIDERS_ON_THIS_MACHINE", "true".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .chain(kept.settings())
    .collect()
}

async fn serve(
    kept: &Kept,
    meta: &str,
    extra: &[(&'static str, String)],
    clock: &Arc<dyn Clock>,
    shutdown: &Shutdown,
) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let own = extra
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let variables = settings(kept, &address.to_string(), meta).into_iter().chain(own);
    let config = Config::from_sources(None, variables).unwrap();
    let core = open_core(&config, Arc::clone(clock), shutdown.clone())
        .await
        .unwrap();
    let stop = shutdown.clone();
    let handle = actix::spawn(async move { core.serve(&config, listener, None, stop).await.unwrap() });
    (format!("http://{address}"), handle)
}

impl TestGateway {
    /// With a tenant, a number, a key, and a customer whose service window is open.
    pub(crate) async fn start(kept: Kept) -> Self {
        Self::start_with(kept, Setup::default()).await
    }

    pub(crate) async fn start_with(kept: Kept, setup: Setup) -> Self {
        // Another test of this binary may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let meta = mesej_simulator::start(setup.simulator).await.unwrap();
        let shutdown = Shutdown::default();
        let (base, serving) = serve(&kept, &meta.url(), &setup.extra, &setup.clock, &shutdown).await;
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let mut gateway = Self {
            base,
            meta,
            tenant: String::new(),
            key: String::new(),
            client,
            kept,
            extra: setup.extra,
            clock: setup.clock,
            shutdown,
            serving,
        };
        gateway.ready().await;
        let tenant = gateway
            .admin("/v1/admin/tenants", &json!({ "name": "Toko" }))
            .await;
        gateway.tenant = tenant["tenant_id"].as_str().unwrap().to_owned();
        gateway.add_number(&NumberConfig::default()).await;
        let keys = format!("/v1/admin/tenants/{}/keys", gateway.tenant);
        let key = json!({ "name": "test", "scopes": ["send", "read", "agents"] });
        let made = gateway.admin(&keys, &key).await;
        made["key"].as_str().unwrap().clone_into(&mut gateway.key);
        gateway.aim_webhooks().await;
        gateway
    }

    async fn aim_webhooks(&self) {
        let url = Some(format!("{}/webhooks/whatsapp", self.base));
        self.meta
            .set_webhook(&WebhookTarget {
                url,
                ..WebhookTarget::default()
            })
            .await
            .unwrap();
    }

    pub(crate) async fn add_number(&self, number: &NumberConfig) {
        let body = json!({
            "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
            "display_phone_number": number.display_phone_number, "access_token": "simulated-access-token",
            "rate": number.rate,
        });
        self.admin(&format!("/v1/admin/tenants/{}/numbers", self.tenant), &body)
            .await;
    }

    pub(crate) async fn ready(&self) {
        let url = format!("{}/readyz", self.base);
        until("the gateway is ready", || async {
            let answer = self.client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// Ends in order and starts again on the same data.
    pub(crate) async fn restart(mut self) -> Self {
        self.shutdown.begin();
        let ended = tokio::time::timeout(PATIENCE * 2, self.serving);
        assert!(
            ended.await.is_ok_and(|ended| ended.is_ok()),
            "it does not end in order"
        );
        self.shutdown = Shutdown::default();
        let (base, serving) = serve(
            &self.kept,
            &self.meta.url(),
            &self.extra,
            &self.clock,
            &self.shutdown,
        )
        .await;
        let gateway = Self {
            base,
            serving,
            ..self
        };
        gateway.ready().await;
        gateway.aim_webhooks().await;
        gateway
    }

    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        let ended = tokio::time::timeout(PATIENCE * 2, self.serving);
        assert!(
            ended.await.is_ok_and(|ended| ended.is_ok()),
            "it does not end in order"
        );
        self.meta.stop().await;
    }

    pub(crate) async fn admin(&self, path: &str, body: &Value) -> Value {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(ADMIN)
            .json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path} answered {status}: {body}");
        body
    }

    /// Reads by GET as the tenant; status and body.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self
            .client
            .get(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Writes by POST as the tenant; status and body.
    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .json(body);
        let request = match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Asks by any method as the tenant; status and body.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.key).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Sends a text and gives its id.
    pub(crate) async fn send_text(&self, text: &str) -> String {
        let (status, body) = self.post("/v1/messages", None, &text_to(CUSTOMER, text)).await;
        assert_eq!(status, 202, "{body}");
        body["message_id"].as_str().unwrap().to_owned()
    }

    /// Waits until a message is in a state.
    pub(crate) async fn until_state(&self, message: &str, state: &str) -> Value {
        until(&format!("the message is {state}"), || async {
            let (_, body) = self.get(&format!("/v1/messages/{message}")).await;
            (body["delivery"]["state"] == state).then_some(body)
        })
        .await
    }

    /// All messages of all conversations.
    pub(crate) async fn history(&self) -> Vec<Value> {
        let (_, list) = self.get("/v1/conversations?limit=100").await;
        let mut all = Vec::new();
        for conversation in list["conversations"].as_array().unwrap() {
            let id = conversation["id"].as_str().unwrap();
            let (_, page) = self
                .get(&format!("/v1/conversations/{id}/messages?limit=100"))
                .await;
            all.extend(page["messages"].as_array().unwrap().iter().cloned());
        }
        all
    }

    /// The whole ledger.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event["seq"].as_u64().unwrap());
            let (_, page) = self.get(&format!("/v1/events?after={after}&limit=500")).await;
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                return all;
            }
            all.extend(events.iter().cloned());
        }
    }

    /// A customer writes, and it is in history.
    pub(crate) async fn customer_says(&self, text: &str) -> Value {
        self.meta.say_text(CUSTOMER, text).unwrap();
        self.in_history(text).await
    }

    /// Waits until a text is in history.
    pub(crate) async fn in_history(&self, text: &str) -> Value {
        until(&format!("{text:?} is in history"), || async {
            self.history()
                .await
                .into_iter()
                .find(|message| message["content"]["text"]["body"] == text)
        })
        .await
    }

    /// Posts a webhook as Meta would; the answer's status.
    pub(crate) async fn webhook(&self, body: &[u8]) -> u16 {
        let request = self
            .client
            .post(format!("{}/webhooks/whatsapp", self.base))
            .header("X-Hub-Signature-256", signature(body))
            .header("Content-Type", "application/json")
            .body(body.to_vec());
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) fn faults(&self, faults: Faults) {
        self.meta.set_faults(&faults).unwrap();
    }
}

/// What Meta signs a webhook with.
pub(crate) fn signature(body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!(
        "sha256={}",
        mesej::domain::ids::hex(hmac::sign(&key, body).as_ref())
    )
}

/// A text for `POST /v1/messages`.
pub(crate) fn text_to(digits: &str, text: &str) -> Value {
    json!({ "to": format!("+{digits}"), "type": "text", "text": { "body": text } })
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "in {PATIENCE:?} it did not come about that {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
