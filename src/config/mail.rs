//! How the gateway sends e-mail.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::optional_secret;
use crate::domain::display_name::{is_one_line, shows};
use crate::domain::email::EmailAddress;

/// Section `mail`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// Where mails go.
    pub transport: MailTransport,
    /// Days for which mails in the folder are kept.
    pub folder_kept_days: u32,
    /// Whose mails they are.
    pub from: Sender,
    /// The SMTP server.
    pub host: String,
    /// Its port; 0 is the usual one of `tls`.
    pub port: u16,
    /// How the connection to it is kept from others.
    pub tls: MailTls,
    /// Who signs in to the server; empty for one that does not ask.
    pub user: String,
    /// The user's password.
    #[serde(with = "optional_secret")]
    pub password: Option<SecretString>,
    /// A file of certificates that vouch for the server; empty for those of the machine.
    pub tls_ca: PathBuf,
}

/// Where mails go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Into files beside the data.
    Folder,
    /// To an SMTP server.
    Smtp,
}

/// How the connection to an SMTP server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from the first byte.
    Implicit,
    /// TLS before anything is said, or nothing is.
    Starttls,
    /// Not at all: for a server on this machine.
    None,
}

impl MailTls {
    const fn usual_port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::Starttls => 587,
            Self::None => 25,
        }
    }
}

/// Whose mails they are: a name, which may be empty, and an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sender {
    /// What mail programs show.
    pub name: String,
    /// Where answers go.
    pub email: EmailAddress,
}

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str =
            "must be an address such as \"mesej@example.com\" or \"Mesej <mesej@example.com>\"";
        let named = text
            .trim()
            .strip_suffix('>')
            .and_then(|text| text.split_once('<'));
        let (name, email) = named.unwrap_or(("", text));
        let name = name.trim();
        let is_good = name.is_empty() || (is_one_line(name) && shows(name));
        let email = email.parse::<EmailAddress>().ok().filter(|_| is_good);
        let email = email.ok_or(RULE)?;
        Ok(Self {
            name: name.to_owned(),
            email,
        })
    }
}

impl TryFrom<String> for Sender {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Sender> for String {
    fn from(sender: Sender) -> Self {
        let Sender { name, email } = sender;
        if name.is_empty() {
            email.into()
        } else {
            format!("{name} <{}>", email.as_str())
        }
    }
}

impl MailConfig {
    /// How long mails in the folder are kept.
    pub const fn folder_kept(&self) -> Duration {
        Duration::from_hours(24).saturating_mul(self.folder_kept_days)
    }

    /// The server's port.
    pub const fn port(&self) -> u16 {
        match self.port {
            0 => self.tls.usual_port(),
            port => port,
        }
    }

    /// Whether the server is on this machine.
    fn is_here(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("mail.folder_kept_days", self.folder_kept_days, 1..=365);
        if self.password.is_some() && self.user.is_empty() {
            problems.add("mail.password", "needs `mail.user`");
        }
        if self.transport == MailTransport::Folder {
            return;
        }
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        if self.host.is_empty() || !self.host.chars().all(is_host) {
            problems.add(
                "mail.host",
                "must name the server, such as \"smtp.example.com\", when `mail.transport` is \"smtp\"",
            );
        } else if self.tls == MailTls::None && !self.is_here() {
            problems.add(
                "mail.tls",
                "must be \"starttls\" or \"implicit\", unless the server is on this machine: mails hold links that open accounts",
            );
        }
        if self.from.email.as_str().ends_with(".invalid") {
            problems.add(
                "mail.from",
                "must be an address of yours when `mail.transport` is \"smtp\"",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn load(settings: &str) -> Result<MailConfig, String> {
        let file = format!("[server]\npublic_url = \"https://mesej.example.com\"\n[mail]\n{settings}\n");
        let config = Config::from_sources(Some(("mesej.toml", &file)), []);
        config
            .map(|config| config.mail)
            .map_err(|error| error.to_string())
    }

    const SMTP: &str =
        "transport = \"smtp\"\nfrom = \"Mesej <mesej@example.com>\"\nhost = \"smtp.example.com\"";

    #[test]
    fn a_server_is_reached_by_tls_at_the_usual_port_unless_it_is_said() {
        let mail = load(SMTP).unwrap();
        assert_eq!((mail.tls, mail.port()), (MailTls::Starttls, 587));
        assert_eq!(mail.from.name, "Mesej");
        for (more, port) in [
            ("tls = \"implicit\"", 465),
            ("tls = \"implicit\"\nport = 2465", 2465),
        ] {
            assert_eq!(load(&format!("{SMTP}\n{more}")).unwrap().port(), port);
        }
        let here = SMTP.replace("smtp.example.com", "127.0.0.1");
        assert_eq!(load(&format!("{here}\ntls = \"none\"")).unwrap().port(), 25);
    }

    #[test]
    fn links_in_mails_that_leave_the_machine_need_an_address_that_others_reach() {
        let error = Config::from_sources(Some(("mesej.toml", &format!("[mail]\n{SMTP}\n"))), []);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("`server.public_url` must be set"), "{error}");
    }

    #[test]
    fn a_link_is_never_shown_to_others_on_the_way() {
        for (settings, told) in [
            (
                format!("{SMTP}\ntls = \"none\""),
                "`mail.tls` must be \"starttls\" or \"implicit\"",
            ),
            (
                "transport = \"smtp\"\nfrom = \"a@example.com\"".to_owned(),
                "`mail.host` must name the server",
            ),
            (
                SMTP.replace("mesej@example.com", "mesej@mesej.invalid"),
                "`mail.from` must be an address of yours",
            ),
            (
                format!("{SMTP}\npassword = \"hush\""),
                "`mail.password` needs `mail.user`",
            ),
            (
                "from = \"Mesej\"".to_owned(),
                "`mail.from` must be an address such as",
            ),
            (
                "from = \"M\\r\\nBcc: a <a@example.com>\"".to_owned(),
                "`mail.from` must be an address such as",
            ),
            (
                "folder_kept_days = 0".to_owned(),
                "`mail.folder_kept_days` must be 1 to 365, not 0",
            ),
            (
                "tls = \"maybe\"".to_owned(),
                "`mail.tls` must be \"implicit\" or \"starttls\" or \"none\"",
            ),
        ] {
            let error = load(&settings).unwrap_err();
            assert!(error.contains(told), "{settings}: {error}");
        }
    }
}
