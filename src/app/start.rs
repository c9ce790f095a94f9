//! The first things that are tried and told: the address, where the store is, and what the settings leave out.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::AppError;
use crate::api::{Listeners, PairFiles, Tls};
use crate::config::{Backend, Config, MailTransport, Mode};
use crate::domain::clock::EARLIEST;
use crate::domain::{Clock, PhoneNumberId, Timestamp, quantity};

/// Takes an address that a setting names.
fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).map_err(|error| {
        let help = match error.kind() {
            ErrorKind::AddrInUse => format!(": end what listens there, or name another port in `{setting}`"),
            ErrorKind::PermissionDenied => {
                format!(": ports below 1024 take a privilege; name another in `{setting}`")
            }
            ErrorKind::AddrNotAvailable => {
                format!(": `{setting}` must be an address of this machine, or 0.0.0.0 for all of them")
            }
            _ => String::new(),
        };
        let reason = format!("{error}{help}");
        AppError::Listen { address, reason }
    })
}

/// Reads the certificate that clients are shown, if there is one.
pub(super) fn tls(config: &Config, now: Timestamp) -> Result<Option<Tls>, AppError> {
    let files = PairFiles {
        certificate: config.server.tls_certificate.clone(),
        key: config.server.tls_key.clone(),
        refuses_exposed_key: config.is_production(),
    };
    let tls = config.server.has_tls().then(|| Tls::open(files, now));
    Ok(tls.transpose()?)
}

/// Keeps secrets and messages that are in memory out of core dumps, and from debuggers of the same user. When developing both are wanted.
pub(super) fn keep_memory_private(mode: Mode) {
    if mode != Mode::Production {
        return;
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "what is in memory may be dumped when the process crashes");
    }
}

/// Takes the addresses that the settings name, and reads what clients are shown there.
pub(super) fn listeners(config: &Config, clock: &dyn Clock) -> Result<Listeners, AppError> {
    Ok(Listeners {
        tls: tls(config, clock.now())?,
        public: listen(config.server.listen, "server.listen")?,
        operators: config
            .server
            .admin_listen
            .map(|address| listen(address, "server.admin_listen"))
            .transpose()?,
    })
}

/// Refuses to begin a history by a clock that is certainly wrong: nothing tells of a later time yet.
pub(super) fn check_clock(now: Timestamp) -> Result<(), AppError> {
    if now >= EARLIEST {
        return Ok(());
    }
    let days = EARLIEST.since(now).as_secs().div_ceil(86_400);
    Err(AppError::ClockBehind {
        days: quantity(days, "day"),
    })
}

/// Where the store is, and which setting says so.
pub(super) fn place(config: &Config) -> String {
    match config.store.backend {
        Backend::Fjall => format!("{} (`store.path`)", config.store.path.display()),
        Backend::Scylla => format!(
            "{} (`store.contact_points`)",
            config.store.contact_points.join(", ")
        ),
        Backend::Memory => "memory".to_owned(),
    }
}

/// Where mails go.
fn mail_place(config: &Config) -> String {
    match config.mail.transport {
        MailTransport::Folder => config.store.path.join("mail").display().to_string(),
        MailTransport::Smtp => format!("{}:{}", config.mail.host, config.mail.port()),
    }
}

/// Where a server listens, for the log.
#[derive(Debug)]
pub(super) struct Addresses {
    public: String,
    operators: Option<String>,
}

impl Addresses {
    pub(super) fn of(listeners: &Listeners) -> Self {
        let address = |listener: &TcpListener| {
            listener
                .local_addr()
                .map_or_else(|_| String::new(), |address| address.to_string())
        };
        Self {
            public: address(&listeners.public),
            operators: listeners.operators.as_ref().map(address),
        }
    }
}

/// Says in the log what runs here, and what will not work.
pub(super) fn tell(config: &Config, listeners: &Addresses) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = listeners.public,
        admin_address = listeners.operators,
        tls = config.server.has_tls(),
        store.backend = config.store.backend.as_str(),
        store.place = place(config),
        mail = mail_place(config),
        "listening"
    );
    for doubt in missing(config)
        .map(str::to_owned)
        .into_iter()
        .chain(config.doubts())
    {
        tracing::warn!("{doubt}");
    }
}

/// Says which variables of the environment nothing reads.
pub(super) fn tell_strangers() {
    for stranger in Config::strangers() {
        tracing::warn!("{stranger}");
    }
}

/// Says which numbers' webhooks will be put aside, since no app may sign them.
pub(super) fn tell_unsigned(numbers: &[PhoneNumberId]) {
    if !numbers.is_empty() {
        let ids: Vec<&str> = numbers.iter().map(PhoneNumberId::as_str).collect();
        tracing::warn!(
            number.ids = ids.join(", "),
            "these numbers name no app of `whatsapp.apps`, of which there must be one for each: their webhooks are put aside \
             until `mesej number add` with --app names one, then `mesej quarantine replay --all`"
        );
    }
}

/// What the gateway does without, though it would hardly be meant so.
fn missing(config: &Config) -> Option<&'static str> {
    config.whatsapp.apps.is_empty().then_some(
        "`whatsapp.apps` is empty: without an app's secret every webhook is refused with 401, so that nothing comes in",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str) -> Config {
        Config::from_sources(Some(("test", file)), []).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_in_memory_is_dumped_by_who_develops_alone() {
        use rustix::process::dumpable_behavior;
        set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
        keep_memory_private(Mode::Development);
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable);
        keep_memory_private(Mode::Production);
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }

    #[test]
    fn an_address_that_is_taken_is_told_once_with_what_helps() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = listen(address, "server.listen").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot listen on {address}: ")),
            "{error}"
        );
        assert_eq!(error.matches("in use").count(), 1, "{error}");
        assert!(error.contains("`server.listen`"), "{error}");
    }

    #[test]
    fn a_gateway_that_will_refuse_every_webhook_says_so() {
        assert!(missing(&settings("")).is_some_and(|told| told.contains("whatsapp.apps")));
        let app = "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"hush hush hush\"]\nverify_token = \"let me in\"\n";
        assert_eq!(missing(&settings(app)), None);
    }

    #[test]
    fn a_history_is_not_begun_by_a_clock_that_is_certainly_wrong() {
        check_clock(EARLIEST).unwrap();
        let day = std::time::Duration::from_hours(24);
        for (behind, told) in [(day * 400, " 400 days "), (day / 2, " 1 day ")] {
            let error = check_clock(EARLIEST.before(behind)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_store_is_named_with_its_setting() {
        assert_eq!(
            place(&settings("[store]\npath = \"/var/lib/mesej\"")),
            "/var/lib/mesej (`store.path`)"
        );
        let cluster = "[store]\nbackend = \"scylla\"\ncontact_points = [\"a:9042\", \"b:9042\"]";
        assert_eq!(
            place(&settings(cluster)),
            "a:9042, b:9042 (`store.contact_points`)"
        );
    }
}
