//! The command line: what can be asked of `mesej`, and its answers.
//!
//! Commands that manage a running server speak to its admin API over HTTP; none of them touches the store. Those that look
//! after a store (`migrate`, `store`) speak to no server.

mod admin;
mod audit;
mod broadcast;
mod check_config;
mod contact;
mod export;
mod health;
mod key;
mod media;
mod message;
mod migrate;
mod number;
mod operator;
mod output;
mod quarantine;
mod serve;
mod simulate;
mod store;
mod tail;
mod template;
mod tenant;
mod usage;
mod user;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The gateway did not start, or ended in disorder.
    #[error(transparent)]
    App(#[from] crate::app::AppError),
    /// The server said no.
    #[error("{message} ({code})")]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
    /// A file that was named cannot be used.
    #[error("cannot use {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// There is no data folder that could have lost something.
    #[error(
        "--accept-loss is for a data folder, and `store.backend` is \"{0}\": start without it; a cluster is mended with its \
         own tools, and after its restore `claims-ahead` is to be removed from `store.path`"
    )]
    NothingToAccept(&'static str),
    /// The simulator does not start.
    #[error(transparent)]
    Simulator(#[from] mesej_simulator::SimulatorError),
    /// Nobody would be let in.
    #[error(
        "no operator's token: give one that `mesej operator create` made, or the value of the server's `server.admin_token`, in \
         MESEJ_ADMIN_TOKEN (or --admin-token)"
    )]
    NoAdminToken,
    /// Not where a server can be.
    #[error("{0:?} is no address such as \"https://mesej.example.com\": MESEJ_URL or --url names the server")]
    Address(String),
    /// The token would travel in the clear.
    #[error(
        "{0} is another machine, and over plain http everybody on the way reads the token: use https, or --insecure-http \
         (MESEJ_INSECURE_HTTP=1) on a network of your own"
    )]
    PlainHttp(String),
    /// No answer.
    #[error("no answer from {url}: {reason}; does the server run there? MESEJ_URL or --url names another")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// An answer that makes no sense: another program, or another version.
    #[error("{url} answered what mesej does not understand: {reason}")]
    Unexpected {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// A tenant was created, and its first owner was not invited.
    #[error(
        "the tenant {tenant} was created, but its owner was not invited: {why}; do not create it again, but run `mesej user invite \
         {tenant} --email EMAIL --role owner`"
    )]
    OwnerNotInvited {
        /// The tenant.
        tenant: String,
        /// What failed.
        why: Box<CliError>,
    },
    /// The answer could not be printed, or signals cannot be waited for.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// A WhatsApp messaging gateway: webhooks in, agents on WebSockets, sends out at the rate that each number allows.
#[derive(Debug, Parser)]
#[command(name = "mesej", version, arg_required_else_help = true, after_help = FIRST_STEPS)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const FIRST_STEPS: &str = "\
First steps with a number of your own (the server runs, MESEJ_ADMIN_TOKEN is set):
  mesej tenant create --name 'Toko Maju'
  mesej number add TENANT --phone-number-id ID --waba-id ID --display-phone-number '+62 812 3456' --app main
  mesej number check TENANT ID
  mesej key create TENANT --name inbox --scope send --scope read --scope agents
  mesej tail --key KEY";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    ///
    /// Reads its settings as check-config shows them. Ends in order on SIGTERM or Ctrl-C; a kill is safe, too.
    #[command(
        after_help = "Examples:\n  mesej serve\n  mesej serve --config /etc/mesej.toml\n  \
                            MESEJ_STORE__PATH=/var/lib/mesej mesej serve"
    )]
    Serve(RunArgs),
    /// Run the gateway beside a Meta in a box: customers write, you answer, no account needed
    ///
    /// Prints what to open and what to type. The data stays in store.path; the next start goes on with it.
    #[command(after_help = "Examples:\n  mesej demo\n  MESEJ_SERVER__LISTEN=127.0.0.1:8081 mesej demo")]
    Demo(serve::DemoArgs),
    /// Show the settings in force, or everything that is wrong with them
    ///
    /// Reads the compiled-in defaults, then the file, then the environment, as the server would, and prints the result
    /// as TOML with secrets masked. Ends with 1 when something is wrong.
    #[command(
        after_help = "Examples:\n  mesej check-config\n  mesej check-config --config /etc/mesej.toml\n  \
                            MESEJ_SERVER__LISTEN=0.0.0.0:8080 mesej check-config"
    )]
    CheckConfig(ConfigArgs),
    /// Bring a cluster's schema up to date, or show where it stands (store.backend = "scylla")
    ///
    /// May be run any number of times, and by several processes at once: one does the work, the others wait for it.
    #[command(after_help = "Examples:\n  mesej migrate --status\n  mesej migrate --dry-run\n  mesej migrate")]
    Migrate(migrate::MigrateArgs),
    /// Ask a running server whether it lives, for a container's health check
    ///
    /// Ends with 1 when it does not, within five seconds.
    #[command(after_help = "Examples:\n  mesej health\n  mesej health --ready")]
    Health(health::HealthArgs),
    /// Simulate Meta: Graph, webhooks, customers who write by themselves, and faults
    Simulate(simulate::SimulateArgs),
    /// Create, list and show tenants, the businesses that share this server
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Show what a tenant used, by day or hour
    Usage(usage::UsageArgs),
    /// Add, list and check WhatsApp numbers
    #[command(subcommand)]
    Number(number::NumberCommand),
    /// List, check and look up message templates
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Import, export and merge a tenant's contacts
    #[command(subcommand)]
    Contact(contact::ContactCommand),
    /// Send messages from a file; list those that are scheduled, and take them back
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Plan, launch, watch and end broadcasts
    #[command(subcommand)]
    Broadcast(broadcast::BroadcastCommand),
    /// Invite people into a tenant's team, and help those who forgot their password
    #[command(subcommand)]
    User(user::UserCommand),
    /// Add, list and revoke operators, who look after the gateway
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    /// Read, verify and export the audit log: who did what
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Copy everything from one kind of store to another (neither may be in use)
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Print a tenant's events as they happen
    Tail(tail::TailArgs),
    /// Look at webhooks that could not be applied, and try them again
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// Show how many files there are; remove those that nobody needs
    #[command(subcommand)]
    Media(media::MediaCommand),
}

/// Where settings come from.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// A file of settings; see config.default.toml for every key
    #[arg(long, env = "MESEJ_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How the gateway is started.
#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    settings: ConfigArgs,
    /// Go on with what is left of a data folder that lost something, or with a backup; for one start only
    ///
    /// What is missing is told. Agents load everything afresh, and messages that waited to be sent are unknown, since they
    /// may have been sent in what is lost (docs/operations.md).
    #[arg(long)]
    accept_loss: bool,
}

/// How a running server is reached with a tenant's key.
#[derive(Debug, Args)]
struct KeyArgs {
    /// Where the server listens
    #[arg(
        long,
        env = "MESEJ_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    url: String,
    /// An API key of the tenant: with the scope `read`, `send` for what changes something, `agents` and `read` for `tail`
    #[arg(long, env = "MESEJ_KEY", hide_env_values = true)]
    key: SecretString,
    #[command(flatten)]
    plain: PlainHttp,
}

impl KeyArgs {
    fn api(&self) -> Result<admin::Api, CliError> {
        admin::Api::with_token(&self.url, self.key.clone(), self.plain)
    }
}

/// How a running server is reached.
#[derive(Debug, Args)]
struct AdminArgs {
    /// Where the server listens
    #[arg(
        long,
        env = "MESEJ_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    url: String,
    /// An operator's token, or the server's `server.admin_token`
    #[arg(long, env = "MESEJ_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    admin_token: Option<SecretString>,
    #[command(flatten)]
    plain: PlainHttp,
    /// Print the answer as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Whether a token may travel in the clear.
#[derive(Debug, Clone, Copy, Default, Args)]
struct PlainHttp {
    /// Show the token to another machine over plain http, where everybody on the way reads it
    #[arg(
        long,
        env = "MESEJ_INSECURE_HTTP",
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    insecure_http: bool,
}

/// An error with its causes, as one sentence. A cause whose words its error repeats is not said twice; the outermost alone
/// ("error sending request") often helps nobody.
pub fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

/// Does what the command line asks for. The exit code says whether the answer was good.
pub async fn run(cli: Cli) -> Result<ExitCode, CliError> {
    crate::app::keep_private();
    match cli.command {
        Command::Serve(args) => serve::serve(&args).await,
        Command::Demo(args) => serve::demo(&args).await,
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Migrate(args) => migrate::run(&args).await,
        Command::Health(args) => health::run(&args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Tenant(command) => tenant::run(command).await,
        Command::Usage(args) => usage::run(args).await,
        Command::Number(command) => number::run(command).await,
        Command::Template(command) => template::run(command).await,
        Command::Key(command) => key::run(command).await,
        Command::Contact(command) => contact::run(command).await,
        Command::Message(command) => message::run(command).await,
        Command::Broadcast(command) => broadcast::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Operator(command) => operator::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Store(command) => store::run(command).await,
        Command::Tail(args) => tail::run(args).await,
        Command::Quarantine(command) => quarantine::run(command).await,
        Command::Media(command) => media::run(command).await,
    }
}
