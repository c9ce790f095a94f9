//! `mesej tenant`.

mod quota;
mod retention;
mod sign_in_provider;
mod subscription;

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::values::email;
use super::{AdminArgs, CliError, output, user};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;

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
        #[arg(long, value_name = "EMAIL", value_parser = email)]
        owner: Option<EmailAddress>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List tenants by name
    List {
        /// Only those of which name or id has all these words
        #[arg(long, default_value = "")]
        search: String,
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
    /// Show what a tenant may have of what all share, or set it
    Quota(quota::QuotaArgs),
    /// Show what a tenant pays for, or set it by hand
    #[command(subcommand)]
    Subscription(subscription::SubscriptionCommand),
    /// Show, set or remove the identity provider by which a tenant's people sign in
    #[command(subcommand)]
    SignInProvider(sign_in_provider::SignInProviderCommand),
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
            let answer = Api::admin(&admin)?.post("/v1/admin/tenants", &body).await?;
            match owner {
                Some(email) => invite_owner(answer, &email, &admin).await?,
                None => output::answer(&answer, admin.json, output::fields)?,
            }
        }
        TenantCommand::List { search, admin } => {
            let answer = all(&Api::admin(&admin)?, &search).await?;
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
        TenantCommand::Quota(args) => quota::run(args).await?,
        TenantCommand::Subscription(command) => subscription::run(command).await?,
        TenantCommand::SignInProvider(command) => sign_in_provider::run(command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Invites the first owner of a tenant that was created, and prints both. The tenant is printed in any case: it exists, and
/// creating it again would make another.
async fn invite_owner(mut tenant: Value, email: &EmailAddress, admin: &AdminArgs) -> Result<(), CliError> {
    let id = tenant
        .get("tenant_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = id.to_owned();
    match user::invite(&Api::admin(admin)?, &id, email, Role::Owner).await {
        Ok(invitation) if admin.json => {
            if let Some(fields) = tenant.as_object_mut() {
                fields.insert("owner_invitation".to_owned(), invitation);
            }
            output::answer(&tenant, true, output::fields)?;
        }
        Ok(invitation) => output::print(&format!("{}{}", output::fields(&tenant), user::told(&invitation)))?,
        Err(why) => {
            output::answer(&tenant, admin.json, output::fields)?;
            return Err(CliError::OwnerNotInvited {
                tenant: id,
                why: Box::new(why),
            });
        }
    }
    Ok(())
}

/// All pages of the list of tenants.
async fn all(api: &Api, search: &str) -> Result<Value, CliError> {
    let (mut tenants, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!(
            "/v1/admin/tenants?limit=500&search={}&cursor={cursor}",
            segment(search)
        );
        let page = api.get(&path).await?;
        tenants.extend_from_slice(output::list(&page));
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(json!({ "tenants": tenants })),
        }
    }
}
