//! Sending hours of broadcasts: what waits in the lane when they end is not claimed before they begin again.
//!
//! A message says until when it may go without a look. After that its broadcast's row tells, which is read once: hours never change once
//! a broadcast is launched. Meanwhile the message stands with those whose time has not come, and holds up nobody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};

use super::Lane;
use super::waiting::{Hold, Item, Moment, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{BroadcastId, MessageId, Timestamp, WeekHours, ZoneSet};
use crate::store::StoreError;
use crate::store::plain::PlainTable;
use crate::store::tables::Broadcast;

/// Broadcasts whose hours are remembered.
const MOST: usize = 256;
/// How long a message rests at least whose broadcast's hours are being read.
const REST: Duration = Duration::from_secs(1);
/// How long one rests at most before it is looked again: somebody may set the clock.
const LONGEST: Duration = Duration::from_hours(1);

/// A broadcast's hours.
#[derive(Debug)]
struct Known {
    week: WeekHours,
    zones: Vec<ZoneSet>,
}

/// What is known of the hours of broadcasts whose messages wait.
#[derive(Debug, Default)]
pub(super) struct SendingHoursBook {
    /// Without hours: one that has none although its message does, or that is gone.
    known: HashMap<BroadcastId, Option<Known>>,
    wanted: Vec<BroadcastId>,
    is_read: bool,
    /// Messages that are to stand aside, and until when.
    shut: Vec<(MessageId, Timestamp)>,
}

impl SendingHoursBook {
    /// Lets a message rest that may not be sent at this hour.
    pub(super) fn rest(&mut self, waiting: &Waiting, now: Moment) -> Option<Hold> {
        let (broadcast, hours) = waiting.hours?;
        if now.wall < hours.closes {
            return None;
        }
        let Some(known) = self.known.get(&broadcast) else {
            if !self.wanted.contains(&broadcast) {
                self.wanted.push(broadcast);
            }
            return Some(Hold {
                until: now.mono + REST,
                reason: DelayReason::Scheduled,
            });
        };
        let opens = known.as_ref().and_then(|known| {
            let zones = known.zones.get(usize::from(hours.zone))?;
            known.week.next_open(zones, now.wall)
        });
        if opens.is_some_and(|opens| opens <= now.wall) {
            return None;
        }
        // Where it cannot be told it is not sent, and its row is read again.
        if opens.is_none() {
            self.known.remove(&broadcast);
        }
        let longest = now.wall.after(LONGEST);
        let until = opens.map_or(longest, |opens| opens.min(longest));
        self.shut.push((waiting.message, until));
        Some(Hold {
            until: now.mono_at(until),
            reason: DelayReason::Scheduled,
        })
    }
}

async fn read(
    store: Arc<dyn crate::store::Store>,
    key: crate::store::plain::PlainKey,
    now: Timestamp,
) -> Result<Option<Known>, StoreError> {
    let row = PlainTable::<Broadcast>::of(store.as_ref(), now).get(&key).await?;
    Ok(row.and_then(|found| {
        let week = found.row.hours?.days?;
        let zones = found.row.plan?.zones;
        Some(Known {
            week,
            zones: zones.into_iter().map(|span| span.zones).collect(),
        })
    }))
}

impl Lane {
    /// Takes messages out of their customers' queues that may not be sent at this hour: they come back when they may.
    pub(super) fn put_off_shut(&mut self, now: Moment) {
        for (message, until) in std::mem::take(&mut self.sending_hours.shut) {
            let Some(item) = self.queue.forget(message, now) else {
                continue;
            };
            let waiting = Waiting {
                due: until.max(item.waiting.due),
                rest: until.since(now.wall).max(item.waiting.rest),
                ..item.waiting
            };
            let again = Item::new(waiting, now);
            let again = Item {
                refusals: item.refusals,
                first_refused: item.first_refused,
                ..again
            };
            if let Some(displaced) = self.queue.add(again, now) {
                self.overflow.note(&displaced.waiting, now);
            }
        }
    }

    /// Reads the hours of a broadcast of which they are not known.
    pub(super) fn read_hours(&mut self, ctx: &mut Context<Self>) {
        if self.sending_hours.is_read || self.draining.is_some() {
            return;
        }
        let Some(broadcast) = self.sending_hours.wanted.first().copied() else {
            return;
        };
        self.sending_hours.is_read = true;
        let key = Broadcast::at(self.tenant, broadcast);
        let work = read(Arc::clone(&self.store), key, self.now().wall);
        ctx.spawn(work.into_actor(self).map(move |read, lane, ctx| {
            let book = &mut lane.sending_hours;
            book.is_read = false;
            book.wanted.retain(|wanted| *wanted != broadcast);
            match read {
                Ok(known) => {
                    if book.known.len() >= MOST {
                        book.known.clear();
                    }
                    book.known.insert(broadcast, known);
                }
                // Its messages rest meanwhile, and ask again.
                Err(error) => {
                    tracing::debug!(broadcast.id = %broadcast, %error, "cannot read a broadcast's sending hours");
                }
            }
            lane.turn_soon(ctx);
        }));
    }
}
