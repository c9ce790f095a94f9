//! Finding contacts: several terms intersected, rows read together, conditions looked at, all of it bounded for each call.
//!
//! Whoever searches names terms that every contact it wants stands under, and a [`Condition`] that is looked at for each row:
//! a term alone is not believed. A page may be short, or empty, although there is a place to go on from. Counts believe terms.

mod intersection;

use async_trait::async_trait;

use self::intersection::{End, Intersection};
use super::error::StoreError;
use super::{ListOrder, Store};
use crate::domain::filter::{AnyTerm, ToldByTerms};
use crate::domain::{Contact, ContactId, TenantId, TermKey, TermPlace};

/// Places under terms read for one page.
const MOST_PLACES: usize = 8_000;
/// The same for one count.
const MOST_COUNTED: usize = 20_000;
/// Pages of contacts for one count where terms do not tell.
const PAGES_COUNTED: usize = 3;
/// Contacts read for one page.
const MOST_CONTACTS: usize = 1_000;
/// Contacts read at once, at least: the last places of a page are not read one by one. Twice as many each time, and so many at most.
const LEAST: usize = 32;
const TOGETHER: usize = 256;
/// Places of those that are put in order in memory, read at once.
const PLACES: usize = 200;
/// Contacts that are put in order in memory.
const MOST_SORTED: usize = 500;

/// What a contact must be.
#[async_trait]
pub trait Condition: Send + Sync {
    /// Every contact for which it holds stands under one term of each of these; those under which fewest stand first. None where it
    /// says nothing that there is a term for.
    fn terms(&self, key: TermKey) -> Vec<AnyTerm>;

    /// The terms that tell by themselves for whom it holds.
    fn told_by_terms(&self, _key: TermKey) -> Option<ToldByTerms> {
        None
    }

    /// Those of some contacts for which it holds, in the same order. May read other rows of theirs.
    async fn hold(
        &self,
        store: &dyn Store,
        tenant: TenantId,
        contacts: Vec<Contact>,
    ) -> Result<Vec<Contact>, StoreError>;
}

/// By what contacts are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactOrder {
    /// By when they were first seen.
    Created,
    /// By what they are called.
    Name,
}

impl ContactOrder {
    /// Where a contact stands in it.
    pub fn place(self, contact: &Contact) -> TermPlace {
        match self {
            Self::Created => TermPlace::by_age(contact),
            Self::Name => TermPlace::by_name(contact),
        }
    }
}

/// A page of contacts.
#[derive(Debug)]
pub struct FoundContacts {
    /// Those.
    pub contacts: Vec<Contact>,
    /// The place after which the search goes on, if it does.
    pub next: Option<TermPlace>,
}

/// A search in one tenant.
pub struct ContactSearch<'a> {
    /// Where.
    pub store: &'a dyn Store,
    /// Whose contacts.
    pub tenant: TenantId,
    /// What is wanted.
    pub condition: &'a dyn Condition,
    /// In which order.
    pub sort: ContactOrder,
    /// From which end.
    pub order: ListOrder,
}

impl ContactSearch<'_> {
    /// The contacts after a place, at most `limit`.
    pub async fn page(&self, after: Option<TermPlace>, limit: usize) -> Result<FoundContacts, StoreError> {
        let key = TermKey::of(self.tenant);
        let terms = self.condition.terms(key);
        match self.sort {
            ContactOrder::Created if terms.is_empty() => self.walk(vec![vec![key.all()]], after, limit).await,
            ContactOrder::Created => self.walk(terms, after, limit).await,
            ContactOrder::Name => {
                let by_name = |any: &AnyTerm| any.iter().map(|term| key.by_name_under(*term)).collect();
                let by_name: Vec<Option<AnyTerm>> = terms.iter().map(by_name).collect();
                if by_name.iter().any(Option::is_none)
                    && let Some(all) = self.few(terms).await?
                {
                    return self.sorted(&all, after, limit).await;
                }
                let mut by_name: Vec<AnyTerm> = by_name.into_iter().flatten().collect();
                if by_name.is_empty() {
                    // So many that some of those next by name are among them.
                    by_name.push(vec![key.by_name()]);
                }
                self.walk(by_name, after, limit).await
            }
        }
    }

    /// How many there are, as far as one call counts, and the place after which it goes on.
    pub async fn count(&self, after: Option<TermPlace>) -> Result<(usize, Option<TermPlace>), StoreError> {
        let Some(told) = self.condition.told_by_terms(TermKey::of(self.tenant)) else {
            return self.count_rows(after).await;
        };
        let ToldByTerms { under, without } = told;
        let mut common = Intersection::of(self, self.order, under, without, after, MOST_COUNTED);
        let mut count = 0_usize;
        while common.end == End::Open {
            count = count.saturating_add(common.next(MOST_CONTACTS).await?.len());
        }
        let next = common.reached.filter(|_| common.end == End::OutOfPlaces);
        Ok((count, next))
    }

    async fn count_rows(
        &self,
        mut after: Option<TermPlace>,
    ) -> Result<(usize, Option<TermPlace>), StoreError> {
        let mut count = 0_usize;
        for _ in 0..PAGES_COUNTED {
            let found = self.page(after, MOST_CONTACTS).await?;
            count = count.saturating_add(found.contacts.len());
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        Ok((count, after))
    }

    /// Walks over those that stand under all terms, which have one order.
    async fn walk(
        &self,
        terms: Vec<AnyTerm>,
        after: Option<TermPlace>,
        limit: usize,
    ) -> Result<FoundContacts, StoreError> {
        let mut common = Intersection::of(self, self.order, terms, Vec::new(), after.clone(), MOST_PLACES);
        let (mut contacts, mut next, mut looked) = (Vec::new(), after, 0_usize);
        let mut least = LEAST;
        while looked < MOST_CONTACTS {
            // As many as are wanted still: mostly all of them hold. Where they do not, more are looked at together.
            let wanted = limit.saturating_sub(contacts.len()).max(least).min(TOGETHER);
            least = least.saturating_mul(2);
            let wanted = wanted.min(MOST_CONTACTS.saturating_sub(looked));
            let places = common.next(wanted).await?;
            looked = looked.saturating_add(places.len());
            next = places.last().cloned().or(next);
            let held = self.held(places).await?;
            contacts.extend(held);
            if contacts.len() > limit {
                return Ok(self.first_of(contacts, limit));
            }
            match common.end {
                End::Reached => return Ok(FoundContacts { contacts, next: None }),
                End::OutOfPlaces => {
                    let next = common.reached.or(next);
                    return Ok(FoundContacts { contacts, next });
                }
                End::Open if contacts.len() >= limit => break,
                End::Open => {}
            }
        }
        Ok(FoundContacts { contacts, next })
    }

    /// The first of more than a page has; the next page goes on behind them.
    fn first_of(&self, mut contacts: Vec<Contact>, limit: usize) -> FoundContacts {
        contacts.truncate(limit);
        let next = contacts.last().map(|row| self.sort.place(row));
        FoundContacts { contacts, next }
    }

    /// All that stand under all terms, if they are few.
    async fn few(&self, terms: Vec<AnyTerm>) -> Result<Option<Vec<ContactId>>, StoreError> {
        let mut common = Intersection::of(self, ListOrder::Ascending, terms, Vec::new(), None, MOST_PLACES);
        let mut all = Vec::new();
        while all.len() <= MOST_SORTED {
            all.extend(common.next(PLACES).await?.into_iter().map(|place| place.contact));
            match common.end {
                End::Reached => return Ok((all.len() <= MOST_SORTED).then_some(all)),
                End::OutOfPlaces => return Ok(None),
                End::Open => {}
            }
        }
        Ok(None)
    }

    /// Some contacts put in order here.
    async fn sorted(
        &self,
        all: &[ContactId],
        after: Option<TermPlace>,
        limit: usize,
    ) -> Result<FoundContacts, StoreError> {
        let rows = self.store.contacts(self.tenant, all.to_vec()).await?;
        let mut rows: Vec<(TermPlace, Contact)> = rows
            .into_iter()
            .flatten()
            // A term may be behind for a moment.
            .filter(Contact::has_terms)
            .map(|row| (self.sort.place(&row), row))
            .filter(|(place, _)| {
                after.as_ref().is_none_or(|after| match self.order {
                    ListOrder::Ascending => place > after,
                    ListOrder::Descending => place < after,
                })
            })
            .collect();
        rows.sort_by(|(one, _), (other, _)| match self.order {
            ListOrder::Ascending => one.cmp(other),
            ListOrder::Descending => other.cmp(one),
        });
        let mut contacts = Vec::new();
        let mut rest = rows.into_iter().peekable();
        let (mut next, mut looked) = (None, 0_usize);
        while contacts.len() < limit && looked < MOST_CONTACTS {
            let wanted = limit.saturating_sub(contacts.len()).max(LEAST);
            let some: Vec<(TermPlace, Contact)> = rest.by_ref().take(wanted).collect();
            let Some((last, _)) = some.last() else { break };
            next = Some(last.clone());
            looked = looked.saturating_add(some.len());
            let rows = some.into_iter().map(|(_, row)| row).collect();
            contacts.extend(self.condition.hold(self.store, self.tenant, rows).await?);
        }
        if contacts.len() > limit {
            return Ok(self.first_of(contacts, limit));
        }
        let next = next.filter(|_| rest.peek().is_some());
        Ok(FoundContacts { contacts, next })
    }

    /// Those that are there, are nobody else's, and for which the condition holds.
    async fn held(&self, places: Vec<TermPlace>) -> Result<Vec<Contact>, StoreError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let ids = places.iter().map(|place| place.contact).collect();
        let rows = self.store.contacts(self.tenant, ids).await?;
        // One that changed since it was put there stands elsewhere by now, and is met there.
        let rows = places.into_iter().zip(rows).filter_map(|(place, row)| {
            let row = row.filter(Contact::has_terms)?;
            (self.sort.place(&row) == place).then_some(row)
        });
        self.condition.hold(self.store, self.tenant, rows.collect()).await
    }
}

#[cfg(test)]
mod tests;
