//! What each death of the gateway left behind.

use serde_json::Value;

use super::Rig;

/// What a death left behind.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// Calls to Graph that were open right before.
    pub calls: u64,
    /// Messages whose outcome became unknown until the next death: their claims were durable and had no end.
    pub unknown: u64,
    before: u64,
}

impl Rig {
    /// The gateway is about to die.
    pub(super) async fn note_death(&mut self) -> anyhow::Result<()> {
        self.count_unknown();
        let stats = self.simulator.stats().await?;
        let calls = stats.get("calls_open").and_then(Value::as_u64).unwrap_or(0);
        self.deaths.push(Death {
            calls,
            unknown: 0,
            before: self.unknown(),
        });
        Ok(())
    }

    /// Outcomes that became unknown so far, as the agents saw it.
    fn unknown(&self) -> u64 {
        let seen = self
            .agents
            .iter()
            .map(|(_, agent)| crate::agent::lock(&agent.seen).unknown);
        seen.max().unwrap_or(0)
    }

    /// What became unknown since the last death, it left behind.
    pub(super) fn count_unknown(&mut self) {
        let now = self.unknown();
        if let Some(death) = self.deaths.last_mut() {
            death.unknown = now.saturating_sub(death.before);
        }
    }
}
