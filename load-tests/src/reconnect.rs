//! Many agents come back at once, as after a restart: what a handshake costs the gateway, when all are live, and what
//! webhooks notice meanwhile. Those are of another tenant: what it costs to hand a message to thousands of sockets is not the
//! price of opening them (`fanout` measures it). Then the same crowd comes to the barest handler of a socket. The gateway has a
//! processor for itself, as those who come are on other machines. Exit code 1 if a bound is broken.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::bounds::Bounds;
use crate::elsewhere::Elsewhere;
use crate::gateway::{Gateway, Tenant};
use crate::probe::{Bystander, Probe};
use crate::process::cpu_time;
use crate::stage::{ACCOUNT, Places, Scene, Stage};

/// Options of `mesej-load reconnect`.
#[derive(clap::Args, Debug, Clone)]
pub struct ReconnectArgs {
    /// Sockets
    #[arg(long, default_value_t = 5_000)]
    pub sockets: u32,
    /// Distinct agents, for each part of the run
    #[arg(long, value_delimiter = ',', default_values_t = [1, 500, 5_000])]
    pub agents: Vec<u32>,
    /// How often each part is run; the median of each figure counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub turns: u32,
    /// Signed webhooks a second meanwhile
    #[arg(long, default_value_t = 50)]
    pub webhooks: u32,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// What a handshake may cost the gateway.
const HANDSHAKE_US: f64 = 100.0;
/// When all have to be live.
const LIVE_WITHIN_S: f64 = 3.0;
/// The growth of webhooks' p99 over its quiet value ÷ that of a bystander's.
const P99_OVER_QUIET: f64 = 2.0;

/// The number of the tenant whose agents come.
const CROWDED: &str = "106540352242923";
/// How long webhooks are looked at without and with the crowd.
const LOOK: Duration = Duration::from_secs(10);
/// How long all may take to be live.
const PATIENCE: Duration = Duration::from_secs(60);
/// Tickets asked for at once.
const TICKETS_AT_ONCE: usize = 64;
/// How long a client stays away that was sent away.
const AWAY: Duration = Duration::from_millis(200);

/// Runs the rig.
pub async fn run(args: ReconnectArgs) -> anyhow::Result<ExitCode> {
    let mut bounds = Bounds::default();
    for agents in &args.agents {
        let mut turns = Vec::new();
        for _ in 0..args.turns {
            let (line, figures) = part(&args, *agents).await?;
            writeln!(std::io::stdout().lock(), "{line}")?;
            turns.push(figures);
        }
        let mut hold = |figure, of: fn(&Figures) -> f64, most| {
            let was = median(turns.iter().map(of).collect());
            bounds.hold(&format!("{figure}, {agents} agents"), was, most);
        };
        hold("cpu_us_per_handshake", |turn| turn.handshake_us, HANDSHAKE_US);
        hold("live_within_s", |turn| turn.live_within_s, LIVE_WITHIN_S);
        hold(
            "p99_over_quiet_beside_a_bystander",
            |turn| turn.p99_over_quiet,
            P99_OVER_QUIET,
        );
    }
    writeln!(std::io::stdout().lock(), "{}", json!({ "bounds": bounds.line() }))?;
    Ok(bounds.exit_code())
}

/// What has bounds.
struct Figures {
    handshake_us: f64,
    live_within_s: f64,
    p99_over_quiet: f64,
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn part(args: &ReconnectArgs, agents: u32) -> anyhow::Result<(Value, Figures)> {
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places: Places::Apart,
        env: vec![
            ("MESEJ_LIMITS__SOCKETS_PER_AGENT", "10000".to_owned()),
            // All tickets are asked for with one key.
            ("MESEJ_LIMITS__KEY_BURST", "100000".to_owned()),
        ],
    })
    .await?;
    let bystander = Bystander::start(&stage).await?;
    let address: SocketAddr = stage.gateway.url("").trim_start_matches("http://").parse()?;
    let id = stage.gateway_id()?;
    // What the gateway spends by itself and on webhooks.
    let spent = cpu_time(id)?;
    let quiet = Probe::start(&stage, &bystander, args.webhooks, LOOK)?
        .end()
        .await?;
    let usual_per_s = cpu_time(id)?.saturating_sub(spent).as_secs_f64() / LOOK.as_secs_f64();

    let number = json!({
        "phone_number_id": CROWDED, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0001",
        "access_token": "simulated-access-token", "app": "simulated", "rate": 1_000,
    });
    let crowded = stage.gateway.make_tenant("Crowded", &number).await?;
    let tickets = tickets(&stage.gateway, &crowded, args.sockets, agents).await?;
    let elsewhere = Elsewhere::start()?;
    let probe = Probe::start(&stage, &bystander, args.webhooks, LOOK)?;
    let Crowd { took, spent, refused } = crowd(address, id, tickets.clone(), &elsewhere).await?;
    let spent = spent - usual_per_s * took;
    let seen = probe.end().await?;
    let files = stage.gateway.metric("mesej_process_open_fds").await.ok();
    drop(elsewhere);
    let elsewhere = Elsewhere::start()?;
    let bare = crowd(bystander.address().parse()?, bystander.id()?, tickets, &elsewhere).await?;
    drop(elsewhere);
    let per_handshake = |spent: f64| spent * 1e6 / f64::from(args.sockets);
    let figures = Figures {
        handshake_us: per_handshake(spent),
        live_within_s: took,
        p99_over_quiet: seen.over(&quiet),
    };
    let line = json!({
        "sockets": args.sockets, "agents": agents, "live_within_s": took, "sent_away": refused,
        "cpu_us_per_handshake": per_handshake(spent), "bare_cpu_us_per_handshake": per_handshake(bare.spent),
        "quiet": quiet.line(), "beside": seen.line(),
        "p99_over_quiet": seen.webhook_p99_ms() / quiet.webhook_p99_ms(),
        "p99_over_quiet_beside_a_bystander": seen.over(&quiet), "open_files": files,
    });
    Ok((line, figures))
}

/// How a crowd came in.
struct Crowd {
    /// Seconds until all were live.
    took: f64,
    /// Seconds of the server's processor time.
    spent: f64,
    /// How often somebody was sent away.
    refused: u32,
}

/// All come at once to the server of this process.
async fn crowd(
    to: SocketAddr,
    id: u32,
    tickets: Vec<String>,
    elsewhere: &Elsewhere,
) -> anyhow::Result<Crowd> {
    let (release, released) = watch::channel(());
    let mut crowd = JoinSet::new();
    for ticket in tickets {
        crowd.spawn_on(come(to, ticket, released.clone()), elsewhere.handle());
    }
    tokio::task::yield_now().await;
    let (began, spent) = (Instant::now(), cpu_time(id)?);
    release.send(())?;
    let mut refused = 0_u32;
    while let Some(one) = tokio::time::timeout(PATIENCE, crowd.join_next()).await? {
        let (socket, away) = one??;
        refused += away;
        elsewhere.handle().spawn(keep(socket));
    }
    Ok(Crowd {
        took: began.elapsed().as_secs_f64(),
        spent: cpu_time(id)?.saturating_sub(spent).as_secs_f64(),
        refused,
    })
}

/// Tickets are made before the crowd comes, so that only handshakes are measured.
async fn tickets(
    gateway: &Gateway,
    tenant: &Tenant,
    sockets: u32,
    agents: u32,
) -> anyhow::Result<Vec<String>> {
    let room = Arc::new(Semaphore::new(TICKETS_AT_ONCE));
    let mut asked = JoinSet::new();
    for number in 0..sockets {
        let (gateway, tenant, room) = (gateway.clone(), tenant.clone(), Arc::clone(&room));
        asked.spawn(async move {
            let _place = room.acquire().await?;
            gateway
                .ticket(&tenant, &format!("agent-{}", number % agents.max(1)))
                .await
        });
    }
    let mut all = Vec::new();
    while let Some(ticket) = asked.join_next().await {
        all.push(ticket??);
    }
    Ok(all)
}

/// Opens a socket and waits until it is welcome; says how often it was sent away before.
async fn come(
    to: SocketAddr,
    ticket: String,
    mut released: watch::Receiver<()>,
) -> anyhow::Result<(TcpStream, u32)> {
    released.changed().await?;
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mesej.v2, ticket.{ticket}\r\n\r\n"
    );
    let mut away = 0;
    loop {
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(request.as_bytes()).await?;
        let head = read_to(&mut stream, b"\r\n\r\n").await?;
        if head.starts_with(b"HTTP/1.1 101") {
            stream.write_all(&hello()).await?;
            read_to(&mut stream, b"\"welcome\"").await?;
            return Ok((stream, away));
        }
        anyhow::ensure!(
            head.starts_with(b"HTTP/1.1 503"),
            "a handshake was refused: {}",
            String::from_utf8_lossy(&head)
        );
        away += 1;
        tokio::time::sleep(AWAY).await;
    }
}

/// The first frame, masked with zeros, as a client has to (RFC 6455, 5.3).
fn hello() -> Vec<u8> {
    let text = br#"{"type":"hello"}"#;
    let length = u8::try_from(text.len()).unwrap_or(0);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], &text[..]].concat()
}

/// Reads until these bytes have come.
async fn read_to(stream: &mut TcpStream, end: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (mut all, mut room) = (Vec::new(), [0; 8_192]);
    while !all.windows(end.len()).any(|part| part == end) {
        let read = stream.read(&mut room).await?;
        anyhow::ensure!(
            read > 0,
            "the connection ended after {}",
            String::from_utf8_lossy(&all)
        );
        all.extend_from_slice(room.get(..read).context("more than asked for")?);
    }
    Ok(all)
}

/// Reads what comes, so that the gateway has to send it.
async fn keep(mut socket: TcpStream) -> std::io::Result<u64> {
    tokio::io::copy(&mut socket, &mut tokio::io::sink()).await
}
