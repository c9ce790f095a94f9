//! One business: routes requests to its conversations and lanes, knows who is there.
//!
//! Nothing on a message's way waits here: look-ups run beside the mailbox, and their answers come back as state. The
//! row of a conversation, and whether a request is a repeat, is decided further down.

mod attendance;
mod changes;
mod ids;
mod routing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, ArbiterHandle, AsyncContext, Context, Handler,
    WrapFuture as _,
};

use self::ids::MessageIds;
use super::bounded::{Admitted, BoundedAddr};
use super::conversation::{Conversation, ConversationParts};
use super::feed::Presence;
use super::lane::LaneHandle;
use super::ledger::LedgerHandle;
use super::messages::tenant::{AskIdle, LeaveNote, NumberChanged, Retire, Submit};
use super::port::SessionId;
use super::request::{Destination, Named, Refusal, SubmitRequest};
use crate::domain::{AgentId, Clock, ConversationId, MessageId, PhoneNumberId};
use crate::store::{Queued, Store, Tenant as TenantRow};
use changes::Changes;

/// What a tenant is made of. Cheap to clone; lanes are added by replacing it.
#[derive(Clone)]
pub(crate) struct TenantParts {
    pub(crate) row: Arc<TenantRow>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ledger: LedgerHandle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) arbiter: ArbiterHandle,
    pub(crate) limits: TenantLimits,
    /// Where the random tails of message ids come from.
    pub(crate) seed: u64,
}

/// Bounds of one tenant.
#[derive(Debug, Clone, Copy)]
pub struct TenantLimits {
    /// Unfinished requests.
    pub mailbox: usize,
    /// Messages that may wait to be sent.
    pub backlog: usize,
    /// How long a conversation lives unused.
    pub conversation_idle: Duration,
    /// How long a tenant lives of whom nobody wants anything.
    pub idle: Duration,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self {
            mailbox: 1_024,
            backlog: 100_000,
            conversation_idle: Duration::from_secs(300),
            idle: Duration::from_secs(300),
        }
    }
}

/// When colleagues are told of who came and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// At once.
    Now,
    /// When a while has passed since they were last told.
    Later,
}

/// The actor. See the module.
pub(crate) struct Tenant {
    parts: TenantParts,
    lanes: Arc<BTreeMap<PhoneNumberId, LaneHandle>>,
    conversations: HashMap<ConversationId, BoundedAddr<Conversation>>,
    in_progress: HashSet<[u8; 16]>,
    present: BTreeMap<AgentId, BTreeMap<SessionId, Presence>>,
    viewing: HashMap<SessionId, (ConversationId, AgentId)>,
    /// What newcomers are told by name, made when it has changed.
    named: Option<Arc<Named>>,
    changes: Changes,
    telling: Telling,
    ids: MessageIds,
    rng: fastrand::Rng,
}

impl Tenant {
    /// Starts the actor on its arbiter.
    pub(crate) fn launch(
        parts: TenantParts,
        lanes: Arc<BTreeMap<PhoneNumberId, LaneHandle>>,
    ) -> BoundedAddr<Self> {
        let arbiter = parts.arbiter.clone();
        let capacity = parts.limits.mailbox;
        let rng = fastrand::Rng::with_seed(parts.seed);
        let addr = Self::start_in_arbiter(&arbiter, move |ctx: &mut Context<Self>| {
            ctx.set_mailbox_capacity(capacity);
            Self {
                parts,
                lanes,
                conversations: HashMap::new(),
                in_progress: HashSet::new(),
                present: BTreeMap::new(),
                viewing: HashMap::new(),
                named: None,
                changes: Changes::default(),
                telling: Telling::Now,
                ids: MessageIds::default(),
                rng,
            }
        });
        BoundedAddr::new(addr, capacity)
    }

    /// The address of a conversation, started if need be.
    fn conversation(&mut self, id: ConversationId) -> BoundedAddr<Conversation> {
        if let Some(live) = self.conversations.get(&id)
            && live.is_connected()
        {
            return live.clone();
        }
        let parts = ConversationParts {
            tenant: self.parts.row.id,
            store: Arc::clone(&self.parts.store),
            ledger: self.parts.ledger.clone(),
            clock: Arc::clone(&self.parts.clock),
            idle: self.parts.limits.conversation_idle,
        };
        let fresh = Conversation::launch(id, parts, &self.parts.arbiter);
        self.conversations.insert(id, fresh.clone());
        fresh
    }

    /// An id for a message that is written now; unique through its random tail.
    fn message_id(&mut self) -> MessageId {
        self.ids.next(self.parts.clock.for_ids(), self.rng.u64(..))
    }
}

impl Actor for Tenant {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // Conversations that went to rest leave an address behind.
        ctx.run_interval(self.parts.limits.conversation_idle, |tenant, _| {
            tenant.conversations.retain(|_, addr| addr.is_connected());
        });
    }
}

impl Handler<Admitted<Submit>> for Tenant {
    type Result = ();
    fn handle(&mut self, submit: Admitted<Submit>, ctx: &mut Context<Self>) {
        let Admitted {
            message: Submit { request, reply },
            place,
        } = submit;
        let once = request.once.map(|once| once.key);
        let message = self.message_id();
        let prepared = self.prepare(&request);
        let refused = match (&prepared, once) {
            (Err(refusal), _) => Some(refusal.clone()),
            (Ok(_), Some(key)) if !self.in_progress.insert(key) => Some(Refusal::InProgress),
            (Ok(_), _) => None,
        };
        let (Ok(route), None) = (prepared, &refused) else {
            // The caller may have gone.
            let _ = reply.send(Err(refused.unwrap_or(Refusal::Busy)));
            return;
        };
        let work = routing::resolve(self.parts.clone(), route)
            .into_actor(self)
            .then(move |resolved, tenant, _| {
                let sent = resolved.map(|(id, recipient)| (tenant.conversation(id), recipient));
                routing::submit(sent, request, message).into_actor(tenant)
            })
            .map(move |submitted, tenant, _| {
                if let Some(key) = once {
                    tenant.in_progress.remove(&key);
                }
                let answer = submitted.map(|(accepted, queued)| {
                    tenant.hand_on(queued);
                    accepted
                });
                drop(place);
                // The caller may have gone; what is durable stays.
                let _ = reply.send(answer);
            });
        ctx.spawn(work);
    }
}

impl Handler<Admitted<LeaveNote>> for Tenant {
    type Result = ();
    fn handle(&mut self, note: Admitted<LeaveNote>, ctx: &mut Context<Self>) {
        let Admitted {
            message: LeaveNote { request, reply },
            place,
        } = note;
        let message = self.message_id();
        let conversation = self.conversation(request.conversation);
        let work = async move {
            let answer = routing::note(conversation, request, message).await;
            drop(place);
            // The caller may have gone; what is durable stays.
            let _ = reply.send(answer);
        };
        ctx.spawn(work.into_actor(self));
    }
}

impl Handler<Admitted<AskIdle>> for Tenant {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskIdle>, _: &mut Context<Self>) {
        let Admitted { message, place } = ask;
        // What is in progress has a place, too: whoever asks looks at those next.
        drop(place);
        let nobody = self.present.is_empty() && self.viewing.is_empty();
        // The asker may have gone.
        let _ = message.0.send(nobody && self.in_progress.is_empty());
    }
}

impl Handler<Admitted<Retire>> for Tenant {
    type Result = ();
    fn handle(&mut self, _: Admitted<Retire>, ctx: &mut Context<Self>) {
        self.lanes = Arc::default();
        self.conversations.clear();
        ctx.stop();
    }
}

impl Handler<Admitted<NumberChanged>> for Tenant {
    type Result = ();
    fn handle(&mut self, changed: Admitted<NumberChanged>, _: &mut Context<Self>) {
        Arc::make_mut(&mut self.lanes).insert(changed.message.id, changed.message.lane);
    }
}

impl Tenant {
    /// Gives a new message to its lane, as the commit put it into the outbox. Where a commit's answer was lost, the ledger
    /// has the lanes look.
    fn hand_on(&self, queued: Option<Box<Queued>>) {
        if let Some(mut queued) = queued
            && let Some(lane) = self.lanes.get(&queued.number)
        {
            if !queued.linked.is_empty() {
                lane.join(std::mem::take(&mut queued.linked), queued.contact);
            }
            lane.enqueue((*queued).into());
        }
    }

    /// Checks what can be checked without looking anything up.
    fn prepare(&self, request: &SubmitRequest) -> Result<Destination, Refusal> {
        let waiting: usize = self.lanes.values().map(LaneHandle::backlog).sum();
        if waiting >= request.most_waiting.unwrap_or(self.parts.limits.backlog) {
            return Err(Refusal::QueueFull);
        }
        match &request.to {
            Destination::Conversation(id) => Ok(Destination::Conversation(*id)),
            Destination::Contact { number, aliases } => {
                let number = match number {
                    Some(number) if self.lanes.contains_key(number) => number.clone(),
                    None if self.lanes.len() == 1 => {
                        self.lanes.keys().next().cloned().ok_or(Refusal::UnknownNumber)?
                    }
                    _ => return Err(Refusal::UnknownNumber),
                };
                Ok(Destination::Contact {
                    number: Some(number),
                    aliases: aliases.clone(),
                })
            }
        }
    }
}
