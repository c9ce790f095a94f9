//! Whether a lane has anything to do or to remember. One that has not may end: the next one of its number will not know that it
//! was there.

use actix::{Context, Handler};

use super::Lane;
use super::announce::Told;
use super::handle::AskIdle;
use super::scan::Scan;
use crate::actors::Admitted;

impl Handler<Admitted<AskIdle>> for Lane {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskIdle>, _: &mut Context<Self>) {
        // The asker may have gone.
        let _ = ask
            .message
            .0
            .send(self.has_nothing_to_do() && self.has_nothing_to_remember());
    }
}

impl Lane {
    fn has_nothing_to_do(&self) -> bool {
        let waits = self.queue.len() + self.overflow.count() + self.watch.len();
        let in_flight = self.in_flight.len() + self.claiming.len() + self.housekeeping;
        waits + in_flight == 0 && self.receipts.is_empty() && matches!(self.scan, Scan::Over(_))
    }

    /// What Meta holds against the number, and what agents were told of it, must not be forgotten.
    fn has_nothing_to_remember(&mut self) -> bool {
        let now = self.now();
        let told = self.announcer.has_bad_news() || self.announcer.is_telling();
        !told
            && self.state(now) == Told::Running
            && self.number_limit.is_free(now.mono)
            && self.pair_limit.is_free(now.mono)
    }
}
