//! Customers who were erased while an import is carried out: no row of its file brings them back.

use super::imports::Imports;
use super::job::Ended;
use super::waits::Waits;
use crate::domain::{Alias, TenantId, Timestamp};
use crate::store::StoreError;
use crate::store::tables::ContactErasure;

/// Erasures that are read at once.
const PAGE: usize = 200;

/// Erasures of a business's customers that began since an import did.
#[derive(Debug, Default)]
pub(super) struct Erased(Vec<ContactErasure>);

impl Erased {
    /// Those that are listed now, and those that were done since.
    pub(super) async fn look_up(
        tenant: TenantId,
        since: Timestamp,
        imports: &Imports,
        waits: Waits<'_>,
    ) -> Result<Self, Ended> {
        let mut found = Vec::new();
        let places = [
            (ContactErasure::open(), None),
            (ContactErasure::done(tenant), Some(ContactErasure::before(since))),
        ];
        for (of, mut after) in places {
            loop {
                let table = imports.table::<ContactErasure>();
                let page = waits
                    .asked(|| table.page(of.clone(), after.clone(), PAGE))
                    .await?;
                after = page.items.last().map(|found| found.sort.clone());
                let rows = page.items.into_iter().map(|found| found.row);
                found.extend(rows.filter(|row| row.tenant == tenant && row.begun >= since));
                if !page.more {
                    break;
                }
            }
        }
        Ok(Self(found))
    }

    /// Whether the customer of a phone was erased.
    pub(super) fn has(&self, phone: &Alias) -> bool {
        self.0.iter().any(|erasure| erasure.is_of(phone))
    }

    /// Has those erased once more whose erasure was not listed before rows with these phones were noted: it may have been done by then.
    pub(super) async fn erase_again(
        &self,
        before: &Self,
        noted: &[Alias],
        imports: &Imports,
        waits: Waits<'_>,
    ) -> Result<(), Ended> {
        let is_new = |erasure: &&ContactErasure| {
            let is_known =
                |one: &ContactErasure| (one.contact, one.begun) == (erasure.contact, erasure.begun);
            !before.0.iter().any(is_known) && noted.iter().any(|phone| erasure.is_of(phone))
        };
        for erasure in self.0.iter().filter(is_new) {
            // Whoever carries it out sees that it is another.
            let again = ContactErasure {
                begun: imports.clock.now(),
                gone: None,
                ..erasure.clone()
            };
            let again = |_: Option<&ContactErasure>| Ok::<_, StoreError>(Some(again.clone()));
            let key = ContactErasure::at(erasure.tenant, erasure.contact);
            let table = imports.table::<ContactErasure>();
            waits.asked(|| table.change(key.clone(), again)).await?;
        }
        Ok(())
    }
}
