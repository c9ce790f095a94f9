//! Places that several terms have in common, each read as far as it takes.

use super::{ContactSearch, ListOrder};
use crate::domain::filter::AnyTerm;
use crate::domain::{ContactId, Term, TermPlace};
use crate::store::StoreError;

/// Terms that are looked at together: each has places read for it. What the others say is looked at in the row.
const MOST_TERMS: usize = 4;
/// Places read at once, at first and later: who goes on wants many.
const FIRST: usize = 200;
const LATER: usize = 1_000;

/// How far a walk over places came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There may be more.
    Open,
    /// There are no more.
    Reached,
    /// So many places were read that it is enough for one call.
    OutOfPlaces,
}

/// Places that several streams of one order have in common. Whoever is behind is read on from where the others are.
pub(super) struct Intersection<'a> {
    search: &'a ContactSearch<'a>,
    order: ListOrder,
    streams: Vec<Stream>,
    /// Whoever stands in one of these is left out.
    without: Vec<Stream>,
    read: usize,
    most: usize,
    /// Up to where all that they have in common was given.
    pub(super) reached: Option<TermPlace>,
    pub(super) end: End,
}

/// Places under any of some terms, as far as they are read.
struct Stream(Vec<Part>);

/// Places under one term.
struct Part {
    term: Term,
    /// In reverse: the next one is the last.
    places: Vec<TermPlace>,
    after: Option<TermPlace>,
    pages: usize,
    is_whole: bool,
}

impl<'a> Intersection<'a> {
    /// Reads at most about `most` places.
    pub(super) fn of(
        search: &'a ContactSearch<'a>,
        order: ListOrder,
        under: Vec<AnyTerm>,
        without: Vec<Term>,
        after: Option<TermPlace>,
        most: usize,
    ) -> Self {
        let part = |term| Part {
            term,
            places: Vec::new(),
            after: after.clone(),
            pages: 0,
            is_whole: false,
        };
        let stream = |terms: AnyTerm| Stream(terms.into_iter().map(part).collect());
        Self {
            search,
            order,
            streams: under.into_iter().take(MOST_TERMS).map(stream).collect(),
            without: without.into_iter().map(|term| Stream(vec![part(term)])).collect(),
            read: 0,
            most,
            reached: after.clone(),
            end: End::Open,
        }
    }

    /// The next places that all have, at most `limit`.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Vec<TermPlace>, StoreError> {
        let mut found = Vec::new();
        while found.len() < limit && self.end == End::Open {
            if !self.fill().await? {
                break;
            }
            if let Some(part) = self.alone() {
                let rest = part
                    .places
                    .len()
                    .saturating_sub(limit.saturating_sub(found.len()));
                found.extend(part.places.drain(rest..).rev());
                self.reached = found.last().cloned();
                continue;
            }
            let order = self.order;
            let heads = self.streams.iter().filter_map(|stream| stream.head(order));
            let furthest = match order {
                ListOrder::Ascending => heads.max(),
                ListOrder::Descending => heads.min(),
            };
            let Some(furthest) = furthest.cloned() else { break };
            let is_common = self
                .streams
                .iter()
                .all(|stream| stream.head(order) == Some(&furthest));
            if is_common && !self.fill_without(&furthest).await? {
                break;
            }
            let is_left_out = self
                .without
                .iter()
                .any(|stream| stream.head(order) == Some(&furthest));
            for stream in &mut self.streams {
                stream.skip_to(&furthest, order, is_common);
            }
            if is_common {
                self.reached = Some(furthest.clone());
                if !is_left_out {
                    found.push(furthest);
                }
            }
        }
        Ok(found)
    }

    /// The only term, where there is one: all that stand under it are given.
    fn alone(&mut self) -> Option<&mut Part> {
        match self.streams.as_mut_slice() {
            [Stream(parts)] if self.without.is_empty() => match parts.as_mut_slice() {
                [part] => Some(part),
                _ => None,
            },
            _ => None,
        }
    }

    /// Reads on wherever nothing is at hand. False where a stream has no more, or enough was read.
    async fn fill(&mut self) -> Result<bool, StoreError> {
        for at in 0..self.streams.len() {
            let Some(stream) = self.streams.get_mut(at) else {
                break;
            };
            for part in &mut stream.0 {
                if !part.is_behind() {
                    continue;
                }
                // The first pages of all are read in any case, so that each call comes on.
                if self.read >= self.most && part.pages > 0 {
                    self.end = End::OutOfPlaces;
                    break;
                }
                self.read = self
                    .read
                    .saturating_add(part.read(self.search, self.order).await?);
            }
            if self.end == End::OutOfPlaces {
                self.reached = self.furthest_bound();
                return Ok(false);
            }
            if stream.0.iter().all(|part| part.places.is_empty()) {
                self.end = End::Reached;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads those who are left out on to a place. False where enough was read.
    async fn fill_without(&mut self, place: &TermPlace) -> Result<bool, StoreError> {
        for stream in &mut self.without {
            stream.skip_to(place, self.order, false);
            for part in &mut stream.0 {
                if !part.is_behind() {
                    continue;
                }
                if self.read >= self.most && part.pages > 0 {
                    // The place itself was not given: the next call begins with it.
                    self.end = End::OutOfPlaces;
                    self.reached = just_before(place, self.order).or_else(|| self.reached.take());
                    return Ok(false);
                }
                self.read = self
                    .read
                    .saturating_add(part.read(self.search, self.order).await?);
            }
            stream.skip_to(place, self.order, false);
        }
        Ok(true)
    }

    /// Up to where nothing is in common that was not given: each stream tells how far it was looked through.
    fn furthest_bound(&self) -> Option<TermPlace> {
        let bounds = self.streams.iter().filter_map(|stream| stream.bound(self.order));
        let bounds = bounds.chain(self.reached.clone());
        match self.order {
            ListOrder::Ascending => bounds.max(),
            ListOrder::Descending => bounds.min(),
        }
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

fn is_before(at: &TermPlace, place: &TermPlace, order: ListOrder) -> bool {
    match order {
        ListOrder::Ascending => at < place,
        ListOrder::Descending => at > place,
    }
}

impl Part {
    const fn is_behind(&self) -> bool {
        self.places.is_empty() && !self.is_whole
    }

    /// Reads the next page; how many places that were.
    async fn read(&mut self, search: &ContactSearch<'_>, order: ListOrder) -> Result<usize, StoreError> {
        let limit = if self.pages == 0 { FIRST } else { LATER };
        let page = search
            .store
            .page_term(search.tenant, self.term, self.after.clone(), order, limit);
        let page = page.await?;
        self.pages += 1;
        self.is_whole = !page.more;
        self.after = page.items.last().cloned().or_else(|| self.after.take());
        self.places = page.items;
        self.places.reverse();
        Ok(self.places.len().max(1))
    }
}

impl Stream {
    /// The next place of all.
    fn head(&self, order: ListOrder) -> Option<&TermPlace> {
        let heads = self.0.iter().filter_map(|part| part.places.last());
        match order {
            ListOrder::Ascending => heads.min(),
            ListOrder::Descending => heads.max(),
        }
    }

    /// Up to where it was looked through; `None` where that is nowhere, or all of it.
    fn bound(&self, order: ListOrder) -> Option<TermPlace> {
        let mut least: Option<TermPlace> = None;
        for part in &self.0 {
            let bound = match part.places.last() {
                Some(head) => just_before(head, order)?,
                None if part.is_whole => continue,
                None => part.after.clone()?,
            };
            if least.as_ref().is_none_or(|least| is_before(&bound, least, order)) {
                least = Some(bound);
            }
        }
        least
    }

    /// Leaves out what comes before a place, and the place itself once it was given.
    fn skip_to(&mut self, place: &TermPlace, order: ListOrder, is_given: bool) {
        for part in &mut self.0 {
            while part
                .places
                .last()
                .is_some_and(|at| is_before(at, place, order) || (is_given && at == place))
            {
                part.places.pop();
            }
            // What is read next begins there: nothing before it can be in common.
            let is_behind = part
                .after
                .as_ref()
                .is_none_or(|after| is_before(after, place, order));
            if part.is_behind() && !is_given && is_behind {
                part.after = just_before(place, order).or_else(|| part.after.take());
            }
        }
    }
}
