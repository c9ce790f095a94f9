//! The message templates of every account: rows as Meta has them, kept up to date, and looked at by each message that is sent. What
//! Meta tells of an account's numbers is kept up to date with them.
//!
//! | File | What it holds |
//! |---|---|
//! | `merge.rs` | what a list or a webhook of Meta's makes of a row. Pure |
//! | `rows.rs` | how rows are changed: never over somebody else's change, and noted in their history |
//! | `sync.rs` | one look-up of an account at Meta |
//! | `schedule.rs` | when which account is looked up |
//! | `hearing.rs` | news of templates and numbers that webhooks tell, which wait for their turn beside the road in |
//! | `known.rs` | what messages are checked against, kept in memory for half a minute |
//! | `limits.rs` | Meta's limits for making and editing templates |
//! | `numbers.rs` | how an account's numbers stand with Meta |
//! | `change.rs` | templates that the business makes, edits and deletes |
//!
//! ADR 036 says why.

mod change;
mod hearing;
mod known;
mod limits;
mod merge;
mod numbers;
mod rows;
mod schedule;
mod sync;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex};

use hearing::Hearing;
use tokio::sync::Notify;

use crate::domain::{Clock, ContentError, MetaError, TemplateStatus};
use crate::store::{Store, StoreError};
use crate::whatsapp::client::{GraphError, GraphTemplates};
use known::Known;
use schedule::Schedule;

pub use change::{Change, NewTemplate, Reach, TemplateSource};
pub use hearing::{Heed, News};
pub use limits::TemplateLimit;

/// Why something about templates was not done.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The store did not take it, or did not tell.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Meta did not.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Meta did not, because one of its limits is used up.
    #[error("one of Meta's limits for templates is used up ({}): {}, code {}", limit.as_str(), error.title, error.code)]
    Limit {
        /// Which.
        limit: TemplateLimit,
        /// What Meta said.
        error: MetaError,
    },
}

/// Why a message may not go out with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    /// The account has no such template.
    #[error("the number's account has no template of this name in this language")]
    Unknown,
    /// Meta would refuse it as it stands.
    #[error("the template is {}, and Meta sends only those that are APPROVED", .0.as_str())]
    NotSendable(TemplateStatus),
    /// The message does not fill it as it must.
    #[error(transparent)]
    Invalid(ContentError),
}

/// See the module.
pub struct TemplateBook {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    graph: Arc<dyn GraphTemplates>,
    known: Known,
    hearing: Hearing,
    schedule: Mutex<Schedule>,
    /// Told when an account is to be looked up sooner.
    asked: Notify,
    random: Mutex<fastrand::Rng>,
}

impl TemplateBook {
    /// Knows no template yet.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        graph: Arc<dyn GraphTemplates>,
        seed: u64,
    ) -> Self {
        Self {
            store,
            clock,
            graph,
            known: Known::default(),
            hearing: Hearing::default(),
            schedule: Mutex::default(),
            asked: Notify::new(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }
}

impl std::fmt::Debug for TemplateBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TemplateBook")
    }
}
