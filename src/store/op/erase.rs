//! That a customer is erased.

use crate::domain::ContactId;

/// A step of an erasure. What removes the rows is no op: [`Store::erase_contacts`](crate::store::Store::erase_contacts) does that in
/// between.
#[derive(Debug, Clone)]
pub enum Erase {
    /// It begins, for the customer of these contacts: notes that nothing is to be sold to whoever comes by their names again.
    Begins(Vec<ContactId>),
    /// The rows are gone. Whoever shows any of them reads again.
    IsDone,
}
