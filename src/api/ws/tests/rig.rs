//! A real server with sockets alone, and clients that check what they are sent.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, web};
use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::either::Either;

use super::super::tickets::key_for_tests;
use super::super::{Pass, SocketOptions, SocketParts, Sockets, open, worker_data};
use crate::accounts::{Accounts, SignedIn};
use crate::actors::feed::rig::LedgerPort;
use crate::actors::port::{Readiness, TenantDirectory};
use crate::actors::request::{DelayEstimate, LaneState, Refusal};
use crate::api::auth::KeyRing;
use crate::api::connection::Times;
use crate::api::connection_limits::ConnectionLimits;
use crate::api::quotas::QuotaCache;
use crate::api::server::{Bounds, Endpoint, Endpoints};
use crate::api::templates::TemplateGate;
use crate::api::tls::tests::certified;
use crate::config::Config;
use crate::domain::{AgentId, Clock, PhoneNumberId, Seq, SystemClock, TenantId, Timestamp};
use crate::store::directory::Scope;
use crate::store::{ApiKey, KeyHash, MessageRef, Number, Tenant};
use crate::templates::TemplateBook;
use crate::templates::tests::graph::TemplatesAtMeta;

pub(super) const TENANT: TenantId = TenantId::new(7);
const PATIENCE: Duration = Duration::from_secs(20);

/// How clients reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Tls,
}

pub(super) const BOTH: [Transport; 2] = [Transport::Plain, Transport::Tls];

pub(super) type Stream = Either<TcpStream, tokio_rustls::client::TlsStream<TcpStream>>;

pub(super) struct Rig {
    pub(super) port: Arc<LedgerPort>,
    pub(super) sockets: Sockets,
    pub(super) keys: Arc<KeyRing>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) address: SocketAddr,
    server: ServerHandle,
    tls: Option<TlsConnector>,
}

/// A gate before a tenant without numbers: it refuses nothing.
fn gate(port: &LedgerPort, clock: &Arc<dyn Clock>) -> TemplateGate {
    let (store, meta) = (Arc::clone(&port.store), Arc::new(TemplatesAtMeta::default()));
    let book = TemplateBook::new(Arc::clone(&store), Arc::clone(clock), meta, 0);
    TemplateGate::new(Arc::new(book), Arc::new(NoNumbers), store, Arc::clone(clock))
}

struct NoNumbers;

#[async_trait]
impl TenantDirectory for NoNumbers {
    async fn numbers(&self, _: TenantId) -> Result<Vec<Number>, Refusal> {
        Ok(Vec::new())
    }

    async fn lanes(&self, _: TenantId) -> Result<BTreeMap<PhoneNumberId, LaneState>, Refusal> {
        Ok(BTreeMap::new())
    }

    async fn owns(&self, _: TenantId) -> Result<bool, Refusal> {
        Ok(true)
    }

    async fn backlog(&self, _: TenantId) -> Result<Option<usize>, Refusal> {
        Ok(None)
    }

    async fn delay_estimate(
        &self,
        _: TenantId,
        _: PhoneNumberId,
        _: MessageRef,
    ) -> Result<Option<DelayEstimate>, Refusal> {
        Ok(None)
    }

    async fn tenant_changed(&self, _: Tenant) -> Result<(), Refusal> {
        Ok(())
    }

    async fn number_changed(&self, _: Number) -> Result<(), Refusal> {
        Ok(())
    }

    fn readiness(&self) -> Readiness {
        Readiness::Ready
    }

    fn missing(&self) -> Vec<TenantId> {
        Vec::new()
    }
}

/// The defaults, without a limit on how fast tests may connect.
pub(super) fn options() -> SocketOptions {
    SocketOptions {
        handshakes_per_s: 100_000,
        reaper_tick: Duration::from_millis(20),
        ..SocketOptions::of(&Config::defaults().unwrap())
    }
}

impl Rig {
    pub(super) async fn start(options: SocketOptions) -> Self {
        Self::start_over(Transport::Plain, options).await
    }

    pub(super) async fn start_over(transport: Transport, options: SocketOptions) -> Self {
        let (tls, connector) = match transport {
            Transport::Plain => (None, None),
            Transport::Tls => {
                let (tls, connector) = certified();
                (Some(tls), Some(connector))
            }
        };
        let port = LedgerPort::new(super::store());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let config = Config::defaults().unwrap();
        let accounts = Arc::new(Accounts::new(
            Arc::clone(&port.store),
            Arc::clone(&clock),
            config.accounts.clone(),
            crate::mail::inbox::Inbox::open(Arc::clone(&clock)).0,
        ));
        let quotas = QuotaCache::by_default(Arc::clone(&port.store), &clock);
        let keys = Arc::new(KeyRing::new(
            Arc::clone(&port.store),
            Arc::clone(&accounts),
            Arc::new(quotas),
            Arc::clone(&clock),
            &config.limits,
        ));
        put_key(&port, None).await;
        let sockets = Sockets::start(SocketParts {
            commands: port.clone(),
            presence: port.clone(),
            store: Arc::clone(&port.store),
            keys: Arc::clone(&keys),
            templates: Arc::new(gate(&port, &clock)),
            clock,
            options,
            seed: 1,
        });
        let shared = web::Data::new(sockets.clone());
        let send_buffer = sockets.options().send_buffer;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bounds = Bounds {
            workers: 2,
            shutdown: Duration::from_secs(1),
            times: Times::of(&config.server),
            send_buffer,
        };
        let limits = ConnectionLimits::new(usize::MAX, 0, &[]);
        let endpoint = Endpoint::new("http", listener, tls, limits);
        let server = Endpoints::within(bounds)
            .open(endpoint, move || {
                App::new()
                    .app_data(shared.clone())
                    .route("/ws", web::get().to(open))
                    .configure(worker_data)
            })
            .unwrap()
            .run();
        let handle = server.handle();
        actix::spawn(server);
        Self {
            port,
            sockets,
            keys,
            accounts,
            address,
            server: handle,
            tls: connector,
        }
    }

    pub(super) fn ticket(&self, agent: &str) -> String {
        self.ticket_of(TENANT, agent)
    }

    pub(super) fn ticket_of(&self, tenant: TenantId, agent: &str) -> String {
        let pass = Pass {
            tenant,
            agent: AgentId::parse(agent).unwrap(),
            name: agent.into(),
            user: None,
            limit: crate::domain::NumberLimit::All,
            key: key_for_tests(tenant, &EVERY),
        };
        self.sockets.tickets().issue(pass, usize::MAX).unwrap()
    }

    /// Makes a handshake with these headers.
    pub(super) async fn handshake(&self, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        let stream = TcpStream::connect(self.address).await?;
        self.handshake_on(stream, headers).await
    }

    async fn handshake_on(
        &self,
        stream: TcpStream,
        headers: &[(&'static str, &str)],
    ) -> Result<Client, Error> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let stream = match &self.tls {
            None => Either::Left(stream),
            Some(tls) => {
                let name = "mesej.example".try_into().unwrap();
                Either::Right(tls.connect(name, stream).await?)
            }
        };
        let (stream, answer) = tokio_tungstenite::client_async(request, stream).await?;
        let protocol = answer.headers().get("Sec-WebSocket-Protocol");
        let protocol = protocol.unwrap().to_str().unwrap().to_owned();
        Ok(Client { stream, protocol })
    }

    /// Opens a socket that has not said hello.
    pub(super) async fn connect(&self, agent: &str) -> Client {
        self.connect_by(self.ticket(agent)).await
    }

    pub(super) async fn connect_by(&self, ticket: String) -> Client {
        let protocol = format!("mesej.v2, ticket.{ticket}");
        self.handshake(&[("Sec-WebSocket-Protocol", &protocol)])
            .await
            .unwrap()
    }

    /// Opens a socket whose client takes little until it reads.
    pub(super) async fn connect_narrow(&self, agent: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        let protocol = format!("mesej.v2, ticket.{}", self.ticket(agent));
        self.handshake_on(stream, &[("Sec-WebSocket-Protocol", &protocol)])
            .await
            .unwrap()
    }

    /// Opens a socket that continues after a position, or at the head; returns its welcome.
    pub(super) async fn greet(&self, agent: &str, after: Option<(&str, u64)>) -> (Client, Value) {
        Self::greet_on(self.connect(agent).await, after).await
    }

    /// The same for somebody who is signed in.
    pub(super) async fn greet_as(&self, who: &SignedIn) -> (Client, Value) {
        self.greet_as_after(who, None).await
    }

    /// The same after a position.
    pub(super) async fn greet_as_after(&self, who: &SignedIn, after: Option<(&str, u64)>) -> (Client, Value) {
        let known = self.keys.look_up(who.token).await.unwrap();
        let pass = Pass {
            tenant: TENANT,
            agent: AgentId::parse(&who.user.to_string()).unwrap(),
            name: "ana".into(),
            user: Some(who.user),
            limit: crate::domain::NumberLimit::All,
            key: Arc::clone(known.key()),
        };
        let ticket = self.sockets.tickets().issue(pass, usize::MAX).unwrap();
        Self::greet_on(self.connect_by(ticket).await, after).await
    }

    /// A ticket by which a program acts as somebody.
    pub(super) fn ticket_acting(&self, who: &SignedIn) -> String {
        let pass = Pass {
            tenant: TENANT,
            agent: AgentId::parse(&who.user.to_string()).unwrap(),
            name: "ana".into(),
            user: Some(who.user),
            limit: crate::domain::NumberLimit::All,
            key: key_for_tests(TENANT, &EVERY),
        };
        self.sockets.tickets().issue(pass, usize::MAX).unwrap()
    }

    /// Opens a socket on which a program acts as somebody.
    pub(super) async fn greet_acting(&self, who: &SignedIn) -> (Client, Value) {
        let ticket = self.ticket_acting(who);
        Self::greet_on(self.connect_by(ticket).await, None).await
    }

    async fn greet_on(mut client: Client, after: Option<(&str, u64)>) -> (Client, Value) {
        let hello = match after {
            Some((epoch, seq)) => json!({"type": "hello", "epoch": epoch, "seq": seq}),
            None => json!({"type": "hello"}),
        };
        client.say(hello).await;
        let welcome = client.frame().await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        (client, welcome)
    }

    pub(super) async fn say(&self, text: &str) -> Seq {
        self.port.say(TENANT, text).await
    }

    pub(super) async fn stop(self) {
        let stopped = tokio::time::timeout(PATIENCE, self.server.stop(false)).await;
        stopped.expect("it does not stop");
    }
}

pub(super) fn key() -> KeyHash {
    KeyHash::of("the key")
}

const EVERY: [Scope; 3] = [Scope::Send, Scope::Read, Scope::Agents];

pub(super) async fn put_key(port: &LedgerPort, revoked: Option<Timestamp>) {
    let key = ApiKey {
        created_by: None,
        revoked,
        ..(*key_for_tests(TENANT, &EVERY)).clone()
    };
    port.store.put_key(key).await.unwrap();
}

/// Leaves the key these scopes.
pub(super) async fn put_scopes(port: &LedgerPort, scopes: &[Scope]) {
    port.store
        .put_key((*key_for_tests(TENANT, scopes)).clone())
        .await
        .unwrap();
}

/// One client.
pub(super) struct Client {
    pub(super) stream: WebSocketStream<Stream>,
    /// The subprotocol that the server answered.
    pub(super) protocol: String,
}

impl Client {
    pub(super) async fn say(&mut self, frame: Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    pub(super) async fn message(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.stream.next())
            .await
            .expect("the server says nothing")
    }

    /// The next text frame.
    pub(super) async fn frame(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no text but {other:?}"),
            }
        }
    }

    /// The next text frame of a type; others are passed over.
    pub(super) async fn frame_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Positions of the events in the next frame of events.
    pub(super) async fn events(&mut self) -> Vec<u64> {
        let frame = self.frame_of("events").await;
        let events = frame["events"].as_array().unwrap().iter();
        events.map(|event| event["seq"].as_u64().unwrap()).collect()
    }

    /// Reads events until a position; they must follow without a gap.
    pub(super) async fn events_to(&mut self, after: u64, to: u64) {
        let mut at = after;
        while at < to {
            for seq in self.events().await {
                assert_eq!(seq, at + 1);
                at = seq;
            }
        }
        assert_eq!(at, to);
    }

    /// Reads to the end; the code with which the server closed.
    pub(super) async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Some(Ok(Message::Close(Some(close)))) => return close.code.into(),
                Some(Ok(_)) => {}
                other => panic!("not closed but {other:?}"),
            }
        }
    }

    /// Reads until the connection is gone, with or without a word.
    pub(super) async fn gone(&mut self) {
        while let Some(Ok(_)) = self.message().await {}
    }
}

/// Waits for something that happens in another thread.
pub(super) async fn until(what: impl Fn() -> bool) {
    let checks = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, checks)
        .await
        .expect("it never happened");
}
