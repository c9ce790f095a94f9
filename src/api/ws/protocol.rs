//! The protocol of one socket: which frame may follow which, what it leads to, when to close. Pure: time is passed in,
//! and what is to be done is handed back.

mod client;
mod fragments;
mod server;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

use super::frame::{self, Close};
use super::tickets::Pass;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::gcra::{Pace, Rate};
use crate::domain::Seq;
use crate::store::TenantHead;
use crate::telemetry::labels::FrameRefusal;
use crate::telemetry::metrics;
use client::{BadFrame, ClientFrame};
use fragments::{Fragments, Joined};

pub(super) use client::{Answered, Command};
pub(super) use fragments::Part;
pub(super) use server::{Welcome, accepted, error, limit_changed, ok, reconnect, resync, welcome};

/// Commands of one socket that may be under way.
const IN_FLIGHT: u8 = 8;

/// What the protocol of a socket is bounded by.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProtocolLimits {
    /// Bytes of a message that comes in several frames.
    pub(super) message: usize,
    /// Frames from the client.
    pub(super) rate: Rate,
    /// How long the client may take to say hello.
    pub(super) hello: Duration,
    /// How often the client is pinged.
    pub(super) ping_every: Duration,
    /// How long the client may be silent.
    pub(super) silence: Duration,
}

/// A frame as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inbound {
    /// A message in one frame.
    Text(Bytes),
    /// A part of a message.
    Part(Part),
    /// Something that this protocol does not use.
    Binary,
    /// The client wants a sign of life.
    Ping(Bytes),
    /// The client gives one.
    Pong,
    /// The client leaves.
    Close,
    /// A frame longer than allowed.
    TooLarge,
    /// Bytes that are no frame.
    Broken,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Deed {
    /// Nothing.
    Nothing,
    /// Send this.
    Say(Bytes),
    /// Greet the client and let events flow from where it stands.
    Greet(Option<TenantHead>),
    /// Have this done, answer, and call [`Protocol::settled`].
    Run(Answered, Command),
    /// Send this, then close, for this reason.
    Refuse(Bytes, Close),
    /// Close, for this reason.
    End(Close),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Since when a hello is due.
    Silent(Duration),
    /// Everything is allowed.
    Greeted,
    /// The end has begun.
    Ended,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Protocol {
    limits: ProtocolLimits,
    phase: Phase,
    pace: Pace,
    fragments: Fragments,
    in_flight: u8,
    heard: Duration,
    pinged: Duration,
    acknowledged: Seq,
}

impl Protocol {
    /// A socket that opened now.
    pub(super) fn new(limits: ProtocolLimits, now: Duration) -> Self {
        Self {
            limits,
            phase: Phase::Silent(now),
            pace: Pace::default(),
            fragments: Fragments::default(),
            in_flight: 0,
            heard: now,
            pinged: now,
            acknowledged: Seq::default(),
        }
    }

    /// Takes a frame.
    pub(super) fn hear(&mut self, frame: Inbound, who: &Pass, now: Duration) -> Deed {
        if self.phase == Phase::Ended {
            return Deed::Nothing;
        }
        self.heard = now;
        if self.pace.take(self.limits.rate, now).is_err() {
            metrics::frames_refused_total(FrameRefusal::TooMany).increment(1);
            return self.end(Close::Flood);
        }
        match frame {
            Inbound::Text(text) => self.text(&text, who),
            Inbound::Part(part) => match self.fragments.take(part, self.limits.message) {
                Joined::NotYet => Deed::Nothing,
                Joined::Whole(text) => self.text(&text, who),
                Joined::TooLarge => self.too_large(),
            },
            Inbound::Ping(payload) => Deed::Say(frame::pong(payload)),
            Inbound::Pong => Deed::Nothing,
            Inbound::Close => self.end(Close::Normal),
            Inbound::TooLarge => self.too_large(),
            Inbound::Binary | Inbound::Broken => self.garbage(),
        }
    }

    /// The client was seen to read then: that is a sign of life, also when its pongs are far behind what it reads.
    pub(super) fn read(&mut self, at: Duration) {
        self.heard = self.heard.max(at);
    }

    /// A command was answered.
    pub(super) fn settled(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether no command is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Ends it: what the client still says is not heard.
    pub(super) fn end(&mut self, why: Close) -> Deed {
        self.phase = Phase::Ended;
        Deed::End(why)
    }

    /// When [`Self::look`] has something to do at the latest.
    pub(super) fn next_look(&self) -> Duration {
        match self.phase {
            Phase::Silent(since) => since.saturating_add(self.limits.hello),
            Phase::Greeted => (self.pinged.saturating_add(self.limits.ping_every))
                .min(self.heard.saturating_add(self.limits.silence)),
            Phase::Ended => Duration::MAX,
        }
    }

    /// Looks at the clock.
    pub(super) fn look(&mut self, now: Duration) -> Deed {
        let silent = now.saturating_sub(self.heard) >= self.limits.silence;
        match self.phase {
            Phase::Silent(since) if now.saturating_sub(since) >= self.limits.hello => {
                self.end(Close::Timeout)
            }
            Phase::Greeted if silent => self.end(Close::Timeout),
            Phase::Greeted if now.saturating_sub(self.pinged) >= self.limits.ping_every => {
                self.pinged = now;
                Deed::Say(frame::ping())
            }
            Phase::Silent(_) | Phase::Greeted | Phase::Ended => Deed::Nothing,
        }
    }

    /// How far the client says that it has applied events.
    pub(super) fn acknowledged(&self) -> Seq {
        self.acknowledged
    }

    fn text(&mut self, text: &[u8], who: &Pass) -> Deed {
        let (kind, understood) = client::read(text, who);
        if let Some(kind) = kind {
            metrics::frames_in_total(kind.label()).increment(1);
        }
        match (understood, self.phase) {
            (Err(BadFrame::Garbage), _) => self.garbage(),
            (Ok(ClientFrame::Hello(at)), Phase::Silent(_)) => {
                self.phase = Phase::Greeted;
                Deed::Greet(at)
            }
            // Whoever cannot say hello is told why, and has to be mended.
            (Err(BadFrame::Refused(answered, error)), Phase::Silent(_)) => {
                metrics::frames_refused_total(FrameRefusal::Malformed).increment(1);
                self.phase = Phase::Ended;
                Deed::Refuse(server::error(&answered, &error), Close::Protocol)
            }
            // The first frame is a hello, and no other one is.
            (Ok(ClientFrame::Hello(_)), _) | (_, Phase::Silent(_)) => self.garbage(),
            (Err(BadFrame::Refused(answered, error)), _) => {
                metrics::frames_refused_total(FrameRefusal::Malformed).increment(1);
                Deed::Say(server::error(&answered, &error))
            }
            (Ok(ClientFrame::Ack(seq)), _) => {
                self.acknowledged = self.acknowledged.max(seq);
                Deed::Nothing
            }
            (Ok(ClientFrame::Ping(answered)), _) => Deed::Say(server::pong(&answered)),
            (Ok(ClientFrame::Ask(answered, _)), _) if self.in_flight >= IN_FLIGHT => {
                metrics::frames_refused_total(FrameRefusal::TooMany).increment(1);
                let busy =
                    ApiError::because(ErrorCode::Busy, "too many requests of this socket are under way");
                Deed::Say(server::error(
                    &answered,
                    &busy.retry_after(Duration::from_secs(1)),
                ))
            }
            (Ok(ClientFrame::Ask(answered, command)), _) => {
                self.in_flight = self.in_flight.saturating_add(1);
                Deed::Run(answered, command)
            }
        }
    }

    fn garbage(&mut self) -> Deed {
        metrics::frames_refused_total(FrameRefusal::Malformed).increment(1);
        self.end(Close::Protocol)
    }

    fn too_large(&mut self) -> Deed {
        metrics::frames_refused_total(FrameRefusal::TooLarge).increment(1);
        self.end(Close::TooLarge)
    }
}
