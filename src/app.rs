//! Where everything meets: which store, which limits, what starts after what, and what ends before what.
//!
//! Start: logs and metrics → store → directory → road in → tenants → listener. End: listener's health → intake and
//! claims off → calls in flight → sockets told to come back → what is in hand committed → store closed.

pub mod copy;
mod core;
pub mod demo;
pub mod migrate;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::domain::{Clock, SystemClock};
use crate::shutdown::Shutdown;

pub(crate) use crate::accounts::audit::ExportCheck;
pub(crate) use crate::store::fjall::keep_private;
pub use core::{Core, open_core};
pub use demo::{Reach, demo};

/// Why the gateway did not start, or ended in disorder.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Logs or metrics.
    #[error(transparent)]
    Telemetry(#[from] crate::telemetry::TelemetryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Something was asked of a cluster, and the settings name none.
    #[error("`store.backend` is not \"scylla\": there is no schema to look after")]
    NoCluster,
    /// A copy of a store.
    #[error(transparent)]
    Copy(#[from] crate::store::copy::CopyError),
    /// There is nothing to read.
    #[error("{0} is not there: `store.path` names the folder")]
    NoFolder(String),
    /// The way to Meta.
    #[error(transparent)]
    Graph(#[from] crate::whatsapp::client::ClientError),
    /// The way to the mail server.
    #[error(transparent)]
    Mail(#[from] crate::mail::MailError),
    /// The place for files cannot be opened.
    #[error(transparent)]
    Files(#[from] crate::media::StorageError),
    /// It cannot be noted whose files these are.
    #[error(transparent)]
    FilesOwner(#[from] crate::media::MediaError),
    /// The store does not open.
    #[error("cannot open the store in {place}: {reason}")]
    Opening {
        /// Where it is, and which setting says so.
        place: String,
        /// Why not.
        reason: String,
    },
    /// There is no store whose time could be gone on from, and the machine's is wrong.
    #[error(
        "the machine's clock is at least {days} behind: what a new store is given now would be taken for long over later. \
         Set the clock, then start again"
    )]
    ClockBehind {
        /// By how much.
        days: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said, and what helps.
        reason: String,
    },
    /// What clients would be shown cannot be used.
    #[error("cannot speak TLS: {0} (`server.tls_certificate`, `server.tls_key`)")]
    Tls(#[from] crate::api::PairError),
    /// A thread cannot be started, or a file cannot be used.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The simulator of the demo.
    #[error(transparent)]
    Simulator(#[from] mesej_simulator::SimulatorError),
    /// The demo would give its key to whoever reaches this machine.
    #[error(
        "the demo gives everybody who asks a key, and {0} is an address that others may reach: listen on 127.0.0.1 \
         (`server.listen`), or say --expose"
    )]
    DemoInTheOpen(SocketAddr),
    /// Everybody could have the key of the demo, and what it keeps is made up.
    #[error(
        "the store in {0} was filled by `mesej demo`, and `server.mode` is \"production\": name a folder or a keyspace of its own"
    )]
    DemoStore(String),
    /// A part of the demo could not be set up.
    #[error("the demo cannot be set up: {0}")]
    Demo(String),
    /// The store could not write any more: a start on what the disk really holds may mend it.
    #[error(
        "the store cannot write: nothing that was acknowledged is lost, but a start is needed once the disk or the cluster \
         is well (the log says which)"
    )]
    StoreFailed,
    /// Something had to be given up at the end; it goes on after the next start.
    #[error("parts that had not finished when the time was up: {parts}; they go on after the next start")]
    Unfinished {
        /// How many.
        parts: usize,
    },
}

/// Reads the files that the settings name and a start would need, as a start does.
pub fn check_files(config: &Config) -> Result<(), AppError> {
    start::tls(config, SystemClock::new().now()).map(drop)
}

/// Runs the gateway until it is told to end. Must be called within an actix system.
pub async fn serve(config: Config, shutdown: Shutdown) -> Result<(), AppError> {
    crate::telemetry::init(&config.telemetry);
    start::tell_strangers();
    start::keep_memory_private(config.server.mode);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let listeners = start::listeners(&config, clock.as_ref())?;
    let core = open_core(&config, clock, shutdown.clone()).await?;
    demo::revoke_keys(&core, &config).await?;
    core.serve(&config, listeners, None, shutdown).await
}
