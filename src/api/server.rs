//! The HTTP server and its bounds.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error, web};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{SockRef, TcpKeepalive};

use super::accept_pacing::AcceptPacing;
use super::connection::{Connection, Times};
use super::connection_limits::{ConnectionLimits, connections_within};
use super::middleware::observe;
use super::state::ApiState;
use super::ws;
use crate::telemetry::metrics;

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

/// Builds the server; it runs once it is awaited or spawned, and stops by its handle. It leaves signals alone.
pub fn http_server(state: Arc<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let settings = &state.config.server;
    let bounds = Bounds {
        workers: settings.worker_threads(),
        shutdown: ANSWERS.min(settings.shutdown_timeout),
        times: Times::of(settings),
        connections: connections_within(open_files()),
        of_peer: settings.connections_per_peer,
        send_buffer: state.sockets.options().send_buffer,
    };
    let sockets = web::Data::new(state.sockets.clone());
    let shared = web::Data::from(state);
    listen(bounds, listener, move || {
        App::new()
            .app_data(shared.clone())
            .app_data(sockets.clone())
            .wrap(from_fn(observe))
            .configure(super::routes)
    })
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
    /// Connections in all.
    pub(super) connections: usize,
    /// Connections of one address; 0 for no limit.
    pub(super) of_peer: usize,
    /// `SO_SNDBUF`: what the kernel holds of what is sent until it is acknowledged; the kernel doubles it.
    pub(super) send_buffer: usize,
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

/// Serves an app. `actix_web::HttpServer` does the same, but offers no way to take a connection over.
pub(super) fn listen<F, I, S, B>(bounds: Bounds, listener: TcpListener, app: F) -> std::io::Result<Server>
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
    if let Err(error) = set(&listener, &bounds) {
        // It works without, only less well.
        tracing::warn!(error = %error, "the options of connections cannot be set");
    }
    let builder = Server::build()
        .workers(bounds.workers)
        // Those beyond are let in to be sent away: nobody waits behind them.
        .max_concurrent_connections(usize::MAX)
        .shutdown_timeout(bounds.shutdown.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let limits = ConnectionLimits::new(bounds.connections, bounds.of_peer);
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        let limits = limits.clone();
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
        let times = bounds.times;
        let pacing = AcceptPacing::open();
        fn_service(move |io: TcpStream| {
            let (limits, pacing) = (limits.clone(), pacing.clone());
            async move {
                let from = io.peer_addr().ok();
                match limits.enter(from.map(|from| from.ip())) {
                    Ok(place) => {
                        pacing.pass().await;
                        Ok((Connection::new(io, times, place), Protocol::Http1, from))
                    }
                    Err(why) => {
                        metrics::connections_ended_total(why).increment(1);
                        Err(DispatchError::Io(std::io::ErrorKind::ConnectionRefused.into()))
                    }
                }
            }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}
