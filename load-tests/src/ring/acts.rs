//! What happens to the nodes, and what the gateway's callers notice of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::probe::{Probe, Refusals};
use crate::cluster::Order;
use crate::rig::Rig;
use crate::sender::Book;

/// How long a node is stopped.
const STOPPED: Duration = Duration::from_secs(4);
/// Between two probes of a gateway whose store is away.
const PROBES: Duration = Duration::from_millis(250);
/// How long the gateway may take to recover before the rig gives up.
const RECOVERY: Duration = Duration::from_secs(240);

/// Which node plays which part.
#[derive(Debug)]
pub(super) struct Cast {
    /// Killed in act one, where another two are left.
    killed: Option<u8>,
    /// Stopped in act one.
    stopped: Option<u8>,
    /// Killed in act two, all at once.
    lost: Vec<u8>,
}

impl Cast {
    /// Deals the parts out.
    pub(super) fn by_lot(nodes: u8, seed: u64) -> Self {
        let mut all: Vec<u8> = (1..=nodes).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut all);
        match all.as_slice() {
            [killed, stopped, third] => Self {
                killed: Some(*killed),
                stopped: Some(*stopped),
                lost: vec![*stopped, *third],
            },
            _ => Self {
                killed: None,
                stopped: None,
                lost: all,
            },
        }
    }
}

/// What callers noticed of act one.
#[derive(Debug, Default)]
pub(super) struct ActOne {
    pub(super) secs: f64,
    /// Webhooks posted, and of those not answered 200.
    pub(super) webhooks: u64,
    pub(super) webhooks_failed: u64,
    /// Submits, and of those not answered 202; those that were not begun count as both.
    pub(super) submits: u64,
    pub(super) submits_failed: u64,
    /// Customers' messages that were acknowledged in it.
    pub(super) inbound: u64,
    pub(super) accepted: u64,
    /// How long submits took until they were accepted, in milliseconds: half of them, and all but one in a hundred.
    pub(super) p50_ms: u32,
    pub(super) p99_ms: u32,
}

impl ActOne {
    /// Of all that callers asked, how much was not done, in per cent.
    pub(super) fn error_rate(&self) -> f64 {
        let all = (self.webhooks + self.submits).max(1);
        100.0 * share(self.webhooks_failed + self.submits_failed, all)
    }

    /// How many a second.
    pub(super) fn per_second(&self, count: u64) -> f64 {
        (share(count, 1) / self.secs.max(0.001) * 10.0).round() / 10.0
    }
}

fn share(part: u64, all: u64) -> f64 {
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(part) / number(all)
}

impl fmt::Display for ActOne {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} webhooks and {} of {} submits failed; submits took {} ms (p50), {} ms (p99)",
            self.webhooks_failed, self.webhooks, self.submits_failed, self.submits, self.p50_ms, self.p99_ms
        )
    }
}

/// Counts that only grow.
struct Counts {
    webhooks: u64,
    webhooks_failed: u64,
    inbound: u64,
    accepted: u64,
    submits_failed: u64,
    latencies: usize,
}

impl Counts {
    async fn now(rig: &Rig, book: &Book) -> anyhow::Result<Self> {
        let stats = rig.simulator.stats().await?;
        let number = |path: &str| {
            stats
                .pointer(path)
                .and_then(Value::as_u64)
                .with_context(|| format!("the simulator's stats have no {path}"))
        };
        let answers = book.answers();
        let accepted = answers.get("accepted").copied().unwrap_or(0);
        let skipped = book.skipped.load(std::sync::atomic::Ordering::Relaxed);
        Ok(Self {
            webhooks: number("/webhooks/posted")?,
            webhooks_failed: number("/webhooks/failed")?,
            inbound: number("/inbound_acknowledged")?,
            accepted,
            submits_failed: answers.values().sum::<u64>() - accepted + skipped,
            latencies: book.took_ms().len(),
        })
    }
}

/// One node dies and comes back, another holds its breath.
pub(super) async fn one(rig: &mut Rig, cast: &Cast, length: Duration) -> anyhow::Result<ActOne> {
    let book = rig.submits().context("nothing is sent")?;
    let before = Counts::now(rig, &book).await?;
    let began = Instant::now();
    if let (Some(killed), Some(stopped)) = (cast.killed, cast.stopped) {
        let cluster = rig.cluster.as_mut().context("there are no nodes")?;
        sleep_until(began + length / 6).await;
        cluster.order(Order::Kill, &[killed]).await?;
        eprintln!("node {killed} killed");
        sleep_until(began + length / 3).await;
        cluster.order(Order::Start, &[killed]).await?;
        let back = Instant::now();
        eprintln!(
            "node {killed} is back after {:.0} s",
            began.elapsed().as_secs_f64()
        );
        // Both at once would leave too few.
        sleep_until((began + length * 2 / 3).max(back + length / 6)).await;
        cluster.order(Order::Stop, &[stopped]).await?;
        eprintln!("node {stopped} stopped");
        sleep(STOPPED).await;
        cluster.order(Order::Continue, &[stopped]).await?;
        sleep(length / 6).await;
    }
    sleep_until(began + length).await;
    let secs = began.elapsed().as_secs_f64();
    let after = Counts::now(rig, &book).await?;
    rig.tell_oracle().await?;
    let mut took = book.took_ms().split_off(before.latencies);
    took.sort_unstable();
    let at = |per_cent: usize| {
        let index = took.len() * per_cent / 100;
        took.get(index.min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    };
    let accepted = after.accepted - before.accepted;
    let submits_failed = after.submits_failed - before.submits_failed;
    Ok(ActOne {
        secs,
        webhooks: after.webhooks - before.webhooks,
        webhooks_failed: after.webhooks_failed - before.webhooks_failed,
        submits: accepted + submits_failed,
        submits_failed,
        inbound: after.inbound - before.inbound,
        accepted,
        p50_ms: at(50),
        p99_ms: at(99),
    })
}

/// What callers noticed of an outage.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) refusals: Refusals,
    /// From when the nodes took connections again until webhooks and sends were taken.
    pub(super) recovery: Duration,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}; everything was taken {} ms after the nodes were back",
            self.refusals,
            self.recovery.as_millis()
        )
    }
}

/// Too few nodes are left for a while.
pub(super) async fn two(rig: &mut Rig, cast: &Cast, length: Duration) -> anyhow::Result<Outage> {
    let probe = Arc::new(Probe::new(rig));
    let cluster = rig.cluster.as_mut().context("there are no nodes")?;
    cluster.order(Order::Kill, &cast.lost).await?;
    eprintln!("nodes {:?} killed", cast.lost);
    let over = Instant::now() + length;
    let mut probes = tokio::task::JoinSet::new();
    while Instant::now() < over {
        let (webhook, send) = (Arc::clone(&probe), Arc::clone(&probe));
        probes.spawn(async move { webhook.webhook().await });
        probes.spawn(async move { send.send().await });
        sleep(PROBES).await;
    }
    // Those under way are answered before a node is back, so that none is taken by a store that recovers.
    let refusals = Refusals::of(probes.join_all().await);
    cluster.order(Order::Start, &cast.lost).await?;
    let back = Instant::now();
    loop {
        let (webhook, send) = tokio::join!(probe.webhook(), probe.send());
        if webhook.is_taken() && send.is_taken() {
            break;
        }
        anyhow::ensure!(
            back.elapsed() < RECOVERY,
            "the gateway did not recover within {RECOVERY:?}: {webhook:?}, {send:?}"
        );
        sleep(PROBES).await;
    }
    let recovery = back.elapsed();
    rig.tell_oracle().await?;
    Ok(Outage { refusals, recovery })
}
