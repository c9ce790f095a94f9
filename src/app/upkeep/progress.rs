//! Whether changes of retention move on, as far as this process sees.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::each;
use crate::domain::TenantId;
use crate::store::RetentionJob;
use crate::telemetry::metrics;

/// How often it is shown.
const SHOW: Duration = Duration::from_secs(5);

/// Jobs that are not done, each since when it stands where it does.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<HashMap<TenantId, (RetentionJob, Instant)>>);

impl Progress {
    /// Takes note of all jobs that are not done.
    pub(super) fn note<'a>(&self, open: impl Iterator<Item = &'a RetentionJob>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *known);
        for job in open {
            let since = before
                .remove(&job.tenant)
                .filter(|(stood, _)| stood == job)
                .map_or_else(Instant::now, |(_, since)| since);
            known.insert(job.tenant, (job.clone(), since));
        }
    }

    /// How long the one that has stood still longest has done so.
    fn stalled(&self) -> Duration {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = known.values().map(|(_, since)| since.elapsed()).max();
        longest.unwrap_or_default()
    }

    /// Shows it for ever, apart from the work: work that hangs would never say so.
    pub(super) async fn show(&self) {
        let mut due = each(SHOW);
        loop {
            due.tick().await;
            metrics::retention_stalled_seconds().set(self.stalled().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Retention, Timestamp};

    fn job(tenant: u64) -> RetentionJob {
        let days = |days| Retention::days(days).unwrap();
        RetentionJob::new(TenantId::new(tenant), days(2), days(1), Timestamp::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_moves_or_ends_does_not_stand_still_and_every_other_does() {
        let (progress, minute) = (Progress::default(), Duration::from_secs(60));
        let (mut one, other) = (job(1), job(2));
        progress.note([&one, &other].into_iter());
        tokio::time::advance(minute).await;
        one.messages += 64;
        progress.note([&one, &other].into_iter());
        assert_eq!(progress.stalled(), minute, "the other one");
        progress.note([&one].into_iter());
        assert_eq!(progress.stalled(), Duration::ZERO, "it ended");
        tokio::time::advance(minute).await;
        progress.note([&one].into_iter());
        assert_eq!(progress.stalled(), minute);
        progress.note([].into_iter());
        assert_eq!(progress.stalled(), Duration::ZERO);
    }
}
