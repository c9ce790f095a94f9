//! Which statuses an accepted send gets, and when.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::acceptance::Held;
use crate::config::Refusal;
use crate::customers::CustomerSpec;
use crate::sends::{Category, Send, SendIndex, Step};
use crate::wamid::Way;
use crate::webhooks::{Update, micros};
use crate::world::{Now, World};

impl World {
    /// Decides which statuses a send gets, and when. The receiver rings when an early one was answered.
    pub(super) fn plan_statuses(
        &mut self,
        now: Now,
        index: SendIndex,
        held: Held,
        raw: &Value,
    ) -> Option<oneshot::Receiver<()>> {
        let sent = self.sends.get(index)?.clone();
        self.hear(now, index, &sent, raw);
        if self.webhook_dice.chance(self.faults.status_never) {
            return None;
        }
        let statuses = self.config.statuses;
        let mut due_us = now.us;
        if held == Held::ForQuality {
            due_us += micros(self.webhook_dice.delay(statuses.held));
        }
        let mut early = None;
        let failure = self.failure(now, index, &sent, raw);
        let first = if failure == 0 { Step::Sent } else { Step::Failed };
        if held == Held::No && self.webhook_dice.chance(self.faults.status_early) {
            let (told, waiting) = oneshot::channel();
            let update = Update::Status {
                send: index,
                step: first,
                error: failure,
                at: now.wall,
            };
            self.outbox.push_urgent(update, now.us, told);
            early = Some(waiting);
        } else {
            due_us += micros(self.webhook_dice.delay(statuses.sent));
            self.plan(now, index, first, failure, due_us);
        }
        if failure != 0 || sent.kind == "reaction" {
            return early;
        }
        self.stop_marketing(now, &sent);
        let reads = sent
            .to
            .customer()
            .and_then(|customer| self.customers.get(customer))
            .is_some_and(|person| person.receipts);
        due_us += micros(self.webhook_dice.delay(statuses.delivered));
        let open = reads && self.webhook_dice.chance(statuses.chat_open);
        if !open {
            self.plan(now, index, Step::Delivered, 0, due_us);
        }
        if reads {
            due_us += micros(self.webhook_dice.delay(statuses.read));
            self.plan(now, index, Step::Read, 0, due_us);
        }
        early
    }

    fn plan(&mut self, now: Now, send: SendIndex, step: Step, error: u32, mut due_us: u64) {
        let after = Duration::from_micros(due_us.saturating_sub(now.us));
        let at = now.wall.after(after);
        if self.webhook_dice.chance(self.faults.status_late) {
            due_us += micros(self.webhook_dice.delay(self.faults.status_late_by));
        }
        self.schedule(
            now,
            Update::Status {
                send,
                step,
                error,
                at,
            },
            due_us,
        );
    }

    /// The code with which a send fails after all; 0 when it does not.
    fn failure(&mut self, now: Now, index: SendIndex, sent: &Send, raw: &Value) -> u32 {
        let Some(customer) = sent.to.customer() else {
            return 0;
        };
        let marketing = matches!(sent.category, Category::Marketing | Category::MarketingLite);
        let Some(person) = self.customers.get(customer) else {
            return 131_026;
        };
        if !person.on_whatsapp && self.config.undeliverable == Refusal::ByStatus {
            return 131_026;
        }
        if marketing && !person.marketing {
            return 131_050;
        }
        if marketing && person.capped {
            return 131_049;
        }
        let service = matches!(sent.category, Category::Service | Category::FreeService);
        if service
            && self.config.window == Refusal::ByStatus
            && !self.pairs.window_open(sent.number, customer, now.wall)
        {
            return 131_047;
        }
        let target = raw.pointer("/reaction/message_id").and_then(Value::as_str);
        if let Some(target) = target
            && self.wamids.read(Way::In, target).is_none()
            && self
                .wamids
                .read(Way::Out, target)
                .is_none_or(|target| target >= index.0)
        {
            return 131_009;
        }
        if self.webhook_dice.chance(self.faults.unpaid_later) {
            return 131_042;
        }
        if self.webhook_dice.chance(self.faults.failed_later) {
            return if marketing { 131_049 } else { 131_026 };
        }
        // Dice that are not asked for are not thrown: a seed goes on to mean what it meant.
        for (share, code) in [
            (self.faults.errored_later, 131_000),
            (self.faults.unreachable_later, 131_026),
        ] {
            if share > 0.0 && self.webhook_dice.chance(share) {
                return code;
            }
        }
        0
    }

    /// The customer has enough of it, perhaps.
    fn stop_marketing(&mut self, now: Now, sent: &Send) {
        let marketing = matches!(sent.category, Category::Marketing | Category::MarketingLite);
        let share = self.faults.stops_later;
        let stops = marketing && share > 0.0 && self.webhook_dice.chance(share);
        if let Some(customer) = sent.to.customer().filter(|_| stops) {
            let stop = CustomerSpec {
                user_id: Some(self.customers.user_id(customer)),
                marketing: Some(false),
                ..CustomerSpec::default()
            };
            self.script(now, &stop);
        }
    }
}
