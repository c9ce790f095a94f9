//! Going on in the next round of a thread.
//!
//! A thread looks for what has come over its connections, and for timers, once nothing is ready any more. A task that wakes
//! itself is ready at once: hundreds of them go on among themselves thousands of times before anybody else is seen.

use std::pin::pin;
use std::task::Context;

/// Has the task go on once the thread has looked round.
pub(super) fn yield_and_wake(cx: &mut Context<'_>) {
    // Asked once, it hands over the task's waker and has nothing to do any more.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::Cell;
    use std::future::poll_fn;
    use std::rc::Rc;
    use std::task::Poll;

    #[actix_web::test]
    async fn the_thread_looks_round_between_two_turns_of_a_task_that_always_has_more() {
        const ALL: usize = 10_000;
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        actix_web::rt::spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if counted.get() == ALL {
                return Poll::Ready(());
            }
            yield_and_wake(cx);
            Poll::Pending
        }));
        let mut most = 0;
        while turns.get() < ALL {
            let before = turns.get();
            // Goes on when the thread has looked round, as whoever waits for a connection does.
            tokio::task::yield_now().await;
            most = most.max(turns.get() - before);
        }
        assert!(most <= 2, "{most} turns");
    }
}
