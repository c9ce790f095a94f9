//! The verdict: invariant by invariant, with counts and examples.

use serde::{Deserialize, Serialize};

use super::delivery::DeliveryState;
use super::{EXAMPLES, Findings, MessageFacts};
use crate::ids::MessageId;
use crate::sends::Category;
use crate::wamid::Way;
use crate::world::World;

/// What the oracle found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Repeats the run.
    pub seed: u64,
    /// Whether nothing disagrees. Says nothing of what was not looked at: see `unobserved`.
    pub ok: bool,
    /// The promises of which no case was looked at, because nobody reported what it takes.
    #[serde(default)]
    pub unobserved: Vec<String>,
    /// How much of everything.
    pub totals: Totals,
    /// One entry for each promise.
    pub invariants: Vec<Invariant>,
}

/// How much of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Messages that customers wrote.
    pub inbound: u64,
    /// Of those, in a webhook that was answered 200.
    pub inbound_acknowledged: u64,
    /// Of the acknowledged, never shown to an agent; 0 while no agent reports.
    pub inbound_unshown: u64,
    /// Sends that the gateway acknowledged to its callers.
    pub submitted: u64,
    /// Markers submitted that Graph never accepted; rightly so where the send failed.
    pub markers_unsent: u64,
    /// Sends that Graph accepted.
    pub sends_accepted: u64,
    /// Different messages of the gateway among them.
    pub messages_accepted: u64,
    /// Messages whose state in history is `unknown`.
    pub unknown: u64,
    /// Acknowledged and gone: customers' messages and sends missing in history, sends shown as sent that Graph never
    /// accepted.
    pub lost: u64,
    /// Messages that Graph accepted more than once, their sender not having allowed it.
    pub twice: u64,
    /// The same where the sender allowed it.
    pub twice_allowed: u64,
    /// The same content to the same recipient again, under whatever message: often rightly so.
    pub same_content_again: u64,
    /// Places of the ledger that an agent passed over.
    pub holes: u64,
    /// Places that an agent saw more than once, which is allowed.
    pub repeats: u64,
    /// Messages in history that wait for an outcome: `queued`, `claimed`, `held`.
    pub unsettled: u64,
    /// Rows of history that drivers read.
    pub history_rows: u64,
    /// Rows that are neither a customer's message nor a known send.
    pub unknown_rows: u64,
}

/// One promise and whether it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariant {
    /// `I1` to `I8`.
    pub id: String,
    /// What is promised.
    pub promise: String,
    /// How many cases were looked at; 0 means that no driver reported what it takes.
    pub checked: u64,
    /// In how many it was broken.
    pub violations: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Invariant {
    fn new(id: &str, promise: &str, checked: u64, findings: Findings) -> Self {
        Self {
            id: id.to_owned(),
            promise: promise.to_owned(),
            checked,
            violations: findings.count,
            examples: findings.examples,
        }
    }

    fn is_unobserved(&self) -> bool {
        self.checked == 0 && self.violations == 0
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl World {
    pub(crate) fn report(&self) -> Report {
        let oracle = &self.oracle;
        let mut totals = Totals {
            inbound: count(self.inbounds.len()),
            sends_accepted: self.counts.sends_accepted,
            markers_unsent: count(oracle.markers_submitted.difference(&oracle.markers_seen).count()),
            history_rows: oracle.history_rows,
            unknown_rows: oracle.unknown_rows,
            same_content_again: oracle
                .contents
                .values()
                .map(|times| u64::from(times.saturating_sub(1)))
                .sum(),
            ..Totals::default()
        };
        let invariants = vec![
            self.inbound_once(&mut totals),
            self.sends_settle(&mut totals),
            self.one_request_each(),
            self.repeated_with_proof(&mut totals),
            self.ledger_dense(&mut totals),
            Invariant::new(
                "I6",
                "the state shown of a message never sinks",
                oracle.states_shown,
                copy(&oracle.sank),
            ),
            self.refusals_honoured(),
            Invariant::new(
                "I8",
                "no tenant is given a row of another",
                oracle.rows_owned,
                copy(&oracle.strangers),
            ),
        ];
        let unobserved = invariants.iter().filter(|invariant| invariant.is_unobserved());
        Report {
            seed: self.config.seed,
            ok: invariants.iter().all(|invariant| invariant.violations == 0),
            unobserved: unobserved.map(|invariant| invariant.id.clone()).collect(),
            totals,
            invariants,
        }
    }

    fn inbound_once(&self, totals: &mut Totals) -> Invariant {
        let oracle = &self.oracle;
        let mut findings = copy(&oracle.kept_strange);
        let looked = oracle.history_rows > 0;
        for (index, inbound) in self.inbounds.iter() {
            let wamid = || self.wamids.write(Way::In, inbound.address, index.0);
            if inbound.acknowledged {
                totals.inbound_acknowledged += 1;
                if !oracle.inbound_shown.is_empty() && !oracle.inbound_shown.contains(&index.0) {
                    totals.inbound_unshown += 1;
                }
                if looked && inbound.in_history == 0 {
                    totals.lost += 1;
                    findings.add(|| format!("{} was acknowledged and is not in history", wamid()));
                }
            }
            if inbound.in_history > 1 {
                findings.add(|| format!("{} is in history {} times", wamid(), inbound.in_history));
            }
        }
        for _ in 0..self.outbox.stats().forged_accepted {
            findings.add(|| "a badly signed webhook was answered 200".to_owned());
        }
        let checked = if looked { totals.inbound_acknowledged } else { 0 };
        Invariant::new(
            "I1",
            "a webhook answered 200 is in history exactly once",
            checked + self.outbox.stats().forged,
            findings,
        )
    }

    fn sends_settle(&self, totals: &mut Totals) -> Invariant {
        let oracle = &self.oracle;
        let looked = oracle.history_rows > 0;
        let mut findings = Findings::default();
        let mut checked = 0;
        for (id, facts) in &oracle.messages {
            totals.submitted += u64::from(facts.submitted);
            totals.messages_accepted += u64::from(facts.accepted > 0);
            if !looked || !(facts.submitted || facts.in_history > 0) {
                continue;
            }
            checked += 1;
            match settled(*id, facts) {
                Ok(()) => {}
                Err(Unsettled::Lost(why)) => {
                    totals.lost += 1;
                    findings.add(|| why);
                }
                Err(Unsettled::Waiting(why)) => {
                    totals.unsettled += 1;
                    findings.add(|| why);
                }
                Err(Unsettled::Wrong(why)) => findings.add(|| why),
            }
            totals.unknown += u64::from(facts.state == Some(DeliveryState::Unknown));
        }
        Invariant::new(
            "I2",
            "what was accepted reaches a final state, and the true one",
            checked,
            findings,
        )
    }

    fn one_request_each(&self) -> Invariant {
        let mut findings = Findings::default();
        let mut checked = 0;
        for (id, facts) in &self.oracle.messages {
            checked += u64::from(facts.attempts.count_ones());
            if facts.repeated > 0 {
                findings.add(|| format!("message {id}: {} requests repeated an attempt", facts.repeated));
            }
        }
        Invariant::new("I3", "at most one request for each attempt", checked, findings)
    }

    fn repeated_with_proof(&self, totals: &mut Totals) -> Invariant {
        let mut findings = Findings::default();
        let mut checked = 0;
        for (id, facts) in &self.oracle.messages {
            checked += u64::from(facts.accepted > 0 || facts.attempts.count_ones() > 1);
            if facts.accepted > 1 {
                if facts.repeatable {
                    totals.twice_allowed += 1;
                } else {
                    totals.twice += 1;
                    findings.add(|| format!("message {id} was accepted {} times", facts.accepted));
                }
            } else if facts.unjustified > 0 && !facts.repeatable {
                findings.add(|| {
                    format!("message {id} was repeated though nobody could know that it was not accepted")
                });
            }
        }
        totals.twice += self.oracle.marked_twice_count;
        for index in &self.oracle.marked_twice {
            findings.add(|| {
                let address = self.sends.get(*index).map_or(0, |sent| sent.address);
                let wamid = self.wamids.write(Way::Out, address, index.0);
                format!("{wamid} has a marker that its recipient had before")
            });
        }
        let shown = count(self.oracle.marked_twice.len());
        findings.count += self.oracle.marked_twice_count.saturating_sub(shown);
        checked += count(self.oracle.markers.len());
        Invariant::new(
            "I4",
            "no message is sent again unless provably not accepted, or allowed by its sender",
            checked,
            findings,
        )
    }

    fn ledger_dense(&self, totals: &mut Totals) -> Invariant {
        let mut findings = copy(&self.oracle.changed);
        let mut checked = 0;
        for (key, stream) in &self.oracle.streams {
            checked += stream.seen();
            totals.holes += stream.holes();
            totals.repeats += stream.repeats;
            if let Some(hole) = stream.first_hole() {
                findings.add(|| {
                    format!(
                        "{} missed {} events of epoch {}, the first is seq {hole}",
                        key.agent,
                        stream.holes(),
                        key.epoch
                    )
                });
            }
        }
        Invariant::new(
            "I5",
            "seq is dense, and an event once readable never changes",
            checked,
            findings,
        )
    }

    fn refusals_honoured(&self) -> Invariant {
        let refused = &self.oracle.refused;
        let mut findings = Findings::default();
        if !refused.is_empty() {
            for (index, sent) in self.sends.iter() {
                let refusal = sent.to.customer().and_then(|customer| refused.get(&customer));
                let Some(refusal) = refusal else { continue };
                let marketing = matches!(sent.category, Category::Marketing | Category::MarketingLite);
                if sent.at > refusal.after && (marketing || refusal.everything) {
                    findings.add(|| {
                        let wamid = self.wamids.write(Way::Out, sent.address, index.0);
                        format!("{wamid} went to somebody who had refused")
                    });
                }
            }
        }
        Invariant::new(
            "I7",
            "nothing is sent to who refused before it was claimed",
            count(refused.len()),
            findings,
        )
    }
}

enum Unsettled {
    Lost(String),
    Waiting(String),
    Wrong(String),
}

/// Whether a message came to an end, and to a true one.
fn settled(id: MessageId, facts: &MessageFacts) -> Result<(), Unsettled> {
    if facts.in_history == 0 {
        return Err(Unsettled::Lost(format!(
            "message {id} was acknowledged and is not in history"
        )));
    }
    if facts.in_history > 1 {
        return Err(Unsettled::Wrong(format!(
            "message {id} is in history {} times",
            facts.in_history
        )));
    }
    let Some(state) = facts.state else {
        return Ok(());
    };
    let name = state.as_str();
    match state {
        DeliveryState::Queued | DeliveryState::Claimed | DeliveryState::Held => {
            Err(Unsettled::Waiting(format!(
                "message {id} is still {name} (accepted by Graph {} times)",
                facts.accepted
            )))
        }
        DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Played
            if facts.accepted == 0 =>
        {
            Err(Unsettled::Lost(format!(
                "message {id} is shown as {name}, but Graph never accepted it"
            )))
        }
        DeliveryState::Expired | DeliveryState::Cancelled if facts.accepted > 0 => Err(Unsettled::Wrong(
            format!("message {id} is shown as {name}, but Graph accepted it"),
        )),
        _ => Ok(()),
    }
}

fn copy(findings: &Findings) -> Findings {
    Findings {
        count: findings.count,
        examples: findings.examples.iter().take(EXAMPLES).cloned().collect(),
    }
}
