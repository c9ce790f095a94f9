//! The HTTP server and its bounds.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error, web};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{SockRef, TcpKeepalive};

use super::accept_pacing::{AcceptCost, AcceptPacing};
use super::client_stream::ClientStream;
use super::connection::{Connection, Times};
use super::connection_limits::{ConnectionLimits, connections_within};
use super::middleware::observe;
use super::state::ApiState;
use super::tls::Tls;
use super::ws;
use crate::telemetry::labels::ConnectionEnd;
use crate::telemetry::metrics;

/// What is served at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Everything: there is only one.
    Everything,
    /// What is for everybody: operators have one of their own.
    Public,
    /// What is for operators and scrapers.
    Operators,
}

/// How long a connection that is being closed may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// Bytes that wait in the kernel before they are sent: what it holds for a client that does not read.
const UNSENT: u32 = 16 * 1024;
/// How long the kernel waits for a client that does not acknowledge.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// After an idle minute the peer is probed, and again each ten seconds, three times in all.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;
/// How long requests under way may take to be answered at the end.
const ANSWERS: Duration = Duration::from_secs(5);

/// Connections of operators and scrapers, where they have a listener of their own. They come out of the files that are kept
/// for the store: whoever takes all others must not hide what happens.
const OF_OPERATORS: usize = 64;
/// The same of one address of another machine, so that nobody who shows no token takes all of them.
const OF_OPERATORS_PEER: usize = 16;
/// How long these may be silent at most: longer than scrapers usually pause, so that they keep theirs.
const OF_OPERATORS_IDLE: Duration = Duration::from_secs(20);

/// Where the server listens, and what it speaks there.
#[derive(Debug)]
pub struct Listeners {
    /// For everybody.
    pub public: TcpListener,
    /// For `/v1/admin` and `/metrics`, which are not at the public one then.
    pub operators: Option<TcpListener>,
    /// TLS, which is spoken at the public one, and at that of operators where others than this machine reach it.
    pub tls: Option<Tls>,
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self {
            public,
            operators: None,
            tls: None,
        }
    }
}

/// Builds the server; it runs once it is awaited or spawned, and stops by its handle. It leaves signals alone.
pub fn http_server(state: Arc<ApiState>, listeners: Listeners) -> std::io::Result<Server> {
    let Listeners {
        public,
        operators,
        tls,
    } = listeners;
    if let Some(tls) = &tls {
        tokio::spawn(tls.watch(Arc::clone(&state.clock), state.shutdown.clone()));
    }
    let settings = &state.config.server;
    let bounds = Bounds {
        workers: settings.worker_threads(),
        shutdown: ANSWERS.min(settings.shutdown_timeout),
        times: Times::of(settings),
        send_buffer: state.sockets.options().send_buffer,
    };
    let limits = ConnectionLimits::new(
        connections_within(open_files()),
        settings.connections_per_peer,
        &settings.trusted_proxies,
    );
    let few = ConnectionLimits::new(OF_OPERATORS, OF_OPERATORS_PEER, &settings.trusted_proxies);
    let idle = OF_OPERATORS_IDLE.min(settings.keep_alive);
    let sockets = web::Data::new(state.sockets.clone());
    let shared = web::Data::from(state);
    let app = move |serves: Serves| {
        let (shared, sockets) = (shared.clone(), sockets.clone());
        move || {
            App::new()
                .app_data(shared.clone())
                .app_data(sockets.clone())
                .wrap(from_fn(observe))
                .configure(|app| super::routes(app, serves))
        }
    };
    let endpoints = Endpoints::within(bounds);
    let Some(operators) = operators else {
        let endpoint = Endpoint::new("http", public, tls, limits);
        return Ok(endpoints.open(endpoint, app(Serves::Everything))?.run());
    };
    let is_local = operators.local_addr()?.ip().is_loopback();
    let theirs = tls.clone().filter(|_| !is_local);
    let endpoints = endpoints
        .open(Endpoint::new("http", public, tls, limits), app(Serves::Public))?
        .open(
            Endpoint::new("operators", operators, theirs, few).with_keep_alive(idle),
            app(Serves::Operators),
        )?;
    Ok(endpoints.run())
}

/// What a server is bounded by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Threads.
    pub(super) workers: usize,
    /// How long open requests may take when the server stops.
    pub(super) shutdown: Duration,
    /// How long clients may take.
    pub(super) times: Times,
    /// `SO_SNDBUF`: what the kernel holds of what is sent until it is acknowledged; the kernel doubles it.
    pub(super) send_buffer: usize,
}

/// A listener, and who is let in there.
pub(super) struct Endpoint {
    name: &'static str,
    listener: TcpListener,
    tls: Option<Tls>,
    limits: ConnectionLimits,
    /// How long its connections may be silent, if it is not as long as the bounds say.
    keep_alive: Option<Duration>,
}

impl Endpoint {
    pub(super) fn new(
        name: &'static str,
        listener: TcpListener,
        tls: Option<Tls>,
        limits: ConnectionLimits,
    ) -> Self {
        Self {
            name,
            listener,
            tls,
            limits,
            keep_alive: None,
        }
    }

    /// The same, where connections may be silent for so long.
    fn with_keep_alive(self, keep_alive: Duration) -> Self {
        Self {
            keep_alive: Some(keep_alive),
            ..self
        }
    }
}

/// Files that the process may have open: as many as it may ask for.
fn open_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(error = %error, "the limit on open files cannot be raised");
    }
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// Sets a listener's options: its connections begin with the same, and none has to be set for each.
fn set(listener: &TcpListener, bounds: &Bounds) -> std::io::Result<()> {
    let socket = SockRef::from(listener);
    // What is written is an answer or a part of one, never more to come.
    socket.set_tcp_nodelay(true)?;
    // Several of the loopback's segments, or its receiver waits before it acknowledges one.
    socket.set_send_buffer_size(bounds.send_buffer)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    }
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE_IDLE)
            .with_interval(KEEPALIVE_EVERY)
            .with_retries(KEEPALIVE_PROBES),
    )
}

/// A server's listeners. `actix_web::HttpServer` does the same, but offers no way to take a connection over.
pub(super) struct Endpoints {
    builder: ServerBuilder,
    bounds: Bounds,
}

impl Endpoints {
    /// None yet.
    pub(super) fn within(bounds: Bounds) -> Self {
        let builder = Server::build()
            .workers(bounds.workers)
            // Those beyond are let in to be sent away: nobody waits behind them.
            .max_concurrent_connections(usize::MAX)
            .shutdown_timeout(bounds.shutdown.as_secs())
            .disable_signals();
        Self { builder, bounds }
    }

    /// Serves an app at one more.
    pub(super) fn open<F, I, S, B>(self, endpoint: Endpoint, app: F) -> std::io::Result<Self>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<
                Request,
                Config = AppConfig,
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        S::Service: 'static,
        S::Future: 'static,
        B: MessageBody + 'static,
    {
        let Self { builder, bounds } = self;
        let Endpoint {
            name,
            listener,
            tls,
            limits,
            keep_alive,
        } = endpoint;
        let times = keep_alive.map_or(bounds.times, |idle| bounds.times.with_idle(idle));
        if let Err(error) = set(&listener, &bounds) {
            // It works without, only less well.
            tracing::warn!(error = %error, "the options of connections cannot be set");
        }
        let stopping = builder.graceful_shutdown_signal();
        let builder = builder.listen(name, listener, move || {
            let stopping = stopping.clone();
            let admission = Admission {
                limits: limits.clone(),
                pacing: AcceptPacing::open(if tls.is_some() {
                    AcceptCost::TlsHandshake
                } else {
                    AcceptCost::Plain
                }),
                tls: tls.clone(),
                times,
                stopping: stopping.clone(),
            };
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                // A connection keeps its own time.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(CLOSE_DEADLINE)
                // A client that shuts down its sending half is gone: otherwise its connection lingers in CLOSE_WAIT.
                .h1_allow_half_closed(false)
                .on_connect_ext(|connection: &Connection, data| {
                    data.insert(connection.life().clone());
                })
                .upgrade(ws::takeover(map_config(app(), |()| AppConfig::default())))
                .finish(map_config(app(), |()| AppConfig::default()));
            fn_service(move |io: TcpStream| {
                let admission = admission.clone();
                async move {
                    let from = io.peer_addr().ok();
                    let connection = admission.admit(io, from).await.map_err(DispatchError::Io)?;
                    Ok((connection, Protocol::Http1, from))
                }
            })
            .and_then(http)
        })?;
        Ok(Self { builder, bounds })
    }

    /// The server.
    pub(super) fn run(self) -> Server {
        self.builder.run()
    }
}

/// How clients come in at one listener, on one thread.
#[derive(Clone)]
struct Admission {
    limits: ConnectionLimits,
    pacing: AcceptPacing,
    tls: Option<Tls>,
    times: Times,
    stopping: GracefulShutdownSignal,
}

impl Admission {
    /// Counts a client in before anything is done for it, and waits for its turn before anything is computed.
    async fn admit(&self, io: TcpStream, from: Option<SocketAddr>) -> std::io::Result<Connection> {
        let place = self.limits.enter(from.map(|from| from.ip())).map_err(refused)?;
        self.pacing.pass().await.map_err(refused)?;
        let io = match &self.tls {
            None => ClientStream::Plain(io),
            Some(tls) => tokio::select! {
                biased;
                // In a box, or every connection's task would have room for it as long as it lasts.
                accepted = Box::pin(tls.accept(io, self.times.head())) => ClientStream::Tls(Rc::new(accepted?)),
                // It has asked for nothing yet, and the end does not wait for it.
                () = self.stopping.notified() => return Err(ErrorKind::ConnectionAborted.into()),
            },
        };
        Ok(Connection::new(io, self.times, place))
    }
}

/// Counts a connection that is not let in; it is closed without a word.
fn refused(why: ConnectionEnd) -> std::io::Error {
    metrics::connections_ended_total(why).increment(1);
    ErrorKind::ConnectionRefused.into()
}
