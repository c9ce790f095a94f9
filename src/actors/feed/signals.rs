//! The newest of what agents show and nobody keeps: typing, viewing, presence.
//!
//! A newer signal about the same thing replaces the older one, so that a socket that comes back late sees how things are
//! and not how they came to be so.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::Signal;
use crate::domain::{AgentId, ConversationId};

/// More than an agent can look at; older ones are lost, which the protocol allows.
const KEPT: usize = 64;

#[derive(Debug, PartialEq, Eq)]
enum About {
    Typing(ConversationId, AgentId),
    Viewing(ConversationId),
}

impl About {
    /// `None` for what replaces nothing: who came and went since the signal before.
    fn of(signal: &Signal) -> Option<Self> {
        match signal {
            Signal::Typing {
                conversation, agent, ..
            } => Some(Self::Typing(*conversation, agent.clone())),
            Signal::Viewing { conversation, .. } => Some(Self::Viewing(*conversation)),
            Signal::Presence { .. } => None,
        }
    }
}

impl About {
    fn conversation(&self) -> ConversationId {
        match self {
            Self::Typing(conversation, _) | Self::Viewing(conversation) => *conversation,
        }
    }
}

#[derive(Debug)]
struct Kept {
    number: u64,
    about: Option<About>,
    frame: Bytes,
}

/// Encoded signals with the number of the last one.
#[derive(Debug)]
struct Joined {
    after: u64,
    through: u64,
    frames: Bytes,
}

/// The newest signals, numbered within this feed.
#[derive(Debug, Default)]
pub(super) struct Signals {
    last: u64,
    kept: VecDeque<Kept>,
    joined: Option<Joined>,
}

impl Signals {
    /// Adds a signal and its encoded frame.
    pub(super) fn push(&mut self, signal: &Signal, frame: Bytes) {
        let about = About::of(signal);
        self.kept.retain(|kept| about.is_none() || kept.about != about);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.last = self.last.saturating_add(1);
        self.kept.push_back(Kept {
            number: self.last,
            about,
            frame,
        });
    }

    /// The number of the newest signal.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// All that is kept after a number one by one, each with the conversation that it is about.
    pub(super) fn each_after(&self, number: u64) -> Vec<(Option<ConversationId>, Bytes)> {
        let newer = self.kept.iter().filter(|kept| kept.number > number);
        newer
            .map(|kept| {
                let about = kept.about.as_ref().map(About::conversation);
                (about, kept.frame.clone())
            })
            .collect()
    }

    /// All that is kept after a number, joined.
    pub(super) fn after(&mut self, number: u64) -> Option<Bytes> {
        if number >= self.last {
            return None;
        }
        if let Some(joined) = &self.joined
            && joined.after == number
            && joined.through == self.last
        {
            return Some(joined.frames.clone());
        }
        let newer = || self.kept.iter().filter(|kept| kept.number > number);
        let mut frames = BytesMut::with_capacity(newer().map(|kept| kept.frame.len()).sum());
        newer().for_each(|kept| frames.extend_from_slice(&kept.frame));
        let frames = frames.freeze();
        self.joined = Some(Joined {
            after: number,
            through: self.last,
            frames: frames.clone(),
        });
        Some(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::feed::{Presence, Typing};

    fn typing(agent: &str, on: Typing) -> Signal {
        Signal::Typing {
            conversation: ConversationId::from_bytes([1; 16]),
            agent: AgentId::parse(agent).unwrap(),
            on,
        }
    }

    #[test]
    fn a_late_reader_sees_the_newest_of_each_thing_once() {
        let mut signals = Signals::default();
        signals.push(&typing("ana", Typing::Began), Bytes::from_static(b"a"));
        signals.push(&typing("ben", Typing::Began), Bytes::from_static(b"b"));
        let seen = signals.last();
        signals.push(&typing("ana", Typing::Stopped), Bytes::from_static(b"A"));
        assert_eq!(signals.after(0).unwrap(), "bA");
        assert_eq!(signals.after(seen).unwrap(), "A");
        assert_eq!(signals.after(signals.last()), None);
    }

    #[test]
    fn a_flood_of_signals_is_cut_to_the_newest() {
        let mut signals = Signals::default();
        for number in 0..1_000 {
            let signal = Signal::Presence {
                agents: vec![(AgentId::parse(&format!("a{number}")).unwrap(), Presence::Online)],
            };
            signals.push(&signal, Bytes::from_static(b"x"));
        }
        assert_eq!(signals.after(0).unwrap().len(), KEPT);
    }
}
