//! Whom a broadcast is for, some at a time: contacts that a list or a segment has, or the rows of a file. Nothing of it is held beyond
//! one step but, for a file, whom it has had.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Broadcasts;
use super::retry::FailedRecipients;
use super::waits::{Ended, Waits};
use crate::bulk::batch::Had;
use crate::bulk::known;
use crate::domain::filter::{Condition as Is, Filter};
use crate::domain::{
    Alias, AliasKind, Author, BroadcastProblem, Contact, ContactId, ListId, PhoneNumberId, SegmentId,
    TenantId, TermPlace,
};
use crate::store::ListOrder;
use crate::store::contact_filter::MeantContacts;
use crate::store::contact_search::{Condition as _, ContactOrder, ContactSearch};
use crate::store::tables::{
    Broadcast, BroadcastAudience, BroadcastUpload, Segment, Unsendable, UploadedRecipients, UploadedRow,
};

/// Contacts, or rows, of one step.
const STEP: usize = 200;
/// Steps from one contact to the one that it turned out to be.
const LINKS: usize = 4;

/// Somebody of an audience.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The contact, where there is one.
    pub(super) contact: Option<Contact>,
    /// The phone of a row.
    pub(super) phone: Option<Alias>,
    /// What stands in its columns.
    pub(super) cells: Vec<String>,
    /// Its line.
    pub(super) line: Option<u64>,
    /// What is known to be wrong with it.
    pub(super) wrong: Option<Unsendable>,
}

impl Candidate {
    fn of(contact: Contact) -> Self {
        Self {
            contact: Some(contact),
            phone: None,
            cells: Vec::new(),
            line: None,
            wrong: None,
        }
    }

    fn of_row(row: UploadedRow) -> Self {
        let phone = row.phone.map(|value| Alias {
            kind: AliasKind::Phone,
            value,
        });
        Self {
            contact: None,
            phone,
            cells: row.cells,
            line: Some(row.line),
            wrong: row.suppressed,
        }
    }
}

/// Reads an audience from its beginning to its end.
pub(super) struct Audience<'a> {
    broadcasts: &'a Broadcasts,
    tenant: TenantId,
    waits: Waits<'a>,
    exclude: Option<MeantContacts>,
    walk: Walk,
}

/// How far it is.
enum Walk {
    Contacts {
        meant: Box<MeantContacts>,
        after: Option<TermPlace>,
        is_over: bool,
    },
    Rows {
        broadcast: Box<Broadcast>,
        upload: UploadedRecipients,
        next: u32,
        left: Vec<UploadedRow>,
        had: Had,
    },
    Failed(Box<FailedRecipients>),
}

impl<'a> Audience<'a> {
    /// Begins.
    pub(super) async fn open(
        broadcasts: &'a Broadcasts,
        tenant: TenantId,
        broadcast: &Broadcast,
        waits: Waits<'a>,
    ) -> Result<Self, Ended> {
        let meaning = Meaning {
            broadcasts,
            tenant,
            broadcast,
            waits,
        };
        let exclude = meaning.excluded().await?;
        let walk = match broadcast.audience {
            BroadcastAudience::List { list_id } => meaning.walk(meaning.list(list_id).await?).await?,
            BroadcastAudience::Segment { segment_id } => {
                meaning.walk(meaning.segment(segment_id).await?).await?
            }
            BroadcastAudience::Upload {} => Walk::Rows {
                upload: broadcast
                    .upload
                    .clone()
                    .ok_or(Ended::Failed(BroadcastProblem::NothingUploaded))?,
                broadcast: Box::new(broadcast.clone()),
                next: 0,
                left: Vec::new(),
                had: Had::default(),
            },
            BroadcastAudience::Retry { broadcast_id } => {
                let of = (tenant, broadcast_id);
                let failed = FailedRecipients::open(broadcasts, of, broadcast, waits).await?;
                Walk::Failed(Box::new(failed))
            }
        };
        Ok(Self {
            broadcasts,
            tenant,
            waits,
            exclude,
            walk,
        })
    }

    /// The next ones; `None` at the end. It may be none although there are more.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Candidate>>, Ended> {
        let store = self.broadcasts.store.as_ref();
        let mut found = match &mut self.walk {
            Walk::Failed(failed) => match failed.next(self.broadcasts, self.tenant, self.waits).await? {
                Some(found) => found,
                None => return Ok(None),
            },
            Walk::Contacts { is_over: true, .. } => return Ok(None),
            Walk::Contacts {
                meant,
                after,
                is_over,
            } => {
                let search = ContactSearch {
                    store,
                    tenant: self.tenant,
                    condition: meant.as_ref(),
                    sort: ContactOrder::Created,
                    order: ListOrder::Ascending,
                };
                let page = self.waits.asked(|| search.page(after.clone(), STEP)).await?;
                *is_over = page.next.is_none();
                *after = page.next;
                page.contacts.into_iter().map(Candidate::of).collect()
            }
            Walk::Rows {
                broadcast,
                upload,
                next,
                left,
                had,
            } => {
                if left.is_empty() {
                    if *next >= upload.chunks {
                        return Ok(None);
                    }
                    let key = BroadcastUpload::at(self.tenant, broadcast.broadcast_id, upload.upload, *next);
                    let table = self.broadcasts.table::<BroadcastUpload>();
                    let chunk = self.waits.asked(|| table.get(&key)).await?;
                    let chunk = chunk.ok_or(Ended::Failed(BroadcastProblem::NothingUploaded))?;
                    *next += 1;
                    *left = chunk.row.rows;
                }
                let some = left.drain(..left.len().min(STEP));
                let mut some: Vec<Candidate> = some.map(Candidate::of_row).collect();
                self.broadcasts.know(self.tenant, &mut some, self.waits).await?;
                for one in &mut some {
                    let is_again = one
                        .contact
                        .as_ref()
                        .is_some_and(|contact| !had.note_contact(contact.id));
                    if is_again && one.wrong.is_none() {
                        one.wrong = Some(Unsendable::Duplicate);
                    }
                }
                some
            }
        };
        self.leave_out(&mut found).await?;
        Ok(Some(found))
    }

    /// Says of those who are left out that they are.
    async fn leave_out(&self, found: &mut [Candidate]) -> Result<(), Ended> {
        let Some(exclude) = &self.exclude else {
            return Ok(());
        };
        let store = self.broadcasts.store.as_ref();
        let open = found.iter().filter(|one| one.wrong.is_none());
        let contacts: Vec<Contact> = open.filter_map(|one| one.contact.clone()).collect();
        let held = || exclude.hold(store, self.tenant, contacts.clone());
        let held = self.waits.asked(held).await?;
        let out: BTreeSet<ContactId> = held.into_iter().map(|contact| contact.id).collect();
        for one in found.iter_mut().filter(|one| one.wrong.is_none()) {
            if one
                .contact
                .as_ref()
                .is_some_and(|contact| out.contains(&contact.id))
            {
                one.wrong = Some(Unsendable::Excluded);
            }
        }
        Ok(())
    }
}

impl Broadcasts {
    /// Looks up whom the phones of rows lead to.
    async fn know(&self, tenant: TenantId, rows: &mut [Candidate], waits: Waits<'_>) -> Result<(), Ended> {
        let names: Vec<Vec<Alias>> = rows
            .iter()
            .map(|row| row.phone.iter().flat_map(Alias::forms).collect())
            .collect();
        let flat: Vec<Alias> = names.iter().flatten().cloned().collect();
        let ids = waits
            .asked(|| self.store.contacts_by_alias(tenant, flat.clone()))
            .await?;
        let mut ids = ids.into_iter();
        let ids: Vec<Option<ContactId>> = names
            .iter()
            .map(|names| {
                let forms = ids.by_ref().take(names.len());
                forms.fold(None, |known, id| known.or(id))
            })
            .collect();
        let people = self.people(tenant, ids.iter().flatten().copied(), waits).await?;
        for (row, id) in rows.iter_mut().zip(ids) {
            row.contact = id.and_then(|id| people.get(&id).cloned());
        }
        Ok(())
    }

    /// The customers that contacts turned out to be, or were merged into.
    pub(super) async fn people(
        &self,
        tenant: TenantId,
        wanted: impl Iterator<Item = ContactId>,
        waits: Waits<'_>,
    ) -> Result<HashMap<ContactId, Contact>, Ended> {
        let mut lead: BTreeMap<ContactId, ContactId> = wanted.map(|id| (id, id)).collect();
        let mut rows: HashMap<ContactId, Contact> = HashMap::new();
        for _ in 0..LINKS {
            let missing: BTreeSet<ContactId> = lead
                .values()
                .filter(|id| !rows.contains_key(id))
                .copied()
                .collect();
            let missing: Vec<ContactId> = missing.into_iter().collect();
            if missing.is_empty() {
                break;
            }
            let found = waits
                .asked(|| self.store.contacts(tenant, missing.clone()))
                .await?;
            rows.extend(found.into_iter().flatten().map(|contact| (contact.id, contact)));
            for at in lead.values_mut() {
                let row = rows.get(at);
                if let Some(next) = row.and_then(|row| row.linked_to.or(row.merged_into)) {
                    *at = next;
                }
            }
        }
        let found = lead
            .into_iter()
            .filter_map(|(id, at)| rows.get(&at).map(|row| (id, row.clone())));
        Ok(found.collect())
    }
}

/// What lists and segments of a broadcast mean.
#[derive(Clone, Copy)]
struct Meaning<'a> {
    broadcasts: &'a Broadcasts,
    tenant: TenantId,
    broadcast: &'a Broadcast,
    waits: Waits<'a>,
}

impl Meaning<'_> {
    async fn list(self, list: ListId) -> Result<Filter, Ended> {
        let Broadcasts { store, clock, .. } = self.broadcasts;
        let lists = || known::lists(store.as_ref(), self.tenant, clock.now());
        let lists = self.waits.asked(lists).await?;
        if lists.iter().any(|one| one.id == list) {
            Ok(Filter::Is(Is::List(list)))
        } else {
            Err(Ended::Failed(BroadcastProblem::ListGone))
        }
    }

    /// A segment that is not there, or names what is not, means nobody: nothing is sent by guess.
    async fn segment(self, segment: SegmentId) -> Result<Filter, Ended> {
        let Broadcasts { store, clock, .. } = self.broadcasts;
        let key = Segment::at(self.tenant, segment);
        let table = self.broadcasts.table::<Segment>();
        let found = self.waits.asked(|| table.get(&key)).await?;
        let found = found.ok_or(Ended::Failed(BroadcastProblem::SegmentGone))?;
        let definitions = || known::filter_definitions(store.as_ref(), self.tenant, clock.now());
        let definitions = self.waits.asked(definitions).await?;
        let filter = Filter::parse(&found.row.filter, Some(&definitions));
        filter.map_err(|_gone| Ended::Failed(BroadcastProblem::SegmentGone))
    }

    async fn excluded(self) -> Result<Option<MeantContacts>, Ended> {
        let exclude = &self.broadcast.exclude;
        let mut filters = Vec::new();
        for list in &exclude.lists {
            filters.push(self.list(*list).await?);
        }
        for segment in &exclude.segments {
            filters.push(self.segment(*segment).await?);
        }
        if filters.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.meant(Filter::Any(filters)).await?))
    }

    async fn walk(self, filter: Filter) -> Result<Walk, Ended> {
        Ok(Walk::Contacts {
            meant: Box::new(self.meant(filter).await?),
            after: None,
            is_over: false,
        })
    }

    /// `me` is whoever made the broadcast.
    async fn meant(self, filter: Filter) -> Result<MeantContacts, Ended> {
        let Broadcasts { tenants, clock, .. } = self.broadcasts;
        let mut numbers: Vec<PhoneNumberId> = Vec::new();
        if filter.needs_conversations() {
            let all = self.waits.taken(|| tenants.numbers(self.tenant)).await?;
            let all = all.into_iter().map(|number| number.id);
            numbers.extend(all.filter(|number| filter.asks_about(number)));
        }
        let asker = match &self.broadcast.created_by {
            Author::Agent { id } => Some(id.clone()),
            _ => None,
        };
        Ok(MeantContacts::new(filter, asker, numbers, clock.now()))
    }
}
