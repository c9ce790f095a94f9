//! Messages to submit.

use crate::domain::{MediaId, Priority, Purpose, Timestamp, UnknownPolicy};

/// What to submit.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) customer: u32,
    pub(super) priority: Priority,
    pub(super) purpose: Purpose,
    pub(super) policy: UnknownPolicy,
    pub(super) send_at: Option<Timestamp>,
    pub(super) valid_until: Option<Timestamp>,
    /// The file that it carries.
    pub(super) upload: Option<MediaId>,
}

pub(super) fn letter(customer: u32) -> Letter {
    Letter {
        customer,
        priority: Priority::Interactive,
        purpose: Purpose::Other,
        policy: UnknownPolicy::NeverDuplicate,
        send_at: None,
        valid_until: None,
        upload: None,
    }
}

pub(super) fn bulk(customer: u32) -> Letter {
    Letter {
        priority: Priority::Bulk,
        ..letter(customer)
    }
}
