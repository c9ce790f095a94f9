//! The gateway's parts, put together: everything but the place where it listens.

use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use metrics_exporter_prometheus::PrometheusHandle;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;

use super::{AppError, migrate, start, stop, upkeep};
use crate::actors::lane::{Earlier, LaneLimits, UnknownLimits};
use crate::actors::{Directory, DirectoryParts, Gateway, TenantLimits};
use crate::api::ws::ComeBack;
use crate::api::{self, ApiState, DemoSession, Foundation, Listeners};
use crate::config::{Backend, Config, Damaged};
use crate::domain::{Clock, SteadyClock};
use crate::ingest::{self, Applier, IngestParts, Intake};
use crate::limiter::PairRule;
use crate::mail::{MailWorker, Mailer};
use crate::media::{Files, Media};
use crate::shutdown::Shutdown;
use crate::store::fjall::{Absent, FjallOptions, FjallStore, Loss, make_folder};
use crate::store::memory::MemoryStore;
use crate::store::metered::Metered;
use crate::store::scylla::ScyllaStore;
use crate::store::{ClaimsAhead, ProcessState, Store, StoreError};
use crate::templates::TemplateBook;
use crate::whatsapp::client::GraphSettings;
use crate::whatsapp::{Graph, GraphClient};

/// Calls to Meta in flight in the whole process: each holds a connection and its buffers.
const CALLS: usize = 2_000;
/// The longest that a start waits for the folder or bucket of files.
const FILES: Duration = Duration::from_secs(5);
/// A call that its client did not end is given up this much later.
const CALL_GRACE: Duration = Duration::from_secs(15);
/// How long the start of tenants waits after a store that did not answer.
const START_AGAIN: Duration = Duration::from_secs(1);
/// How long webhooks in hand may take to be applied.
const APPLY: Duration = Duration::from_secs(5);
/// How long what people asked for by e-mail may take after the last answer.
const REQUESTS: Duration = Duration::from_secs(2);
/// When sockets' clients should come back: not before what is left of the end, and the next start, are over as a rule, and
/// not all at once.
const COME_BACK: ComeBack = ComeBack {
    after: Duration::from_secs(2),
    within: Duration::from_secs(3),
};
/// Sockets have so long to hear of it, however long calls to Meta took.
const FAREWELL: Duration = Duration::from_secs(1);

/// The parts. See the module.
pub struct Core {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) directory: Arc<Directory>,
    pub(super) gateway: Arc<Gateway>,
    intake: Arc<Intake>,
    applier: Applier,
    graph: Arc<dyn Graph>,
    templates: Arc<TemplateBook>,
    media: Arc<Media>,
    pub(super) mailer: Mailer,
    mail_worker: MailWorker,
    metrics: PrometheusHandle,
    arbiters: Vec<Arbiter>,
    keep_usage: Duration,
    seed: u64,
}

/// How long a lane goes on while the store's thread stands still. On a cluster a kill leaves such claims unknown, and none is
/// made but what the time of the claims themselves asks for.
const READY: Duration = Duration::from_millis(100);

/// A number that nobody can guess.
pub(super) fn seed() -> u64 {
    let mut bytes = [0_u8; 8];
    // Without the system's randomness ids would still differ by time; keys are made elsewhere.
    let _ = SystemRandom::new().fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Opens the store that the settings name.
pub(super) async fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, AppError> {
    open_named(config, clock)
        .await
        .map_err(|error| AppError::Opening {
            place: start::place(config),
            reason: error.detail,
        })
}

async fn open_named(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    let inner: Arc<dyn Store> = match config.store.backend {
        Backend::Memory => Arc::new(MemoryStore::new()),
        Backend::Scylla => {
            let cluster = migrate::cluster(config);
            // Connecting is the largest of all futures: held apart, those that await it stay small.
            Arc::new(Box::pin(ScyllaStore::open(&cluster, Arc::clone(clock))).await?)
        }
        Backend::Fjall => {
            let options = FjallOptions {
                cache_bytes: config.store.cache_mb << 20,
                journal_bytes: config.store.journal_mb << 20,
                absent: if config.store.must_exist {
                    Absent::IsRefused
                } else {
                    Absent::IsMade
                },
                loss: match config.store.damaged {
                    Damaged::IsRefused => Loss::IsRefused,
                    Damaged::IsAccepted => Loss::IsAcceptedAt(clock.now()),
                },
            };
            let path = config.store.path.clone();
            let opened = tokio::task::spawn_blocking(move || FjallStore::open(&path, options)).await;
            Arc::new(opened.map_err(|error| {
                StoreError::new(crate::store::StoreErrorKind::Unavailable, error.to_string())
            })??)
        }
    };
    Ok(Arc::new(Metered::new(inner)))
}

/// Where it is noted which claims have no call yet. On a cluster, where nothing else needs a folder, it goes without.
fn claims_ahead(config: &Config) -> Result<ClaimsAhead, AppError> {
    let folder = &config.store.path;
    match config.store.backend {
        Backend::Fjall => ClaimsAhead::open(folder).map_err(|source| AppError::Io {
            what: "cannot open `claims-ahead` in the store's folder".to_owned(),
            source,
        }),
        Backend::Scylla => {
            let opened = make_folder(folder).and_then(|()| ClaimsAhead::open(folder));
            Ok(opened.unwrap_or_else(|error| {
                tracing::warn!(
                    folder = %folder.display(), %error,
                    "cannot note claims in `store.path`: a kill leaves unknown what was claimed and not called for yet, too"
                );
                ClaimsAhead::default()
            }))
        }
        Backend::Memory => Ok(ClaimsAhead::default()),
    }
}

/// The bounds and deadlines of a lane that the settings name; the rest are its own.
fn lane_limits(config: &Config) -> LaneLimits {
    let own = LaneLimits::default();
    LaneLimits {
        mailbox: config.limits.lane_mailbox,
        waiting: config.limits.lane_queue,
        in_flight: config.limits.lane_in_flight,
        bulk_one_in: 100_u32.div_ceil(config.limits.bulk_share_percent.max(1)),
        pair: PairRule {
            burst: config.limits.pair_burst,
            ..own.pair
        },
        call_deadline: config.whatsapp.total_timeout.saturating_add(CALL_GRACE),
        ready: match config.store.backend {
            Backend::Fjall | Backend::Memory => READY,
            Backend::Scylla => Duration::ZERO,
        },
        unknown: UnknownLimits {
            send_again_after: config.unknown.retry_after_deadline,
            give_up_after: config.unknown.never_duplicate,
            at_latest: config.unknown.template.max(config.unknown.never_duplicate),
            ..own.unknown
        },
        ..own
    }
}

/// Before anything is written there: an empty folder or bucket becomes this store's. One that does not answer now is asked by the sweep.
async fn settle_files(media: &Media, config: &Config) -> Result<(), AppError> {
    if config.store.damaged == Damaged::IsAccepted {
        media.disown_files().await?;
    }
    match tokio::time::timeout(FILES, media.confirm_ownership()).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(why))) => tracing::warn!(%why, "no file is removed until `mesej media gc --adopt`"),
        Ok(Err(error)) => tracing::warn!(%error, "cannot tell whether the files are this store's"),
        Err(_elapsed) => tracing::warn!("cannot tell whether the files are this store's: no answer"),
    }
    Ok(())
}

/// Puts the parts together. Must be called within an actix system.
pub async fn open_core(config: &Config, clock: Arc<dyn Clock>, shutdown: Shutdown) -> Result<Core, AppError> {
    let metrics = crate::telemetry::install(clock.now())?;
    // Jumps of the machine's clock end here.
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::over(clock));
    let seed = seed();
    let (mailer, mail_worker) = Mailer::open(&config.mail, &config.store.path, Arc::clone(&clock), seed)?;
    let store = open_store(config, &clock).await?;
    match store.last_time().await? {
        Some(seen) => clock.resume(seen),
        None => start::check_clock(clock.now())?,
    }
    // Before the first id: a process that is killed right after its start must not give its ids again.
    store.note_time(clock.for_ids()).await?;
    // Before a tenant is taken: its owner must be known to live.
    let others = store.others(ProcessState::Serving).await?;
    let settings = GraphSettings {
        file_hosts: config.media.meta_hosts.clone(),
        connect_timeout: config.whatsapp.connect_timeout,
        total_timeout: config.whatsapp.total_timeout,
        ..GraphSettings::new(
            config.whatsapp.base_url.as_str(),
            config.whatsapp.version.as_str(),
        )
    };
    let client = Arc::new(GraphClient::new(settings, Arc::clone(&clock))?);
    let graph: Arc<dyn Graph> = client.clone();
    let templates = TemplateBook::new(Arc::clone(&store), Arc::clone(&clock), client.clone(), seed);
    let templates = Arc::new(templates);
    let files = Files::open(&config.media, &config.store)?;
    let media = Media::new(Arc::clone(&store), Arc::clone(&clock), files, client);
    let media = Arc::new(media);
    settle_files(&media, config).await?;
    let arbiters: Vec<Arbiter> = (0..config.server.worker_threads().max(1))
        .map(|_| Arbiter::new())
        .collect();
    let parts = DirectoryParts {
        store: Arc::clone(&store),
        graph: Arc::clone(&graph),
        clock: Arc::clone(&clock),
        arbiters: arbiters.iter().map(Arbiter::handle).collect(),
        tenant_limits: TenantLimits {
            mailbox: config.limits.tenant_mailbox,
            backlog: config.limits.tenant_backlog,
            conversation_idle: config.limits.conversation_idle,
            idle: config.limits.tenant_idle,
        },
        lane_limits: Arc::new(lane_limits(config)),
        calls: Arc::new(Semaphore::new(CALLS)),
        ahead: Arc::new(claims_ahead(config)?),
        files: media.clone(),
        apps: config.whatsapp.app_names(),
        seed,
        earlier: match config.store.backend {
            Backend::Scylla => Earlier::Others,
            Backend::Fjall | Backend::Memory => Earlier::Until(clock.monotonic()),
        },
    };
    let directory = Arc::new(Directory::open(parts).await?);
    directory.meet(others);
    start::tell_unsigned(&directory.numbers_without_app());
    let gateway = Arc::new(Gateway::new(Arc::clone(&directory)));
    let parts = IngestParts {
        tenants: directory.clone(),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        templates: Arc::clone(&templates),
    };
    let (intake, applier) = ingest::open(parts, shutdown, seed).await?;
    Ok(Core {
        store,
        clock,
        directory,
        gateway,
        intake,
        applier,
        graph,
        templates,
        media,
        mailer,
        mail_worker,
        metrics,
        arbiters,
        keep_usage: config.retention.keep_usage(),
        seed,
    })
}

impl Core {
    /// Serves until the process is told to end, then ends in order.
    pub async fn serve(
        self,
        config: &Config,
        listeners: impl Into<Listeners>,
        demo: Option<DemoSession>,
        shutdown: Shutdown,
    ) -> Result<(), AppError> {
        let mails = self.mail_worker.start();
        let state = ApiState::new(Foundation {
            tenants: self.gateway.clone(),
            intake: self.intake.clone(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            config: Arc::new(config.clone()),
            metrics: self.metrics.clone(),
            shutdown: shutdown.clone(),
            graph: Arc::clone(&self.graph),
            templates: Arc::clone(&self.templates),
            media: Arc::clone(&self.media),
            mailer: self.mailer,
            demo,
            seed: self.seed,
        });
        let (imports, ending, part) = (Arc::clone(&state.imports), shutdown.clone(), shutdown.part());
        tokio::spawn(async move {
            let _part = part;
            imports.run(&ending).await;
        });
        let (erasures, ending, part) = (Arc::clone(&state.erasures), shutdown.clone(), shutdown.part());
        tokio::spawn(async move {
            let _part = part;
            erasures.run(&ending).await;
        });
        let (broadcasts, ending, part) = (Arc::clone(&state.broadcasts), shutdown.clone(), shutdown.part());
        tokio::spawn(async move {
            let _part = part;
            broadcasts.run(&ending).await;
        });
        let sockets = state.sockets.clone();
        let accounts = Arc::clone(&state.accounts);
        let subscriptions = Arc::clone(&state.subscriptions);
        let quotas = Arc::clone(&state.quotas);
        let listeners = listeners.into();
        let addresses = start::Addresses::of(&listeners);
        let server = api::http_server(state, listeners).map_err(|source| AppError::Io {
            what: "cannot start the HTTP server".to_owned(),
            source,
        })?;
        let handle = server.handle();
        let mut serving = actix::spawn(server);
        tokio::spawn(self.applier.run());
        let failing = match config.store.backend {
            Backend::Scylla => upkeep::Failing::IsWaitedFor,
            Backend::Fjall | Backend::Memory => upkeep::Failing::EndsTheProcess,
        };
        let heartbeat = upkeep::Heartbeat::begin(Arc::clone(&self.directory), shutdown.clone());
        let people = upkeep::People {
            accounts: Arc::clone(&accounts),
            subscriptions,
            directory: Arc::clone(&self.directory),
            tenants: Arc::clone(&self.gateway),
            shutdown: shutdown.clone(),
        };
        let files = upkeep::MediaJob {
            media: self.media,
            directory: Arc::clone(&self.directory),
            tenants: Arc::clone(&self.gateway),
            clock: Arc::clone(&self.clock),
            quotas,
            shutdown: shutdown.clone(),
        };
        let upkeep = tokio::spawn(upkeep::run(
            people,
            files,
            Arc::clone(&self.graph),
            Arc::clone(&self.clock),
            self.metrics.clone(),
            failing,
            self.keep_usage,
        ));
        let keeping_up = tokio::spawn({
            let (templates, shutdown) = (Arc::clone(&self.templates), shutdown.clone());
            async move { tokio::join!(templates.keep_up(&shutdown), templates.keep_hearing(&shutdown)) }
        });
        tokio::spawn(start_tenants(
            Arc::clone(&self.directory),
            Arc::clone(&self.gateway),
            shutdown.clone(),
        ));
        start::tell(config, &addresses);
        tokio::select! {
            () = shutdown.begun() => {}
            ended = &mut serving => {
                shutdown.begin();
                if let Ok(Err(source)) = ended {
                    tracing::error!(error = %source, "the HTTP server ended");
                }
            }
        }
        tracing::info!("ending: calls to Meta are finished, and none is begun");
        let began = self.clock.monotonic();
        // Sockets stay meanwhile: a client that was sent away so early would come back to a process that still ends.
        let lanes = stop::drain_lanes(&self.directory).await;
        let spent = self.clock.monotonic().saturating_sub(began);
        let limit = config.server.shutdown_timeout / 3;
        sockets
            .drain(COME_BACK, limit.saturating_sub(spent).max(FAREWELL))
            .await;
        // Its threads bound themselves; one that died does not.
        let _ = tokio::time::timeout(config.server.shutdown_timeout, handle.stop(true)).await;
        stop::finish_sign_ins(&accounts).await;
        // Mails are handed over by calls, of which there are none any more, and by what goes on after their answers.
        let mailed = async {
            accounts.requests_done(REQUESTS).await;
            mails.finish(APPLY).await
        };
        let (parts, mailed) = tokio::join!(shutdown.drained(APPLY), mailed);
        if !mailed {
            tracing::warn!("mails that waited are lost: whoever waits for one has to ask again");
        }
        let ledgers = stop::finish_ledgers(&self.directory).await;
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
        let left = stop::Left {
            lanes,
            ledgers,
            parts,
        };
        left.tell();
        // It ended with the first sign of the end.
        let _ = tokio::time::timeout(APPLY, keeping_up).await;
        // Nothing is written any more.
        if matches!(upkeep.await, Ok(upkeep::Ended::StoreFailed)) {
            return Err(AppError::StoreFailed);
        }
        // Until now the tenants were this process's own: others take them over as soon as it has left.
        heartbeat.end().await;
        stop::close(self.store.as_ref()).await;
        if parts > 0 {
            return Err(AppError::Unfinished { parts });
        }
        Ok(())
    }
}

async fn start_tenants(directory: Arc<Directory>, gateway: Arc<Gateway>, shutdown: Shutdown) {
    while let Err(error) = directory.start_due().await {
        tracing::warn!(error = %error, "cannot tell yet which tenants have something to send");
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(START_AGAIN) => {}
        }
    }
    gateway.opened();
    let missing = directory.missing().len();
    tracing::info!(
        missing,
        "tenants that have something to send run; others start when they are needed"
    );
}
