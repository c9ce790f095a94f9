//! The schema: numbered files that are compiled in, applied once each, in order, by one process at a time.

mod apply;
mod files;
mod server;
#[cfg(test)]
mod tidy;

pub use apply::{Applied, migrate, status};
pub use files::{Migration, migrations};
pub use server::Server;
#[cfg(test)]
pub(in crate::store) use tidy::{empty, remove};

use super::link::Link;
use super::options::ScyllaOptions;
use crate::store::error::{StoreError, StoreErrorKind};

/// Where a cluster's schema stands, and where this program wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The newest migration that was applied; 0 when none was.
    pub applied: u32,
    /// The newest that this program knows.
    pub known: u32,
    /// What the cluster is.
    pub server: Server,
}

impl Status {
    /// Refuses a schema that this program cannot work on.
    pub fn check(&self) -> Result<(), StoreError> {
        let Self { applied, known, .. } = self;
        let problem = match applied.cmp(known) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => format!(
                "the cluster's schema is at version {applied} and this mesej needs {known}: run `mesej migrate`"
            ),
            std::cmp::Ordering::Greater => format!(
                "the cluster's schema is at version {applied} and this mesej knows only {known}: run a newer mesej"
            ),
        };
        Err(StoreError::new(StoreErrorKind::Invalid, problem))
    }
}

/// Refuses a cluster whose schema is not the one that this program knows.
pub(super) async fn require(link: &Link, options: &ScyllaOptions) -> Result<(), StoreError> {
    apply::read_status(link, options).await?.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(applied: u32) -> Status {
        Status {
            applied,
            known: 3,
            server: Server::Cassandra,
        }
    }

    #[test]
    fn a_schema_of_another_version_is_refused_with_what_to_do() {
        assert!(at(3).check().is_ok());
        let older = at(2).check().unwrap_err();
        assert_eq!(older.kind, StoreErrorKind::Invalid);
        assert!(older.detail.contains("run `mesej migrate`"), "{}", older.detail);
        let newer = at(4).check().unwrap_err();
        assert!(newer.detail.contains("run a newer mesej"), "{}", newer.detail);
    }
}
