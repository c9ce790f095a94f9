//! The outgoing half of a session: a task of its own that writes to the connection. Whenever there is room, it sends what
//! the actor wants to say, then pulls events from the feed by cursor. It holds no queue: while the client does not read,
//! it waits with what it has in hand. Once all is written it sleeps, and the feed itself writes the events that come.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes};
use futures_util::future::LocalBoxFuture;
use socket2::SockRef;

use super::frame::Close;
use super::link::Link;
use super::progress::Progress;
use super::protocol::resync;
use super::session::{Session, Succeeded};
use super::socket_writer::SocketWriter;
use super::sockets::Shared;
use super::visible::Visible;
use crate::actors::BoundedAddr;
use crate::actors::feed::{Cursor, Paged, PagedEach, Step, Subscription};
use crate::domain::{ConversationId, NumberLimit, TenantId};
use crate::store::{StoreError, TenantHead};
use crate::telemetry::labels::ResyncReason;
use crate::telemetry::metrics;

/// Frames written at once; there is seldom more than one.
const AT_ONCE: usize = 8;
/// Bytes after which what is in hand is written before more is taken.
const ENOUGH: usize = 16 * 1024;

type Reading = LocalBoxFuture<'static, Result<Paged, StoreError>>;

type Signalling = LocalBoxFuture<'static, Result<Bytes, StoreError>>;

/// A limited member's socket is sent frames of its own.
#[derive(Clone)]
pub(super) struct Limited {
    pub(super) shared: Arc<Shared>,
    pub(super) tenant: TenantId,
    pub(super) limit: NumberLimit,
}

impl Limited {
    fn visible(&self) -> Visible<'_> {
        self.shared.numbers.visible(self.tenant, &self.limit)
    }

    /// What the socket is sent of a page.
    fn filter(
        self,
        at: Cursor,
        page: impl Future<Output = Result<PagedEach, StoreError>> + 'static,
    ) -> Reading {
        Box::pin(async move {
            let page = page.await?;
            self.visible().page(at.epoch(), at.seq(), page).await
        })
    }

    fn signals(self, signals: Vec<(Option<ConversationId>, Bytes)>) -> Signalling {
        Box::pin(async move { self.visible().signals(signals).await })
    }
}

/// What there is to send.
enum Next {
    Frame(Bytes),
    NothingYet,
    End,
}

/// See the module.
pub(super) struct Outgoing {
    link: Link,
    subscription: Subscription,
    progress: Arc<Progress>,
    session: BoundedAddr<Session>,
    writer: Rc<SocketWriter>,
    /// Frames in hand, partly written perhaps.
    in_hand: VecDeque<Bytes>,
    cursor: Option<Cursor>,
    signals: u64,
    /// The ledgers that the feed had followed when it was last looked.
    ledgers: u64,
    reading: Option<Reading>,
    /// Of a member who is limited.
    limited: Option<Limited>,
    /// Signals for such a member, while it is looked which they may see.
    signalling: Option<Signalling>,
    /// The waker that the reaper knows.
    registered: Option<Waker>,
}

impl Outgoing {
    pub(super) fn new(
        link: Link,
        (subscription, limited): (Subscription, Option<Limited>),
        progress: Arc<Progress>,
        session: BoundedAddr<Session>,
        writer: SocketWriter,
    ) -> Self {
        Self {
            link,
            signals: subscription.last_signal(),
            ledgers: subscription.ledgers(),
            subscription,
            writer: Rc::new(writer),
            progress,
            session,
            in_hand: VecDeque::new(),
            cursor: None,
            reading: None,
            limited,
            signalling: None,
            registered: None,
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Next {
        loop {
            if let Some(frame) = self.link.take_frame() {
                return Next::Frame(frame);
            }
            if self.link.is_ended() {
                return Next::End;
            }
            self.link.wait(cx.waker());
            if let Some(begins) = self.link.take_cursor() {
                self.cursor = Some(begins);
            }
            let Some(mut cursor) = self.cursor else {
                return Next::NothingYet;
            };
            let step = self.step(&mut cursor, cx);
            self.cursor = Some(cursor);
            match step {
                Step::Send(frame) => {
                    self.progress.sent(cursor.seq());
                    return Next::Frame(frame);
                }
                Step::Resync(reason) => {
                    self.progress.sent(cursor.seq());
                    return Next::Frame(told_to_resync(cursor, reason));
                }
                Step::Read => {
                    self.reading = Some(match &self.limited {
                        None => Box::pin(self.subscription.read(cursor.seq())),
                        Some(limited) => {
                            let page = self.subscription.read_each(cursor.seq());
                            limited.clone().filter(cursor, page)
                        }
                    });
                }
                Step::Wait => {
                    self.subscription.wait(cx.waker());
                    return Next::NothingYet;
                }
            }
        }
    }

    fn step(&mut self, cursor: &mut Cursor, cx: &mut Context<'_>) -> Step {
        if !self.subscription.is_open() {
            // The close frame wakes this half again.
            self.link.close(Close::Unavailable);
            return Step::Wait;
        }
        if self.subscription.ledgers() != self.ledgers && self.session.try_tell(Succeeded).is_ok() {
            self.ledgers = self.subscription.ledgers();
        }
        if let Some(frames) = self.take_signals(cx) {
            return Step::Send(frames);
        }
        let feed = TenantHead {
            epoch: self.subscription.epoch(),
            head: self.subscription.head(),
        };
        // Of another epoch its cursor says so itself.
        if let (Some(limited), None, true) = (&self.limited, &self.reading, feed.epoch == cursor.epoch())
            && let Some(events) = self.subscription.each(cursor.seq())
        {
            let page = std::future::ready(Ok(PagedEach::Events(events)));
            self.reading = Some(limited.clone().filter(*cursor, page));
        }
        let Some(reading) = &mut self.reading else {
            return cursor.take(self.subscription.pull(cursor.seq()), feed);
        };
        let Poll::Ready(read) = reading.as_mut().poll(cx) else {
            return Step::Wait;
        };
        self.reading = None;
        match read {
            // What came meanwhile is filtered with the next look.
            Ok(Paged::Nothing) if self.limited.is_some() => {
                cx.waker().wake_by_ref();
                Step::Wait
            }
            Ok(Paged::Nothing) => cursor.take(self.subscription.pull(cursor.seq()), feed),
            Ok(paged) => cursor.take_page(paged, feed),
            Err(error) => {
                tracing::warn!(error = %error, "a socket's events cannot be read");
                self.link.close(Close::Unavailable);
                Step::Wait
            }
        }
    }

    /// The signals that came since the last ones.
    fn take_signals(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        let Some(limited) = &self.limited else {
            let frames = self.subscription.signals(self.signals)?;
            self.signals = self.subscription.last_signal();
            return Some(frames);
        };
        if self.signalling.is_none() && self.subscription.last_signal() > self.signals {
            let signals = self.subscription.each_signal(self.signals);
            self.signals = self.subscription.last_signal();
            self.signalling = Some(limited.clone().signals(signals));
        }
        let Poll::Ready(read) = self.signalling.as_mut()?.as_mut().poll(cx) else {
            return None;
        };
        self.signalling = None;
        // What cannot be looked up now is lost, which the protocol allows of signals.
        read.ok().filter(|frames| !frames.is_empty())
    }

    /// Takes frames in hand until there is enough or no more; false once nothing more will come.
    fn take(&mut self, cx: &mut Context<'_>) -> bool {
        let mut bytes = 0_usize;
        while self.in_hand.len() < AT_ONCE && bytes < ENOUGH {
            match self.next(cx) {
                Next::Frame(frame) => {
                    bytes = bytes.saturating_add(frame.len());
                    self.in_hand.push_back(frame);
                }
                Next::NothingYet => return true,
                Next::End => return false,
            }
        }
        true
    }

    /// Takes over from the feed, which wrote to the connection meanwhile.
    fn take_back(&mut self) {
        let Some(left) = self.subscription.take_back() else {
            return;
        };
        if let Some(cursor) = &mut self.cursor {
            cursor.passed(left.after);
        }
        if !left.rest.is_empty() {
            self.in_hand.push_front(left.rest);
        }
    }

    /// Leaves the connection to the feed: everything that there is was written.
    fn stand_by(&self) {
        // The feed writes the same to all.
        if self.limited.is_some() {
            return;
        }
        // A session that could not be told of a new ledger yet is told at the next event.
        let told = self.ledgers == self.subscription.ledgers();
        if let (Some(cursor), None, true) = (&self.cursor, &self.reading, told) {
            let writer = Rc::clone(&self.writer);
            self.subscription.stand_by(cursor.seq(), writer);
        }
    }

    /// Writes what is in hand.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while let Some(first) = self.in_hand.front() {
            let written = if self.in_hand.len() == 1 {
                // One frame is the rule, and the simpler call is the cheaper one.
                ready!(self.writer.poll_write(cx, first))?
            } else {
                let mut slices = [IoSlice::new(&[]); AT_ONCE];
                let frames = slices.iter_mut().zip(&self.in_hand);
                frames.for_each(|(slice, frame)| *slice = IoSlice::new(frame));
                let count = self.in_hand.len().min(AT_ONCE);
                ready!(
                    self.writer
                        .poll_write_all(cx, slices.get(..count).unwrap_or_default())
                )?
            };
            self.progress.moved();
            self.subscription.took(written);
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.in_hand.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written = written.saturating_sub(first.len());
            self.in_hand.pop_front();
        }
    }

    fn poll_to_end(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let known = self.registered.as_ref();
        if !known.is_some_and(|known| known.will_wake(cx.waker())) {
            self.progress.register(cx.waker());
            self.registered = Some(cx.waker().clone());
        }
        self.take_back();
        if self.progress.is_reaped() {
            // Nothing that waits for the client in the kernel is worth keeping.
            let socket = SockRef::from(self.writer.connection());
            return Poll::Ready(socket.set_linger(Some(std::time::Duration::ZERO)));
        }
        loop {
            ready!(self.poll_write(cx))?;
            let more = self.take(cx);
            if !more && self.in_hand.is_empty() {
                return self.writer.poll_read_out(cx);
            }
            if self.in_hand.is_empty() {
                ready!(self.writer.poll_flush(cx))?;
                self.stand_by();
                return Poll::Pending;
            }
        }
    }
}

impl Future for Outgoing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // How a connection breaks does not matter: its client comes back by cursor.
        self.get_mut().poll_to_end(cx).map(drop)
    }
}

impl Drop for Outgoing {
    /// However the connection ended, the session must not outlive it.
    fn drop(&mut self) {
        self.link.break_off();
    }
}

/// The frame that tells a client to load afresh.
pub(super) fn told_to_resync(cursor: Cursor, reason: ResyncReason) -> Bytes {
    metrics::resyncs_total(reason).increment(1);
    let from = TenantHead {
        epoch: cursor.epoch(),
        head: cursor.seq(),
    };
    resync(from, reason)
}
