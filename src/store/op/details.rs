//! What a business itself says of a contact.

use crate::domain::{Author, ContactAliases, ContactChange, ContactId};

/// A business notes something of a contact, or makes one.
#[derive(Debug, Clone)]
pub struct ChangeContact {
    /// Of which.
    pub who: Whom,
    /// What, in this order. All of it, or nothing.
    pub changes: Vec<ContactChange>,
    /// Who did it.
    pub by: Author,
    /// Who is told.
    pub audience: Audience,
}

/// Which contact is meant.
#[derive(Debug, Clone)]
pub enum Whom {
    /// This one, or whom it turned out to be.
    Known(ContactId),
    /// One that is not there yet.
    New(ContactAliases),
    /// Whoever goes by this name, made where nobody does.
    Named(ContactAliases),
}

/// Who is told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Agents, by an event.
    Agents,
    /// Nobody: what changes thousands of contacts leaves rows alone.
    Nobody,
}

/// What became of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactFate {
    /// It is new.
    Created,
    /// It is another than it was.
    Changed,
    /// It was all of that already.
    Unchanged,
}
