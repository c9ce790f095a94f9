//! Files: that each is whole and kept once whatever dies, that an import takes each line once, and what a large file costs in memory.
//! Exit code 1 unless all of that holds.

mod import;
mod killed;
mod large;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `mesej-load files`.
#[derive(clap::Args, Debug, Clone)]
pub struct FilesArgs {
    /// What is asked
    #[arg(value_enum)]
    pub what: What,
    /// Files of customers, and as many uploads
    #[arg(long, default_value_t = 200)]
    pub files: u32,
    /// Rows of the import
    #[arg(long, default_value_t = 20_000)]
    pub rows: u32,
    /// Kills while files are under way, and half as many during the import
    #[arg(long, default_value_t = 10)]
    pub cycles: u32,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The size of a large file, in MiB
    #[arg(long, default_value_t = 100)]
    pub mib: usize,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// What the rig finds out.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Kills in the middle of downloads, uploads and an import
    Kill,
    /// Memory over idle while one large file goes each way
    Memory,
}

/// Runs the rig.
pub async fn run(args: FilesArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Kill => killed::run(&args).await,
        What::Memory => large::run(&args).await,
    }
}
