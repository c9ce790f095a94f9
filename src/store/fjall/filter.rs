//! Lets compaction drop rows whose time is over: a help that gives no deadline, beside the sweep that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fjall::compaction::filter::{
    CompactionFilter, CompactionFilterResult, Context, Factory, ItemAccessor, Verdict,
};

use super::codec;
use crate::domain::Timestamp;

/// Drops expired rows. Knows the time from sweeps alone, which come only when it is believed; before the first of them it
/// drops nothing.
pub(super) struct ExpiredRows {
    latest: Arc<AtomicI64>,
}

impl ExpiredRows {
    /// Reads the time there.
    pub(super) fn new(latest: Arc<AtomicI64>) -> Self {
        Self { latest }
    }
}

impl Factory for ExpiredRows {
    fn name(&self) -> &'static str {
        "expired_rows"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Filter {
            now: Timestamp::from_millis(self.latest.load(Ordering::Relaxed)),
        })
    }
}

struct Filter {
    now: Timestamp,
}

impl CompactionFilter for Filter {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        // A row that cannot be read is left for whoever reads it to report.
        let over = codec::expires(&item.value()?).is_ok_and(|expires| expires <= self.now);
        // Not `Destroy`: an older version of the row may lie further down.
        Ok(if over { Verdict::Remove } else { Verdict::Keep })
    }
}
