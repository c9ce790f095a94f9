//! Subscriptions on both stores: signed events, shuffled and repeated over restarts, and the search for card numbers in what is kept.

use std::path::Path;

use mesej::domain::ids::hex;
use mesej::domain::{Clock as _, SystemClock};
use ring::hmac;
use serde_json::{Value, json};

use crate::gateway::{ADMIN, CUSTOMER, Setup, TestGateway};
use crate::kept::{Kept, on_every_store};

const SECRET: &str = "whsec_of_the_tests_alone";
/// A number of the provider's for tests.
const CARD: &str = "4242424242424242";

on_every_store! {
    shuffled_and_repeated_events_end_in_one_state_over_restarts,
}

fn now() -> i64 {
    SystemClock::new().now().as_secs()
}

/// Sends a signed event, as the provider does.
async fn deliver(gateway: &TestGateway, event: &Value, at: i64, secret: &str) -> u16 {
    let body = event.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hex(hmac::sign(&key, format!("{at}.{body}").as_bytes()).as_ref());
    let call = gateway
        .client
        .post(format!("{}/webhooks/payments", gateway.base))
        .header("Stripe-Signature", format!("t={at},v1={signature}"))
        .body(body);
    call.send().await.unwrap().status().as_u16()
}

async fn taken(gateway: &TestGateway, events: &[&Value]) {
    for event in events {
        assert_eq!(deliver(gateway, event, now(), SECRET).await, 200, "{event}");
    }
}

/// An event with a card in fields where nobody expects one.
fn event(kind: &str, created: i64, mut object: Value) -> Value {
    let card = json!({ "number": CARD, "last4": "4242", "exp_month": 12, "exp_year": 2031 });
    object["payment_method_details"] = json!({ "card": card });
    object["description"] = json!("card 4242 4242 4242 4242");
    object["metadata"] = json!({ "note": "4242-4242-4242-4242", "plan": CARD });
    object["customer"] = json!("cus_one");
    json!({ "id": CARD, "type": kind, "created": created, "data": { "object": object } })
}

fn subscription(created: i64, status: &str) -> Value {
    let object = json!({ "id": "sub_one", "status": status, "current_period_end": created + 1_000_000 });
    event("customer.subscription.updated", created, object)
}

fn checkout(reference: &str, created: i64) -> Value {
    let object = json!({ "client_reference_id": reference, "subscription": "sub_one" });
    event("checkout.session.completed", created, object)
}

const CHECKOUT: &str = "https://pay.example.com/?client_reference_id=";

fn setup() -> Setup {
    let link = format!("{CHECKOUT}{{reference}}");
    Setup {
        extra: vec![
            ("MESEJ_PAYMENTS__WEBHOOK_SECRETS", format!("[\"{SECRET}\"]")),
            ("MESEJ_PAYMENTS__CHECKOUT_URL", link),
        ],
        ..Setup::default()
    }
}

async fn shown(gateway: &TestGateway) -> Value {
    let path = format!(
        "{}/v1/admin/tenants/{}/subscription",
        gateway.base, gateway.tenant
    );
    let call = gateway.client.get(path).bearer_auth(ADMIN);
    call.send().await.unwrap().json().await.unwrap()
}

async fn state(gateway: &TestGateway) -> Value {
    shown(gateway).await["state"].clone()
}

/// What the tenant's checkout is told from others by, as its link says.
async fn reference(gateway: &TestGateway) -> String {
    let shown = shown(gateway).await;
    let link = shown["checkout_url"].as_str().unwrap();
    link.strip_prefix(CHECKOUT).unwrap().to_owned()
}

async fn send(gateway: &TestGateway) -> u16 {
    let body = json!({ "to": CUSTOMER, "type": "text", "text": { "body": "halo" } });
    gateway.post("/v1/messages", Some(&gateway.key), &body).await.0
}

async fn shuffled_and_repeated_events_end_in_one_state_over_restarts(kept: Kept) {
    let gateway = TestGateway::start_with(kept, setup()).await;
    gateway.customer_says("halo").await;
    let began = now();
    let (active, ended) = (
        subscription(began + 2, "active"),
        subscription(began + 3, "canceled"),
    );
    let trial = subscription(began, "trialing");
    let joined = checkout(&reference(&gateway).await, began);
    assert_eq!(
        deliver(&gateway, &joined, now(), "a secret of somebody").await,
        400
    );
    assert_eq!(deliver(&gateway, &joined, now() - 301, SECRET).await, 400);
    // Of the two that name the tenant none is by the link that it asked for.
    let id_alone = checkout(&gateway.tenant, began);
    let forged = checkout(&format!("{}-{began:x}-{}", gateway.tenant, "0".repeat(64)), began);
    taken(&gateway, &[&active, &id_alone, &forged]).await;
    assert_eq!(state(&gateway).await, "none");
    let gateway = gateway.restart().await;
    taken(&gateway, &[&joined, &trial, &active]).await;
    assert_eq!(state(&gateway).await, "active");
    assert_eq!(send(&gateway).await, 202);
    taken(&gateway, &[&ended, &active, &trial]).await;
    let gateway = gateway.restart().await;
    taken(&gateway, &[&active, &joined]).await;
    assert_eq!(state(&gateway).await, "cancelled");
    assert_eq!(send(&gateway).await, 402);
    assert_eq!(gateway.get("/v1/conversations").await.0, 200);
    gateway.stop().await;
}

/// Whether digits are a card number by Luhn's sum and an issuer's beginning.
fn is_card(digits: &[u8]) -> bool {
    let issued = matches!(
        digits,
        [4, ..] | [5, 1..=5, ..] | [3, 4 | 7, ..] | [2, 2..=7, ..] | [6, 0 | 4 | 5, ..]
    );
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (1, digit) if digit > 4 => digit * 2 - 9,
            (1, digit) => digit * 2,
            (_, digit) => digit,
        })
        .sum();
    (13..=19).contains(&digits.len()) && issued && sum.is_multiple_of(10)
}

/// Card numbers in bytes: whole runs of digits, which single spaces or dashes may divide into groups.
fn cards_in(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits: Vec<u8> = Vec::new();
    let mut is_divided = false;
    for byte in bytes.iter().chain(b".") {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte - b'0');
                is_divided = false;
            }
            b' ' | b'-' if !is_divided && !digits.is_empty() => is_divided = true,
            _ => {
                if is_card(&digits) {
                    found.push(digits.iter().map(u8::to_string).collect());
                }
                digits.clear();
                is_divided = false;
            }
        }
    }
    found
}

/// Card numbers in all files below a folder, and how many bytes were looked at.
fn cards_below(folder: &Path) -> (Vec<String>, usize) {
    let (mut found, mut seen) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (more, bytes) = cards_below(&path);
            found.extend(more);
            seen += bytes;
        } else {
            let bytes = std::fs::read(&path).unwrap();
            seen += bytes.len();
            found.extend(cards_in(&bytes));
        }
    }
    (found, seen)
}

#[test]
fn the_search_finds_card_numbers_however_they_are_divided() {
    for text in [
        CARD,
        "x4242 4242 4242 4242y",
        "4242-4242-4242-4242",
        "5555555555554444",
        "378282246310005",
    ] {
        assert_eq!(cards_in(text.as_bytes()).len(), 1, "{text}");
    }
    for text in [
        "4242424242424241",
        "1242424242424242",
        "42424242",
        "4242  4242 4242 4242",
        "abc",
    ] {
        assert!(cards_in(text.as_bytes()).is_empty(), "{text}");
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(
        folder.path().join("below").join("row"),
        b"\x00\xff4242424242424242\x01",
    )
    .unwrap();
    assert_eq!(cards_below(folder.path()).0, [CARD]);
}

#[test]
fn no_column_of_the_schema_is_of_a_card() {
    let data = include_str!("../../docs/data.md");
    assert!(data.contains("payment_customer"));
    for word in [
        "pan",
        "cvc",
        "cvv",
        "last4",
        "exp_month",
        "exp_year",
        "card_number",
        "card",
    ] {
        let is_column = |line: &str| line.contains(&format!("`{word}`"));
        assert!(!data.lines().any(is_column), "{word}");
    }
}

#[actix::test]
async fn no_card_number_of_the_providers_events_is_in_any_file_of_the_store() {
    let kept = Kept::in_a_folder();
    let folder = kept.folder().join("data");
    let gateway = TestGateway::start_with(kept, setup()).await;
    gateway.customer_says("halo").await;
    let began = now();
    taken(
        &gateway,
        &[
            &subscription(began, "trialing"),
            &checkout(&reference(&gateway).await, began),
        ],
    )
    .await;
    taken(
        &gateway,
        &[&subscription(began + 1, "active"), &checkout(CARD, began)],
    )
    .await;
    assert_eq!(send(&gateway).await, 202);
    assert_eq!(state(&gateway).await, "active");
    // What is in memory is written out by the stop.
    let gateway = gateway.restart().await;
    let (found, seen) = cards_below(&folder);
    assert!(seen > 1_000, "{seen}");
    assert_eq!(found, Vec::<String>::new());
    // One that is written there would be found: this is a message's own text.
    gateway.send_text(CARD).await;
    let gateway = gateway.restart().await;
    assert!(cards_below(&folder).0.contains(&CARD.to_owned()));
    gateway.stop().await;
}
