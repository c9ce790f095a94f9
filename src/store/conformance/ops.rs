//! Ops and rows for tests, each with one thing that matters and the rest filled in.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::domain::message::{Delivery, Side};
use crate::domain::{
    Alias, AttemptToken, Author, BroadcastId, BroadcastRecipient, BroadcastRun, ContactAliases, ContactId,
    Content, ConversationId, DeliveryState, EventKind, MessageId, PhoneNumberId, Priority, Purpose,
    Retention, StatusTimes, TenantId, Timestamp, UnknownPolicy, Wamid, WamidHash,
};
use crate::store::op::{
    Announce, AttemptResult, Attempted, Called, Naming, Note, Once, Op, Organise, OrganiseChange, Receive,
    Relate, Report, ReportTarget, Settle, Settlement, SteerBroadcast, Submit, Withdraw,
};
use crate::store::row::{ClaimWant, MessageRef};

pub(in crate::store) const RETENTION: Retention = Retention::DEFAULT;

pub(in crate::store) fn raw(json: &str) -> Arc<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap().into()
}

pub(in crate::store) fn number(name: &str) -> PhoneNumberId {
    PhoneNumberId::parse(name).unwrap()
}

pub(in crate::store) fn agent(id: &str) -> Author {
    Author::Agent {
        id: crate::domain::AgentId::parse(id).unwrap(),
    }
}

/// Names: digits are a phone, what looks like one a BSUID or parent BSUID, anything else a group.
pub(in crate::store) fn names(names: &[&str]) -> ContactAliases {
    ContactAliases::of(
        names
            .iter()
            .map(|name| Alias::phone(name).or_else(|| Alias::bsuid(name)))
            .zip(names)
            .map(|(alias, name)| alias.or_else(|| Alias::group(name)).unwrap()),
    )
}

pub(in crate::store) fn contact_of(tenant: TenantId, first_names: &[&str]) -> ContactId {
    names(first_names).new_contact_id(tenant).unwrap()
}

pub(in crate::store) fn conversation_of(tenant: TenantId, of: &str, first_names: &[&str]) -> ConversationId {
    ConversationId::derive(tenant, &number(of), contact_of(tenant, first_names))
}

pub(in crate::store) fn wamid(text: &str) -> Wamid {
    Wamid::parse(&format!("wamid.{text}")).unwrap()
}

/// A customer's text on number `1`.
pub(in crate::store) fn receive(from: &[&str], id: &str, at: Timestamp, text: &str) -> Receive {
    Receive {
        number: number("1"),
        by: Side::Customer,
        via: None,
        aliases: names(from),
        naming: Naming::Current,
        keyword: None,
        group: None,
        name: Some("Ada".into()),
        username: None,
        wamid: wamid(id),
        at,
        content: Content::text(text),
    }
}

pub(in crate::store) fn delivery() -> Delivery {
    Delivery {
        state: DeliveryState::Queued,
        times: StatusTimes::default(),
        priority: Priority::Interactive,
        on_unknown: UnknownPolicy::NeverDuplicate,
        attempts: 0,
        send_at: None,
        valid_until: None,
        gave_up: None,
        error: None,
        category: None,
        client_msg_id: None,
        biz_opaque_callback_data: None,
    }
}

pub(in crate::store) fn id(at: Timestamp, tail: u64) -> MessageId {
    MessageId::new(at, 0, tail)
}

/// A text to a customer on number `1`.
pub(in crate::store) fn submit(tenant: TenantId, to: &[&str], id: MessageId, text: &str) -> Submit {
    Submit {
        id,
        number: number("1"),
        contact: contact_of(tenant, to),
        aliases: names(to),
        author: agent("ann"),
        content: Content::text(text),
        delivery: delivery(),
        payload: raw(r#"{"messaging_product":"whatsapp"}"#),
        may_be_held: false,
        purpose: Purpose::Other,
        once: None,
        unless_after: None,
        window_at: None,
        broadcast: None,
        hours: None,
    }
}

/// The broadcast that most scenes are about.
pub(in crate::store) const BROADCAST: BroadcastId = BroadcastId::from_bytes([0xb0; 16]);

/// It goes on, halts or ends.
pub(in crate::store) fn steer(to: BroadcastRun) -> Op {
    Op::SteerBroadcast(SteerBroadcast {
        broadcast: BROADCAST,
        numbers: vec![number("1")],
        to,
        problem: None,
        version: 0,
    })
}

/// A recipient of it.
pub(in crate::store) const fn recipient(no: u32) -> BroadcastRecipient {
    BroadcastRecipient {
        broadcast: BROADCAST,
        no,
    }
}

/// Its message to a recipient.
pub(in crate::store) fn to_recipient(tenant: TenantId, to: &[&str], id: MessageId, no: u32) -> Submit {
    let delivery = Delivery {
        priority: Priority::Bulk,
        ..delivery()
    };
    Submit {
        delivery,
        purpose: Purpose::Marketing,
        broadcast: Some(recipient(no)),
        ..submit(tenant, to, id, "to many")
    }
}

pub(in crate::store) fn once(key: u8, request: u8) -> Once {
    Once {
        key: [key; 16],
        request: [request; 16],
    }
}

pub(in crate::store) fn note(conversation: ConversationId, id: MessageId, author: Author, text: &str) -> Op {
    Op::Note(Box::new(Note {
        id,
        conversation,
        author,
        content: Content::note(text),
        once: None,
    }))
}

pub(in crate::store) fn token(tenant: TenantId, at: MessageRef, attempt: u8) -> AttemptToken {
    AttemptToken {
        tenant,
        conversation: at.conversation,
        message: at.message,
        attempt,
    }
}

pub(in crate::store) fn attempted(token: AttemptToken, at: Timestamp, result: AttemptResult) -> Op {
    Op::Attempted(Attempted {
        token,
        number: number("1"),
        at,
        result,
        recipient: ContactAliases::default(),
    })
}

pub(in crate::store) fn accepted(id: &str) -> AttemptResult {
    AttemptResult::Accepted { wamid: wamid(id) }
}

pub(in crate::store) fn report(
    target: ReportTarget,
    id: &str,
    state: DeliveryState,
    at: Timestamp,
) -> Report {
    Report {
        target,
        number: number("1"),
        wamid: wamid(id),
        state,
        at,
        error: None,
        pricing: None,
        aliases: ContactAliases::default(),
        otherwise: Box::new(Announce {
            kind: EventKind::Meta,
            conversation: None,
            data: raw(r#"{"field":"messages"}"#),
            once: Some(WamidHash::of_other(
                "report",
                &[id.as_bytes(), state.as_str().as_bytes()],
            )),
        }),
    }
}

pub(in crate::store) fn reported(target: ReportTarget, id: &str, state: DeliveryState, at: Timestamp) -> Op {
    Op::Report(Box::new(report(target, id, state, at)))
}

pub(in crate::store) fn settle(at: MessageRef, how: Settlement) -> Op {
    Op::Settle(Settle {
        at,
        number: number("1"),
        how,
    })
}

pub(in crate::store) fn withdraw(at: MessageRef, to: DeliveryState) -> Op {
    Op::Withdraw(Withdraw {
        at,
        number: number("1"),
        to,
        error: None,
    })
}

/// A claim on number `1`.
pub(in crate::store) fn want(message: MessageId, attempt: u8) -> ClaimWant {
    ClaimWant {
        number: number("1"),
        message,
        attempt,
    }
}

pub(in crate::store) fn organise(conversation: ConversationId, change: OrganiseChange) -> Op {
    Op::Organise(Organise {
        conversation,
        author: agent("ann"),
        change,
    })
}

/// A customer calls number `1`.
pub(in crate::store) fn called(from: &[&str], at: Timestamp) -> Op {
    Op::Called(Called {
        number: number("1"),
        aliases: names(from),
        at,
    })
}

/// Somebody changes numbers, or ids, on the day on which scenes begin.
pub(in crate::store) fn relate(from: &[&str], to: &[&str], once: &str) -> Op {
    moved(from, to, super::scene::DAY_ONE, once)
}

/// Somebody changes numbers, or ids.
pub(in crate::store) fn moved(from: &[&str], to: &[&str], at: Timestamp, once: &str) -> Op {
    Op::Relate(Relate {
        number: number("1"),
        at,
        from: names(from),
        to: names(to),
        once: WamidHash::of_other("relate", &[once.as_bytes()]),
    })
}

pub(in crate::store) fn announce(kind: EventKind, json: &str) -> Op {
    Op::Announce(Announce {
        kind,
        conversation: None,
        data: raw(json),
        once: None,
    })
}

impl From<Receive> for Op {
    fn from(receive: Receive) -> Self {
        Self::Receive(Box::new(receive))
    }
}

impl From<Submit> for Op {
    fn from(submit: Submit) -> Self {
        Self::Submit(Box::new(submit))
    }
}
