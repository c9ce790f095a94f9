//! A change of retention on the cluster: partitions that are over go whole, the others' messages get another TTL.
//!
//! A message moves to the table of its new class; the partition that it leaves is dropped as a whole. What a step changes,
//! and how far the job is with it, is one commit of the ledger: it happens once, whatever dies in between.

mod walk;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use self::walk::Walked;
use super::ScyllaStore;
use super::cell::{Kept, Key, Row};
use super::change::{Change, EventRow, json, parse};
use super::commit::{Step, or_put_back};
use super::keys::{self, Class};
use super::ownership::Owned;
use super::pages::Part;
use super::row_cache::Note;
use super::written::Writes;
use crate::domain::{Event, MessageId, Retention, TenantId, Timestamp};
use crate::store::Tenant;
use crate::store::erasure::names_of;
use crate::store::error::StoreError;
use crate::store::retention::{Place, RetentionJob, Stepped, Survey, Verdict, judge};
use crate::store::row::MessageRef;

/// A message is written at most this much later than its id says.
const LATE: Duration = Duration::from_hours(1);

/// What becomes of a message. In a partition that is over, every one goes: it is not looked at one by one.
fn verdict(part: Part, kept: &Kept, to: Retention, now: Timestamp) -> Verdict {
    match judge(kept.row.created, kept.expires, to, now) {
        Verdict::Over => Verdict::Over,
        _ if is_over(part, to, now) => Verdict::Gone,
        other => other,
    }
}

/// Whether the time of all messages of a partition is over.
fn is_over(part: Part, to: Retention, now: Timestamp) -> bool {
    to.expiry(keys::bucket_end(part.bucket).after(LATE)) <= now
}

impl ScyllaStore {
    /// The last change of one tenant.
    pub(super) async fn read_job(&self, tenant: TenantId) -> Result<Option<RetentionJob>, StoreError> {
        let values = (keys::tenant(tenant),);
        let row: Option<(Bytes,)> = self.link.row(&self.book.rows.retention_job, values).await?;
        row.map(|(body,)| parse(&body)).transpose()
    }

    pub(super) async fn read_jobs(&self) -> Result<Vec<RetentionJob>, StoreError> {
        let rows: Vec<(Bytes,)> = self
            .link
            .rows(&self.book.rows.retention_jobs, (), usize::MAX)
            .await?;
        let mut jobs = rows
            .into_iter()
            .map(|(body,)| parse(&body))
            .collect::<Result<Vec<RetentionJob>, _>>()?;
        jobs.sort_by_key(|job| job.tenant);
        Ok(jobs)
    }

    pub(super) async fn write_job(&self, stamp: i64, job: &RetentionJob) -> Result<(), StoreError> {
        let values = (keys::tenant(job.tenant), json(job)?, stamp);
        self.link.write(&self.book.rows.put_retention_job, values).await
    }

    /// Sets a tenant's retention, and the job in place of the one before. Nobody else commits between the two.
    pub(super) async fn begin_change(&self, tenant: &Tenant, job: RetentionJob) -> Result<(), StoreError> {
        let ownership = self.ownerships.of(tenant.id);
        let mut held = ownership.owned.lock().await;
        let owned = self.as_owner(&ownership, &mut held, tenant.id).await?;
        if let Err(error) = self.write_tenant(tenant).await {
            *held = owned;
            return Err(error);
        }
        let Some(owned) = owned else {
            // No ledger, no messages: there is nothing to do.
            let done = job.clone().after(Stepped::default(), 0, job.started);
            return self.write_job(self.stamp_after(0), &done).await;
        };
        let changes = vec![Change::Retention(Box::new(job))];
        let step = Step::of(&owned, owned.last, changes.into());
        self.commit(&ownership, &mut held, owned, step).await
    }

    /// Takes a tenant's job on.
    pub(super) async fn step_change(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Option<RetentionJob>, StoreError> {
        let Some(job) = self.read_job(tenant).await? else {
            return Ok(None);
        };
        if job.finished.is_some() {
            return Ok(Some(job));
        }
        let of = match job.of {
            Some(of) => of,
            None => self.count_conversations(tenant).await?,
        };
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        let Some(owned) = self.as_owner(&ownership, &mut held, tenant).await? else {
            return Ok(Some(job));
        };
        let planned = self.plan(&owned, of, now, limit).await;
        let (owned, planned) = or_put_back(&mut held, owned, planned)?;
        let (job, writes) = match planned {
            Ok(planned) => planned,
            Err(stands) => {
                *held = Some(owned);
                return Ok(stands);
            }
        };
        let step = Step::of(&owned, now, writes);
        self.commit(&ownership, &mut held, owned, step).await?;
        Ok(Some(job))
    }

    /// What a change would do to some messages after a place.
    pub(super) async fn survey_change(
        &self,
        tenant: TenantId,
        to: Retention,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        let walked = self.walk(tenant, after, Class::kept_for(to), limit).await?;
        let mut survey = Survey {
            next: walked.next,
            ..Survey::default()
        };
        if let Some(found) = walked.found {
            for kept in &found.messages {
                survey.count(kept.row.created, to, verdict(found.part, kept, to, now));
            }
        }
        Ok(survey)
    }

    /// Decides one step, while nobody else commits; gives the job as it stands when there is nothing to do for it.
    async fn plan(
        &self,
        owned: &Owned,
        of: u64,
        now: Timestamp,
        limit: usize,
    ) -> Result<Result<(RetentionJob, Writes), Option<RetentionJob>>, StoreError> {
        let tenant = owned.term.tenant;
        let job = match self.read_job(tenant).await? {
            Some(job) if job.finished.is_none() => job,
            other => return Ok(Err(other)),
        };
        let walked = self.walk(tenant, job.at, Class::kept_for(job.to), limit).await?;
        let mut planned = Planned {
            stepped: Stepped {
                conversations: walked.begun,
                next: walked.next,
                ..Stepped::default()
            },
            writes: Writes::default(),
        };
        self.plan_messages(&job, &walked, now, &mut planned).await?;
        let job = job.after(planned.stepped, of, now);
        let mut writes = planned.writes;
        writes.changes.push(Change::Retention(Box::new(job.clone())));
        Ok(Ok((job, writes)))
    }

    async fn plan_messages(
        &self,
        job: &RetentionJob,
        walked: &Walked,
        now: Timestamp,
        planned: &mut Planned,
    ) -> Result<(), StoreError> {
        let Some(found) = &walked.found else { return Ok(()) };
        let part = found.part;
        // Whatever stands there leaves it: then it goes as a whole and not row by row.
        let empties = part.class != Class::kept_for(job.to) || is_over(part, job.to, now);
        let judged: Vec<(&Kept, Verdict)> = found
            .messages
            .iter()
            .map(|kept| (kept, verdict(part, kept, job.to, now)))
            .filter(|(_, verdict)| *verdict != Verdict::Over)
            .collect();
        self.plan_leads(job, &judged, planned).await?;
        self.plan_events(job, &judged, planned).await?;
        self.plan_preview(job, part, &judged, now, planned).await?;
        for (kept, verdict) in judged {
            let at = MessageRef::of(&kept.row);
            let until = job.to.expiry(kept.row.created);
            // It is written elsewhere, also if it ends when it did.
            let verdict = match verdict {
                Verdict::Stays if empties => Verdict::Until(until),
                other => other,
            };
            planned.stepped.count(verdict);
            match verdict {
                Verdict::Gone if empties => planned.writes.put(Key::Message(at), None),
                Verdict::Gone => planned.writes.drop_message(at, part.class),
                Verdict::Until(expires) => {
                    let row = kept.row.clone();
                    planned.writes.put_message(Kept { row, expires });
                }
                Verdict::Over | Verdict::Stays => {}
            }
        }
        if empties {
            planned.writes.changes.push(Change::DropMessages {
                conversation: part.conversation,
                bucket: part.bucket,
                class: part.class.code(),
                down_to: found.last.filter(|_| !found.whole),
            });
        }
        Ok(())
    }

    /// What leads to messages ends with them.
    async fn plan_leads(
        &self,
        job: &RetentionJob,
        judged: &[(&Kept, Verdict)],
        planned: &mut Planned,
    ) -> Result<(), StoreError> {
        let leads = judged.iter().flat_map(|(kept, verdict)| {
            let leads = ((kept.row.id, kept.row.created), *verdict);
            names_of(&kept.row).into_iter().map(move |name| (name, leads))
        });
        let leads: HashMap<_, _> = leads.collect();
        let wanted = leads.keys().copied().map(Key::Seen).collect();
        for (key, cell) in self.load(job.tenant, wanted).await? {
            let (Key::Seen(name), Some(Row::Seen(row, before))) = (&key, cell) else {
                continue;
            };
            let Some((message, verdict)) = leads.get(name) else {
                continue;
            };
            let lead = job.lead(*message, *verdict, (row, before));
            if let Some((row, expires)) = lead.filter(|lead| *lead != (row, before)) {
                planned.writes.put(key, Some(Row::Seen(row, expires)));
            }
        }
        Ok(())
    }

    /// The events that told what messages said keep nothing but their places when these go.
    async fn plan_events(
        &self,
        job: &RetentionJob,
        judged: &[(&Kept, Verdict)],
        planned: &mut Planned,
    ) -> Result<(), StoreError> {
        let gone = judged.iter().filter(|(_, verdict)| *verdict == Verdict::Gone);
        let told = gone.flat_map(|(kept, _)| kept.row.told.iter().copied().map(Key::Event));
        for (key, cell) in self.load(job.tenant, told.collect()).await? {
            if let (Key::Event(seq), Some(Row::Event(event, expires))) = (&key, cell) {
                let row = EventRow::new(&Event::erased(*seq, event.at), expires)?;
                planned.writes.changes.push(Change::Event(Box::new(row)));
            }
        }
        Ok(())
    }

    /// The beginning of a message, where the list shows it, ends with the message.
    async fn plan_preview(
        &self,
        job: &RetentionJob,
        part: Part,
        judged: &[(&Kept, Verdict)],
        now: Timestamp,
        planned: &mut Planned,
    ) -> Result<(), StoreError> {
        let Some(mut listed) = self.load_conversation(part.tenant, part.conversation).await? else {
            return Ok(());
        };
        let shown = |kept: &Kept| listed.row.last_message_id == Some(kept.row.id);
        let Some((kept, verdict)) = judged.iter().find(|(kept, _)| shown(kept)) else {
            return Ok(());
        };
        if *verdict != Verdict::Gone {
            let until = Some(job.to.expiry(kept.row.created));
            if listed.preview_until != until {
                listed.preview_until = until;
                planned.writes.put_conversation(listed);
            }
            return Ok(());
        }
        let stays = |left: &Kept| job.keeps(&left.row, now);
        let newest = self
            .newest_that(part.tenant, part.conversation, now, stays)
            .await?;
        listed.row.fall_back_to(newest.as_ref().map(|left| &left.row));
        listed.preview_until = newest.map(|left| left.expires.min(job.to.expiry(left.row.created)));
        planned.writes.put_conversation(listed);
        Ok(())
    }

    /// Removes the newest messages of a partition down to one of them, or all of it with its place in the list.
    pub(super) async fn drop_part(
        &self,
        stamp: i64,
        part: Part,
        down_to: Option<MessageId>,
    ) -> Result<(), StoreError> {
        let Part {
            tenant,
            conversation,
            bucket,
            class,
        } = part;
        let of = keys::tenant(tenant);
        let id = conversation.as_bytes();
        let table = self.messages(class);
        if let Some(down_to) = down_to {
            let values = (stamp, of, id, bucket, down_to.as_bytes());
            return self.link.write(&table.drop_from, values).await;
        }
        self.row_cache
            .forget(|note| matches!(note, Note::Bucket(t, c, b, k) if t.tenant == tenant && *c == conversation && *b == bucket && *k == class));
        self.link.write(&table.drop_all, (stamp, of, id, bucket)).await?;
        let values = (stamp, of, id, bucket, class.code());
        self.link.write(&self.book.rows.drop_bucket, values).await
    }
}

/// A step of a job while it is being decided.
struct Planned {
    stepped: Stepped,
    writes: Writes,
}
