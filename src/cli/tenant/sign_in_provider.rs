//! `mesej tenant sign-in-provider`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use super::super::admin::{Api, segment};
use super::super::{AdminArgs, CliError, output};

/// What can be done with the identity provider of a tenant.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SignInProviderCommand {
    /// Show the provider, and the addresses that it and people need
    Show {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Set the provider from a file with what `PUT /v1/business/sign-in-provider` takes
    #[command(
        after_help = "The client's secret stands in the file and in no list of processes. Without `client_secret` the one before stays, \
                      for the same client of the same issuer.\n\nExamples:\n  mesej tenant sign-in-provider set TENANT provider.json\n  \
                      mesej tenant sign-in-provider set TENANT - < provider.json"
    )]
    Set {
        /// The tenant's id
        tenant: String,
        /// A JSON file; `-` reads it from the standard input
        file: PathBuf,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Remove the provider: sessions that it opened are over
    Remove {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// The longest file.
const LONGEST: u64 = 64 << 10;

fn read(file: &Path) -> Result<Value, CliError> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    let named = |reason: String| CliError::File {
        path: file.display().to_string(),
        reason,
    };
    read.map_err(|error| named(error.to_string()))?;
    // The parser's words would repeat what stands there.
    serde_json::from_str(&text).map_err(|error| named(format!("no JSON, in line {}", error.line())))
}

fn path(tenant: &str) -> String {
    format!("/v1/admin/tenants/{}/sign-in-provider", segment(tenant))
}

pub(super) async fn run(command: SignInProviderCommand) -> Result<(), CliError> {
    let (answer, admin) = match command {
        SignInProviderCommand::Show { tenant, admin } => {
            (Api::admin(&admin)?.get(&path(&tenant)).await?, admin)
        }
        SignInProviderCommand::Set { tenant, file, admin } => {
            let wanted = read(&file)?;
            (Api::admin(&admin)?.put(&path(&tenant), &wanted).await?, admin)
        }
        SignInProviderCommand::Remove { tenant, admin } => {
            (Api::admin(&admin)?.delete(&path(&tenant)).await?, admin)
        }
    };
    output::answer(&answer, admin.json, output::fields)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_json_is_refused_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("provider.json");
        std::fs::write(&file, "{\"client_secret\":\"kopi\"}").unwrap();
        assert_eq!(read(&file).unwrap()["client_secret"], "kopi");
        std::fs::write(&file, "{\n\"client_secret\":kopi}").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("kopi"), "{error}");
        assert!(read(&folder.path().join("none")).is_err());
    }
}
