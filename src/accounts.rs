//! People who sign in: what slows those who guess passwords.
//!
//! | File | What it holds |
//! |---|---|
//! | `strength.rs` | which passwords are too easy to guess |
//! | `throttle.rs` | how fast wrong passwords may come |
//!
//! Nothing here knows HTTP. Time is passed in.

pub mod strength;
pub mod throttle;

pub use strength::{Pattern, WeakPassword};
pub use throttle::SignInThrottle;
