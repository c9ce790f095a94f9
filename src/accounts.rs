//! People who sign in: what becomes of their passwords, and what slows those who guess them.
//!
//! | File | What it holds |
//! |---|---|
//! | `passwords.rs` | password hashes, computed by a bounded pool |
//! | `strength.rs` | which passwords are too easy to guess |
//! | `throttle.rs` | how fast wrong passwords may come |
//!
//! Nothing here knows HTTP. Time is passed in, but for the deadline of the pool's queue, which is a timer of tokio.

pub mod passwords;
pub mod strength;
pub mod throttle;

pub use passwords::{NotAHash, PasswordError, PasswordHash, Passwords, Verdict};
pub use strength::{Pattern, WeakPassword};
pub use throttle::SignInThrottle;
