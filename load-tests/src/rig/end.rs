//! How a rig ends: what was found, one JSON object for programs, and the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Rig;

/// What the end looks like.
pub struct Found {
    /// The oracle's report.
    pub report: Value,
    /// What became of webhooks.
    pub quiet: Value,
}

impl Found {
    /// One of the report's totals.
    pub fn total(&self, name: &str) -> u64 {
        let total = self.report.pointer(&format!("/totals/{name}"));
        total.and_then(Value::as_u64).unwrap_or(0)
    }

    /// The invariants that were broken.
    pub fn broken(&self) -> Vec<&Value> {
        let all = self.report.get("invariants").and_then(Value::as_array);
        let violations = |invariant: &Value| invariant.get("violations").and_then(Value::as_u64);
        all.into_iter()
            .flatten()
            .filter(|invariant| violations(invariant).unwrap_or(0) > 0)
            .collect()
    }

    /// What every rig says, with what one adds.
    pub fn line(&self, rig: &Rig, own: Value) -> Line {
        let total = |name: &str| self.total(name);
        let mut line = json!({
            "inbound_acknowledged": total("inbound_acknowledged"),
            "sends_acknowledged": rig.acknowledged(),
            "sends_accepted": total("sends_accepted"),
            "lost": total("lost") + total("inbound_unshown"),
            "twice": total("twice"),
            "holes": total("holes"),
            "unsettled": total("unsettled"),
            "unknown": total("unknown"),
            "agents": rig.agents(),
            "webhooks": self.quiet,
            "broken": self.broken(),
        });
        if let (Some(line), Value::Object(own)) = (line.as_object_mut(), own) {
            line.extend(own);
        }
        Line(line)
    }
}

/// What a rig says at its end.
pub struct Line(Value);

impl Line {
    /// Whether nothing is lost, came twice or is missing between others, no invariant is broken, and the rig worked at all.
    pub fn is_sound(&self) -> bool {
        let worked = ["inbound_acknowledged", "sends_acknowledged", "sends_accepted"];
        let worked = worked.iter().all(|name| self.number(name) > Some(0));
        let broken = self.0.get("broken").and_then(Value::as_array);
        worked && self.all_zero(&["lost", "twice", "holes"]) && broken.is_some_and(Vec::is_empty)
    }

    /// Whether all of these are there and zero.
    pub fn all_zero(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.number(name) == Some(0))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// Prints it; the exit code says whether all is as it should be.
    pub fn end(&self, good: bool) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", self.0)?;
        out.flush()?;
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
