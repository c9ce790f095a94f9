//! What the log says of a request, and what it never does.

use std::io;
use std::sync::{Arc, Mutex};

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};

use super::super::observe::observe;
use super::*;
use crate::api::ApiError;
use crate::telemetry::listening::listen;

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a request through the whole application, with every log line kept.
async fn logged(request: TestRequest) -> (u16, String, String) {
    async fn broken() -> Result<HttpResponse, ApiError> {
        Err(ApiError::internal("row 17 is upside down"))
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _kept = listen(subscriber);
    let app = App::new()
        .app_data(web::Data::from(Parts::build(Setup::default()).state))
        .wrap(from_fn(observe))
        .route("/broken", web::get().to(broken))
        .configure(crate::api::routes);
    let service = init_service(app).await;
    let response = call_service(&service, request.to_request()).await;
    let id = response
        .headers()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    (response.status().as_u16(), id, lines.text())
}

#[actix_web::test]
async fn the_log_names_the_route_and_nothing_that_a_caller_wrote() {
    let phone = "628123456789";
    let request = TestRequest::get()
        .uri(&format!(
            "/v1/conversations/{phone}/messages?before={phone}&secret={phone}"
        ))
        .insert_header(("Authorization", format!("Bearer {phone}")))
        .insert_header(("User-Agent", phone));
    let (status, id, text) = logged(request).await;
    assert_eq!(status, 401);
    assert!(
        text.contains("/v1/conversations/{conversation_id}/messages"),
        "{text}"
    );
    assert!(text.contains(&id) && text.contains("status=401"), "{text}");
    assert!(!text.contains(phone), "{text}");
}

#[actix_web::test]
async fn a_webhooks_body_and_signature_stay_out_of_the_log() {
    let request = TestRequest::post()
        .uri("/webhooks/whatsapp?x=628123456789")
        .insert_header(("X-Hub-Signature-256", "sha256=628123456789"))
        .set_payload("628123456789");
    let (status, _, text) = logged(request).await;
    assert_eq!(status, 401);
    assert!(
        text.contains("/webhooks/whatsapp") && !text.contains("628123456789"),
        "{text}"
    );
}

#[actix_web::test]
async fn what_is_broken_is_logged_once_with_the_id_that_the_caller_got() {
    let (status, id, text) = logged(TestRequest::get().uri("/broken")).await;
    assert_eq!(status, 500);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0].contains("row 17 is upside down") && lines[0].contains(&id),
        "{text}"
    );
}
