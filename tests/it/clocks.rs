//! A machine's clock that somebody sets, while the gateway works and while it is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use mesej::domain::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, Setup, TestGateway};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_clock_that_is_set_delays_nothing_and_changes_no_order,
    a_start_by_a_clock_a_year_ahead_loses_nothing_and_takes_nothing_twice,
}

/// The machine's clock, and how far somebody has set it ahead, in milliseconds.
struct SetClock {
    machine: SystemClock,
    ahead: Arc<AtomicI64>,
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::SeqCst);
        Timestamp::from_millis(self.machine.now().as_millis() + ahead)
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

async fn start(kept: Kept) -> (TestGateway, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = SetClock {
        machine: SystemClock::new(),
        ahead: Arc::clone(&ahead),
    };
    let setup = Setup {
        clock: Arc::new(clock),
        ..Setup::default()
    };
    (TestGateway::start_with(kept, setup).await, ahead)
}

/// A customer's text as Meta posts it.
fn text(id: &str, at: i64) -> Vec<u8> {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550700000", "phone_number_id": "106540352242922" },
        "contacts": [{ "profile": { "name": "Ana" }, "wa_id": CUSTOMER }],
        "messages": [{ "from": CUSTOMER, "id": id, "timestamp": at.to_string(), "type": "text", "text": { "body": id } }],
    });
    let change = json!({ "field": "messages", "value": value });
    let entry = json!({ "id": "102290129340398", "changes": [change] });
    serde_json::to_vec(&json!({ "object": "whatsapp_business_account", "entry": [entry] })).unwrap()
}

fn now() -> i64 {
    SystemClock::new().now().as_secs()
}

fn said(history: &[Value]) -> Vec<&str> {
    let texts = history
        .iter()
        .map(|message| message["content"]["text"]["body"].as_str());
    texts.map(Option::unwrap_or_default).collect()
}

async fn a_clock_that_is_set_delays_nothing_and_changes_no_order(kept: Kept) {
    let (gateway, ahead) = start(kept).await;
    gateway.customer_says("hello").await;
    let mut sent = Vec::new();
    for set in [-10 * MINUTE, 60 * MINUTE, -DAY, 366 * DAY] {
        // Some wait while the clock is set, others come afterwards.
        let before = gateway.send_text(&format!("before {set}")).await;
        ahead.store(set, Ordering::SeqCst);
        let after = gateway.send_text(&format!("after {set}")).await;
        for id in [&before, &after] {
            gateway.until_state(id, "read").await;
        }
        ahead.store(0, Ordering::SeqCst);
        sent.extend([before, after]);
    }
    assert!(sent.is_sorted(), "ids go back: {sent:?}");
    let events = gateway.events().await;
    let at = |event: &Value| event["at"].as_i64().unwrap();
    let span = at(events.last().unwrap()) - at(&events[0]);
    assert!((0..10 * MINUTE).contains(&span), "times jumped by {span} ms");
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0]["seq"].as_u64().unwrap() + 1 == pair[1]["seq"].as_u64().unwrap())
    );
    gateway.stop().await;
}

async fn a_start_by_a_clock_a_year_ahead_loses_nothing_and_takes_nothing_twice(kept: Kept) {
    let (gateway, ahead) = start(kept).await;
    gateway.customer_says("hello").await;
    let sent_at = now() - 5;
    assert_eq!(gateway.webhook(&text("wamid.kept", sent_at)).await, 200);
    gateway.in_history("wamid.kept").await;
    ahead.store(366 * DAY, Ordering::SeqCst);
    let gateway = gateway.restart().await;
    // Meta repeats itself, and says something new.
    assert_eq!(gateway.webhook(&text("wamid.kept", sent_at)).await, 200);
    assert_eq!(gateway.webhook(&text("wamid.new", now() + 1)).await, 200);
    gateway.in_history("wamid.new").await;
    assert_eq!(
        said(&gateway.history().await),
        ["wamid.new", "hello", "wamid.kept"]
    );
    ahead.store(-10 * MINUTE, Ordering::SeqCst);
    let gateway = gateway.restart().await;
    let id = gateway.send_text("from the past").await;
    gateway.until_state(&id, "read").await;
    assert_eq!(gateway.webhook(&text("wamid.kept", sent_at)).await, 200);
    assert_eq!(gateway.webhook(&text("wamid.last", now() + 2)).await, 200);
    gateway.in_history("wamid.last").await;
    let history = gateway.history().await;
    assert_eq!(history.len(), 5, "{:?}", said(&history));
    gateway.stop().await;
}
