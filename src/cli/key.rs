//! `mesej key`.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key; it is shown once and kept nowhere
    #[command(
        after_help = "Example:\n  mesej key create 00c0ffee00c0ffee --name till --scope send --scope read"
    )]
    Create {
        /// The tenant's id
        tenant: String,
        /// What the key is for
        #[arg(long)]
        name: String,
        /// What it may do; give the option again for more
        #[arg(long = "scope", required = true, value_enum, value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// After how many days it is refused; never when left out
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires: Option<u32>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List a tenant's keys, without the keys themselves
    List {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Revoke a key: nothing that shows it is let in any more
    Revoke {
        /// The tenant's id
        tenant: String,
        /// The key's id, as `mesej key list` shows it
        key_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scope {
    /// Send and change
    Send,
    /// Read messages, conversations and events
    Read,
    /// Let agents onto the WebSocket, where they may do what the key may (`read` is needed, too)
    Agents,
    /// Act as a member of the team, or as another agent whom it names
    #[value(name = "act_as")]
    ActAs,
}

impl Scope {
    const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Agents => "agents",
            Self::ActAs => "act_as",
        }
    }
}

pub(super) async fn run(command: KeyCommand) -> Result<ExitCode, CliError> {
    let keys = |tenant: &str| format!("/v1/admin/tenants/{}/keys", segment(tenant));
    match command {
        KeyCommand::Create {
            tenant,
            name,
            scopes,
            expires,
            admin,
        } => {
            let scopes: Vec<&str> = scopes.into_iter().map(Scope::name).collect();
            let body = json!({ "name": name, "scopes": scopes, "expires_days": expires });
            let answer = Api::admin(&admin)?.post(&keys(&tenant), &body).await?;
            output::answer(&answer, admin.json, |answer| {
                format!(
                    "{}Keep the key now: it is not shown again.\n",
                    output::fields(answer)
                )
            })?;
        }
        KeyCommand::List { tenant, admin } => {
            let answer = Api::admin(&admin)?.get(&keys(&tenant)).await?;
            let columns = ["key_id", "name", "scopes", "created", "revoked", "expires"];
            output::answer(&answer, admin.json, |answer| {
                output::table(output::list(answer), &columns)
            })?;
        }
        KeyCommand::Revoke {
            tenant,
            key_id,
            admin,
        } => {
            let path = format!("{}/{}", keys(&tenant), segment(&key_id));
            let answer = Api::admin(&admin)?.delete(&path).await?;
            output::answer(&answer, admin.json, |_| format!("revoked {key_id}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
