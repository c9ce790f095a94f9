//! What anybody can try who has no key, each for a while: what webhooks and `/healthz` notice, and what the gateway holds. The
//! gateway has a processor for itself, as attackers are on other machines; what they do to their own is not its fault.
//! Exit code 1 if a bound is broken.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::bounds::Bounds;
use crate::elsewhere::Elsewhere;
use crate::probe::{Bystander, Probe, Seen};
use crate::stage::{Places, Scene, Stage};

/// Options of `mesej-load doors`.
#[derive(clap::Args, Debug, Clone)]
pub struct DoorsArgs {
    /// Connections of each attack; one that is closed is opened again
    #[arg(long, default_value_t = 540)]
    pub connections: u32,
    /// Seconds of each attack, and of the quiet before
    #[arg(long, default_value_t = 20)]
    pub secs: u64,
    /// Signed webhooks a second meanwhile
    #[arg(long, default_value_t = 50)]
    pub rate: u32,
    /// The attacks, all if none is named
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// How long an attacker waits between two bytes, and after a connection that was refused.
const DRIP: Duration = Duration::from_millis(500);

/// How long after an attack it is looked what the gateway still holds.
const AFTER: Duration = Duration::from_secs(3);

/// The growth of webhooks' p99 over its quiet value ÷ that of a bystander's.
const P99_OVER_QUIET: f64 = 2.0;
/// The longest answer of `/healthz`.
const HEALTH_MS: f64 = 50.0;
/// How long an attack goes on when it comes again.
const AGAIN: Duration = Duration::from_secs(5);
/// What the gateway may hold during an attack that it did not hold before: bodies that come, and each connection's buffers.
const MORE_KIB: f64 = 96.0 * 1024.0;
/// What the gateway may hold after the same attack came again that it did not hold before that: what an allocator keeps is used
/// again, what leaks is not.
const GROWN_KIB: f64 = 8.0 * 1024.0;

/// What each connection of an attack does.
struct Attack {
    name: &'static str,
    /// Sent at once.
    first: Vec<u8>,
    /// Sent byte for byte for as long as the connection is open.
    then: &'static [u8],
    /// Sends `first` again and again and reads nothing.
    deaf: Deaf,
}

#[derive(Clone, Copy, PartialEq)]
enum Deaf {
    No,
    Yes,
}

fn attacks() -> Vec<Attack> {
    let claim = format!("X-Hub-Signature-256: sha256={}", "0".repeat(64));
    let post = format!("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\n{claim}\r\n");
    let get = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
    let attack = |name, first: String, then| Attack {
        name,
        first: first.into_bytes(),
        then,
        deaf: Deaf::No,
    };
    let large = format!("{post}Content-Length: 3000000\r\n\r\n{}", " ".repeat(2_900_000));
    vec![
        attack("silent_posts", format!("{post}Content-Length: 3000000\r\n\r\n"), b""),
        attack("dripping_posts", format!("{post}Content-Length: 3000000\r\n\r\n"), b"x"),
        attack("almost_whole_posts", large, b""),
        attack("silence", format!("{get}\r\n"), b""),
        attack(
            "dripped_second_head",
            format!("{get}\r\n"),
            b"GET /healthz HTTP/1.1\r\nX-Header: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        attack(
            "chunked_never",
            format!("{get}Transfer-Encoding: chunked\r\n\r\n"),
            b"",
        ),
        attack(
            "chunked_dripped",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n"),
            b"1\r\nx\r\n",
        ),
        Attack {
            deaf: Deaf::Yes,
            ..attack("unread_pipeline", format!("{get}\r\n").repeat(200), b"")
        },
        attack(
            "handshakes_without_ticket",
            "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mesej.v2\r\n\r\n"
                .to_owned(),
            b"",
        ),
    ]
}

/// Runs the rig.
pub async fn run(args: DoorsArgs) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places: Places::Apart,
        env: Vec::new(),
    })
    .await?;
    let length = Duration::from_secs(args.secs);
    let bystander = Bystander::start(&stage).await?;
    let quiet = Probe::start(&stage, &bystander, args.rate, length)?.end().await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "attack": "none", "seen": quiet.line() }))?;
    let address: SocketAddr = stage.gateway.url("").trim_start_matches("http://").parse()?;
    let mut worst = Worst::default();
    for attack in attacks() {
        if !args.only.is_empty() && !args.only.iter().any(|name| name == attack.name) {
            continue;
        }
        let name = attack.name;
        let before_kib = stage.resident_kib()?;
        let opened = Arc::new(AtomicU64::new(0));
        let attack = Arc::new(attack);
        let begin = || {
            let attackers = Elsewhere::start()?;
            for _ in 0..args.connections {
                let one = again_and_again(Arc::clone(&attack), address, Arc::clone(&opened));
                attackers.handle().spawn(one);
            }
            anyhow::Ok(attackers)
        };
        let attackers = begin()?;
        let probe = Probe::start(&stage, &bystander, args.rate, length)?;
        let mut most_kib = 0;
        let until = Instant::now() + length;
        while Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(200)).await;
            most_kib = most_kib.max(stage.resident_kib()?);
        }
        let seen = probe.end().await?;
        drop(attackers);
        tokio::time::sleep(AFTER).await;
        let after_kib = stage.resident_kib()?;
        let attackers = begin()?;
        tokio::time::sleep(AGAIN).await;
        drop(attackers);
        tokio::time::sleep(AFTER).await;
        let after_again_kib = stage.resident_kib()?;
        let more_kib = most_kib.saturating_sub(before_kib);
        worst.see(&seen, &quiet, more_kib, after_again_kib.saturating_sub(after_kib));
        let line = json!({
            "attack": name, "connections": args.connections, "opened": opened.load(Ordering::Relaxed),
            "seen": seen.line(), "before_kib": before_kib, "most_kib": most_kib, "after_kib": after_kib, "after_again_kib": after_again_kib,
            "p99_over_quiet_beside_a_bystander": seen.over(&quiet),
        });
        writeln!(out, "{line}")?;
    }
    let bounds = worst.bounds();
    writeln!(out, "{}", json!({ "bounds": bounds.line() }))?;
    Ok(bounds.exit_code())
}

/// The worst that any attack did.
#[derive(Default)]
struct Worst {
    p99_over_quiet: f64,
    refused: u32,
    health_ms: f64,
    more_kib: u32,
    grown_kib: u32,
}

impl Worst {
    fn see(&mut self, seen: &Seen, quiet: &Seen, more_kib: u64, grown_kib: u64) {
        self.p99_over_quiet = self.p99_over_quiet.max(seen.over(quiet));
        self.refused += seen.failed();
        self.health_ms = self.health_ms.max(seen.health_max_ms());
        let kib = |kib: u64| u32::try_from(kib).unwrap_or(u32::MAX);
        self.more_kib = self.more_kib.max(kib(more_kib));
        self.grown_kib = self.grown_kib.max(kib(grown_kib));
    }

    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::default();
        bounds.hold(
            "p99_over_quiet_beside_a_bystander",
            self.p99_over_quiet,
            P99_OVER_QUIET,
        );
        bounds.hold("webhooks_refused", f64::from(self.refused), 0.0);
        bounds.hold("healthz_max_ms", self.health_ms, HEALTH_MS);
        bounds.hold("more_kib", f64::from(self.more_kib), MORE_KIB);
        bounds.hold("grown_kib", f64::from(self.grown_kib), GROWN_KIB);
        bounds
    }
}

async fn again_and_again(attack: Arc<Attack>, to: SocketAddr, opened: Arc<AtomicU64>) {
    loop {
        if let Ok(stream) = TcpStream::connect(to).await {
            opened.fetch_add(1, Ordering::Relaxed);
            // However it ends, there is a next one.
            let _ = attack.once(stream).await;
        }
        tokio::time::sleep(DRIP).await;
    }
}

impl Attack {
    async fn once(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.write_all(&self.first).await?;
        if self.deaf == Deaf::Yes {
            loop {
                stream.write_all(&self.first).await?;
            }
        }
        let mut room = [0; 4_096];
        let mut drip = self.then.iter().cycle();
        loop {
            match timeout(DRIP, stream.read(&mut room)).await {
                Ok(read) => {
                    if read? == 0 {
                        return Ok(());
                    }
                }
                Err(_silence) => {
                    if let Some(byte) = drip.next() {
                        stream.write_all(&[*byte]).await?;
                    }
                }
            }
        }
    }
}
