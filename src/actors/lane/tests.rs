//! The queue and the watch as pure models; the lane as a real actor with a store in memory, a scripted Meta and a clock that
//! moves when everybody waits.

mod arrivals;
mod broadcasts;
mod calls;
mod clock;
mod consent;
mod doubts;
mod files;
mod graph;
mod harness;
mod held;
mod idle;
mod judging;
mod letters;
mod limits;
mod pausing;
mod queueing;
mod recovery;
mod refusals;
mod room;
mod setting;
mod watching;

use crate::store::faulty::Fault;
use graph::{
    Reply, accepted, accepted_as, ambiguous, error, held, not_graph, not_taken, refused, too_fast,
    unreachable,
};
use harness::{TENANT, World, between, busiest_second, open_ledger, truth};
use letters::{Letter, bulk, letter};
