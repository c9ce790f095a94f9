//! `mesej store`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{CliError, ConfigArgs, output};
use crate::app::copy::{CopyLine, CopyPlan, copy, preview};
use crate::config::{Backend, Config};

/// How often progress is shown.
const SHOWN: Duration = Duration::from_secs(1);

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A folder: `store.path`
    Fjall,
    /// A cluster: `store.contact_points`
    Scylla,
}

impl From<Kind> for Backend {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Fjall => Self::Fjall,
            Kind::Scylla => Self::Scylla,
        }
    }
}

/// What can be done with stores.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Copy everything from a folder to a cluster, or back, and compare both
    ///
    /// Nothing may use either store meanwhile. Cut short, the same command goes on where it was.
    #[command(
        after_help = "Examples:\n  mesej store copy --from fjall --to scylla --preview\n  \
                      mesej store copy --from fjall --to scylla"
    )]
    Copy {
        /// The store that is read
        #[arg(long, value_enum)]
        from: Kind,
        /// The store that is written; it has to be empty
        #[arg(long, value_enum)]
        to: Kind,
        /// Only count what would be copied
        #[arg(long)]
        preview: bool,
        /// Where it is kept how far the copy is, until it is done
        #[arg(long, value_name = "FILE", default_value = "mesej-copy.json")]
        progress: PathBuf,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

pub(super) async fn run(command: StoreCommand) -> Result<ExitCode, CliError> {
    let StoreCommand::Copy {
        from,
        to,
        preview: only_count,
        progress,
        config,
    } = command;
    if from == to {
        eprintln!("--from and --to must differ");
        return Ok(ExitCode::FAILURE);
    }
    let config = Config::load(config.config.as_deref())?;
    if only_count {
        output::print(&table(&preview(&config, from.into()).await?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = CopyPlan {
        from: from.into(),
        to: to.into(),
        progress,
    };
    let mut last: Option<Instant> = None;
    let mut tell = |text: &str| {
        if last.is_none_or(|last| last.elapsed() >= SHOWN) {
            last = Some(Instant::now());
            eprintln!("{text}");
        }
    };
    let counted = copy(&config, &plan, &mut tell).await?;
    output::print(&format!("{}the same in both stores\n", table(&counted)))?;
    Ok(ExitCode::SUCCESS)
}

fn table(lines: &[CopyLine]) -> String {
    let rows: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "tenant_id": line.tenant,
                "rows": line.rows,
                "count": line.count,
                "digest": line.digest,
            })
        })
        .collect();
    output::table(&rows, &["tenant_id", "rows", "count", "digest"])
}
