//! The actors: who owns what while the gateway runs.
//!
//! ```text
//! Gateway ── Directory (number → tenant, tenant → address; the only lock)
//!              └─ Tenant          settings, live conversations, lanes, presence, viewers, typing   one per tenant
//!                   ├─ Ledger     the only writer of the tenant's log; feeds it      one per tenant
//!                   ├─ Conversation  window, order of submits                        one per conversation in use
//!                   └─ Lane       two queues, limits, claims, calls                  one per number
//! WorkerFeed       the live tail of one ledger on one HTTP worker; sessions pull from it
//! ```
//!
//! A tenant and its children live on one arbiter. Every mailbox is bounded by permits ([`bounded`]). Asks go downward
//! with a time-out, reports go upward one-way. What a fact changes is decided when it is committed, by
//! [`crate::store::derive`], in the order of the ledger; actors decide what may be asked.

pub mod bounded;
mod conversation;
pub mod directory;
pub mod feed;
pub mod gateway;
pub mod incarnation;
pub mod lane;
pub mod ledger;
mod messages;
#[cfg(test)]
mod parts;
pub mod port;
pub mod request;
mod tenant;

pub use bounded::{Admitted, BoundedAddr, Refused};
pub use directory::{Directory, DirectoryParts};
pub use gateway::Gateway;
pub use incarnation::{Incarnation, Incarnations};
pub use lane::{LaneHandle, LaneLimits, LaneParts, LaneSettings};
pub use ledger::{CommitError, CommitObserver, LedgerHandle};
pub use port::{
    IntakePort, IntakeRefusal, Readiness, SessionId, Signer, TenantCommands, TenantDirectory, TenantInbox,
    TenantPort, TenantPresence, WebhookTenants,
};
pub use tenant::TenantLimits;
