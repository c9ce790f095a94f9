//! What customers may ask of a business, and the gateway does for it.

mod erasure;

pub use erasure::{ErasureError, Erasures};
