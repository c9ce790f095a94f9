//! A gateway's webhook endpoint for tests: keeps what arrives and answers what it is told.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use ring::hmac;
use serde_json::Value;
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};

/// Bounds the wait for anything.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) const SECRET: &str = "simulated-app-secret";

pub(super) struct Receiver {
    pub(super) url: String,
    bodies: Mutex<mpsc::Receiver<Bytes>>,
    /// Messages and statuses that arrived and nobody asked for yet.
    unclaimed: Mutex<Vec<Value>>,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    /// What genuine webhooks are answered.
    status: AtomicU16,
    badly_signed: AtomicUsize,
    /// Answers 200 to badly signed ones too, as no gateway should.
    gullible: bool,
    /// Requests that came in; each waits for a permit before it is answered.
    arrived: Notify,
    gate: Semaphore,
    bodies: mpsc::Sender<Bytes>,
}

/// HMAC-SHA256 of a body in lower-case hex.
fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

async fn receive(state: web::Data<State>, http: HttpRequest, body: Bytes) -> HttpResponse {
    state.arrived.notify_one();
    state.gate.acquire().await.unwrap().forget();
    state.gate.add_permits(1);
    let signature = http
        .headers()
        .get("X-Hub-Signature-256")
        .and_then(|value| value.to_str().ok());
    let right = format!("sha256={}", sign(SECRET, &body));
    if signature != Some(right.as_str()) {
        state.badly_signed.fetch_add(1, Ordering::SeqCst);
        return if state.gullible {
            HttpResponse::Ok().finish()
        } else {
            HttpResponse::Unauthorized().finish()
        };
    }
    let status = StatusCode::from_u16(state.status.load(Ordering::SeqCst)).unwrap();
    if status == StatusCode::OK {
        state.bodies.send(body).await.unwrap();
    }
    HttpResponse::build(status).finish()
}

async fn verify(http: HttpRequest) -> HttpResponse {
    let query = web::Query::<std::collections::HashMap<String, String>>::from_query(http.query_string())
        .unwrap()
        .into_inner();
    if query["hub.verify_token"] == "simulated-verify-token" {
        HttpResponse::Ok().body(query["hub.challenge"].clone())
    } else {
        HttpResponse::Forbidden().finish()
    }
}

impl Receiver {
    pub(super) fn start() -> Self {
        Self::start_as(false)
    }

    pub(super) fn start_as(gullible: bool) -> Self {
        let (sender, bodies) = mpsc::channel(100_000);
        let state = web::Data::new(State {
            status: AtomicU16::new(200),
            badly_signed: AtomicUsize::new(0),
            gullible,
            arrived: Notify::new(),
            gate: Semaphore::new(1),
            bodies: sender,
        });
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .app_data(web::PayloadConfig::new(4 * 1024 * 1024))
                .route("/hook", web::post().to(receive))
                .route("/hook", web::get().to(verify))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}/hook", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            bodies: Mutex::new(bodies),
            unclaimed: Mutex::new(Vec::new()),
            state: state.into_inner(),
            handle,
        }
    }

    pub(super) fn answer_with(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    /// Lets requests in but answers none until [`Self::open`].
    pub(super) fn shut(&self) {
        self.state.gate.forget_permits(1);
    }

    pub(super) fn open(&self) {
        self.state.gate.add_permits(1);
    }

    /// Waits until a request has come in.
    pub(super) async fn arrived(&self) {
        tokio::time::timeout(DEADLINE, self.state.arrived.notified())
            .await
            .expect("a request within the deadline");
    }

    pub(super) fn badly_signed(&self) -> usize {
        self.state.badly_signed.load(Ordering::SeqCst)
    }

    /// The bytes of the next body that was answered 200.
    pub(super) async fn bytes(&self) -> Bytes {
        tokio::time::timeout(DEADLINE, self.bodies.lock().await.recv())
            .await
            .expect("a webhook within the deadline")
            .unwrap()
    }

    /// The next body that was answered 200.
    pub(super) async fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes().await).unwrap()
    }

    /// Waits until a message or status satisfies the test, and returns it.
    pub(super) async fn find(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut unclaimed = self.unclaimed.lock().await;
        loop {
            if let Some(place) = unclaimed.iter().position(&wanted) {
                return unclaimed.remove(place);
            }
            let body = self.body().await;
            unclaimed.extend(items(&body, "messages"));
            unclaimed.extend(items(&body, "statuses"));
        }
    }

    /// The next message of a customer.
    pub(super) async fn message(&self) -> Value {
        self.find(|item| item.get("type").is_some()).await
    }

    /// The next status of a kind.
    pub(super) async fn status(&self, step: &str) -> Value {
        self.find(|item| item["status"] == step).await
    }

    /// Everything that has arrived by now.
    pub(super) async fn drain(&self) -> Vec<Value> {
        let mut bodies = self.bodies.lock().await;
        std::iter::from_fn(|| bodies.try_recv().ok())
            .map(|body| serde_json::from_slice(&body).unwrap())
            .collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// All `messages` or `statuses` of a body.
pub(super) fn items(body: &Value, kind: &str) -> Vec<Value> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    list(body, "entry")
        .iter()
        .flat_map(|entry| list(entry, "changes"))
        .flat_map(|change| list(&change["value"], kind))
        .collect()
}
