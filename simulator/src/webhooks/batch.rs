//! Putting requests together: what is due, goes to the same place and fits into one batch.

use std::cmp::Reverse;

use super::outbox::{Next, Post, Update, micros};
use super::signature::Signing;
use super::wire;
use crate::numbers::NumberIndex;
use crate::world::{Now, World};

impl World {
    /// Puts an update into the outbox, held back or doubled as the faults have it.
    pub(crate) fn schedule(&mut self, now: Now, update: Update, mut due_us: u64) {
        if self.webhook_dice.chance(self.faults.reordered) {
            due_us += micros(self.webhook_dice.delay(self.faults.reordered_by));
        }
        if self.webhook_dice.chance(self.faults.duplicated) {
            let later = due_us.max(now.us) + micros(self.webhook_dice.delay(self.faults.reordered_by)) / 8;
            self.outbox.push(update.clone(), later);
        }
        self.outbox.push(update, due_us);
    }

    /// The next request to make.
    pub(super) fn next_post(&mut self, now: Now) -> Next {
        self.outbox.sleeping_until_us = 0;
        if let Some(post) = self.outbox.due_repeat(now.us) {
            return Next::Post(Box::new(post));
        }
        while self.outbox.repeats.len() < self.outbox.config.retrying
            && let Some(first) = self.outbox.peek_due(now.us)
        {
            match self.target_of(first) {
                Target::Url(url) => {
                    let url = url.to_owned();
                    return Next::Post(Box::new(self.collect(url, now)));
                }
                Target::Held => break,
                Target::Unheard => {
                    self.outbox.updates.pop();
                    self.outbox.stats.unheard += 1;
                }
            }
        }
        match self.outbox.next_at_us() {
            // Due, but held back: only a wake-up changes that.
            Some(at_us) if at_us <= now.us => {
                let at_us = self.outbox.repeats.peek().map(|Reverse(repeat)| repeat.at_us);
                self.outbox.sleeping_until_us = at_us.unwrap_or(u64::MAX);
                at_us.map_or(Next::Nothing, Next::At)
            }
            Some(at_us) => {
                self.outbox.sleeping_until_us = at_us;
                Next::At(at_us)
            }
            None => {
                self.outbox.sleeping_until_us = u64::MAX;
                Next::Nothing
            }
        }
    }

    /// Takes what is due and goes to the same place, up to a batch.
    fn collect(&mut self, url: String, now: Now) -> Post {
        let mut updates = Vec::new();
        let mut told = Vec::new();
        let mut signing = Signing::Right;
        while updates.len() < self.outbox.config.batch.max(1) {
            let Some(next) = self.outbox.peek_due(now.us) else {
                break;
            };
            let alone = matches!(next, Update::Forged { .. } | Update::Foreign { .. });
            if !updates.is_empty() && (alone || self.target_of(next) != Target::Url(&url)) {
                break;
            }
            let Some(Reverse(due)) = self.outbox.updates.pop() else {
                break;
            };
            if let Update::Forged { .. } = due.update {
                signing = self
                    .webhook_dice
                    .pick(&Signing::WRONG)
                    .copied()
                    .unwrap_or(Signing::Missing);
            }
            if let Update::Status { send, step, .. } = due.update
                && let Some(sent) = self.sends.get_mut(send)
            {
                sent.reached = sent.reached.max(Some(step));
            }
            updates.push(due.update);
            told.extend(due.told);
            if alone {
                break;
            }
        }
        let shape = wire::Shape {
            scattered: self.webhook_dice.chance(self.faults.scattered),
            // Meta writes some payloads in ASCII with escapes and some as UTF-8; both must be read.
            escaped: self.webhook_dice.chance(0.5),
        };
        let body = wire::body(self, &updates, shape);
        let inbound = updates
            .iter()
            .filter_map(|update| match update {
                Update::Inbound { index, .. } => Some(*index),
                _ => None,
            })
            .collect();
        Post {
            url,
            body: body.into(),
            signing,
            inbound,
            told,
            attempt: 0,
            reign: self.reign,
        }
    }

    fn target_of(&self, update: &Update) -> Target<'_> {
        let app_url = self.config.webhook_url.as_deref();
        let number = match update {
            Update::Status { send, .. } => self.sends.get(*send).map(|send| send.number),
            Update::Inbound { index, .. } => self.inbounds.get(*index).map(|inbound| inbound.number),
            Update::Forged { number, .. } => Some(*number),
            Update::Foreign { .. } => Some(NumberIndex(0)),
            Update::Other(other) => {
                if other.review.is_some_and(|review| !self.templates.stands(review)) {
                    return Target::Unheard;
                }
                // Overrides are for messages alone.
                return match self.numbers.subscription(&other.waba) {
                    Some(account) if !account.subscribed => Target::Unheard,
                    _ => app_url.map_or(Target::Held, Target::Url),
                };
            }
        };
        let Some(number) = number else {
            return Target::Unheard;
        };
        match self.numbers.target(number, app_url) {
            Some(url) => Target::Url(url),
            None if app_url.is_none() => Target::Held,
            None => Target::Unheard,
        }
    }
}

/// Where an update goes.
#[derive(Debug, PartialEq, Eq)]
enum Target<'world> {
    Url(&'world str),
    /// Nowhere yet.
    Held,
    /// Nowhere, ever.
    Unheard,
}
