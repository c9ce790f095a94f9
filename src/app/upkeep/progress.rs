//! Whether jobs move on, as far as this process sees.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::each;

/// How often it is shown.
const SHOW: Duration = Duration::from_secs(5);

/// Jobs that are not done, each since when it stands where it does.
#[derive(Debug)]
pub(super) struct Progress<K, J>(Mutex<HashMap<K, (J, Instant)>>);

impl<K, J> Default for Progress<K, J> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, J: Clone + PartialEq> Progress<K, J> {
    /// Takes note of all jobs that are not done.
    pub(super) fn note<'a>(&self, open: impl Iterator<Item = (K, &'a J)>)
    where
        J: 'a,
    {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *known);
        for (key, job) in open {
            let since = before
                .remove(&key)
                .filter(|(stood, _)| stood == job)
                .map_or_else(Instant::now, |(_, since)| since);
            known.insert(key, (job.clone(), since));
        }
    }

    /// How long the one that has stood still longest has done so.
    fn stalled(&self) -> Duration {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = known.values().map(|(_, since)| since.elapsed()).max();
        longest.unwrap_or_default()
    }

    /// Shows it for ever, apart from the work: work that hangs would never say so.
    pub(super) async fn show(&self, seconds: impl Fn(f64)) {
        let mut due = each(SHOW);
        loop {
            due.tick().await;
            seconds(self.stalled().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Retention, TenantId, Timestamp};
    use crate::store::RetentionJob;

    fn job(tenant: u64) -> RetentionJob {
        let days = |days| Retention::days(days).unwrap();
        RetentionJob::new(TenantId::new(tenant), days(2), days(1), Timestamp::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_moves_or_ends_does_not_stand_still_and_every_other_does() {
        let (progress, minute) = (Progress::default(), Duration::from_secs(60));
        let (mut one, other) = (job(1), job(2));
        let note = |jobs: &[&RetentionJob]| progress.note(jobs.iter().map(|job| (job.tenant, *job)));
        note(&[&one, &other]);
        tokio::time::advance(minute).await;
        one.messages += 64;
        note(&[&one, &other]);
        assert_eq!(progress.stalled(), minute, "the other one");
        note(&[&one]);
        assert_eq!(progress.stalled(), Duration::ZERO, "it ended");
        tokio::time::advance(minute).await;
        note(&[&one]);
        assert_eq!(progress.stalled(), minute);
        note(&[]);
        assert_eq!(progress.stalled(), Duration::ZERO);
    }
}
