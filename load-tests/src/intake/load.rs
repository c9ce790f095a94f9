//! Posting webhooks, as fast as the answers come or at an even pace, and an agent who waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use hdrhistogram::Histogram;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::webhook::Maker;
use super::wire::Connection;
use crate::gateway::{Gateway, Tenant};
use crate::stage::Stage;
use crate::stuck::connect_to;

/// How long the last events may take to reach the agent.
const SETTLE: Duration = Duration::from_secs(10);
/// What stands before a message's own time in its text.
const MARK: &str = "mk-at-";

/// No wamid of one flood or pace is another's.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a server took in.
#[derive(Debug, Default)]
pub struct Capacity {
    answered: u64,
    pub refused: u64,
    secs: f64,
    cpu: Duration,
}

impl Capacity {
    /// Adds a turn, with the CPU time that the server spent on it.
    pub fn add(&mut self, turn: &Self, cpu: Duration) {
        self.answered += turn.answered;
        self.refused += turn.refused;
        self.secs += turn.secs;
        self.cpu += cpu;
    }

    /// Answers with 200, per second.
    pub fn per_second(&self) -> f64 {
        self.count() / self.secs
    }

    /// CPU time of the server for each, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count()
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.answered).unwrap_or(u32::MAX))
    }
}

/// Posts as fast as answers come, on each connection one after the other.
pub async fn flood(
    address: &str,
    maker: &Maker,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Capacity> {
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let mut connection = Connection::open(address).await?;
        let maker = maker.clone();
        tasks.push(tokio::spawn(async move {
            let mut done = Capacity::default();
            while began.elapsed() < length {
                let request = maker.request(NEXT.fetch_add(1, Ordering::Relaxed), "hello");
                match connection.call(&request).await? {
                    200 => done.answered += 1,
                    _ => done.refused += 1,
                }
            }
            anyhow::Ok(done)
        }));
    }
    let mut all = Capacity::default();
    for task in tasks {
        all.add(&task.await??, Duration::ZERO);
    }
    all.secs = began.elapsed().as_secs_f64();
    Ok(all)
}

/// A run at an even pace.
pub struct Open {
    pub rate: u32,
    pub connections: u32,
    pub length: Duration,
    /// What the times in the texts count from.
    pub began: Instant,
}

/// What became of it.
pub struct Posted {
    /// Microseconds from the post until the 200.
    pub acknowledged: Histogram<u64>,
    /// Microseconds by which the client itself was late: not the server's.
    pub lag: Histogram<u64>,
    /// Answers other than 200.
    pub failed: u64,
}

impl Open {
    /// Posts.
    pub async fn post(&self, maker: Maker) -> anyhow::Result<Posted> {
        let address = maker.address().to_owned();
        let turn = Arc::new(AtomicU64::new(0));
        let first = Instant::now();
        let total = u64::from(self.rate) * self.length.as_secs();
        let (rate, began) = (u64::from(self.rate), self.began);
        let mut tasks = Vec::new();
        for _ in 0..self.connections {
            let (maker, turn) = (maker.clone(), Arc::clone(&turn));
            let mut connection = Connection::open(&address).await?;
            tasks.push(tokio::spawn(async move {
                let mut done = Posted::new()?;
                loop {
                    let n = turn.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return anyhow::Ok(done);
                    }
                    let due = first + Duration::from_micros(n * 1_000_000 / rate);
                    tokio::time::sleep_until(due).await;
                    let text = format!("{MARK}{}", micros(began.elapsed()));
                    let request = maker.request(NEXT.fetch_add(1, Ordering::Relaxed), &text);
                    let posted = Instant::now();
                    done.lag
                        .saturating_record(micros(posted.saturating_duration_since(due)));
                    match connection.call(&request).await? {
                        200 => done.acknowledged.saturating_record(micros(posted.elapsed())),
                        _ => done.failed += 1,
                    }
                }
            }));
        }
        let mut all = Posted::new()?;
        for task in tasks {
            let one = task.await??;
            all.acknowledged.add(&one.acknowledged)?;
            all.lag.add(&one.lag)?;
            all.failed += one.failed;
        }
        Ok(all)
    }
}

impl Posted {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            acknowledged: Histogram::new_with_bounds(1, 60_000_000, 3)?,
            lag: Histogram::new_with_bounds(1, 60_000_000, 3)?,
            failed: 0,
        })
    }
}

/// An agent who notes when each message arrives.
pub struct Listener {
    began: Instant,
    reached: Arc<AtomicU64>,
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Listener {
    /// Connects.
    pub async fn start(stage: &Stage) -> anyhow::Result<Self> {
        Self::of(&stage.gateway, &stage.tenant).await
    }

    /// Connects to any tenant.
    pub async fn of(gateway: &Gateway, tenant: &Tenant) -> anyhow::Result<Self> {
        let socket = connect_to(gateway, tenant, "listener", None).await?;
        let began = Instant::now();
        let reached = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(listen(socket, began, Arc::clone(&reached), stopped));
        Ok(Self {
            began,
            reached,
            stop,
            task,
        })
    }

    /// What the times in the texts count from.
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// Waits until as many arrived; microseconds from the post to the socket.
    pub async fn end(self, expected: u64) -> anyhow::Result<Histogram<u64>> {
        let deadline = Instant::now() + SETTLE;
        while self.reached.load(Ordering::Relaxed) < expected && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // A listener that ended already has an error to tell.
        let _ = self.stop.send(());
        self.task.await?
    }
}

async fn listen(
    mut socket: WebSocketStream<TcpStream>,
    began: Instant,
    reached: Arc<AtomicU64>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> anyhow::Result<Histogram<u64>> {
    let mut delays = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    // The conversation that comes with a message shows its text once more.
    let body = format!("\"body\":\"{MARK}");
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = &mut stopped => return Ok(delays),
        };
        let Some(frame) = frame else {
            anyhow::bail!("the agent's socket was closed")
        };
        if let Message::Text(text) = frame? {
            let now = micros(began.elapsed());
            for part in text.split(body.as_str()).skip(1) {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                delays.saturating_record(now.saturating_sub(digits.parse()?));
                reached.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A number that no other request of this run has.
pub fn next_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
