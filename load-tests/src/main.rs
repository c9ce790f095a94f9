//! `mesej-load`: rigs that put load and faults on a running gateway and say what became of every message.
//!
//! Each command prints one JSON object as its last line. All traffic stays on the loopback interface.

mod agent;
mod bounds;
mod broadcast;
mod cluster;
mod contacts;
mod contest;
mod cores;
mod doors;
mod elsewhere;
mod fanout;
mod files;
mod floor;
mod gateway;
mod intake;
mod kill;
mod neighbour;
mod pace;
mod people;
mod probe;
mod process;
mod reconnect;
mod rig;
mod ring;
mod sender;
mod simulator;
mod stage;
mod stuck;
mod tenants;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "mesej-load",
    about = "Load and fault rigs for Mesej",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures what one delivery to one agent costs, beside a bare write of the same bytes
    Fanout(fanout::FanoutArgs),
    /// Sends a broadcast from a file beside agents at work: memory, share of the rate used, how long replies wait, what sockets carry more
    Broadcast(broadcast::BroadcastArgs),
    /// Imports very many contacts and asks for some of them: memory, what is told of wrong rows, and how long each list takes
    Contacts(contacts::ContactsArgs),
    /// Kills the gateway while files are fetched and uploaded and contacts imported, or measures what a large file holds in memory
    Files(files::FilesArgs),
    /// The bare writer that `fanout` starts for itself
    #[command(hide = true)]
    Floor(floor::FloorArgs),
    /// Kills the gateway again and again under load, then asks the simulator's oracle what was lost or done twice
    Kill(kill::KillArgs),
    /// Kills and stops nodes of a cluster under load, then asks the simulator's oracle what was lost or done twice
    Ring(ring::RingArgs),
    /// Lets two gateways fight for one tenant, then asks the simulator's oracle what was lost or done twice
    Contest(contest::ContestArgs),
    /// Keeps a number's backlog full while customers write, and looks for a sliding second above its limit
    Pace(pace::PaceArgs),
    /// Posts webhooks: how many, and how soon they are acknowledged and reach an agent, beside what bare handlers do
    Intake(intake::IntakeArgs),
    /// Serves the bare handlers that `intake` compares with
    #[command(hide = true)]
    Bare(intake::BareArgs),
    /// Floods the gateway with one tenant's statuses and looks at how soon others, and its own customers, are seen
    Neighbour(neighbour::NeighbourArgs),
    /// Starts a gateway with many tenants of whom nobody wants anything: how soon it is ready, and what each of them holds
    Tenants(tenants::TenantsArgs),
    /// Tries what anybody can who has no key, and looks at webhooks, `/healthz` and memory meanwhile
    Doors(doors::DoorsArgs),
    /// Brings many agents back at once: what a handshake costs, when all are live, what webhooks notice
    Reconnect(reconnect::ReconnectArgs),
    /// Signs people in: what it costs, whether answers tell who exists, and what others notice of a flood of wrong passwords
    People(people::PeopleArgs),
    /// Connects many agents of whom some never read, and looks at the others' delays and at the memory held
    Stuck(stuck::StuckArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        anyhow::bail!("a TLS provider was installed before this one");
    }
    let command = match Cli::parse().command {
        // It chooses its thread's processor, and the process keeps what it was given.
        Command::Fanout(args) => {
            let rig = std::thread::spawn(move || fanout::run(args));
            return rig
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        Command::Doors(args) => return cores::apart(move || doors::run(args)),
        Command::Reconnect(args) => return cores::apart(move || reconnect::run(args)),
        Command::People(args) => return cores::apart(move || people::run(args)),
        command => command,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Fanout(args) => fanout::run(args),
            Command::Broadcast(args) => broadcast::run(args).await,
            Command::Contacts(args) => contacts::run(args).await,
            Command::Floor(args) => floor::run(&args).map(|()| ExitCode::SUCCESS),
            Command::Files(args) => files::run(args).await,
            Command::Kill(args) => kill::run(args).await,
            Command::Ring(args) => ring::run(args).await,
            Command::Contest(args) => contest::run(args).await,
            Command::Pace(args) => pace::run(args).await,
            Command::Intake(args) => intake::run(args).await,
            Command::Bare(args) => intake::run_bare(args).await,
            Command::Neighbour(args) => neighbour::run(args).await,
            Command::Tenants(args) => tenants::run(args).await,
            Command::Doors(args) => doors::run(args).await,
            Command::Reconnect(args) => reconnect::run(args).await,
            Command::Stuck(args) => stuck::run(args).await,
            Command::People(args) => people::run(args).await,
        }
    })
}
