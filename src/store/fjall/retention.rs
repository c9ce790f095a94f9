//! A change of retention: messages, what leads to them and the index of expiries get their new end.
//!
//! Messages are found by reading and changed by the thread that writes, which looks again: what changed in between is judged
//! as it stands then. The job moves on in the same write.

use std::ops::Bound;

use super::FjallStore;
use super::codec::{self, NEVER};
use super::directory;
use super::engine::Engine;
use super::keys::{self, Expiring, Key, Kind, Space};
use super::rewrite;
use super::scan::Moment;
use super::sweep::{end_events, fall_back};
use super::txn::Txn;
use super::writer::Need;
use crate::domain::{ConversationId, Message, MessageId, Retention, TenantId, Timestamp, WamidHash};
use crate::store::Tenant;
use crate::store::erasure::names_of;
use crate::store::error::StoreError;
use crate::store::retention::{Place, RetentionJob, Stepped, Survey, Verdict, judge};
use crate::store::row::Seen;

/// Bytes of messages read for one step: as long as they take to write, others wait.
const BYTES: usize = 1 << 20;

fn job_key(tenant: TenantId) -> Key {
    keys::row(Kind::Retention, tenant, &[])
}

/// Writes the tenant and its new job.
pub(super) fn begin(txn: &mut Txn, tenant: &Tenant, job: &RetentionJob) -> Result<(), StoreError> {
    directory::put_tenant(txn, tenant)?;
    let before: Option<RetentionJob> = txn.row(&job_key(tenant.id))?;
    // What the job before removed is to leave the files, although it never comes to its end.
    if before.is_some_and(|before| before.finished.is_none() && before.removed > 0) {
        rewrite::mark(txn)?;
    }
    txn.put(Space::Rows, job_key(tenant.id), codec::json(NEVER, job)?);
    Ok(())
}

/// A message as it was found.
struct Found {
    key: Key,
    conversation: ConversationId,
    id: MessageId,
    created: Timestamp,
    expires: Timestamp,
    names: Vec<WamidHash>,
}

/// Some messages, and the place of the last when more may follow.
struct Walked {
    found: Vec<Found>,
    next: Option<Place>,
    bytes: usize,
}

/// Reads the next messages after a place.
fn walk(
    engine: &Engine,
    tenant: TenantId,
    after: Option<Place>,
    limit: usize,
    most: usize,
) -> Result<Walked, StoreError> {
    let start = after.map_or_else(
        || Bound::Included(keys::tenant(tenant)),
        |at| Bound::Excluded(keys::message(tenant, at.conversation, at.message)),
    );
    let end = keys::tenant(tenant)
        .after_prefix()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let mut walked = Walked {
        found: Vec::new(),
        next: None,
        bytes: 0,
    };
    for pair in Moment::of(engine).range(Space::Messages, (start, end)) {
        let pair = pair?;
        let broken = || StoreError::corrupt("message", "key too short");
        let (_, conversation, id) = keys::message_of(&pair.key).ok_or_else(broken)?;
        let message: Message = codec::row(&pair.value)?;
        walked.bytes = walked.bytes.saturating_add(pair.value.len());
        walked.found.push(Found {
            key: Key::stored(&pair.key),
            conversation,
            id,
            created: message.created,
            expires: codec::expires(&pair.value)?,
            names: names_of(&message),
        });
        if walked.found.len() >= limit || walked.bytes >= most {
            walked.next = Some(Place::after(conversation, id));
            break;
        }
    }
    Ok(walked)
}

/// What a job would do to the next messages after a place.
pub(super) fn survey(
    engine: &Engine,
    tenant: TenantId,
    to: Retention,
    after: Option<Place>,
    limit: usize,
    now: Timestamp,
) -> Result<Survey, StoreError> {
    let walked = walk(engine, tenant, after, limit, usize::MAX)?;
    let mut survey = Survey {
        next: walked.next,
        ..Survey::default()
    };
    for found in walked.found {
        survey.count(found.created, to, judge(found.created, found.expires, to, now));
    }
    Ok(survey)
}

/// How many conversations a tenant has.
fn conversations(engine: &Engine, tenant: TenantId) -> Result<u64, StoreError> {
    let prefix = keys::row(Kind::Conversation, tenant, &[]);
    Moment::of(engine)
        .under(Space::Rows, &prefix, None)
        .try_fold(0_u64, |count, pair| pair.map(|_| count.saturating_add(1)))
}

impl FjallStore {
    /// Takes a tenant's job on.
    pub(super) async fn step(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        let job: Option<RetentionJob> = self.reader.row(&job_key(tenant))?;
        let Some(job) = job.filter(|job| job.finished.is_none()) else {
            return self.reader.row(&job_key(tenant));
        };
        let at = job.at;
        let first = job.of.is_none();
        let (walked, of) = self
            .reader
            .away(move |engine| {
                let of = if first { conversations(engine, tenant)? } else { 0 };
                Ok((walk(engine, tenant, at, limit, BYTES)?, of))
            })
            .await?;
        let need = if job.shortens() {
            Need::MakesRoom
        } else {
            Need::Durable
        };
        let cost = walked.bytes.saturating_add(super::SMALL);
        let apply = move |txn: &mut Txn| apply(txn, job, &walked, of, now);
        self.writer.write(need, cost, apply).await.map(Some)
    }
}

/// Changes what was found, and the job with it, unless another job took its place meanwhile.
fn apply(
    txn: &mut Txn,
    job: RetentionJob,
    walked: &Walked,
    of: u64,
    now: Timestamp,
) -> Result<RetentionJob, StoreError> {
    let key = job_key(job.tenant);
    let stands: Option<RetentionJob> = txn.row(&key)?;
    if let Some(stands) = stands.filter(|stands| *stands != job) {
        return Ok(stands);
    }
    let mut stepped = Stepped {
        next: walked.next,
        ..Stepped::default()
    };
    let mut before = job.at.map(|at| at.conversation);
    for found in &walked.found {
        stepped.conversations += u64::from(before.replace(found.conversation) != Some(found.conversation));
        change(txn, &job, found, now, &mut stepped)?;
    }
    let job = job.after(stepped, of, now);
    if job.finished.is_some() && job.removed > 0 {
        rewrite::mark(txn)?;
    }
    txn.put(Space::Rows, key, codec::json(NEVER, &job)?);
    Ok(job)
}

fn change(
    txn: &mut Txn,
    job: &RetentionJob,
    found: &Found,
    now: Timestamp,
    stepped: &mut Stepped,
) -> Result<(), StoreError> {
    let Some(value) = txn.get(Space::Messages, &found.key)? else {
        return Ok(());
    };
    let expires = codec::expires(&value)?;
    let verdict = judge(found.created, expires, job.to, now);
    stepped.count(verdict);
    if verdict == Verdict::Over {
        return Ok(());
    }
    for name in &found.names {
        let key = keys::row(Kind::Seen, job.tenant, name.as_bytes());
        let Some(lead) = txn.get(Space::Index, &key)? else {
            continue;
        };
        let seen: Seen = codec::row(&lead)?;
        let before = (seen, codec::expires(&lead)?);
        if let Some((seen, ends)) = job.lead((found.id, found.created), verdict, before) {
            txn.put(Space::Index, key, codec::json(ends, &seen)?);
        }
    }
    let entry = keys::expiring(expires, Expiring::Message, &found.key);
    match verdict {
        Verdict::Gone => {
            fall_back(txn, &found.key, now, |left| job.keeps(left, now))?;
            end_events(txn, &found.key, &value)?;
            txn.delete(Space::Expiry, entry);
            txn.delete(Space::Messages, found.key.clone());
        }
        Verdict::Until(until) => {
            txn.delete(Space::Expiry, entry);
            let entry = keys::expiring(until, Expiring::Message, &found.key);
            let exact = fjall::Slice::from(&until.as_millis().to_be_bytes()[..]);
            txn.put(Space::Expiry, entry, exact);
            let moved = codec::bytes(until, codec::body(&value)?);
            txn.put(Space::Messages, found.key.clone(), moved);
        }
        Verdict::Over | Verdict::Stays => {}
    }
    Ok(())
}
