//! A lane with everything around it. Time is tokio's own, paused: it moves when nobody has anything to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::clock::VirtualClock;
use super::files::ScriptedFiles;
use super::graph::{Reply, ScriptedGraph, Seen};
use super::letters::Letter;
use crate::actors::lane::{
    self, Earlier, LaneHandle, LaneLimits, LaneParts, LaneSettings, LaneSnapshot, Waiting,
};
use crate::actors::ledger::Ledger;
use crate::actors::{Incarnation, LedgerHandle};
use crate::domain::{
    Alias, AttemptToken, Author, Clock, ContactAliases, Content, Delivery, DeliveryState, Epoch, EventKind,
    Message, MessageId, PhoneNumberId, Priority, Retention, SendRate, Seq, StatusTimes, TenantId, Timestamp,
    WabaId, Wamid,
};
use crate::store::directory::AccessToken;
use crate::store::faulty::FaultyStore;
use crate::store::op::{Announce, Report, ReportTarget, Submit, Withdraw};
use crate::store::{ClaimsAhead, Number, Op, OpOutcome, OutboxRow, Store};

/// Whose lane it is.
pub(super) const TENANT: TenantId = TenantId::new(7);

/// Everything around a lane.
pub(super) struct World {
    pub(super) store: Arc<FaultyStore>,
    pub(super) graph: Arc<ScriptedGraph>,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) ledger: LedgerHandle,
    pub(super) incarnation: Incarnation,
    pub(super) calls: Arc<Semaphore>,
    pub(super) ahead: Arc<ClaimsAhead>,
    pub(super) files: Arc<ScriptedFiles>,
    pub(super) number: Number,
    arrival: AtomicU16,
    priorities: Mutex<HashMap<MessageId, Priority>>,
}

impl World {
    /// A world in which Meta takes everything. Pauses time.
    pub(super) async fn new() -> Self {
        tokio::time::pause();
        let clock = Arc::new(VirtualClock::now_on());
        let store = Arc::new(FaultyStore::default());
        let graph = Arc::new(ScriptedGraph::new(&store, &clock));
        let ledger = open_ledger(&store, &clock).await;
        let incarnation = Incarnation::new(ledger.clone());
        Self {
            store,
            graph,
            clock,
            ledger,
            incarnation,
            calls: Arc::new(Semaphore::new(2_000)),
            ahead: Arc::default(),
            files: Arc::default(),
            number: Number {
                id: PhoneNumberId::parse("1065").unwrap(),
                tenant: TENANT,
                waba: WabaId::parse("2001").unwrap(),
                display: "+62 812".to_owned(),
                rate: SendRate::STANDARD,
                access_token: AccessToken::new("secret-1"),
                app: None,
            },
            arrival: AtomicU16::new(0),
            priorities: Mutex::default(),
        }
    }

    /// What Meta does from now on.
    pub(super) fn script(&self, script: impl FnMut(&AttemptToken) -> Reply + Send + 'static) {
        self.graph.follow(script);
    }

    /// Starts a lane.
    pub(super) fn lane(&self, limits: LaneLimits) -> LaneHandle {
        self.start(limits, Earlier::Nobody)
    }

    /// Starts a lane in a process that follows another one at once.
    pub(super) fn lane_after_another_process(&self, limits: LaneLimits) -> LaneHandle {
        self.start(limits, Earlier::Until(self.clock.monotonic()))
    }

    pub(super) fn start(&self, limits: LaneLimits, earlier: Earlier) -> LaneHandle {
        let settings = LaneSettings {
            tenant: TENANT,
            number: self.number.clone(),
            limits: Arc::new(limits),
            seed: 1,
        };
        let parts = LaneParts {
            store: self.store.clone(),
            graph: self.graph.clone(),
            ledger: self.ledger.clone(),
            successors: self.incarnation.follow(),
            clock: self.clock.clone(),
            calls: Arc::clone(&self.calls),
            ahead: Arc::clone(&self.ahead),
            files: self.files.clone(),
            earlier,
        };
        lane::start(&actix::Arbiter::current(), settings, parts)
    }

    /// A new ledger takes over, as after the death of one of the tenant's actors.
    pub(super) async fn take_over(&mut self) {
        self.ledger = open_ledger(&self.store, &self.clock).await;
        self.incarnation.hand_over(self.ledger.clone());
    }

    /// What accepts a message.
    pub(super) fn submission(&self, letter: &Letter) -> Submit {
        let aliases = ContactAliases::of([Alias::phone(&format!("62812{:06}", letter.customer)).unwrap()]);
        let arrival = self.arrival.fetch_add(1, Ordering::SeqCst);
        let id = MessageId::new(self.clock.now(), arrival, u64::from(arrival));
        self.priorities.lock().unwrap().insert(id, letter.priority);
        let body = letter.body.clone();
        let body = body.unwrap_or_else(|| serde_json::json!({ "type": "text" }));
        Submit {
            id,
            number: self.number.id.clone(),
            contact: aliases.new_contact_id(TENANT).unwrap(),
            aliases,
            author: Author::Api { key: "k".into() },
            content: Content::text("hello"),
            delivery: Delivery {
                state: DeliveryState::Queued,
                times: StatusTimes::default(),
                priority: letter.priority,
                on_unknown: letter.policy,
                attempts: 0,
                send_at: letter.send_at,
                valid_until: letter.valid_until,
                gave_up: None,
                error: None,
                category: None,
                client_msg_id: None,
                biz_opaque_callback_data: None,
            },
            payload: Arc::from(serde_json::value::to_raw_value(&body).unwrap()),
            may_be_held: false,
            purpose: letter.purpose,
            once: None,
            unless_after: None,
            window_at: None,
            broadcast: None,
            hours: None,
        }
    }

    /// Accepts a message, durably, and gives what its lane must be told.
    pub(super) async fn submit(&self, letter: &Letter) -> Waiting {
        let submit = self.submission(letter);
        let id = submit.id;
        let outcome = self.ledger.commit(Op::Submit(Box::new(submit))).await.unwrap();
        assert!(matches!(outcome, OpOutcome::Committed { .. }), "{outcome:?}");
        self.row(id).unwrap().into()
    }

    /// Accepts messages and hands them to a lane.
    pub(super) async fn send(&self, lane: &LaneHandle, letters: &[Letter]) -> Vec<Waiting> {
        let mut sent = Vec::new();
        for letter in letters {
            let waiting = self.submit(letter).await;
            lane.enqueue(waiting.clone());
            sent.push(waiting);
        }
        sent
    }

    pub(super) fn row(&self, message: MessageId) -> Option<OutboxRow> {
        self.store.row(TENANT, &self.number.id, message)
    }

    pub(super) fn rows(&self) -> Vec<OutboxRow> {
        self.store.rows(TENANT, &self.number.id)
    }

    pub(super) async fn message(&self, waiting: &Waiting) -> Message {
        let found = self.store.message(TENANT, waiting.at(), self.clock.now()).await;
        found.unwrap().unwrap()
    }

    pub(super) async fn delivery(&self, waiting: &Waiting) -> Delivery {
        self.message(waiting).await.delivery.unwrap()
    }

    pub(super) async fn state(&self, waiting: &Waiting) -> DeliveryState {
        self.delivery(waiting).await.state
    }

    /// Takes a message back, as the gateway does.
    pub(super) async fn withdraw(&self, waiting: &Waiting) {
        let withdraw = Withdraw {
            at: waiting.at(),
            number: self.number.id.clone(),
            to: DeliveryState::Cancelled,
            error: None,
        };
        let outcome = self.ledger.commit(Op::Withdraw(withdraw)).await.unwrap();
        assert!(matches!(outcome, OpOutcome::Committed { .. }));
    }

    /// A status webhook for a call comes in and is applied, as ingest does it.
    pub(super) async fn report(&self, lane: &LaneHandle, token: AttemptToken, state: DeliveryState) {
        lane.note_status(Some(token), state);
        let report = Report {
            target: ReportTarget::Token(token),
            number: self.number.id.clone(),
            wamid: Wamid::parse(&format!("wamid.{}.{}", token.message, token.attempt)).unwrap(),
            state,
            at: self.clock.now(),
            error: None,
            pricing: None,
            aliases: ContactAliases::default(),
            otherwise: Box::new(Announce {
                kind: EventKind::Meta,
                conversation: None,
                data: Arc::from(serde_json::value::to_raw_value("foreign").unwrap()),
                once: None,
            }),
        };
        self.ledger.commit(Op::Report(Box::new(report))).await.unwrap();
    }

    /// Calls that Meta saw so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.graph.seen.lock().unwrap().clone()
    }

    pub(super) fn calls_for(&self, waiting: &Waiting) -> Vec<u8> {
        let seen = self.seen();
        let own = seen.iter().filter(|call| call.token.message == waiting.message);
        own.map(|call| call.token.attempt).collect()
    }

    /// Waits for something, at most a day of the virtual clock.
    pub(super) async fn until<F: Future<Output = Truth>>(&self, what: &str, mut holds: impl FnMut() -> F) {
        let began = self.clock.monotonic();
        while holds().await == Truth::No {
            let waited = between(began, self.clock.monotonic());
            assert!(waited < Duration::from_hours(25), "waited in vain until {what}");
            // Long waits are looked at less often.
            tokio::time::sleep(Duration::from_millis(5).max(waited / 500)).await;
        }
    }

    /// Waits until a lane stands as wanted.
    pub(super) async fn lane_is(
        &self,
        lane: &LaneHandle,
        what: &str,
        wanted: impl Fn(&LaneSnapshot) -> bool,
    ) {
        self.until(what, || async { truth(wanted(&lane.snapshot().await.unwrap())) })
            .await;
    }

    fn is_settled(&self) -> bool {
        self.store.is_outbox_empty(TENANT, &self.number.id)
    }

    /// Waits until nothing is left in the outbox.
    pub(super) async fn settled(&self) {
        self.until("everything is settled", || async { truth(self.is_settled()) })
            .await;
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The lane events that agents saw: state, scope and reason.
    pub(super) async fn lane_events(&self) -> Vec<(String, String, Option<String>)> {
        let page = self
            .store
            .events_after(TENANT, Seq::default(), 100_000, self.clock.now())
            .await
            .unwrap();
        let events = page.events.iter().filter(|event| event.kind == EventKind::Lane);
        events
            .map(|event| {
                let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
                let text = |key: &str| json["data"][key].as_str().map(str::to_owned);
                (text("state").unwrap(), text("scope").unwrap(), text("reason"))
            })
            .collect()
    }

    /// What must hold in every test: claims were durable, customers in order, and no call was made twice.
    pub(super) fn check(&self) {
        let faults = self.graph.faults.lock().unwrap().clone();
        assert_eq!(faults, Vec::<String>::new());
        let mut count: HashMap<AttemptToken, u32> = HashMap::new();
        for call in self.seen() {
            *count.entry(call.token).or_default() += 1;
        }
        assert!(count.values().all(|calls| *calls == 1), "a call was made twice");
    }
}

pub(super) async fn open_ledger(store: &Arc<FaultyStore>, clock: &Arc<VirtualClock>) -> LedgerHandle {
    let arbiter = actix::Arbiter::current();
    let epoch = Epoch::new(1);
    let ledger = Ledger::open(
        TENANT,
        Retention::DEFAULT,
        epoch,
        store.clone(),
        clock.clone(),
        &arbiter,
    );
    ledger.await.unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
}

pub(super) fn truth(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

/// The time from one to the other, which must not be the earlier one.
pub(super) fn between(earlier: Duration, later: Duration) -> Duration {
    later.checked_sub(earlier).unwrap()
}

/// The most calls in any sliding second.
pub(super) fn busiest_second(times: &[Duration]) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    (0..times.len())
        .map(|first| {
            let end = times[first] + Duration::from_secs(1);
            times[first..].iter().take_while(|at| **at < end).count()
        })
        .max()
        .unwrap_or(0)
}

impl World {
    pub(super) fn clock_now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(super) fn wall_in(&self, time: Duration) -> Timestamp {
        self.clock.now().after(time)
    }

    /// The wall clock's time at a time of the monotonic one that is past.
    pub(super) fn wall_at(&self, mono: Duration) -> Timestamp {
        let ago = between(mono, self.clock.monotonic());
        let ago = i64::try_from(ago.as_millis()).unwrap();
        Timestamp::from_millis(self.clock.now().as_millis() - ago)
    }

    /// The token of the last call for a message.
    pub(super) fn token_of(&self, waiting: &Waiting) -> AttemptToken {
        let seen = self.seen();
        let last = seen
            .iter()
            .rev()
            .find(|call| call.token.message == waiting.message);
        last.unwrap().token
    }

    /// Which queue a message was accepted for.
    pub(super) fn priority_of(&self, message: MessageId) -> Priority {
        *self.priorities.lock().unwrap().get(&message).unwrap()
    }
}
