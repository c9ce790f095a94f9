//! Watches all sockets from a thread of its own, and ends those whose clients do not read.
//!
//! Its judgement does not depend on anything that a socket's own thread has to get round to. It is also who sends sockets
//! away when the server stops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix::{Actor, ActorContext as _, ArbiterHandle, AsyncContext, Context, Handler};
use tokio::sync::oneshot;

use super::options::SocketOptions;
use super::progress::{Progress, Want};
use super::session::{Leave, Session};
use crate::actors::{Admitted, BoundedAddr};
use crate::domain::Clock;

/// Messages that may wait: each is a wish that all sockets are sent away.
const MAILBOX: usize = 16;
/// How often it is looked who is left while sockets are sent away.
const LEAVING_TICK: Duration = Duration::from_millis(50);

/// Watch this socket.
pub(super) struct Watch {
    pub(super) progress: Weak<Progress>,
    pub(super) session: BoundedAddr<Session>,
}

/// Sockets that opened since the reaper looked last; it takes them over when it looks, and is not woken for each. `None` once it
/// has ended.
#[derive(Clone)]
pub(super) struct Newcomers(Arc<Mutex<Option<Vec<Watch>>>>);

impl Newcomers {
    fn none_yet() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// Has a socket watched; false when nobody watches any more.
    pub(super) fn add(&self, watch: Watch) -> bool {
        match &mut *self.list() {
            Some(list) => {
                list.push(watch);
                true
            }
            None => false,
        }
    }

    fn take(&self) -> Vec<Watch> {
        self.list().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Nobody is taken over any more; gives those who came last.
    fn close(&self) -> Vec<Watch> {
        self.list().take().unwrap_or_default()
    }

    fn list(&self) -> MutexGuard<'_, Option<Vec<Watch>>> {
        // The list is changed whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When clients that are sent away should come back.
#[derive(Debug, Clone, Copy)]
pub struct ComeBack {
    /// Not before this long.
    pub after: Duration,
    /// Each at some time within this long from then on.
    pub within: Duration,
}

/// Send all sockets away.
pub(super) struct SendAway {
    /// When they should come back.
    pub(super) come_back: ComeBack,
    /// When whoever is left is cut off.
    pub(super) deadline: Duration,
    /// Told once nobody is left.
    pub(super) done: oneshot::Sender<()>,
}

struct Watched {
    progress: Weak<Progress>,
    session: BoundedAddr<Session>,
    watch: Watching,
}

/// What was seen of a socket so far.
#[derive(Debug, Clone, Copy)]
struct Watching {
    moves: u64,
    want: Want,
    /// Since when nothing was written although something waits.
    since: Duration,
}

impl Watching {
    /// A socket that opened now.
    const fn new(now: Duration) -> Self {
        Self {
            moves: 0,
            want: Want::Nothing,
            since: now,
        }
    }

    /// Looks again. Says whether the client reads: something waited for it at this look and at the one before, so that
    /// its buffers were full, and yet something was written. That alone proves nothing: buffers take much unread.
    fn look(&mut self, moves: u64, want: Want, now: Duration) -> Seen {
        let moved = moves != self.moves;
        let full = (self.want, want) == (Want::Read, Want::Read);
        if want == Want::Nothing || moved {
            self.since = now;
        }
        *self = Self {
            moves,
            want,
            since: self.since,
        };
        if moved && full {
            Seen::Reading
        } else {
            Seen::Nothing
        }
    }
}

/// What a look shows of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It reads.
    Reading,
    /// Nothing.
    Nothing,
}

struct Leaving {
    come_back: ComeBack,
    until: Duration,
    done: Vec<oneshot::Sender<()>>,
}

/// See the module.
pub(super) struct Reaper {
    clock: Arc<dyn Clock>,
    stuck: Duration,
    closing: Duration,
    tick: Duration,
    newcomers: Newcomers,
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
    ) -> (BoundedAddr<Self>, Newcomers) {
        let (stuck, closing, tick) = (options.stuck, options.closing, options.reaper_tick);
        let newcomers = Newcomers::none_yet();
        let taken_over = newcomers.clone();
        let addr = Self::start_in_arbiter(arbiter, move |ctx: &mut Context<Self>| {
            ctx.set_mailbox_capacity(MAILBOX);
            Self {
                clock,
                stuck,
                closing,
                tick,
                newcomers: taken_over,
                watched: Vec::new(),
                leaving: None,
                rng: fastrand::Rng::with_seed(seed),
            }
        });
        (BoundedAddr::new(addr, MAILBOX), newcomers)
    }

    /// Takes newcomers over, and sends them away if everybody is.
    fn take_over(&mut self, newcomers: Vec<Watch>, now: Duration) {
        for Watch { progress, session } in newcomers {
            if self.leaving.is_some() {
                self.send_away(&session);
            }
            self.watched.push(Watched {
                progress,
                session,
                watch: Watching::new(now),
            });
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.monotonic();
        self.take_over(self.newcomers.take(), now);
        let overdue = self.leaving.as_ref().is_some_and(|leaving| now >= leaving.until);
        let (stuck, closing) = (self.stuck, self.closing);
        self.watched.retain_mut(|watched| {
            let Some(progress) = watched.progress.upgrade() else {
                return false;
            };
            let want = progress.want();
            if watched.watch.look(progress.moves(), want, now) == Seen::Reading {
                progress.note_read(now);
            }
            let patience = if want == Want::End { closing } else { stuck };
            if overdue || now.saturating_sub(watched.watch.since) >= patience && want != Want::Nothing {
                progress.reap();
            }
            true
        });
        if !self.watched.is_empty() || self.leaving.is_none() {
            return;
        }
        self.take_over(self.newcomers.close(), now);
        if let (true, Some(leaving)) = (self.watched.is_empty(), &mut self.leaving) {
            for done in leaving.done.drain(..) {
                // Whoever waited may have gone.
                let _ = done.send(());
            }
            ctx.stop();
        }
    }

    fn send_away(&mut self, session: &BoundedAddr<Session>) {
        let Some(leaving) = &self.leaving else { return };
        let ComeBack { after, within } = leaving.come_back;
        let come_back_after = after.saturating_add(within.mul_f64(self.rng.f64()));
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

impl Handler<Admitted<SendAway>> for Reaper {
    type Result = ();
    fn handle(&mut self, away: Admitted<SendAway>, ctx: &mut Context<Self>) {
        let SendAway {
            come_back,
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
            come_back,
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

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_secs(1);

    #[test]
    fn a_client_reads_when_something_is_written_although_more_waited_all_the_time() {
        let mut watch = Watching::new(Duration::ZERO);
        for (second, moves, want, seen) in [
            // Pings and single events are taken by buffers, unread.
            (1, 1, Want::Nothing, Seen::Nothing),
            (2, 2, Want::Read, Seen::Nothing),
            (3, 3, Want::Nothing, Seen::Nothing),
            // The buffers are full.
            (4, 9, Want::Read, Seen::Nothing),
            (5, 9, Want::Read, Seen::Nothing),
            // There was room again.
            (6, 10, Want::Read, Seen::Reading),
            (7, 10, Want::Read, Seen::Nothing),
            (8, 11, Want::Nothing, Seen::Nothing),
        ] {
            assert_eq!(watch.look(moves, want, TICK * second), seen, "second {second}");
        }
    }

    #[test]
    fn only_who_takes_nothing_of_what_waits_is_stuck() {
        let mut watch = Watching::new(Duration::ZERO);
        watch.look(1, Want::Read, TICK);
        watch.look(2, Want::Read, TICK * 2);
        watch.look(2, Want::Read, TICK * 9);
        assert_eq!(watch.since, TICK * 2);
        watch.look(2, Want::Nothing, TICK * 10);
        assert_eq!(watch.since, TICK * 10);
    }
}
