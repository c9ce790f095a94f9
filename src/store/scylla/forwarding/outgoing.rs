//! Group commit of what other processes are told: webhooks of all tenants that come while a row is being written go together
//! with the next row to the same process.
//!
//! Each recipient has a queue and one writer at a time, so a recipient whose rows take long delays no other. Whoever waits
//! here holds no permit of the store: tenants that have nothing to tell are not refused because of those that do.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::{Forwarded, ProcessId};

/// Webhooks in one row: a few KiB.
pub(super) const OF_A_ROW: usize = 128;
/// Webhooks that wait for one recipient: as many as 64 rows hold.
const MOST: usize = 64 * OF_A_ROW;

/// Webhooks that wait to be told.
struct Waiting {
    webhooks: Vec<Forwarded>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    webhooks: usize,
}

/// One process that is told of webhooks.
#[derive(Default)]
struct Recipient {
    queue: Mutex<Queue>,
    /// The last number that was given. Held while a row is written: no row shows up behind a later one, where its reader
    /// would pass it over.
    last: tokio::sync::Mutex<i64>,
}

/// What waits for each recipient, and how far each recipient's rows go. Those who are gone stay: their reader, should it come
/// back, reads on where it was. They are as few as starts of other gateways while this one runs.
#[derive(Default)]
pub(super) struct Outgoing {
    recipients: Mutex<HashMap<ProcessId, Arc<Recipient>>>,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outgoing")
    }
}

impl Outgoing {
    /// Writes webhooks for a recipient, in this order, alone or with others. `write` writes one row under its number.
    pub(super) async fn tell<W, F>(
        &self,
        recipient: ProcessId,
        webhooks: &[Forwarded],
        write: W,
    ) -> Result<(), StoreError>
    where
        W: Fn(i64, Vec<Forwarded>) -> F,
        F: Future<Output = Result<(), StoreError>>,
    {
        let recipient = {
            let mut all = self.recipients.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(recipient).or_default())
        };
        for some in webhooks.chunks(OF_A_ROW) {
            recipient.tell(some, &write).await?;
        }
        Ok(())
    }
}

impl Recipient {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, webhooks: &[Forwarded]) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let mut queue = self.queue();
        if queue.webhooks + webhooks.len() > MOST {
            let full = StoreError::new(
                StoreErrorKind::Overloaded,
                "too many webhooks wait to be left to another gateway",
            );
            return Err(full.retry_after(super::super::AGAIN));
        }
        let (answer, answered) = oneshot::channel();
        queue.webhooks += webhooks.len();
        queue.waiting.push_back(Waiting {
            webhooks: webhooks.to_vec(),
            answer,
        });
        Ok(answered)
    }

    /// The next to go together: no more than one row holds.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let mut taken = Vec::new();
        let mut webhooks = 0;
        while let Some(next) = queue.waiting.front() {
            if webhooks > 0 && webhooks + next.webhooks.len() > OF_A_ROW {
                break;
            }
            webhooks += next.webhooks.len();
            taken.extend(queue.waiting.pop_front());
        }
        queue.webhooks = queue.webhooks.saturating_sub(webhooks);
        taken
    }

    /// Whoever has the turn writes for all who wait. Should it be dropped meanwhile, those it wrote for hear nothing and tell
    /// the same once more under a later number, which changes nothing for the reader.
    async fn tell<W, F>(&self, webhooks: &[Forwarded], write: &W) -> Result<(), StoreError>
    where
        W: Fn(i64, Vec<Forwarded>) -> F,
        F: Future<Output = Result<(), StoreError>>,
    {
        loop {
            let mut answered = self.join(webhooks)?;
            let mut last = tokio::select! {
                biased;
                answer = &mut answered => match answer {
                    Ok(answer) => return answer,
                    Err(_dropped) => continue,
                },
                last = self.last.lock() => last,
            };
            let answer = loop {
                match answered.try_recv() {
                    Ok(answer) => break Some(answer),
                    Err(TryRecvError::Closed) => break None,
                    Err(TryRecvError::Empty) => {}
                }
                let taken = self.take();
                if taken.is_empty() {
                    break None;
                }
                // A row whose outcome is unknown keeps its number: its reader may have seen it.
                *last += 1;
                let row = taken.iter().flat_map(|waiting| &waiting.webhooks).copied();
                let answer = write(*last, row.collect()).await;
                for waiting in taken {
                    // Whoever waited may have gone.
                    let _ = waiting.answer.send(answer.clone());
                }
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::domain::{JournalId, TenantId};
    use crate::store::Urgency;

    const ONE: ProcessId = ProcessId::new(1);
    const TWO: ProcessId = ProcessId::new(2);

    fn webhooks(from: u8, count: u8) -> Vec<Forwarded> {
        let webhook = |n| Forwarded {
            entry: JournalId::from_bytes([n; 16]),
            tenant: TenantId::new(u64::from(n)),
            size: 1,
            urgency: Urgency::Prompt,
        };
        (from..from + count).map(webhook).collect()
    }

    /// A store that writes once it may.
    #[derive(Default)]
    struct Rows {
        written: Mutex<Vec<(i64, usize)>>,
        gate: Option<Semaphore>,
    }

    impl Rows {
        fn behind_a_gate() -> Self {
            Self {
                gate: Some(Semaphore::new(0)),
                ..Self::default()
            }
        }

        async fn write(&self, number: i64, row: Vec<Forwarded>) -> Result<(), StoreError> {
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            self.written.lock().unwrap().push((number, row.len()));
            Ok(())
        }

        fn written(&self) -> Vec<(i64, usize)> {
            self.written.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn those_that_come_while_a_row_is_written_go_together_and_no_row_holds_more_than_its_bound() {
        let (outgoing, rows) = (Outgoing::default(), Rows::behind_a_gate());
        let turns = (0..10).map(|n| {
            let (outgoing, rows) = (&outgoing, &rows);
            async move {
                let webhooks = webhooks(n, 30);
                outgoing
                    .tell(ONE, &webhooks, |number, row| rows.write(number, row))
                    .await
            }
        });
        let mut all = Box::pin(join_all(turns));
        assert!(all.as_mut().now_or_never().is_none());
        rows.gate.as_ref().unwrap().add_permits(99);
        let all = all.await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(
            rows.written(),
            [(1, 30), (2, 120), (3, 120), (4, 30)],
            "the first went alone: nobody else was there"
        );
    }

    #[tokio::test]
    async fn a_recipient_whose_rows_take_long_has_a_bounded_queue_and_delays_no_other() {
        let (outgoing, stuck, rows) = (Outgoing::default(), Rows::behind_a_gate(), Rows::default());
        let waiting: Vec<_> = (0..64)
            .map(|_| {
                let (outgoing, stuck) = (&outgoing, &stuck);
                let telling = async move {
                    let webhooks = webhooks(0, 128);
                    outgoing
                        .tell(ONE, &webhooks, |number, row| stuck.write(number, row))
                        .await
                };
                let mut telling = Box::pin(telling);
                assert!(telling.as_mut().now_or_never().is_none());
                telling
            })
            .collect();
        // The first is being written and waits no more: there is room for one.
        let one = webhooks(0, 128);
        let mut last = Box::pin(outgoing.tell(ONE, &one, |number, row| stuck.write(number, row)));
        assert!(last.as_mut().now_or_never().is_none());
        let refused = outgoing.tell(ONE, &one, |number, row| stuck.write(number, row));
        let refused = refused.now_or_never().unwrap().unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Overloaded);
        outgoing
            .tell(TWO, &one, |number, row| rows.write(number, row))
            .await
            .unwrap();
        assert_eq!(rows.written(), [(1, 128)]);
        drop((waiting, last));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_writer_that_is_dropped_tells_it_once_more_under_a_later_number() {
        let (outgoing, stuck, rows) = (Outgoing::default(), Rows::behind_a_gate(), Rows::default());
        let (first, second) = (webhooks(0, 1), webhooks(1, 2));
        let mut writer = Box::pin(outgoing.tell(ONE, &first, |number, row| stuck.write(number, row)));
        assert!(writer.as_mut().now_or_never().is_none());
        let mut waiting = Box::pin(outgoing.tell(ONE, &second, |number, row| rows.write(number, row)));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(writer);
        waiting.await.unwrap();
        assert_eq!(rows.written(), [(2, 2)]);
    }
}
