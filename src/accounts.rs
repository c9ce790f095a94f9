//! People who sign in: what slows those who guess passwords.
//!
//! | File | What it holds |
//! |---|---|
//! | `throttle.rs` | how fast wrong passwords may come |
//!
//! Nothing here knows HTTP. Time is passed in.

pub mod throttle;

pub use throttle::SignInThrottle;
