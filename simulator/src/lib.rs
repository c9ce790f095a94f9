//! Meta in a box: the Graph API, its webhooks, customers with a will of their own, faults on demand, and an oracle that
//! knows what was really sent.
//!
//! [`start`] runs it as an HTTP server in the process of the caller. Graph lives at the root ([`graph`]), the remote
//! control under `/_control` ([`control`]), the oracle under `/_oracle` ([`oracle`]). All chance comes from one seed. The
//! simulator knows the gateway only by what passes between them: HTTP, and the attempt tokens in it.

mod act;
mod bill;
mod blocks;
mod calls;
mod chatter;
pub mod clock;
mod config;
pub mod control;
mod customers;
mod dice;
mod elsewhere;
mod faults;
pub mod graph;
pub mod ids;
mod inbound;
mod judge;
mod limits;
mod media;
mod media_faults;
mod numbers;
pub mod oracle;
mod pairs;
mod phone;
mod phrases;
mod samples;
mod sends;
mod server;
mod templates;
mod token;
mod upload_sessions;
mod wamid;
mod webhooks;
mod world;

pub use bill::{Bill, BillLine};
pub use chatter::ChatterConfig;
pub use config::{NumberConfig, PairConfig, Refusal, SimulatorConfig, StatusConfig, WebhookConfig};
pub use customers::{CustomerSpec, CustomerView, Reply};
pub use dice::Millis;
pub use elsewhere::{Echo, Import, Imported, Standby, WrittenBy};
pub use faults::{Faults, StormKind, Storms};
pub use media_faults::{MediaFault, SaidFile};
pub use numbers::NumberFate;
pub use sends::SendView;
pub use server::{Simulator, start, start_with};
pub use templates::{TemplateFate, TemplateSpec};
pub use webhooks::WebhookStats;
pub use world::Counts;

/// Why the simulator cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The configuration or a request to the control interface makes no sense.
    #[error("{why}")]
    Request {
        /// What is wrong, and what would be accepted.
        why: String,
    },
    /// A callback did not prove itself.
    #[error("{url} is no valid callback: {why}")]
    Callback {
        /// The callback.
        url: String,
        /// What it did instead.
        why: String,
    },
}

#[cfg(test)]
mod tests;
