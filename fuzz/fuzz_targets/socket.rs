//! What an agent's client writes to its socket: frames as bytes, or messages, one a line.
//!
//! Frames are the same however their bytes are cut. Nothing is asked before a hello, which is taken once; no more is under
//! way than a socket may have; after the end there is silence. Every answer is one valid frame. A message asks the same
//! however its JSON is spaced.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mesej::api::fuzzing::{Did, Socket, Wire};
use mesej::api::json;
use mesej::api::ws::Pass;
use mesej::domain::{AgentId, TenantId, Timestamp};
use mesej::store::directory::Scope;
use mesej::store::{ApiKey, KeyHash};
use mesej_fuzz::has_fraction;
use serde_json::Value;

/// Commands of one socket that may be under way.
const IN_FLIGHT: usize = 8;
const HELLO: &[u8] = br#"{"type":"hello"}"#;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((b'w', bytes)) => wire(bytes),
        Some((b't', lines)) => messages(lines),
        _ => {}
    }
});

fn wire(bytes: &[u8]) {
    let frames = Wire::read(bytes, bytes.len()).expect("the end of the bytes is the end of the frames");
    for piece in [1, 7] {
        assert_eq!(
            Wire::read(bytes, piece).as_ref(),
            Some(&frames),
            "in pieces of {piece}"
        );
    }
    let did = Socket::open(ana()).hear_all(&frames);
    assert_orderly(&did);
}

fn messages(lines: &[u8]) {
    let mut socket = Socket::open(ana());
    let lines: Vec<_> = lines.split(|byte| *byte == b'\n').collect();
    let did: Vec<_> = lines.iter().map(|line| socket.hear_text(line)).collect();
    assert_orderly(&did);
    for line in lines {
        spacing_does_not_matter(line);
    }
}

fn spacing_does_not_matter(line: &[u8]) {
    let Ok(value) = json::read(line) else { return };
    if has_fraction(&value) {
        return;
    }
    let spaced = serde_json::to_vec_pretty(&value).expect("a value");
    let [mut one, mut other] = [ana(), ana()].map(Socket::open);
    for hello in [false, true] {
        if hello {
            one = Socket::open(ana());
            other = Socket::open(ana());
            assert_eq!(one.hear_text(HELLO), Did::Greeted(None));
            assert_eq!(other.hear_text(HELLO), Did::Greeted(None));
        }
        assert_eq!(one.hear_text(line), other.hear_text(&spaced));
    }
}

fn assert_orderly(all: &[Did]) {
    let (mut is_greeted, mut is_over, mut in_flight) = (false, false, 0);
    for did in all {
        assert!(!is_over || *did == Did::Nothing, "{did:?} after the end");
        match did {
            Did::Nothing => {}
            Did::Said(frame) => assert_whole(frame),
            Did::Greeted(_) => {
                assert!(!is_greeted, "greeted twice");
                is_greeted = true;
            }
            Did::Asked(_) => {
                assert!(is_greeted, "asked before a hello");
                in_flight += 1;
                assert!(in_flight <= IN_FLIGHT, "{in_flight} under way");
            }
            Did::Refused(frame) => {
                assert!(!is_greeted, "closed for a slip after the hello");
                assert_whole(frame);
                is_over = true;
            }
            Did::Ended => is_over = true,
        }
    }
}

/// Checks that bytes are one frame of a server: final, not masked, as long as it says; a text is a JSON object with a type.
fn assert_whole(frame: &Bytes) {
    let (head, rest) = frame.split_first_chunk::<2>().expect("a header");
    let (length, payload) = match head[1] {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>().expect("a length");
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        short => {
            assert!(short < 126, "masked, or longer than any answer");
            (usize::from(short), rest)
        }
    };
    assert_eq!(payload.len(), length);
    match head[0] {
        0x81 => {
            let said: Value = serde_json::from_slice(payload).expect("JSON");
            assert!(said["type"].is_string(), "{said}");
        }
        0x8a => assert!(length < 126, "a pong of {length} bytes"),
        other => panic!("an answer begins with {other:#x}"),
    }
}

/// An agent who may do everything.
fn ana() -> Pass {
    let tenant = TenantId::new(7);
    Pass {
        tenant,
        agent: AgentId::parse("ana").expect("an agent"),
        name: "Ana".into(),
        user: None,
        key: Arc::new(ApiKey {
            hash: KeyHash::of("a key"),
            id: "k1".to_owned(),
            tenant,
            name: "fuzz".to_owned(),
            scopes: vec![Scope::Read, Scope::Send, Scope::Agents],
            created: Timestamp::from_secs(1),
            revoked: None,
            expires: None,
        }),
    }
}
