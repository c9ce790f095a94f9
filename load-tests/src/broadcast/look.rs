//! People at work: what agents and customers notice within some time.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::replies::{self, Replies};
use super::sockets::{Agents, Carried};
use super::{BESIDE, BroadcastArgs};
use crate::intake::load::Listener;
use crate::intake::{Maker, Open, Posted};
use crate::stage::{ACCOUNT, SECRET, Stage};

/// Conversations of the watched messages: the maker's customers take turns.
const CONVERSATIONS: u32 = 2_000;
/// How fast they begin, at least, in messages a second.
const BEGIN: u32 = 200;
/// How long it is looked whether many are applied yet: only customers of the broadcast's number write then.
const APPLIED: Duration = Duration::from_secs(1);
const LOOKS: u32 = 90;

/// Whoever looks.
pub struct Look<'a> {
    stage: &'a Stage,
    args: &'a BroadcastArgs,
    /// Customers to whom agents reply.
    known: Vec<String>,
    agents: &'a Agents,
}

/// What was seen.
pub struct Seen {
    posted: Posted,
    delays: Histogram<u64>,
    /// Replies on the broadcast's number.
    pub replies: Replies,
    /// What agents' sockets carried.
    pub carried: Carried,
    /// Where the simulator stood at the beginning and at the end, and how many seconds lay between.
    pub counted: (Value, Value, f64),
}

impl<'a> Look<'a> {
    /// Begins the conversations: the first message of one is another event than those that follow.
    pub async fn begin(
        stage: &'a Stage,
        args: &'a BroadcastArgs,
        known: Vec<String>,
        agents: &'a Agents,
    ) -> anyhow::Result<Self> {
        let look = Self {
            stage,
            args,
            known,
            agents,
        };
        let rate = args.inbound.max(BEGIN);
        let length = Duration::from_secs(u64::from(CONVERSATIONS / rate) + 1);
        look.messages(rate, length).await?;
        Ok(look)
    }

    /// Looks for so long.
    pub async fn look(&self, length: Duration) -> anyhow::Result<Seen> {
        let sender = (self.stage.gateway.clone(), self.stage.tenant.clone());
        self.until_applied().await?;
        drop(self.agents.take(length)?);
        let (before, began) = (self.stage.simulator.stats().await?, Instant::now());
        let replies = replies::send(sender, self.known.clone(), self.args.replies, length);
        let (messages, replies) = tokio::join!(self.messages(self.args.inbound, length), replies);
        let after = self.stage.simulator.stats().await?;
        let counted = (before, after, began.elapsed().as_secs_f64());
        let carried = self.agents.take(began.elapsed())?;
        let (posted, delays) = messages?;
        Ok(Seen {
            posted,
            delays,
            replies: Replies::of(&self.stage.simulator, replies?).await?,
            carried,
            counted,
        })
    }

    /// Waits until what was posted before is applied: sockets would carry it in the time that is looked at.
    async fn until_applied(&self) -> anyhow::Result<()> {
        let applied = || self.stage.gateway.metric("mesej_applied_total{kind=\"message\"}");
        let mut before = applied().await?;
        for _ in 0..LOOKS {
            tokio::time::sleep(APPLIED).await;
            let now = applied().await?;
            if now <= before + f64::from(BEGIN) / 4.0 {
                return Ok(());
            }
            before = now;
        }
        anyhow::bail!("what was posted before is not applied yet")
    }

    /// Posts webhooks of the other number; how long each took, and when an agent's socket had it.
    async fn messages(&self, rate: u32, length: Duration) -> anyhow::Result<(Posted, Histogram<u64>)> {
        let address = self.stage.gateway.url("");
        let address = address.trim_start_matches("http://");
        let maker = Maker::new(SECRET, ACCOUNT, BESIDE, address, "/webhooks/whatsapp");
        let listener = Listener::start(self.stage).await?;
        let open = Open {
            rate,
            connections: 4,
            length,
            began: listener.began(),
        };
        let posted = open.post(maker).await?;
        let delays = listener.end(posted.acknowledged.len()).await?;
        Ok((posted, delays))
    }
}

impl Seen {
    /// From the post of a customer's message until an agent's socket has it, at p99, in milliseconds.
    pub fn seen_p99_ms(&self) -> f64 {
        ms(&self.delays, 0.99)
    }

    /// Messages that no socket had in the end.
    pub fn unseen(&self) -> f64 {
        let missing = self.posted.acknowledged.len().saturating_sub(self.delays.len());
        f64::from(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// The figures.
    pub fn line(&self) -> Value {
        json!({
            "messages": self.posted.acknowledged.len(), "refused": self.posted.failed, "unseen": self.unseen(),
            "ack_p99_ms": ms(&self.posted.acknowledged, 0.99), "lag_p99_ms": ms(&self.posted.lag, 0.99),
            "seen_p50_ms": ms(&self.delays, 0.5), "seen_p99_ms": self.seen_p99_ms(), "seen_max_ms": ms(&self.delays, 1.0),
            "replies": self.replies.line(), "carried": self.carried.line(),
        })
    }
}

fn ms(micros: &Histogram<u64>, quantile: f64) -> f64 {
    f64::from(u32::try_from(micros.value_at_quantile(quantile)).unwrap_or(u32::MAX)) / 1_000.0
}
