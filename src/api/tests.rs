//! The API over real sockets, on a store in memory and a core that commits what it is asked.

mod admin;
mod audit;
mod bounds;
mod broadcast_hours;
mod broadcasts;
mod bulk_messages;
mod canned_replies;
mod client;
mod consent;
mod console;
mod contacts;
mod conversations;
mod core;
mod events;
mod groups;
mod guards;
mod imports;
mod isolation;
mod keys;
mod logs;
mod media;
mod merges;
mod messages;
mod meta;
mod objects;
mod operators;
mod payments;
mod people;
mod quotas;
mod retention;
mod segments;
mod single_sign_on;
mod templates;
mod tenant_rows;
mod webhook;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use ring::rand::SystemRandom;
use secrecy::ExposeSecret as _;

use super::auth::key::{KeyKind, NewKey};
use super::{ApiState, DemoPerson, DemoSession, Foundation, http_server};
use crate::config::Config;
use crate::domain::{
    Alias, ContactAliases, ContactId, Content, ConversationId, PhoneNumberId, Retention, TenantId, TestClock,
    Timestamp, Wamid,
};
use crate::mail::inbox::Inbox;
use crate::media::{Files, Media};
use crate::shutdown::Shutdown;
use crate::store::directory::Scope;
use crate::store::memory::MemoryStore;
use crate::store::op::{Op, OpOutcome, Receive};
use crate::store::{ApiKey, MessageRef, Store as _, Tenant};
use crate::templates::TemplateBook;
use crate::templates::tests::graph::TemplatesAtMeta;
use client::{Answer, Request};
use core::{Core, Journal};
use meta::Meta;

pub(super) const ADMIN: &str = "the-operators-own-token";
pub(super) const APP_SECRET: &str = "test_app_secret";
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);
pub(super) const ONE: TenantId = TenantId::new(1);
pub(super) const OTHER: TenantId = TenantId::new(2);

/// A running server, the parts behind it, and a key with every scope for each of two tenants.
struct Api {
    state: Arc<ApiState>,
    addr: SocketAddr,
    store: Arc<MemoryStore>,
    core: Arc<Core>,
    journal: Arc<Journal>,
    clock: TestClock,
    shutdown: Shutdown,
    /// Mails that people would have got.
    inbox: Inbox,
    /// Where files lie.
    _folder: tempfile::TempDir,
    /// Templates as Meta has them.
    meta: Arc<TemplatesAtMeta>,
    key: String,
    other_key: String,
    server: actix_web::dev::ServerHandle,
}

/// How a server is set up, in TOML.
struct Setup {
    server: &'static str,
    apps: &'static str,
    sections: &'static str,
    admin_token: &'static str,
    demo: Option<DemoSession>,
    files: Files,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            server: "",
            apps: APPS,
            sections: "",
            admin_token: ADMIN,
            demo: None,
            files: Files::in_memory(),
        }
    }
}

const APPS: &str = "[[whatsapp.apps]]\nname = \"main\"\napp_secrets = [\"test_app_secret\", \"the next one\"]\n\
                    verify_token = \"let me in\"\n";

/// What stands behind a server.
struct Parts {
    state: Arc<ApiState>,
    store: Arc<MemoryStore>,
    core: Arc<Core>,
    journal: Arc<Journal>,
    clock: TestClock,
    shutdown: Shutdown,
    inbox: Inbox,
    folder: tempfile::TempDir,
    meta: Arc<TemplatesAtMeta>,
}

impl Parts {
    fn build(setup: Setup) -> Self {
        let Setup {
            server,
            apps,
            sections,
            admin_token,
            demo,
            files,
        } = setup;
        let file = format!(
            "[server]\nworkers = 1\nadmin_token = \"{admin_token}\"\npublic_url = \"https://mesej.example.com\"\n{server}\n{apps}\n{sections}"
        );
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::from_sources(Some(("test", &file)), []).unwrap();
        config.accounts.providers_on_this_machine = true;
        config.imports.path = folder.path().join("imports");
        let clock = TestClock::at(NOW);
        let store = Arc::new(MemoryStore::new());
        let core = Arc::new(Core::new(Arc::clone(&store), clock.clone()));
        let (mailer, inbox) = Inbox::open(Arc::new(clock.clone()));
        let (journal, shutdown) = (Arc::new(Journal::default()), Shutdown::default());
        let meta = Arc::new(TemplatesAtMeta::default());
        let templates = TemplateBook::new(store.clone(), Arc::new(clock.clone()), meta.clone(), 0);
        let state = ApiState::new(Foundation {
            tenants: core.clone(),
            intake: journal.clone(),
            store: store.clone(),
            clock: Arc::new(clock.clone()),
            config: Arc::new(config),
            metrics: crate::telemetry::install(NOW).unwrap(),
            shutdown: shutdown.clone(),
            graph: Arc::new(Meta),
            templates: Arc::new(templates),
            media: Arc::new(Media::new(
                store.clone(),
                Arc::new(clock.clone()),
                files,
                Arc::new(Meta),
            )),
            mailer,
            demo,
            seed: 0,
        });
        Self {
            state,
            store,
            core,
            journal,
            clock,
            shutdown,
            inbox,
            folder,
            meta,
        }
    }
}

impl Api {
    async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    async fn start_with(setup: Setup) -> Self {
        let Parts {
            state,
            store,
            core,
            journal,
            clock,
            shutdown,
            inbox,
            folder,
            meta,
        } = Parts::build(setup);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = http_server(Arc::clone(&state), listener.into()).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let mut api = Self {
            state,
            addr,
            store,
            core,
            journal,
            clock,
            shutdown,
            inbox,
            _folder: folder,
            meta,
            key: String::new(),
            other_key: String::new(),
            server: handle,
        };
        for tenant in [ONE, OTHER] {
            api.add_tenant(tenant).await;
        }
        let every = [Scope::Send, Scope::Read, Scope::Agents];
        api.key = api.add_key(ONE, &every).await;
        api.other_key = api.add_key(OTHER, &every).await;
        api
    }

    async fn add_tenant(&self, id: TenantId) {
        let tenant = Tenant::new(id, format!("tenant {id}"), Retention::DEFAULT, NOW);
        self.store.put_tenant(tenant).await.unwrap();
        self.core.open(id).await;
    }

    async fn add_key(&self, tenant: TenantId, scopes: &[Scope]) -> String {
        let new = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
        let key = ApiKey {
            hash: new.hash,
            id: new.id,
            tenant,
            name: "test".to_owned(),
            scopes: scopes.to_vec(),
            created: NOW,
            created_by: None,
            revoked: None,
            expires: None,
        };
        self.store.put_key(key).await.unwrap();
        new.text.expose_secret().to_owned()
    }

    /// An operator with a token of its own: the token, and the operator's id.
    async fn add_operator(&self, role: &str) -> (String, String) {
        let body = serde_json::json!({ "name": "Ana", "role": role });
        let added = self
            .as_admin("POST", "/v1/admin/operators")
            .json(&body)
            .send()
            .await;
        assert_eq!(added.status, 201, "{}", added.json());
        let text = |field: &str| added.json()[field].as_str().unwrap().to_owned();
        (text("token"), text("operator_id"))
    }

    /// A customer writes.
    async fn customer_writes(&self, tenant: TenantId, phone: &str, text: &str) -> MessageRef {
        self.customer_writes_to(tenant, number(tenant), phone, text).await
    }

    /// The same to one of several numbers.
    async fn customer_writes_to(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        phone: &str,
        text: &str,
    ) -> MessageRef {
        let names = ContactAliases::of([Alias::phone(phone).unwrap()]);
        self.somebody_writes_to(tenant, number, names, text).await
    }

    /// A message of whoever goes by these names.
    async fn somebody_writes_to(
        &self,
        tenant: TenantId,
        number: PhoneNumberId,
        names: ContactAliases,
        text: &str,
    ) -> MessageRef {
        let arrival = self.core.next_number();
        let receive = Receive {
            number,
            by: crate::domain::message::Side::Customer,
            via: None,
            aliases: names,
            naming: crate::store::op::Naming::Current,
            keyword: None,
            group: None,
            name: Some("Siti".into()),
            username: None,
            wamid: Wamid::parse(&format!("wamid.{tenant}{arrival}")).unwrap(),
            at: self.clock_now(),
            content: Content::text(text),
        };
        match self.core.commit(tenant, Op::Receive(Box::new(receive))).await {
            OpOutcome::Committed { at: Some(at), .. } => at,
            other => panic!("{other:?}"),
        }
    }

    async fn conversation_of(&self, tenant: TenantId, phone: &str) -> ConversationId {
        self.customer_writes(tenant, phone, "halo").await.conversation
    }

    /// The customer of a conversation.
    async fn contact_of(&self, tenant: TenantId, conversation: ConversationId) -> ContactId {
        let row = self.store.conversation(tenant, conversation).await.unwrap();
        row.unwrap().contact_id
    }

    fn clock_now(&self) -> Timestamp {
        use crate::domain::Clock as _;
        self.clock.now()
    }

    /// A request with the key of the first tenant.
    fn call(&self, method: &str, path: &str) -> Request {
        Request::new(self.addr, method, path).bearer(&self.key)
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    fn as_admin(&self, method: &str, path: &str) -> Request {
        Request::new(self.addr, method, path).bearer(ADMIN)
    }

    fn plain(&self, method: &str, path: &str) -> Request {
        Request::new(self.addr, method, path)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let stop = self.server.stop(false);
        actix_web::rt::spawn(stop);
    }
}

fn number(tenant: TenantId) -> PhoneNumberId {
    PhoneNumberId::parse(&format!("10{}", tenant.get())).unwrap()
}
