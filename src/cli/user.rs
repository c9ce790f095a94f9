//! `mesej user`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin::{Api, segment};
use super::values::{email, role_parser};
use super::{AdminArgs, CliError, output};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Invite somebody into a tenant's team; the link is printed and works once
    ///
    /// Send the link to the person: whoever opens it sets a password and is in. It ends after the time that the server's settings
    /// give (a week unless changed). Members with the role owner or admin invite
    /// others themselves, in the console.
    #[command(
        after_help = "Example:\n  mesej user invite 00c0ffee00c0ffee --email ana@example.com --role owner"
    )]
    Invite {
        /// The tenant's id
        tenant: String,
        /// Who is invited
        #[arg(long, value_parser = email)]
        email: EmailAddress,
        /// As what
        #[arg(long, value_parser = role_parser())]
        role: Role,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Invite a business to open an account by itself; the link is printed and works once
    ///
    /// With an address it goes there by e-mail, too, and nobody else can use it. The server's `accounts.sign_up` must be "invitation" or
    /// "open".
    #[command(after_help = "Example:\n  mesej user invite-business --email ana@example.com")]
    InviteBusiness {
        /// Whom it is for
        #[arg(long, value_parser = email)]
        email: Option<EmailAddress>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print a link by which somebody sets a new password; it works once
    ///
    /// It ends after the time that the server's settings give for invitations (a week unless changed).
    #[command(after_help = "Example:\n  mesej user reset-password ana@example.com")]
    ResetPassword {
        /// The address that the person signs in with
        #[arg(value_parser = email)]
        email: EmailAddress,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Remove the second factor of somebody who lost the app and the recovery codes
    ///
    /// All sessions of the person end; signing in asks for the password alone until a new second factor is turned on. Make sure that
    /// it is the person who asks.
    #[command(after_help = "Example:\n  mesej user remove-second-factor ana@example.com")]
    RemoveSecondFactor {
        /// The address that the person signs in with
        #[arg(value_parser = email)]
        email: EmailAddress,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Print everything that is kept of a user, as JSON
    ///
    /// For somebody who asks for it and cannot sign in; others get it in the console. What would let somebody in is left out.
    #[command(after_help = "Example:\n  mesej user export ana@example.com > ana.json")]
    Export {
        /// The address that the person signs in with
        #[arg(value_parser = email)]
        email: EmailAddress,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Erase a user's account; it cannot be undone
    ///
    /// The person leaves all teams, is signed out everywhere, and every row about the account is removed. Conversations that were
    /// assigned to the person are assigned to nobody; what the person wrote stays with the business, without a name. Refused while
    /// the person is the only owner of a team.
    #[command(after_help = "Example:\n  mesej user erase ana@example.com")]
    Erase {
        /// The address that the person signs in with
        #[arg(value_parser = email)]
        email: EmailAddress,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Invites somebody; the answer holds the link.
pub(super) async fn invite(
    api: &Api,
    tenant: &str,
    email: &EmailAddress,
    role: Role,
) -> Result<Value, CliError> {
    let path = format!("/v1/admin/tenants/{}/invitations", segment(tenant));
    let body = json!({ "email": email, "role": role });
    api.post(&path, &body).await
}

/// A link, as people are told of it.
pub(super) fn told(answer: &Value) -> String {
    let link = answer.get("link").and_then(Value::as_str).unwrap_or_default();
    let mailed = answer.get("mailed").and_then(Value::as_bool) == Some(true);
    let to_do = if mailed {
        "This link is on its way by e-mail"
    } else {
        "Send this link to the person"
    };
    let until = answer.get("expires").and_then(Value::as_i64).map(output::moment);
    let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
    format!("{to_do}; it works once{until}:\n{link}\n")
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
        UserCommand::InviteBusiness { email, admin } => {
            let body = json!({ "email": email });
            let path = "/v1/admin/sign-up-invitations";
            let answer = Api::admin(&admin)?.post(path, &body).await?;
            output::answer(&answer, admin.json, told)?;
        }
        UserCommand::ResetPassword { email, admin } => {
            let body = json!({ "email": email });
            let path = "/v1/admin/password-resets";
            let answer = Api::admin(&admin)?.post(path, &body).await?;
            output::answer(&answer, admin.json, told)?;
        }
        UserCommand::RemoveSecondFactor { email, admin } => {
            let body = json!({ "email": email });
            let path = "/v1/admin/second-factor-removals";
            let answer = Api::admin(&admin)?.post(path, &body).await?;
            output::answer(&answer, admin.json, |_| {
                format!("{} signs in with the password alone now\n", email.as_str())
            })?;
        }
        UserCommand::Export { email, admin } => {
            let body = json!({ "email": email });
            let answer = Api::admin(&admin)?.post("/v1/admin/users/export", &body).await?;
            output::answer(&answer, admin.json, |answer| format!("{answer:#}\n"))?;
        }
        UserCommand::Erase { email, admin } => {
            let body = json!({ "email": email });
            let answer = Api::admin(&admin)?.post("/v1/admin/users/erase", &body).await?;
            output::answer(&answer, admin.json, |_| format!("erased {}\n", email.as_str()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
