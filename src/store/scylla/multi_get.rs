//! Multi-get: rows of a table by their keys in one request, because a request costs more than its rows. Those of one partition go
//! together, and those of several that stand on the same nodes.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::ScyllaStore;
use super::cell::{Cell, Key, Row};
use super::change::{id, parse};
use super::keys;
use super::load::{idempotency, listed, seen};
use super::request_batches::Replicas;
use crate::domain::{ContactId, TenantId, Timestamp};
use crate::store::error::StoreError;

/// Rows asked for in one request. ScyllaDB takes no more than 100 unless told otherwise.
const AMONG: usize = 64;
/// Partitions asked for in one request: they stand on the same nodes, so one of these answers for all.
const PARTITIONS: usize = 10;

/// A row that is wanted, behind its key in its partition.
type Wanted = ([u8; 16], Key);

/// A conversation as its columns tell it, if there is one: behind its id, until when its preview may be read, the preview,
/// the rest.
type KeyedConversationColumns = (Bytes, Option<i64>, Option<Bytes>, Option<Bytes>);

/// A table whose rows a batch may miss several of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Seen,
    Idempotency,
    Conversations,
    Contacts,
    Aliases,
}

/// Where a row stands, and its key there; `None` for a row whose partition is its own, or nearly.
fn place(key: &Key) -> Option<(Table, i16, [u8; 16])> {
    Some(match key {
        Key::Seen(key) => (Table::Seen, keys::seen_shard(key.as_bytes()), *key.as_bytes()),
        Key::Idempotency(key) => (Table::Idempotency, keys::shard(key), *key),
        Key::Conversation(id) => (Table::Conversations, keys::shard(id.as_bytes()), *id.as_bytes()),
        Key::Contact(id) => (Table::Contacts, keys::shard(id.as_bytes()), *id.as_bytes()),
        Key::Alias(key) => (Table::Aliases, keys::shard(key), *key),
        Key::Message(_) | Key::Outbox(..) | Key::Tally(_) | Key::Event(_) => return None,
    })
}

/// Rows of one table that one request asks for.
#[derive(Debug, Default)]
pub(super) struct Several {
    shards: Vec<i16>,
    wanted: Vec<Wanted>,
}

/// What one request asks for.
#[derive(Debug)]
pub(super) enum Query {
    One(Key),
    Several(Table, Several),
}

impl Query {
    fn of(table: Table, mut several: Several) -> Self {
        match (several.wanted.pop(), several.wanted.is_empty()) {
            (Some((_, key)), true) => Self::One(key),
            (last, _) => {
                several.wanted.extend(last);
                Self::Several(table, several)
            }
        }
    }
}

/// Sorts what is wanted into queries; `stands` tells where a row's partition stands, or nothing if that is not known.
fn sort(wanted: Vec<Key>, stands: impl Fn(Table, i16, &[u8; 16]) -> Option<Replicas>) -> Vec<Query> {
    let mut queries = Vec::new();
    let mut shards: BTreeMap<(Table, i16), Vec<Wanted>> = BTreeMap::new();
    for key in wanted {
        match place(&key) {
            Some((table, shard, at)) => shards.entry((table, shard)).or_default().push((at, key)),
            None => queries.push(Query::One(key)),
        }
    }
    let mut open: HashMap<(Table, Replicas), Several> = HashMap::new();
    for ((table, shard), mut keys) in shards {
        let replicas = keys.first().and_then(|(at, _)| stands(table, shard, at));
        while !keys.is_empty() {
            let part = keys.split_off(keys.len().saturating_sub(AMONG));
            let Some(replicas) = replicas.clone() else {
                let alone = Several {
                    shards: vec![shard],
                    wanted: part,
                };
                queries.push(Query::of(table, alone));
                continue;
            };
            let together = open.entry((table, replicas)).or_default();
            if together.shards.len() >= PARTITIONS || together.wanted.len() + part.len() > AMONG {
                queries.push(Query::of(table, std::mem::take(together)));
            }
            together.shards.push(shard);
            together.wanted.extend(part);
        }
    }
    queries.extend(
        open.into_iter()
            .filter(|(_, several)| !several.wanted.is_empty())
            .map(|((table, _), several)| Query::of(table, several)),
    );
    queries
}

impl ScyllaStore {
    /// Sorts rows that a batch wants into requests.
    pub(super) fn queries(&self, tenant: TenantId, wanted: Vec<Key>) -> Vec<Query> {
        let cluster = self.link.cluster();
        let rows = &self.book.rows;
        sort(wanted, |table, shard, key| {
            let statement = match table {
                Table::Seen => &rows.seen,
                Table::Idempotency => &rows.idempotency,
                Table::Conversations => &rows.conversation,
                Table::Contacts => &rows.contact,
                Table::Aliases => &rows.alias,
            };
            statement.replicas(&(keys::tenant(tenant), shard, key), &cluster)
        })
    }

    /// Rows of a table, each by its key.
    pub(super) async fn multi_get(
        &self,
        tenant: TenantId,
        table: Table,
        several: Several,
    ) -> Result<Vec<(Key, Cell)>, StoreError> {
        let of = keys::tenant(tenant);
        let Several { shards, wanted } = several;
        let among: Vec<&[u8]> = wanted.iter().map(|(at, _)| at.as_slice()).collect();
        let rows = &self.book.rows;
        let mut found: HashMap<[u8; 16], Row> = HashMap::new();
        match table {
            Table::Seen => {
                let all: Vec<(Bytes, Bytes, Bytes, i64)> = self
                    .link
                    .rows(&rows.seen_among, (of, shards, among), AMONG)
                    .await?;
                for (key, conversation, message, expires) in all {
                    let (what, until) = seen(&conversation, &message, expires)?;
                    found.insert(id(&key)?, Row::Seen(what, until));
                }
            }
            Table::Idempotency => {
                let all: Vec<(Bytes, Bytes, Bytes, Bytes, i64)> = self
                    .link
                    .rows(&rows.idempotency_among, (of, shards, among), AMONG)
                    .await?;
                for (key, request, conversation, message, expires) in all {
                    let row = idempotency(&request, &conversation, &message)?;
                    let until = Timestamp::from_millis(expires);
                    found.insert(id(&key)?, Row::Idempotency(row, until));
                }
            }
            Table::Conversations => {
                let all: Vec<KeyedConversationColumns> = self
                    .link
                    .rows(&rows.conversations_among, (of, shards, among), AMONG)
                    .await?;
                for (key, until, preview, body) in all {
                    if let Some(listed) = listed((until, preview, body))? {
                        found.insert(id(&key)?, Row::Conversation(Box::new(listed)));
                    }
                }
            }
            Table::Contacts => {
                let all: Vec<(Bytes, Bytes)> = self
                    .link
                    .rows(&rows.contacts_among, (of, shards, among), AMONG)
                    .await?;
                for (key, body) in all {
                    found.insert(id(&key)?, Row::Contact(Box::new(parse(&body)?)));
                }
            }
            Table::Aliases => {
                let all: Vec<(Bytes, Bytes)> = self
                    .link
                    .rows(&rows.aliases_among, (of, shards, among), AMONG)
                    .await?;
                for (key, contact) in all {
                    let contact = ContactId::from_bytes(id(&contact)?);
                    found.insert(id(&key)?, Row::Alias(contact));
                }
            }
        }
        Ok(wanted
            .into_iter()
            .map(|(at, key)| (key, found.remove(&at)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(shard: u8, n: u8) -> Key {
        let mut key = [n; 16];
        key[0] = shard;
        Key::Alias(key)
    }

    fn sizes(queries: &[Query]) -> Vec<(usize, usize)> {
        let mut sizes: Vec<_> = queries
            .iter()
            .map(|query| match query {
                Query::One(_) => (1, 1),
                Query::Several(table, several) => {
                    assert_eq!(*table, Table::Aliases);
                    (several.shards.len(), several.wanted.len())
                }
            })
            .collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn rows_of_one_partition_are_asked_for_together_and_never_too_many() {
        let mut wanted: Vec<Key> = (0..150).map(|n| alias(64, n)).collect();
        wanted.push(alias(1, 1));
        let asked = sort(wanted, |_, _, _| None);
        assert_eq!(sizes(&asked), [(1, 1), (1, 22), (1, 64), (1, 64)]);
    }

    #[test]
    fn partitions_of_the_same_nodes_are_asked_for_together() {
        let wanted: Vec<Key> = (0..25).map(|shard| alias(shard, 7)).collect();
        let asked = sort(wanted, |_, shard, _| Some(vec![(u128::from(shard == 0), 0)]));
        assert_eq!(sizes(&asked), [(1, 1), (4, 4), (10, 10), (10, 10)]);
    }

    #[test]
    fn kinds_are_not_mixed() {
        let key = [7; 16];
        let wanted = vec![
            Key::Alias(key),
            Key::Idempotency(key),
            Key::Contact(ContactId::from_bytes(key)),
        ];
        let asked = sort(wanted, |_, _, _| Some(vec![(1, 0)]));
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|query| matches!(query, Query::One(_))));
    }
}
