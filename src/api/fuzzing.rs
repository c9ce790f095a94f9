//! What the targets in `fuzz/` reach of this layer. Compiled with `--cfg fuzzing` alone, so that the product has no such door.

use super::cursor;
pub use super::ws::fuzzing::{Did, Socket, Wire};
use crate::domain::TenantId;
use crate::store::{ConversationCursor, ConversationFilter};

/// Writes a place in a conversation list as its caller gets it.
pub fn write_cursor(tenant: TenantId, filter: &ConversationFilter, place: ConversationCursor) -> String {
    cursor::write(tenant, filter, place)
}

/// Reads a place that a caller sent; `None` when it is refused.
pub fn read_cursor(tenant: TenantId, filter: &ConversationFilter, text: &str) -> Option<ConversationCursor> {
    cursor::read(tenant, filter, text).ok()
}
