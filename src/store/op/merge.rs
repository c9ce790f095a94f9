//! That a person of the business says which contacts are one customer.

use crate::domain::{Author, MergeDone};

/// Two cards become one. What it does was worked out from the rows as they were read, and is kept for it to be undone: it happens only
/// while that is still what it does.
#[derive(Debug, Clone)]
pub struct Merge {
    /// What it does.
    pub done: MergeDone,
    /// Who did it.
    pub by: Author,
}

/// They are two again.
#[derive(Debug, Clone)]
pub struct Unmerge {
    /// What the merge did.
    pub done: MergeDone,
    /// Who undid it.
    pub by: Author,
}
