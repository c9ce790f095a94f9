//! A gateway with a Meta in a box, customers who talk with it, and the oracle's questions.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::SystemRandom;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::agent::Agent;
use crate::actors::directory::{Directory, TenantHandle};
use crate::api::auth::key::{KeyKind, NewKey};
use crate::app::core::open_core;
use crate::app::demo::{TENANT, settle_in};
use crate::config::Config;
use crate::domain::{SystemClock, TenantId};
use crate::shutdown::Shutdown;
use crate::store::Store;
use mesej_simulator::control::WebhookTarget;
use mesej_simulator::ids::{self, MessageId};
use mesej_simulator::oracle::{HistoryRead, HistoryRow, Policy, Report, Submission};
use mesej_simulator::{Millis, Simulator, SimulatorConfig};

/// How many customers talk.
pub(super) const CUSTOMERS: usize = 6;
/// How often each is answered: Meta lets a business write that often to one customer at once.
const ANSWERS: usize = 24;
/// Everything comes about within this.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A tenant as the oracle knows it.
const fn known(tenant: TenantId) -> ids::TenantId {
    ids::TenantId::from_bytes(tenant.get().to_be_bytes())
}

/// Time for others; what is waited for is asked for again afterwards.
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The running parts.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) base: String,
    pub(super) key: String,
    client: reqwest::Client,
    meta: Arc<Simulator>,
    store: Arc<dyn Store>,
    directory: Arc<Directory>,
    shutdown: Shutdown,
    serving: Arc<tokio::task::JoinHandle<()>>,
    _folder: Arc<tempfile::TempDir>,
}

impl Stage {
    pub(super) async fn open() -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut world = SimulatorConfig::default();
        for delay in [
            &mut world.statuses.sent,
            &mut world.statuses.delivered,
            &mut world.statuses.read,
        ] {
            *delay = Millis::between(1, 50);
        }
        let (number, token) = (world.numbers[0].clone(), world.access_tokens[0].clone());
        let apps = format!(
            "[{{ name = \"demo\", app_secrets = [\"{}\"], verify_token = \"{}\" }}]",
            world.app_secret, world.verify_token
        );
        let meta = Arc::new(mesej_simulator::start(world).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let variables = [
            ("MESEJ_SERVER__LISTEN", address.to_string()),
            ("MESEJ_SERVER__ADMIN_TOKEN", "an-admin-token-for-tests".to_owned()),
            ("MESEJ_SERVER__WORKERS", "1".to_owned()),
            (
                "MESEJ_STORE__PATH",
                folder.path().join("data").display().to_string(),
            ),
            ("MESEJ_WHATSAPP__BASE_URL", meta.url()),
            ("MESEJ_WHATSAPP__APPS", apps),
            ("MESEJ_LIMITS__PAIR_BURST", "45".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let config = Config::from_sources(None, variables).unwrap();
        let shutdown = Shutdown::default();
        let core = open_core(&config, Arc::new(SystemClock::new()), shutdown.clone())
            .await
            .unwrap();
        let key = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
        settle_in(&core, &number, token, &key.text).await.unwrap();
        let (store, directory) = (Arc::clone(&core.store), Arc::clone(&core.directory));
        let end = shutdown.clone();
        let serving = actix::spawn(async move { core.serve(&config, listener, None, end).await.unwrap() });
        let base = format!("http://{address}");
        let target = WebhookTarget {
            url: Some(format!("{base}/webhooks/whatsapp")),
            ..WebhookTarget::default()
        };
        meta.set_webhook(&target).await.unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(15))
            .build()
            .unwrap();
        let stage = Self {
            base,
            key: key.text.expose_secret().to_owned(),
            client,
            meta,
            store,
            directory,
            shutdown,
            serving: Arc::new(serving),
            _folder: folder,
        };
        stage
            .until("it is ready", async || {
                let answer = stage.client.get(format!("{}/readyz", stage.base)).send().await;
                answer.is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        stage
    }

    /// The tenant as it runs now, or did last.
    pub(super) fn running(&self) -> TenantHandle {
        self.directory.running().pop().unwrap()
    }

    /// A customer writes and is answered, again and again. Gives the ids of the answers.
    pub(super) async fn converse(self, customer: usize) -> Vec<Submission> {
        let phone = format!("62812345678{customer:02}");
        let mut submitted = Vec::new();
        for n in 0..ANSWERS {
            self.meta.say_text(&phone, &format!("question {n}")).unwrap();
            let marker = format!("mk-{customer}-{n}");
            let message_id = self.answer(&phone, &marker).await;
            submitted.push(Submission {
                message_id: Some(message_id),
                marker: Some(marker),
                tenant: Some(known(TENANT)),
                policy: Policy::NeverDuplicate,
            });
            pause(Duration::from_millis(60)).await;
        }
        submitted
    }

    /// Asks with one key until it is accepted.
    async fn answer(&self, phone: &str, marker: &str) -> MessageId {
        let body = json!({
            "to": format!("+{phone}"), "type": "text", "text": { "body": format!("answer {marker}") },
            "on_unknown": "never_duplicate",
        });
        let late = tokio::time::Instant::now() + PATIENCE;
        loop {
            let request = self.client.post(format!("{}/v1/messages", self.base));
            let request = request.bearer_auth(&self.key).header("Idempotency-Key", marker);
            let mut refused = None;
            if let Ok(answer) = request.json(&body).send().await {
                let status = answer.status().as_u16();
                let said: Value = answer.json().await.unwrap_or_default();
                if status == 202 {
                    return said["message_id"].as_str().unwrap().parse().unwrap();
                }
                refused = Some(said);
            }
            assert!(
                tokio::time::Instant::now() < late,
                "{marker} is not accepted: {refused:?}"
            );
            pause(Duration::from_millis(30)).await;
        }
    }

    /// Waits until everything has ended, tells the oracle what was seen, and asks it.
    pub(super) async fn verdict(&self, submitted: &[Submission], agent: Agent) -> Report {
        self.until("nothing waits to be sent", async || {
            self.waiting().await.is_empty()
        })
        .await;
        self.meta.quiesce(PATIENCE).await;
        self.until("every webhook is applied", async || {
            self.store.journal_open(None, 1).await.unwrap().is_empty()
        })
        .await;
        let head = self.directory.tenant(TENANT).await.unwrap().ledger.head().head;
        self.until("the agent has read everything", async || {
            agent.position() >= head.get()
        })
        .await;
        self.meta.report_submissions(submitted);
        self.meta.report_events(&[agent.report(TENANT)]);
        self.meta.report_history(&HistoryRead {
            tenant: Some(known(TENANT)),
            rows: self.history().await,
        });
        self.meta.report()
    }

    /// Messages that wait or are under way. What is unknown stays so for long.
    async fn waiting(&self) -> Vec<Value> {
        let mut rows = self.rows().await;
        rows.retain(|row| {
            let state = row["delivery"]["state"].as_str();
            matches!(state, Some("queued" | "claimed"))
        });
        rows
    }

    async fn history(&self) -> Vec<HistoryRow> {
        let rows = self.rows().await;
        rows.iter()
            .map(|row| {
                serde_json::from_value(json!({
                    "message_id": row["id"], "wamid": row.get("wamid"), "state": row["delivery"].get("state"),
                }))
                .unwrap()
            })
            .collect()
    }

    async fn rows(&self) -> Vec<Value> {
        let list = self.get("/v1/conversations?limit=100").await;
        let mut all = Vec::new();
        for conversation in list["conversations"].as_array().unwrap() {
            let path = format!(
                "/v1/conversations/{}/messages?limit=100",
                conversation["id"].as_str().unwrap()
            );
            all.extend(self.get(&path).await["messages"].as_array().unwrap().clone());
        }
        all
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.key).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let late = tokio::time::Instant::now() + PATIENCE;
        while !holds().await {
            if tokio::time::Instant::now() > late {
                let waiting = self.waiting().await;
                panic!("waited in vain until {what}; these wait: {waiting:#?}");
            }
            pause(Duration::from_millis(50)).await;
        }
    }

    pub(super) async fn close(self) {
        self.shutdown.begin();
        let ended = async {
            while !self.serving.is_finished() {
                pause(Duration::from_millis(20)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, ended).await;
        in_time.expect("it does not end");
        self.meta.stop().await;
    }
}
