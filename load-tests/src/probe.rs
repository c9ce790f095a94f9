//! Looks at a gateway from outside while something is done to it: signed webhooks at an even pace, and `/healthz`.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::intake::{Maker, Open, Posted};
use crate::stage::{ACCOUNT, NUMBER, SECRET, Stage};

/// Between two looks at `/healthz`.
const PAUSE: Duration = Duration::from_millis(20);

/// A look of a set length.
pub struct Probe {
    webhooks: JoinHandle<anyhow::Result<Posted>>,
    health: JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Probe {
    /// Begins to look.
    pub fn start(stage: &Stage, rate: u32, length: Duration) -> Self {
        let address = stage.gateway.url("").trim_start_matches("http://").to_owned();
        let maker = Maker::new(SECRET, ACCOUNT, NUMBER, &address, "/webhooks/whatsapp");
        let open = Open {
            rate,
            connections: 8,
            length,
            began: Instant::now(),
        };
        let (client, url) = (stage.gateway.client().clone(), stage.gateway.url("/healthz"));
        let until = Instant::now() + length;
        let health = async move {
            let mut micros = Histogram::new_with_bounds(1, 60_000_000, 3)?;
            while Instant::now() < until {
                let began = Instant::now();
                client.get(&url).send().await?.error_for_status()?;
                micros.saturating_record(u64::try_from(began.elapsed().as_micros())?);
                tokio::time::sleep(PAUSE).await;
            }
            anyhow::Ok(micros)
        };
        Self {
            webhooks: tokio::spawn(async move { open.post(maker).await }),
            health: tokio::spawn(health),
        }
    }

    /// What was seen, once the time is over.
    pub async fn end(self) -> anyhow::Result<Seen> {
        Ok(Seen {
            webhooks: self.webhooks.await??,
            health: self.health.await??,
        })
    }
}

/// What a look showed.
pub struct Seen {
    webhooks: Posted,
    health: Histogram<u64>,
}

impl Seen {
    /// In milliseconds.
    pub fn webhook_p99_ms(&self) -> f64 {
        ms(self.webhooks.acknowledged.value_at_quantile(0.99))
    }

    /// Answers other than 200.
    pub fn failed(&self) -> u64 {
        self.webhooks.failed
    }

    /// The figures.
    pub fn line(&self) -> Value {
        json!({
            "webhooks": self.webhooks.acknowledged.len(), "refused": self.webhooks.failed,
            "webhook_p50_ms": ms(self.webhooks.acknowledged.value_at_quantile(0.5)),
            "webhook_p99_ms": self.webhook_p99_ms(),
            "webhook_max_ms": ms(self.webhooks.acknowledged.max()),
            "client_lag_p99_ms": ms(self.webhooks.lag.value_at_quantile(0.99)),
            "healthz_p99_ms": ms(self.health.value_at_quantile(0.99)),
            "healthz_max_ms": ms(self.health.max()),
        })
    }
}

fn ms(micros: u64) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1_000.0
}
