//! A change of retention, in memory.

use std::ops::Bound;

use super::rows::Tables;
use super::state::State;
use crate::domain::{ConversationId, MessageId, Retention, TenantId, Timestamp};
use crate::store::erasure::names_of;
use crate::store::retention::{Place, RetentionJob, Stepped, Survey, Verdict, judge};

/// Where a message stands.
type At = (ConversationId, MessageId);

impl State {
    /// Takes a tenant's job on.
    pub(super) fn step(&mut self, tenant: TenantId, now: Timestamp, limit: usize) -> Option<RetentionJob> {
        let job = self.jobs.get_mut(&tenant)?;
        if job.finished.is_none() {
            let ledger = self.ledgers.get_mut(&tenant);
            let (stepped, of) = ledger.map_or((Stepped::default(), 0), |ledger| {
                let of = u64::try_from(ledger.tables.conversations.len()).unwrap_or(u64::MAX);
                (ledger.tables.step(job, now, limit), of)
            });
            *job = job.clone().after(stepped, of, now);
        }
        Some(job.clone())
    }
}

impl Tables {
    /// The next messages after a place, and the place of the last when more may follow.
    fn walk(&self, after: Option<Place>, limit: usize) -> (Vec<At>, Option<Place>) {
        let start = after.map_or(Bound::Unbounded, |at| {
            Bound::Excluded((at.conversation, at.message))
        });
        let found: Vec<At> = self
            .messages
            .range((start, Bound::Unbounded))
            .map(|(at, _)| *at)
            .take(limit)
            .collect();
        let last = found.last().filter(|_| found.len() == limit);
        let next = last.map(|(conversation, message)| Place::after(*conversation, *message));
        (found, next)
    }

    /// What a job would do.
    pub(super) fn survey(&self, to: Retention, after: Option<Place>, limit: usize, now: Timestamp) -> Survey {
        let (found, next) = self.walk(after, limit);
        let mut survey = Survey {
            next,
            ..Survey::default()
        };
        for timed in found.iter().filter_map(|at| self.messages.get(at)) {
            let created = timed.row.created;
            survey.count(created, to, judge(created, timed.expires, to, now));
        }
        survey
    }

    fn step(&mut self, job: &RetentionJob, now: Timestamp, limit: usize) -> Stepped {
        let (found, next) = self.walk(job.at, limit);
        let mut stepped = Stepped {
            next,
            ..Stepped::default()
        };
        let mut before = job.at.map(|at| at.conversation);
        for at in found {
            let (conversation, _) = at;
            stepped.conversations += u64::from(before.replace(conversation) != Some(conversation));
            self.change(job, at, now, &mut stepped);
        }
        stepped
    }

    fn change(&mut self, job: &RetentionJob, at: At, now: Timestamp, stepped: &mut Stepped) {
        let Some(timed) = self.messages.get_mut(&at) else {
            return;
        };
        let created = timed.row.created;
        let verdict = judge(created, timed.expires, job.to, now);
        stepped.count(verdict);
        if verdict == Verdict::Over {
            return;
        }
        for name in names_of(&timed.row) {
            if let Some(seen) = self.seen.get_mut(&name)
                && let Some(lead) = job.lead((at.1, created), verdict, (seen.row, seen.expires))
            {
                (seen.row, seen.expires) = lead;
            }
        }
        match verdict {
            Verdict::Gone => {
                let gone = self.messages.remove(&at);
                self.end_events(&gone.map(|gone| gone.row.told).unwrap_or_default());
                self.fall_back(at.0, at.1, |left| {
                    left.live(now).is_some() && job.keeps(&left.row, now)
                });
            }
            Verdict::Until(until) => timed.expires = until,
            Verdict::Over | Verdict::Stays => {}
        }
    }
}
