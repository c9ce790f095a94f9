//! Reading many rows at once. Everything here may wait for the disk.

use std::iter::Peekable;
use std::ops::Bound;
use std::sync::mpsc::sync_channel;

use serde::de::DeserializeOwned;

use super::codec;
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::scan::{Moment, Pair};
use crate::domain::{
    Conversation, ConversationId, ConversationStatus, JournalId, Message, MessageId, PhoneNumberId, TenantId,
    Timestamp,
};
use crate::store::error::StoreError;
use crate::store::room::Room;
use crate::store::row::OutboxRow;
use crate::store::{ApiKey, ConversationCursor, ConversationFilter, Page, Quarantined};

use super::directory::parse_quarantined;

/// Rows handed from one thread to another at once, and how often before the first of them are parsed.
const TOGETHER: usize = 1_024;
const AHEAD: usize = 4;

pub(super) fn quarantined(
    engine: &Engine,
    after: Option<JournalId>,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Quarantined>, StoreError> {
    let after = after.map(|id| keys::global(Kind::Quarantine, id.as_bytes()));
    Moment::of(engine)
        .under(Space::Rows, &keys::global(Kind::Quarantine, &[]), after)
        .map(|pair| pair.and_then(|Pair { key, value }| parse_quarantined(&key, &value)))
        .filter(|item| item.as_ref().map_or(true, |item| now < item.until()))
        .take(limit)
        .collect()
}

pub(super) fn messages(
    engine: &Engine,
    tenant: TenantId,
    conversation: ConversationId,
    before: Option<MessageId>,
    limit: usize,
    now: Timestamp,
) -> Result<Page<Message>, StoreError> {
    let after = before.map(|id| keys::message(tenant, conversation, id));
    let live = |pair: Result<Pair, StoreError>| codec::live_row(&pair?.value, now);
    let rows = Moment::of(engine).under(Space::Messages, &keys::messages(tenant, conversation), after);
    let rows = rows.filter_map(|pair| live(pair).transpose());
    Room::of(limit).page(rows, |row: &Message| row.content.bytes())
}

pub(super) fn outbox(
    engine: &Engine,
    tenant: TenantId,
    number: &PhoneNumberId,
    after: Option<MessageId>,
    limit: usize,
) -> Result<Vec<OutboxRow>, StoreError> {
    let after = after.map(|id| keys::outbox(tenant, number, id));
    Moment::of(engine)
        .under(Space::Rows, &keys::lane(tenant, number), after)
        .take(limit)
        .map(parsed)
        .collect()
}

/// The tenants of outbox rows: one step from each to the next, however many rows each has.
pub(super) fn tenants_with_outbox(engine: &Engine) -> Result<Vec<TenantId>, StoreError> {
    let moment = Moment::of(engine);
    let end = keys::global(Kind::Outbox, &[])
        .after_prefix()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let mut found = Vec::new();
    let mut from = Some(TenantId::new(0));
    while let Some(tenant) = from {
        let start = Bound::Included(keys::row(Kind::Outbox, tenant, &[]));
        let Some(pair) = moment.range(Space::Rows, (start, end.clone())).next() else {
            break;
        };
        let tenant = pair?.key.get(1..).and_then(keys::tenant_of);
        found.extend(tenant);
        from = tenant
            .and_then(|tenant| tenant.get().checked_add(1))
            .map(TenantId::new);
    }
    Ok(found)
}

/// All small rows that begin with a prefix.
pub(super) fn all<T: DeserializeOwned>(engine: &Engine, prefix: &Key) -> Result<Vec<T>, StoreError> {
    Moment::of(engine)
        .under(Space::Rows, prefix, None)
        .map(parsed)
        .collect()
}

/// The same, where there may be very many: they are parsed on another thread than the one that walks over them.
pub(super) fn all_of_many<T: DeserializeOwned + Send>(
    engine: &Engine,
    prefix: &Key,
) -> Result<Vec<T>, StoreError> {
    let (walked, some) = sync_channel::<Vec<Pair>>(AHEAD);
    std::thread::scope(|scope| {
        let parsing = scope.spawn(move || some.into_iter().flatten().map(Ok).map(parsed).collect());
        let mut pairs = Moment::of(engine).under(Space::Rows, prefix, None);
        loop {
            let together: Vec<Pair> = pairs.by_ref().take(TOGETHER).collect::<Result<_, _>>()?;
            // Nobody takes them any more once one could not be parsed.
            if together.is_empty() || walked.send(together).is_err() {
                break;
            }
        }
        drop(walked);
        let died = |_panic| Err(StoreError::corrupt("a row", "parsing it failed"));
        parsing.join().unwrap_or_else(died)
    })
}

fn parsed<T: DeserializeOwned>(pair: Result<Pair, StoreError>) -> Result<T, StoreError> {
    codec::row(&pair?.value)
}

/// The keys of a tenant, by the index beside them.
pub(super) fn api_keys(engine: &Engine, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
    let moment = Moment::of(engine);
    let prefix = keys::row(Kind::KeyOf, tenant, &[]);
    let mut found = Vec::new();
    for pair in moment.under(Space::Rows, &prefix, None) {
        let key = pair?.key;
        let hash = key.get(prefix.as_ref().len()..).unwrap_or_default();
        found.extend(moment.row::<ApiKey>(&keys::global(Kind::Key, hash))?);
    }
    Ok(found)
}

/// Conversations by their ids.
pub(super) fn conversations_of(
    engine: &Engine,
    tenant: TenantId,
    ids: &[ConversationId],
) -> Result<Vec<Option<Conversation>>, StoreError> {
    let moment = Moment::of(engine);
    let read = |id: &ConversationId| moment.row(&keys::row(Kind::Conversation, tenant, id.as_bytes()));
    ids.iter().map(read).collect()
}

/// Conversations, newest activity first: the lists of the wanted statuses, merged.
pub(super) fn conversations(
    engine: &Engine,
    tenant: TenantId,
    filter: &ConversationFilter,
    after: Option<ConversationCursor>,
    limit: usize,
) -> Result<Page<Conversation>, StoreError> {
    let moment = Moment::of(engine);
    let lists = ConversationStatus::ALL
        .into_iter()
        .filter(|status| filter.status.is_none_or(|wanted| wanted == *status))
        .map(|status| {
            let after = after.map(|at| keys::listed(tenant, status, at));
            let prefix = keys::list(tenant, status);
            let length = prefix.as_ref().len();
            List {
                rows: moment.under(Space::Rows, &prefix, after).peekable(),
                prefix: length,
            }
        });
    let mut lists: Vec<_> = lists.collect();
    let mut page = Page::empty();
    while let Some(pair) = next(&mut lists)? {
        let wanted = filter.number.as_ref();
        if wanted.is_some_and(|number| number.as_str().as_bytes() != pair.value.as_ref()) {
            continue;
        }
        if page.items.len() == limit {
            page.more = true;
            break;
        }
        let lost = || StoreError::corrupt("conversation", "listed but not there");
        let id = keys::listed_conversation(&pair.key).ok_or_else(lost)?;
        let key = keys::row(Kind::Conversation, tenant, id.as_bytes());
        page.items.push(moment.row(&key)?.ok_or_else(lost)?);
    }
    Ok(page)
}

/// One status's list, and how long the part of its keys is that all share.
struct List<I: Iterator> {
    rows: Peekable<I>,
    prefix: usize,
}

/// The place that comes first in any of the lists.
fn next<I: Iterator<Item = Result<Pair, StoreError>>>(
    lists: &mut [List<I>],
) -> Result<Option<Pair>, StoreError> {
    let mut first: Option<(Vec<u8>, usize)> = None;
    for (index, list) in lists.iter_mut().enumerate() {
        let place = match list.rows.peek() {
            Some(Ok(pair)) => pair.key.get(list.prefix..).unwrap_or_default(),
            Some(Err(error)) => return Err(error.clone()),
            None => continue,
        };
        if first
            .as_ref()
            .is_none_or(|(smallest, _)| place < smallest.as_slice())
        {
            first = Some((place.to_vec(), index));
        }
    }
    let list = first.and_then(|(_, index)| lists.get_mut(index));
    list.and_then(|list| list.rows.next()).transpose()
}
