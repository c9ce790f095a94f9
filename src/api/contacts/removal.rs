//! Taking a list or an attribute that is being deleted from the contacts that have it.
//!
//! Its row says first that it is being deleted: from then on nobody is given it. Who looked before that looks again afterwards, and takes it
//! back, so that nothing is left wherever the walk over the contacts is.

use super::super::auth::{Call, CanManage, CanSend};
use super::super::error::ApiError;
use super::lists::change;
use super::place::List;
use crate::domain::{ContactChange, ContactId, Term};
use crate::store::ListOrder;
use crate::store::plain::PlainTable;
use crate::store::tables::{ContactAttribute, ContactList};

/// Contacts from which one call takes it.
const MOST: usize = 5_000;
/// Read at once for that.
const READ: usize = 500;

/// Takes it from contacts that stand under a term, from where the call's `cursor` says; where the next call goes on, if it has to: what
/// was taken is not walked over again.
pub(super) async fn take(
    call: &Call<CanManage>,
    term: Term,
    what: &str,
    taken: &ContactChange,
) -> Result<Option<String>, ApiError> {
    let mut params = call.params()?;
    let cursor = params.take::<String>("cursor", "a text")?;
    params.finish()?;
    let list = List {
        tenant: call.tenant(),
        asked: what,
    };
    let mut after = cursor.map(|text| list.read(&text)).transpose()?;
    let mut looked = 0;
    while looked < MOST {
        let store = &call.state().store;
        let page = store.page_term(call.tenant(), term, after.clone(), ListOrder::Ascending, READ);
        let page = page.await?;
        looked += page.items.len().max(1);
        after = page.items.last().cloned().or(after);
        let contacts = page.items.into_iter().map(|place| place.contact).collect();
        change(call, contacts, taken.clone()).await?;
        if !page.more {
            return Ok(None);
        }
    }
    Ok(after.map(|place| list.write(&place)))
}

/// What takes from a contact again what is being deleted, or is gone, since it was looked up for these changes.
pub(super) async fn gone_since(
    call: &Call<CanSend>,
    changes: &[ContactChange],
) -> Result<Vec<ContactChange>, ApiError> {
    let (state, tenant) = (call.state(), call.tenant());
    let (store, now) = (state.store.as_ref(), state.clock.now());
    let mut gone = Vec::new();
    for change in changes {
        match change {
            ContactChange::Attribute(key, Some(_)) => {
                let table = PlainTable::<ContactAttribute>::of(store, now);
                let found = table.get(&ContactAttribute::at(tenant, key)).await?;
                if found.is_none_or(|found| found.row.is_leaving) {
                    gone.push(ContactChange::Attribute(key.clone(), None));
                }
            }
            ContactChange::AddList(list) => {
                let table = PlainTable::<ContactList>::of(store, now);
                let found = table.get(&ContactList::at(tenant, *list)).await?;
                if found.is_none_or(|found| found.row.is_leaving) {
                    gone.push(ContactChange::RemoveList(*list));
                }
            }
            _ => {}
        }
    }
    Ok(gone)
}

/// Takes from some contacts again what is gone since they got it. Whether anything was.
pub(super) async fn take_back(
    call: &Call<CanSend>,
    contacts: &[ContactId],
    changes: &[ContactChange],
) -> Result<bool, ApiError> {
    let gone = gone_since(call, changes).await?;
    for taken in &gone {
        change(call, contacts.to_vec(), taken.clone()).await?;
    }
    Ok(!gone.is_empty())
}
