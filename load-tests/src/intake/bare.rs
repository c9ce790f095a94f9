//! What a webhook receiver costs at the least: a handler that only reads the body, and one that also verifies the signature
//! and parses the JSON. Neither keeps anything. And what a socket does: one that answers whatever comes first with a welcome.

use std::process::ExitCode;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::stream::{self, StreamExt as _};
use ring::hmac;

/// Options of `mesej-load bare`.
#[derive(clap::Args, Debug, Clone)]
pub struct BareArgs {
    /// Loopback port
    #[arg(long)]
    pub port: u16,
    /// The app's secret that webhooks are signed with
    #[arg(long)]
    pub secret: String,
}

/// Serves until it is killed.
pub async fn run(args: BareArgs) -> anyhow::Result<ExitCode> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, args.secret.as_bytes());
    HttpServer::new(move || {
        App::new()
            .app_data(Data::new(key.clone()))
            .app_data(web::PayloadConfig::new(3 * 1024 * 1024))
            .route("/ready", web::get().to(HttpResponse::Ok))
            .route("/read", web::post().to(read))
            .route("/verified", web::post().to(verified))
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
    let signed = request
        .headers()
        .get("X-Hub-Signature-256")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("sha256="))
        .and_then(bytes_of)
        .is_some_and(|tag| hmac::verify(&key, &body, &tag).is_ok());
    if !signed {
        return HttpResponse::Unauthorized().finish();
    }
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(_) => HttpResponse::Ok().finish(),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}
