//! What all sockets of the process share.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::Arbiter;
use tokio::sync::{Semaphore, oneshot};

use super::frame;
use super::options::SocketOptions;
use super::reaper::{ComeBack, Newcomers, Reaper, SendAway};
use super::socket_limits::SocketLimits;
use super::tickets::Tickets;
use super::visible::ConversationNumbers;
use crate::actors::feed::{FeedParts, Feeds};
use crate::actors::{BoundedAddr, SessionId, TenantCommands, TenantPresence};
use crate::api::auth::KeyRing;
use crate::api::gcra::{Rate, SharedPace};
use crate::api::templates::TemplateGate;
use crate::domain::{Clock, TenantId};
use crate::store::Store;

/// Reads of the log for sockets that are far behind, in the whole process.
const PAGE_READS: usize = 16;
/// The part of a second's handshakes that may come at once.
const AT_ONCE_PART: u32 = 50;
/// Those who wait go on together, this far apart: threads that are woken for each alone would cost as much as the handshake.
const LUMP: Duration = Duration::from_millis(5);
/// How long the end waits to be begun.
const PATIENCE: Duration = Duration::from_secs(2);

/// What sockets are built on.
#[derive(Clone)]
pub struct SocketParts {
    /// Where agents' commands go.
    pub commands: Arc<dyn TenantCommands>,
    /// Where it is told who is there, and what they follow.
    pub presence: Arc<dyn TenantPresence>,
    /// Where the log is read.
    pub store: Arc<dyn Store>,
    /// Who is let in.
    pub keys: Arc<KeyRing>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What refuses templates.
    pub(in crate::api) templates: Arc<TemplateGate>,
    /// Bounds.
    pub options: SocketOptions,
    /// Where session ids and jitter begin.
    pub seed: u64,
}

/// What one socket needs of it.
pub(super) struct Shared {
    pub(super) commands: Arc<dyn TenantCommands>,
    pub(super) presence: Arc<dyn TenantPresence>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) templates: Arc<TemplateGate>,
    pub(super) options: SocketOptions,
    pub(super) socket_limits: SocketLimits,
    pub(super) tickets: Tickets,
    /// Whom the reaper watches from its next look on.
    pub(super) newcomers: Newcomers,
    next_session: AtomicU64,
    handshakes: SharedPace,
    leaving: AtomicBool,
    /// What limited members are shown.
    pub(super) numbers: ConversationNumbers,
    store: Arc<dyn Store>,
    page_reads: Arc<Semaphore>,
    reaper: BoundedAddr<Reaper>,
    arbiter: Arbiter,
}

impl Shared {
    /// An id that no other socket of this run has.
    pub(super) fn next_session(&self) -> SessionId {
        SessionId::new(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the server is sending sockets away.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Books a handshake's turn, and says how long to wait for it; or when to come back. Handshakes come evenly: others have the
    /// processors between them.
    pub(super) fn book_handshake(&self) -> Result<Duration, Duration> {
        let now = self.clock.monotonic();
        let patience = self.options.handshake_patience;
        let wait = self.handshakes.book(self.handshake_rate(), now, patience)?;
        Ok(if wait.is_zero() {
            wait
        } else {
            wait.saturating_add(to_next_lump(now.saturating_add(wait)))
        })
    }

    /// How long a client that said hello waits to be greeted together with others. Nothing, unless more come than are let in at
    /// once: a crowd that is greeted one by one has the tenant's thread woken for each.
    pub(super) fn wait_for_greeting(&self) -> Duration {
        let now = self.clock.monotonic();
        if self.handshakes.wait(self.handshake_rate(), now).is_zero() {
            Duration::ZERO
        } else {
            to_next_lump(now)
        }
    }

    fn handshake_rate(&self) -> Rate {
        let per_second = self.options.handshakes_per_s;
        Rate::even(per_second, per_second / AT_ONCE_PART)
    }
}

/// How long after this time the next lump goes on.
fn to_next_lump(time: Duration) -> Duration {
    let into = time.as_micros() % LUMP.as_micros();
    LUMP.saturating_sub(Duration::from_micros(u64::try_from(into).unwrap_or(0)))
}

/// All sockets of the process. Clones are the same.
#[derive(Clone)]
pub struct Sockets(pub(super) Arc<Shared>);

impl Sockets {
    /// No socket yet. Starts the reaper on a thread of its own; needs a running actix system.
    pub fn start(parts: SocketParts) -> Self {
        let arbiter = Arbiter::new();
        let (reaper, newcomers) = Reaper::launch(
            &parts.options,
            Arc::clone(&parts.clock),
            parts.seed,
            &arbiter.handle(),
        );
        Self(Arc::new(Shared {
            socket_limits: SocketLimits::new(parts.options.total, parts.options.per_agent),
            tickets: Tickets::new(Arc::clone(&parts.clock)),
            newcomers,
            next_session: AtomicU64::new(parts.seed),
            handshakes: SharedPace::default(),
            leaving: AtomicBool::new(false),
            page_reads: Arc::new(Semaphore::new(PAGE_READS)),
            commands: parts.commands,
            presence: parts.presence,
            numbers: ConversationNumbers::new(Arc::clone(&parts.store)),
            store: parts.store,
            keys: parts.keys,
            clock: parts.clock,
            templates: parts.templates,
            options: parts.options,
            reaper,
            arbiter,
        }))
    }

    /// How agents' clients are let in.
    pub fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    /// How many sockets a tenant has open.
    pub fn open_of(&self, tenant: TenantId) -> usize {
        self.0.socket_limits.open_of(tenant)
    }

    /// What sockets are bounded by.
    pub fn options(&self) -> &SocketOptions {
        &self.0.options
    }

    /// Sends all sockets away: each is told when to come back, then closed once its requests are answered. Whoever is left
    /// after `deadline` is cut off. New ones are refused.
    pub async fn drain(&self, come_back: ComeBack, deadline: Duration) {
        self.0.leaving.store(true, Ordering::Release);
        let (sender, done) = oneshot::channel();
        let away = SendAway {
            come_back,
            deadline,
            done: sender,
        };
        if self.0.reaper.tell(away, PATIENCE).await.is_ok() {
            // A reaper that stopped has no sockets left. One that cut off all it had needs no longer than this.
            let _ = tokio::time::timeout(deadline.saturating_add(PATIENCE), done).await;
        }
        self.0.arbiter.stop();
    }
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sockets").field(&self.0.socket_limits).finish()
    }
}

/// The feeds of one HTTP worker; made when its first socket comes.
#[derive(Default)]
pub(in crate::api) struct WorkerFeeds(OnceCell<Feeds>);

impl WorkerFeeds {
    pub(super) fn of(&self, shared: &Shared) -> &Feeds {
        self.0.get_or_init(|| {
            Feeds::new(FeedParts {
                tenants: Arc::clone(&shared.presence),
                store: Arc::clone(&shared.store),
                clock: Arc::clone(&shared.clock),
                wire: frame::WIRE,
                limits: shared.options.feed,
                page_permits: Arc::clone(&shared.page_reads),
            })
        })
    }
}
