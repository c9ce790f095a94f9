//! What may happen, and how often.

use std::time::Duration;

use proptest::prelude::*;

use crate::domain::BroadcastRun;
use crate::domain::message::Side;

/// Names that customers go by; some turn out to be one person.
pub(super) const NAMES: [&[&str]; 6] = [
    &["628111111"],
    &["628222222"],
    &["628111111", "ID.1"],
    &["ID.1", "ID.ENT.9"],
    &["628222222", "ID.ENT.9"],
    &["ID.3"],
];
pub(super) const MESSAGES: u64 = 5;

/// One thing that happens. Numbers choose among the few that there are.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Under a retention of so many days.
    Append(u32, Vec<Doing>),
    Claim(Vec<(u64, u8)>),
    TakeOver,
    StaleAppend,
    Wait(u32),
    Sweep,
    Erase(usize),
    Restart,
}

#[derive(Debug, Clone)]
pub(super) enum Doing {
    Receive {
        from: usize,
        wamid: u8,
        ago: Duration,
    },
    /// A customer's or the business's change: another text, or nothing any more.
    Amend {
        by: usize,
        side: Side,
        notice: u8,
        original: u8,
        ago: Duration,
        text: Option<u8>,
    },
    /// An older message, whose thread may be unknown and whose media may be missing.
    Import {
        from: Option<usize>,
        side: Side,
        wamid: u8,
        ago: Duration,
        is_placeholder: bool,
    },
    Submit {
        to: usize,
        id: u64,
        once: Option<(u8, u8)>,
        unless_after: Option<u8>,
    },
    /// A broadcast's message, to a recipient of the number of its id.
    ToRecipient {
        to: usize,
        id: u64,
    },
    /// The broadcast begins, halts, goes on or ends.
    Steer {
        to: BroadcastRun,
    },
    /// A customer presses a button of a message.
    Press {
        from: usize,
        wamid: u8,
        id: u64,
    },
    Note {
        to: usize,
        id: u64,
    },
    Attempted {
        id: u64,
        attempt: u8,
        result: u8,
    },
    Report {
        id: u64,
        attempt: Option<u8>,
        wamid: u8,
        state: u8,
        names: Option<usize>,
    },
    Settle {
        id: u64,
        again: bool,
    },
    Withdraw {
        id: u64,
        expired: bool,
    },
    Organise {
        to: usize,
        change: u8,
    },
    Relate {
        from: usize,
        to: usize,
        once: u8,
    },
    Call {
        from: usize,
        ago: Duration,
    },
    Announce {
        name: usize,
    },
}

pub(super) fn doing() -> impl Strategy<Value = Doing> {
    let name = 0..NAMES.len();
    let id = 0..MESSAGES;
    let ago = (0_u64..7_200).prop_map(Duration::from_secs);
    let run = prop_oneof![
        12 => Just(BroadcastRun::Running),
        3 => Just(BroadcastRun::Halted),
        1 => Just(BroadcastRun::Cancelled),
    ];
    let side = prop_oneof![2 => Just(Side::Customer), 1 => Just(Side::Business)];
    prop_oneof![
        4 => (name.clone(), 0_u8..6, ago.clone())
            .prop_map(|(from, wamid, ago)| Doing::Receive { from, wamid, ago }),
        4 => (name.clone(), side.clone(), 0_u8..4, 0_u8..6, ago.clone(), proptest::option::of(0_u8..3)).prop_map(
            |(by, side, notice, original, ago, text)| Doing::Amend { by, side, notice, original, ago, text }
        ),
        2 => (proptest::option::weighted(0.7, name.clone()), side, 0_u8..6, ago.clone(), any::<bool>()).prop_map(
            |(from, side, wamid, ago, is_placeholder)| {
                Doing::Import { from, side, wamid, ago, is_placeholder }
            }
        ),
        4 => (name.clone(), id.clone(), proptest::option::of((0_u8..3, 0_u8..2)), proptest::option::of(0_u8..9))
            .prop_map(|(to, id, once, unless_after)| Doing::Submit { to, id, once, unless_after }),
        4 => (name.clone(), id.clone()).prop_map(|(to, id)| Doing::ToRecipient { to, id }),
        3 => run.prop_map(|to| Doing::Steer { to }),
        1 => (name.clone(), 0_u8..6, id.clone()).prop_map(|(from, wamid, id)| Doing::Press { from, wamid, id }),
        1 => (name.clone(), id.clone()).prop_map(|(to, id)| Doing::Note { to, id }),
        3 => (id.clone(), 1_u8..4, 0_u8..5)
            .prop_map(|(id, attempt, result)| Doing::Attempted { id, attempt, result }),
        4 => (id.clone(), proptest::option::of(1_u8..4), 0_u8..6, 0_u8..4, proptest::option::of(name.clone()))
            .prop_map(|(id, attempt, wamid, state, names)| Doing::Report { id, attempt, wamid, state, names }),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, again)| Doing::Settle { id, again }),
        1 => (id, any::<bool>()).prop_map(|(id, expired)| Doing::Withdraw { id, expired }),
        1 => (name.clone(), 0_u8..8).prop_map(|(to, change)| Doing::Organise { to, change }),
        1 => (name.clone(), name.clone(), 0_u8..3).prop_map(|(from, to, once)| Doing::Relate { from, to, once }),
        1 => (name.clone(), ago).prop_map(|(from, ago)| Doing::Call { from, ago }),
        1 => name.prop_map(|name| Doing::Announce { name }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let days = prop_oneof![1 => Just(1_u32), 1 => Just(3), 1 => Just(30), 3 => Just(365)];
    prop_oneof![
        12 => (days, proptest::collection::vec(doing(), 1..5))
            .prop_map(|(days, doings)| Step::Append(days, doings)),
        4 => proptest::collection::vec((0..MESSAGES, 0_u8..3), 1..4).prop_map(Step::Claim),
        1 => Just(Step::TakeOver),
        1 => Just(Step::StaleAppend),
        3 => prop_oneof![1_u32..600, 3_600_u32..200_000].prop_map(Step::Wait),
        2 => Just(Step::Sweep),
        1 => (0..NAMES.len()).prop_map(Step::Erase),
    ]
}
