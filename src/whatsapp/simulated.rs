//! The gateway's reader, writer and client against the simulator: neither may be right by the other's mistake alone.

mod client;
mod drafts;
mod elsewhere;
mod rules;
mod templates;

use std::collections::HashMap;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use mesej_simulator::{Faults, Millis, Simulator, SimulatorConfig, StatusConfig, start};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, mpsc};

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

async fn receive(bodies: web::Data<mpsc::Sender<Bytes>>, body: Bytes) -> HttpResponse {
    bodies.send(body).await.unwrap();
    HttpResponse::Ok().finish()
}

async fn verify(query: web::Query<HashMap<String, String>>) -> HttpResponse {
    HttpResponse::Ok().body(query["hub.challenge"].clone())
}

/// A simulator with a callback behind it.
struct Rig {
    simulator: Simulator,
    callback: String,
    bodies: Mutex<mpsc::Receiver<Bytes>>,
    server: ServerHandle,
}

impl Rig {
    async fn start(config: SimulatorConfig) -> Self {
        let (sender, bodies) = mpsc::channel(100_000);
        let sender = web::Data::new(sender);
        let app = move || {
            let hook = web::resource("/hook").get(verify).post(receive);
            App::new().app_data(sender.clone()).service(hook)
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        let callback = format!("http://{}/hook", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let config = SimulatorConfig {
            webhook_url: Some(callback.clone()),
            ..config
        };
        Self {
            simulator: start(config).await.unwrap(),
            callback,
            bodies: Mutex::new(bodies),
            server: handle,
        }
    }

    /// The next webhook.
    async fn webhook(&self) -> Bytes {
        let mut bodies = self.bodies.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(10), bodies.recv());
        next.await.expect("a webhook within the deadline").unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}
