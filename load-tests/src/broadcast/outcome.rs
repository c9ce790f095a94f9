//! What became of a broadcast: what the gateway tells of each recipient, beside what Graph took.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::audience::Audience;
use super::calls::Broadcast;
use crate::simulator::Simulator;

/// What is wrong that is told in words, at most.
const EXAMPLES: usize = 12;

/// A message that Graph took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The furthest status that it was told of.
    pub status: Option<String>,
}

/// All that Graph took, by the recipient's phone.
pub struct AllTaken(ByPhone);

type ByPhone = HashMap<String, Vec<Taken>>;

impl AllTaken {
    /// Asks the simulator for all templates that it took.
    pub async fn read(simulator: &Simulator) -> anyhow::Result<Self> {
        let mut all = ByPhone::new();
        for sent in simulator.sends().await? {
            let word = |name: &str| sent.get(name).and_then(Value::as_str);
            if let (Some("template"), Some(to)) = (word("type"), word("to")) {
                all.entry(to.trim_start_matches('+').to_owned())
                    .or_default()
                    .push(Taken {
                        at: sent.get("accepted_at_ms").and_then(Value::as_i64).unwrap_or(0),
                        status: word("status").map(str::to_owned),
                    });
            }
        }
        Ok(Self(all))
    }

    /// Messages to one phone.
    pub fn to(&self, phone: &str) -> &[Taken] {
        self.0.get(phone).map_or(&[], Vec::as_slice)
    }

    /// When an audience was sent to, in milliseconds since 1970, sorted.
    pub fn times(&self, audience: &Audience) -> Vec<i64> {
        let mut times: Vec<i64> = audience
            .phones()
            .flat_map(|phone| self.to(phone))
            .map(|taken| taken.at)
            .collect();
        times.sort_unstable();
        times
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Recipients by what they came to, as the gateway tells it.
    pub outcomes: BTreeMap<String, u64>,
    /// The failed ones by code.
    pub codes: BTreeMap<String, u64>,
    /// Recipients to whom Graph took a message.
    pub reached: u64,
    /// Recipients to whom it took more than one.
    pub twice: u64,
    /// Recipients of whom nothing is told.
    pub forgotten: u64,
    /// Recipients of whom something else is told than is so.
    pub told_otherwise: u64,
    /// Counts of the broadcast that are not those of its recipients.
    pub counts_apart: u64,
    /// The first of what is wrong.
    pub examples: Vec<String>,
    /// Messages whose outcome nobody can tell.
    pub unknown: Vec<String>,
    /// All messages, and what they came to.
    pub messages: Vec<(String, String)>,
}

impl Comparison {
    /// Compares what the gateway tells now with the file and with what Graph took.
    pub async fn make(broadcast: &Broadcast, audience: &Audience, taken: &AllTaken) -> anyhow::Result<Self> {
        let shown = broadcast.shown().await?;
        Ok(Self::of(
            &shown,
            &broadcast.recipients().await?,
            (audience, taken),
        ))
    }

    fn of(shown: &Value, recipients: &[Value], (audience, taken): (&Audience, &AllTaken)) -> Self {
        let mut found = Self::default();
        let rows = audience.by_line();
        let mut lines = HashSet::new();
        for one in recipients {
            let line = one.get("line").and_then(Value::as_u64).unwrap_or(0);
            let Some(row) = rows.get(&line).filter(|_| lines.insert(line)) else {
                found.told_otherwise += 1;
                found.example(|| format!("line {line} is told of twice, or is not in the file: {one}"));
                continue;
            };
            let outcome = one.get("outcome").and_then(Value::as_str).unwrap_or("none");
            *found.outcomes.entry(outcome.to_owned()).or_default() += 1;
            if let Some(code) = one.get("code") {
                *found.codes.entry(code.to_string()).or_default() += 1;
            }
            if let Some(message) = one.get("message_id").and_then(Value::as_str) {
                found.messages.push((message.to_owned(), outcome.to_owned()));
                if outcome == "unknown" {
                    found.unknown.push(message.to_owned());
                }
            }
            let taken = row.phone.as_deref().map_or(&[][..], |phone| taken.to(phone));
            if !is_so(one, row.wrong, taken) {
                found.told_otherwise += 1;
                found.example(|| format!("{one}, and Graph took {taken:?}; the row is {row:?}"));
            }
        }
        for phone in audience.phones() {
            let times = taken.to(phone).len();
            found.reached += u64::from(times > 0);
            if times > 1 {
                found.twice += 1;
                found.example(|| format!("{phone} was sent to {times} times"));
            }
        }
        let missing = audience.len().saturating_sub(lines.len());
        found.forgotten = u64::try_from(missing).unwrap_or(u64::MAX);
        if missing > 0 {
            found.example(|| format!("{missing} rows of the file are told nothing of"));
        }
        found.compare_counts(shown, recipients);
        found
    }

    /// Counts anew what the broadcast counted.
    fn compare_counts(&mut self, shown: &Value, recipients: &[Value]) {
        let with_message = |one: &&Value| one.get("message_id").is_some_and(|id| !id.is_null());
        let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
        for one in recipients.iter().filter(with_message) {
            let outcome = one.get("outcome").and_then(Value::as_str).unwrap_or("none");
            *outcomes.entry(outcome).or_default() += 1;
        }
        let counted = shown.pointer("/counts/outcomes").and_then(Value::as_object);
        let counted: BTreeMap<&str, u64> = counted
            .into_iter()
            .flatten()
            .filter_map(|(name, count)| Some((name.as_str(), count.as_u64().filter(|count| *count > 0)?)))
            .collect();
        if counted != outcomes {
            self.counts_apart += 1;
            self.example(|| format!("counted {counted:?}, but there are {outcomes:?}"));
        }
        let number = |path: &str| shown.pointer(path).and_then(Value::as_u64).unwrap_or(0);
        let sum = |path: &str| -> u64 {
            let all = shown.pointer(path).and_then(Value::as_object);
            all.into_iter()
                .flatten()
                .filter_map(|(_, count)| count.as_u64())
                .sum()
        };
        let messages = u64::try_from(recipients.iter().filter(with_message).count()).unwrap_or(0);
        let suppressed = self.outcomes.get("suppressed").copied().unwrap_or(0);
        let by_turn = sum("/counts/suppressed");
        for (what, counted, is) in [
            ("messages", number("/counts/messages"), messages),
            ("submitted", number("/counts/submitted"), messages + by_turn),
            ("suppressed", sum("/plan/suppressed") + by_turn, suppressed),
            (
                "all",
                number("/plan/total"),
                u64::try_from(recipients.len()).unwrap_or(0),
            ),
        ] {
            if counted != is {
                self.counts_apart += 1;
                self.example(|| format!("{what}: counted {counted}, but there are {is}"));
            }
        }
    }

    fn example(&mut self, say: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(say());
        }
    }

    /// Whether all is as it should be.
    pub const fn is_sound(&self) -> bool {
        self.twice == 0 && self.forgotten == 0 && self.told_otherwise == 0 && self.counts_apart == 0
    }

    /// The figures.
    pub fn line(&self) -> Value {
        json!({
            "outcomes": self.outcomes, "codes": self.codes, "reached": self.reached, "twice": self.twice, "forgotten": self.forgotten,
            "told_otherwise": self.told_otherwise, "counts_apart": self.counts_apart, "examples": self.examples,
        })
    }
}

/// Whether what is told of a recipient is true.
fn is_so(one: &Value, wrong: Option<&str>, taken: &[Taken]) -> bool {
    let word = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    let outcome = word("outcome");
    if let Some(why) = wrong {
        return outcome == "suppressed" && word("reason") == why && taken.is_empty();
    }
    match taken {
        // Nothing was sent, or something that Graph did not take.
        [] => ["suppressed", "cancelled", "expired", "failed", "unknown"].contains(&outcome),
        // Whatever Graph told of it must have come.
        [one] => match one.status.as_deref() {
            Some(status) => outcome == status,
            None => ["sent", "held", "unknown"].contains(&outcome),
        },
        // Counted where all are.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::audience::Wanted;
    use super::*;

    /// A file of four recipients and no wrong row.
    fn audience() -> Audience {
        Audience::new(Wanted {
            recipients: 4,
            wrong_percent: 0,
            group: 3,
            seed: 1,
        })
    }

    /// The first two were read, the third is unknown, the fourth stopped.
    fn told() -> (Value, Vec<Value>) {
        let shown = json!({
            "plan": { "total": 4, "suppressed": {} },
            "counts": {
                "submitted": 4, "messages": 3, "suppressed": { "opted_out": 1 }, "outcomes": { "read": 2, "unknown": 1, "failed": 0 },
            },
        });
        let recipients = vec![
            json!({ "no": 1, "line": 2, "outcome": "read", "message_id": "a" }),
            json!({ "no": 2, "line": 3, "outcome": "read", "message_id": "b" }),
            json!({ "no": 3, "line": 4, "outcome": "unknown", "message_id": "c" }),
            json!({ "no": 4, "line": 5, "outcome": "suppressed", "reason": "opted_out" }),
        ];
        (shown, recipients)
    }

    fn taken() -> AllTaken {
        let audience = audience();
        let read = Taken {
            at: 1,
            status: Some("read".to_owned()),
        };
        AllTaken(
            audience
                .phones()
                .take(2)
                .map(|phone| (phone.to_owned(), vec![read.clone()]))
                .collect(),
        )
    }

    #[test]
    fn what_is_told_as_it_is_is_sound() {
        let (shown, recipients) = told();
        let found = Comparison::of(&shown, &recipients, (&audience(), &taken()));
        assert!(found.is_sound(), "{found:?}");
        assert_eq!(
            (found.reached, found.unknown.len(), found.messages.len()),
            (2, 1, 3)
        );
    }

    #[test]
    fn whoever_is_sent_to_twice_or_not_at_all_or_told_of_otherwise_is_found() {
        let (shown, recipients) = told();
        let phone = |n: usize| audience().phones().nth(n).unwrap().to_owned();
        let with = |change: &dyn Fn(&mut ByPhone)| {
            let mut taken = taken();
            change(&mut taken.0);
            Comparison::of(&shown, &recipients, (&audience(), &taken))
        };
        let again = with(&|all| {
            let first = all[&phone(0)][0].clone();
            all.get_mut(&phone(0)).unwrap().push(first);
        });
        assert_eq!((again.twice, again.is_sound()), (1, false));
        let never = with(&|all| drop(all.remove(&phone(1))));
        assert_eq!(
            never.told_otherwise, 1,
            "it is told as read, and Graph took nothing"
        );
        let refused = with(&|all| {
            let sent = all[&phone(0)].clone();
            all.insert(phone(3), sent);
        });
        assert_eq!(refused.told_otherwise, 1, "whoever stopped was sent to");
        let (shown, mut recipients) = told();
        recipients.pop();
        let fewer = Comparison::of(&shown, &recipients, (&audience(), &taken()));
        assert_eq!((fewer.forgotten, fewer.is_sound()), (1, false));
    }

    #[test]
    fn counts_are_counted_anew() {
        let (mut shown, recipients) = told();
        shown["counts"]["outcomes"]["read"] = json!(3);
        let found = Comparison::of(&shown, &recipients, (&audience(), &taken()));
        assert_eq!((found.counts_apart, found.is_sound()), (1, false));
    }
}
