//! One conversation in use: the order in which agents and programs write to it.
//!
//! Requests are taken one at a time, so that what was asked first is queued first and a second request sees what the
//! first one did. The actor keeps no copy of the conversation: it reads the row for each request, and what a commit
//! finds decides. It ends when nobody used it for a while; the next request starts a fresh one.

mod draft;
#[cfg(test)]
mod tests;

pub(crate) use draft::{commit_refusal, contact_changed, op_refusal, store_refusal};

use std::sync::Arc;
use std::time::Duration;

use actix::ContextFutureSpawner as _;
use actix::{
    Actor, ActorContext as _, ArbiterHandle, AsyncContext, Context, Handler, Message, WrapFuture as _,
};

use super::bounded::{Admitted, BoundedAddr, Refused};
use super::ledger::LedgerHandle;
use super::messages::conversation::{LeaveNote, Submit};
use super::request::Refusal;
use crate::domain::{Clock, ConversationId, TenantId};
use crate::store::Store;
use draft::Draft;

/// Unfinished requests of one conversation. People write here; more than this is a loop.
const CAPACITY: usize = 64;

/// What a conversation needs to work.
#[derive(Clone)]
pub(crate) struct ConversationParts {
    pub(crate) tenant: TenantId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ledger: LedgerHandle,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long it lives unused.
    pub(crate) idle: Duration,
}

/// The actor. See the module.
pub(crate) struct Conversation {
    id: ConversationId,
    parts: ConversationParts,
    used: bool,
}

impl Conversation {
    /// Starts the actor on its tenant's arbiter.
    pub(crate) fn launch(
        id: ConversationId,
        parts: ConversationParts,
        arbiter: &ArbiterHandle,
    ) -> BoundedAddr<Self> {
        let addr = Self::start_in_arbiter(arbiter, move |ctx: &mut Context<Self>| {
            ctx.set_mailbox_capacity(CAPACITY);
            Self {
                id,
                parts,
                used: true,
            }
        });
        BoundedAddr::new(addr, CAPACITY)
    }

    fn draft(&self) -> Draft {
        Draft {
            conversation: self.id,
            parts: self.parts.clone(),
        }
    }
}

impl Actor for Conversation {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.parts.idle, |_, ctx| ctx.notify(Rest));
    }
}

/// End, unless somebody used the conversation.
#[derive(Message)]
#[rtype(result = "()")]
struct Rest;

impl Handler<Rest> for Conversation {
    type Result = ();
    fn handle(&mut self, _: Rest, ctx: &mut Context<Self>) {
        let over = !self.parts.ledger.is_connected();
        if over || !self.used {
            ctx.stop();
        }
        self.used = false;
    }
}

impl Handler<Admitted<Submit>> for Conversation {
    type Result = ();
    fn handle(&mut self, submit: Admitted<Submit>, ctx: &mut Context<Self>) {
        self.used = true;
        let Admitted {
            message:
                Submit {
                    request,
                    recipient,
                    message,
                    reply,
                },
            place,
        } = submit;
        let draft = self.draft();
        async move {
            let submitted = draft.submit(*request, recipient, message).await;
            drop(place);
            // The caller may have gone; what is durable stays.
            let _ = reply.send(submitted);
        }
        .into_actor(self)
        .wait(ctx);
    }
}

impl Handler<Admitted<LeaveNote>> for Conversation {
    type Result = ();
    fn handle(&mut self, note: Admitted<LeaveNote>, ctx: &mut Context<Self>) {
        self.used = true;
        let Admitted {
            message:
                LeaveNote {
                    request,
                    message,
                    reply,
                },
            place,
        } = note;
        let draft = self.draft();
        async move {
            let left = draft.note(*request, message).await;
            drop(place);
            // The caller may have gone; what is durable stays.
            let _ = reply.send(left);
        }
        .into_actor(self)
        .wait(ctx);
    }
}

/// What a refused hand-over means to the caller.
pub(crate) fn refusal<M>(refused: &Refused<M>) -> Refusal {
    match refused {
        Refused::Full(_) => Refusal::Busy,
        Refused::Closed(_) => Refusal::Unavailable {
            retry_after: Some(Duration::from_secs(1)),
        },
    }
}
