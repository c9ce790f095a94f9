//! What the log says of a request, and what it never does.

use std::io;
use std::sync::{Arc, Mutex};

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use serde_json::json;

use super::super::middleware::observe;
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
    let (answers, text) = all_logged([(Duration::ZERO, vec![request])]).await;
    let (status, id) = answers.into_iter().next().unwrap();
    (status, id, text)
}

/// Sends requests, each batch after some time; the statuses and request ids of the answers, and every log line.
async fn all_logged(
    batches: impl IntoIterator<Item = (Duration, Vec<TestRequest>)>,
) -> (Vec<(u16, String)>, String) {
    all_logged_by(Setup::default(), batches).await
}

/// The same, of a server that is set up so.
async fn all_logged_by(
    setup: Setup,
    batches: impl IntoIterator<Item = (Duration, Vec<TestRequest>)>,
) -> (Vec<(u16, String)>, String) {
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
    let Parts { state, clock, .. } = Parts::build(setup);
    let app = App::new()
        .app_data(web::Data::from(state))
        .wrap(from_fn(observe))
        .route("/broken", web::get().to(broken))
        .configure(|app| crate::api::routes(app, crate::api::Serves::Everything));
    let service = init_service(app).await;
    let mut answers = Vec::new();
    for (later, requests) in batches {
        clock.advance(later);
        for request in requests {
            let response = call_service(&service, request.to_request()).await;
            let id = response.headers().get("x-request-id").unwrap();
            answers.push((response.status().as_u16(), id.to_str().unwrap().to_owned()));
        }
    }
    (answers, lines.text())
}

/// The lines at WARN that say this.
fn warnings<'a>(text: &'a str, said: &str) -> Vec<&'a str> {
    let lines = text.lines();
    lines
        .filter(|line| line.contains(" WARN ") && line.contains(said))
        .collect()
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

#[actix_web::test]
async fn webhooks_that_fit_no_secret_are_told_with_the_names_of_the_apps_once_a_minute() {
    let foreign = || {
        TestRequest::post()
            .uri("/webhooks/whatsapp")
            .insert_header(("X-Hub-Signature-256", format!("sha256={}", "0".repeat(64))))
            .set_payload("{}")
    };
    let fifty = || (0..50).map(|_| foreign()).collect();
    let (answers, text) = all_logged([(Duration::ZERO, fifty())]).await;
    assert!(answers.iter().all(|(status, _)| *status == 401), "{answers:?}");
    let told = warnings(&text, "webhooks are refused");
    assert_eq!(told.len(), 1, "{text}");
    assert!(
        told[0].contains("apps=\"main\"") && told[0].contains("count=1"),
        "{text}"
    );
    let batches = [(Duration::ZERO, fifty()), (Duration::from_secs(60), fifty())];
    let (_, text) = all_logged(batches).await;
    let told = warnings(&text, "webhooks are refused");
    assert_eq!(told.len(), 2, "{text}");
    assert!(told[1].contains("count=50"), "none is forgotten: {text}");
}

#[actix_web::test]
async fn wrong_operators_tokens_are_told_with_the_callers_address_and_without_the_token() {
    let guess = "a-token-that-somebody-guessed";
    let wrong = || {
        TestRequest::get()
            .uri("/v1/admin/tenants")
            .peer_addr("192.0.2.7:4711".parse().unwrap())
            .insert_header(("Authorization", format!("Bearer {guess}")))
    };
    let batches = [
        (Duration::ZERO, (0..50).map(|_| wrong()).collect()),
        (Duration::from_secs(10), vec![wrong()]),
    ];
    let (answers, text) = all_logged(batches).await;
    let shown = answers.iter().filter(|(status, _)| *status == 401).count();
    assert_eq!((shown, answers.len()), (21, 51), "the others have to wait");
    let told = warnings(&text, "that no operator has");
    assert_eq!(told.len(), 2, "{text}");
    assert!(
        told.iter().all(|line| line.contains("peer=192.0.2.7")) && told[1].contains("count=20"),
        "{text}"
    );
    assert!(!text.contains(guess), "{text}");
}

#[actix_web::test]
async fn nothing_of_a_card_in_a_payment_event_is_logged() {
    let card = "4242424242424242";
    let event = json!({
        "id": card, "type": "customer.subscription.updated", "created": NOW.as_secs(),
        "data": { "object": {
            "id": "sub_one", "customer": "cus_one", "status": "active", "description": "4242 4242 4242 4242",
            "card": { "number": card, "last4": "4242" }, "metadata": { "plan": card },
        } },
    });
    let signed = |secret: &str| {
        let body = event.to_string();
        TestRequest::post()
            .uri("/webhooks/payments")
            .insert_header((
                "Stripe-Signature",
                payments::signed(body.as_bytes(), NOW.as_secs(), secret),
            ))
            .set_payload(body)
    };
    let setup = Setup {
        sections: payments::SECTIONS,
        ..Setup::default()
    };
    let requests = vec![signed(payments::SECRET), signed("a secret of somebody")];
    let (answers, text) = all_logged_by(setup, [(Duration::ZERO, requests)]).await;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 400]);
    assert!(
        text.contains("webhooks of the payment provider are refused"),
        "{text}"
    );
    // Fewer digits may stand in a time.
    for number in [card, "4242 4242"] {
        assert!(!text.contains(number), "{text}");
    }
}
