//! Applies what waits in the journal, flow by flow, and starts again whatever of that dies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::backlog::Next;
use super::route::Router;
use super::shared_backlog::SharedBacklog;
use super::turn::TurnOf;
use super::{IngestParts, Shared, completion, forwarded, scanner, seeker};
use crate::actors::port::WebhookTenants;
use crate::domain::Backoff;
use crate::shutdown::Shutdown;
use crate::telemetry::labels::ActorKind;
use crate::telemetry::metrics;

/// How long the end of the process waits for entries in flight.
const FAREWELL: Duration = Duration::from_secs(4);
/// How often it looks whether they have ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long a part that died waits before it starts again: at first, and at the longest.
const RESPAWN: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// The applier. Run it until it returns.
pub struct Applier {
    parts: IngestParts,
    shared: Arc<Shared>,
    shutdown: Shutdown,
}

impl Applier {
    pub(super) fn new(parts: IngestParts, shared: Arc<Shared>, shutdown: Shutdown) -> Self {
        Self {
            parts,
            shared,
            shutdown,
        }
    }

    /// Applies entries until the process ends. What is not done then is applied by the next process.
    pub async fn run(self) {
        let _part = self.shutdown.part();
        let mut deaths = 0_u32;
        while !self.shutdown.has_begun() {
            let began = Instant::now();
            let shared_backlog = self.shared.begin();
            let mut tasks = self.start(&shared_backlog);
            self.shared.runs.store(true, Ordering::Release);
            let died = tokio::select! {
                () = self.shutdown.begun() => None,
                died = tasks.join_next() => died,
            };
            let Some(died) = died else {
                return farewell(&shared_backlog).await;
            };
            // Nothing is lost: the journal has it all, and the next one reads it from the beginning.
            self.shared.runs.store(false, Ordering::Release);
            metrics::actor_restarts_total(ActorKind::Applier).increment(1);
            let error = died.err().map(|error| error.to_string());
            tracing::error!(error, "applying webhooks died: starting it again");
            tasks.shutdown().await;
            if began.elapsed() > RESPAWN.longest * 2 {
                deaths = 0;
            }
            deaths = deaths.saturating_add(1);
            tokio::select! {
                () = self.shutdown.begun() => {}
                () = tokio::time::sleep(RESPAWN.after(deaths)) => {}
            }
        }
    }

    fn start(&self, shared_backlog: &Arc<SharedBacklog>) -> JoinSet<()> {
        let parts = &self.parts;
        let store = &parts.store;
        let mut tasks = JoinSet::new();
        tasks.spawn(scanner::run(Arc::clone(shared_backlog), parts.clone()));
        tasks.spawn(completion::run(Arc::clone(shared_backlog), Arc::clone(store)));
        tasks.spawn(seeker::run(Arc::clone(shared_backlog), Arc::clone(store)));
        tasks.spawn(deal(
            Arc::clone(shared_backlog),
            parts.clone(),
            self.shutdown.clone(),
        ));
        tasks.spawn(forwarded::run(Arc::clone(shared_backlog), Arc::clone(store)));
        tasks.spawn(list_leftovers(
            Arc::clone(shared_backlog),
            Arc::clone(&parts.tenants),
        ));
        tasks.spawn(watch(Arc::clone(shared_backlog), parts.tenants.taken_over()));
        tasks
    }
}

/// Gives flows their turns.
async fn deal(shared_backlog: Arc<SharedBacklog>, parts: IngestParts, shutdown: Shutdown) {
    let router = Arc::new(Router::new(parts.clone(), Arc::clone(&shared_backlog)));
    loop {
        if shutdown.has_begun() {
            // Whoever waits for the end of this part takes an end for a death.
            std::future::pending::<()>().await;
        }
        let until = match shared_backlog.look(|backlog| backlog.next(Instant::now())) {
            Next::Take(work) => {
                let turn = TurnOf::new(Arc::clone(&shared_backlog), work);
                tokio::spawn(turn.run(Arc::clone(&parts.store), Arc::clone(&router)));
                continue;
            }
            Next::At(until) => Some(until),
            Next::Nothing => None,
        };
        match until {
            Some(until) => {
                // Whichever comes first.
                let _ = tokio::time::timeout_at(until, shared_backlog.work.notified()).await;
            }
            None => shared_backlog.work.notified().await,
        }
    }
}

/// Has the journal read again when a tenant comes from another process, which may have left some of its webhooks.
async fn watch(shared_backlog: Arc<SharedBacklog>, taken_over: Arc<Notify>) {
    loop {
        taken_over.notified().await;
        shared_backlog.scan_again();
    }
}

/// Has the journal read when a process is gone, which may have taken in webhooks and not applied them. Until that is done,
/// nothing that came later is applied to its tenants.
async fn list_leftovers(shared_backlog: Arc<SharedBacklog>, tenants: Arc<dyn WebhookTenants>) {
    let somebody_is_gone = tenants.somebody_is_gone();
    loop {
        let gone = tenants.gone_and_unlisted();
        if gone.is_empty() {
            somebody_is_gone.notified().await;
            continue;
        }
        shared_backlog.scan_all().await;
        tenants.listed(&gone);
    }
}

/// Lets entries in flight finish, so that the next start has less to repeat.
async fn farewell(shared_backlog: &SharedBacklog) {
    let deadline = Instant::now() + FAREWELL;
    while shared_backlog.look(|backlog| backlog.in_flight()) > 0 && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}
