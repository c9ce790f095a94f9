//! What is done beside the roads: expired rows are removed, changes of retention are carried out, what was theirs who left is handed
//! over, and a store that can take no more ends the process.

mod blocks;
mod handovers;
mod media;
mod others;
mod people;
mod progress;
mod retention;
mod time;
mod usage;

pub(super) use media::MediaJob;
pub(super) use others::Heartbeat;
pub(super) use people::People;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::{Interval, MissedTickBehavior};

use crate::actors::Directory;
use crate::actors::directory::TenantCounts;
use crate::domain::Clock;
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreErrorKind};
use crate::telemetry::labels::TenantState;
use crate::telemetry::{self, metrics};
use crate::whatsapp::Graph;

/// Expired rows are unreadable at once; this is only about their space.
const SWEEP: Duration = Duration::from_secs(60);
/// How often a store writes to files what a start after a kill would have to read again.
const REPLAY: Duration = Duration::from_secs(10);
/// How often the journal's backlog is looked at.
const MEASURE: Duration = Duration::from_secs(5);
/// The same on a cluster, which has to count, each time through what was done lately.
const MEASURE_FAR: Duration = Duration::from_secs(60);
/// Rows removed in one call, so that writers never wait long.
const ROWS: usize = 1_000;
/// How often the store is asked whether it can still write.
const HEALTH: Duration = Duration::from_secs(2);
/// Answers of "no" in a row before the process ends: a supervisor starts it again, and the log is read afresh.
const PATIENCE: u32 = 5;
/// How often tenants are looked after: one of whose actors died starts again even if nobody asks for it.
const REVIVE: Duration = Duration::from_secs(3);
/// It is looked this often, within the time after which a tenant rests, which ones do.
const LOOKS: u32 = 10;

/// What becomes of a store that cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    /// Nobody knows what it holds before the process starts again: a disk failed under it.
    EndsTheProcess,
    /// It comes back by itself: it is a cluster, whose nodes others look after.
    IsWaitedFor,
}

impl Failing {
    /// How often the journal's backlog is looked at.
    const fn measured_each(self) -> Duration {
        match self {
            Self::EndsTheProcess => MEASURE,
            Self::IsWaitedFor => MEASURE_FAR,
        }
    }
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The process was told to end.
    Asked,
    /// The store cannot write any more.
    StoreFailed,
}

/// Runs until the process ends. Nothing here waits for another: a disk that hangs in one must show in the other.
pub(super) async fn run(
    people: People,
    files: MediaJob,
    graph: Arc<dyn Graph>,
    clock: Arc<dyn Clock>,
    recorder: PrometheusHandle,
    failing: Failing,
    keep_usage: Duration,
) -> Ended {
    let (directory, shutdown) = (Arc::clone(&people.directory), people.shutdown.clone());
    let store = Arc::clone(directory.store());
    let chores = async {
        tokio::join!(
            revive(&directory),
            rest(&directory),
            others::succeed(&directory),
            others::read_numbers(&directory),
            fold(&recorder),
            sweep(&store, clock.as_ref(), &shutdown),
            shorten_replay(store.as_ref()),
            measure(store.as_ref(), clock.as_ref(), failing.measured_each()),
            retention::run(&directory, clock.as_ref(), &shutdown),
            usage::run(&directory, clock.as_ref(), &shutdown, keep_usage),
            people::run(&people),
            blocks::run(&directory, people.tenants.as_ref(), graph.as_ref(), &shutdown),
            media::run(&files),
            time::tell(store.as_ref(), clock.as_ref()),
            time::ask(graph.as_ref(), clock.as_ref()),
        );
    };
    tokio::select! {
        () = shutdown.begun() => Ended::Asked,
        () = unhealthy(store.as_ref()), if failing == Failing::EndsTheProcess => {
            shutdown.begin();
            Ended::StoreFailed
        }
        () = chores => Ended::Asked,
    }
}

fn each(time: Duration) -> Interval {
    let mut due = tokio::time::interval(time);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}

async fn revive(directory: &Directory) {
    let mut due = each(REVIVE);
    loop {
        due.tick().await;
        directory.revive().await;
        let missing = u64::try_from(directory.missing().len()).unwrap_or(u64::MAX);
        metrics::tenants_missing().set(metrics::number(missing));
        let TenantCounts { live, rest } = directory.tenant_counts();
        for (state, tenants) in [(TenantState::Live, live), (TenantState::Rest, rest)] {
            let tenants = u64::try_from(tenants).unwrap_or(u64::MAX);
            metrics::tenants(state).set(metrics::number(tenants));
        }
    }
}

async fn rest(directory: &Directory) {
    let mut due = each((directory.idle() / LOOKS).max(Duration::from_millis(100)));
    loop {
        due.tick().await;
        directory.rest_idle().await;
    }
}

async fn fold(recorder: &PrometheusHandle) {
    let mut due = each(telemetry::UPKEEP);
    loop {
        due.tick().await;
        telemetry::upkeep(recorder);
    }
}

/// Shows how much of what Meta was promised is not done yet.
async fn measure(store: &dyn Store, clock: &dyn Clock, pace: Duration) {
    let mut due = each(pace);
    loop {
        due.tick().await;
        match store.journal_backlog().await {
            Ok(backlog) => {
                let entries = u64::try_from(backlog.entries).unwrap_or(u64::MAX);
                metrics::journal_backlog().set(metrics::number(entries));
                let now = clock.now();
                let age = backlog.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
                metrics::journal_oldest_seconds().set(age.as_secs_f64());
            }
            Err(error) => tracing::warn!(error = %error, "cannot tell how much waits in the journal"),
        }
    }
}

async fn sweep(store: &Arc<dyn Store>, clock: &dyn Clock, shutdown: &Shutdown) {
    let mut due = each(SWEEP);
    loop {
        due.tick().await;
        remove_expired(store, clock, shutdown).await;
    }
}

async fn shorten_replay(store: &dyn Store) {
    let mut due = each(REPLAY);
    loop {
        due.tick().await;
        if let Err(error) = store.shorten_replay().await {
            tracing::warn!(%error, "the store cannot write out what is in memory: a start after a kill takes longer");
        }
    }
}

/// Returns once the store said for a while that it cannot write, or nothing at all.
async fn unhealthy(store: &dyn Store) {
    let mut due = each(HEALTH);
    let mut failures = 0;
    while failures < PATIENCE {
        due.tick().await;
        let error = match tokio::time::timeout(HEALTH, store.health()).await {
            Ok(Ok(())) => None,
            // A full disk is refused write by write, and may have room again.
            Ok(Err(error)) if error.kind == StoreErrorKind::Full => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some("no answer".to_owned()),
        };
        let Some(error) = error else {
            failures = 0;
            continue;
        };
        failures += 1;
        tracing::error!(error, failures, "the store cannot write");
    }
}

async fn remove_expired(store: &Arc<dyn Store>, clock: &dyn Clock, shutdown: &Shutdown) {
    // By a clock in doubt nothing is removed: what is gone does not come back when the clock does.
    while !shutdown.has_begun() && clock.doubt().is_none() {
        match store.sweep(clock.now(), ROWS).await {
            Ok(swept) => {
                if !swept.more {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot remove expired rows now");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
