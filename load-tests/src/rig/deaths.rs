//! What each death of the gateway left behind.

use std::fmt;

use serde_json::{Value, json};

use super::Rig;

/// How the gateway came to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cause {
    /// Somebody killed it.
    #[default]
    Kill,
    /// It reached a place at which it dies: perhaps in the middle of beginning calls, whose requests have not left then.
    Place(&'static str),
}

/// What a death left behind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Death {
    /// How it came.
    pub cause: Cause,
    /// Calls to Graph that were open.
    pub calls: u64,
    /// Messages whose outcome became unknown until the next death: their claims were durable and had no end.
    pub unknown: u64,
    /// Of those, the ones for which no call ever came.
    pub uncalled: u64,
    /// Those whose call was answered, while the result was not durable yet.
    pub answered: u64,
    before: usize,
}

impl Death {
    /// What became unknown beyond the calls that were open.
    pub const fn beyond_calls(&self) -> u64 {
        self.unknown.saturating_sub(self.calls)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls,
            unknown,
            uncalled,
            answered,
            ..
        } = self;
        write!(
            f,
            "{unknown} ({calls} calls were open, {uncalled} had none, {answered} were answered)"
        )
    }
}

impl Rig {
    /// The gateway died just now.
    pub(super) async fn note_death(&mut self, cause: Cause) -> anyhow::Result<()> {
        let calls = self.simulator.callers_gone().await?;
        self.count_unknown().await?;
        self.deaths.push(Death {
            cause,
            calls,
            before: self.unknown().len(),
            ..Death::default()
        });
        Ok(())
    }

    /// Messages whose outcome became unknown so far, as the agents saw it.
    fn unknown(&self) -> Vec<Value> {
        let seen = self
            .agents
            .iter()
            .map(|(_, agent)| crate::agent::lock(&agent.seen).unknown.clone());
        seen.max_by_key(Vec::len).unwrap_or_default()
    }

    /// What became unknown since the last death, it left behind.
    pub(super) async fn count_unknown(&mut self) -> anyhow::Result<()> {
        let unknown = self.unknown();
        let Some(death) = self.deaths.last_mut() else {
            return Ok(());
        };
        let left = unknown.get(death.before..).unwrap_or_default();
        let calls = self.simulator.calls(&json!(left)).await?;
        let count = |name: &str| calls.get(name).and_then(Value::as_u64).unwrap_or(0);
        death.unknown = u64::try_from(left.len()).unwrap_or(u64::MAX);
        death.uncalled = count("never");
        death.answered = count("answered");
        Ok(())
    }
}
