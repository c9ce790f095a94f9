//! The report as people read it.

use std::fmt::Write as _;

use super::Report;

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let totals = &self.totals;
        let mut text = format!(
            "seed {}: {}\n\
             inbound {} ({} acknowledged, {} unshown), submitted {}, accepted by Graph {} ({} messages)\n\
             lost {}, twice {} (allowed {}), holes {}, unsettled {}, unknown {}\n",
            self.seed,
            if self.ok {
                "all promises kept"
            } else {
                "BROKEN PROMISES"
            },
            totals.inbound,
            totals.inbound_acknowledged,
            totals.inbound_unshown,
            totals.submitted,
            totals.sends_accepted,
            totals.messages_accepted,
            totals.lost,
            totals.twice,
            totals.twice_allowed,
            totals.holes,
            totals.unsettled,
            totals.unknown,
        );
        for invariant in &self.invariants {
            let verdict = match (invariant.checked, invariant.violations) {
                (0, 0) => "not looked at".to_owned(),
                (checked, 0) => format!("kept in {checked}"),
                (checked, violations) => format!("BROKEN in {violations} of {checked}"),
            };
            let _ = writeln!(text, "{} {:<70} {verdict}", invariant.id, invariant.promise);
            for example in &invariant.examples {
                let _ = writeln!(text, "     {example}");
            }
        }
        text
    }
}
