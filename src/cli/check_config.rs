//! `mesej check-config`.

use std::process::ExitCode;

use super::{CliError, ConfigArgs, output};
use crate::config::Config;

pub(super) fn run(args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(args.config.as_deref())?;
    for stranger in Config::strangers() {
        eprintln!("mesej: {stranger}");
    }
    output::print(&config.to_toml()?)?;
    Ok(ExitCode::SUCCESS)
}
