//! What is refused in production: settings that are fine for trying out and unsafe with customers' data.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::accounts::SignUp;
use super::error::Problems;
use super::mail::MailTransport;
use super::{Backend, Config};

/// What a gateway is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Trying out and developing: what is doubtful is told.
    Development,
    /// Customers: what is doubtful is refused.
    Production,
}

/// Whoever has the operator's token has every tenant.
const SHORTEST_ADMIN_TOKEN: usize = 24;
/// Meta's have as many.
const SHORTEST_APP_SECRET: usize = 32;
const SHORTEST_VERIFY_TOKEN: usize = 16;
const SHORTEST_PASSWORD: usize = 12;
/// Amazon's have 40, those of other services less.
const SHORTEST_S3_KEY: usize = 16;
/// Fewer different characters are a pattern, not a secret.
const FEWEST_CHARACTERS: usize = 8;
/// Parts of what examples, this project's and others', put in place of a secret.
const EXAMPLES: [&str; 9] = [
    "0123456789abcdef",
    "abcdefghijkl",
    "anything that is hard to guess",
    "simulated-",
    "change-me",
    "changeme",
    "password",
    "secret-token",
    "example",
];

impl Config {
    /// Whether doubtful settings are refused.
    pub fn is_production(&self) -> bool {
        self.server.mode == Mode::Production
    }

    pub(super) fn check_production(&self, problems: &mut Problems) {
        if !self.is_production() {
            return;
        }
        self.check_listeners(problems);
        self.check_secrets(problems);
        if self.store.backend == Backend::Memory {
            problems.add(
                "store.backend",
                refused("must not be \"memory\", which keeps nothing"),
            );
        }
        let in_the_clear = self.server.public_url.as_ref().filter(|url| !url.is_private());
        if in_the_clear.is_some() {
            problems.add("server.public_url", refused("must be https"));
        }
        if self.accounts.providers_on_this_machine {
            problems.add(
                "accounts.providers_on_this_machine",
                refused("must be false: tenants would have this machine called"),
            );
        }
        if self.accounts.sign_up == SignUp::Open && self.mail.transport == MailTransport::Folder {
            problems.add(
                "accounts.sign_up",
                refused("must not be \"open\" while `mail.transport` is \"folder\": nobody gets the link that they sign up with"),
            );
        }
        for exposed in &self.exposed {
            problems.add("server.mode", format!("is \"production\", and {exposed}"));
        }
    }

    fn check_listeners(&self, problems: &mut Problems) {
        let server = &self.server;
        let is_open = |address: &SocketAddr| !address.ip().is_loopback() && !server.has_tls();
        let needs_tls = "must be a loopback address, or needs `server.tls_certificate`: nothing is spoken in the clear to others";
        if is_open(&server.listen) {
            problems.add("server.listen", refused(needs_tls));
        }
        match &server.admin_listen {
            None => problems.add(
                "server.admin_listen",
                refused("must be set, such as \"127.0.0.1:8081\": `/v1/admin` and `/metrics` are not for everybody"),
            ),
            Some(address) if is_open(address) => {
                problems.add("server.admin_listen", refused(needs_tls));
            }
            Some(_) => {}
        }
    }

    fn check_secrets(&self, problems: &mut Problems) {
        let mut check = |key: String, secret: &SecretString, least: usize| {
            if let Some(weakness) = weakness(secret.expose_secret(), least) {
                problems.add(key, refused(&weakness));
            }
        };
        if let Some(token) = &self.server.admin_token {
            check("server.admin_token".to_owned(), token, SHORTEST_ADMIN_TOKEN);
        }
        if let Some(password) = &self.store.password {
            check("store.password".to_owned(), password, SHORTEST_PASSWORD);
        }
        if let Some(password) = &self.mail.password {
            check("mail.password".to_owned(), password, SHORTEST_PASSWORD);
        }
        if let Some(key) = &self.media.s3_secret_key {
            check("media.s3_secret_key".to_owned(), key, SHORTEST_S3_KEY);
        }
        for (at, secret) in self.payments.webhook_secrets.iter().enumerate() {
            check(
                format!("payments.webhook_secrets[{at}]"),
                secret,
                SHORTEST_APP_SECRET,
            );
        }
        for (index, app) in self.whatsapp.apps.iter().enumerate() {
            let key = format!("whatsapp.apps[{index}]");
            for (at, secret) in app.app_secrets.iter().enumerate() {
                check(format!("{key}.app_secrets[{at}]"), secret, SHORTEST_APP_SECRET);
            }
            check(
                format!("{key}.verify_token"),
                &app.verify_token,
                SHORTEST_VERIFY_TOKEN,
            );
        }
    }
}

fn refused(why: &str) -> String {
    format!("{why} (`server.mode` is \"production\")")
}

/// Why a secret could be guessed.
fn weakness(secret: &str, least: usize) -> Option<String> {
    let lower = secret.to_ascii_lowercase();
    if secret.len() < least {
        Some(format!("must have at least {least} characters"))
    } else if lower.chars().collect::<BTreeSet<_>>().len() < FEWEST_CHARACTERS {
        Some(format!(
            "must have at least {FEWEST_CHARACTERS} different characters"
        ))
    } else if EXAMPLES.iter().any(|example| lower.contains(example)) {
        Some("must not be an example's: make one with `openssl rand -hex 32`".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Settings that are good for production, line by line.
    const GOOD: [&str; 6] = [
        "[server]",
        "mode = \"production\"",
        "listen = \"127.0.0.1:8080\"",
        "admin_listen = \"127.0.0.1:8081\"",
        "admin_token = \"f3b1c9d07a4e58621d0f9b7c\"",
        "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"9e107d9d372bb6826bd81d3542a419d6\"]\n\
         verify_token = \"4ad1f6c02be98735\"",
    ];

    fn problems(extra: &str, without: &str) -> String {
        let mut lines: Vec<&str> = GOOD
            .into_iter()
            .filter(|line| without.is_empty() || !line.starts_with(without))
            .collect();
        lines.insert(1, extra);
        let loaded = Config::from_sources(Some(("mesej.toml", &lines.join("\n"))), []);
        loaded.map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn what_is_good_is_not_refused_and_development_refuses_nothing_of_it() {
        assert_eq!(problems("", ""), "");
        let tls = "tls_certificate = \"c.pem\"\ntls_key = \"k.pem\"\nlisten = \"0.0.0.0:443\"";
        assert_eq!(problems(tls, "listen"), "");
        let loose = "[server]\nlisten = \"0.0.0.0:80\"\nadmin_token = \"0123456789abcdef\"\n[store]\nbackend = \"memory\"";
        assert!(Config::from_sources(Some(("mesej.toml", loose)), []).is_ok());
    }

    #[test]
    fn what_is_unsafe_is_refused_with_its_setting() {
        let app = |secret: &str, token: &str| {
            format!(
                "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"{secret}\"]\nverify_token = \"{token}\"\n[server]"
            )
        };
        let good_token = "4ad1f6c02be98735";
        for (extra, without, told) in [
            (
                "listen = \"0.0.0.0:8080\"",
                "listen",
                "`server.listen` must be a loopback address, or needs `server.tls_certificate`",
            ),
            ("", "admin_listen", "`server.admin_listen` must be set"),
            (
                "admin_listen = \"10.0.0.1:8081\"",
                "admin_listen",
                "`server.admin_listen` must be a loopback address",
            ),
            (
                "admin_token = \"16-characters-ok\"",
                "admin_token",
                "`server.admin_token` must have at least 24 characters",
            ),
            (
                "admin_token = \"abababababababababababababab\"",
                "admin_token",
                "`server.admin_token` must have at least 8 different characters",
            ),
            (
                "admin_token = \"Please-ChangeMe-1234567890\"",
                "admin_token",
                "`server.admin_token` must not be an example's",
            ),
            (
                "public_url = \"http://mesej.example.com\"",
                "",
                "`server.public_url` must be https",
            ),
        ] {
            let found = problems(extra, without);
            assert!(found.contains(told), "{told}: {found}");
            assert!(found.starts_with("the configuration has a problem:"), "{found}");
            assert!(found.contains("`server.mode` is \"production\""), "{found}");
        }
        for (app, told) in [
            (
                app("0123456789abcdef0123456789abcdef", good_token),
                "`whatsapp.apps[0].app_secrets[0]` must not be an example's",
            ),
            (
                app("9e107d9d372bb6826bd8", good_token),
                "`whatsapp.apps[0].app_secrets[0]` must have at least 32 characters",
            ),
            (
                app("9e107d9d372bb6826bd81d3542a419d6", "verify me"),
                "`whatsapp.apps[0].verify_token` must have at least 16 characters",
            ),
        ] {
            let lines = [&app, GOOD[1], GOOD[2], GOOD[3], GOOD[4]].map(|line: &str| line.to_owned());
            let found = Config::from_sources(Some(("mesej.toml", &lines.join("\n"))), [])
                .unwrap_err()
                .to_string();
            assert!(found.contains(told), "{told}: {found}");
        }
        let memory =
            GOOD.join("\n") + "\n[store]\nbackend = \"memory\"\nuser = \"mesej\"\npassword = \"mesej\"";
        let found = Config::from_sources(Some(("mesej.toml", &memory)), [])
            .unwrap_err()
            .to_string();
        assert!(
            found.contains("`store.backend` must not be \"memory\""),
            "{found}"
        );
        assert!(
            found.contains("`store.password` must have at least 12"),
            "{found}"
        );
        let inside = GOOD.join("\n") + "\n[accounts]\nproviders_on_this_machine = true";
        let found = Config::from_sources(Some(("mesej.toml", &inside)), [])
            .unwrap_err()
            .to_string();
        assert!(
            found.contains("`accounts.providers_on_this_machine` must be false"),
            "{found}"
        );
    }

    #[test]
    fn an_open_sign_up_whose_links_reach_nobody_is_refused() {
        let open = "sign_up = \"open\"";
        let smtp = "[mail]\ntransport = \"smtp\"\nhost = \"127.0.0.1\"\nfrom = \"Mesej <mesej@example.com>\"\ntls = \"none\"";
        let load = |accounts: &str, mail: &str| {
            let url = "public_url = \"https://mesej.example.com\"";
            let mut lines = GOOD.to_vec();
            lines.insert(1, url);
            let settings = format!("{}\n[accounts]\n{accounts}\n{mail}", lines.join("\n"));
            Config::from_sources(Some(("mesej.toml", &settings)), [])
                .map_or_else(|error| error.to_string(), |_| String::new())
        };
        let told = "`accounts.sign_up` must not be \"open\" while `mail.transport` is \"folder\"";
        let refused = load(open, "");
        assert!(refused.contains(told), "{refused}");
        assert_eq!(load(open, smtp), "");
        assert_eq!(load("sign_up = \"closed\"", ""), "");
    }

    #[test]
    fn every_secret_of_the_settings_is_checked_when_it_is_weak() {
        let weak = GOOD
            .join("\n")
            .replace("f3b1c9d07a4e58621d0f9b7c", "aaaaaaaaaaaaaaaa")
            .replace("9e107d9d372bb6826bd81d3542a419d6", "aaaaaaaaaaaaaaaa")
            .replace("4ad1f6c02be98735", "aaaaaaaa")
            + "\n[store]\nuser = \"mesej\"\npassword = \"aaaaaaaa\"\n[mail]\nuser = \"mesej\"\npassword = \"aaaaaaaa\"\n\
               [media]\ns3_access_key = \"AKIA\"\ns3_secret_key = \"aaaaaaaa\"\n\
               [payments]\nwebhook_secrets = [\"aaaaaaaaaaaaaaaaaaaaaaaa\"]";
        let told = Config::from_sources(Some(("mesej.toml", &weak)), [])
            .unwrap_err()
            .to_string();
        // Each field of a secret, from the declarations of the settings.
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
        let mut secrets = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "rs") {
                continue;
            }
            let page = std::fs::read_to_string(&path).unwrap();
            let fields = page
                .lines()
                .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
            for (field, _) in fields.filter(|(_, kind)| kind.contains("SecretString")) {
                let line = told.lines().find(|line| {
                    line.contains(&format!("{field}`")) || line.contains(&format!("{field}[0]`"))
                });
                assert!(
                    line.is_some_and(|line| line.contains("must have at least")),
                    "{field}: {told}"
                );
                secrets += 1;
            }
        }
        assert_eq!(secrets, 7, "a secret has another type");
    }

    #[test]
    fn a_secrets_file_that_everybody_reads_is_refused() {
        // Open to everybody, as what is above it.
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "f3b1c9d07a4e58621d0f9b7c\n").unwrap();
        let token = format!("admin_token = \"file:{}\"", file.display());
        for (mode, told) in [
            (0o600, ""),
            (0o640, ""),
            (0o644, "every user of this machine can read"),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = problems(&token, "admin_token");
            assert!(
                found.contains(told) && found.is_empty() == told.is_empty(),
                "{found}"
            );
        }
    }

    #[test]
    fn settings_with_secrets_that_everybody_reads_are_refused() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = folder.path().join("mesej.toml");
        std::fs::write(&file, GOOD.join("\n")).unwrap();
        let load = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            Config::load(Some(&file))
        };
        assert!(load(0o640).is_ok());
        let told = load(0o644).unwrap_err().to_string();
        assert!(
            told.contains("every user of this machine can read")
                && told.contains("`server.admin_token`")
                && told.contains("`chmod o= "),
            "{told}"
        );
    }
}
