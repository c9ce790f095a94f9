//! `mesej tenant subscription`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::super::admin::{Api, segment};
use super::super::{AdminArgs, CliError, output};

/// What can be done with a tenant's subscription.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SubscriptionCommand {
    /// Show what a tenant pays for, and from when on it sends nothing
    Show {
        /// The tenant's id
        tenant: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Set it by hand, for who pays by invoice
    Set(SetArgs),
}

/// What is set.
#[derive(Debug, Args)]
#[command(
    after_help = "What is set by hand holds, whatever the payment provider tells, until `provider` is set. Gateways of a cluster \
                  take a change over within a minute.\n\nExamples:\n  mesej tenant subscription set TENANT active --plan small\n  \
                  mesej tenant subscription set TENANT none\n  mesej tenant subscription set TENANT provider"
)]
pub(in crate::cli) struct SetArgs {
    /// The tenant's id
    tenant: String,
    /// The state; `provider` is what the payment provider tells
    #[arg(value_parser = ["none", "trial", "active", "past_due", "cancelled", "provider"])]
    state: String,
    /// A plan of the settings
    #[arg(long)]
    plan: Option<String>,
    /// Until when it is tried out or paid, in milliseconds since 1970
    #[arg(long, value_name = "MS")]
    until: Option<i64>,
    #[command(flatten)]
    admin: AdminArgs,
}

fn path(tenant: &str) -> String {
    format!("/v1/admin/tenants/{}/subscription", segment(tenant))
}

pub(super) async fn run(command: SubscriptionCommand) -> Result<(), CliError> {
    let (answer, json) = match command {
        SubscriptionCommand::Show { tenant, admin } => {
            (Api::admin(&admin)?.get(&path(&tenant)).await?, admin.json)
        }
        SubscriptionCommand::Set(args) => {
            let (path, body) = (path(&args.tenant), body(&args));
            (
                Api::admin(&args.admin)?.put(&path, &body.into()).await?,
                args.admin.json,
            )
        }
    };
    output::answer(&answer, json, output::fields)?;
    Ok(())
}

fn body(args: &SetArgs) -> Map<String, Value> {
    let state = Some(args.state.as_str()).filter(|state| *state != "provider");
    let mut body = Map::new();
    body.insert("state".to_owned(), state.into());
    if let Some(plan) = &args.plan {
        body.insert("plan".to_owned(), plan.as_str().into());
    }
    if let Some(until) = args.until {
        body.insert("until".to_owned(), until.into());
    }
    body
}
