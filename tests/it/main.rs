//! The gateway from outside: real HTTP and WebSockets, the real stores, and the simulator as Meta.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod access;
mod account_faults;
mod amended;
mod binary;
mod broadcasts;
mod bulk_messages;
mod cases;
mod clocks;
mod connections;
mod consent;
mod containers;
mod damage;
mod doors;
mod erased;
mod frames;
mod gateway;
mod groups;
mod kept;
#[path = "../cql/keyspaces.rs"]
mod keyspaces;
mod listeners;
mod media;
mod merges;
#[path = "../cql/node.rs"]
mod node;
#[path = "../payloads/folders.rs"]
mod payloads;
mod payments;
mod people;
mod presence;
mod process;
mod production;
mod promql;
#[path = "../oidc/provider.rs"]
#[expect(dead_code, reason = "what only unit tests make it say")]
mod provider;
mod queries;
mod restart;
mod road_in;
mod road_out;
mod samples;
mod single_sign_on;
mod templates;
mod tls;
mod told;
mod watching;
