//! A client's connection with one timer: whoever neither sends nor reads what it began is closed, whatever it is in the middle of.
//!
//! The server's own timers stop at the first request. Here every read and write is seen. Between requests a connection may be
//! silent for a while; a head has a deadline from its first byte on; what a client is sent, it has to read at a least rate.
//! While a request is worked on its handler keeps the time (a body's is kept by [`super::body`]), and nothing is read that
//! nobody wants: a client that sends ahead waits.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_codec::{AsyncRead, AsyncWrite, ReadBuf};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use actix_web::rt::time::{Instant, Sleep, sleep_until};

use super::client_stream::ClientStream;
use super::connection_limits::Place;
use super::yield_now::yield_and_wake;
use crate::config::ServerConfig;
use crate::telemetry::labels::ConnectionEnd;
use crate::telemetry::metrics;

/// Bytes of heads that are read before others on this thread have a turn: an ordinary request, or a dozen short ones.
const TURN: usize = 512;
/// The same of bodies, and of what is thrown away.
const BODY_TURN: usize = 16 << 10;

/// Bytes of a body that nobody wants that are read while its connection ends: closing at once could take the answer from a
/// client whose last bytes are on their way.
const SPARE: usize = 64 << 10;
/// Requests that a client may send ahead on one connection. It can make another.
const MOST_AHEAD: usize = 32;

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// For the head of a request.
    head: Duration,
    /// Between requests.
    idle: Duration,
    /// What a client that is sent something has to read.
    reading: Pace,
}

impl Times {
    pub(super) fn of(settings: &ServerConfig) -> Self {
        Self {
            head: settings.head_timeout,
            idle: settings.keep_alive,
            reading: Pace::of(settings),
        }
    }

    /// The same, with another time between requests.
    pub(super) fn with_idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    /// For the head of a request, and for a handshake of TLS.
    pub(super) fn head(self) -> Duration {
        self.head
    }
}

/// The least rate at which bytes have to move: none for a while, then so many in each second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    grace: Duration,
    bytes_per_s: u64,
}

impl Pace {
    pub(super) fn of(settings: &ServerConfig) -> Self {
        Self {
            grace: settings.slow_grace,
            bytes_per_s: settings.slow_rate.get().max(1),
        }
    }

    /// How long after the beginning there must be more than these bytes.
    pub(super) fn allows(self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let earned = bytes.saturating_mul(1_000) / self.bytes_per_s;
        self.grace.saturating_add(Duration::from_millis(earned))
    }
}

/// What a client is doing while no request of it is worked on.
#[derive(Debug, Clone, Copy)]
enum Doing {
    /// Nothing, since then.
    Nothing(Instant),
    /// Sends a head, since then; a connection begins with that.
    Sending(Instant),
}

/// What is to be read from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    /// Heads, and what follows them: anybody can send many.
    Heads,
    /// A body.
    Body,
    /// What is left of one that nobody wants, so that its sender reads the answer.
    Rest,
}

impl Wanted {
    /// How much of it is read before others have a turn.
    const fn turn(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Heads => TURN,
            Self::Body | Self::Rest => BODY_TURN,
        }
    }
}

/// Whether a request has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    /// It has none, or all of it has come.
    Nothing,
    /// It has.
    Body,
}

impl Owed {
    pub(super) fn by(headers: &HeaderMap) -> Self {
        let length = headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
        if headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != b"0") {
            Self::Body
        } else {
            Self::Nothing
        }
    }
}

/// Bytes that wait for the client to read.
#[derive(Debug, Clone, Copy)]
struct Unread {
    since: Instant,
    taken: usize,
}

#[derive(Debug)]
struct State {
    doing: Doing,
    /// Requests that are worked on.
    working: usize,
    /// Requests that began since bytes came.
    begun: usize,
    /// Requests that were sent ahead so far.
    ahead: usize,
    /// Bodies that are being read.
    bodies: usize,
    /// Whether a body is still to come, wanted or not.
    owed: Owed,
    /// How much of what nobody wants is still read.
    spare: usize,
    unread: Option<Unread>,
    /// Woken when reading may go on.
    held_back: Option<Waker>,
}

/// How a connection gets on: shared by the connection and the requests that came over it. Stays on its thread.
#[derive(Debug, Clone)]
pub(super) struct Life {
    times: Times,
    state: Rc<RefCell<State>>,
}

impl Life {
    fn begin(times: Times) -> Self {
        let state = State {
            doing: Doing::Sending(Instant::now()),
            working: 0,
            begun: 0,
            ahead: 0,
            bodies: 0,
            owed: Owed::Nothing,
            spare: 0,
            unread: None,
            held_back: None,
        };
        Self {
            times,
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// A request is worked on until the guard is dropped.
    pub(super) fn work(&self, owed: Owed) -> Working {
        let mut state = self.state.borrow_mut();
        state.owed = owed;
        state.spare = SPARE;
        state.working = state.working.saturating_add(1);
        state.begun = state.begun.saturating_add(1);
        let sent = if state.begun > 1 {
            state.ahead = state.ahead.saturating_add(1);
            if state.ahead < MOST_AHEAD {
                Sent::Ahead
            } else {
                Sent::TooFarAhead
            }
        } else {
            Sent::InTurn
        };
        Working {
            life: self.clone(),
            sent,
        }
    }

    /// The same for the rest of a request that is worked on already.
    pub(super) fn keep_working(&self) -> Working {
        let mut state = self.state.borrow_mut();
        state.working = state.working.saturating_add(1);
        Working {
            life: self.clone(),
            sent: Sent::InTurn,
        }
    }

    /// A body is read until the guard is dropped.
    pub(super) fn read_body(&self) -> ReadingBody {
        let mut state = self.state.borrow_mut();
        state.bodies = state.bodies.saturating_add(1);
        go_on(state);
        ReadingBody(self.clone())
    }

    /// All of a body has come.
    pub(super) fn body_ended(&self) {
        self.state.borrow_mut().owed = Owed::Nothing;
    }

    /// When the client must have done something, and what it is when it has not.
    fn deadline(&self) -> Option<(Instant, ConnectionEnd)> {
        let state = self.state.borrow();
        if let Some(unread) = state.unread {
            let until = later(unread.since, self.times.reading.allows(unread.taken));
            return Some((until, ConnectionEnd::Unread));
        }
        match state.doing {
            _ if state.working > 0 => None,
            Doing::Nothing(since) => Some((later(since, self.times.idle), ConnectionEnd::Idle)),
            Doing::Sending(since) => Some((later(since, self.times.head), ConnectionEnd::Head)),
        }
    }

    /// How much is to be read now. If nothing, this one is woken when that changes.
    fn wanted(&self, waker: &Waker) -> Wanted {
        let mut state = self.state.borrow_mut();
        let wanted = match (state.unread, state.working, state.bodies) {
            (Some(_), _, _) => Wanted::Nothing,
            (None, _, 1..) => Wanted::Body,
            (None, 0, 0) => match (state.owed, state.spare) {
                (Owed::Nothing, _) => Wanted::Heads,
                (Owed::Body, 0) => Wanted::Nothing,
                (Owed::Body, _) => Wanted::Rest,
            },
            (None, _, 0) => Wanted::Nothing,
        };
        state.held_back = (wanted == Wanted::Nothing).then(|| waker.clone());
        wanted
    }

    fn received(&self, bytes: usize) {
        let mut state = self.state.borrow_mut();
        state.begun = 0;
        if state.bodies == 0 {
            state.spare = state.spare.saturating_sub(bytes);
        }
        if state.working == 0 && matches!(state.doing, Doing::Nothing(_)) {
            state.doing = Doing::Sending(Instant::now());
        }
    }

    fn wrote(&self, bytes: usize) {
        if let Some(unread) = &mut self.state.borrow_mut().unread {
            unread.taken = unread.taken.saturating_add(bytes);
        }
    }

    fn is_full(&self) {
        let since = Instant::now();
        let unread = &mut self.state.borrow_mut().unread;
        unread.get_or_insert(Unread { since, taken: 0 });
    }

    fn is_written(&self) {
        let mut state = self.state.borrow_mut();
        if state.unread.take().is_some() {
            go_on(state);
        }
    }
}

fn later(since: Instant, wait: Duration) -> Instant {
    since.checked_add(wait).unwrap_or(since)
}

/// Has reading go on; nothing is borrowed while the reader is woken.
fn go_on(mut state: std::cell::RefMut<'_, State>) {
    let reader = state.held_back.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// When a client sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// When the answer to the one before was there, as clients do.
    InTurn,
    /// Before that.
    Ahead,
    /// Before that, as too many before it on this connection.
    TooFarAhead,
}

/// See [`Life::work`].
#[derive(Debug)]
pub(super) struct Working {
    life: Life,
    sent: Sent,
}

impl Working {
    /// When the request was sent.
    pub(super) fn sent(&self) -> Sent {
        self.sent
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.life.state.borrow_mut();
        state.working = state.working.saturating_sub(1);
        state.doing = match state.owed {
            Owed::Nothing => Doing::Nothing(Instant::now()),
            // It has to end before anything else can begin.
            Owed::Body => Doing::Sending(Instant::now()),
        };
        go_on(state);
    }
}

/// See [`Life::read_body`].
#[derive(Debug)]
pub(super) struct ReadingBody(Life);

impl Drop for ReadingBody {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.bodies = state.bodies.saturating_sub(1);
    }
}

/// See the module.
pub(super) struct Connection {
    io: ClientStream,
    life: Life,
    timer: Pin<Box<Sleep>>,
    place: Place,
    /// Bytes read since something was last written, or could have been.
    read: usize,
}

impl Connection {
    pub(super) fn new(io: ClientStream, times: Times, place: Place) -> Self {
        Self {
            io,
            life: Life::begin(times),
            timer: Box::pin(sleep_until(later(Instant::now(), times.head))),
            place,
            read: 0,
        }
    }

    /// For the requests that come over it.
    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    /// The bare connection, for whoever keeps its time from now on; it counts as open for as long as its place is kept.
    pub(super) fn into_parts(self) -> (ClientStream, Place) {
        (self.io, self.place)
    }

    /// Sees to it that the task is woken at the deadline; an error once that has passed.
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let Some((deadline, why)) = self.life.deadline() else {
            return Ok(());
        };
        // A deadline that moved away is looked at when the timer fires.
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline && self.read > 0 {
                // It has come after all, and is looked at first: perhaps it was this server that was late.
                yield_and_wake(cx);
                return Ok(());
            }
            if Instant::now() >= deadline {
                metrics::connections_ended_total(why).increment(1);
                return Err(Error::new(ErrorKind::TimedOut, "the client is too slow"));
            }
            self.timer.as_mut().reset(deadline);
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let wanted = self.life.wanted(cx.waker());
        let read = match wanted {
            Wanted::Nothing => Poll::Pending,
            _ if self.read >= wanted.turn() => {
                yield_and_wake(cx);
                Poll::Pending
            }
            _ => {
                let most = into.remaining().min(wanted.turn());
                let mut some = ReadBuf::new(into.initialize_unfilled_to(most));
                let read = Pin::new(&mut self.io).poll_read(cx, &mut some);
                let count = some.filled().len();
                into.advance(count);
                if count > 0 {
                    self.read = self.read.saturating_add(count);
                    self.life.received(count);
                }
                read
            }
        };
        self.check_deadline(cx)?;
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.read = 0;
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        match &written {
            Poll::Ready(Ok(written)) => self.life.wrote(*written),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.life.is_full();
                self.check_deadline(cx)?;
            }
        }
        written
    }

    /// Called once everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_pending() {
            self.life.is_full();
        } else {
            self.life.is_written();
        }
        self.check_deadline(cx)?;
        self.read = 0;
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
