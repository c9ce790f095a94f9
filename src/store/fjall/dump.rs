//! Dumping a tenant: its live rows, in the form and order that all backends share.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::codec::{self, NEVER};
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::pages;
use super::scan::Moment;
use crate::domain::{TenantId, Timestamp};
use crate::store::Number;
use crate::store::dump::{Family, HeadRow, entry};
use crate::store::error::StoreError;

/// A tenant's rows of one kind that are JSON as they are stored, each under what follows the tenant in its key.
const PLAIN: [(Space, Kind, Family); 7] = [
    (Space::Rows, Kind::Agent, Family::Agent),
    (Space::Rows, Kind::Conversation, Family::Conversation),
    (Space::Rows, Kind::Contact, Family::Contact),
    (Space::Rows, Kind::Alias, Family::Alias),
    (Space::Rows, Kind::Outbox, Family::Outbox),
    (Space::Index, Kind::Seen, Family::Seen),
    (Space::Index, Kind::Idempotency, Family::Idempotency),
];

/// A tenant's rows.
pub(super) fn dump(
    engine: &Engine,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
    let moment = Moment::of(engine);
    let mut out = Dump {
        now,
        rows: Vec::new(),
    };
    let of_tenant = keys::global(Kind::Tenant, &tenant.get().to_be_bytes());
    if let Some(value) = moment.get(Space::Rows, &of_tenant)? {
        out.add(Family::Tenant, &[], &value)?;
    }
    let numbers = keys::global(Kind::Number, &[]);
    for pair in moment.under(Space::Rows, &numbers, None) {
        let pair = pair?;
        let number: Number = codec::parse(codec::body(&pair.value)?)?;
        if number.tenant == tenant {
            out.add(Family::Number, &[number.id.as_str().as_bytes()], &pair.value)?;
        }
    }
    for key in pages::api_keys(engine, tenant)? {
        out.rows.push(entry(Family::Key, &[&key.hash.0], None, &key)?);
    }
    if let Some(value) = moment.get(Space::Rows, &keys::row(Kind::Head, tenant, &[]))? {
        let head = codec::parse_head(codec::body(&value)?)?;
        let row = HeadRow {
            epoch: head.epoch,
            head: head.head,
        };
        out.rows.push(entry(Family::Head, &[], None, &row)?);
    }
    if let Some(value) = moment.get(Space::Rows, &keys::row(Kind::Retention, tenant, &[]))? {
        out.add(Family::Retention, &[], &value)?;
    }
    for (space, kind, family) in PLAIN {
        out.add_under(&moment, space, &keys::row(kind, tenant, &[]), family)?;
    }
    for pair in moment.under(Space::Messages, &keys::tenant(tenant), None) {
        let pair = pair?;
        if let Some((_, conversation, id)) = keys::message_of(&pair.key) {
            out.add(
                Family::Message,
                &[conversation.as_bytes(), id.as_bytes()],
                &pair.value,
            )?;
        }
    }
    for pair in moment.under(Space::Events, &keys::tenant(tenant), None) {
        let pair = pair?;
        let event = super::events::parse(&pair.key, &pair.value)?;
        let value = codec::bytes(codec::expires(&pair.value)?, &event.json);
        out.add(Family::Event, &[&event.seq.get().to_be_bytes()], &value)?;
    }
    out.rows.sort();
    Ok(out.rows)
}

struct Dump {
    now: Timestamp,
    rows: Vec<(Bytes, Bytes)>,
}

impl Dump {
    fn add(&mut self, family: Family, key: &[&[u8]], value: &[u8]) -> Result<(), StoreError> {
        let Some(body) = codec::live(value, self.now)? else {
            return Ok(());
        };
        let row: &RawValue = codec::parse(body)?;
        let expires = Some(codec::expires(value)?).filter(|expires| *expires != NEVER);
        self.rows.push(entry(family, key, expires, &row)?);
        Ok(())
    }

    fn add_under(
        &mut self,
        moment: &Moment<'_>,
        space: Space,
        prefix: &Key,
        family: Family,
    ) -> Result<(), StoreError> {
        for pair in moment.under(space, prefix, None) {
            let pair = pair?;
            let key = pair.key.get(prefix.as_ref().len()..).unwrap_or_default();
            self.add(family, &[key], &pair.value)?;
        }
        Ok(())
    }
}
