//! `mesej operator`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::admin::{Api, segment};
use super::values::operator_role_parser;
use super::{AdminArgs, CliError, output};
use crate::domain::roles::OperatorRole;

const PATH: &str = "/v1/admin/operators";

/// What can be done with operators.
#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Add an operator; its token is shown once and kept nowhere
    ///
    /// Each person and program that looks after the gateway gets a token of its own. The one in the server's settings is for
    /// the first start: take it out when there is an operator with the role admin.
    #[command(
        after_help = "Examples:\n  mesej operator create --name 'Ana K' --role admin\n  \
                      mesej operator create --name dashboard --role viewer --expires 90"
    )]
    Create {
        /// Who it is
        #[arg(long)]
        name: String,
        /// What it may do
        #[arg(long, value_parser = operator_role_parser())]
        role: OperatorRole,
        /// After how many days its token is refused
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires: u32,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List operators, without their tokens
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Revoke an operator's token: it is refused at once
    Revoke {
        /// The operator's id, as `mesej operator list` shows it
        operator_id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub(super) async fn run(command: OperatorCommand) -> Result<ExitCode, CliError> {
    match command {
        OperatorCommand::Create {
            name,
            role,
            expires,
            admin,
        } => {
            let body = json!({ "name": name, "role": role, "expires_days": expires });
            let answer = Api::admin(&admin)?.post(PATH, &body).await?;
            output::answer(&answer, admin.json, |answer| {
                let fields = output::fields(answer);
                format!("{fields}Keep the token now: it is not shown again.\n")
            })?;
        }
        OperatorCommand::List { admin } => {
            let answer = Api::admin(&admin)?.get(PATH).await?;
            let columns = ["operator_id", "name", "role", "created", "expires", "revoked"];
            output::answer(&answer, admin.json, |answer| {
                output::table(output::list(answer), &columns)
            })?;
        }
        OperatorCommand::Revoke { operator_id, admin } => {
            let path = format!("{PATH}/{}", segment(&operator_id));
            let answer = Api::admin(&admin)?.delete(&path).await?;
            output::answer(&answer, admin.json, |_| format!("revoked {operator_id}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
