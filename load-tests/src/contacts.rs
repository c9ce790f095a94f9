//! Very many contacts: how soon a file of them is imported and what that holds in memory, that everything wrong is told by line and the
//! rest is there, and how long lists, filters, searches and counts take then, beside a look at one contact. Exit code 1 if a bound is broken.

mod file;
mod import;
mod people;
mod questions;
mod talks;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::bounds::Bounds;
use crate::cluster::{Cluster, Sync, Wanted};
use crate::process::binary;
use crate::stage::{Places, Scene, Stage};

/// What an import may hold in memory beyond what the gateway holds at rest.
const MIB_OVER_IDLE: f64 = 64.0;
/// What each question may take.
const P99_MS: f64 = 50.0;

/// Options of `mesej-load contacts`.
#[derive(clap::Args, Debug, Clone)]
pub struct ContactsArgs {
    /// Contacts in the file, each once, but for what is repeated
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    pub contacts: u32,
    /// Percent of all rows that are about a contact that stood there before
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=60))]
    pub repeated: u32,
    /// Percent of all rows that are wrong, in ten ways
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=30))]
    pub wrong: u32,
    /// How the file is written
    #[arg(long, value_enum, default_value = "utf8")]
    pub encoding: file::Encoding,
    /// Customers who wrote to the first number
    #[arg(long, default_value_t = 5_000)]
    pub talks: u32,
    /// How often each question is asked
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..))]
    pub asked: u32,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the gateway keeps what it knows
    #[arg(long, value_enum, default_value = "fjall")]
    pub backend: Backend,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Where the gateway keeps what it knows.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In a folder
    Fjall,
    /// On a CQL server with one node: the one that MESEJ_TEST_CQL names, or one of the rig's own
    Cql,
}

/// Runs the rig.
pub async fn run(args: ContactsArgs) -> anyhow::Result<ExitCode> {
    let home = tempfile::tempdir()?;
    let cluster = match args.backend {
        Backend::Fjall => None,
        Backend::Cql => {
            let wanted = Wanted {
                nodes: 1,
                sync: Sync::Periodic,
            };
            Some(Cluster::start(&binary(args.binary.as_deref())?, home.path(), wanted).await?)
        }
    };
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: args.seed,
        places: Places::Anywhere,
        env: cluster.iter().flat_map(Cluster::settings).collect(),
    })
    .await?;
    let mut bounds = Bounds::default();
    let members = talks::Members::invite(&stage).await?;
    let written = file::write(&args, home.path())?;
    say(
        &json!({ "part": "file", "rows": written.rows, "bytes": written.bytes, "wrong": written.wrong.len() }),
    )?;
    let imported = import::run(&stage, &written, &members).await?;
    bounds.hold("mib_over_idle", imported.mib_over_idle, MIB_OVER_IDLE);
    bounds.hold("told_otherwise", imported.told_otherwise, 0.0);
    say(&imported.line)?;
    talks::write(&stage, &args).await?;
    for answered in questions::ask(&stage, &members, &args).await? {
        bounds.hold(&format!("{} p99_ms", answered.question), answered.p99_ms, P99_MS);
        // Who asks for something that there is sees some of it in the first call or the second.
        bounds.hold(
            &format!("{} calls until something is seen", answered.question),
            answered.calls_until_seen,
            2.0,
        );
    }
    say(&json!({ "bounds": bounds.line() }))?;
    Ok(bounds.exit_code())
}

fn say(line: &Value) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}
