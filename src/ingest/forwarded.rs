//! Webhooks that concern tenants of another process: each process is told of those that others took in for its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backlog::{Flow, Item, Part, TakenIn};
use super::shared_backlog::SharedBacklog;
use crate::store::{FORWARDED_FOR, Forwarded, ForwardedPage, Rest, Sharing, Store, Urgency};
use crate::telemetry::metrics;
use crate::whatsapp::webhook::Haste;

/// How often it is asked what others took in. A webhook that Meta gives to another gateway comes this much later at most.
const LOOK: Duration = Duration::from_millis(500);

/// Lists what others took in, for ever.
pub(super) async fn run(shared_backlog: Arc<SharedBacklog>, store: Arc<dyn Store>) {
    if store.sharing() == Sharing::Alone {
        // Whoever waits for the end of this part takes an end for a death.
        std::future::pending::<()>().await;
    }
    let mut behind = Behind::since(Instant::now());
    loop {
        match store.forwarded().await {
            Ok(page) => {
                let rest = list(&shared_backlog, page, &mut behind);
                if rest == Rest::More {
                    // Others have their turn, too.
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            // Nothing is passed over: it is told the next time.
            Err(error) => {
                shared_backlog.reports.tell_unread(&error);
                behind.is_behind(&shared_backlog, Instant::now());
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Since when something of what others told was not read.
struct Behind {
    since: Instant,
    /// When the journal was read instead.
    scanned: Instant,
}

impl Behind {
    const fn since(now: Instant) -> Self {
        Self {
            since: now,
            scanned: now,
        }
    }

    /// All was read.
    fn keeps_up(&mut self, now: Instant) {
        *self = Self::since(now);
        metrics::forwarded_behind_seconds().set(0.0);
    }

    /// Something was not. Before the cluster forgets it, the whole journal is read instead.
    fn is_behind(&mut self, shared_backlog: &SharedBacklog, now: Instant) {
        metrics::forwarded_behind_seconds().set((now - self.since).as_secs_f64());
        if now - self.scanned > FORWARDED_FOR / 2 {
            self.scanned = now;
            shared_backlog.scan_again();
        }
    }
}

fn list(shared_backlog: &SharedBacklog, page: ForwardedPage, behind: &mut Behind) -> Rest {
    if page.rest == Rest::Nothing && page.failed.is_none() {
        behind.keeps_up(Instant::now());
    } else {
        behind.is_behind(shared_backlog, Instant::now());
    }
    if !page.webhooks.is_empty() {
        shared_backlog.change(|backlog| {
            for webhook in &page.webhooks {
                let (flow, item) = listed(webhook);
                backlog.arrive(flow, item);
            }
        });
    }
    if page.unreadable > 0 {
        metrics::forwarded_unreadable_total().increment(u64::try_from(page.unreadable).unwrap_or(u64::MAX));
        // Whatever it told of is found there.
        shared_backlog.scan_again();
    }
    if let Some(error) = page.failed {
        shared_backlog.reports.tell_unread(&error);
    }
    page.rest
}

/// As its taker tells of an entry that is all one tenant's.
pub(super) fn told(flow: Flow, item: &Item) -> Option<Forwarded> {
    Some(Forwarded {
        entry: item.id,
        tenant: flow.owner?,
        size: item.size,
        urgency: match flow.haste {
            Haste::Prompt => Urgency::Prompt,
            Haste::Statuses => Urgency::Statuses,
        },
    })
}

/// As it waits here. Its body is read from the journal when its turn comes.
fn listed(webhook: &Forwarded) -> (Flow, Item) {
    let flow = Flow {
        owner: Some(webhook.tenant),
        haste: match webhook.urgency {
            Urgency::Prompt => Haste::Prompt,
            Urgency::Statuses => Haste::Statuses,
        },
    };
    let item = Item {
        id: webhook.entry,
        size: webhook.size,
        entry: None,
        part: Part::Whole,
        taken_in: TakenIn::Elsewhere,
    };
    (flow, item)
}
