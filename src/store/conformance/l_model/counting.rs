//! Whatever happens, a broadcast's counts are what its messages and the outbox say.

use std::collections::BTreeMap;

use proptest::test_runner::{Config, TestRunner};

use super::super::contents::exported;
use super::super::ops::{self, BROADCAST};
use super::super::{Backend as _, Memory};
use super::steps::{Step, step};
use super::{Fence, Pair, Seq, TenantId};
use crate::domain::{DeliveryState, RecipientOutcome};
use crate::store::conformance::scene::DAY_ONE;
use crate::store::{OutboxState, Record, RecordKind, Store};

/// What stands in the rows, counted anew.
async fn recounted(pair: &Pair<Memory>, store: &dyn Store) -> BTreeMap<RecipientOutcome, u64> {
    let mut counts = BTreeMap::new();
    for record in exported(store, pair.tenant, RecordKind::Message, pair.now).await {
        let Record::Message { row, .. } = record else {
            continue;
        };
        let (Some(_), Some(delivery)) = (row.broadcast, &row.delivery) else {
            continue;
        };
        let unsettled = store
            .outbox_row(pair.tenant, ops::number("1"), row.id)
            .await
            .unwrap();
        let is_final = delivery.state.is_settled() || delivery.state == DeliveryState::Held;
        let outcome = match unsettled.filter(|_| !is_final).map(|row| row.state) {
            None => RecipientOutcome::of_state(delivery.state),
            Some(OutboxState::Queued | OutboxState::Claimed) => RecipientOutcome::Queued,
            Some(OutboxState::Unknown) => RecipientOutcome::Unknown,
            Some(OutboxState::Held) => RecipientOutcome::Held,
        };
        *counts.entry(outcome).or_default() += 1;
    }
    counts
}

#[test]
fn counts_are_what_the_rows_are() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(300));
    let steps = proptest::collection::vec(step(), 1..40);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let mut pair = Pair {
                model: Memory::open(),
                other: Some(Memory::open()),
                tenant: TenantId::new(1),
                fence: Fence::default(),
                head: Seq::default(),
                now: DAY_ONE,
            };
            pair.run(&Step::TakeOver).await;
            let mut was_erased = false;
            for step in steps {
                // Of what is over nothing can be counted anew.
                let step = match step {
                    Step::Append(_, doings) => Step::Append(365, doings),
                    other => other,
                };
                was_erased |= matches!(step, Step::Erase(_));
                pair.run(&step).await;
                let store = pair.model.store();
                let tally = store.broadcast_tally(pair.tenant, BROADCAST, pair.now).await;
                let Some(tally) = tally.unwrap() else { continue };
                let counts = &tally.counts;
                let found = recounted(&pair, &*store).await;
                assert_eq!(
                    counts.outcomes.values().sum::<u64>(),
                    counts.messages(),
                    "{counts:?}"
                );
                let by_code: u64 = counts.failed_by_code.values().sum();
                let failed = counts.of(RecipientOutcome::Failed);
                assert_eq!(by_code + counts.failed_by_other_codes, failed);
                for outcome in RecipientOutcome::ALL {
                    let stands = found.get(&outcome).copied().unwrap_or_default();
                    // Who was erased after all was settled stays counted as that.
                    let is_exact = !was_erased || outcome == RecipientOutcome::Queued;
                    if is_exact {
                        assert_eq!(counts.of(outcome), stands, "{outcome:?} after {step:?}");
                    } else {
                        assert!(counts.of(outcome) >= stands, "{outcome:?} after {step:?}");
                    }
                }
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
