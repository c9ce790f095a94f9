//! `mesej tenant`.

mod retention;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output, user};

/// What can be done with tenants.
#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Create a tenant; its id is printed
    #[command(
        after_help = "Examples:\n  mesej tenant create --name 'Toko Maju' --owner ana@example.com\n  mesej tenant create --name 'Toko Maju' --retention-days 90\n  \
                            TENANT=$(mesej tenant create --name 'Toko Maju' --json | jq -r .tenant_id)"
    )]
    Create {
        /// What people call the business
        #[arg(long)]
        name: String,
        /// Days for which its messages are kept, 1 to 1826; the server's default when left out
        #[arg(long, value_name = "DAYS")]
        retention_days: Option<u32>,
        /// The e-mail address of its first owner; the link that lets the owner in is printed
        #[arg(long, value_name = "EMAIL")]
        owner: Option<String>,
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
            owner,
            admin,
        } => {
            let mut body = json!({ "name": name });
            if let (Some(days), Some(body)) = (retention_days, body.as_object_mut()) {
                body.insert("retention_days".to_owned(), days.into());
            }
            let api = Api::admin(&admin)?;
            let mut answer = api.post("/v1/admin/tenants", &body).await?;
            let id = answer.get("tenant_id").and_then(Value::as_str).map(str::to_owned);
            let mut link = String::new();
            if let (Some(email), Some(id)) = (owner, id) {
                let invitation = user::invite(&api, &id, &email, user::Role::Owner).await?;
                link = user::told(&invitation);
                if let Some(fields) = answer.as_object_mut() {
                    fields.insert("owner_invitation".to_owned(), invitation);
                }
            }
            output::answer(&answer, admin.json, |answer| {
                let mut tenant = answer.clone();
                tenant
                    .as_object_mut()
                    .map(|fields| fields.shift_remove("owner_invitation"));
                format!("{}{link}", output::fields(&tenant))
            })?;
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
