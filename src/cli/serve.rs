//! `mesej serve` and `mesej demo`: run until told to end.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, ConfigArgs};
use crate::app::{self, Reach};
use crate::config::Config;
use crate::shutdown::Shutdown;

pub(super) async fn serve(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.as_deref())?;
    app::serve(config, listening_for_signals()).await?;
    Ok(ExitCode::SUCCESS)
}

/// How the demo is run.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Listen where others reach it: everybody who asks gets a key of the demo
    #[arg(long)]
    expose: bool,
}

pub(super) async fn demo(args: &DemoArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.config.as_deref())?;
    let reach = if args.expose {
        Reach::Everybody
    } else {
        Reach::ThisMachine
    };
    app::demo(config, reach, listening_for_signals()).await?;
    Ok(ExitCode::SUCCESS)
}

fn listening_for_signals() -> Shutdown {
    let shutdown = Shutdown::default();
    let signals = shutdown.clone();
    actix::spawn(async move {
        if let Err(error) = signals.begin_on_signal().await {
            tracing::error!(error = %error, "cannot listen for signals: only a kill ends the process");
        }
    });
    shutdown
}
