//! The actor behind a feed: takes what is published, reads what was missed, and wakes the sockets.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext, Context, Handler, WrapFuture as _};

use super::coalescing::Coalescing;
use super::event_buffer::Offered;
use super::log_reader::{LogReader, within_deadline};
use super::publisher::Publisher;
use super::registry::Core;
use super::{FeedSubscriber, Published, Signal};
use crate::actors::bounded::{Admitted, BoundedAddr};
use crate::actors::request::Refusal;
use crate::domain::Seq;
use crate::store::{EventPage, StoreError};
use crate::telemetry::Seldom;

/// Published batches that may wait. Each is shared with the other workers; what does not fit is read from the log.
pub(super) const MAILBOX: usize = 256;
/// Missed events read at once.
const READ: usize = 512;
/// How often it is checked that nothing was missed and that the ledger lives.
const TICK: Duration = Duration::from_secs(1);
/// Signals wait this long for more of their kind, so that a busy team does not wake everybody all the time.
const SIGNAL_PAUSE: Duration = Duration::from_millis(50);
/// Time between some sockets that are woken for signals and the next: what thousands are told must not hold up webhooks, and
/// signals are in no hurry.
const BETWEEN_WAKES: Duration = Duration::from_millis(2);
/// How long subscribing may take.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(10);

/// The log tells of all feeds together that cannot go on: while the store is away, none can.
static UNREAD: Seldom = Seldom::each(TOLD_EACH);
static UNFOLLOWED: Seldom = Seldom::each(TOLD_EACH);
const TOLD_EACH: Duration = Duration::from_secs(10);

/// Older events are wanted, or the feed is to end.
pub(super) enum Nudge {
    /// Look whether something has to be read.
    Read,
    /// Nobody needs the feed.
    End,
}

enum Read {
    /// After the newest event.
    Newer(Seq),
    /// Between a wanted position and the oldest event.
    Older(Seq),
}

/// How far sockets are with being woken for signals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waking {
    /// All were.
    Done,
    /// They will be, or some were.
    Due,
    /// More signals came since the first were woken.
    Again,
}

/// The live tail of one tenant on one HTTP worker. Sockets reach it through their [`super::Subscription`]s.
pub struct WorkerFeed {
    core: Rc<Core>,
    reading: bool,
    subscribing: bool,
    waking: Waking,
    coalescing: Coalescing,
    empty_for: Duration,
}

impl WorkerFeed {
    /// Starts the actor on this thread, subscribed to nothing yet.
    pub(super) fn launch(core: Rc<Core>) -> BoundedAddr<Self> {
        let feed = Self {
            core,
            reading: false,
            subscribing: false,
            waking: Waking::Done,
            coalescing: Coalescing::default(),
            empty_for: Duration::ZERO,
        };
        let addr = Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            feed
        });
        BoundedAddr::new(addr, MAILBOX)
    }

    /// Begins a round for new events, if it is time.
    fn serve(&mut self, ctx: &mut Context<Self>) {
        if self.coalescing.begin() {
            self.turn(0, 0, ctx);
        }
    }

    /// One turn of a round: serves some sockets, and goes on once others on this thread had theirs.
    fn turn(&mut self, from: usize, before: usize, ctx: &mut Context<Self>) {
        let (served, next) = self.core.serve(from);
        let served = served.saturating_add(before);
        match next {
            Some(next) => {
                let others = tokio::task::yield_now().into_actor(self);
                ctx.spawn(others.map(move |(), feed, ctx| feed.turn(next, served, ctx)));
            }
            None => match self.coalescing.rest(served) {
                Some(pause) => {
                    ctx.run_later(pause, |feed, ctx| {
                        feed.coalescing.rested();
                        feed.serve(ctx);
                    });
                }
                None => self.serve(ctx),
            },
        }
    }

    /// Wakes all sockets for signals, in a while.
    fn wake_later(&mut self, ctx: &mut Context<Self>) {
        self.waking = Waking::Due;
        ctx.run_later(SIGNAL_PAUSE, |feed, ctx| {
            feed.waking = Waking::Due;
            feed.wake(0, ctx);
        });
    }

    /// Wakes sockets from a place on, some at a time.
    fn wake(&mut self, from: usize, ctx: &mut Context<Self>) {
        match self.core.wake_some(from) {
            Some(next) => {
                ctx.run_later(BETWEEN_WAKES, move |feed, ctx| feed.wake(next, ctx));
            }
            None if self.waking == Waking::Again => self.wake_later(ctx),
            None => self.waking = Waking::Done,
        }
    }

    /// Reads what is missing, one read at a time.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.reading {
            return;
        }
        let Some(read) = self.next_read() else { return };
        let core = Rc::clone(&self.core);
        let (after, limit) = match read {
            Read::Newer(after) => (after, READ),
            Read::Older(after) => {
                let missing = core.tail.borrow().base().get().saturating_sub(after.get());
                (after, usize::try_from(missing).unwrap_or(READ))
            }
        };
        self.reading = true;
        let work = async move {
            let now = core.log.clock.now();
            within_deadline(core.log.store.events_after(core.log.tenant, after, limit, now)).await
        };
        let work = work.into_actor(self).map(move |page, feed, ctx| {
            feed.reading = false;
            feed.take_page(read, page, ctx);
        });
        ctx.spawn(work);
    }

    fn next_read(&self) -> Option<Read> {
        let mut tail = self.core.tail.borrow_mut();
        if !tail.is_open() {
            return None;
        }
        let told = self.core.marks.head();
        let missing = told.get().saturating_sub(tail.head().get());
        if missing > self.core.buffer_events() {
            // Reading all of it would only push out again what was read first.
            tail.restart(Seq::new(told.get().saturating_sub(self.core.buffer_events())));
        }
        if missing > 0 {
            return Some(Read::Newer(tail.head()));
        }
        tail.take_wanted().map(Read::Older)
    }

    fn take_page(&mut self, read: Read, page: Result<EventPage, StoreError>, ctx: &mut Context<Self>) {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                // Tried again at the next tick; sockets wait that long.
                let told = UNREAD.happened(self.core.log.clock.monotonic());
                if let Some(count) = told.or(error.kind.is_lasting().then_some(1)) {
                    tracing::warn!(tenant.id = %self.core.log.tenant, %error, count, "a feed cannot read the log");
                }
                return;
            }
        };
        let mut tail = self.core.tail.borrow_mut();
        let went_on = match read {
            Read::Newer(after) => {
                tail.catch_up(page.oldest, &page.events);
                tail.head() > after
            }
            Read::Older(wanted) => {
                let events = page.events.into_iter().map(|event| (event.seq, event.json));
                tail.fill(wanted, page.oldest, events.collect());
                true
            }
        };
        drop(tail);
        self.core.wake_all();
        if went_on {
            self.catch_up(ctx);
        }
    }

    /// Follows the tenant's ledger, again after it was replaced.
    fn subscribe(&mut self, addr: BoundedAddr<Self>, ctx: &mut Context<Self>) {
        if self.subscribing {
            return;
        }
        self.subscribing = true;
        let core = Rc::clone(&self.core);
        let work = async move { subscribe(&core, addr).await };
        let work = work.into_actor(self).map(|subscribed, feed, ctx| {
            feed.subscribing = false;
            match subscribed {
                Ok(()) => {
                    feed.catch_up(ctx);
                    feed.core.wake_all();
                }
                Err(Refusal::UnknownTenant) => ctx.stop(),
                Err(refusal) => {
                    let LogReader { tenant, clock, .. } = &feed.core.log;
                    if let Some(count) = UNFOLLOWED.happened(clock.monotonic()) {
                        tracing::warn!(tenant.id = %tenant, error = %refusal, count, "a feed cannot follow its ledger");
                    }
                }
            }
        });
        ctx.spawn(work);
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let members = self.core.tail.borrow().subscriptions.len();
        self.empty_for = match members {
            0 => self.empty_for.saturating_add(TICK),
            _ => Duration::ZERO,
        };
        if self.empty_for > self.core.idle_after() {
            ctx.stop();
            return;
        }
        self.core.count_taken();
        self.core.marks.take_missed();
        self.catch_up(ctx);
        // The ledger drops its subscribers when it ends.
        if self.core.tail.borrow().is_open()
            && self.core.publisher.borrow().strong_count() == 0
            && let Some(addr) = self.core.addr()
        {
            self.subscribe(addr, ctx);
        }
    }

    /// After each message, once its place is free: what did not fit meanwhile is in the log.
    fn look_back(&mut self, ctx: &mut Context<Self>) {
        if self.core.marks.take_missed() {
            self.catch_up(ctx);
        }
    }
}

/// Subscribes to the tenant's ledger and sets the feed to where it stands.
pub(super) async fn subscribe(core: &Core, addr: BoundedAddr<WorkerFeed>) -> Result<(), Refusal> {
    let publisher = Arc::new(Publisher {
        addr,
        marks: Arc::clone(&core.marks),
    });
    let watch = Arc::downgrade(&publisher);
    core.marks.reset();
    let asked = core
        .tenants
        .subscribe(core.log.tenant, FeedSubscriber::new(publisher));
    let ledger = tokio::time::timeout(SUBSCRIBE_DEADLINE, asked)
        .await
        .unwrap_or(Err(Refusal::Busy))?;
    // The publisher may have told of newer events already.
    core.marks.raise(ledger.head);
    core.tail.borrow_mut().follow(ledger);
    core.publisher.replace(watch);
    Ok(())
}

impl Actor for WorkerFeed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(TICK, Self::tick);
    }
}

impl Drop for WorkerFeed {
    /// However it ended, its sockets must not wait for it.
    fn drop(&mut self) {
        self.core.end();
    }
}

impl Handler<Admitted<Published>> for WorkerFeed {
    type Result = ();
    fn handle(&mut self, published: Admitted<Published>, ctx: &mut Context<Self>) {
        let Admitted { message, place } = published;
        let mut tail = self.core.tail.borrow_mut();
        let mut gap = !tail.is_open();
        let before = tail.head();
        if !gap {
            for event in message.events.iter() {
                gap |= tail.push(event) == Offered::Gap;
            }
        }
        let news = tail.head() > before;
        drop(tail);
        drop(place);
        if news {
            self.coalescing.published();
            self.serve(ctx);
        }
        if gap {
            self.catch_up(ctx);
        }
        self.look_back(ctx);
    }
}

impl Handler<Admitted<Arc<Signal>>> for WorkerFeed {
    type Result = ();
    fn handle(&mut self, signal: Admitted<Arc<Signal>>, ctx: &mut Context<Self>) {
        let Admitted { message, place } = signal;
        self.core.tail.borrow_mut().signal(&message);
        drop(place);
        match self.waking {
            Waking::Done => self.wake_later(ctx),
            Waking::Due | Waking::Again => self.waking = Waking::Again,
        }
        self.look_back(ctx);
    }
}

impl Handler<Admitted<Nudge>> for WorkerFeed {
    type Result = ();
    fn handle(&mut self, nudge: Admitted<Nudge>, ctx: &mut Context<Self>) {
        let Admitted { message, place } = nudge;
        drop(place);
        match message {
            Nudge::Read => self.catch_up(ctx),
            Nudge::End => ctx.stop(),
        }
        self.look_back(ctx);
    }
}
