//! What a webhook receiver costs at the least: a handler that only reads the body, one that also verifies the signature
//! and parses the JSON, and one that then makes the body durable. And what a socket does: one that answers whatever comes first
//! with a welcome.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream::{self, StreamExt as _};
use ring::hmac;
use tokio::sync::oneshot;

/// Bodies that may wait for the disk.
const WAITING: usize = 1_024;

/// Options of `mesej-load bare`.
#[derive(clap::Args, Debug, Clone)]
pub struct BareArgs {
    /// Loopback port
    #[arg(long)]
    pub port: u16,
    /// The app's secret that webhooks are signed with
    #[arg(long)]
    pub secret: String,
    /// The file that bodies are written to
    #[arg(long)]
    pub file: PathBuf,
}

/// Serves until it is killed.
pub async fn run(args: BareArgs) -> anyhow::Result<ExitCode> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, args.secret.as_bytes());
    let disk = Disk::open(File::create(args.file)?);
    HttpServer::new(move || {
        App::new()
            .app_data(Data::new(key.clone()))
            .app_data(Data::new(disk.clone()))
            .app_data(web::PayloadConfig::new(3 * 1024 * 1024))
            .route("/ready", web::get().to(HttpResponse::Ok))
            .route("/read", web::post().to(read))
            .route("/verified", web::post().to(verified))
            .route("/durable", web::post().to(durable))
            .route("/v1/ws", web::get().to(socket))
    })
    .bind(("127.0.0.1", args.port))?
    .run()
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn read(body: Bytes) -> HttpResponse {
    drop(body);
    HttpResponse::Ok().finish()
}

/// A whole text frame.
const WELCOME: &[u8] = b"\x81\x12{\"type\":\"welcome\"}";

async fn socket(mut payload: Payload) -> HttpResponse {
    let first = async move {
        // Whoever breaks off hears nothing.
        let _ = payload.next().await;
        Ok::<_, actix_web::Error>(Bytes::from_static(WELCOME))
    };
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .streaming(stream::once(first).chain(stream::pending()))
}

async fn verified(request: HttpRequest, key: Data<hmac::Key>, body: Bytes) -> HttpResponse {
    answer(is_good(&request, &key, &body))
}

async fn durable(request: HttpRequest, key: Data<hmac::Key>, disk: Data<Disk>, body: Bytes) -> HttpResponse {
    let is_good = is_good(&request, &key, &body);
    if is_good && !disk.keep(body).await {
        return HttpResponse::ServiceUnavailable().finish();
    }
    answer(is_good)
}

fn answer(is_good: bool) -> HttpResponse {
    if is_good {
        HttpResponse::Ok().finish()
    } else {
        HttpResponse::BadRequest().finish()
    }
}

/// A thread that writes bodies to a file: one sync for all that wait.
#[derive(Clone)]
struct Disk(mpsc::SyncSender<(Bytes, oneshot::Sender<()>)>);

impl Disk {
    fn open(mut file: File) -> Self {
        let (sender, waiting) = mpsc::sync_channel::<(Bytes, oneshot::Sender<()>)>(WAITING);
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let together: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let written = together.iter().try_for_each(|(body, _)| file.write_all(body));
                if written.and_then(|()| file.sync_data()).is_err() {
                    return;
                }
                for (_, done) in together {
                    // Its client may have gone.
                    let _ = done.send(());
                }
            }
        });
        Self(sender)
    }

    /// Whether it is durable.
    async fn keep(&self, body: Bytes) -> bool {
        let (done, kept) = oneshot::channel();
        self.0.try_send((body, done)).is_ok() && kept.await.is_ok()
    }
}

fn is_good(request: &HttpRequest, key: &hmac::Key, body: &[u8]) -> bool {
    let signed = request
        .headers()
        .get("X-Hub-Signature-256")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("sha256="))
        .and_then(bytes_of)
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok());
    signed && serde_json::from_slice::<serde_json::Value>(body).is_ok()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}
