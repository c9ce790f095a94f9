//! How fast messages may go out: per number, per customer, per API client. And how many wrong secrets may come in: per key, per
//! network.
//!
//! All of it is pure: time is a monotonic [`Duration`](std::time::Duration) that the caller passes in, and an answer is
//! "yes, and it is counted" or "not before this long". Daily budgets of a portfolio live in the store, not here.

pub mod api;
pub mod bucket;
mod departures;
mod inflow;
pub mod network;
pub mod number;
pub mod pacer;
pub mod pair;

pub use api::ApiLimiter;
pub use bucket::{Allowance, Bucket, Buckets};
pub use network::Network;
pub use number::{Hold, NumberLimiter, Wait};
pub use pacer::Pacer;
pub use pair::{PairLimiter, PairRule};
