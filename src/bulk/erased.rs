//! Customers who were erased while a file is read, or an audience: nothing that was read before brings them back.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::waits::{Unanswered, Waits};
use crate::domain::{Alias, AliasKind, ContactAliases, ContactId, TenantId, Timestamp};
use crate::store::plain::PlainTable;
use crate::store::tables::ContactErasure;
use crate::store::{Store, StoreError};

#[cfg(test)]
mod tests;

/// Erasures that are read at once.
const PAGE: usize = 200;

/// Erasures of a business's customers.
#[derive(Debug, Default)]
pub(crate) struct Erased(Vec<ContactErasure>);

/// Where it is looked for them, and when.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) tenant: TenantId,
    pub(crate) now: Timestamp,
    pub(crate) waits: Waits<'a>,
}

impl Looking<'_> {
    fn table(&self) -> PlainTable<'_, ContactErasure> {
        PlainTable::of(self.store, self.now)
    }
}

impl Erased {
    /// Those that are listed now, and those that were done since a time, however long that takes.
    pub(crate) async fn look_up(looking: Looking<'_>, since: Timestamp) -> Result<Self, Unanswered> {
        let found = || Self::found(looking.table(), looking.tenant, since);
        looking.waits.asked(found).await
    }

    /// The same, unless the store does not answer.
    pub(crate) async fn found(
        table: PlainTable<'_, ContactErasure>,
        tenant: TenantId,
        since: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut found = Vec::new();
        let places = [
            (ContactErasure::open(), ContactErasure::before_those_of(tenant)),
            (ContactErasure::done(tenant), ContactErasure::before(since)),
        ];
        for (of, after) in places {
            let mut after = Some(after);
            loop {
                let page = table.page(of.clone(), after, PAGE).await?;
                after = page.items.last().map(|found| found.sort.clone());
                let rows = page.items.into_iter().map(|found| found.row);
                let read = found.len();
                let count = rows.len();
                found.extend(rows.filter(|row| row.tenant == tenant));
                // Behind a tenant's come those of others.
                if !page.more || found.len() < read + count {
                    break;
                }
            }
        }
        Ok(Self(found))
    }

    /// Only those that began since a time: who was erased before may come again.
    pub(crate) fn begun_since(mut self, since: Timestamp) -> Self {
        self.0.retain(|erasure| erasure.begun >= since);
        self
    }

    /// Whether the customer of a phone was erased.
    pub(crate) fn has(&self, phone: &Alias) -> bool {
        self.0.iter().any(|erasure| erasure.is_of(phone))
    }

    /// The same for digits with the country's code.
    pub(crate) fn has_phone(&self, digits: &Arc<str>) -> bool {
        self.has(&Alias {
            kind: AliasKind::Phone,
            value: Arc::clone(digits),
        })
    }

    /// Whether the customer of a contact was erased.
    pub(crate) fn has_contact(&self, contact: ContactId) -> bool {
        self.0.iter().any(|erasure| erasure.contacts.contains(&contact))
    }

    /// Whether somebody was erased who was not before.
    pub(crate) fn has_more_than(&self, before: &Self) -> bool {
        self.0.iter().any(|erasure| !before.knows(erasure))
    }

    fn knows(&self, erasure: &ContactErasure) -> bool {
        let is_it = |one: &ContactErasure| (one.contact, one.begun) == (erasure.contact, erasure.begun);
        self.0.iter().any(is_it)
    }

    /// Has those erased once more whose erasure was not listed before rows with these phones were noted: it may have been done by then.
    pub(super) async fn erase_again(
        &self,
        before: &Self,
        noted: &[Alias],
        looking: Looking<'_>,
    ) -> Result<(), Unanswered> {
        for erasure in self.0.iter().filter(|erasure| !before.knows(erasure)) {
            let theirs: Vec<&Alias> = noted.iter().filter(|phone| erasure.is_of(phone)).collect();
            if theirs.is_empty() {
                continue;
            }
            let mut contacts: BTreeSet<ContactId> = erasure.contacts.iter().copied().collect();
            contacts.extend(made_again(erasure, &theirs, looking).await?);
            // Whoever carries it out sees that it is another.
            let again = ContactErasure {
                contacts: contacts.into_iter().collect(),
                begun: looking.now,
                gone: None,
                ..erasure.clone()
            };
            let again = |_: Option<&ContactErasure>| Ok::<_, StoreError>(Some(again.clone()));
            let key = ContactErasure::at(erasure.tenant, erasure.contact);
            let listed = || looking.table().change(key.clone(), again);
            looking.waits.asked(listed).await?;
        }
        Ok(())
    }
}

/// Contacts under which phones of an erased customer were noted since. Their ids follow from the phones, and the customer may have
/// gone by the id of another name. A contact that was there before is somebody else, to whom the phone went.
async fn made_again(
    erasure: &ContactErasure,
    phones: &[&Alias],
    looking: Looking<'_>,
) -> Result<Vec<ContactId>, Unanswered> {
    let Looking { store, tenant, .. } = looking;
    let forms: Vec<Alias> = phones.iter().flat_map(|phone| phone.forms()).collect();
    let known = || store.contacts_by_alias(tenant, forms.clone());
    let known = looking.waits.asked(known).await?.into_iter().flatten();
    let named = phones.iter().map(|phone| ContactAliases::of([(*phone).clone()]));
    let named = named.filter_map(|aliases| aliases.new_contact_id(tenant));
    let ids: BTreeSet<ContactId> = known.chain(named).collect();
    let rows = || store.contacts(tenant, ids.iter().copied().collect());
    let rows = looking.waits.asked(rows).await?.into_iter().flatten();
    let made = rows.filter(|contact| contact.created >= erasure.begun);
    Ok(made.map(|contact| contact.id).collect())
}
