//! Frames to clients, apart from events and signals.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::super::frame;
use super::client::Answered;
use crate::actors::feed::Presence;
use crate::actors::request::{Acceptance, Accepted, Named, Roster, Written};
use crate::api::error::ApiError;
use crate::domain::{AgentId, ConversationId, Epoch, Seq};
use crate::store::TenantHead;
use crate::telemetry::Label as _;
use crate::telemetry::labels::ResyncReason;

/// What a client learns first.
#[derive(Debug)]
pub(in super::super) struct Welcome<'a> {
    /// Names the socket in logs.
    pub(in super::super) session: &'a str,
    /// Whom the server takes the client for.
    pub(in super::super) agent: &'a AgentId,
    /// The ledger, and the position after which events follow.
    pub(in super::super) from: TenantHead,
    /// Where the ledger stands.
    pub(in super::super) head: Seq,
    /// How often the server gives a sign of life.
    pub(in super::super) heartbeat: Duration,
    /// Who else is there.
    pub(in super::super) roster: &'a Roster,
}

/// The `welcome` frame.
pub(in super::super) fn welcome(welcome: &Welcome<'_>) -> Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        session: &'a str,
        agent: &'a AgentId,
        epoch: Epoch,
        seq: Seq,
        head_seq: Seq,
        heartbeat_s: u64,
        present: &'a RawValue,
        present_count: usize,
        viewing: &'a RawValue,
    }
    let roster = welcome.roster;
    let Written { present, viewing } = roster.named.written(written);
    frame::json(&Frame {
        r#type: "welcome",
        session: welcome.session,
        agent: welcome.agent,
        epoch: welcome.from.epoch,
        seq: welcome.from.head,
        head_seq: welcome.head,
        heartbeat_s: welcome.heartbeat.as_secs().max(1),
        present,
        present_count: roster.count,
        viewing,
    })
}

fn written(named: &Named) -> Written {
    #[derive(Serialize)]
    struct Present<'a> {
        agent: &'a AgentId,
        state: Presence,
    }
    #[derive(Serialize)]
    struct Viewed<'a> {
        conversation_id: ConversationId,
        agents: &'a [AgentId],
    }
    let present: Vec<_> = named
        .present
        .iter()
        .map(|(agent, state)| Present { agent, state: *state })
        .collect();
    let viewing: Vec<_> = named
        .viewing
        .iter()
        .map(|(conversation_id, agents)| Viewed {
            conversation_id: *conversation_id,
            agents,
        })
        .collect();
    // Writing plain structs into memory cannot fail.
    Written {
        present: to_raw_value(&present).unwrap_or_default(),
        viewing: to_raw_value(&viewing).unwrap_or_default(),
    }
}

/// The `resync` frame.
pub(in super::super) fn resync(from: TenantHead, reason: ResyncReason) -> Bytes {
    frame::json(&serde_json::json!({
        "type": "resync",
        "epoch": from.epoch,
        "head_seq": from.head,
        "reason": reason.label(),
    }))
}

/// The `accepted` frame.
pub(in super::super) fn accepted(answered: &Answered, accepted: Accepted) -> Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        to: To<'a>,
        message_id: crate::domain::MessageId,
        conversation_id: ConversationId,
        duplicate: bool,
    }
    frame::json(&Frame {
        r#type: "accepted",
        to: To::of(answered),
        message_id: accepted.at.message,
        conversation_id: accepted.at.conversation,
        duplicate: accepted.acceptance == Acceptance::Repeated,
    })
}

/// The `ok` frame, if the client will know what it is about.
pub(in super::super) fn ok(answered: &Answered) -> Option<Bytes> {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        to: To<'a>,
    }
    answered.reference.as_ref()?;
    Some(frame::json(&Frame {
        r#type: "ok",
        to: To::of(answered),
    }))
}

/// The `error` frame.
pub(in super::super) fn error(answered: &Answered, error: &ApiError) -> Bytes {
    #[derive(Serialize)]
    struct Frame<'a, B> {
        r#type: &'static str,
        #[serde(flatten)]
        body: B,
        #[serde(flatten)]
        to: To<'a>,
    }
    frame::json(&Frame {
        r#type: "error",
        body: error.body(),
        to: To::of(answered),
    })
}

/// The `reconnect` frame.
pub(in super::super) fn reconnect(after: Duration) -> Bytes {
    frame::json(&serde_json::json!({
        "type": "reconnect",
        "after_ms": u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
        "reason": "restarting",
    }))
}

/// The `limit_changed` frame.
pub(in super::super) fn limit_changed() -> Bytes {
    frame::json(&serde_json::json!({ "type": "limit_changed" }))
}

/// The `pong` frame.
pub(in super::super) fn pong(answered: &Answered) -> Bytes {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        to: To<'a>,
    }
    frame::json(&Frame {
        r#type: "pong",
        to: To::of(answered),
    })
}

#[derive(Serialize)]
struct To<'a> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_msg_id: Option<&'a str>,
}

impl<'a> To<'a> {
    fn of(answered: &'a Answered) -> Self {
        Self {
            reference: answered.reference.as_deref(),
            client_msg_id: answered.client_msg_id.as_ref().map(|id| id.as_str()),
        }
    }
}
