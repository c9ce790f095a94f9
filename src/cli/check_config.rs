//! `mesej check-config`.

use std::process::ExitCode;

use super::{CliError, ConfigArgs, output};
use crate::app;
use crate::config::Config;

pub(super) fn run(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.as_deref())?;
    for doubt in Config::strangers().into_iter().chain(config.doubts()) {
        eprintln!("mesej: {doubt}");
    }
    app::check_files(&config)?;
    output::print(&config.to_toml()?)?;
    Ok(ExitCode::SUCCESS)
}
