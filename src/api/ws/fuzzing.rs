//! An agent's socket without a server, for the targets in `fuzz/`: from the client's bytes to what is done about them.
//! Compiled with `--cfg fuzzing` alone: the product has no such door.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncRead, ReadBuf};

use super::inbound::Frames;
use super::link::Link;
use super::progress::Progress;
use super::protocol::{Deed, Inbound, Protocol, ProtocolLimits};
use super::tickets::Pass;
use crate::actors::feed::LiveHead;
use crate::api::gcra::Rate;
use crate::store::TenantHead;

/// Bytes of a frame; few, so that short inputs reach the bound.
const FRAME: usize = 1_024;
/// Bytes of a message of several frames.
const MESSAGE: usize = 2_048;
/// Frames come this far apart, so that the rate refuses none.
const APART: Duration = Duration::from_secs(1);

/// What a socket does about one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// Nothing.
    Nothing,
    /// It sent this frame.
    Said(Bytes),
    /// It let events flow, from where the client stands.
    Greeted(Option<TenantHead>),
    /// It had something done, which is written down here.
    Asked(String),
    /// It sent this frame and closed.
    Refused(Bytes),
    /// It closed.
    Ended,
}

/// The frames in a client's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire(Vec<Inbound>);

impl Wire {
    /// Reads frames from bytes that come in pieces of a size. `None` when the reader would wait for more than all of them.
    pub fn read(bytes: &[u8], piece: usize) -> Option<Self> {
        let link = Link::new(Arc::new(Progress::new(LiveHead::default())));
        let frames = Frames::of(Pieces { bytes, piece }, &[], link, FRAME);
        frames.collect().now_or_never().map(Self)
    }
}

/// Bytes that come in pieces of a size, and then end.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let size = this.piece.max(1).min(buffer.remaining()).min(this.bytes.len());
        let (now, later) = this.bytes.split_at(size);
        buffer.put_slice(now);
        this.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// One socket's protocol.
pub struct Socket {
    protocol: Protocol,
    who: Pass,
    now: Duration,
}

impl Socket {
    /// A socket that such an agent opened.
    pub fn open(who: Pass) -> Self {
        let limits = ProtocolLimits {
            message: MESSAGE,
            rate: Rate::per_second(20),
            hello: Duration::from_secs(10),
            ping_every: Duration::from_secs(25),
            silence: Duration::from_secs(60),
        };
        Self {
            protocol: Protocol::new(limits, APART),
            who,
            now: APART,
        }
    }

    /// Takes a message in one frame.
    pub fn hear_text(&mut self, text: &[u8]) -> Did {
        self.hear(Inbound::Text(Bytes::copy_from_slice(text)))
    }

    /// Takes frames.
    pub fn hear_all(&mut self, wire: &Wire) -> Vec<Did> {
        wire.0.iter().map(|frame| self.hear(frame.clone())).collect()
    }

    /// Something that was asked is done.
    pub fn settled(&mut self) {
        self.protocol.settled();
    }

    fn hear(&mut self, frame: Inbound) -> Did {
        self.now = self.now.saturating_add(APART);
        match self.protocol.hear(frame, &self.who, self.now) {
            Deed::Nothing => Did::Nothing,
            Deed::Say(frame) => Did::Said(frame),
            Deed::Greet(at) => Did::Greeted(at),
            Deed::Run(answered, command) => Did::Asked(format!("{answered:?} {command:?}")),
            Deed::Refuse(frame, _) => Did::Refused(frame),
            Deed::End(_) => Did::Ended,
        }
    }
}
