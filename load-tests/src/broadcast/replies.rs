//! Agents' replies on the broadcast's number, and how long each waits between its acceptance and its call.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::{Gateway, Submitted, Tenant};
use crate::simulator::Simulator;
use crate::stage::NUMBER;

/// How long the last ones may take until they are called for.
const LAST: Duration = Duration::from_secs(5);

/// A reply that was accepted: its message, and when that was answered, in milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Accepted {
    message: String,
    at: i64,
}

/// What became of replies.
pub struct Replies {
    /// Milliseconds from the acceptance until Graph has the call.
    waits: Histogram<u64>,
    /// Milliseconds from the request to its acceptance.
    answers: Histogram<u64>,
    /// Accepted ones that Graph never got.
    pub unsent: u32,
    /// Those that were not accepted.
    pub refused: u32,
}

/// Sends replies at an even pace, each to the next customer; the accepted ones, how long each took to be accepted, and how many were refused.
pub async fn send(
    (gateway, tenant): (Gateway, Tenant),
    to: Vec<String>,
    rate: u32,
    length: Duration,
) -> anyhow::Result<(Vec<Accepted>, Histogram<u64>, u32)> {
    let mut answers = Histogram::new_with_bounds(1, 60_000, 3)?;
    let (mut accepted, mut refused) = (Vec::new(), 0);
    if rate == 0 {
        return Ok((accepted, answers, refused));
    }
    let (began, run) = (Instant::now(), now_ms());
    let mut tasks = tokio::task::JoinSet::new();
    for (n, recipient) in (0_u32..).zip(to.iter().cycle()) {
        let due = Duration::from_secs(1) * n / rate;
        if due >= length {
            break;
        }
        tokio::time::sleep_until(began + due).await;
        let (gateway, tenant) = (gateway.clone(), tenant.clone());
        let body = json!({
            "number": NUMBER, "to": recipient, "type": "text", "text": { "body": format!("mk-r{run:x}-{n}") },
        });
        tasks.spawn(async move {
            let asked = Instant::now();
            let answer = gateway.submit(&tenant, &format!("r{run}-{n}"), &body).await;
            (answer, now_ms(), asked.elapsed())
        });
    }
    while let Some(done) = tasks.join_next().await {
        match done? {
            (Submitted::Accepted { message }, at, took) => {
                accepted.push(Accepted { message, at });
                answers.saturating_record(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            }
            (Submitted::Refused { status, code, .. }, ..) => {
                refused += 1;
                eprintln!("a reply was refused: {status} {code}");
            }
            (Submitted::NoAnswer, ..) => refused += 1,
        }
    }
    Ok((accepted, answers, refused))
}

impl Replies {
    /// Looks up when Graph got each.
    pub async fn of(
        simulator: &Simulator,
        (accepted, answers, refused): (Vec<Accepted>, Histogram<u64>, u32),
    ) -> anyhow::Result<Self> {
        tokio::time::sleep(LAST).await;
        let sends = simulator.sends().await?;
        let got: HashMap<&str, i64> = sends
            .iter()
            .filter_map(|sent| {
                let message = sent.get("message_id")?.as_str()?;
                Some((message, sent.get("accepted_at_ms")?.as_i64()?))
            })
            .collect();
        let mut waits = Histogram::new_with_bounds(1, 600_000, 3)?;
        let mut unsent = 0;
        for one in &accepted {
            match got.get(one.message.as_str()) {
                // Whoever asked may hear of the acceptance after Graph got the call.
                Some(at) => waits.saturating_record(u64::try_from((at - one.at).max(0)).unwrap_or(0)),
                None => unsent += 1,
            }
        }
        Ok(Self {
            waits,
            answers,
            unsent,
            refused,
        })
    }

    /// How long one waits at p99, in milliseconds; none at all cannot be told.
    pub fn p99_ms(&self) -> f64 {
        if self.waits.is_empty() {
            return f64::NAN;
        }
        ms(self.waits.value_at_quantile(0.99))
    }

    /// The figures.
    pub fn line(&self) -> Value {
        json!({
            "sent": self.waits.len(), "unsent": self.unsent, "refused": self.refused,
            "wait_p50_ms": ms(self.waits.value_at_quantile(0.5)), "wait_p99_ms": ms(self.waits.value_at_quantile(0.99)),
            "wait_max_ms": ms(self.waits.max()), "accepted_p99_ms": ms(self.answers.value_at_quantile(0.99)),
        })
    }
}

fn ms(millis: u64) -> f64 {
    f64::from(u32::try_from(millis).unwrap_or(u32::MAX))
}

/// Now, by the clock that rig and simulator share.
#[expect(
    clippy::disallowed_methods,
    reason = "a rig measures against the machine's clock"
)]
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
