//! `mesej serve` and `mesej demo`: run until told to end.

use std::process::ExitCode;

use clap::Args;

use super::{CliError, RunArgs};
use crate::app::{self, Reach};
use crate::config::{Backend, Config, Damaged, StoreConfig};
use crate::shutdown::Shutdown;

pub(super) async fn serve(args: &RunArgs) -> Result<ExitCode, CliError> {
    let config = settings(args)?;
    app::serve(config, listening_for_signals()).await?;
    Ok(ExitCode::SUCCESS)
}

/// How the demo is run.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Listen where others reach it: everybody who asks gets a key of the demo
    #[arg(long)]
    expose: bool,
}

pub(super) async fn demo(args: &DemoArgs) -> Result<ExitCode, CliError> {
    let config = settings(&args.run)?;
    let reach = if args.expose {
        Reach::Everybody
    } else {
        Reach::ThisMachine
    };
    app::demo(config, reach, listening_for_signals()).await?;
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &RunArgs) -> Result<Config, CliError> {
    let mut config = Config::load(args.settings.config.as_deref())?;
    if args.accept_loss {
        accept_loss(&mut config.store)?;
    }
    Ok(config)
}

fn accept_loss(store: &mut StoreConfig) -> Result<(), CliError> {
    if store.backend != Backend::Fjall {
        return Err(CliError::NothingToAccept(store.backend.as_str()));
    }
    store.damaged = Damaged::IsAccepted;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_accepted_of_a_data_folder_alone() {
        let accepted = |settings: &str| {
            let mut config = Config::from_sources(Some(("test", settings)), []).unwrap();
            accept_loss(&mut config.store).map(|()| config.store.damaged)
        };
        assert_eq!(accepted("").unwrap(), Damaged::IsAccepted);
        let cluster = "[store]\nbackend = \"scylla\"\ncontact_points = [\"a:9042\"]";
        for settings in [cluster, "[store]\nbackend = \"memory\""] {
            let told = accepted(settings).unwrap_err().to_string();
            assert!(told.contains("--accept-loss is for a data folder"), "{told}");
        }
    }
}
