//! Watches all sockets from a thread of its own, and ends those whose clients do not read.
//!
//! Its judgement does not depend on anything that a socket's own thread has to get round to. It is also who sends sockets
//! away when the server stops.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::{Actor, ActorContext as _, ArbiterHandle, AsyncContext, Context, Handler};
use tokio::sync::oneshot;

use super::options::SocketOptions;
use super::progress::{Progress, Want};
use super::session::{Leave, Session};
use crate::actors::{Admitted, BoundedAddr};
use crate::domain::Clock;

/// Sockets that may wait to be watched: a second of the fastest handshakes.
const MAILBOX: usize = 1_024;
/// How often it is looked who is left while sockets are sent away.
const LEAVING_TICK: Duration = Duration::from_millis(50);

/// Watch this socket.
pub(super) struct Watch {
    pub(super) progress: Weak<Progress>,
    pub(super) session: BoundedAddr<Session>,
}

/// Send all sockets away.
pub(super) struct SendAway {
    /// Over how long they should come back.
    pub(super) window: Duration,
    /// When whoever is left is cut off.
    pub(super) deadline: Duration,
    /// Told once nobody is left.
    pub(super) done: oneshot::Sender<()>,
}

struct Watched {
    progress: Weak<Progress>,
    session: BoundedAddr<Session>,
    moves: u64,
    since: Duration,
}

struct Leaving {
    window: Duration,
    until: Duration,
    done: Vec<oneshot::Sender<()>>,
}

/// See the module.
pub(super) struct Reaper {
    clock: Arc<dyn Clock>,
    stuck: Duration,
    closing: Duration,
    tick: Duration,
    watched: Vec<Watched>,
    leaving: Option<Leaving>,
    rng: fastrand::Rng,
}

impl Reaper {
    /// Starts it on its arbiter.
    pub(super) fn launch(
        options: &SocketOptions,
        clock: Arc<dyn Clock>,
        seed: u64,
        arbiter: &ArbiterHandle,
    ) -> BoundedAddr<Self> {
        let (stuck, closing, tick) = (options.stuck, options.closing, options.reaper_tick);
        let addr = Self::start_in_arbiter(arbiter, move |ctx: &mut Context<Self>| {
            ctx.set_mailbox_capacity(MAILBOX);
            Self {
                clock,
                stuck,
                closing,
                tick,
                watched: Vec::new(),
                leaving: None,
                rng: fastrand::Rng::with_seed(seed),
            }
        });
        BoundedAddr::new(addr, MAILBOX)
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.monotonic();
        let overdue = self.leaving.as_ref().is_some_and(|leaving| now >= leaving.until);
        let (stuck, closing) = (self.stuck, self.closing);
        self.watched.retain_mut(|watched| {
            let Some(progress) = watched.progress.upgrade() else {
                return false;
            };
            let moves = progress.moves();
            let want = progress.want();
            if want == Want::Nothing || moves != watched.moves {
                watched.moves = moves;
                watched.since = now;
            }
            let patience = if want == Want::End { closing } else { stuck };
            if overdue || now.saturating_sub(watched.since) >= patience && want != Want::Nothing {
                progress.reap();
            }
            true
        });
        if self.watched.is_empty()
            && let Some(leaving) = &mut self.leaving
        {
            for done in leaving.done.drain(..) {
                // Whoever waited may have gone.
                let _ = done.send(());
            }
            ctx.stop();
        }
    }

    fn send_away(&mut self, session: &BoundedAddr<Session>) {
        let window = self
            .leaving
            .as_ref()
            .map_or(Duration::ZERO, |leaving| leaving.window);
        let come_back_after = window.mul_f64(self.rng.f64());
        // A session that cannot take it is cut off at the deadline.
        let _ = session.try_tell(Leave { come_back_after });
    }
}

impl Actor for Reaper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.tick, Self::look);
    }
}

impl Handler<Admitted<Watch>> for Reaper {
    type Result = ();
    fn handle(&mut self, watch: Admitted<Watch>, _: &mut Context<Self>) {
        let Watch { progress, session } = watch.message;
        if self.leaving.is_some() {
            self.send_away(&session);
        }
        self.watched.push(Watched {
            progress,
            session,
            moves: 0,
            since: self.clock.monotonic(),
        });
    }
}

impl Handler<Admitted<SendAway>> for Reaper {
    type Result = ();
    fn handle(&mut self, away: Admitted<SendAway>, ctx: &mut Context<Self>) {
        let SendAway {
            window,
            deadline,
            done,
        } = away.message;
        let until = self.clock.monotonic().saturating_add(deadline);
        if let Some(leaving) = &mut self.leaving {
            leaving.done.push(done);
            leaving.until = leaving.until.min(until);
            return;
        }
        self.leaving = Some(Leaving {
            window,
            until,
            done: vec![done],
        });
        let sessions: Vec<_> = self
            .watched
            .iter()
            .map(|watched| watched.session.clone())
            .collect();
        for session in sessions {
            self.send_away(&session);
        }
        ctx.run_interval(LEAVING_TICK, Self::look);
        self.look(ctx);
    }
}
