//! `mesej tenant`.

mod retention;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Create a tenant; its id is printed
    #[command(
        after_help = "Examples:\n  mesej tenant create --name 'Toko Maju' --retention-days 90\n  \
                            TENANT=$(mesej tenant create --name 'Toko Maju' --json | jq -r .tenant_id)"
    )]
    Create {
        /// What people call the business
        #[arg(long)]
        name: String,
        /// Days for which its messages are kept, 1 to 1826; the server's default when left out
        #[arg(long, value_name = "DAYS")]
        retention_days: Option<u32>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List all tenants
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show one tenant
    Show {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Show how long a tenant's messages are kept, or change it
    Retention(retention::RetentionArgs),
}

pub(super) async fn run(command: TenantCommand) -> Result<ExitCode, CliError> {
    match command {
        TenantCommand::Create {
            name,
            retention_days,
            admin,
        } => {
            let mut body = json!({ "name": name });
            if let (Some(days), Some(body)) = (retention_days, body.as_object_mut()) {
                body.insert("retention_days".to_owned(), days.into());
            }
            let answer = Api::admin(&admin)?.post("/v1/admin/tenants", &body).await?;
            output::answer(&answer, admin.json, output::fields)?;
        }
        TenantCommand::List { admin } => {
            let answer = Api::admin(&admin)?.get("/v1/admin/tenants").await?;
            let columns = ["tenant_id", "name", "retention_days", "created"];
            output::answer(&answer, admin.json, |answer| {
                output::table(output::list(answer), &columns)
            })?;
        }
        TenantCommand::Show { tenant, admin } => {
            let answer = Api::admin(&admin)?
                .get(&format!("/v1/admin/tenants/{}", segment(&tenant)))
                .await?;
            output::answer(&answer, admin.json, output::fields)?;
        }
        TenantCommand::Retention(args) => retention::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
