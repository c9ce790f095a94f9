//! The main job on one machine, without an account at Meta: the gateway beside a Meta in a box.
//!
//! A tenant, a number and a key are made once and kept with the data, so that a second start goes on with the same
//! history, and a page that was open through a restart finds its way back.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};

use super::core::{Core, open_core, seed};
use super::{AppError, start};
use crate::accounts::{Accounts, PresetMember};
use crate::api::auth::key::{KeyKind, NewKey, PresentedKey};
use crate::api::{DemoPerson, DemoSession};
use crate::config::{AppConfig, BaseUrl, Config, MailTransport, SignUp};
use crate::domain::email::EmailAddress;
use crate::domain::roles::Role;
use crate::domain::{
    AgentId, Author, Clock, PhoneNumberId, Retention, SendRate, SystemClock, TenantId, Timestamp, UserId,
    WabaId,
};
use crate::shutdown::Shutdown;
use crate::store::directory::{AccessToken, Scope};
use crate::store::plain::PlainTable;
use crate::store::tables::CannedReply;
use crate::store::{ApiKey, ConversationFilter, KeyHash, Number, Tenant};
use mesej_simulator::control::WebhookTarget;
use mesej_simulator::{ChatterConfig, CustomerSpec, CustomerView, NumberConfig, Simulator, SimulatorConfig};

/// The demo's tenant has a fixed id: there is one.
pub(super) const TENANT: TenantId = TenantId::new(0x00de_0000_0000_0001);
/// What the demo's key is called.
const KEY_NAME: &str = "demo";
/// The key's place beside the data.
const KEY_FILE: &str = "demo.key";
/// Messages a second that customers write by themselves: enough to see life, slow enough to read.
const CHATTER: f64 = 0.4;
/// Customers who take part.
const CUSTOMERS: u32 = 14;
/// Conversations whose customers the simulator is told of at a start, the newest first.
const REMEMBERED: usize = 1_000;
/// The customer of the printed examples.
const FIRST: &str = "6281234567801";
/// What agents find under `/` at the first start.
const CANNED_REPLIES: [(&str, &str); 3] = [
    ("hours", "We are open from Monday to Saturday, 8:00 to 18:00."),
    ("ready", "Your order is ready. You can pick it up any time today."),
    ("thanks", "Thank you, and have a lovely day!"),
];
/// The agent that the page plays unless told otherwise.
const AGENT: &str = "ana";
/// Who is in the demo tenant's team. Everybody who asks is let in as one of them.
const PEOPLE: [(&str, &str, Role); 2] = [
    ("Ana", "ana@example.com", Role::Owner),
    ("Ben", "ben@example.com", Role::Agent),
];

/// Who may reach the demo, which gives everybody who asks a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Programs and browsers of this machine.
    ThisMachine,
    /// Whoever reaches the address that it listens on.
    Everybody,
}

/// Runs the demo until it is told to end. Must be called within an actix system.
pub async fn demo(mut config: Config, reach: Reach, shutdown: Shutdown) -> Result<(), AppError> {
    crate::telemetry::init(&config.telemetry);
    start::tell_strangers();
    if reach == Reach::ThisMachine && !config.server.listen.ip().is_loopback() {
        return Err(AppError::DemoInTheOpen(config.server.listen));
    }
    if config.is_production() {
        return Err(AppError::Demo(
            "`server.mode` is \"production\", and the demo gives everybody who asks a key".to_owned(),
        ));
    }
    if config.server.has_tls() {
        // The simulated Meta has no authority of ours to believe.
        return Err(AppError::Demo(
            "it speaks plain HTTP alone: leave out `server.tls_certificate` and `server.tls_key`".to_owned(),
        ));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let listeners = start::listeners(&config, clock.as_ref())?;
    let box_config = SimulatorConfig {
        seed: seed(),
        ..SimulatorConfig::default()
    };
    let number = box_config.numbers.first().cloned().unwrap_or_default();
    let token = box_config.access_tokens.first().cloned().unwrap_or_default();
    let app = AppConfig {
        name: "demo".to_owned(),
        app_id: Some(box_config.app_id.clone()),
        app_secrets: vec![box_config.app_secret.clone().into()],
        verify_token: box_config.verify_token.clone().into(),
    };
    let meta = mesej_simulator::start(box_config).await?;
    config.whatsapp.base_url = BaseUrl::parse(&meta.url())
        .ok_or_else(|| AppError::Demo("the simulator has no address".to_owned()))?;
    config.whatsapp.apps = vec![app];
    // What a business meets that comes by itself is part of the show.
    config.accounts.sign_up = SignUp::Open;
    let key = kept_key(&config.store.path)?;
    let core = open_core(&config, Arc::clone(&clock), shutdown.clone()).await?;
    only_ours(&core).await?;
    settle_in(&core, &number, token, &key).await?;
    let people = put_people(&core, &config, &key).await?;
    let session = DemoSession {
        api_key: key.clone(),
        agent: parsed(AgentId::parse(AGENT))?,
        name: "Ana".to_owned(),
        number: parsed(PhoneNumberId::parse(number.phone_number_id.as_str()))?,
        people,
        // Who may have the key may have all that is in the demo.
        password: key.clone(),
        mails: (config.mail.transport == MailTransport::Folder).then(|| config.store.path.join("mail")),
    };
    let address = listeners.public.local_addr().map_err(|source| AppError::Io {
        what: "no address".to_owned(),
        source,
    })?;
    let target = WebhookTarget {
        url: Some(format!("http://{address}/webhooks/whatsapp")),
        ..WebhookTarget::default()
    };
    meta.set_webhook(&target).await?;
    let remembered = remember(&core, &meta).await?;
    let known = newcomers(&meta)?;
    if remembered == 0 {
        put_canned_replies(&core, &key).await?;
        meta.say_text(FIRST, "Hi! Is the chocolate cake still available for Saturday?")?;
    }
    meta.set_chatter(ChatterConfig {
        rate: CHATTER,
        customers: CUSTOMERS,
        ..ChatterConfig::default()
    })?;
    welcome(&address, &meta, &key, &session.number, &known).map_err(|source| AppError::Io {
        what: "cannot print".to_owned(),
        source,
    })?;
    let served = core.serve(&config, listeners, Some(session), shutdown).await;
    meta.stop().await;
    served
}

/// The key from the last start, or a new one.
fn kept_key(folder: &Path) -> Result<SecretString, AppError> {
    let io = |source| AppError::Io {
        what: format!("cannot keep the demo's key in {}", folder.display()),
        source,
    };
    crate::store::fjall::make_folder(folder).map_err(io)?;
    let file = folder.join(KEY_FILE);
    if let Ok(text) = std::fs::read_to_string(&file)
        && PresentedKey::parse(KeyKind::Tenant, text.trim()).is_some()
    {
        return Ok(text.trim().to_owned().into());
    }
    let fresh = NewKey::generate(KeyKind::Tenant, &SystemRandom::new())
        .map_err(|error| AppError::Demo(error.to_string()))?;
    std::fs::write(&file, fresh.text.expose_secret()).map_err(io)?;
    Ok(fresh.text)
}

/// Refuses a store in which others' tenants are: the demo would give everybody a key beside them.
async fn only_ours(core: &Core) -> Result<(), AppError> {
    let tenants = core.store.tenants().await?;
    if tenants.is_empty() || tenants.iter().any(|row| row.id == TENANT) {
        return Ok(());
    }
    Err(AppError::Demo(
        "this store has tenants of its own: name a folder for the demo in `store.path`".to_owned(),
    ))
}

/// The demo's accounts, apart from those that are served.
fn accounts(core: &Core, config: &Config) -> Accounts {
    Accounts::new(
        Arc::clone(&core.store),
        Arc::clone(&core.clock),
        config.accounts.clone(),
        core.mailer.clone(),
    )
}

/// Puts the demo's people into its team, whose password is the key.
async fn put_people(core: &Core, config: &Config, key: &SecretString) -> Result<Vec<DemoPerson>, AppError> {
    let accounts = accounts(core, config);
    let mut people = Vec::new();
    for (name, email, role) in PEOPLE {
        let mut fresh = [0_u8; 16];
        let filled = SystemRandom::new().fill(&mut fresh);
        filled.map_err(|_unspecified| AppError::Demo("there is no randomness for an id".to_owned()))?;
        let email = parsed(email.parse::<EmailAddress>())?;
        let preset = PresetMember {
            tenant: TENANT,
            email: email.clone(),
            name: name.to_owned(),
            role,
            password: key.clone(),
            fresh: UserId::from_bytes(fresh),
        };
        parsed(accounts.preset_member(preset).await)?;
        let name = name.to_owned();
        people.push(DemoPerson { name, email });
    }
    Ok(people)
}

/// Takes the way in from the demo's people: others know their password. Who they are.
async fn lock_out_people(core: &Core, config: &Config) -> Result<Vec<UserId>, AppError> {
    let accounts = accounts(core, config);
    let mut locked = Vec::new();
    for (_, email, _) in PEOPLE {
        let email = parsed(email.parse::<EmailAddress>())?;
        let nobodys = parsed(NewKey::generate(KeyKind::Tenant, &SystemRandom::new()))?;
        locked.extend(parsed(accounts.lock_out(&email, nobodys.text).await)?);
    }
    Ok(locked)
}

/// Refuses a store of the demo's in production. Elsewhere revokes its keys, since it is served in earnest: they were shown to
/// everybody who asked, as was the password of its people, who could make more. The next demo takes its own back.
pub(super) async fn revoke_keys(core: &Core, config: &Config) -> Result<(), AppError> {
    if core.store.tenant(TENANT).await?.is_none() {
        return Ok(());
    }
    if config.is_production() {
        return Err(AppError::DemoStore(start::place(config)));
    }
    let keys = core.store.keys(TENANT).await?;
    // Revoked already: nobody was let in since then.
    if !keys
        .iter()
        .any(|key| key.name == KEY_NAME && key.revoked.is_none())
    {
        return Ok(());
    }
    let people = lock_out_people(core, config).await?;
    for key in keys {
        let is_theirs = key.created_by.is_some_and(|user| people.contains(&user));
        if (key.name == KEY_NAME || is_theirs) && key.revoked.is_none() {
            let revoked = Some(core.clock.now());
            core.store.put_key(ApiKey { revoked, ..key }).await?;
        }
    }
    tracing::warn!(
        tenant.id = %TENANT,
        "this store was filled by `mesej demo`: its key, which everybody could have, is revoked, and nobody signs in as Ana or Ben by it"
    );
    Ok(())
}

/// Makes tenant, number and key, or brings them up to date.
pub(super) async fn settle_in(
    core: &Core,
    number: &NumberConfig,
    token: String,
    key: &SecretString,
) -> Result<(), AppError> {
    let now = core.clock.now();
    let before = core.store.tenant(TENANT).await?;
    // How long its messages are kept may have been changed since the first start.
    let tenant =
        before.unwrap_or_else(|| Tenant::new(TENANT, number.verified_name.clone(), Retention::DEFAULT, now));
    core.store.put_tenant(tenant).await?;
    let row = Number {
        id: parsed(PhoneNumberId::parse(number.phone_number_id.as_str()))?,
        tenant: TENANT,
        waba: parsed(WabaId::parse(number.waba_id.as_str()))?,
        display: number.display_phone_number.clone(),
        rate: SendRate::new(number.rate).unwrap_or(SendRate::STANDARD),
        access_token: AccessToken::new(token),
        app: Some("demo".to_owned()),
    };
    core.store.put_number(row.clone()).await?;
    core.directory.number_changed(row).await;
    let scopes: BTreeSet<_> = [Scope::Send, Scope::Read, Scope::Agents].into_iter().collect();
    core.store
        .put_key(ApiKey {
            hash: KeyHash::of(key.expose_secret()),
            id: public_id(key),
            tenant: TENANT,
            name: KEY_NAME.to_owned(),
            scopes: scopes.into_iter().collect(),
            created: now,
            created_by: None,
            revoked: None,
            expires: None,
        })
        .await?;
    Ok(())
}

/// The part of a key that may be shown.
fn public_id(key: &SecretString) -> String {
    key.expose_secret().split('_').nth(2).unwrap_or("demo").to_owned()
}

/// Puts the canned replies there that are not.
async fn put_canned_replies(core: &Core, key: &SecretString) -> Result<(), AppError> {
    let now = core.clock.now();
    let table = PlainTable::of(core.store.as_ref(), now);
    for (shortcut, text) in CANNED_REPLIES {
        let reply = CannedReply {
            shortcut: parsed(shortcut.parse())?,
            text: text.to_owned(),
            changed_at: now,
            changed_by: Author::Api {
                key: public_id(key).into(),
            },
        };
        let put = |before: Option<&CannedReply>| Ok(Some(before.unwrap_or(&reply).clone()));
        let at = CannedReply::at(TENANT, &reply.shortcut);
        table.change::<AppError>(at, put).await?;
    }
    Ok(())
}

/// Tells the simulator, which begins afresh with each start, who wrote before: their names, and that they may be
/// answered. Returns how many.
async fn remember(core: &Core, meta: &Simulator) -> Result<usize, AppError> {
    let filter = ConversationFilter::default();
    let page = core.store.page_conversations(TENANT, filter, None, REMEMBERED);
    let conversations = page.await?.items;
    for conversation in &conversations {
        let Some(contact) = core.store.contact(TENANT, conversation.contact_id).await? else {
            continue;
        };
        if contact.phone.is_none() && contact.bsuid.is_none() {
            continue;
        }
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let spec = CustomerSpec {
            phone: text(&contact.phone),
            user_id: text(&contact.bsuid),
            name: text(&contact.name),
            username: text(&contact.username),
            wrote_at: conversation.last_inbound.map(Timestamp::as_secs),
            ..CustomerSpec::default()
        };
        if let Err(error) = meta.customer(&spec) {
            // A webhook of another make may have named somebody as the simulator never would.
            tracing::debug!(%error, "a customer of before is nobody whom the simulator can be");
        }
    }
    Ok(conversations.len())
}

/// Who is there at each start and writes only when told to; the first of them writes at the first start.
fn newcomers(meta: &Simulator) -> Result<Vec<CustomerView>, AppError> {
    let mut known = Vec::new();
    for (phone, name) in [(FIRST, "Siti Rahma"), ("5511987654302", "João Pereira")] {
        known.push(meta.customer(&CustomerSpec {
            phone: Some(phone.to_owned()),
            name: Some(name.to_owned()),
            ..CustomerSpec::default()
        })?);
    }
    known.push(meta.customer(&CustomerSpec {
        user_id: Some("ID.1349120865530274".to_owned()),
        name: Some("Mina".to_owned()),
        username: Some("mina.k".to_owned()),
        ..CustomerSpec::default()
    })?);
    Ok(known)
}

/// How to call this program from here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "mesej".into());
    let from_here = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    from_here.unwrap_or(path).display().to_string()
}

/// Two customers a line: name, and phone or user name.
fn customers(people: &[CustomerView]) -> String {
    let told = |person: &CustomerView| {
        let address = match (&person.username, &person.phone) {
            (Some(username), _) => format!("@{username}"),
            (None, Some(phone)) => format!("+{phone}"),
            (None, None) => person.user_id.clone(),
        };
        format!("{:<22} {address:<16}", person.name)
    };
    people
        .chunks(2)
        .map(|pair| pair.iter().map(told).collect::<Vec<_>>().join("  "))
        .fold(String::new(), |lines, line| {
            lines + "    " + line.trim_end() + "\n"
        })
}

fn welcome(
    address: &std::net::SocketAddr,
    meta: &Simulator,
    key: &SecretString,
    number: &PhoneNumberId,
    known: &[CustomerView],
) -> std::io::Result<()> {
    let (known, customers) = (customers(known), customers(&meta.chatting()));
    let meta = meta.url();
    let key = key.expose_secret();
    let program = program();
    let text = format!(
        "\n  Mesej runs, beside a Meta in a box. Customers are writing.\n\n  \
         The console         http://{address}/\n  \
         The inbox alone     http://{address}/?agent=ben\n  \
         Metrics             http://{address}/metrics\n\n  \
         Watch events in a terminal:\n    \
         MESEJ_KEY={key} {program} tail --url http://{address}\n\n  \
         Answer a customer:\n    \
         curl -s http://{address}/v1/messages -H 'Authorization: Bearer {key}' \\\n      \
         -H 'Content-Type: application/json' -d '{{\"to\":\"+{FIRST}\",\"type\":\"text\",\
         \"text\":{{\"body\":\"Yes, it is!\"}}}}'\n\n  \
         Let a customer write:\n    \
         curl -s {meta}/_control/say -H 'Content-Type: application/json' \\\n      \
         -d '{{\"from\":\"{FIRST}\",\"text\":\"How much is it?\"}}'\n\n  \
         Customers who write when you let them:\n{known}\n  \
         Customers who write by themselves:\n{customers}\n  \
         For the tour in README.md:\n    \
         export META={meta} MESEJ_KEY={key}\n\n  \
         Number {number} sends through {meta}. Ctrl-C ends it; the next start goes on with the same history.\n\n"
    );
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn parsed<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, AppError> {
    result.map_err(|error| AppError::Demo(error.to_string()))
}
