//! Speculative execution: when a request is sent to a second node, too, by how long the cluster usually takes to answer.
//!
//! A second request helps against one node that hangs. Against a cluster that is merely busy it makes things worse: there,
//! everything takes long, and asking everything twice takes longer still. So what counts as late follows what is usual.
//! The usual time is a median, which a third of the nodes hanging does not move far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scylla::policies::speculative_execution::{Context, SpeculativeExecutionPolicy};

/// How much longer than usual is late.
const TIMES: u64 = 4;
/// The median moves by this part of itself with each answer, and by no less than [`LEAST_STEP`].
const STEP: u64 = 16;
/// In microseconds.
const LEAST_STEP: u64 = 50;

/// The median of the times that answers took, as a running estimate.
#[derive(Debug, Clone, Default)]
pub(super) struct LatencyEstimate(Arc<AtomicU64>);

impl LatencyEstimate {
    /// An answer came, or its time was over.
    pub(super) fn took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Two at once may count as one: an estimate bears that.
        let median = self.0.load(Ordering::Relaxed);
        let step = (median / STEP).max(LEAST_STEP);
        let moved = if us > median {
            median.saturating_add(step).min(us)
        } else {
            median.saturating_sub(step).max(us)
        };
        self.0.store(moved, Ordering::Relaxed);
    }

    fn median(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Asks a second node when the first is late.
#[derive(Debug)]
pub(super) struct SpeculativeExecution {
    pub(super) estimate: LatencyEstimate,
    /// Never sooner than this.
    pub(super) soonest: Duration,
    /// Never later than this.
    pub(super) latest: Duration,
}

impl SpeculativeExecution {
    fn after(&self) -> Duration {
        let usual = self.estimate.median();
        let late = usual.saturating_mul(u32::try_from(TIMES).unwrap_or(u32::MAX));
        late.clamp(self.soonest, self.latest)
    }
}

impl SpeculativeExecutionPolicy for SpeculativeExecution {
    fn max_retry_count(&self, _: &Context) -> usize {
        1
    }

    fn retry_interval(&self, _: &Context) -> Duration {
        self.after()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(estimate: &LatencyEstimate) -> SpeculativeExecution {
        SpeculativeExecution {
            estimate: estimate.clone(),
            soonest: Duration::from_millis(60),
            latest: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_second_node_is_asked_soon_where_answers_are_quick() {
        let estimate = LatencyEstimate::default();
        for _ in 0..1_000 {
            estimate.took(Duration::from_millis(2));
        }
        assert_eq!(policy(&estimate).after(), Duration::from_millis(60));
    }

    #[test]
    fn a_busy_cluster_is_given_more_time_and_never_all_of_it() {
        let estimate = LatencyEstimate::default();
        for _ in 0..1_000 {
            estimate.took(Duration::from_millis(80));
        }
        let after = policy(&estimate).after();
        assert!(
            after > Duration::from_millis(280) && after < Duration::from_millis(360),
            "{after:?}"
        );
        for _ in 0..1_000 {
            estimate.took(Duration::from_secs(3));
        }
        assert_eq!(policy(&estimate).after(), Duration::from_secs(1));
    }

    #[test]
    fn a_node_of_three_that_hangs_does_not_keep_the_others_from_being_asked() {
        let estimate = LatencyEstimate::default();
        for turn in 0..3_000 {
            let hangs = turn % 3 == 0;
            estimate.took(Duration::from_millis(if hangs { 400 } else { 5 }));
        }
        assert_eq!(policy(&estimate).after(), Duration::from_millis(60));
    }
}
