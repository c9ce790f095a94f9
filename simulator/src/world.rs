//! All that a simulator knows, behind one lock that is held for microseconds.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::blocks::Blocks;
use super::chatter::Chatter;
use super::config::SimulatorConfig;
use super::customers::{CustomerIndex, Customers};
use super::dice::{Dice, mix};
use super::elsewhere::Echoes;
use super::faults::{Faults, Storm};
use super::inbound::Inbounds;
use super::media::MediaShelf;
use super::numbers::Numbers;
use super::oracle::Oracle;
use super::pairs::Pairs;
use super::sends::{SendIndex, Sends};
use super::templates::Templates;
use super::upload_sessions::UploadSessions;
use super::wamid::Wamids;
use super::webhooks::Outbox;
use crate::clock::{Clock, Timestamp};

/// One reading of both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// What Meta writes into webhooks.
    pub(crate) wall: Timestamp,
    /// Microseconds that never go back: for limits and delays.
    pub(crate) us: u64,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: SimulatorConfig,
    pub(crate) numbers: Numbers,
    pub(crate) customers: Customers,
    pub(crate) pairs: Pairs,
    pub(crate) blocks: Blocks,
    pub(crate) sends: Sends,
    /// Sends that wait for an assessment of a template's quality, by the template.
    pub(crate) held: HashMap<SendIndex, u64>,
    /// Customers whom the business wrote to first: they use up its messaging limit.
    pub(crate) approached: HashSet<CustomerIndex>,
    /// Groups that were written to, in order of appearance.
    pub(crate) groups: Vec<String>,
    pub(crate) inbounds: Inbounds,
    pub(crate) echoes: Echoes,
    pub(crate) templates: Templates,
    pub(crate) media: MediaShelf,
    pub(crate) outbox: Outbox,
    pub(crate) oracle: Oracle,
    pub(crate) chatter: Chatter,
    pub(crate) wamids: Wamids,
    pub(crate) faults: Faults,
    pub(crate) storm: Option<Storm>,
    /// Counts the resets: a webhook under way must not be counted in a world that it does not belong to.
    pub(crate) reign: u64,
    /// Chance for the fates of sends.
    pub(crate) send_dice: Dice,
    /// Chance for what befalls files.
    pub(crate) media_dice: Dice,
    /// Samples that come in pieces.
    pub(crate) upload_sessions: UploadSessions,
    /// Chance for delays and what happens to webhooks.
    pub(crate) webhook_dice: Dice,
    pub(crate) counts: Counts,
    /// Calls to send that were not answered yet.
    pub(crate) calls_open: u64,
    /// Counts the deaths of callers: a call that is older than the last one is never answered.
    pub(crate) callers: u64,
}

/// Running totals of what Graph answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Requests to send that arrived, whatever became of them.
    pub send_requests: u64,
    /// Sends accepted.
    pub sends_accepted: u64,
    /// Sends refused by a rule: parameters, window, template, unknown recipient.
    pub sends_refused: u64,
    /// Sends refused because the number's rate was used up.
    pub rate_limited: u64,
    /// Sends refused because the customer's rate was used up.
    pub pair_limited: u64,
    /// Sends that a fault befell.
    pub faults: u64,
    /// Messages marked as read by the business.
    pub read_marks: u64,
}

impl World {
    pub(crate) fn new(config: SimulatorConfig, started: Timestamp) -> Self {
        let seed = config.seed;
        Self {
            numbers: Numbers::new(&config.numbers),
            customers: Customers::new(seed),
            pairs: Pairs::default(),
            blocks: Blocks::default(),
            sends: Sends::new(config.keep_bodies),
            held: HashMap::new(),
            approached: HashSet::new(),
            groups: Vec::new(),
            inbounds: Inbounds::default(),
            echoes: Echoes::default(),
            templates: Templates::seeded(config.numbers.iter().map(|number| number.waba_id.as_str())),
            media: MediaShelf::new(seed, config.media_url_ms),
            upload_sessions: UploadSessions::new(seed),
            media_dice: Dice::new(seed, 5),
            outbox: Outbox::new(config.webhooks),
            oracle: Oracle::default(),
            chatter: Chatter::new(seed),
            wamids: Wamids::new(seed, started.as_millis()),
            faults: config.faults,
            storm: None,
            reign: 0,
            send_dice: Dice::new(seed, 1),
            webhook_dice: Dice::new(seed, 2),
            counts: Counts::default(),
            calls_open: 0,
            callers: 0,
            config,
        }
    }
}

/// What the HTTP workers and the background tasks share.
pub(crate) struct Shared {
    world: Mutex<World>,
    clock: Arc<dyn Clock>,
    traces: AtomicU64,
    /// Rings when something became due earlier than the dispatcher thinks.
    pub(crate) wake: Notify,
    /// Rings when a customer has something to say earlier than thought.
    pub(crate) talk: Notify,
    /// Rings when the last webhook left.
    pub(crate) quiet: Notify,
    /// Ends the background tasks.
    pub(crate) stop: CancellationToken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(config: SimulatorConfig, clock: Arc<dyn Clock>) -> Self {
        let world = World::new(config, clock.now());
        Self {
            world: Mutex::new(world),
            clock,
            traces: AtomicU64::new(0),
            wake: Notify::new(),
            talk: Notify::new(),
            quiet: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            wall: self.clock.now(),
            us: u64::try_from(self.clock.monotonic().as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// Does something to the world. Never holds the lock across an await, since nothing inside can await.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World, Now) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that time does not run backwards from one caller to the next.
        let now = self.now();
        let result = act(&mut world, now);
        let wake = world.outbox.take_wake();
        let talk = world.chatter.take_wake();
        drop(world);
        if wake {
            self.wake.notify_one();
        }
        if talk {
            self.talk.notify_one();
        }
        result
    }

    /// A new `fbtrace_id`.
    pub(crate) fn trace(&self) -> String {
        let number = self.traces.fetch_add(1, Ordering::Relaxed);
        let bytes = [mix(number, 0x7ace).to_be_bytes(), mix(number, 0x1d).to_be_bytes()].concat();
        format!("A{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}
