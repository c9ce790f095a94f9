//! What the gateway pays to deliver one event to one agent, beside what a bare write of the same bytes costs.
//!
//! Customers write, so the price holds the whole road: webhook, journal, history, event, sockets. The floor is a process
//! of its own that only writes; gateway and floor take turns on one processor, this program and the simulator have another, and
//! only figures of the same run are compared.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::cores::{self, Role};
use crate::process::{Launch, Process, cpu_time, free_port};
use crate::stage::{Places, Scene, Stage};

/// Options of `mesej-load fanout`.
#[derive(clap::Args, Debug, Clone)]
pub struct FanoutArgs {
    /// Agents, all of one tenant
    #[arg(long, default_value_t = 1_000)]
    pub agents: u32,
    /// Messages in flight, for each part of a round
    #[arg(long, value_delimiter = ',', default_values_t = [1, 12])]
    pub in_flight: Vec<u32>,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Seconds of each part
    #[arg(long, default_value_t = 5)]
    pub secs: u64,
    /// Characters of a message
    #[arg(long, default_value_t = 512)]
    pub size: usize,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// How long everything that is in flight may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Shorter than the silence after which the gateway takes a client for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// Where an event begins.
const EVENT: &[u8; 7] = b"{\"seq\":";

/// Counts events as cheaply as the floor's client counts bytes: whoever measures must not be what is measured.
async fn count(mut socket: impl AsyncRead + Unpin, arrivals: Arc<Arrivals>, last: Arc<Mutex<usize>>) {
    let (mut room, mut matched) = (vec![0; 64 * 1024], 0_usize);
    while let Ok(read @ 1..) = socket.read(&mut room).await {
        let mut events = 0;
        for byte in room.iter().take(read) {
            matched = match EVENT.get(matched) {
                Some(next) if next == byte => matched + 1,
                _ => usize::from(*byte == b'{'),
            };
            if matched == EVENT.len() {
                (events, matched) = (events + 1, 0);
            }
        }
        if events == 1 {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
        arrivals.add(events);
    }
}

/// Pings, masked with zeros, as a client has to (RFC 6455, 5.5.2).
async fn show_life(mut socket: impl AsyncWrite + Unpin) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if socket.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_err() {
            return;
        }
    }
}

/// One part of a round.
struct Part {
    micros: f64,
    deliveries: u64,
}

/// Runs the rig, on one thread: the one that calls.
pub fn run(args: FanoutArgs) -> anyhow::Result<ExitCode> {
    cores::keep_to(Role::Measuring)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(args))
}

async fn measure(args: FanoutArgs) -> anyhow::Result<ExitCode> {
    let gateway = GatewaySide::start(&args).await?;
    // The first message brings its conversation whole, those after it what changed.
    gateway.one_frame(args.size).await?;
    let frame = gateway.one_frame(args.size).await?;
    let floor = FloorSide::start(args.agents, frame).await?;
    let window = Duration::from_secs(args.secs);
    for in_flight in &args.in_flight {
        let (mut floors, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut deliveries = 0;
        for _ in 0..args.rounds {
            let bare = floor.part(*in_flight, window).await?;
            let whole = gateway.part(*in_flight, args.size, window).await?;
            deliveries += whole.deliveries;
            ratios.push(whole.micros / bare.micros);
            floors.push(bare.micros);
            ours.push(whole.micros);
        }
        let line = json!({
            "agents": args.agents, "in_flight": in_flight, "frame_bytes": frame, "deliveries": deliveries,
            "floor_us": median(&mut floors), "gateway_us": median(&mut ours), "ratio": median(&mut ratios),
            "ratios": ratios,
        });
        writeln!(std::io::stdout().lock(), "{line}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Counts what arrives, and lets the next message go once one is everywhere.
struct Arrivals {
    agents: u64,
    total: AtomicU64,
    everywhere: Notify,
}

impl Arrivals {
    fn add(&self, count: u64) {
        let before = self.total.fetch_add(count, Ordering::Relaxed);
        if before / self.agents != (before + count) / self.agents {
            self.everywhere.notify_one();
        }
    }

    /// Waits until so many arrived in all.
    async fn reach(&self, target: u64) -> anyhow::Result<()> {
        let wait = async {
            while self.total.load(Ordering::Relaxed) < target {
                self.everywhere.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await?;
        Ok(())
    }

    fn now(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

fn arrivals(agents: u32) -> Arc<Arrivals> {
    Arc::new(Arrivals {
        agents: u64::from(agents),
        total: AtomicU64::new(0),
        everywhere: Notify::new(),
    })
}

fn price(spent: Duration, deliveries: u64) -> anyhow::Result<Part> {
    let each = spent / u32::try_from(deliveries.max(1))?;
    Ok(Part {
        micros: each.as_secs_f64() * 1e6,
        deliveries,
    })
}

struct GatewaySide {
    stage: Arc<Stage>,
    arrivals: Arc<Arrivals>,
    /// Bytes of the last frame that a socket got.
    last: Arc<Mutex<usize>>,
}

impl GatewaySide {
    async fn start(args: &FanoutArgs) -> anyhow::Result<Self> {
        let scene = Scene {
            binary: args.binary.clone(),
            rate: 1_000,
            seed: 1,
            places: Places::Apart,
            env: vec![
                ("MESEJ_LIMITS__SOCKETS_PER_AGENT", "10000".to_owned()),
                // All agents at one worker, as the floor has one thread.
                ("MESEJ_SERVER__WORKERS", "1".to_owned()),
            ],
        };
        let stage = Arc::new(Stage::set(scene).await?);
        let arrivals = arrivals(args.agents);
        let last: Arc<Mutex<usize>> = Arc::default();
        for number in 0..args.agents {
            let socket = crate::stuck::connect(&stage, &format!("agent-{}", number % 97), None).await?;
            let (reading, writing) = tokio::io::split(socket.into_inner());
            tokio::spawn(count(reading, Arc::clone(&arrivals), Arc::clone(&last)));
            tokio::spawn(show_life(writing));
        }
        Ok(Self {
            stage,
            arrivals,
            last,
        })
    }

    /// Sends one message and gives the length of its frame.
    async fn one_frame(&self, size: usize) -> anyhow::Result<usize> {
        let before = self.arrivals.now();
        self.stage
            .simulator
            .say("628110000001", &"x".repeat(size))
            .await?;
        self.arrivals.reach(before + self.arrivals.agents).await?;
        Ok(*self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn part(&self, in_flight: u32, size: usize, window: Duration) -> anyhow::Result<Part> {
        let id = self.stage.gateway_id()?;
        let (from, spent) = (self.arrivals.now(), cpu_time(id)?);
        let began = Instant::now();
        let room = Arc::new(Semaphore::new(usize::try_from(in_flight)?));
        let (mut said, mut everywhere) = (0_u64, 0_u64);
        while began.elapsed() < window || everywhere < said {
            if began.elapsed() < window
                && let Ok(place) = Arc::clone(&room).try_acquire_owned()
            {
                place.forget();
                said += 1;
                let stage = Arc::clone(&self.stage);
                let text = "x".repeat(size);
                // One that cannot be said never arrives, which ends the run.
                tokio::spawn(async move { stage.simulator.say("628110000001", &text).await });
                continue;
            }
            let next = from + (everywhere + 1) * self.arrivals.agents;
            self.arrivals.reach(next).await?;
            let reached = (self.arrivals.now() - from) / self.arrivals.agents;
            room.add_permits(usize::try_from(reached - everywhere)?);
            everywhere = reached;
        }
        price(cpu_time(id)?.saturating_sub(spent), self.arrivals.now() - from)
    }
}

struct FloorSide {
    process: Process,
    control: tokio::sync::Mutex<TcpStream>,
    arrivals: Arc<Arrivals>,
    frame: usize,
}

impl FloorSide {
    async fn start(agents: u32, frame: usize) -> anyhow::Result<Self> {
        let port = free_port()?;
        let launch = Launch {
            binary: std::env::current_exe()?,
            what: "mesej-load floor",
            args: [
                "floor".to_owned(),
                format!("--port={port}"),
                format!("--connections={agents}"),
            ]
            .into(),
            env: Vec::new(),
            log: "/dev/null".into(),
        };
        let process = cores::on(Role::Measured, || launch.start())?;
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        let deadline = Instant::now() + PATIENCE;
        let control = loop {
            match TcpStream::connect(address).await {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(20)).await,
                connected => break connected?,
            }
        };
        control.set_nodelay(true)?;
        let arrivals = arrivals(agents);
        for _ in 0..agents {
            let mut socket = TcpStream::connect(address).await?;
            let arrivals = Arc::clone(&arrivals);
            tokio::spawn(async move {
                let (mut room, mut partly) = (vec![0; 64 * 1024], 0);
                while let Ok(read @ 1..) = socket.read(&mut room).await {
                    partly += read;
                    let whole = partly / frame;
                    partly %= frame;
                    arrivals.add(whole.try_into().unwrap_or(0));
                }
            });
        }
        Ok(Self {
            process,
            control: tokio::sync::Mutex::new(control),
            arrivals,
            frame,
        })
    }

    /// Writes this many frames at once to each connection, again and again.
    async fn part(&self, merged: u32, window: Duration) -> anyhow::Result<Part> {
        let id = self
            .process
            .id()
            .ok_or_else(|| anyhow::anyhow!("the floor ended"))?;
        let (from, spent) = (self.arrivals.now(), cpu_time(id)?);
        let mut control = self.control.lock().await;
        let line = format!("{}\n", self.frame * usize::try_from(merged)?);
        let (began, mut target) = (Instant::now(), from);
        while began.elapsed() < window {
            control.write_all(line.as_bytes()).await?;
            target += u64::from(merged) * self.arrivals.agents;
            self.arrivals.reach(target).await?;
        }
        price(cpu_time(id)?.saturating_sub(spent), target - from)
    }
}
