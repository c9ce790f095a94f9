//! Contacts that turn out to be one person: linked, never rewritten. And how agents are told of it.

use serde::Serialize;

use super::Batch;
use super::amend::change_as_asked;
use super::identity::{last_known, take_over};
use super::merge::take_place;
use super::names::{Found, find, follow_links, lead_if_free, mover, newcomer, went_before};
use super::receive::believable;
use super::shown::shown_with;
use super::thread::Threads;
use crate::domain::{
    Alias, Author, Contact, ContactAliases, ContactId, Conversation, ConversationId, EventKind, Message,
    PhoneNumberId, Seq, Timestamp,
};
use crate::store::error::StoreError;
use crate::store::op::{OpOutcome, Relate};
use crate::store::row::Seen;

/// What changed about a contact.
#[derive(Default)]
pub(super) struct News {
    /// It goes by other names.
    pub(super) names: bool,
    /// It wants marketing, or does not.
    pub(super) marketing: bool,
    /// Messages reach it, or do not.
    pub(super) reach: bool,
    /// What the business notes of it.
    pub(super) details: bool,
    /// It was merged with another, or parted from it.
    pub(super) merge: bool,
    /// Contacts that turned out to be the same person.
    pub(super) linked: Vec<ContactId>,
    /// Who changed it, if the business did.
    pub(super) by: Option<Author>,
}

impl News {
    /// Whether nothing did.
    pub(super) const fn is_none(&self) -> bool {
        !self.names
            && !self.marketing
            && !self.reach
            && !self.details
            && !self.merge
            && self.linked.is_empty()
    }
}

#[derive(Serialize)]
struct ContactChanged<'a> {
    contact: &'a Contact,
    /// `names`, `link`, `marketing`, `reach`, `details`, `merge`.
    changed: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    linked: &'a [ContactId],
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Author>,
    /// Where the person's messages on the number that told it go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<Conversation>,
    /// Conversations of the same number that do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instead_of: Vec<ConversationId>,
}

/// Tells agents what changed about a contact; `None` when nothing did. `number` is the one that heard of it.
pub(super) fn tell(
    batch: &mut Batch<'_>,
    contact: &Contact,
    news: &News,
    number: Option<&PhoneNumberId>,
) -> Result<Option<Seq>, StoreError> {
    if news.is_none() {
        return Ok(None);
    }
    let joined = match number {
        Some(number) if !news.linked.is_empty() => {
            Threads::of(batch, number, contact)?.join(batch, contact.id)?
        }
        _ => None,
    };
    let (conversation, instead_of) = joined.map_or((None, Vec::new()), |(row, left)| (Some(row), left));
    let changed = [
        (news.names, "names"),
        (!news.linked.is_empty(), "link"),
        (news.marketing, "marketing"),
        (news.reach, "reach"),
        (news.details, "details"),
        (news.merge, "merge"),
    ];
    let contact = batch.shown_as_card(contact.clone())?;
    let changed = ContactChanged {
        contact: &contact,
        changed: changed
            .into_iter()
            .filter_map(|(did, what)| did.then_some(what))
            .collect(),
        linked: &news.linked,
        by: news.by.as_ref(),
        // Whole: whoever knows one of the others may not know this one.
        conversation: conversation
            .filter(|row| !row.is_unlisted)
            .map(|row| shown_with(&row, None)),
        instead_of,
    };
    batch.emit(EventKind::Contact, None, &changed).map(Some)
}

/// Makes another contact, and those that lead to it, lead to this one. What is not known of this one is taken from it.
pub(super) fn link(
    batch: &mut Batch<'_>,
    contact: &mut Contact,
    other: ContactId,
    news: &mut News,
) -> Result<(), StoreError> {
    // As it is now: another link of this op may have written it since it was found.
    let Some(mut other) = batch.rows.contact(other)? else {
        return Ok(());
    };
    for id in std::mem::take(&mut other.linked) {
        if let Some(mut further) = batch.rows.contact(id)? {
            further.linked_to = Some(contact.id);
            batch.put_contact(&further)?;
        }
        contact.lead(id);
    }
    other.linked_to = Some(contact.id);
    other.updated = batch.now;
    contact.lead(other.id);
    contact.fill(&other.aliases());
    for former in &other.former {
        let alias = Alias {
            kind: former.kind,
            value: former.value.clone(),
        };
        contact.remember(&alias, former.until);
    }
    for taken in &other.taken {
        let alias = Alias {
            kind: taken.kind,
            value: taken.value.clone(),
        };
        if taken.from != contact.id && contact.took(&alias).is_none() {
            contact.take_from(&alias, taken.from, taken.since);
        }
    }
    contact.name = contact.name.take().or_else(|| other.name.clone());
    contact.username = contact.username.take().or_else(|| other.username.clone());
    contact.adopt_details(&other);
    for number in &other.talked_on {
        contact.talk_on(number);
    }
    // Nobody is written to under one name who refused under another.
    contact.wish_as(&other);
    if let Some(missed) = other.unreachable {
        contact.miss(missed);
    }
    take_place(batch, contact, &mut other)?;
    for change in std::mem::take(&mut other.pending) {
        contact.await_author(change, batch.now);
    }
    batch.put_contact(&other)?;
    news.linked.push(other.id);
    change_as_asked(batch, contact)
}

/// Tells agents what a message's way to its recipient taught of them, unless they were shown nothing of the message and have no such
/// conversation in their lists: a broadcast teaches something of thousands.
pub(super) fn tell_of_recipient(
    batch: &mut Batch<'_>,
    contact: &Contact,
    news: &News,
    message: &Message,
) -> Result<(), StoreError> {
    if news.linked.is_empty()
        && message.is_quiet()
        && !Threads::of(batch, &message.number, contact)?.is_listed()
    {
        return Ok(());
    }
    tell(batch, contact, news, Some(&message.number)).map(drop)
}

/// Learns what Meta says of whom a message went to. A group's members are nobody's other names.
pub(super) fn recipient(
    batch: &mut Batch<'_>,
    message: &Message,
    names: &ContactAliases,
    at: Timestamp,
) -> Result<(), StoreError> {
    let to = message.contact_id;
    if names.is_empty() {
        return Ok(());
    }
    let Some(addressee) = follow_links(batch.rows, to)? else {
        return Ok(());
    };
    let is_over = |alias: &Alias| addressee.went_by_until(alias).is_some();
    if addressee.group_id.is_some() || names.strongest_first().any(is_over) {
        return Ok(());
    }
    let found = find(batch, names, at)?;
    let mut names = names.clone();
    for (alias, _) in &found.held {
        names.forget(alias.kind);
    }
    let Some((mut contact, same)) = one_person(addressee, found, &names) else {
        return Ok(());
    };
    let mut news = News::default();
    for other in same {
        link(batch, &mut contact, other.id, &mut news)?;
    }
    lead_if_free(batch, &names, contact.id)?;
    news.names = contact.fill(&names);
    // Nobody but a caller said so far how the number is written.
    if let (None, Some(phone)) = (contact.named_at, &names.phone)
        && contact.goes_by(phone)
        && contact.phone.as_ref() != Some(&phone.value)
    {
        contact.phone = Some(phone.value.clone());
        news.names = true;
    }
    if !news.is_none() {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
        tell_of_recipient(batch, &contact, &news, message)?;
    }
    Ok(())
}

/// The addressee of a message and whom its report names, if they are one person: who remains, and who leads there.
fn one_person(addressee: Contact, found: Found, names: &ContactAliases) -> Option<(Contact, Vec<Contact>)> {
    let mut same = found.same;
    let differ = |one: &Contact, bsuid: Option<&str>| matches!((one.bsuid.as_deref(), bsuid), (Some(one), Some(other)) if one != other);
    match found.contact {
        Some(known) if known.id == addressee.id => Some((known, same)),
        Some(known) => {
            let reached = addressee.named_at.is_none()
                || names
                    .phone
                    .as_ref()
                    .is_none_or(|phone| addressee.phone.is_none() || addressee.goes_by(phone));
            if !reached || differ(&addressee, known.bsuid.as_deref()) {
                return None;
            }
            same.retain(|other| other.id != addressee.id);
            let keep_addressee = known.bsuid.is_none() && addressee.bsuid.is_some();
            let (stays, goes) = if keep_addressee {
                (addressee, known)
            } else {
                (known, addressee)
            };
            same.push(goes);
            Some((stays, same))
        }
        None => {
            let told = names.bsuid.as_ref().map(|alias| &*alias.value);
            (!differ(&addressee, told)).then_some((addressee, same))
        }
    }
}

/// Takes over what a customer's change of number or identity says.
pub(super) fn relate(batch: &mut Batch<'_>, relate: &Relate) -> Result<OpOutcome, StoreError> {
    if batch.rows.seen(relate.once)?.is_some() {
        return Ok(OpOutcome::Duplicate { at: None });
    }
    let at = believable(relate.at, batch.now);
    let (before, after) = mover(batch, &relate.from, &relate.to, at)?;
    let fresh = before.contact.is_none() && after.contact.is_none();
    let mut same = before.same;
    let mut contact = match (before.contact, after.contact) {
        (Some(contact), then) => {
            same.extend(then);
            contact
        }
        (None, Some(contact)) => contact,
        (None, None) => match newcomer(batch, &relate.from, relate.at)? {
            Some(contact) => contact,
            None => return Ok(OpOutcome::Unchanged),
        },
    };
    batch.put_seen(relate.once, Seen { at: None }, batch.now)?;
    same.extend(after.same);
    let was = contact.clone();
    let known = last_known(batch, &contact, &relate.number)?;
    let mut news = News::default();
    let mut newer: Option<Contact> = None;
    for other in same {
        if other.id == contact.id || news.linked.contains(&other.id) {
            continue;
        }
        if other.named_at > newer.as_ref().map_or(Some(at), |newer| newer.named_at) {
            newer = Some(other.clone());
        }
        link(batch, &mut contact, other.id, &mut news)?;
    }
    let names = take_over(
        batch,
        &relate.to,
        after.held,
        &mut contact,
        Some(&relate.number),
        at,
    )?;
    // It wrote under its new names before the notice of them came, or moved on since.
    let newer = newer.map(|newer| (newer.aliases(), newer.named_at.unwrap_or(at)));
    let told = || known.is_none_or(|known| at >= known).then(|| (names.clone(), at));
    if let Some((names, since)) = newer.or_else(told) {
        news.names = contact.move_to(&names, since);
        for alias in relate.from.strongest_first() {
            contact.cease(alias, at);
        }
    }
    for alias in relate.from.strongest_first() {
        contact.remember(alias, at);
    }
    for (alias, holder) in &before.held {
        went_before(batch, &mut contact, alias, *holder, at)?;
    }
    lead_if_free(batch, &names, contact.id)?;
    lead_if_free(batch, &relate.from, contact.id)?;
    news.names |= fresh;
    if fresh || contact != was {
        contact.updated = batch.now;
        batch.put_contact(&contact)?;
    }
    let told = tell(batch, &contact, &news, Some(&relate.number))?;
    Ok(told.map_or(OpOutcome::Unchanged, |seq| OpOutcome::Committed {
        seq,
        at: None,
        queued: None,
    }))
}
