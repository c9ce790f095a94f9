//! Looks at a gateway from outside while something is done to it: signed webhooks at an even pace, and `/healthz`. Beside them
//! the same webhooks to a handler of another process, to which nothing is done and which makes them durable as well, and syncs of
//! the same disk: what the machine itself makes of both.

use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bounds::beside_a_bystander;
use crate::intake::{Maker, Open, Posted, disk, start_bare};
use crate::process::Process;
use crate::stage::{ACCOUNT, NUMBER, SECRET, Stage};

/// Between two looks at `/healthz`.
const PAUSE: Duration = Duration::from_millis(20);

/// A handler that verifies and parses, makes what came durable, and has no part in what is done to the gateway.
pub struct Bystander {
    address: String,
    process: Process,
}

impl Bystander {
    /// Starts it.
    pub async fn start(stage: &Stage) -> anyhow::Result<Self> {
        let (process, address) = start_bare(stage).await?;
        Ok(Self { address, process })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.process.id().context("the bare handlers ended")
    }
}

/// A look of a set length.
pub struct Probe {
    webhooks: JoinHandle<anyhow::Result<Posted>>,
    bystander: JoinHandle<anyhow::Result<Posted>>,
    disk: disk::Probe,
    health: JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Probe {
    /// Begins to look.
    pub fn start(stage: &Stage, beside: &Bystander, rate: u32, length: Duration) -> anyhow::Result<Self> {
        let address = stage.gateway.url("").trim_start_matches("http://").to_owned();
        let maker = Maker::new(SECRET, ACCOUNT, NUMBER, &address, "/webhooks/whatsapp");
        let unharmed = Maker::new(SECRET, ACCOUNT, NUMBER, &beside.address, "/durable");
        let open = || Open {
            rate,
            connections: 8,
            length,
            began: Instant::now(),
        };
        let (first, second) = (open(), open());
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
        Ok(Self {
            webhooks: tokio::spawn(async move { first.post(maker).await }),
            bystander: tokio::spawn(async move { second.post(unharmed).await }),
            disk: disk::Probe::start(stage.folder())?,
            health: tokio::spawn(health),
        })
    }

    /// What was seen, once the time is over.
    pub async fn end(self) -> anyhow::Result<Seen> {
        Ok(Seen {
            webhooks: self.webhooks.await??,
            bystander: self.bystander.await??,
            health: self.health.await??,
            synced: self.disk.end()?,
        })
    }
}

/// What a look showed.
pub struct Seen {
    webhooks: Posted,
    bystander: Posted,
    health: Histogram<u64>,
    synced: Histogram<u64>,
}

impl Seen {
    /// In milliseconds.
    pub fn webhook_p99_ms(&self) -> f64 {
        ms(self.webhooks.acknowledged.value_at_quantile(0.99))
    }

    /// How many times longer webhooks' p99 is than in quiet, beside a bystander's.
    pub fn over(&self, quiet: &Self) -> f64 {
        let bystander = |seen: &Self| ms(seen.bystander.acknowledged.value_at_quantile(0.99));
        beside_a_bystander(
            self.webhook_p99_ms() / quiet.webhook_p99_ms(),
            bystander(self) / bystander(quiet),
        )
    }

    /// The longest answer of `/healthz`, in milliseconds.
    pub fn health_max_ms(&self) -> f64 {
        ms(self.health.max())
    }

    /// Answers other than 200.
    pub fn failed(&self) -> u32 {
        u32::try_from(self.webhooks.failed).unwrap_or(u32::MAX)
    }

    /// The figures.
    pub fn line(&self) -> Value {
        json!({
            "webhooks": self.webhooks.acknowledged.len(), "refused": self.webhooks.failed,
            "webhook_p50_ms": ms(self.webhooks.acknowledged.value_at_quantile(0.5)),
            "webhook_p99_ms": self.webhook_p99_ms(),
            "webhook_max_ms": ms(self.webhooks.acknowledged.max()),
            "bystander_p99_ms": ms(self.bystander.acknowledged.value_at_quantile(0.99)),
            "fdatasync_p99_ms": ms(self.synced.value_at_quantile(0.99)),
            "client_lag_p99_ms": ms(self.webhooks.lag.value_at_quantile(0.99)),
            "healthz_p99_ms": ms(self.health.value_at_quantile(0.99)),
            "healthz_max_ms": ms(self.health.max()),
        })
    }
}

fn ms(micros: u64) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1_000.0
}
