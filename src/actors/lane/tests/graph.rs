//! A scripted Meta that does as it is told, remembers everything, and notes what must never happen.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::clock::VirtualClock;
use super::harness::TENANT;
use crate::domain::{
    AttemptToken, Clock, ContactAliases, ConversationId, MetaError, PhoneNumberId, WabaId, Wamid,
};
use crate::store::OutboxState;
use crate::store::faulty::FaultyStore;
use crate::whatsapp::client::{AmbiguousCause, BlockCall, BlockedPage, NotAcceptedCause};
use crate::whatsapp::number_check::{NumberFacts, SubscribedApp};
use crate::whatsapp::{
    Acceptance, BearerToken, Graph, GraphError, GraphNumbers, RefusalScope, RetryAdvice, RetryScope,
    SendCall, SendResult,
};

/// What the scripted Meta does with a call.
pub(super) struct Reply {
    pub(super) after: Duration,
    pub(super) result: SendResult,
}

/// One call as Meta saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) token: AttemptToken,
    pub(super) at: Duration,
    pub(super) bearer: BearerToken,
    pub(super) body: serde_json::Value,
}

type Script = Box<dyn FnMut(&AttemptToken) -> Reply + Send>;

/// A Meta that does as it is told and remembers everything.
pub(super) struct ScriptedGraph {
    store: Arc<FaultyStore>,
    clock: Arc<VirtualClock>,
    script: Mutex<Script>,
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) read: Mutex<Vec<Duration>>,
    pub(super) faults: Mutex<Vec<String>>,
    under_way: Mutex<HashSet<ConversationId>>,
}

impl ScriptedGraph {
    /// Takes everything.
    pub(super) fn new(store: &Arc<FaultyStore>, clock: &Arc<VirtualClock>) -> Self {
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            script: Mutex::new(Box::new(accepted)),
            seen: Mutex::default(),
            read: Mutex::default(),
            faults: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    /// Does this from now on.
    pub(super) fn follow(&self, script: impl FnMut(&AttemptToken) -> Reply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }
}

#[async_trait]
impl GraphNumbers for ScriptedGraph {
    async fn describe_number(&self, _: &PhoneNumberId, _: &BearerToken) -> Result<NumberFacts, GraphError> {
        Err(GraphError::Unreachable("not asked".to_owned()))
    }
}

#[async_trait]
impl Graph for ScriptedGraph {
    async fn send(&self, call: SendCall) -> SendResult {
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        let token: AttemptToken = body["biz_opaque_callback_data"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let row = self.store.row(TENANT, &call.number, token.message);
        if !row.is_some_and(|row| row.state == OutboxState::Claimed && row.attempt == token.attempt) {
            self.fault(format!("called without a durable claim: {token:?}"));
        }
        if !self.under_way.lock().unwrap().insert(token.conversation) {
            self.fault(format!("two calls at once for one customer: {token:?}"));
        }
        self.seen.lock().unwrap().push(Seen {
            token,
            at: self.clock.monotonic(),
            bearer: call.token,
            body,
        });
        let reply = (self.script.lock().unwrap())(&token);
        tokio::time::sleep(reply.after).await;
        self.under_way.lock().unwrap().remove(&token.conversation);
        reply.result
    }

    async fn block(&self, _: BlockCall) -> Result<(), GraphError> {
        panic!("lanes block nobody")
    }

    async fn blocked(
        &self,
        _: &PhoneNumberId,
        _: Option<&str>,
        _: &BearerToken,
    ) -> Result<BlockedPage, GraphError> {
        panic!("lanes ask for no blocklist")
    }

    async fn mark_read(&self, _: SendCall) -> Result<(), GraphError> {
        self.read.lock().unwrap().push(self.clock.monotonic());
        Ok(())
    }

    async fn subscribed_apps(&self, _: &WabaId, _: &BearerToken) -> Result<Vec<SubscribedApp>, GraphError> {
        Err(GraphError::Unreachable("not asked".to_owned()))
    }

    async fn subscribe_app(&self, _: &WabaId, _: &BearerToken) -> Result<(), GraphError> {
        Err(GraphError::Unreachable("not asked".to_owned()))
    }

    async fn ask_time(&self) -> Result<(), GraphError> {
        Err(GraphError::Unreachable("not asked".to_owned()))
    }
}

/// Meta takes it after 50 ms.
pub(super) fn accepted(token: &AttemptToken) -> Reply {
    Reply {
        after: Duration::from_millis(50),
        result: SendResult::Accepted {
            wamid: Wamid::parse(&format!("wamid.{}.{}", token.message, token.attempt)).unwrap(),
            acceptance: Acceptance::Sending,
            recipient: ContactAliases::default(),
        },
    }
}

/// Meta takes it, and names the recipient otherwise than the caller did.
pub(super) fn accepted_as(token: &AttemptToken, recipient: ContactAliases) -> Reply {
    match accepted(token).result {
        SendResult::Accepted {
            wamid, acceptance, ..
        } => reply(SendResult::Accepted {
            wamid,
            acceptance,
            recipient,
        }),
        other => reply(other),
    }
}

fn reply(result: SendResult) -> Reply {
    Reply {
        after: Duration::from_millis(50),
        result,
    }
}

pub(super) fn error(code: i64) -> MetaError {
    MetaError {
        code,
        title: "refused".into(),
        details: None,
    }
}

pub(super) fn refused(scope: RefusalScope, code: i64) -> Reply {
    reply(SendResult::Refused {
        scope,
        error: error(code),
    })
}

pub(super) fn ambiguous() -> Reply {
    reply(SendResult::Ambiguous {
        cause: AmbiguousCause::Timeout,
        error: None,
    })
}

pub(super) fn too_fast() -> Reply {
    reply(SendResult::NotAccepted {
        retry: RetryAdvice::DOUBLING,
        cause: NotAcceptedCause::Throttled,
        error: Some(error(130_429)),
    })
}

pub(super) fn not_taken(scope: RetryScope, wait: Duration) -> Reply {
    reply(SendResult::NotAccepted {
        retry: RetryAdvice::after(scope, wait),
        cause: NotAcceptedCause::Throttled,
        error: Some(error(131_056)),
    })
}

/// A proxy answers in Meta's place.
pub(super) fn not_graph() -> Reply {
    reply(SendResult::NotAccepted {
        retry: RetryAdvice::DOUBLING,
        cause: NotAcceptedCause::NotGraph,
        error: Some(error(0)),
    })
}

/// Meta takes it and holds it back.
pub(super) fn held(token: &AttemptToken) -> Reply {
    reply(SendResult::Accepted {
        wamid: Wamid::parse(&format!("wamid.{}.{}", token.message, token.attempt)).unwrap(),
        acceptance: Acceptance::Held,
        recipient: ContactAliases::default(),
    })
}

pub(super) fn unreachable() -> Reply {
    reply(SendResult::NotAccepted {
        retry: RetryAdvice::DOUBLING,
        cause: NotAcceptedCause::NoConnection,
        error: None,
    })
}
