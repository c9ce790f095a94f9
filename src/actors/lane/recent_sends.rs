//! What an earlier process sent to a customer shortly before it ended. The limiter does not know it, and history does: it is
//! looked up there once for each customer who is written to while it counts.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use futures_util::future::join_all;

use super::Lane;
use super::claims::{Customer, Want};
use super::waiting::Moment;
use crate::domain::{DeliveryState, Message, MessageId, Timestamp};

impl Lane {
    /// Looks up what was sent to customers who are new here, and asks for the claims of those who owe nothing.
    pub(super) fn recall(&self, wants: Vec<Want>, chosen_at: Moment, ctx: &mut Context<Self>) {
        let reads = wants.iter().map(|want| self.sent_before(want, chosen_at));
        let reads = join_all(reads.collect::<Vec<_>>());
        ctx.spawn(reads.into_actor(self).map(move |sent, lane, ctx| {
            let now = lane.now();
            let mut free = Vec::with_capacity(wants.len());
            for (want, sent) in wants.into_iter().zip(sent) {
                let customer = lane.queue.whose(want.item.waiting.contact);
                match lane.pair_limit.recall(customer, sent, now.mono) {
                    Ok(()) => free.push(want),
                    Err(_wait) => lane.back_in_line(want.item, now),
                }
            }
            if free.is_empty() {
                lane.claiming.end();
                lane.turn_soon(ctx);
            } else {
                lane.claiming.begin(&free);
                // The look-up is a part of what claims take: the slower they are, the more are kept ready.
                lane.ask(free, chosen_at.mono, ctx);
            }
        }));
    }

    /// How long ago each of the last messages went to a customer who is new here.
    fn sent_before(&self, want: &Want, now: Moment) -> impl Future<Output = Vec<Duration>> + use<> {
        let (store, tenant) = (Arc::clone(&self.store), self.tenant);
        let (customer, at) = (want.customer, want.item.waiting.at());
        // Half of them may be the customer's own.
        let most = usize::try_from(self.limits.pair.burst).unwrap_or(usize::MAX);
        async move {
            if customer == Customer::Known {
                return Vec::new();
            }
            let page = store.page_messages(tenant, at.conversation, None, most.saturating_mul(2), now.wall);
            match page.await {
                Ok(page) => {
                    let sent = page
                        .items
                        .iter()
                        .filter_map(|message| sent_at(message, at.message));
                    sent.map(|sent| now.wall.since(sent)).collect()
                }
                Err(error) => {
                    tracing::debug!(tenant.id = %tenant, %error, "cannot tell what was sent to a customer before");
                    Vec::new()
                }
            }
        }
    }
}

/// When another message than this one went out, if Meta may have taken it.
fn sent_at(message: &Message, own: MessageId) -> Option<Timestamp> {
    let delivery = message.delivery.as_ref().filter(|_| message.id != own)?;
    match delivery.state {
        DeliveryState::Queued | DeliveryState::Failed | DeliveryState::Cancelled | DeliveryState::Expired => {
            None
        }
        DeliveryState::Claimed
        | DeliveryState::Unknown
        | DeliveryState::Held
        | DeliveryState::Sent
        | DeliveryState::Delivered
        | DeliveryState::Read
        | DeliveryState::Played => {
            let times = delivery.times;
            times.sent.or(times.unknown).or(times.claimed)
        }
    }
}
