//! What does a cluster take and cost, beside the embedded store? Both in one run, in turns, so that ratios carry further than
//! what each line says. One JSON line for each answer; the last one has the ratios.
//!
//! `cargo bench --bench backends`. The server is the one that `MESEJ_TEST_CQL` names, or an Apache Cassandra node that is
//! started on this machine and ends with the run: it shares the processors with what is measured. With
//! `MESEJ_CQL_SYNC=group` it syncs before it answers, as the embedded store does; otherwise every ten seconds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and a panic is how it fails"
)]

#[path = "../tests/cql/node.rs"]
mod node;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mesej::domain::{
    Alias, Clock, ContactAliases, Content, ConversationId, Epoch, Fence, JournalId, MessageId, PhoneNumberId,
    Retention, Seq, SystemClock, TenantId, Timestamp, Wamid,
};
use mesej::store::fjall::{FjallOptions, FjallStore};
use mesej::store::op::{Naming, Receive};
use mesej::store::scylla::{ScyllaOptions, ScyllaStore, schema};
use mesej::store::{Append, JournalEntry, Op, OpOutcome, Store};
use tokio::sync::{mpsc, oneshot};

const TENANT: TenantId = TenantId::new(1);
/// Webhooks under way at once.
const WRITERS: usize = 64;
/// Ops of one commit, as the gateway's ledger has it.
const BATCH: usize = 64;
/// Customers: few, so that their conversations have whole pages.
const CUSTOMERS: u64 = 40;
/// Turns of each store.
const TURNS: usize = 3;

/// How long a turn takes writes, and how many pages it reads; a moment, only to see that it works, unless `cargo bench` asks.
fn turn() -> (Duration, usize) {
    if std::env::args().any(|arg| arg == "--bench") {
        (Duration::from_secs(8), 3_000)
    } else {
        (Duration::from_millis(500), 100)
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let disk = std::env::var_os("MESEJ_BENCH_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(disk).unwrap();
    let named = std::env::var("MESEJ_TEST_CQL")
        .ok()
        .filter(|address| !address.is_empty());
    let started = named
        .is_none()
        .then(|| node::Node::start(&folder.path().join("cql")));
    let address = named.unwrap_or_else(|| started.as_ref().unwrap().address().to_owned());
    let sync = std::env::var("MESEJ_CQL_SYNC").unwrap_or_else(|_unset| "periodic".to_owned());
    runtime.block_on(async {
        let embedded = FjallStore::open(folder.path().join("store"), FjallOptions::default()).unwrap();
        let mut sides = [
            Side::new("fjall", Arc::new(embedded)).await,
            Side::new("cql", cluster(address).await).await,
        ];
        for _ in 0..TURNS {
            for side in &mut sides {
                side.messages().await;
            }
        }
        for _ in 0..TURNS {
            for side in &mut sides {
                side.pages().await;
            }
        }
        let [fjall, cql] = &sides;
        println!(
            r#"{{"what":"cql over fjall","sync":"{sync}","durable_messages_per_s":{:.3},"page_p50":{:.1},"page_p99":{:.1}}}"#,
            cql.per_s() / fjall.per_s(),
            cql.page(50).as_secs_f64() / fjall.page(50).as_secs_f64(),
            cql.page(99).as_secs_f64() / fjall.page(99).as_secs_f64(),
        );
    });
}

/// A store in a keyspace of its own.
async fn cluster(address: String) -> Arc<dyn Store> {
    let mut options = ScyllaOptions::new(vec![address], format!("mesej_bench_{}", std::process::id()));
    options.replication_factor =
        std::env::var("MESEJ_TEST_CQL_REPLICATION").map_or(1, |copies| copies.parse().unwrap());
    schema::migrate(&options, "bench").await.unwrap();
    let clock = Arc::new(SystemClock::new());
    Arc::new(ScyllaStore::open(&options, clock).await.unwrap())
}

/// The time that so many percent of them, sorted, do not exceed.
fn at(sorted: &[Duration], percent: usize) -> Duration {
    let place = sorted.len() * percent / 100;
    *sorted.get(place.min(sorted.len() - 1)).unwrap()
}

/// A customer's message, as ingest makes it of a webhook.
fn receive(n: u64, now: Timestamp) -> Op {
    let customer = fastrand::Rng::with_seed(n).u64(0..CUSTOMERS);
    Op::Receive(Box::new(Receive {
        number: PhoneNumberId::parse("1234567890").unwrap(),
        by: mesej::domain::message::Side::Customer,
        via: None,
        aliases: ContactAliases::of([Alias::phone(&format!("628{customer:09}")).unwrap()]),
        naming: Naming::Current,
        keyword: None,
        group: None,
        name: Some("Customer".into()),
        username: None,
        wamid: Wamid::parse(&format!("wamid.HBgLNjI4MTIzNDU2Nzg5FQIAEhgU{n:016x}")).unwrap(),
        at: now,
        content: Content::text(&"The quick brown fox. ".repeat(8)),
    }))
}

type Waiting = (Op, oneshot::Sender<OpOutcome>);

/// One store, its tenant's ledger, and what was measured of it.
struct Side {
    name: &'static str,
    store: Arc<dyn Store>,
    clock: SystemClock,
    fence: Fence,
    head: Seq,
    next: Arc<AtomicU64>,
    conversations: Vec<ConversationId>,
    rates: Vec<f64>,
    pages: Vec<Duration>,
}

impl Side {
    async fn new(name: &'static str, store: Arc<dyn Store>) -> Self {
        let fence = store.lease(TENANT).await.unwrap();
        store.open_tenant(TENANT, fence, Epoch::new(1)).await.unwrap();
        Self {
            name,
            store,
            clock: SystemClock::new(),
            fence,
            head: Seq::default(),
            next: Arc::default(),
            conversations: Vec::new(),
            rates: Vec::new(),
            pages: Vec::new(),
        }
    }

    /// Messages a second from webhook to history: journal, then ledger, then the journal's entry is done.
    async fn messages(&mut self) {
        let (ops, mut waiting) = mpsc::channel::<Waiting>(WRITERS);
        let began = Instant::now();
        let until = began + turn().0;
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (store, next, ops) = (Arc::clone(&self.store), Arc::clone(&self.next), ops.clone());
                tokio::spawn(webhooks(store, next, ops, until))
            })
            .collect();
        drop(ops);
        let mut some = Vec::new();
        // While one batch is being written, the next one gathers.
        while waiting.recv_many(&mut some, BATCH).await > 0 {
            let (batch, replies): (Vec<_>, Vec<_>) = some.drain(..).unzip();
            for (outcome, reply) in self.append(batch).await.into_iter().zip(replies) {
                if let OpOutcome::Committed { at: Some(at), .. } = &outcome {
                    self.conversations.push(at.conversation);
                }
                reply.send(outcome).unwrap();
            }
        }
        let mut times = Vec::new();
        for writer in writers {
            times.extend(writer.await.unwrap());
        }
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        times.sort_unstable();
        self.conversations.sort_unstable();
        self.conversations.dedup();
        println!(
            r#"{{"what":"durable messages, journal and ledger","store":"{}","per_s":{rate:.0},"p50_us":{},"p99_us":{}}}"#,
            self.name,
            at(&times, 50).as_micros(),
            at(&times, 99).as_micros(),
        );
        self.rates.push(rate);
    }

    async fn append(&mut self, ops: Vec<Op>) -> Vec<OpOutcome> {
        let append = Append {
            tenant: TENANT,
            fence: self.fence,
            expect_head: self.head,
            now: self.clock.now(),
            retention: Retention::DEFAULT,
            ops,
        };
        let appended = self.store.append(append).await.unwrap();
        self.head = appended.head;
        appended.outcomes
    }

    /// The newest fifty messages of one conversation after another, at random.
    async fn pages(&mut self) {
        let mut chance = fastrand::Rng::with_seed(2);
        let (mut times, mut rows) = (Vec::new(), 0);
        for _ in 0..turn().1 {
            let conversation = *self
                .conversations
                .get(chance.usize(0..self.conversations.len()))
                .unwrap();
            let asked = Instant::now();
            let page = self
                .store
                .page_messages(TENANT, conversation, None, 50, self.clock.now())
                .await
                .unwrap();
            times.push(asked.elapsed());
            rows += page.items.len();
        }
        times.sort_unstable();
        println!(
            r#"{{"what":"history page of 50","store":"{}","rows":{:.1},"p50_us":{},"p99_us":{}}}"#,
            self.name,
            rows as f64 / times.len() as f64,
            at(&times, 50).as_micros(),
            at(&times, 99).as_micros(),
        );
        self.pages.extend(times);
        self.pages.sort_unstable();
    }

    /// The middle one of all turns.
    fn per_s(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_unstable_by(f64::total_cmp);
        *rates.get(rates.len() / 2).unwrap()
    }

    fn page(&self, percent: usize) -> Duration {
        at(&self.pages, percent)
    }
}

/// One connection of Meta's: a webhook of a kibibyte after another, each of one message, until the time is over. How long
/// each took until its message was in history.
async fn webhooks(
    store: Arc<dyn Store>,
    next: Arc<AtomicU64>,
    ops: mpsc::Sender<Waiting>,
    until: Instant,
) -> Vec<Duration> {
    let clock = SystemClock::new();
    let mut times = Vec::new();
    while Instant::now() < until {
        let (n, now) = (next.fetch_add(1, Ordering::Relaxed), clock.now());
        let id = JournalId::from_bytes(*MessageId::new(now, 0, n).as_bytes());
        let entry = JournalEntry {
            id,
            received: now,
            body: Bytes::from(vec![b'x'; 1_024]),
        };
        let asked = Instant::now();
        store.journal_append(entry).await.unwrap();
        let (reply, answer) = oneshot::channel();
        ops.send((receive(n, now), reply)).await.unwrap();
        let outcome = answer.await.unwrap();
        assert!(matches!(outcome, OpOutcome::Committed { .. }), "{outcome:?}");
        times.push(asked.elapsed());
        store.journal_done(vec![id]).await.unwrap();
    }
    times
}
