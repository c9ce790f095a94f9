//! The HTTP server and its bounds.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Request};
use actix_service::{IntoServiceFactory, ServiceFactory, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, web};

use super::observe::observe;
use super::state::ApiState;
use super::ws;

/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection that is being closed may take.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// Longer than the 60 s for which proxies usually keep connections, so that it is they who close them.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests under way may take to be answered at the end.
const ANSWERS: Duration = Duration::from_secs(5);
/// Connections of one worker; each costs a file descriptor.
const CONNECTIONS: usize = 25_000;

/// Builds the server; it runs once it is awaited or spawned, and stops by its handle. It leaves signals alone.
pub fn http_server(state: Arc<ApiState>, listener: TcpListener) -> std::io::Result<Server> {
    let settings = &state.config.server;
    let bounds = Bounds {
        workers: settings.worker_threads(),
        shutdown: ANSWERS.min(settings.shutdown_timeout),
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
    let builder = Server::build()
        .workers(bounds.workers)
        .max_concurrent_connections(CONNECTIONS)
        .shutdown_timeout(bounds.shutdown.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
            .client_request_timeout(HEAD_DEADLINE)
            .client_disconnect_timeout(CLOSE_DEADLINE)
            // A client that shuts down its sending half is gone: otherwise its connection lingers in CLOSE_WAIT.
            .h1_allow_half_closed(false)
            .upgrade(ws::takeover(map_config(app(), |()| AppConfig::default())))
            .finish(map_config(app(), |()| AppConfig::default()))
            .tcp()
    })?;
    Ok(builder.run())
}
