//! From the elements of a webhook to ops of the tenants that they concern.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::backlog::{Flow, Handed, LEAST, Part, Strays};
use super::in_flight::{InFlightOps, ROOM};
use super::quarantine::{self, What};
use super::shared_backlog::SharedBacklog;
use super::ticket::{Heeded, Share, Ticket, Verdict};
use super::{IngestParts, owners, signed, split};
use crate::actors::port::{Inbox, Signer, TenantInbox};
use crate::actors::request::Refusal;
use crate::domain::message::{Amendment, Side};
use crate::domain::{Alias, DeliveryState, EventKind, PhoneNumberId, TenantId, WabaId, WamidHash};
use crate::store::op::{Amend, Announce, Called, Naming, Op, Prefer, Receive, Relate, Report, ReportTarget};
use crate::store::{JournalEntry, ProcessId};
use crate::telemetry::Seldom;
use crate::telemetry::labels::{ElementKind, QuarantineReason};
use crate::templates::News;
use crate::whatsapp::webhook::Haste;
use crate::whatsapp::{Element, IncomingMessage, IncomingStatus, OtherEvent, webhook};

/// Meta counts a customer's message for one second, from when it came. Later by more than delays and clocks explain,
/// it does not count any more: after an outage the backlog must not stop replies.
const COUNTS: Duration = Duration::from_secs(10);

/// With more who wait for the ledger at once, it is slower than what is asked of it: webhooks take less of it then.
const CALLERS: usize = 32;

/// How often the log tells of apps that speak for numbers of others.
const TOLD_EACH: Duration = Duration::from_secs(60);

/// The body of an event about anything that is neither a message nor a status of ours.
#[derive(Serialize)]
struct Meta<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a PhoneNumberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waba: Option<&'a WabaId>,
    part: &'a str,
    value: &'a RawValue,
}

/// Finds out whom an element concerns. See the module.
pub(super) struct Router {
    parts: IngestParts,
    shared_backlog: Arc<SharedBacklog>,
    wrong_app: Seldom,
}

/// Whose turn it is, and what the flow may have in flight.
pub(super) struct InFlightByFlow {
    pub(super) flow: Flow,
    pub(super) ops: Arc<InFlightOps>,
    pub(super) share: usize,
}

impl Router {
    /// A router to tenants.
    pub(super) fn new(parts: IngestParts, shared_backlog: Arc<SharedBacklog>) -> Self {
        Self {
            parts,
            shared_backlog,
            wrong_app: Seldom::each(TOLD_EACH),
        }
    }

    /// Hands what one owner has in an entry to its tenant. What cannot be handed over is noted on the ticket.
    pub(super) async fn apply(
        &self,
        entry: &JournalEntry,
        part: &Part,
        in_flight: &InFlightByFlow,
        ticket: Arc<Ticket>,
    ) -> Handed {
        let (signer, body) = signed::open(&entry.body);
        let mut all = Handed::All;
        match webhook::parse(&body) {
            Ok(webhook) => {
                for (index, element) in webhook.elements.into_iter().enumerate() {
                    let apply = self.element(entry, (&signer, part), index, element, in_flight, &ticket);
                    // One that kills whoever applies it takes none of the others with it.
                    let handed = AssertUnwindSafe(apply).catch_unwind().await;
                    let handed = handed.unwrap_or_else(|_panic| {
                        tracing::error!(journal.id = %entry.id, index, "applying an element panics");
                        ticket.spoil(index);
                        Handed::All
                    });
                    match handed {
                        Handed::All => {}
                        Handed::Split => all = Handed::Split,
                        Handed::HeldUp => {
                            ticket.note(Verdict::Again);
                            return Handed::HeldUp;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(journal.id = %entry.id, error = %error, "a webhook cannot be read");
                let body = signed::seal(&signer, body);
                let store = self.parts.store.as_ref();
                let put = quarantine::put(store, entry, What::Element(0), QuarantineReason::Malformed, body);
                if put.await.is_err() {
                    ticket.note(Verdict::Again);
                }
            }
        }
        all
    }

    async fn element(
        &self,
        entry: &JournalEntry,
        (signer, part): (&Signer, &Part),
        index: usize,
        element: Element,
        in_flight: &InFlightByFlow,
        ticket: &Arc<Ticket>,
    ) -> Handed {
        if let Element::Message(message) = &element
            && message
                .amends
                .as_ref()
                .is_some_and(|amends| amends.change == Amendment::Revoked)
        {
            let now = self.parts.clock.now();
            let store = self.parts.store.as_ref();
            if let Err(error) = quarantine::forget(store, signer, message, now).await {
                tracing::warn!(error = %error, "cannot look through what was put aside");
                ticket.note(Verdict::Again);
                return Handed::All;
            }
        }
        let mut owners = owners::of(self.parts.tenants.as_ref(), &element);
        if owners.is_empty() && !matches!(element, Element::Malformed(_)) {
            // Another process may have added the number a moment ago.
            if let Err(error) = self.parts.tenants.read_numbers_again().await {
                tracing::debug!(%error, "cannot tell whose a webhook is");
                ticket.note(Verdict::Again);
                return Handed::All;
            }
            owners = owners::of(self.parts.tenants.as_ref(), &element);
        }
        if let Some(only) = signed::only_for(&entry.body) {
            owners.retain(|owner| *owner == only);
        }
        let heard = self.heard(&element, &owners, signer);
        let reason = match &element {
            Element::Malformed(_) => Some(QuarantineReason::Malformed),
            _ if owners.is_empty() => Some(QuarantineReason::UnknownNumber),
            _ if heard.is_empty() => Some(QuarantineReason::WrongApp),
            _ => None,
        };
        if let Some(reason) = reason {
            if part.takes_strays(in_flight.flow.owner) == Strays::LeftToAnother {
                return Handed::All;
            }
            if reason == QuarantineReason::WrongApp {
                self.tell_wrong_app(signer, element.number());
            }
            // With its signer: whoever puts it back makes it no truer.
            let body = signed::seal(signer, element.to_single_webhook());
            let store = self.parts.store.as_ref();
            let put = quarantine::put(store, entry, What::Element(index), reason, body);
            if put.await.is_err() {
                ticket.note(Verdict::Again);
            }
            return Handed::All;
        }
        let mut all = Handed::All;
        for owner in part.of(in_flight.flow.owner, heard) {
            let handed = match self.parts.tenants.inbox(owner).await {
                Ok(Inbox::Here(inbox)) => {
                    self.hand_over((owner, inbox.as_ref()), (index, &element), in_flight, ticket)
                        .await
                }
                // It moved a moment ago: the next turn leaves the whole entry to who has it.
                Ok(Inbox::Elsewhere(_)) if part.is_whole() && in_flight.flow.owner == Some(owner) => {
                    Handed::HeldUp
                }
                Ok(Inbox::Elsewhere(_)) => {
                    let one = split::of(entry, signer, (index, &element), owner);
                    self.split_off(one, owner, in_flight.flow.haste).await
                }
                Err(refusal) => {
                    if refusal == Refusal::UnknownTenant {
                        tracing::error!(tenant.id = %owner, "a number belongs to a tenant that is not there");
                    }
                    Handed::HeldUp
                }
            };
            match handed {
                Handed::All => {}
                Handed::Split => all = Handed::Split,
                Handed::HeldUp => return Handed::HeldUp,
            }
        }
        all
    }

    /// Makes what one tenant has in an entry an entry of its own, which waits for its turn.
    async fn split_off(&self, one: JournalEntry, owner: TenantId, haste: Haste) -> Handed {
        if let Err(error) = self.parts.store.journal_append(one.clone()).await {
            tracing::warn!(journal.id = %one.id, %error, "a webhook of several tenants cannot be split");
            return Handed::HeldUp;
        }
        self.shared_backlog.push(one, vec![owner], haste);
        Handed::Split
    }

    /// The other process that has a tenant, if one has that lives.
    pub(super) async fn elsewhere(&self, tenant: TenantId) -> Result<Option<ProcessId>, Refusal> {
        self.parts.tenants.elsewhere(tenant).await
    }

    /// Whether a process is known to be gone.
    pub(super) fn is_gone(&self, process: ProcessId) -> bool {
        self.parts.tenants.is_gone(process)
    }

    /// Those of the owners for whom the signer speaks: an app speaks for numbers that are its own, or nobody's in
    /// particular.
    fn heard(&self, element: &Element, owners: &[TenantId], signer: &Signer) -> Vec<TenantId> {
        let speaks = |owner: &TenantId| match (element.number(), element) {
            (Some(number), _) => self.parts.tenants.is_signed_by(number, signer),
            (None, Element::Other(other)) => {
                let account = other.waba.as_ref();
                account.is_some_and(|waba| self.parts.tenants.is_signed_within(*owner, waba, signer))
            }
            (None, _) => true,
        };
        owners.iter().copied().filter(speaks).collect()
    }

    fn tell_wrong_app(&self, signer: &Signer, number: Option<&PhoneNumberId>) {
        let now = self.parts.clock.monotonic();
        if let Some(count) = self.wrong_app.happened(now) {
            let app = match signer {
                Signer::App(app) => app,
                Signer::Unknown => "unknown",
            };
            let number = number.map_or("", PhoneNumberId::as_str);
            tracing::warn!(
                app,
                number.id = number,
                count,
                "put aside: the app that signed it is not the one that its number names (`mesej number list`)"
            );
        }
    }

    async fn hand_over(
        &self,
        (tenant, inbox): (TenantId, &dyn TenantInbox),
        (index, element): (usize, &Element),
        in_flight: &InFlightByFlow,
        ticket: &Arc<Ticket>,
    ) -> Handed {
        let (kind, ops) = match element {
            Element::Message(message) => {
                let clock = &self.parts.clock;
                clock.vouched(message.at);
                let age = clock.now().since(message.at);
                let to_us = message.by == Side::Customer && message.via.is_none();
                let counts = to_us && age <= COUNTS;
                if counts {
                    inbox.note_inbound(&message.number);
                }
                (ElementKind::Message, Self::message(message, inbox))
            }
            Element::Status(status) => {
                self.parts.clock.vouched(status.at);
                inbox.note_status(&status.number, status.token, status.state);
                if let (DeliveryState::Failed, Some(error)) = (status.state, &status.error) {
                    inbox.note_failure(&status.number, status.token, error, status.at);
                }
                (
                    ElementKind::Status,
                    vec![Op::Report(Box::new(report(tenant, status)))],
                )
            }
            Element::Other(other) => {
                self.note_numbers(tenant, other);
                self.hear_of(tenant, other, ticket);
                (ElementKind::Account, told(other))
            }
            Element::Malformed(_) => return Handed::All,
        };
        for op in ops {
            // Webhooks can wait in the journal; whoever sends is refused when it takes too long.
            let share = if inbox.callers() > CALLERS {
                in_flight.share.min(LEAST)
            } else {
                in_flight.share
            };
            let Some(place) = in_flight.ops.place(share).await else {
                return Handed::HeldUp;
            };
            let share = Arc::new(Share::of(ticket, index, kind, place));
            if inbox.commit(op, share, ROOM).await.is_err() {
                return Handed::HeldUp;
            }
        }
        Handed::All
    }

    /// Has Meta asked about the numbers that an event is about.
    fn note_numbers(&self, tenant: TenantId, other: &OtherEvent) {
        if let Some(waba) = other.waba.as_ref().filter(|_| webhook::is_about_numbers(other)) {
            self.parts.templates.numbers_changed(tenant, waba);
        }
    }

    /// Passes news of a message template, or of a number, on. The entry is done once they are written down.
    fn hear_of(&self, tenant: TenantId, other: &OtherEvent, ticket: &Arc<Ticket>) {
        let of_template = webhook::template_news(other).map(News::Template);
        let news = of_template.or_else(|| webhook::number_news(other).map(News::Number));
        if let (Some(news), Some(waba)) = (news, &other.waba) {
            let heed = Heeded::of(ticket);
            let heed = Box::new(move || heed.settle());
            self.parts.templates.hear(tenant, waba, news, heed);
        }
    }

    fn message(message: &IncomingMessage, inbox: &dyn TenantInbox) -> Vec<Op> {
        let mut ops = Vec::with_capacity(2);
        if let Some(change) = &message.identity_change {
            ops.push(Op::Relate(Relate {
                number: message.number.clone(),
                at: message.at,
                from: change.from.clone(),
                to: change.to.clone(),
                once: WamidHash::of_other("relate", &[message.wamid.as_str().as_bytes()]),
            }));
        }
        let receive = Receive {
            number: message.number.clone(),
            by: message.by,
            via: message.via,
            aliases: message.aliases.clone(),
            naming: match &message.identity_change {
                Some(change) => Naming::Former(change.to.clone()),
                None => Naming::Current,
            },
            group: message.group_id.as_deref().and_then(Alias::group),
            name: message.name.clone(),
            username: message.username.clone(),
            wamid: message.wamid.clone(),
            at: message.at,
            content: message.content.clone(),
            // In a group it is said to its members.
            keyword: (message.by == Side::Customer && message.group_id.is_none())
                .then(|| inbox.keyword(&message.content))
                .flatten(),
        };
        ops.push(match &message.amends {
            Some(amends) => Op::Amend(Box::new(Amend {
                notice: receive,
                original: amends.original.clone(),
                change: amends.change.clone(),
            })),
            None => Op::Receive(Box::new(receive)),
        });
        ops
    }
}

fn report(tenant: TenantId, status: &IncomingStatus) -> Report {
    let state = status.state.as_str();
    let seconds = status.at.as_secs().to_be_bytes();
    let mut parts = vec![status.wamid.as_str().as_bytes(), state.as_bytes(), &seconds];
    if status.group_id.is_some() {
        // Several members may read it within the same second.
        parts.extend(
            status
                .aliases
                .strongest_first()
                .map(|alias| alias.value.as_bytes()),
        );
    }
    let once = WamidHash::of_other("status", &parts);
    let value = Meta {
        field: "messages",
        number: Some(&status.number),
        waba: status.waba.as_ref(),
        part: "statuses",
        value: status.raw(),
    };
    Report {
        target: match status.token {
            Some(token) if token.tenant == tenant => ReportTarget::Token(token),
            _ => ReportTarget::Wamid,
        },
        number: status.number.clone(),
        wamid: status.wamid.clone(),
        state: status.state,
        at: status.at,
        error: status.error.clone(),
        pricing: status.pricing.clone(),
        aliases: status.aliases.clone(),
        otherwise: Box::new(Announce {
            kind: EventKind::Meta,
            conversation: None,
            data: raw(&value),
            once: Some(once),
        }),
    }
}

/// Agents see what Meta said; what it says of customers' wishes and calls counts, too.
fn told(other: &OtherEvent) -> Vec<Op> {
    let wishes = webhook::preferences(other).into_iter().map(|preference| {
        Op::Prefer(Prefer {
            number: other.number.clone(),
            aliases: preference.aliases,
            wish: preference.wish,
            at: preference.at,
        })
    });
    let calls = webhook::calls(other).into_iter().filter_map(|call| {
        Some(Op::Called(Called {
            number: other.number.clone()?,
            aliases: call.aliases,
            at: call.at,
        }))
    });
    wishes
        .chain(calls)
        .chain([Op::Announce(announce(other))])
        .collect()
}

fn announce(other: &OtherEvent) -> Announce {
    let value = Meta {
        field: &other.field,
        number: other.number.as_ref(),
        waba: other.waba.as_ref(),
        part: &other.part,
        value: &other.value,
    };
    Announce {
        kind: EventKind::Meta,
        conversation: None,
        data: raw(&value),
        once: Some(other.key),
    }
}

fn raw(value: &impl Serialize) -> Arc<RawValue> {
    // Writing plain structs into memory cannot fail.
    to_raw_value(value)
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
        .into()
}
