//! What people do while a broadcast runs: they pause it and have it go on, cancel another one, and opt out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::broadcast::audience::Audience;
use crate::broadcast::calls::{Broadcast, Order};
use crate::gateway::{Gateway, Tenant, text};
use crate::rig::Rig;
use crate::simulator::Simulator;

/// Recipients who opt out, at most, and one in how many.
const REFUSING: usize = 40;
const ONE_IN: usize = 8;
/// How long a pause lasts, in milliseconds.
const PAUSED_MS: std::ops::RangeInclusive<u64> = 2_500..=4_000;
/// How often it is looked whether an opt-out is there, and how long.
const LOOK: Duration = Duration::from_millis(100);
const REFUSED: Duration = Duration::from_secs(90);

/// A pause: when it was answered, and when it was asked to go on, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) answered: i64,
    pub(super) resumed: i64,
}

/// How often it is paused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) count: u32,
    /// Within about so long.
    pub(super) length: Duration,
    pub(super) seed: u64,
}

/// Pauses at random moments, until told to stop.
pub(super) async fn pause(
    broadcast: Broadcast,
    pauses: Pauses,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Pause>> {
    let mut dice = fastrand::Rng::with_seed(pauses.seed);
    let each = pauses.length / pauses.count.max(1);
    let mut made = Vec::new();
    for _ in 0..pauses.count {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(each.mul_f64(0.2 + 0.6 * dice.f64())) => {}
        }
        if !broadcast.order(Order::Pause).await? {
            break;
        }
        let answered = now_ms();
        tokio::time::sleep(Duration::from_millis(dice.u64(PAUSED_MS))).await;
        let resumed = now_ms();
        broadcast.order(Order::Resume).await?;
        made.push(Pause { answered, resumed });
    }
    Ok(made)
}

/// Cancels after so long; when that was answered, if it still ran.
pub(super) async fn cancel(broadcast: Broadcast, after: Duration) -> anyhow::Result<Option<i64>> {
    tokio::time::sleep(after).await;
    Ok(broadcast.order(Order::Cancel).await?.then(now_ms))
}

/// Somebody who opts out: a contact already, or one who says so.
#[derive(Debug, Clone)]
pub(super) struct Refusing {
    phone: String,
    contact: Option<String>,
}

/// Somebody who opted out, and when that was seen to be committed, in milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) phone: String,
    pub(super) at: i64,
}

/// Chooses who opts out. Each second one is made a contact, with whom the business records it; the others say so themselves.
pub(super) async fn introduce(rig: &Rig, audience: &Audience, seed: u64) -> anyhow::Result<Vec<Refusing>> {
    let mut phones: Vec<&str> = audience.phones().collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut phones);
    phones.truncate((phones.len() / ONE_IN).min(REFUSING));
    let mut chosen = Vec::new();
    for (n, phone) in phones.into_iter().enumerate() {
        let contact = if n % 2 == 0 {
            let wanted = json!({ "phone": format!("+{phone}") });
            let made = rig
                .gateway
                .persist(&rig.tenant, Method::POST, "/v1/contacts", &wanted);
            let (status, made) = made.await?;
            anyhow::ensure!(status == 201, "a contact is refused: {status}, {made}");
            let made = made.get("contact").unwrap_or(&made).clone();
            Some(text(&made, "id")?)
        } else {
            None
        };
        chosen.push(Refusing {
            phone: phone.to_owned(),
            contact,
        });
    }
    Ok(chosen)
}

/// Has them opt out one after the other, until told to stop.
pub(super) async fn refuse(
    (gateway, tenant, simulator): (Gateway, Tenant, Simulator),
    refusing: Vec<Refusing>,
    length: Duration,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Refused>> {
    let each = length / u32::try_from(refusing.len().max(1)).unwrap_or(u32::MAX);
    let mut made = Vec::new();
    for one in refusing {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = tokio::time::sleep(each) => {}
        }
        if let Some(contact) = &one.contact {
            let path = format!("/v1/contacts/{contact}/consents/marketing");
            let wanted = json!({ "state": "withdrawn", "source": "rig" });
            let (status, said) = gateway.persist(&tenant, Method::PUT, &path, &wanted).await?;
            anyhow::ensure!(status == 200, "an opt-out is refused: {status}, {said}");
        } else {
            simulator.say(&one.phone, "stop").await?;
            until_refused(&gateway, &tenant, &one.phone).await?;
        }
        made.push(Refused {
            phone: one.phone,
            at: now_ms(),
        });
    }
    Ok(made)
}

/// Waits until the gateway shows that somebody opted out.
async fn until_refused(gateway: &Gateway, tenant: &Tenant, phone: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let path = format!("/v1/contacts?search={phone}&consent=opted_out");
    loop {
        let (status, found) = gateway.persist(tenant, Method::GET, &path, &Value::Null).await?;
        anyhow::ensure!(status == 200, "{path} is answered {status}: {found}");
        let found = found.get("contacts").and_then(Value::as_array);
        if !found.context("no list of contacts")?.is_empty() {
            return Ok(());
        }
        anyhow::ensure!(
            began.elapsed() < REFUSED,
            "{phone} said stop, and is not opted out within {REFUSED:?}"
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Now, by the clock that rig and simulator share.
#[expect(
    clippy::disallowed_methods,
    reason = "a rig measures against the machine's clock"
)]
pub(super) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
