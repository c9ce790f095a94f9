//! `mesej serve` and `mesej demo`: run until told to end.

use std::process::ExitCode;

use super::{CliError, ConfigArgs};
use crate::app;
use crate::config::Config;
use crate::shutdown::Shutdown;

pub(super) async fn serve(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.as_deref())?;
    app::serve(config, listening_for_signals()).await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn demo(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.as_deref())?;
    app::demo(config, listening_for_signals()).await?;
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
