//! Pages of rows and events, and places in the list of conversations.

use serde::{Deserialize, Serialize};

use crate::domain::{Conversation, ConversationId, ConversationStatus, Event, PhoneNumberId, Seq, Timestamp};

/// Which conversations a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// Only this status.
    pub status: Option<ConversationStatus>,
    /// Only those of this number.
    pub number: Option<PhoneNumberId>,
}

/// Place in a conversation list, newest activity first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConversationCursor {
    /// Activity of the last row shown.
    pub last_activity: Timestamp,
    /// Its id, which orders rows of equal activity (descending).
    pub conversation: ConversationId,
}

impl ConversationCursor {
    /// Where a conversation stands as its row says.
    pub(crate) const fn of(row: &Conversation) -> Self {
        Self {
            last_activity: row.last_activity,
            conversation: row.id,
        }
    }
}

/// A page of the conversation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPage {
    /// The rows.
    pub items: Vec<Conversation>,
    /// The place after which the list goes on, if it does. A conversation that moves while the page is read has left it.
    pub next: Option<ConversationCursor>,
}

impl From<Page<Conversation>> for ConversationPage {
    /// Of rows and places that were read at one moment.
    fn from(page: Page<Conversation>) -> Self {
        let last = page.items.last().map(ConversationCursor::of);
        Self {
            next: last.filter(|_| page.more),
            items: page.items,
        }
    }
}

/// Which way a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
pub enum ListOrder {
    /// What comes first first.
    #[default]
    #[serde(rename = "asc")]
    Ascending,
    /// What comes last first.
    #[serde(rename = "desc")]
    Descending,
}

/// A page of rows, and whether more follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether at least one more follows.
    pub more: bool,
}

impl<T> Page<T> {
    /// No rows, and none that follow.
    pub const fn empty() -> Self {
        Self {
            items: Vec::new(),
            more: false,
        }
    }
}

/// Events after a position.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// In order, dense. Empty at the head.
    pub events: Vec<Event>,
    /// The oldest position still readable; `head + 1` when none is.
    pub oldest: Seq,
    /// The last committed position.
    pub head: Seq,
}

impl EventPage {
    /// Of a ledger that nobody opened.
    pub(crate) const fn of_no_ledger() -> Self {
        Self {
            events: Vec::new(),
            oldest: Seq::new(1),
            head: Seq::new(0),
        }
    }
}
