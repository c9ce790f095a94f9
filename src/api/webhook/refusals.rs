//! Webhooks that were refused for their signature: told in the log once in a while, and remembered for an hour, so that
//! who looks after a number learns of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::telemetry::Seldom;
use crate::whatsapp::number_check::{Check, Verdict};

/// How often the log tells of it.
const TOLD_EACH: Duration = Duration::from_secs(60);
/// For how long they are remembered.
const REMEMBERED: Duration = Duration::from_secs(3_600);
const MINUTE: u64 = 60;

/// What was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// There was no signature, or more than one.
    Unsigned,
    /// It fits no secret.
    Foreign,
}

/// See the module. Times are those of the monotonic clock.
pub(in crate::api) struct Refusals {
    told: Seldom,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// How many in each minute, oldest first; at most sixty.
    minutes: VecDeque<(u64, u64)>,
    last: Option<Duration>,
    taken: Option<Duration>,
}

impl Seen {
    fn forget(&mut self, now: Duration) {
        let oldest = now.saturating_sub(REMEMBERED).as_secs() / MINUTE;
        while self.minutes.front().is_some_and(|(minute, _)| *minute < oldest) {
            self.minutes.pop_front();
        }
    }
}

impl Refusals {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            told: Seldom::each(TOLD_EACH),
            seen: Mutex::default(),
        }
    }

    /// One more.
    pub(super) fn refused(&self, fault: Fault, apps: &[Arc<str>], now: Duration) {
        let mut seen = self.seen();
        let minute = now.as_secs() / MINUTE;
        match seen.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count = count.saturating_add(1),
            _ => seen.minutes.push_back((minute, 1)),
        }
        seen.last = Some(now);
        seen.forget(now);
        drop(seen);
        let Some(count) = self.told.happened(now) else {
            return;
        };
        let apps = apps.join(", ");
        match fault {
            Fault::Unsigned => tracing::warn!(
                apps,
                count,
                "webhooks are refused: they carry no signature. Meta's do: a proxy removes X-Hub-Signature-256, or somebody else \
                 sends them"
            ),
            Fault::Foreign => tracing::warn!(
                apps,
                count,
                "webhooks are refused: their signature fits no secret of these apps. Compare `app_secrets` with the app secret in \
                 Meta's dashboard (App settings, Basic); a proxy that changes bodies does the same"
            ),
        }
    }

    /// A webhook was taken.
    pub(super) fn taken(&self, now: Duration) {
        self.seen().taken = Some(now);
    }

    /// What it says of the numbers' webhooks.
    pub(in crate::api) fn check(&self, now: Duration) -> Check {
        let mut seen = self.seen();
        seen.forget(now);
        let count: u64 = seen.minutes.iter().map(|(_, count)| count).sum();
        let line = |verdict, found| Check {
            name: "signatures",
            verdict,
            found,
        };
        let (Some(last), true) = (seen.last, count > 0) else {
            return line(
                Verdict::Good,
                "no webhook was refused within the last hour".to_owned(),
            );
        };
        let ago = now.saturating_sub(last).as_secs();
        let verdict = match seen.taken {
            Some(taken) if taken > last => Verdict::Doubtful,
            Some(_) | None => Verdict::Bad,
        };
        let (webhooks, were) = match count {
            1 => ("webhook", "was"),
            _ => ("webhooks", "were"),
        };
        let found = format!(
            "{count} {webhooks} to this gateway {were} refused within the last hour, the last {ago} s ago, since no app's secret fits: \
             compare `app_secrets` with the app secret in Meta's dashboard"
        );
        line(verdict, found)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // Counts are changed one by one, and nothing panics there.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_remembered_for_an_hour_and_weigh_less_once_webhooks_are_taken() {
        let refusals = Refusals::new();
        let at = Duration::from_secs;
        assert_eq!(refusals.check(at(0)).verdict, Verdict::Good);
        refusals.refused(Fault::Foreign, &["main".into()], at(0));
        assert!(
            refusals
                .check(at(0))
                .found
                .starts_with("1 webhook to this gateway was refused")
        );
        for second in 1..194 {
            refusals.refused(Fault::Foreign, &["main".into()], at(second));
        }
        let told = refusals.check(at(200));
        assert_eq!(told.verdict, Verdict::Bad);
        assert!(
            told.found.starts_with("194 ") && told.found.contains("7 s ago"),
            "{}",
            told.found
        );
        refusals.taken(at(201));
        assert_eq!(refusals.check(at(202)).verdict, Verdict::Doubtful);
        assert_eq!(refusals.check(at(3_900)).verdict, Verdict::Good);
        assert!(refusals.seen().minutes.is_empty());
    }
}
