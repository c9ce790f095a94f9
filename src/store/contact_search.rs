//! Finding contacts: several terms intersected, rows read together, conditions looked at, all of it bounded for each call.
//!
//! Whoever searches names terms that every contact it wants stands under, and a [`Condition`] that is looked at for each row:
//! a term alone is not believed. A page may be short, or empty, although there is a place to go on from.

use async_trait::async_trait;

use super::error::StoreError;
use super::{ListOrder, Store};
use crate::domain::{Contact, ContactId, TenantId, Term, TermKey, TermPlace};

/// Places under terms read for one page.
const MOST_PLACES: usize = 2_000;
/// Contacts read for one page.
const MOST_CONTACTS: usize = 200;
/// Contacts read at once, at least: the last places of a page are not read one by one.
const LEAST: usize = 32;
/// Places read at once.
const PLACES: usize = 200;
/// Terms that are looked at together: each has places read for it. What the others say is looked at in the row.
const MOST_TERMS: usize = 4;
/// Contacts that are put in order in memory.
const MOST_SORTED: usize = 500;

/// What a contact must be.
#[async_trait]
pub trait Condition: Send + Sync {
    /// Terms under all of which every contact stands for which it holds; the one under which fewest stand first. None where it
    /// says nothing that there is a term for.
    fn terms(&self, key: TermKey) -> Vec<Term>;

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
            ContactOrder::Created if terms.is_empty() => self.walk(vec![key.all()], after, limit).await,
            ContactOrder::Created => self.walk(terms, after, limit).await,
            ContactOrder::Name => {
                if !terms.is_empty()
                    && let Some(all) = self.few(terms).await?
                {
                    return self.sorted(&all, after, limit).await;
                }
                // So many that most of those next by name are among them.
                self.walk(vec![key.by_name()], after, limit).await
            }
        }
    }

    /// Walks over those that stand under all terms, which have one order.
    async fn walk(
        &self,
        terms: Vec<Term>,
        after: Option<TermPlace>,
        limit: usize,
    ) -> Result<FoundContacts, StoreError> {
        let mut common = Intersection::of(self, terms, self.order, after.clone());
        let (mut contacts, mut next, mut looked) = (Vec::new(), after, 0_usize);
        while looked < MOST_CONTACTS {
            // As many as are wanted still: mostly all of them hold.
            let wanted = limit.saturating_sub(contacts.len()).max(LEAST);
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
    async fn few(&self, terms: Vec<Term>) -> Result<Option<Vec<ContactId>>, StoreError> {
        let mut common = Intersection::of(self, terms, ListOrder::Ascending, None);
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
            .filter(|row| row.linked_to.is_none() && row.merged_into.is_none() && row.group_id.is_none())
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
            let row = row.filter(|row| {
                row.linked_to.is_none() && row.merged_into.is_none() && row.group_id.is_none()
            })?;
            (self.sort.place(&row) == place).then_some(row)
        });
        self.condition.hold(self.store, self.tenant, rows.collect()).await
    }
}

/// How far a walk over places came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There may be more.
    Open,
    /// There are no more.
    Reached,
    /// So many places were read that it is enough for one call.
    OutOfPlaces,
}

/// Places that several terms of one order have in common. Whoever is behind is read on from where the others are.
struct Intersection<'a> {
    search: &'a ContactSearch<'a>,
    order: ListOrder,
    streams: Vec<Stream>,
    read: usize,
    /// Up to where all that they have in common was given.
    reached: Option<TermPlace>,
    end: End,
}

/// Places under one term, as far as they are read.
struct Stream {
    term: Term,
    /// In reverse: the next one is the last.
    places: Vec<TermPlace>,
    after: Option<TermPlace>,
    is_whole: bool,
}

impl<'a> Intersection<'a> {
    fn of(
        search: &'a ContactSearch<'a>,
        terms: Vec<Term>,
        order: ListOrder,
        after: Option<TermPlace>,
    ) -> Self {
        let stream = |term| Stream {
            term,
            places: Vec::new(),
            after: after.clone(),
            is_whole: false,
        };
        Self {
            search,
            order,
            streams: terms.into_iter().take(MOST_TERMS).map(stream).collect(),
            read: 0,
            reached: after.clone(),
            end: End::Open,
        }
    }

    /// The next places that all have, at most `limit`.
    async fn next(&mut self, limit: usize) -> Result<Vec<TermPlace>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit && self.end == End::Open {
            if !self.fill().await? {
                break;
            }
            let heads = self.streams.iter().filter_map(|stream| stream.places.last());
            let furthest = match self.order {
                ListOrder::Ascending => heads.max(),
                ListOrder::Descending => heads.min(),
            };
            let Some(furthest) = furthest.cloned() else { break };
            let is_common = self
                .streams
                .iter()
                .all(|stream| stream.places.last() == Some(&furthest));
            for stream in &mut self.streams {
                stream.skip_to(&furthest, self.order, is_common);
            }
            if is_common {
                self.reached = Some(furthest.clone());
                found.push(furthest);
            }
        }
        Ok(found)
    }

    /// Reads on under each term of which nothing is at hand. False where one of them has no more, or enough was read.
    async fn fill(&mut self) -> Result<bool, StoreError> {
        let ContactSearch { store, tenant, .. } = self.search;
        for stream in &mut self.streams {
            if !stream.places.is_empty() {
                continue;
            }
            if stream.is_whole {
                self.end = End::Reached;
                return Ok(false);
            }
            if self.read >= MOST_PLACES {
                self.end = End::OutOfPlaces;
                // Nothing before it is in common that was not given.
                self.reached.clone_from(&stream.after);
                return Ok(false);
            }
            let page = store.page_term(*tenant, stream.term, stream.after.clone(), self.order, PLACES);
            let page = page.await?;
            self.read = self.read.saturating_add(page.items.len().max(1));
            stream.is_whole = !page.more;
            stream.after = page.items.last().cloned().or_else(|| stream.after.take());
            stream.places = page.items;
            stream.places.reverse();
            if stream.places.is_empty() {
                self.end = End::Reached;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A place after which the given one comes next.
fn just_before(place: &TermPlace, order: ListOrder) -> Option<TermPlace> {
    let contact = u128::from_be_bytes(*place.contact.as_bytes());
    let beside = match order {
        ListOrder::Ascending => contact.checked_sub(1),
        ListOrder::Descending => contact.checked_add(1),
    };
    Some(TermPlace {
        order: place.order.clone(),
        contact: ContactId::from_bytes(beside?.to_be_bytes()),
    })
}

impl Stream {
    /// Leaves out what comes before a place, and the place itself once it was given.
    fn skip_to(&mut self, place: &TermPlace, order: ListOrder, is_given: bool) {
        let is_before = |at: &TermPlace| match order {
            ListOrder::Ascending => at < place,
            ListOrder::Descending => at > place,
        };
        while self
            .places
            .last()
            .is_some_and(|at| is_before(at) || (is_given && at == place))
        {
            self.places.pop();
        }
        // What is read next begins there: nothing before it can be in common.
        if self.places.is_empty() && !is_given && self.after.as_ref().is_some_and(is_before) {
            self.after = just_before(place, order).or_else(|| self.after.take());
        }
    }
}

#[cfg(test)]
mod tests;
