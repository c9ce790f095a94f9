//! What drivers report, and how it is entered into the book.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::delivery::DeliveryState;
use super::streams::{Stream, StreamKey};
use super::{Oracle, Shown, hash, rank};
use crate::clock::Timestamp;
use crate::dice::mix;
use crate::ids::{Epoch, MessageId, PhoneNumberId, TenantId};
use crate::inbound::InboundIndex;
use crate::wamid::Way;
use crate::world::World;

/// A send that the gateway acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Submission {
    /// The id that the gateway gave it.
    pub message_id: Option<MessageId>,
    /// The word in its text that names it alone.
    pub marker: Option<String>,
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// What its sender allowed in doubt.
    pub policy: Policy,
}

/// What may happen to a send whose outcome is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Never repeated.
    #[default]
    NeverDuplicate,
    /// Repeated only by a person.
    Ask,
    /// Repeated after a deadline: it may arrive twice.
    RetryAfterDeadline,
}

/// What one agent's socket showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsSeen {
    /// Whose ledger it was.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// Who looked.
    pub agent: String,
    /// The ledger's epoch.
    pub epoch: Epoch,
    /// The cursor with which the socket was opened; counts at the first report of an agent alone.
    #[serde(default)]
    pub from: Option<u64>,
    /// The events, repeats included.
    pub events: Vec<EventSeen>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSeen {
    /// Its place.
    pub seq: u64,
    /// The message that it is about.
    #[serde(default)]
    pub message_id: Option<MessageId>,
    /// Meta's id in it.
    #[serde(default)]
    pub wamid: Option<String>,
    /// The state of an outbound message in it.
    #[serde(default)]
    pub state: Option<DeliveryState>,
    /// A fingerprint of the whole event, if the driver took one.
    #[serde(default)]
    pub fingerprint: Option<u64>,
}

/// Rows read back from the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryRead {
    /// Whose rows were asked for.
    pub tenant: Option<TenantId>,
    /// The rows; none of them twice, unless the gateway gave it twice.
    pub rows: Vec<HistoryRow>,
}

/// One row of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryRow {
    /// The gateway's id.
    pub message_id: MessageId,
    /// Meta's id.
    #[serde(default)]
    pub wamid: Option<String>,
    /// The state of an outbound message.
    #[serde(default)]
    pub state: Option<DeliveryState>,
}

/// A customer's refusal that the gateway has committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    /// Phone number or business-scoped user id.
    pub customer: String,
    /// When it was committed, in milliseconds since 1970 by the simulator's clock.
    pub committed_at_ms: i64,
    /// Whether everything is refused; otherwise only marketing templates.
    #[serde(default)]
    pub everything: bool,
    /// How long a send that was claimed before may still be under way, in milliseconds.
    #[serde(default = "grace")]
    pub grace_ms: i64,
}

const fn grace() -> i64 {
    2_000
}

/// A refusal, entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    /// Sends after this are too many.
    pub(super) after: Timestamp,
    pub(super) everything: bool,
}

impl World {
    pub(crate) fn submissions(&mut self, submissions: &[Submission]) {
        for submission in submissions {
            if let Some(marker) = &submission.marker {
                self.oracle.markers_submitted.insert(hash(marker));
            }
            let Some(message_id) = submission.message_id else {
                continue;
            };
            let facts = self.oracle.messages.entry(message_id).or_default();
            facts.submitted = true;
            facts.repeatable |= submission.policy == Policy::RetryAfterDeadline;
            facts.tenant = facts.tenant.or(submission.tenant);
        }
    }

    pub(crate) fn events_seen(&mut self, seen: &EventsSeen) {
        let Some(first) = seen.events.first() else {
            return;
        };
        let key = StreamKey {
            tenant: seen.tenant,
            agent: seen.agent.clone(),
            epoch: seen.epoch,
        };
        let cursor = seen.from.unwrap_or_else(|| first.seq.saturating_sub(1));
        let stream = self
            .oracle
            .streams
            .entry(key)
            .or_insert_with(|| Stream::after(cursor));
        for event in &seen.events {
            stream.see(event.seq);
        }
        for event in &seen.events {
            self.oracle.stands(seen, event);
            self.oracle.shown(event);
            if let Some(index) = self.inbound_of(event.wamid.as_deref()) {
                self.oracle.inbound_shown.insert(index.0);
                self.check_owner(seen.tenant, index);
            }
            if let (Some(tenant), Some(message_id)) = (seen.tenant, event.message_id) {
                self.oracle.check_tenant(tenant, message_id);
            }
        }
    }

    pub(crate) fn history_read(&mut self, tenant: Option<TenantId>, rows: &[HistoryRow]) {
        for row in rows {
            self.oracle.history_rows += 1;
            if let Some(wamid) = &row.wamid
                && (wamid.starts_with("wamid.FORGED") || wamid.starts_with("wamid.FOREIGN"))
            {
                let id = row.message_id;
                self.oracle
                    .kept_strange
                    .add(|| format!("message {id} came from {wamid}"));
                continue;
            }
            if let Some(index) = self.inbound_of(row.wamid.as_deref()) {
                if let Some(inbound) = self.inbounds.get_mut(index) {
                    inbound.in_history = inbound.in_history.saturating_add(1);
                }
                self.check_owner(tenant, index);
                continue;
            }
            if let Some(tenant) = tenant {
                self.oracle.check_tenant(tenant, row.message_id);
            }
            if row.state.is_none() && !self.oracle.messages.contains_key(&row.message_id) {
                self.oracle.unknown_rows += 1;
                continue;
            }
            let facts = self.oracle.messages.entry(row.message_id).or_default();
            facts.in_history = facts.in_history.saturating_add(1);
            facts.state = row.state.or(facts.state);
        }
    }

    pub(crate) fn opt_outs(&mut self, opt_outs: &[OptOut]) {
        for opt_out in opt_outs {
            let Some(customer) = self.customers.find_or_make(&opt_out.customer) else {
                continue;
            };
            let after = opt_out.committed_at_ms.saturating_add(opt_out.grace_ms);
            self.oracle.refused.insert(
                customer,
                Refused {
                    after: Timestamp::from_millis(after),
                    everything: opt_out.everything,
                },
            );
        }
    }

    pub(crate) fn tenants(&mut self, tenants: HashMap<TenantId, Vec<PhoneNumberId>>) {
        for (tenant, numbers) in tenants {
            for number in numbers {
                self.oracle.owners.insert(number, tenant);
            }
        }
    }

    pub(crate) fn forget_history(&mut self) {
        self.inbounds.forget_history();
        self.oracle.history_rows = 0;
        self.oracle.unknown_rows = 0;
        for facts in self.oracle.messages.values_mut() {
            facts.in_history = 0;
            facts.state = None;
        }
    }

    fn inbound_of(&self, wamid: Option<&str>) -> Option<InboundIndex> {
        let index = InboundIndex(self.wamids.read(Way::In, wamid?)?);
        self.inbounds.get(index).is_some().then_some(index)
    }

    /// A row about a customer's message must be in the hands of its number's owner.
    fn check_owner(&mut self, tenant: Option<TenantId>, index: InboundIndex) {
        let Some(tenant) = tenant else { return };
        let owner = self
            .inbounds
            .get(index)
            .and_then(|inbound| self.numbers.get(inbound.number))
            .and_then(|number| self.oracle.owners.get(&number.config.phone_number_id));
        let Some(owner) = owner.copied() else { return };
        self.oracle.rows_owned += 1;
        if owner != tenant {
            self.oracle
                .strangers
                .add(|| format!("tenant {tenant} was given a customer's message of tenant {owner}"));
        }
    }
}

impl Oracle {
    /// A place of the ledger always shows the same.
    fn stands(&mut self, seen: &EventsSeen, event: &EventSeen) {
        let tenant = seen
            .tenant
            .map_or(0, |tenant| u64::from_be_bytes(*tenant.as_bytes()));
        let epoch = u64::from_be_bytes(*seen.epoch.as_bytes());
        let place = mix(mix(tenant, epoch), event.seq);
        let text = |text: Option<String>| text.map_or(0, |text| hash(&text));
        let shown = [
            text(event.message_id.map(|id| id.to_string())),
            text(event.wamid.clone()),
            u64::from(event.state.map_or(u8::MAX, rank)),
            event.fingerprint.unwrap_or(0),
        ]
        .into_iter()
        .fold(1, mix);
        let before = *self.ledger.entry(place).or_insert(shown);
        if before != shown {
            let (epoch, seq) = (seen.epoch, event.seq);
            self.changed
                .add(|| format!("seq {seq} of epoch {epoch} did not always show the same"));
        }
    }

    /// A later place never shows a lower state of the same message.
    fn shown(&mut self, event: &EventSeen) {
        let (Some(message_id), Some(state)) = (event.message_id, event.state) else {
            return;
        };
        self.states_shown += 1;
        let facts = self.messages.entry(message_id).or_default();
        let now = Shown {
            seq: event.seq,
            rank: rank(state),
        };
        let Some(before) = facts.shown else {
            facts.shown = Some(now);
            return;
        };
        let (earlier, later) = if now.seq < before.seq {
            (now, before)
        } else {
            (before, now)
        };
        if later.rank < earlier.rank {
            self.sank.add(|| {
                format!(
                    "message {message_id} sank between seq {} and seq {}",
                    earlier.seq, later.seq
                )
            });
        }
        facts.shown = Some(later);
    }

    /// A row about a message that was sent must be in the hands of its sender.
    fn check_tenant(&mut self, tenant: TenantId, message_id: MessageId) {
        let Some(owner) = self.messages.get(&message_id).and_then(|facts| facts.tenant) else {
            return;
        };
        self.rows_owned += 1;
        if owner != tenant {
            self.strangers
                .add(|| format!("tenant {tenant} was given message {message_id} of tenant {owner}"));
        }
    }
}
