use proptest::prelude::*;

use super::*;

fn contact(n: u32) -> ContactId {
    let mut bytes = [0_u8; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    ContactId::from_bytes(bytes)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn limiter(burst: u32) -> PairLimiter {
    PairLimiter::new(PairRule {
        burst,
        ..PairRule::default()
    })
}

#[test]
fn single_messages_go_every_six_seconds() {
    let mut limiter = limiter(1);
    assert!(limiter.try_take(contact(1), secs(0)).is_ok());
    assert_eq!(limiter.try_take(contact(1), secs(2)), Err(secs(4)));
    assert!(limiter.try_take(contact(1), secs(6)).is_ok());
}

#[test]
fn a_burst_is_borrowed_and_paid_back_in_silence() {
    let mut limiter = limiter(10);
    assert!((0..10).all(|_| limiter.try_take(contact(1), secs(0)).is_ok()));
    assert_eq!(limiter.try_take(contact(1), secs(1)), Err(secs(59)));
    assert_eq!(limiter.wait(contact(1), secs(59)), secs(1));
    assert!(limiter.try_take(contact(1), secs(60)).is_ok());
}

#[test]
fn two_customers_who_turn_out_to_be_one_owe_together() {
    for (one, other, expected) in [(3, 4, 42), (0, 4, 24), (3, 0, 18)] {
        let mut limiter = limiter(5);
        assert!((0..one).all(|_| limiter.try_take(contact(1), secs(0)).is_ok()));
        assert!((0..other).all(|_| limiter.try_take(contact(2), secs(0)).is_ok()));
        limiter.join(contact(1), contact(2), secs(7));
        assert_eq!(
            limiter.wait(contact(2), secs(7)),
            secs(expected - 7),
            "{one} {other}"
        );
        assert_eq!(limiter.wait(contact(1), secs(7)), secs(0));
    }
    // What was paid back counts no more, and what Meta said does.
    let mut limiter = limiter(5);
    assert!(limiter.try_take(contact(1), secs(0)).is_ok());
    assert!(limiter.try_take(contact(2), secs(3)).is_ok());
    limiter.join(contact(1), contact(2), secs(7));
    assert!((0..4).all(|_| limiter.try_take(contact(2), secs(7)).is_ok()));
    assert!(limiter.try_take(contact(2), secs(7)).is_err());
    assert!(limiter.try_take(contact(3), secs(100)).is_ok());
    assert!(limiter.try_take(contact(4), secs(100)).is_ok());
    limiter.penalise(contact(3), secs(100));
    limiter.join(contact(3), contact(4), secs(100));
    assert_eq!(limiter.wait(contact(4), secs(100)), secs(1));
}

#[test]
fn a_burst_must_come_within_six_seconds() {
    let mut limiter = limiter(10);
    for at in [0, 2, 4] {
        assert!(limiter.try_take(contact(1), secs(at)).is_ok());
    }
    assert_eq!(
        limiter.try_take(contact(1), secs(7)),
        Err(secs(11)),
        "three were sent: silence until second 18"
    );
}

#[test]
fn one_customer_does_not_hold_up_another() {
    let mut limiter = limiter(1);
    assert!(limiter.try_take(contact(1), secs(0)).is_ok());
    assert!(limiter.try_take(contact(2), secs(0)).is_ok());
}

#[test]
fn refusals_silence_a_pair_four_times_longer_each_time() {
    let mut limiter = limiter(10);
    let mut now = secs(100);
    for silence in [1, 4, 16, 64, 256, 1_024, 4_096, 4_096] {
        limiter.penalise(contact(1), now);
        assert!(limiter.wait(contact(1), now) >= secs(silence));
        now += secs(silence);
        assert!(
            limiter.wait(contact(1), now) <= secs(6),
            "the silence of {silence} s is over"
        );
    }
}

#[test]
fn refusals_are_forgiven_after_ten_quiet_minutes() {
    let mut limiter = limiter(10);
    limiter.penalise(contact(1), secs(0));
    limiter.penalise(contact(1), secs(2));
    limiter.penalise(contact(1), secs(1_000));
    assert_eq!(limiter.wait(contact(1), secs(1_000)), secs(1));
}

#[test]
fn memory_follows_the_traffic_and_has_a_limit() {
    let mut limiter = limiter(1);
    for n in 0..1_000 {
        assert!(limiter.try_take(contact(n), secs(u64::from(n))).is_ok());
    }
    assert!(limiter.len() < 20, "{} pairs owe something", limiter.len());
    let mut full = PairLimiter::with_room_for(PairRule::default(), 100);
    for n in 0..1_000 {
        assert!(full.try_take(contact(n), secs(0)).is_ok());
    }
    assert_eq!(full.len(), 100);
    assert!(!full.is_empty());
}

proptest! {
    #[test]
    fn the_pair_rule_is_never_exceeded(
        burst in 1_u32..12,
        tries in prop::collection::vec((0_u64..9_000, 0_u32..3), 1..400),
    ) {
        let mut limiter = limiter(burst);
        let mut sent: Vec<Vec<u64>> = vec![Vec::new(); 3];
        let mut now = 0;
        for (gap, who) in tries {
            now += gap;
            if limiter.try_take(contact(who), Duration::from_millis(now)).is_ok() {
                sent[usize::try_from(who).unwrap()].push(now);
            }
        }
        for times in &sent {
            check(times, burst)?;
        }
    }
}

/// Meta's words, written down apart from the code: bursts of at most `burst` within 6 s, each followed by silence until
/// 6 s for each of its messages are over.
fn check(times: &[u64], burst: u32) -> Result<(), TestCaseError> {
    let mut rest = times;
    while let Some(began) = rest.first() {
        let in_burst = rest.iter().take_while(|at| **at < began + 6_000).count();
        prop_assert!(in_burst <= usize::try_from(burst).unwrap());
        let paid = began + 6_000 * u64::try_from(in_burst).unwrap();
        rest = &rest[in_burst..];
        if let Some(next) = rest.first() {
            prop_assert!(*next >= paid, "{next} before {paid}");
        }
    }
    Ok(())
}

#[test]
fn what_was_sent_before_this_clock_began_is_paid_back() {
    let ago = |all: &[u64]| all.iter().map(|ago| secs(*ago)).collect::<Vec<_>>();
    for (sent, wait) in [
        (vec![], 0),
        // Of a burst under way the rest may follow.
        (ago(&[2, 3]), 0),
        (ago(&[5, 5, 5]), 0),
        // One that is over is paid back.
        (ago(&[7, 8]), 4),
        (ago(&[10, 9, 8, 10, 10]), 20),
        (ago(&[0; 10]), 60),
        (ago(&[59; 10]), 1),
        (ago(&[3; 10]), 57),
        // What was paid back counts no more.
        (ago(&[6]), 0),
        (ago(&[20, 20, 20]), 0),
        (ago(&[60; 10]), 0),
        (ago(&[40, 40, 1]), 0),
    ] {
        let mut limiter = limiter(10);
        let now = secs(1);
        assert!(limiter.try_take(contact(1), now).is_ok() && limiter.knows(contact(1)));
        let told = limiter.recall(contact(1), sent.clone(), now);
        let expected = if wait == 0 { Ok(()) } else { Err(secs(wait)) };
        assert_eq!(told, expected, "{sent:?}");
        assert_eq!(limiter.wait(contact(1), now), secs(wait), "{sent:?}");
        // Nobody who owes is forgotten for the sake of others.
        (2..9).for_each(|other| assert!(limiter.try_take(contact(other), now + secs(wait / 2)).is_ok()));
        assert_eq!(
            limiter.wait(contact(1), now + secs(wait / 2)),
            secs(wait - wait / 2)
        );
    }
}
