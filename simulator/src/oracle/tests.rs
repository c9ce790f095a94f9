use super::*;
use crate::clock::{SystemClock, Timestamp};
use crate::config::SimulatorConfig;
use crate::customers::CustomerSpec;
use crate::graph::validate;
use crate::ids::Epoch;
use crate::judge::Via;
use crate::numbers::NumberIndex;
use crate::world::{Now, Shared, World};
use serde_json::json;
use std::sync::Arc;

const CUSTOMER: &str = "+6281234567890";

fn world() -> World {
    World::new(SimulatorConfig::default(), Timestamp::from_millis(1_000_000))
}

fn now(us: u64) -> Now {
    Now {
        wall: Timestamp::from_millis(1_000_000 + i64::try_from(us / 1_000).unwrap()),
        us,
    }
}

fn id(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

fn token(message: MessageId, attempt: u8) -> String {
    AttemptToken {
        tenant: TenantId::from_bytes([7; 8]),
        conversation: [1; 16],
        message,
        attempt,
    }
    .to_string()
}

/// Sends a template, which needs no window, with a token; returns whether it was accepted.
fn send(world: &mut World, token: &str, text: &str) -> bool {
    let raw = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
        "biz_opaque_callback_data": token,
        "template": {"name": "weekend_news", "language": {"code": "en_US"}, "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": text}]}]}});
    let request = validate::request(&raw);
    world
        .judge(now(1), "106540352242922", Via::Messages, &raw, request)
        .answer
        .is_ok()
}

fn broken(world: &World) -> Vec<String> {
    world
        .report()
        .invariants
        .into_iter()
        .filter(|invariant| invariant.violations > 0)
        .map(|invariant| invariant.id)
        .collect()
}

fn row(message_id: MessageId, state: DeliveryState) -> HistoryRow {
    HistoryRow {
        message_id,
        wamid: None,
        state: Some(state),
    }
}

/// A customer's message whose webhook was answered 200.
fn acknowledged(world: &mut World) -> String {
    let customer = world.customers.find_or_make(CUSTOMER).unwrap();
    let content = crate::chatter::text("hi");
    let wamid = world.write(now(1), customer, NumberIndex(0), content).unwrap();
    let index = world.wamids.read(crate::wamid::Way::In, &wamid).unwrap();
    world
        .inbounds
        .get_mut(crate::inbound::InboundIndex(index))
        .unwrap()
        .acknowledged = true;
    wamid
}

fn inbound_row(wamid: &str) -> HistoryRow {
    HistoryRow {
        message_id: id(99),
        wamid: Some(wamid.to_owned()),
        state: None,
    }
}

#[test]
fn a_faithful_gateway_breaks_no_promise() {
    let mut world = world();
    let wamid = acknowledged(&mut world);
    assert!(send(&mut world, &token(id(1), 1), "mk-1"));
    world.submissions(&[Submission {
        message_id: Some(id(1)),
        ..Submission::default()
    }]);
    world.history_read(None, &[inbound_row(&wamid), row(id(1), DeliveryState::Delivered)]);
    let report = world.report();
    assert!(report.ok, "{}", report.text());
    assert_eq!(
        (
            report.totals.inbound_acknowledged,
            report.totals.sends_accepted,
            report.totals.submitted
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_verdict_says_how_much_was_looked_at_and_what_was_not() {
    let mut world = world();
    let verdict = |world: &World| world.report().text().lines().next().unwrap().to_owned();
    assert_eq!(
        verdict(&world),
        "seed 1: nothing was looked at: no driver has reported, and nothing was sent"
    );
    assert!(send(&mut world, &token(id(1), 1), "mk-1"));
    // One attempt, one message that was accepted, one marker.
    assert_eq!(
        verdict(&world),
        "seed 1: 2 of 8 promises kept in 3 cases; not looked at: I1, I2, I5, I6, I7, I8"
    );
    assert_eq!(world.report().unobserved, ["I1", "I2", "I5", "I6", "I7", "I8"]);
    assert!(send(&mut world, &token(id(1), 1), "mk-1"));
    let broken = verdict(&world);
    assert!(
        broken.contains("BROKEN PROMISES; 3 cases looked at, none of I1"),
        "{broken}"
    );
    world.tenants(HashMap::from([(TenantId::from_bytes([7; 8]), Vec::new())]));
    world.history_read(
        Some(TenantId::from_bytes([7; 8])),
        &[row(id(1), DeliveryState::Sent)],
    );
    world.events_seen(&seen("ana", &[(1, 1, DeliveryState::Sent)]));
    world.opt_outs(&[OptOut {
        customer: CUSTOMER.to_owned(),
        committed_at_ms: i64::MAX / 2,
        everything: true,
        grace_ms: 0,
    }]);
    let wamid = acknowledged(&mut world);
    world.history_read(None, &[inbound_row(&wamid)]);
    let whole = verdict(&world);
    assert!(
        whole.contains("BROKEN PROMISES; ") && !whole.contains("none of"),
        "{whole}"
    );
}

#[test]
fn an_acknowledged_message_that_is_missing_or_doubled_breaks_i1() {
    let mut world = world();
    let wamid = acknowledged(&mut world);
    let other = acknowledged(&mut world);
    world.history_read(None, &[inbound_row(&wamid)]);
    assert_eq!(broken(&world), ["I1"]);
    assert_eq!(world.report().totals.lost, 1);
    world.history_read(None, &[inbound_row(&other)]);
    assert!(world.report().ok);
    world.history_read(None, &[inbound_row(&other)]);
    assert_eq!(broken(&world), ["I1"]);
    world.forget_history();
    assert!(world.report().ok, "nothing was looked at");
}

#[test]
fn a_forged_message_in_history_breaks_i1() {
    let mut world = world();
    world.history_read(None, &[inbound_row("wamid.FORGED00")]);
    assert_eq!(broken(&world), ["I1"]);
}

#[test]
fn a_submission_that_is_missing_waits_or_lies_breaks_i2() {
    let cases = [
        ("missing", None, false, true),
        ("waits", Some(DeliveryState::Claimed), false, true),
        ("lies", Some(DeliveryState::Sent), false, true),
        ("failed", Some(DeliveryState::Failed), false, false),
        ("in doubt", Some(DeliveryState::Unknown), true, false),
        ("expired though sent", Some(DeliveryState::Expired), true, true),
        ("read", Some(DeliveryState::Read), true, false),
    ];
    for (label, state, sent, breaks) in cases {
        let mut world = world();
        if sent {
            assert!(send(&mut world, &token(id(1), 1), "x"));
        }
        world.submissions(&[Submission {
            message_id: Some(id(1)),
            ..Submission::default()
        }]);
        // Another row shows that history was looked at.
        let other = acknowledged(&mut world);
        world.history_read(None, &[inbound_row(&other)]);
        if let Some(state) = state {
            world.history_read(None, &[row(id(1), state)]);
        }
        let wanted: &[&str] = if breaks { &["I2"] } else { &[] };
        assert_eq!(broken(&world), wanted, "{label}");
    }
}

#[test]
fn repeating_an_attempt_breaks_i3_and_sends_twice() {
    let mut world = world();
    assert!(send(&mut world, &token(id(1), 1), "x"));
    assert!(send(&mut world, &token(id(1), 1), "x"));
    assert_eq!(broken(&world), ["I3", "I4"]);
    assert_eq!(world.report().totals.twice, 1);
}

#[test]
fn another_attempt_needs_proof_or_permission() {
    let mut refused = world();
    refused
        .oracle
        .request(&Token::of(Some(&token(id(1), 1))), Outcome::NotAccepted);
    assert!(send(&mut refused, &token(id(1), 2), "x"));
    assert!(refused.report().ok, "the first was provably not accepted");

    let mut doubtful = world();
    doubtful
        .oracle
        .request(&Token::of(Some(&token(id(1), 1))), Outcome::Doubtful);
    assert!(send(&mut doubtful, &token(id(1), 2), "x"));
    assert_eq!(broken(&doubtful), ["I4"]);
    assert_eq!(doubtful.report().totals.twice, 0);

    let mut allowed = world();
    assert!(send(&mut allowed, &token(id(1), 1), "x"));
    assert!(send(&mut allowed, &token(id(1), 2), "x"));
    allowed.submissions(&[Submission {
        message_id: Some(id(1)),
        policy: Policy::RetryAfterDeadline,
        ..Submission::default()
    }]);
    assert!(allowed.report().ok);
    assert_eq!(allowed.report().totals.twice_allowed, 1);
}

#[test]
fn a_marker_sent_to_the_same_customer_again_counts_whatever_its_message() {
    let mut world = world();
    for (message, text) in [(1, "news mk-a"), (2, "mk-b"), (3, "again mk-a!")] {
        assert!(send(&mut world, &token(id(message), 1), text));
    }
    let report = world.report();
    assert_eq!((report.totals.twice, report.totals.same_content_again), (1, 0));
    assert_eq!(broken(&world), ["I4"]);
}

fn seen(agent: &str, events: &[(u64, u8, DeliveryState)]) -> EventsSeen {
    EventsSeen {
        tenant: None,
        agent: agent.to_owned(),
        epoch: Epoch::from_bytes([1; 8]),
        from: Some(0),
        events: events
            .iter()
            .map(|(seq, message, state)| EventSeen {
                seq: *seq,
                message_id: Some(id(*message)),
                wamid: None,
                state: Some(*state),
                fingerprint: None,
            })
            .collect(),
    }
}

#[test]
fn holes_changes_and_sinking_states_are_found() {
    use DeliveryState::{Delivered, Queued, Sent};
    let mut whole = world();
    whole.events_seen(&seen(
        "ana",
        &[(1, 1, Queued), (2, 1, Sent), (2, 1, Sent), (3, 1, Delivered)],
    ));
    whole.events_seen(&seen("ben", &[(3, 1, Delivered), (1, 1, Queued), (2, 1, Sent)]));
    assert!(whole.report().ok, "{}", whole.report().text());
    assert_eq!(whole.report().totals.repeats, 1);

    let mut hole = world();
    hole.events_seen(&seen("ana", &[(1, 1, Queued), (3, 1, Sent)]));
    assert_eq!(broken(&hole), ["I5"]);
    assert_eq!(hole.report().totals.holes, 1);

    let mut changed = world();
    changed.events_seen(&seen("ana", &[(1, 1, Queued)]));
    changed.events_seen(&seen("ben", &[(1, 2, Queued)]));
    assert_eq!(broken(&changed), ["I5"]);

    let mut sinking = world();
    sinking.events_seen(&seen("ana", &[(1, 1, Delivered), (2, 1, Sent)]));
    assert_eq!(broken(&sinking), ["I6"]);
}

#[test]
fn marketing_to_who_refused_breaks_i7() {
    let mut world = world();
    let refuse = |committed_at_ms, world: &mut World| {
        world.opt_outs(&[OptOut {
            customer: CUSTOMER.to_owned(),
            committed_at_ms,
            everything: false,
            grace_ms: 0,
        }]);
    };
    assert!(send(&mut world, &token(id(1), 1), "x"));
    refuse(1_000_001, &mut world);
    assert!(world.report().ok, "it was sent before");
    refuse(999_999, &mut world);
    assert_eq!(broken(&world), ["I7"]);
}

#[test]
fn a_row_in_strange_hands_breaks_i8() {
    let mut world = world();
    let number = world.config.numbers[0].phone_number_id.clone();
    world.tenants(HashMap::from([(TenantId::from_bytes([7; 8]), vec![number])]));
    let wamid = acknowledged(&mut world);
    assert!(send(&mut world, &token(id(1), 1), "x"));
    world.history_read(
        Some(TenantId::from_bytes([7; 8])),
        &[inbound_row(&wamid), row(id(1), DeliveryState::Sent)],
    );
    assert!(world.report().ok);
    world.forget_history();
    world.history_read(
        Some(TenantId::from_bytes([8; 8])),
        &[inbound_row(&wamid), row(id(1), DeliveryState::Sent)],
    );
    assert_eq!(broken(&world), ["I8"]);
    assert_eq!(world.report().invariants[7].violations, 2);
}

#[test]
fn a_million_sends_fit_into_a_few_hundred_megabytes() {
    // Facts, send and customer are what grows with each; the maps add their load factor and keys.
    let per_message = size_of::<MessageFacts>() + 16 + size_of::<crate::sends::Send>() + 4 * 16;
    assert!(per_message <= 320, "{per_message}");
}

#[test]
fn the_same_seed_judges_the_same() {
    let verdicts = |seed| {
        let config = SimulatorConfig {
            seed,
            faults: crate::Faults {
                error_before: 0.3,
                throttled: 0.3,
                ..crate::Faults::default()
            },
            ..SimulatorConfig::default()
        };
        let shared = Shared::new(config, Arc::new(SystemClock::new()));
        shared.with(|world, _| {
            world.customers.apply(&CustomerSpec::default());
            (0..40)
                .map(|number| send(world, &token(id(number), 1), "x"))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(verdicts(5), verdicts(5));
    assert_ne!(verdicts(5), verdicts(6));
}
