//! How statements are asked, by what they are for: deadline, repetition, a second opinion, page.

use std::sync::Arc;
use std::time::Duration;

use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::policies::load_balancing::LoadBalancingPolicy;
use scylla::policies::retry::{DefaultRetryPolicy, FallthroughRetryPolicy, RetryPolicy};
use scylla::policies::speculative_execution::SpeculativeExecutionPolicy;
use scylla::statement::{Consistency, SerialConsistency};

use super::options::Deadlines;
use super::speculative_execution::{LatencyEstimate, SpeculativeExecution};

/// From when on a read that is late is asked of another node, too.
const SECOND_READ: Duration = Duration::from_millis(60);
/// The same for a write that may be repeated: a node that hangs, or that the others do not miss yet, would keep a third of
/// all writers waiting.
const SECOND_WRITE: Duration = Duration::from_millis(150);
/// The same for conditional writes, which take several rounds, and which get in each other's way.
pub(super) const SECOND_CONDITIONAL: Duration = Duration::from_millis(500);
/// However busy the cluster is, another node is asked this many times as late at most.
const PATIENCE: u32 = 8;
/// Rows asked for at once.
const PAGE: i32 = 500;
/// Rows asked for at once where some are large.
const MIDDLE_PAGE: i32 = 100;
/// Rows asked for at once where each may be of several mebibytes.
const SMALL_PAGE: i32 = 20;

/// What a statement is for, which decides how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads what somebody waits for.
    Read,
    /// Reads what conditional writes wrote, finishing those that are under way.
    SerialRead,
    /// Reads many rows.
    Scan,
    /// Reads rows of which some are large.
    ScanBodies,
    /// Reads rows that may each be of several mebibytes.
    ScanLarge,
    /// Writes whatever stands there; may be repeated.
    Write,
    /// Writes on a condition; never repeated by the driver.
    Conditional,
    /// Writes on a condition that this very write makes untrue: it is carried out once, however often it is offered.
    /// "Not applied" may mean that it was.
    ConditionalOnce,
}

/// One for each way of asking.
pub(super) struct Profiles {
    interactive: ExecutionProfileHandle,
    pub(super) write: ExecutionProfileHandle,
    conditional: ExecutionProfileHandle,
    conditional_once: ExecutionProfileHandle,
    pub(super) scan: ExecutionProfileHandle,
    reads: LatencyEstimate,
    writes: LatencyEstimate,
    commits: LatencyEstimate,
}

impl Profiles {
    /// Nodes are chosen by `balancing`.
    pub(super) fn new(deadlines: Deadlines, balancing: &Arc<dyn LoadBalancingPolicy>) -> Self {
        let profile =
            |timeout: Duration, retry: Arc<dyn RetryPolicy>, second: Option<(&LatencyEstimate, Duration)>| {
                let second = second.map(|(estimate, soonest)| -> Arc<dyn SpeculativeExecutionPolicy> {
                    Arc::new(SpeculativeExecution {
                        estimate: estimate.clone(),
                        soonest,
                        latest: soonest * PATIENCE,
                    })
                });
                ExecutionProfile::builder()
                    .request_timeout(Some(timeout))
                    .consistency(Consistency::LocalQuorum)
                    .serial_consistency(Some(SerialConsistency::LocalSerial))
                    .load_balancing_policy(Arc::clone(balancing))
                    .retry_policy(retry)
                    .speculative_execution_policy(second)
                    .build()
                    .into_handle()
            };
        let usual = || -> Arc<dyn RetryPolicy> { Arc::new(DefaultRetryPolicy::new()) };
        let never = || -> Arc<dyn RetryPolicy> { Arc::new(FallthroughRetryPolicy::new()) };
        let (reads, writes, commits) = (
            LatencyEstimate::default(),
            LatencyEstimate::default(),
            LatencyEstimate::default(),
        );
        Self {
            interactive: profile(deadlines.interactive, usual(), Some((&reads, SECOND_READ))),
            write: profile(deadlines.write, usual(), Some((&writes, SECOND_WRITE))),
            conditional: profile(deadlines.conditional, never(), None),
            conditional_once: profile(
                deadlines.conditional,
                never(),
                Some((&commits, SECOND_CONDITIONAL)),
            ),
            scan: profile(deadlines.scan, usual(), None),
            reads,
            writes,
            commits,
        }
    }

    /// How statements of a purpose are asked, and how many rows at once.
    pub(super) const fn of(&self, purpose: Purpose) -> (&ExecutionProfileHandle, i32) {
        match purpose {
            Purpose::Read => (&self.interactive, PAGE),
            Purpose::SerialRead | Purpose::ConditionalOnce => (&self.conditional_once, PAGE),
            Purpose::Scan => (&self.scan, PAGE),
            Purpose::ScanBodies => (&self.scan, MIDDLE_PAGE),
            Purpose::ScanLarge => (&self.scan, SMALL_PAGE),
            Purpose::Write => (&self.write, PAGE),
            Purpose::Conditional => (&self.conditional, PAGE),
        }
    }

    /// An answer to a statement of a purpose came after a time.
    pub(super) fn took(&self, purpose: Purpose, time: Duration) {
        match purpose {
            Purpose::Read => self.reads.took(time),
            Purpose::Write => self.writes.took(time),
            Purpose::SerialRead | Purpose::ConditionalOnce => self.commits.took(time),
            // Nobody else is asked.
            Purpose::Scan | Purpose::ScanBodies | Purpose::ScanLarge | Purpose::Conditional => {}
        }
    }
}
