//! `mesej user`.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::{AdminArgs, CliError, output};

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Invite somebody into a tenant's team; the link is printed, works once, and ends after a week
    ///
    /// Send the link to the person: whoever opens it sets a password and is in. Members with the role owner or admin invite
    /// others themselves, in the console.
    #[command(
        after_help = "Example:\n  mesej user invite 00c0ffee00c0ffee --email ana@example.com --role owner"
    )]
    Invite {
        /// The tenant's id
        tenant: String,
        /// Who is invited
        #[arg(long)]
        email: String,
        /// As what
        #[arg(long, value_enum)]
        role: Role,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print a link by which somebody sets a new password; it works once, and ends after a week
    #[command(after_help = "Example:\n  mesej user reset-password ana@example.com")]
    ResetPassword {
        /// The address that the person signs in with
        email: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// What a member of a team may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Everything, and who else is an owner
    Owner,
    /// Everything but who is an owner
    Admin,
    /// Answer customers
    Supervisor,
    /// Answer customers
    Agent,
    /// See what the others do
    ReadOnly,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
            Self::ReadOnly => "read_only",
        }
    }
}

/// Invites somebody; the answer holds the link.
pub(super) async fn invite(api: &Api, tenant: &str, email: &str, role: Role) -> Result<Value, CliError> {
    let path = format!("/v1/admin/tenants/{}/invitations", segment(tenant));
    let body = json!({ "email": email, "role": role.name() });
    api.post(&path, &body).await
}

/// A link, as people are told of it.
pub(super) fn told(answer: &Value) -> String {
    let link = answer.get("link").and_then(Value::as_str).unwrap_or_default();
    format!("Send this link to the person; it works once:\n{link}\n")
}

pub(super) async fn run(command: UserCommand) -> Result<ExitCode, CliError> {
    match command {
        UserCommand::Invite {
            tenant,
            email,
            role,
            admin,
        } => {
            let answer = invite(&Api::admin(&admin)?, &tenant, &email, role).await?;
            output::answer(&answer, admin.json, told)?;
        }
        UserCommand::ResetPassword { email, admin } => {
            let body = json!({ "email": email });
            let path = "/v1/admin/password-resets";
            let answer = Api::admin(&admin)?.post(path, &body).await?;
            output::answer(&answer, admin.json, told)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
