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
            self.verdict(),
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
            let _ = writeln!(text, "{} {:<80} {verdict}", invariant.id, invariant.promise);
            for example in &invariant.examples {
                let _ = writeln!(text, "     {example}");
            }
        }
        text
    }

    /// What can be said of all promises together: a promise that nobody looked at was not seen to be kept.
    fn verdict(&self) -> String {
        let all = self.invariants.len();
        let seen = all - self.unobserved.len();
        let cases: u64 = self.invariants.iter().map(|invariant| invariant.checked).sum();
        let unseen = self.unobserved.join(", ");
        match (self.ok, seen) {
            (false, _) if seen == all => format!("BROKEN PROMISES; {cases} cases looked at"),
            (false, _) => format!("BROKEN PROMISES; {cases} cases looked at, none of {unseen}"),
            (true, 0) => "nothing was looked at: no driver has reported, and nothing was sent".to_owned(),
            (true, _) if seen == all => format!("all {all} promises kept in {cases} cases"),
            (true, _) => {
                format!("{seen} of {all} promises kept in {cases} cases; not looked at: {unseen}")
            }
        }
    }
}
