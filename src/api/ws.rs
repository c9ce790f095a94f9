//! The agents' sockets: handshake, protocol, sessions, and who ends them.
//!
//! Once a handshake is answered its connection is taken over from the HTTP server ([`mod@takeover`]). A session has two
//! halves: [`session`] is an actor and owns the protocol; [`outgoing`] is the connection's task and pulls events from the
//! worker's feed whenever there is room. [`reaper`] ends those that do not read.

mod frame;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handshake;
mod inbound;
mod issue;
mod link;
mod options;
mod outgoing;
mod progress;
mod protocol;
mod reaper;
mod session;
mod socket;
mod socket_limits;
mod socket_writer;
mod sockets;
mod takeover;
mod tickets;
mod visible;

#[cfg(test)]
mod tests;

use actix_web::web::{self, ServiceConfig};

pub(super) use handshake::open;
pub(super) use issue::ticket;
pub use options::SocketOptions;
pub use reaper::ComeBack;
pub use sockets::{SocketParts, Sockets};
pub(super) use takeover::takeover;
pub use tickets::{Pass, TicketRefusal, Tickets, VALID_FOR};
pub(super) use visible::ConversationNumbers;

/// What each HTTP worker needs for its sockets: feeds stay on their threads. Handlers want [`Sockets`] beside it.
pub(super) fn worker_data(scope: &mut ServiceConfig) {
    scope.app_data(web::Data::new(sockets::WorkerFeeds::default()));
}
