//! The actor of one socket: hears the client, has its requests done, keeps its times. Not part of the socket's own task,
//! so it goes on when the client does not read.

mod asking;
mod showing;

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext, Context, Handler, SpawnHandle,
    StreamHandler, WrapFuture as _, fut,
};

use super::frame::Close;
use super::inbound::Frames;
use super::link::Link;
use super::outgoing::told_to_resync;
use super::progress::Progress;
use super::protocol::{
    Answered, Command, Deed, Inbound, Protocol, Welcome, error, limit_changed, ok, reconnect, welcome,
};
use super::socket_limits::SocketPermit;
use super::sockets::Shared;
use super::tickets::Pass;
use crate::actors::feed::{Cursor, Presence};
use crate::actors::request::{Attendance, Refusal, Roster};
use crate::actors::{Admitted, BoundedAddr, SessionId};
use crate::api::auth::{Heard, KeyWatch};
use crate::api::client_stream::ReadHalf;
use crate::api::error::{ApiError, ErrorCode};
use crate::store::TenantHead;
use crate::telemetry::labels::CloseReason;
use crate::telemetry::metrics;
use showing::Showing;

/// Messages that may wait for a session; only the reaper and its outgoing half write.
const MAILBOX: usize = 4;

/// The server is stopping: say goodbye.
pub(super) struct Leave {
    /// How long the client should stay away.
    pub(super) come_back_after: Duration,
}

/// The tenant's actor was replaced, and its successor knows of nobody.
pub(super) struct Succeeded;

/// What a session is made of.
pub(super) struct Parts {
    pub(super) shared: Arc<Shared>,
    pub(super) pass: Pass,
    pub(super) watch: KeyWatch,
    pub(super) link: Link,
    pub(super) progress: Arc<Progress>,
    pub(super) socket_permit: SocketPermit,
}

/// See the module.
pub(super) struct Session {
    shared: Arc<Shared>,
    pass: Pass,
    id: SessionId,
    link: Link,
    progress: Arc<Progress>,
    protocol: Protocol,
    showing: Showing,
    is_leaving: bool,
    why: Option<Close>,
    planned: Option<SpawnHandle>,
    _counted: SocketPermit,
}

impl Session {
    /// Starts the session on this thread.
    pub(super) fn launch(parts: Parts, frames: Frames<ReadHalf>) -> BoundedAddr<Self> {
        let Parts {
            shared,
            pass,
            watch,
            link,
            progress,
            socket_permit,
        } = parts;
        let protocol = Protocol::new(shared.options.protocol(), shared.clock.monotonic());
        let addr = Self::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            ctx.add_stream(frames);
            let ended = watch.ended(Arc::clone(&shared.keys), pass.limit.clone());
            ctx.spawn(
                fut::wrap_future(ended).map(|heard, session: &mut Self, ctx| match heard {
                    Heard::Refused => session.end(Close::Unauthorized, ctx),
                    Heard::OtherNumbers => session.end_for_other_numbers(ctx),
                }),
            );
            Self {
                id: shared.next_session(),
                shared,
                pass,
                link,
                progress,
                protocol,
                showing: Showing::nothing(),
                is_leaving: false,
                why: None,
                planned: None,
                _counted: socket_permit,
            }
        });
        BoundedAddr::new(addr, MAILBOX)
    }

    fn act(&mut self, deed: Deed, ctx: &mut Context<Self>) {
        match deed {
            Deed::Nothing => {}
            Deed::Say(frame) => self.link.send(frame),
            Deed::Greet(at) => self.greet(at, ctx),
            Deed::Run(answered, command) => self.run(answered, command, ctx),
            Deed::Refuse(said, why) => {
                self.link.send(said);
                self.act(Deed::End(why), ctx);
            }
            Deed::End(why) => {
                self.why = Some(why);
                self.link.close(why);
                ctx.stop();
            }
        }
    }

    fn end(&mut self, why: Close, ctx: &mut Context<Self>) {
        let deed = self.protocol.end(why);
        self.act(deed, ctx);
    }

    /// What the client has is not what it may have: it loads afresh, and comes back.
    fn end_for_other_numbers(&mut self, ctx: &mut Context<Self>) {
        self.link.send(limit_changed());
        self.end(Close::OtherNumbers, ctx);
    }

    /// Tells colleagues, learns who is there, and lets events flow.
    fn greet(&mut self, at: Option<TenantHead>, ctx: &mut Context<Self>) {
        let (shared, pass, id) = (Arc::clone(&self.shared), self.pass.clone(), self.id);
        self.showing.telling();
        self.look_later(ctx);
        let wait = shared.wait_for_greeting();
        let work = async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let greeted = async {
                let (roster, ledger) = shared.presence.arrive(pass.tenant, pass.agent, id).await?;
                let visible = shared.numbers.visible(pass.tenant, &pass.limit);
                // Without an answer of the store it is told of no viewers at all.
                let roster = visible.roster(roster).await.unwrap_or_default();
                Ok((roster, ledger))
            };
            tokio::time::timeout(shared.options.command, greeted)
                .await
                .unwrap_or(Err(Refusal::Busy))
        };
        let work = work.into_actor(self).map(move |greeted, session, ctx| match greeted {
            Ok((roster, ledger)) => {
                session.welcome(at, ledger, &roster);
                // Who arrives is online. A client need not wait for its welcome, so it may have said something else already.
                if session.showing.is_more_than_online() {
                    session.show_again(ctx);
                }
            }
            Err(refusal) => {
                tracing::info!(tenant.id = %session.pass.tenant, error = %refusal, "a socket finds no tenant");
                session.end(Close::Unavailable, ctx);
            }
        });
        ctx.spawn(work);
    }

    fn welcome(&mut self, at: Option<TenantHead>, ledger: TenantHead, roster: &Roster) {
        let (cursor, resync) = Cursor::begin(at, ledger, self.shared.options.resync_after);
        self.link.send(welcome(&Welcome {
            session: &format!("{:016x}", self.id.get()),
            agent: &self.pass.agent,
            from: TenantHead {
                epoch: cursor.epoch(),
                head: cursor.seq(),
            },
            head: ledger.head,
            heartbeat: self.shared.options.heartbeat,
            roster,
        }));
        if let Some(reason) = resync {
            self.link.send(told_to_resync(cursor, reason));
        }
        self.link.begin(cursor);
    }

    /// Has a request done and answers it. Ends within the deadline, so that a place among those under way is free again.
    fn run(&mut self, answered: Answered, command: Command, ctx: &mut Context<Self>) {
        let (shared, pass, id) = (Arc::clone(&self.shared), self.pass.clone(), self.id);
        if let Command::Attend(shown) = &command {
            self.showing.change(shown);
        }
        let work = async move {
            let asked = asking::ask(&shared, &pass, id, &answered, command);
            match tokio::time::timeout(shared.options.command, asked).await {
                Ok(Ok(Some(frame))) => Some(frame),
                Ok(Ok(None)) => ok(&answered),
                Ok(Err(refused)) => Some(error(&answered, &refused)),
                Err(_late) => Some(error(&answered, &ErrorCode::Uncertain.into())),
            }
        };
        let work = work.into_actor(self).map(|frame, session, ctx| {
            session.protocol.settled();
            if let Some(frame) = frame {
                session.link.send(frame);
            }
            session.leave_when_idle(ctx);
        });
        ctx.spawn(work);
    }

    /// Tells the tenant's successor what this socket shows.
    fn show_again(&mut self, ctx: &mut Context<Self>) {
        let (shared, pass, id) = (Arc::clone(&self.shared), self.pass.clone(), self.id);
        let all = self.showing.all();
        self.showing.telling();
        let work = async move {
            let told = async {
                for shown in all {
                    shared
                        .presence
                        .attend(pass.tenant, pass.agent.clone(), id, shown)
                        .await?;
                }
                Ok(())
            };
            tokio::time::timeout(shared.options.command, told)
                .await
                .unwrap_or(Err(Refusal::Busy))
        };
        let work = work.into_actor(self).map(|told, session, _| {
            if told.is_err() {
                // With the next ping.
                session.showing.forgotten();
            }
        });
        ctx.spawn(work);
    }

    fn leave_when_idle(&mut self, ctx: &mut Context<Self>) {
        if self.is_leaving && self.protocol.is_idle() {
            self.end(Close::Restarting, ctx);
        }
    }

    /// Looks at the clock, and when to look again.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let now = self.shared.clock.monotonic();
        self.protocol.read(self.progress.last_read());
        let deed = self.protocol.look(now);
        if matches!(deed, Deed::Say(_)) {
            self.look_at_key(ctx);
            if self.showing.is_due() {
                self.show_again(ctx);
            }
        }
        self.act(deed, ctx);
        self.look_later(ctx);
    }

    fn look_later(&mut self, ctx: &mut Context<Self>) {
        if let Some(planned) = self.planned.take() {
            ctx.cancel_future(planned);
        }
        let next = self.protocol.next_look();
        if next != Duration::MAX {
            let wait = next.saturating_sub(self.shared.clock.monotonic());
            self.planned = Some(ctx.run_later(wait.max(LOOK_AT_MOST), Self::look));
        }
    }

    /// With each ping: whether the key that vouched for the agent may still be used.
    fn look_at_key(&mut self, ctx: &mut Context<Self>) {
        let (shared, voucher) = (Arc::clone(&self.shared), self.pass.voucher());
        let work = async move { shared.keys.look_at(voucher).await };
        let work = work.into_actor(self).map(|known, session, ctx| match known {
            Err(refused) if refused.code() == ErrorCode::Unauthorized => {
                session.end(Close::Unauthorized, ctx);
            }
            Ok(limit) if limit != session.pass.limit => session.end_for_other_numbers(ctx),
            // When the store cannot tell, whoever was let in stays.
            Ok(_) | Err(ApiError { .. }) => {}
        });
        ctx.spawn(work);
    }
}

/// A clock that stands still must not make a session spin.
const LOOK_AT_MOST: Duration = Duration::from_millis(10);

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        let reason = match self.why {
            Some(Close::Normal) => CloseReason::Client,
            Some(Close::TooLarge | Close::Flood | Close::TooManySockets) => CloseReason::Flood,
            Some(Close::Restarting) => CloseReason::Shutdown,
            Some(Close::Protocol) => CloseReason::Protocol,
            Some(Close::OtherNumbers) => CloseReason::OtherNumbers,
            Some(Close::Unauthorized) => CloseReason::Revoked,
            Some(Close::Timeout) => CloseReason::Timeout,
            Some(Close::Unavailable) => CloseReason::Unavailable,
            None if self.progress.is_reaped() => CloseReason::Stuck,
            None => CloseReason::Broken,
        };
        metrics::sockets_closed_total(reason).increment(1);
        tracing::debug!(
            tenant.id = %self.pass.tenant,
            key.id = self.pass.key.id,
            session = self.id.get(),
            acknowledged = self.protocol.acknowledged().get(),
            why = ?reason,
            "a socket closed"
        );
        if self.showing.is_shown() {
            let (shared, pass, id) = (Arc::clone(&self.shared), self.pass.clone(), self.id);
            actix::spawn(async move {
                let offline = Attendance::Presence(Presence::Offline);
                // Shown, not kept: whoever connects next is told anew.
                let _ = shared.presence.attend(pass.tenant, pass.agent, id, offline).await;
            });
        }
    }
}

impl Drop for Session {
    /// However it ended, the socket must not outlive it.
    fn drop(&mut self) {
        self.link.end();
    }
}

impl StreamHandler<Inbound> for Session {
    fn handle(&mut self, frame: Inbound, ctx: &mut Context<Self>) {
        let now = self.shared.clock.monotonic();
        let deed = self.protocol.hear(frame, &self.pass, now);
        self.act(deed, ctx);
    }

    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<Admitted<Succeeded>> for Session {
    type Result = ();
    fn handle(&mut self, _: Admitted<Succeeded>, ctx: &mut Context<Self>) {
        self.showing.forgotten();
        if self.showing.is_due() {
            self.show_again(ctx);
        }
    }
}

impl Handler<Admitted<Leave>> for Session {
    type Result = ();
    fn handle(&mut self, leave: Admitted<Leave>, ctx: &mut Context<Self>) {
        if !self.is_leaving {
            self.is_leaving = true;
            self.link.send(reconnect(leave.message.come_back_after));
            self.leave_when_idle(ctx);
        }
    }
}
