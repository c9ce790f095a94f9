//! What happens, as ops: what somebody does now, or what the model has of it.

use super::super::ops;
use super::super::r_amendments::amend;
use super::steps::{Doing, NAMES};
use crate::domain::message::{Amendment, Via};
use crate::domain::{
    AgentId, Content, ContentKind, ConversationStatus, DeliveryState, EventKind, MessageId, MetaError, Seq,
    TenantId, Timestamp,
};
use crate::store::Store;
use crate::store::conformance::scene::DAY_ONE;
use crate::store::op::{AttemptResult, Op, OrganiseChange, ReportTarget, Settlement};
use crate::store::row::MessageRef;

pub(super) fn message_id(id: u64) -> MessageId {
    ops::id(DAY_ONE, id)
}

/// When something happens, and to what.
pub(super) struct Moment<'a> {
    /// The model.
    pub(super) store: &'a dyn Store,
    pub(super) tenant: TenantId,
    pub(super) now: Timestamp,
}

/// Where the message to a recipient stands.
pub(super) async fn turn_of(
    store: &dyn Store,
    tenant: TenantId,
    no: u64,
    now: Timestamp,
) -> Option<MessageRef> {
    let recipient = ops::recipient(u32::try_from(no).unwrap()).key();
    let seen = store.seen(tenant, vec![recipient], now).await.unwrap();
    seen.into_iter().flatten().find_map(|seen| seen.at)
}

impl Moment<'_> {
    fn place(&self, to: usize, id: u64) -> MessageRef {
        MessageRef {
            conversation: ops::conversation_of(self.tenant, "1", NAMES[to]),
            message: message_id(id),
        }
    }

    /// Where the model has an outbound message, or somewhere it is not.
    async fn known(&self, id: u64) -> MessageRef {
        let found = self.store.find_outbound(self.tenant, message_id(id), self.now);
        let found = found.await.unwrap();
        let turn = turn_of(self.store, self.tenant, id, self.now).await;
        // Of two with the same number a broadcast's is meant by every other number.
        let either = if id.is_multiple_of(2) {
            turn.or(found)
        } else {
            found.or(turn)
        };
        either.unwrap_or_else(|| self.place(0, id))
    }

    /// What happens, as an op.
    pub(super) async fn op(&self, doing: &Doing) -> Op {
        let tenant = self.tenant;
        match doing {
            Doing::Receive { from, wamid, ago } => {
                let at = self.now.before(*ago);
                let receive = ops::receive(NAMES[*from], &wamid.to_string(), at, "from a customer");
                receive.into()
            }
            Doing::Amend {
                by,
                side,
                notice,
                original,
                ago,
                text,
            } => {
                let at = self.now.before(*ago);
                let (notice, original) = (format!("change{notice}"), original.to_string());
                let change = match text {
                    Some(text) => Amendment::Edited(Content::text(&format!("edited {text}"))),
                    None => Amendment::Revoked,
                };
                let mut amend = amend(NAMES[*by], &notice, &original, at, change);
                amend.notice.by = *side;
                Op::Amend(Box::new(amend))
            }
            Doing::Import {
                from,
                side,
                wamid,
                ago,
                is_placeholder,
            } => {
                let at = self.now.before(*ago);
                let mut import = ops::receive(&[], &wamid.to_string(), at, "from long ago");
                if let Some(from) = from {
                    import.aliases = ops::names(NAMES[*from]);
                }
                if *is_placeholder {
                    import.content = Content::from_value(
                        ContentKind::of("media_placeholder"),
                        &serde_json::json!({ "type": "media_placeholder" }),
                    );
                }
                import.by = *side;
                import.via = Some(Via::History);
                import.into()
            }
            Doing::Submit {
                to,
                id,
                once,
                unless_after,
            } => {
                let mut submit = ops::submit(tenant, NAMES[*to], message_id(*id), "to a customer");
                submit.once = once.map(|(key, request)| ops::once(key, request));
                submit.unless_after = unless_after.map(|seq| Seq::new(u64::from(seq)));
                submit.into()
            }
            Doing::ToRecipient { to, id } => {
                let no = u32::try_from(*id).unwrap();
                ops::to_recipient(tenant, NAMES[*to], message_id(100 + id), no).into()
            }
            Doing::Steer { to } => ops::steer(*to),
            Doing::Press { from, wamid, id } => {
                let mut press = ops::receive(NAMES[*from], &wamid.to_string(), self.now, "a button");
                press.content = Content::from_value(
                    ContentKind::Button,
                    &serde_json::json!({
                        "type": "button",
                        "button": { "text": "Yes" },
                        "context": { "id": format!("wamid.out{id}.1") },
                    }),
                );
                press.into()
            }
            Doing::Note { to, id } => {
                // Nobody writes a note under the id of one that is over.
                let message = ops::id(self.now, 100 + id);
                let conversation = self.place(*to, 0).conversation;
                ops::note(conversation, message, ops::agent("bob"), "between us")
            }
            Doing::Attempted { id, attempt, result } => {
                let token = ops::token(tenant, self.known(*id).await, *attempt);
                let error = MetaError {
                    code: 131_000,
                    title: "no".into(),
                    details: None,
                };
                let result = match result {
                    0 => ops::accepted(&format!("out{id}.{attempt}")),
                    1 => AttemptResult::Held {
                        wamid: ops::wamid(&format!("out{id}.{attempt}")),
                    },
                    2 => AttemptResult::NotAccepted {
                        retry_at: self.now,
                        error: Some(error),
                    },
                    3 => AttemptResult::Refused { error },
                    _ => AttemptResult::Unknown { error: None },
                };
                ops::attempted(token, self.now, result)
            }
            Doing::Report {
                id,
                attempt,
                wamid,
                state,
                names,
            } => {
                let target = match attempt {
                    Some(attempt) => ReportTarget::Token(ops::token(tenant, self.known(*id).await, *attempt)),
                    None => ReportTarget::Wamid,
                };
                let state = [
                    DeliveryState::Sent,
                    DeliveryState::Delivered,
                    DeliveryState::Read,
                    DeliveryState::Failed,
                ][usize::from(*state)];
                let wamid = attempt.map_or_else(|| wamid.to_string(), |attempt| format!("out{id}.{attempt}"));
                let mut report = ops::report(target, &wamid, state, self.now);
                if let Some(names) = names {
                    report.aliases = ops::names(NAMES[*names]);
                }
                Op::Report(Box::new(report))
            }
            Doing::Settle { id, again } => {
                let how = if *again {
                    Settlement::SendAgain
                } else {
                    Settlement::GiveUp
                };
                ops::settle(self.known(*id).await, how)
            }
            Doing::Withdraw { id, expired } => {
                let to = if *expired {
                    DeliveryState::Expired
                } else {
                    DeliveryState::Cancelled
                };
                ops::withdraw(self.known(*id).await, to)
            }
            Doing::Organise { to, change } => {
                let change = match change {
                    0 => OrganiseChange::Read { seen: None },
                    1 => OrganiseChange::Status(ConversationStatus::Resolved),
                    2 => OrganiseChange::Status(ConversationStatus::Pending),
                    3 => OrganiseChange::Label {
                        add: vec!["vip".to_owned()],
                        remove: Vec::new(),
                    },
                    4 => OrganiseChange::Assign(None),
                    5 => OrganiseChange::Assign(AgentId::parse("bob").ok()),
                    6 => OrganiseChange::Status(ConversationStatus::Open),
                    _ => OrganiseChange::Label {
                        add: vec!["new".to_owned()],
                        remove: vec!["vip".to_owned()],
                    },
                };
                ops::organise(self.place(*to, 0).conversation, change)
            }
            Doing::Relate { from, to, once } => ops::relate(NAMES[*from], NAMES[*to], &once.to_string()),
            Doing::Call { from, ago } => ops::called(NAMES[*from], self.now.before(*ago)),
            Doing::Announce { name } => {
                let contact = ops::contact_of(tenant, NAMES[*name]);
                ops::announce(EventKind::Meta, &format!(r#"{{"about":"{contact}"}}"#))
            }
        }
    }
}
