//! Reading a row again, when the store refused a claim for it or nobody knows what it did.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};

use super::Lane;
use super::retry::{open_again, read_row};
use super::scan::token_of;
use super::unknown::{ClaimNumber, Doubt};
use super::waiting::{Hold, Item, Moment};
use crate::actors::request::DelayReason;
use crate::store::{Claimed, OutboxRow, OutboxState};

/// After the store refused a claim for a reason that is not in the row, such as a clock that was set back.
const REFUSED: Duration = Duration::from_secs(1);

impl Lane {
    /// Nobody knows whether the claims were granted: reads the rows. No call was made for them, so what was granted is
    /// given back; the ledger refuses that if another owner made the claim.
    pub(super) fn find_out(&mut self, items: Vec<Item>, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let ledger = self.results.ledger.clone();
        let read = async move {
            // Claims may have been granted whose rows do not show it yet: opening the ledger ends what was begun.
            open_again(&*store, &ledger).await?;
            let mut found = Vec::with_capacity(items.len());
            for item in items {
                let row = read_row(&*store, tenant, &number, item.id()).await;
                found.push((item, row));
            }
            Ok(found)
        };
        ctx.spawn(read.into_actor(self).map(move |found, lane, ctx| {
            let found = match found {
                Ok(found) => found,
                Err(error) => return lane.lose(&error, ctx),
            };
            lane.claiming.end();
            for (item, row) in found {
                match row {
                    Some(row) if is_own_claim(&item, &row) => {
                        let message = item.id();
                        let token = token_of(tenant, &row);
                        let person = row.contact;
                        lane.take_in_hand(item, Claimed { token, person, row }, None, None);
                        lane.in_flight.take_back(message);
                        lane.return_claim(message);
                    }
                    row => lane.reconsider(item, row, ctx),
                }
            }
            lane.turn_soon(ctx);
        }));
    }

    /// The store refused a claim: reads why. The customer's line stands aside meanwhile.
    pub(super) fn look_up(&mut self, item: Item, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let message = item.id();
        let read = async move { read_row(&*store, tenant, &number, message).await };
        ctx.spawn(read.into_actor(self).map(move |row, lane, ctx| {
            lane.reconsider(item, row, ctx);
            lane.turn_soon(ctx);
        }));
    }

    /// Does with a message whose line stands aside what its row says.
    fn reconsider(&mut self, item: Item, row: Option<OutboxRow>, ctx: &mut Context<Self>) {
        let now = self.now();
        let contact = item.waiting.contact;
        match row {
            None => self.queue.free(contact, now),
            Some(row) => match row.state {
                OutboxState::Queued => {
                    let mut again = Item::new((&row).into(), now);
                    if again.waiting == item.waiting && again.hold.is_none() {
                        again.hold = Some(Hold {
                            until: now.mono + REFUSED,
                            reason: DelayReason::Queued,
                        });
                    }
                    let (refusals, first_refused) = (item.refusals, item.first_refused);
                    self.back_in_line(
                        Item {
                            refusals,
                            first_refused,
                            ..again
                        },
                        now,
                    );
                }
                OutboxState::Unknown | OutboxState::Held => {
                    self.queue.free(contact, now);
                    self.watch_on(&row, now);
                }
                OutboxState::Claimed => {
                    self.declare_unknown(vec![row], ctx, move |lane, ctx| {
                        lane.queue.free(contact, lane.now());
                        lane.turn_soon(ctx);
                    });
                }
            },
        }
    }
}

impl Lane {
    /// Goes on watching an outcome that is unknown still.
    pub(super) fn watch_on(&mut self, row: &OutboxRow, now: Moment) {
        let doubt = Doubt::new(row, row.since, ClaimNumber::default(), now);
        if self.watch.knows(&doubt) {
            self.watch.unsettled(row.at.message, now.mono);
        } else {
            self.watch_for(&doubt);
        }
    }
}

fn is_own_claim(item: &Item, row: &OutboxRow) -> bool {
    row.state == OutboxState::Claimed && Some(row.attempt) == item.waiting.attempt.checked_add(1)
}
