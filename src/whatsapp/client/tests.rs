//! What answers prove, and that a call is one request and no more.

mod answers;
mod calls;

use super::*;
