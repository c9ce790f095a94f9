//! `mesej media`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};

/// What can be asked about files.
#[derive(Debug, Subcommand)]
pub(super) enum MediaCommand {
    /// Show how many files a tenant has, and how large they are
    Usage {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Have the gateway remove now what no message needs any more; it does so every six hours by itself
    Gc {
        /// Take over files of another store, or of this one before it was made anew, restored or accepted a loss: what this store does
        /// not know of them is lost
        #[arg(long)]
        adopt: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub(super) async fn run(command: MediaCommand) -> Result<ExitCode, CliError> {
    match command {
        MediaCommand::Usage { tenant, admin } => {
            let path = format!("/v1/admin/tenants/{}/media", segment(&tenant));
            let answer = Api::admin(&admin)?.get(&path).await?;
            output::answer(&answer, admin.json, |answer| {
                let of = |key| answer.get(key).map(output::plain).unwrap_or_default();
                let files = of("files");
                let word = if files == "1" { "file" } else { "files" };
                format!("{files} {word}, {} bytes\n", of("bytes"))
            })?;
        }
        MediaCommand::Gc { adopt, admin } => {
            let answer = Api::admin(&admin)?
                .post("/v1/admin/media/sweep", &json!({ "adopt": adopt }))
                .await?;
            output::answer(&answer, admin.json, |_| {
                "the gateway removes what no message needs; `mesej_media_stored_bytes` is what is left\n"
                    .to_owned()
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
