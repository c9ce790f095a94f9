//! Many agents of one tenant, some of whom never read: what the others notice, what the gateway holds for the stuck ones,
//! how soon they are closed, and whether they miss anything after they came back.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::agent::Agent;
use crate::gateway::{Gateway, Tenant};
use crate::stage::{Places, Scene, Stage};

/// Options of `mesej-load stuck`.
#[derive(clap::Args, Debug, Clone)]
pub struct StuckArgs {
    /// Agents who read
    #[arg(long, default_value_t = 990)]
    pub agents: u32,
    /// Agents who never read
    #[arg(long, default_value_t = 10)]
    pub stuck: u32,
    /// Messages a second that customers write
    #[arg(long, default_value_t = 20.0)]
    pub inbound: f64,
    /// Seconds of each half of the run: without and with stuck agents
    #[arg(long, default_value_t = 50)]
    pub secs: u64,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// A stuck agent takes this little, so that the gateway's own buffers fill soon.
const RECEIVE_BUFFER: u32 = 4_096;
/// The gateway must have closed a stuck socket by then.
const CLOSED_WITHIN: Duration = Duration::from_secs(45);
/// For how long the gateway's memory is watched, once without and once with stuck agents. Less than a stuck socket lives.
const WATCHED: Duration = Duration::from_secs(20);
/// The gateway may hold less than this for each stuck agent.
const HELD_KIB: u64 = 64;

type Delays = Arc<Mutex<Histogram<u64>>>;

/// Runs the rig.
pub async fn run(args: StuckArgs) -> anyhow::Result<ExitCode> {
    let env = vec![("MESEJ_LIMITS__SOCKETS_PER_AGENT", "2000".to_owned())];
    let scene = Scene {
        places: Places::Anywhere,
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        env,
    };
    let stage = Stage::set(scene).await?;
    let delays: Delays = Arc::new(Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?));
    let mut readers = Vec::new();
    for number in 0..args.agents {
        let socket = connect(&stage, &format!("agent-{}", number % 97), None).await?;
        readers.push(tokio::spawn(read(socket, Arc::clone(&delays))));
    }
    stage.simulator.chatter(args.inbound, 500).await?;
    let half = Duration::from_secs(args.secs);
    tokio::time::sleep(Duration::from_secs(3)).await;
    take(&delays)?;
    let watched = half.min(WATCHED);
    tokio::time::sleep(half.saturating_sub(watched)).await;
    let before_kib = stage.resident_kib()?;
    tokio::time::sleep(watched).await;
    // The store's own buffers fill while messages come in, with or without stuck agents.
    let calm_kib = stage.resident_kib()?.saturating_sub(before_kib);
    let calm = take(&delays)?;
    let before_kib = stage.resident_kib()?;
    let (mut stuck, mut cursors) = (Vec::new(), Vec::new());
    for number in 0..args.stuck {
        let agent = format!("stuck-{number}");
        let mut socket = connect(&stage, &agent, Some(RECEIVE_BUFFER)).await?;
        cursors.push(welcome(&mut socket, agent).await?);
        stuck.push(socket);
    }
    let began = Instant::now();
    take(&delays)?;
    tokio::time::sleep(watched).await;
    let beside_kib = stage.resident_kib()?.saturating_sub(before_kib);
    let held_kib = beside_kib.saturating_sub(calm_kib) / u64::from(args.stuck.max(1));
    let closed_max = until_open(&stage, args.agents, began).await?;
    let beside = take(&delays)?;
    stage.simulator.chatter(0.0, 1).await?;
    stage.simulator.quiesce(Duration::from_secs(30)).await?;
    drop(stuck);
    let missed = come_back(&stage, cursors).await?;
    let line = json!({
        "agents": args.agents, "stuck": args.stuck, "inbound_per_s": args.inbound,
        "calm_p50_ms": calm.value_at_quantile(0.5), "calm_p99_ms": calm.value_at_quantile(0.99),
        "beside_stuck_p50_ms": beside.value_at_quantile(0.5), "beside_stuck_p99_ms": beside.value_at_quantile(0.99),
        "deliveries": calm.len() + beside.len(),
        "calm_growth_kib": calm_kib, "beside_stuck_growth_kib": beside_kib, "held_kib_per_stuck": held_kib,
        "closed_after_max_s": closed_max.as_secs_f64(), "missed_after_return": missed,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    let good = closed_max < CLOSED_WITHIN && held_kib < HELD_KIB && missed == 0;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Connects, coming back later while the gateway holds handshakes back.
pub async fn connect(
    stage: &Stage,
    agent: &str,
    receive_buffer: Option<u32>,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    connect_to(&stage.gateway, &stage.tenant, agent, receive_buffer).await
}

/// The same for any tenant.
pub async fn connect_to(
    gateway: &Gateway,
    tenant: &Tenant,
    agent: &str,
    receive_buffer: Option<u32>,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match try_connect(gateway, tenant, agent, receive_buffer).await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(200)).await,
            connected => return connected,
        }
    }
}

async fn try_connect(
    gateway: &Gateway,
    tenant: &Tenant,
    agent: &str,
    receive_buffer: Option<u32>,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let ticket = gateway.ticket(tenant, agent).await?;
    let url = gateway.url("/v1/ws").replacen("http", "ws", 1);
    let address: std::net::SocketAddr = gateway.url("").trim_start_matches("http://").parse()?;
    let mut request = url.into_client_request()?;
    let protocol = format!("mesej.v2, ticket.{ticket}").parse()?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    let stream = socket.connect(address).await?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    socket
        .send(Message::text(json!({ "type": "hello" }).to_string()))
        .await?;
    Ok(socket)
}

/// Where an agent's view begins.
struct Cursor {
    agent: String,
    epoch: String,
    seq: u64,
}

/// Reads the welcome, the last thing that a stuck agent reads.
async fn welcome(socket: &mut WebSocketStream<TcpStream>, agent: String) -> anyhow::Result<Cursor> {
    loop {
        let frame = socket.next().await.context("no welcome")??;
        let Message::Text(text) = frame else { continue };
        let frame: serde_json::Value = serde_json::from_str(&text)?;
        if frame.get("type").and_then(serde_json::Value::as_str) == Some("welcome") {
            let seq = frame
                .get("seq")
                .and_then(serde_json::Value::as_u64)
                .context("a welcome without seq")?;
            return Ok(Cursor {
                agent,
                epoch: crate::gateway::text(&frame, "epoch")?,
                seq,
            });
        }
    }
}

async fn read(mut socket: WebSocketStream<TcpStream>, delays: Delays) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => note(&text, &delays),
            Message::Ping(payload) => {
                // A socket that cannot be written to ends the loop at its next read.
                let _ = socket.send(Message::Pong(payload)).await;
            }
            _ => {}
        }
    }
}

/// Notes how long ago each event of a frame was committed, by the clock that both processes share.
#[expect(
    clippy::disallowed_methods,
    reason = "a rig measures against the machine's clock"
)]
fn note(text: &str, delays: &Delays) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let now = u64::try_from(now).unwrap_or(0);
    let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner);
    for part in text.split("{\"seq\":").skip(1) {
        let at = part
            .split_once("\"at\":")
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
        if let Some(at) = at.and_then(|at: String| at.parse::<u64>().ok()) {
            // A delay outside of the histogram's range would be minutes; it counts as its largest value.
            delays.saturating_record(now.saturating_sub(at).max(1));
        }
    }
}

fn take(delays: &Delays) -> anyhow::Result<Histogram<u64>> {
    let fresh = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    Ok(std::mem::replace(
        &mut *delays.lock().unwrap_or_else(PoisonError::into_inner),
        fresh,
    ))
}

/// How long after `began` the gateway has no more open sockets than this.
async fn until_open(stage: &Stage, most: u32, began: Instant) -> anyhow::Result<Duration> {
    while began.elapsed() < CLOSED_WITHIN * 2 {
        if stage.gateway.metric("mesej_sockets_open").await? <= f64::from(most) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(began.elapsed())
}

/// Stuck agents come back with their cursors: how many events they passed over, or were told to load afresh.
async fn come_back(stage: &Stage, cursors: Vec<Cursor>) -> anyhow::Result<u64> {
    let head = stage
        .gateway
        .get(&stage.tenant, "/v1/conversations?limit=1")
        .await?;
    let head = head
        .get("as_of_seq")
        .and_then(serde_json::Value::as_u64)
        .context("no as_of_seq")?;
    let mut missed = 0;
    for cursor in cursors {
        let Cursor { agent, epoch, seq } = cursor;
        let returned = Agent::resume(stage.gateway.clone(), stage.tenant.clone(), agent, epoch, seq);
        let deadline = Instant::now() + Duration::from_secs(30);
        while returned.position() < head {
            anyhow::ensure!(Instant::now() < deadline, "an agent did not catch up with {head}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let book = crate::agent::lock(&returned.seen);
        missed += book.holes + book.resyncs;
    }
    Ok(missed)
}
