//! Where the next entry goes, and what chains it to the one before. Pure.
//!
//! A month ends with an entry that names the one in which the chain goes on. Whoever adds an entry has seen the one before it, so
//! that nobody writes into a month that another gateway has closed.

use std::time::Duration;

use super::AuditEvent;
use crate::domain::{AuditAction, Month, Timestamp};
use crate::store::tables::{
    AuditActor, AuditDetails, AuditHead, AuditScope, ChainLink, EntryHash, EntryPlace, MonthBefore,
};

/// So long before a month's entries end, none is added to it: gateways' clocks differ, and a place whose entry is over is free again.
const BEFORE_THE_END: Duration = Duration::from_secs(86_400);

/// A log without an entry.
pub(super) fn beginning(scope: AuditScope, month: Month) -> AuditHead {
    AuditHead {
        began: month,
        place: EntryPlace { month, seq: 0 },
        hash: EntryHash::beginning(scope),
        keep_until: None,
        next: None,
    }
}

/// Where the next entry goes.
pub(super) const fn next_place(head: &AuditHead) -> EntryPlace {
    match head.next {
        Some(month) => EntryPlace { month, seq: 1 },
        None => EntryPlace {
            month: head.place.month,
            seq: head.place.seq.saturating_add(1),
        },
    }
}

/// What the next entry is chained by. The first one of a month settles how long the month is kept.
pub(super) fn link(head: &AuditHead, next: Option<Month>, keep: Duration) -> ChainLink {
    let month = next_place(head).month;
    let of_month = head.keep_until.filter(|_| head.next.is_none());
    let before = head.next.and(head.keep_until).map(|keep_until| MonthBefore {
        place: head.place,
        keep_until,
    });
    ChainLink {
        prev: head.hash,
        keep_until: of_month.unwrap_or_else(|| month.kept_until(keep)),
        before,
        next,
    }
}

/// The end of a log to which an entry was added.
pub(super) const fn followed(
    head: &AuditHead,
    place: EntryPlace,
    link: &ChainLink,
    hash: EntryHash,
) -> AuditHead {
    AuditHead {
        began: head.began,
        place,
        hash,
        keep_until: Some(link.keep_until),
        next: link.next,
    }
}

/// Whether an end is before another one.
pub(super) fn is_behind(head: &AuditHead, other: &AuditHead) -> bool {
    (head.place.month, head.place.seq) < (other.place.month, other.place.seq)
}

/// Whether the next entry's month is over, or nearly: nothing may be added there.
pub(super) fn is_over(head: &AuditHead, keep: Duration, now: Timestamp) -> bool {
    link(head, None, keep).keep_until <= now.after(BEFORE_THE_END)
}

/// The end of a log that goes on in a later month although nothing closed its last one.
pub(super) fn passed_over(head: &AuditHead, next: Month) -> AuditHead {
    if head.place.seq == 0 {
        return AuditHead {
            began: next,
            place: EntryPlace { month: next, seq: 0 },
            ..*head
        };
    }
    AuditHead {
        next: Some(next),
        ..*head
    }
}

/// What closes a month.
pub(super) fn closing() -> AuditEvent {
    AuditEvent {
        actor: AuditActor::Nobody,
        action: AuditAction::MonthClosed,
        target: None,
        address: None,
        details: AuditDetails::default(),
    }
}
