//! How much does the embedded store take, and what does it cost? One JSON line for each question.
//!
//! `cargo bench --bench store [QUESTION…]`, of `webhooks`, `submits`, `messages` and `history`; all by default.
//! `MESEJ_BENCH_FOLDER` decides which disk is measured. Disks differ, and one disk differs from second to second, so each
//! answer about durable writes is also given in syncs of that disk (`p50_in_syncs`): probed between the writes where these
//! come one after another, and right before and after where there are many at once.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a measurement: it prints, and a panic is how it fails"
)]

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mesej::domain::{
    Alias, Author, ContactAliases, Content, ConversationId, Delivery, DeliveryState, Epoch, Fence, JournalId,
    MessageId, PhoneNumberId, Priority, Purpose, Retention, Seq, StatusTimes, TenantId, Timestamp,
    UnknownPolicy, Wamid,
};
use mesej::store::fjall::{FjallOptions, FjallStore};
use mesej::store::op::{Naming, Receive, Submit};
use mesej::store::{Append, JournalEntry, Op, OpOutcome, Store};
use serde_json::value::RawValue;

const TENANT: TenantId = TenantId::new(1);
const START: Timestamp = Timestamp::from_secs(1_800_000_000);
/// The time for each measurement; a moment, only to see that it works, unless `cargo bench` asks.
static EACH: OnceLock<Duration> = OnceLock::new();

fn each() -> Duration {
    let measured = std::env::args().any(|arg| arg == "--bench");
    *EACH.get_or_init(|| Duration::from_millis(if measured { 4_000 } else { 200 }))
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let questions: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let asked = |question: &str| questions.is_empty() || questions.iter().any(|asked| asked == question);
    let disk = std::env::var_os("MESEJ_BENCH_FOLDER").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(disk).unwrap();
    let folder = folder.path();
    runtime.block_on(async {
        let store: Arc<dyn Store> =
            Arc::new(FjallStore::open(folder.join("store"), FjallOptions::default()).unwrap());
        if asked("webhooks") {
            for writers in [1, 8, 64, 512] {
                webhooks(&store, folder, writers).await;
            }
        }
        let mut log = Log::open(store).await;
        if asked("submits") {
            submits(&mut log, folder).await;
        }
        if asked("messages") || asked("history") {
            let conversations = messages(&mut log, folder).await;
            if asked("history") {
                history(&log.store, &conversations).await;
            }
        }
    });
}

/// What a sync of a kibibyte costs on this disk: the floor of every durable write by itself.
struct Probe {
    file: File,
    times: Vec<Duration>,
}

impl Probe {
    fn new(folder: &Path) -> Self {
        let mut file = File::create(folder.join("probe")).unwrap();
        file.write_all(&vec![0; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        let times = Vec::new();
        Self { file, times }
    }

    fn sync(&mut self) {
        let place = u64::try_from(self.times.len()).unwrap() % 1_024;
        self.file.seek(SeekFrom::Start(place * 1_024)).unwrap();
        self.file.write_all(&[1; 1_024]).unwrap();
        let began = Instant::now();
        self.file.sync_data().unwrap();
        self.times.push(began.elapsed());
    }

    /// Says how many times a sync the median of these times is.
    fn compare(mut self, times: &[Duration]) -> String {
        self.times.sort_unstable();
        let sync = at(&self.times, 50);
        let ratio = at(times, 50).as_secs_f64() / sync.as_secs_f64();
        format!(r#""sync_p50_us":{},"p50_in_syncs":{ratio:.2}"#, sync.as_micros())
    }
}

/// The time that so many percent of them, sorted, do not exceed.
fn at(sorted: &[Duration], percent: usize) -> Duration {
    let place = sorted.len() * percent / 100;
    *sorted.get(place.min(sorted.len() - 1)).unwrap()
}

fn quantiles(sorted: &[Duration]) -> String {
    format!(
        r#""p50_us":{},"p99_us":{},"max_us":{}"#,
        at(sorted, 50).as_micros(),
        at(sorted, 99).as_micros(),
        at(sorted, 100).as_micros()
    )
}

/// Processor time of this process so far.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Durable webhooks of a kibibyte from so many writers at once, each done a moment later.
async fn webhooks(store: &Arc<dyn Store>, folder: &Path, writers: u64) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut probe = Probe::new(folder);
    (0..100).for_each(|_| probe.sync());
    let cpu = processor();
    let began = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while began.elapsed() < each() {
                    let id = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
                    let id = JournalId::from_bytes(id.to_be_bytes());
                    let entry = JournalEntry {
                        id,
                        received: START,
                        body: Bytes::from(vec![b'x'; 1_024]),
                    };
                    let asked = Instant::now();
                    store.journal_append(entry).await.unwrap();
                    times.push(asked.elapsed());
                    store.journal_done(vec![id]).await.unwrap();
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let (took, cpu) = (began.elapsed(), processor() - cpu);
    (0..100).for_each(|_| probe.sync());
    times.sort_unstable();
    let count = times.len() as f64;
    println!(
        r#"{{"what":"durable webhook 1 KiB","writers":{writers},"per_s":{:.0},"cpu_us":{:.1},{},{}}}"#,
        count / took.as_secs_f64(),
        cpu.as_micros() as f64 / count,
        quantiles(&times),
        probe.compare(&times),
    );
}

fn receive(n: u64, customer: u64) -> Op {
    Op::Receive(Box::new(Receive {
        number: PhoneNumberId::parse("1234567890").unwrap(),
        aliases: ContactAliases::of([Alias::phone(&format!("628{customer:09}")).unwrap()]),
        naming: Naming::Current,
        keyword: None,
        group: None,
        name: Some("Customer".into()),
        username: None,
        wamid: Wamid::parse(&format!("wamid.HBgLNjI4MTIzNDU2Nzg5FQIAEhgU{n:016x}")).unwrap(),
        at: START.after(Duration::from_millis(n)),
        by: mesej::domain::message::Side::Customer,
        via: None,
        content: Content::text(&"The quick brown fox. ".repeat(8)),
    }))
}

fn submit(n: u64, customer: u64) -> Op {
    let aliases = ContactAliases::of([Alias::phone(&format!("628{customer:09}")).unwrap()]);
    let payload = r#"{"messaging_product":"whatsapp","type":"text"}"#;
    Op::Submit(Box::new(Submit {
        id: MessageId::new(START.after(Duration::from_millis(n)), 0, n),
        number: PhoneNumberId::parse("1234567890").unwrap(),
        contact: aliases.new_contact_id(TENANT).unwrap(),
        aliases,
        author: Author::Api { key: "key".into() },
        content: Content::text(&"We have it in blue. ".repeat(8)),
        delivery: Delivery {
            state: DeliveryState::Queued,
            times: StatusTimes::default(),
            priority: Priority::Interactive,
            on_unknown: UnknownPolicy::Ask,
            attempts: 0,
            send_at: None,
            valid_until: None,
            gave_up: None,
            error: None,
            category: None,
            client_msg_id: None,
            biz_opaque_callback_data: None,
        },
        payload: RawValue::from_string(payload.to_owned()).unwrap().into(),
        may_be_held: false,
        purpose: Purpose::Other,
        once: None,
        unless_after: None,
        window_at: None,
        broadcast: None,
        hours: None,
    }))
}

/// One ledger, and where it stands.
struct Log {
    store: Arc<dyn Store>,
    fence: Fence,
    head: Seq,
    next: u64,
}

impl Log {
    async fn open(store: Arc<dyn Store>) -> Self {
        let fence = store.lease(TENANT).await.unwrap();
        store.open_tenant(TENANT, fence, Epoch::new(1)).await.unwrap();
        Self {
            store,
            fence,
            head: Seq::default(),
            next: 0,
        }
    }

    /// Appends batches of this size with a sync now and then, and says what each took and what became of its ops.
    async fn append(
        &mut self,
        batch: u64,
        probe: &mut Probe,
        op: impl Fn(u64) -> Op,
    ) -> (Vec<Duration>, Vec<OpOutcome>) {
        let began = Instant::now();
        let (mut times, mut outcomes) = (Vec::new(), Vec::new());
        while began.elapsed() < each() {
            let ops: Vec<Op> = (self.next..self.next + batch).map(&op).collect();
            self.next += batch;
            let asked = Instant::now();
            let appended = self
                .store
                .append(Append {
                    tenant: TENANT,
                    fence: self.fence,
                    expect_head: self.head,
                    now: START.after(Duration::from_millis(self.next)),
                    retention: Retention::DEFAULT,
                    ops,
                })
                .await
                .unwrap();
            times.push(asked.elapsed());
            if times.len() % 4 == 1 {
                probe.sync();
            }
            self.head = appended.head;
            outcomes.extend(appended.outcomes);
        }
        times.sort_unstable();
        (times, outcomes)
    }
}

/// Customers, as if at random.
fn customer(n: u64) -> u64 {
    fastrand::Rng::with_seed(n).u64(0..2_000)
}

/// Accepted sends, one at a time: what an agent waits for before a message counts as accepted.
async fn submits(log: &mut Log, folder: &Path) {
    let mut probe = Probe::new(folder);
    let (times, outcomes) = log.append(1, &mut probe, |n| submit(n, customer(n))).await;
    let committed = |outcome: &OpOutcome| matches!(outcome, OpOutcome::Committed { .. });
    assert!(outcomes.iter().all(committed), "a send was refused");
    println!(
        r#"{{"what":"durable submit, one at a time",{},{}}}"#,
        quantiles(&times),
        probe.compare(&times)
    );
}

/// Customers' messages into one ledger, in batches as a busy ledger makes them.
async fn messages(log: &mut Log, folder: &Path) -> Vec<ConversationId> {
    let mut conversations = Vec::new();
    for batch in [1_u64, 16, 64, 256] {
        let mut probe = Probe::new(folder);
        let cpu = processor();
        let inbound = |n| receive(n, customer(n));
        let (times, outcomes) = log.append(batch, &mut probe, inbound).await;
        let (took, cpu) = (times.iter().sum::<Duration>(), processor() - cpu);
        let count = outcomes.len() as f64;
        println!(
            r#"{{"what":"durable inbound messages","batch":{batch},"per_s":{:.0},"cpu_us":{:.1},{},{}}}"#,
            count / took.as_secs_f64(),
            cpu.as_micros() as f64 / count,
            quantiles(&times),
            probe.compare(&times),
        );
        conversations.extend(outcomes.iter().filter_map(|outcome| match outcome {
            OpOutcome::Committed { at, .. } => at.map(|at| at.conversation),
            _ => None,
        }));
    }
    conversations.sort_unstable();
    conversations.dedup();
    conversations
}

/// The newest fifty messages of conversations at random.
async fn history(store: &Arc<dyn Store>, conversations: &[ConversationId]) {
    let mut chance = fastrand::Rng::with_seed(2);
    let cpu = processor();
    let mut times = Vec::new();
    let mut rows = 0;
    for _ in 0..each().as_millis() {
        let conversation = *conversations.get(chance.usize(0..conversations.len())).unwrap();
        let asked = Instant::now();
        let page = store
            .page_messages(TENANT, conversation, None, 50, START)
            .await
            .unwrap();
        times.push(asked.elapsed());
        rows += page.items.len();
    }
    let cpu = processor() - cpu;
    times.sort_unstable();
    let count = times.len() as f64;
    println!(
        r#"{{"what":"history page of 50","rows":{:.1},"cpu_us":{:.1},{}}}"#,
        rows as f64 / count,
        cpu.as_micros() as f64 / count,
        quantiles(&times),
    );
}
