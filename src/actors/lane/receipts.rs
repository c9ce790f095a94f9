//! Read receipts and typing signs: best effort, few at a time, and worth nothing when they come late.
//!
//! It is unconfirmed whether Meta counts them to the number's throughput, so they pass the limit like messages.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::actors::request::Receipt;
use crate::domain::Wamid;
use crate::whatsapp::payload::{TypingSign, mark_read};

/// One receipt.
#[derive(Debug)]
pub(super) struct Errand {
    wamid: Wamid,
    receipt: Receipt,
    until: Duration,
}

impl Errand {
    /// The request body.
    pub(super) fn body(&self) -> Bytes {
        let typing = match self.receipt {
            Receipt::Read => TypingSign::Hidden,
            Receipt::ReadAndTyping => TypingSign::Shown,
        };
        mark_read(&self.wamid, typing)
    }
}

/// The receipts of a lane.
#[derive(Debug)]
pub(super) struct Receipts {
    waiting: VecDeque<Errand>,
    under_way: usize,
    most: usize,
}

impl Receipts {
    /// Keeps at most `most`, waiting or under way.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            under_way: 0,
            most,
        }
    }

    /// Keeps a receipt that is worth sending until the given time; gives it back when there are too many.
    pub(super) fn add(&mut self, wamid: Wamid, receipt: Receipt, until: Duration) -> Result<(), Wamid> {
        if self.waiting.len() + self.under_way >= self.most {
            return Err(wamid);
        }
        self.waiting.push_back(Errand {
            wamid,
            receipt,
            until,
        });
        Ok(())
    }

    /// Forgets those that come too late.
    pub(super) fn drop_late(&mut self, now: Duration) {
        while self.waiting.front().is_some_and(|errand| errand.until < now) {
            self.waiting.pop_front();
        }
    }

    /// Whether one waits.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether none waits or is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }

    /// Takes the next one; [`Receipts::end`] must follow.
    pub(super) fn begin(&mut self) -> Option<Errand> {
        let errand = self.waiting.pop_front()?;
        self.under_way += 1;
        Some(errand)
    }

    /// One is done, well or not.
    pub(super) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}
