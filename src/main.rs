//! The `mesej` command.

use std::process::ExitCode;

use clap::Parser as _;
use mesej::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mesej: {}", cli::sentence(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    // First of all: whatever opens a TLS connection later needs a provider.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        anyhow::bail!("a TLS provider was installed before this one");
    }
    mesej::crash::arm_from_environment()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let system = actix::System::with_tokio_rt(move || runtime);
    let ended = system.block_on(cli::run(cli));
    // What had to end in order has. The runtime would wait, for ever, for threads that read from a disk that hangs.
    std::mem::forget(system);
    Ok(ended?)
}
