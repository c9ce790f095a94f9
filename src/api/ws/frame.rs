//! Frames from server to client, as bytes. They are not masked, so one encoding serves every socket.

use actix_http::ws::{CloseCode, CloseReason, Codec, Message};
use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Serialize;
use tokio_util::codec::Encoder as _;

use crate::actors::feed::{FeedWire, Presence, Signal, Typing};
use crate::domain::{AgentId, ConversationId, Epoch, Seq};

/// How events and signals are written.
pub(super) const WIRE: FeedWire = FeedWire { events, signal };

const EVENTS_BEGIN: &[u8] = br#"{"type":"events","events":["#;
const EVENTS_END: &[u8] = b"]}";
/// A whole text message in one frame.
const FINAL_TEXT: u8 = 0x81;
const LONGEST_HEADER: usize = 10;
const SHORT: usize = 125;
const LENGTH_IN_TWO_BYTES: u8 = 126;
const LENGTH_IN_EIGHT_BYTES: u8 = 127;

/// Why a socket is closed. `docs/api.md` says for each whether the client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Close {
    /// The client left.
    Normal,
    /// A frame, or a message of several frames, that is too long.
    TooLarge,
    /// The server is stopping.
    Restarting,
    /// A frame that breaks the protocol.
    Protocol,
    /// The ticket or the key is not valid, or not any more.
    Unauthorized,
    /// No sign of life, or no hello.
    Timeout,
    /// The agent has too many sockets.
    TooManySockets,
    /// The client sends too much.
    Flood,
    /// The member is limited to other numbers than before.
    OtherNumbers,
    /// The tenant is not available.
    Unavailable,
}

impl Close {
    /// The code and what it means.
    pub(super) const fn code(self) -> (u16, &'static str) {
        match self {
            Self::Normal => (1000, "bye"),
            Self::TooLarge => (1009, "frame too large"),
            Self::Restarting => (1012, "restarting"),
            Self::Protocol => (4400, "protocol error"),
            Self::Unauthorized => (4401, "ticket or key not valid"),
            Self::Timeout => (4408, "no sign of life"),
            Self::TooManySockets => (4409, "too many sockets of this agent"),
            Self::Flood => (4429, "too many frames"),
            Self::OtherNumbers => (4410, "limited to other numbers"),
            Self::Unavailable => (4503, "tenant not available"),
        }
    }
}

/// A frame that holds a value as JSON.
pub(super) fn json(value: &impl Serialize) -> Bytes {
    let mut payload = Vec::with_capacity(256);
    // Writing plain structs into memory cannot fail.
    let _ = serde_json::to_writer(&mut payload, value);
    let mut frame = begin(payload.len());
    frame.extend_from_slice(&payload);
    frame.freeze()
}

/// Events that a limited member is not sent, the first and the last.
pub(super) fn skipped(epoch: Epoch, from: Seq, to: Seq) -> Bytes {
    json(&serde_json::json!({ "type": "skipped", "epoch": epoch, "from": from, "to": to }))
}

/// A ping; clients' libraries answer it by themselves.
pub(super) fn ping() -> Bytes {
    control(Message::Ping(Bytes::new()))
}

/// The answer to a client's ping.
pub(super) fn pong(payload: Bytes) -> Bytes {
    control(Message::Pong(payload))
}

/// The last frame.
pub(super) fn close(close: Close) -> Bytes {
    let (code, description) = close.code();
    control(Message::Close(Some(CloseReason {
        code: CloseCode::from(code),
        description: Some(description.to_owned()),
    })))
}

fn control(message: Message) -> Bytes {
    let mut frame = BytesMut::with_capacity(64);
    // Only continuations are refused, and this is none.
    let _ = Codec::new().encode(message, &mut frame);
    frame.freeze()
}

/// Room for a text frame, with its header.
fn begin(length: usize) -> BytesMut {
    let mut frame = BytesMut::with_capacity(length.saturating_add(LONGEST_HEADER));
    frame.put_u8(FINAL_TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if length <= SHORT => frame.put_u8(short),
        (_, Ok(medium)) => {
            frame.put_u8(LENGTH_IN_TWO_BYTES);
            frame.put_u16(medium);
        }
        _ => {
            frame.put_u8(LENGTH_IN_EIGHT_BYTES);
            frame.put_u64(u64::try_from(length).unwrap_or(u64::MAX));
        }
    }
    frame
}

fn events(events: &mut dyn Iterator<Item = &Bytes>, bytes: usize) -> Bytes {
    // `bytes` counts a comma for each event, and the last has none.
    let length = EVENTS_BEGIN.len() + bytes.saturating_sub(1) + EVENTS_END.len();
    let mut frame = begin(length);
    frame.extend_from_slice(EVENTS_BEGIN);
    for (place, event) in events.enumerate() {
        if place > 0 {
            frame.put_u8(b',');
        }
        frame.extend_from_slice(event);
    }
    frame.extend_from_slice(EVENTS_END);
    frame.freeze()
}

fn signal(signal: &Signal) -> Bytes {
    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Shown<'a> {
        Typing {
            conversation_id: ConversationId,
            agent: &'a AgentId,
            on: bool,
        },
        Viewing {
            conversation_id: ConversationId,
            agents: &'a [AgentId],
        },
        Presence {
            #[serde(flatten)]
            last: Option<Shows<'a>>,
            agents: Vec<Shows<'a>>,
        },
    }
    #[derive(Serialize, Clone, Copy)]
    struct Shows<'a> {
        agent: &'a AgentId,
        state: Presence,
    }
    json(&match signal {
        Signal::Typing {
            conversation,
            agent,
            on,
        } => Shown::Typing {
            conversation_id: *conversation,
            agent,
            on: matches!(on, Typing::Began),
        },
        Signal::Viewing { conversation, agents } => Shown::Viewing {
            conversation_id: *conversation,
            agents,
        },
        Signal::Presence { agents } => {
            let shows = agents.iter().map(|(agent, state)| Shows { agent, state: *state });
            Shown::Presence {
                // For clients who know of one agent a frame.
                last: shows.clone().next_back(),
                agents: shows.collect(),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use actix_http::ws::Frame;
    use tokio_util::codec::Decoder as _;

    use super::*;

    fn decoded(frame: Bytes) -> Frame {
        let mut bytes = BytesMut::from(&frame[..]);
        let frame = Codec::new().client_mode().max_size(1 << 20).decode(&mut bytes);
        assert!(bytes.is_empty());
        frame.unwrap().unwrap()
    }

    #[test]
    fn events_of_any_length_are_one_valid_frame() {
        for length in [0, 1, 60, 97, 98, 99, 400, 65_000, 65_507, 65_508, 70_000] {
            let event = Bytes::from(serde_json::to_vec(&"x".repeat(length)).unwrap());
            for all in [
                vec![event.clone()],
                vec![event.clone(), Bytes::from_static(b"{}"), event],
            ] {
                let bytes = all.iter().map(|event| event.len() + 1).sum();
                let frame = events(&mut all.iter(), bytes);
                let Frame::Text(text) = decoded(frame) else {
                    panic!()
                };
                let read: serde_json::Value = serde_json::from_slice(&text).unwrap();
                assert_eq!(read["events"].as_array().unwrap().len(), all.len());
            }
        }
    }

    #[test]
    fn a_signal_is_shown_as_documented() {
        let ana = AgentId::parse("ana").unwrap();
        let conversation = ConversationId::from_bytes([7; 16]);
        for (shown, expected) in [
            (
                Signal::Typing {
                    conversation,
                    agent: ana.clone(),
                    on: Typing::Stopped,
                },
                serde_json::json!({"type": "typing", "conversation_id": conversation, "agent": "ana", "on": false}),
            ),
            (
                Signal::Viewing {
                    conversation,
                    agents: vec![ana.clone()],
                },
                serde_json::json!({"type": "viewing", "conversation_id": conversation, "agents": ["ana"]}),
            ),
            (
                Signal::Presence {
                    agents: vec![
                        (AgentId::parse("ben").unwrap(), Presence::Offline),
                        (ana, Presence::Busy),
                    ],
                },
                serde_json::json!({"type": "presence", "agent": "ana", "state": "busy", "agents": [
                    {"agent": "ben", "state": "offline"}, {"agent": "ana", "state": "busy"},
                ]}),
            ),
        ] {
            let Frame::Text(text) = decoded(signal(&shown)) else {
                panic!()
            };
            assert_eq!(
                serde_json::from_slice::<serde_json::Value>(&text).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn a_close_frame_tells_its_code() {
        let Frame::Close(Some(reason)) = decoded(close(Close::Flood)) else {
            panic!()
        };
        assert_eq!(u16::from(reason.code), 4429);
        assert!(matches!(decoded(ping()), Frame::Ping(_)));
    }
}
