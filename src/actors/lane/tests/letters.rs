//! Messages to submit.

use crate::domain::{Priority, Purpose, Timestamp, UnknownPolicy};

/// What to submit.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) customer: u32,
    pub(super) priority: Priority,
    pub(super) purpose: Purpose,
    pub(super) policy: UnknownPolicy,
    pub(super) send_at: Option<Timestamp>,
    pub(super) valid_until: Option<Timestamp>,
    /// What is said to Meta, if not a text.
    pub(super) body: Option<serde_json::Value>,
}

pub(super) fn letter(customer: u32) -> Letter {
    Letter {
        customer,
        priority: Priority::Interactive,
        purpose: Purpose::Other,
        policy: UnknownPolicy::NeverDuplicate,
        send_at: None,
        valid_until: None,
        body: None,
    }
}

pub(super) fn bulk(customer: u32) -> Letter {
    Letter {
        priority: Priority::Bulk,
        ..letter(customer)
    }
}
