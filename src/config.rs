//! Settings: compiled-in defaults, then a file, then the environment; read once at the start and checked as a whole.
//!
//! `config.default.toml` is both the documentation and the source of every default. Everything wrong is reported at
//! once, each problem with the source that it came from.

pub mod accounts;
pub mod audit;
pub mod broadcasts;
mod error;
pub mod imports;
pub mod limits;
mod load;
pub mod mail;
pub mod media;
pub mod payments;
mod production;
mod proxies;
pub mod retention;
mod secret_files;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod units;
pub mod unknown;
pub mod url;
pub mod whatsapp;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::domain::quota::{Quota, QuotaLimits};

pub use accounts::{AccountsConfig, SignUp};
pub use audit::AuditConfig;
pub use broadcasts::BroadcastsConfig;
pub use error::{ConfigError, Problem};
pub use imports::ImportsConfig;
pub use limits::LimitsConfig;
pub(crate) use load::strangers as strangers_among;
pub use mail::{MailConfig, MailTls, MailTransport, Sender};
pub use media::{MediaBackend, MediaConfig};
pub use payments::{LinkTemplate, PaymentsConfig, Plan, Plans};
pub use production::Mode;
pub use proxies::Network;
pub use retention::RetentionConfig;
pub use secret_files::readable_by_others;
pub use server::ServerConfig;
pub use store::{Backend, Damaged, StoreConfig};
pub use telemetry::{LogFormat, LogLevel, TelemetryConfig};
pub use units::ByteSize;
pub use unknown::UnknownConfig;
pub use url::{BaseUrl, Origin, is_no_name};
pub use whatsapp::{AppConfig, WhatsappConfig};

/// The documented defaults, as the file that ships.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Reads a file of settings. A pipe would be waited for until somebody writes to it, and a device is no settings.
pub fn read_regular(path: &std::path::Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.is_file() {
        return std::fs::read_to_string(path);
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidInput,
        "it is not a regular file",
    ))
}

/// All settings. Secrets stay masked in `Debug` and when serialized.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// Where history is kept.
    pub store: StoreConfig,
    /// Meta's side.
    pub whatsapp: WhatsappConfig,
    /// Bounds of queues and rates.
    pub limits: LimitsConfig,
    /// Deadlines of unknown outcomes.
    pub unknown: UnknownConfig,
    /// How long messages are kept.
    pub retention: RetentionConfig,
    /// People who sign in.
    pub accounts: AccountsConfig,
    /// Who did what.
    pub audit: AuditConfig,
    /// Imports of contacts.
    pub imports: ImportsConfig,
    /// When broadcasts are paused by themselves.
    pub broadcasts: BroadcastsConfig,
    /// E-mail.
    pub mail: MailConfig,
    /// Files of customers and of the business.
    pub media: MediaConfig,
    /// The payment provider.
    pub payments: PaymentsConfig,
    /// What businesses may buy.
    pub plans: Plans,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// A sentence for each file with a secret that other users of the machine can read.
    #[serde(skip)]
    exposed: Vec<String>,
}

impl Config {
    /// Reads the defaults, the file if one is given, and this process's environment.
    pub fn load(file: Option<&std::path::Path>) -> Result<Self, ConfigError> {
        let text = file
            .map(|path| {
                read_regular(path).map_err(|source| ConfigError::Unreadable {
                    path: path.display().to_string(),
                    source,
                })
            })
            .transpose()?;
        let name = file.map(|path| path.display().to_string()).unwrap_or_default();
        load::load(
            text.as_deref().map(|text| load::SettingsFile {
                name: &name,
                text,
                path: file,
            }),
            std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// A sentence for each variable of this process's environment that begins with `MESEJ_` and that nothing reads.
    pub fn strangers() -> Vec<String> {
        strangers_among(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
    }

    /// A sentence for each setting that can be and is hardly meant.
    pub fn doubts(&self) -> Vec<String> {
        let url = self.server.public_url.as_ref().filter(|url| !url.is_private());
        url.map(|url| {
            format!(
                "`server.public_url` is {url}: over plain http everybody on the way reads the keys that callers show, and Meta \
                 posts webhooks to https alone"
            )
        })
        .into_iter()
        .chain(self.unread_mails())
        .chain(self.exposed.iter().cloned())
        .collect()
    }

    /// What each quota is for a tenant for which nothing else was set.
    pub fn quotas(&self) -> QuotaLimits {
        let of = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        QuotaLimits::by_default(|quota| match quota {
            Quota::Sockets => of(self.limits.sockets_per_tenant),
            Quota::Tickets => of(self.limits.tickets_per_tenant),
            Quota::RequestsPerS => u64::from(self.limits.tenant_requests_per_s),
            Quota::Backlog => of(self.limits.tenant_backlog),
            Quota::Agents => u64::from(self.accounts.members_per_team),
            Quota::Storage => self.limits.storage_per_tenant.get(),
        })
    }

    fn unread_mails(&self) -> Option<String> {
        let is_in_vain =
            self.accounts.sign_up != SignUp::Closed && self.mail.transport == MailTransport::Folder;
        is_in_vain.then(|| {
            "`accounts.sign_up` lets people sign up, and `mail.transport` is \"folder\": nobody gets the link that is needed for it"
                .to_owned()
        })
    }

    /// The compiled-in defaults alone.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::from_sources(None, [])
    }

    /// Reads the defaults, then a file given by name and text, then environment variables.
    pub fn from_sources(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let file = file.map(|(name, text)| load::SettingsFile {
            name,
            text,
            path: None,
        });
        load::load(file, environment)
    }

    /// The settings in force as TOML, with secrets masked.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|source| ConfigError::Unwritable(source.to_string()))
    }

    fn check(&self, problems: &mut error::Problems) {
        self.server.check(problems);
        self.store.check(problems);
        self.whatsapp.check(problems);
        self.limits.check(problems);
        self.unknown.check(problems);
        self.accounts.check(problems);
        self.retention.check(problems);
        self.audit.check(problems);
        self.imports.check(problems);
        self.broadcasts.check(problems);
        self.mail.check(problems);
        self.media.check(problems);
        self.payments.check(problems);
        self.plans.check(problems);
        if self.mail.transport == MailTransport::Smtp && self.server.public_url.is_none() {
            problems.add(
                "server.public_url",
                "must be set when `mail.transport` is \"smtp\": links in mails lead there",
            );
        }
        self.check_production(problems);
    }
}
