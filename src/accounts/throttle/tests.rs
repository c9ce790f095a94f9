use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const ANA: Account = [1; 16];
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const START: Duration = Duration::from_secs(1_000);

fn account(n: u32) -> Account {
    let mut account = [9; 16];
    account[..4].copy_from_slice(&n.to_be_bytes());
    account
}

/// One of many networks of an attacker.
fn bot(n: u32) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits(
        (0x2001_0db8_u128 << 96) | (u128::from(n) << 64) | 1,
    ))
}

/// Tries a wrong password.
fn wrong(throttle: &SignInThrottle, account: Account, from: IpAddr, now: Duration) -> Result<(), Duration> {
    throttle.admit(account, from, now)?;
    throttle.failed(account, from, now);
    Ok(())
}

/// How many of so many wrong passwords are looked at.
fn tried(
    throttle: &SignInThrottle,
    now: Duration,
    attempts: impl Iterator<Item = (Account, IpAddr)>,
) -> usize {
    attempts
        .filter(|(account, from)| wrong(throttle, *account, *from, now).is_ok())
        .count()
}

#[test]
fn guesses_of_codes_by_who_knows_the_password_are_few_in_a_day() {
    let throttle = SignInThrottle::new();
    let (mut now, mut codes, day) = (START, 0_u32, Duration::from_hours(24));
    let first = Duration::from_mins(1);
    while now < START + day {
        match throttle.admit_code(ANA, now) {
            Ok(()) => codes += 1,
            Err(wait) => {
                if codes == CODES.free {
                    assert_eq!(wait, first);
                }
                assert_eq!(throttle.admit_code(account(7), now), Ok(()), "another user");
                throttle.code_was_right(account(7));
                now += wait;
            }
        }
    }
    // Three of a million hold at a time.
    assert!((CODES.free..=40).contains(&codes), "{codes}");
    // Whoever waits for the count to be forgotten gets no more.
    assert!(throttle.admit_code(ANA, now).is_err() || codes <= 40);
    throttle.code_was_right(ANA);
    let at_once = |now| (0..30).filter(|_| throttle.admit_code(ANA, now).is_ok()).count();
    assert_eq!(at_once(now), 10, "a right one counts for nothing");
    assert_eq!(at_once(now + CODES.forgotten - Duration::from_millis(1)), 1);
    assert_eq!(at_once(now + CODES.forgotten * 2), 10);
}

#[test]
fn each_rule_lets_its_burst_pass_and_then_its_rate() {
    type Attempts = Box<dyn Iterator<Item = (Account, IpAddr)>>;
    type Rule = (&'static str, fn() -> Attempts, usize, u64);
    let rules: [Rule; 2] = [
        (
            "network",
            || Box::new((0..200).map(|n| (account(n), HOME))),
            20,
            6,
        ),
        ("account", || Box::new((0..200).map(|n| (ANA, bot(n)))), 50, 30),
    ];
    for (rule, attempts, burst, each) in rules {
        let throttle = SignInThrottle::new();
        assert_eq!(tried(&throttle, START, attempts()), burst, "{rule}");
        let mut now = START;
        for _ in 0..3 {
            now += Duration::from_secs(each) - Duration::from_millis(1);
            assert_eq!(tried(&throttle, now, attempts()), 0, "{rule}");
            now += Duration::from_millis(1);
            assert_eq!(tried(&throttle, now, attempts()), 1, "{rule}");
        }
    }
}

#[test]
fn each_wrong_password_after_five_doubles_the_wait_where_it_came_from_up_to_a_quarter_of_an_hour() {
    let throttle = SignInThrottle::new();
    let mut now = START;
    for _ in 0..5 {
        wrong(&throttle, ANA, HOME, now).unwrap();
    }
    for seconds in [10, 20, 40, 80, 160, 320, 640, 900, 900, 900] {
        let wait = wrong(&throttle, ANA, HOME, now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(seconds));
        now += wait;
        wrong(&throttle, ANA, HOME, now).unwrap();
    }
    // Another network waits for none of it.
    wrong(&throttle, ANA, bot(1), now).unwrap();
    // The right one ends it.
    now += BY_PAIR.longest;
    throttle.admit(ANA, HOME, now).unwrap();
    throttle.succeeded(ANA, HOME, now);
    for _ in 0..5 {
        wrong(&throttle, ANA, HOME, now).unwrap();
    }
    let wait = wrong(&throttle, ANA, HOME, now).unwrap_err();
    assert_eq!(wait, BY_PAIR.first);
}

#[test]
fn a_right_password_that_still_needs_its_code_waits_no_second_time() {
    let throttle = SignInThrottle::new();
    for _ in 0..5 {
        wrong(&throttle, ANA, HOME, START).unwrap();
    }
    let now = START + BY_PAIR.first;
    throttle.admit(ANA, HOME, now).unwrap();
    throttle.not_tried(ANA, HOME);
    throttle.admit(ANA, HOME, now + Duration::from_secs(1)).unwrap();
}

#[test]
fn who_never_stops_tries_a_hundred_passwords_a_day_from_one_network() {
    let throttle = SignInThrottle::new();
    let (mut now, mut tried) = (START, 0);
    while now < START + Duration::from_hours(24) {
        match wrong(&throttle, ANA, HOME, now) {
            Ok(()) => tried += 1,
            Err(wait) => now += wait,
        }
    }
    assert!((90..=110).contains(&tried), "{tried}");
}

#[test]
fn the_wait_that_is_told_is_long_enough() {
    let throttle = SignInThrottle::new();
    let (mut now, mut waits) = (START, 0);
    for _ in 0..100 {
        let Err(wait) = wrong(&throttle, ANA, HOME, now) else {
            continue;
        };
        waits += 1;
        assert!(wait <= BY_PAIR.longest, "{wait:?}");
        let early = now + wait - Duration::from_millis(1);
        wrong(&throttle, ANA, HOME, early).unwrap_err();
        now += wait;
        wrong(&throttle, ANA, HOME, now).unwrap();
    }
    assert_eq!(waits, 95);
}

#[test]
fn nobody_is_locked_out_where_they_signed_in_before() {
    let throttle = SignInThrottle::new();
    throttle.admit(ANA, HOME, START).unwrap();
    throttle.succeeded(ANA, HOME, START);
    let mut now = START;
    for second in 0..600 {
        now += Duration::from_secs(1);
        tried(&throttle, now, (0..500).map(|n| (ANA, bot(second * 500 + n))));
        assert!(
            throttle.admit(ANA, bot(u32::MAX), now).is_err(),
            "the attack is slowed"
        );
    }
    for _ in 0..5 {
        wrong(&throttle, ANA, HOME, now).unwrap();
    }
    throttle.admit(ANA, HOME, now).unwrap_err();
    now += Duration::from_secs(10);
    throttle.admit(ANA, HOME, now).unwrap();
    // Another account that lives there is as free as before.
    throttle.admit(account(1), HOME, now).unwrap();
}

#[test]
fn an_account_of_ones_own_makes_nobody_elses_network_forgotten() {
    let throttle = SignInThrottle::new();
    throttle.admit(ANA, HOME, START).unwrap();
    throttle.succeeded(ANA, HOME, START);
    let own = account(1);
    for n in 0..20_000 {
        throttle.admit(own, bot(n), START).unwrap();
        throttle.succeeded(own, bot(n), START);
    }
    assert_eq!(tried(&throttle, START, (0..200).map(|n| (ANA, bot(n)))), 50);
    throttle.admit(ANA, HOME, START).unwrap();
    let state = throttle.state();
    assert_eq!(state.familiar.peek(&own).map(Vec::len), Some(FAMILIAR));
}

#[test]
fn signing_in_to_ones_own_account_frees_nobody_to_try_others() {
    let throttle = SignInThrottle::new();
    let own = account(0);
    let tried = (1..1_000)
        .filter(|n| {
            if throttle.admit(own, HOME, START).is_ok() {
                throttle.succeeded(own, HOME, START);
            }
            wrong(&throttle, account(*n), HOME, START).is_ok()
        })
        .count();
    assert_eq!(tried, 20);
}

#[test]
fn attempts_that_come_together_are_counted_before_they_are_known_to_be_wrong() {
    let throttle = SignInThrottle::new();
    let admitted = (0..1_000)
        .filter(|_| throttle.admit(ANA, HOME, START).is_ok())
        .count();
    assert_eq!(admitted, 5);
    // Nine seconds in the queue are no nine seconds of forgetting.
    let later = START + Duration::from_secs(9);
    throttle.failed(ANA, HOME, later);
    assert!(throttle.admit(ANA, HOME, START + Duration::from_secs(9)).is_err());
}

#[test]
fn right_passwords_and_those_not_tried_cost_nothing() {
    let throttle = SignInThrottle::new();
    for n in 0..500 {
        throttle.admit(ANA, HOME, START).unwrap();
        if n % 2 == 0 {
            throttle.succeeded(ANA, HOME, START);
        } else {
            throttle.not_tried(ANA, HOME);
        }
    }
}

#[test]
fn what_is_remembered_is_bounded() {
    let throttle = SignInThrottle::new();
    for n in 0..40_000 {
        wrong(&throttle, account(n), bot(n), START).unwrap();
        let familiar = bot(n + 40_000);
        throttle.admit(account(n), familiar, START).unwrap();
        throttle.succeeded(account(n), familiar, START);
    }
    let state = throttle.state();
    assert_eq!(
        (
            state.networks.len(),
            state.pairs.len(),
            state.accounts.len(),
            state.familiar.len()
        ),
        // The last one signed in from another network, whose pair is forgotten with it.
        (NETWORKS, PAIRS - 1, PAIRS, PAIRS)
    );
}

proptest! {
    #[test]
    fn no_hour_of_any_attack_tries_more_than_the_rules_allow(
        attempts in prop::collection::vec((0_u32..4, 0_u32..4, 0_u64..2_000), 1..400),
    ) {
        let throttle = SignInThrottle::new();
        let mut now = START;
        let mut looked_at = Vec::new();
        for (who, from, step) in attempts {
            now += Duration::from_millis(step);
            if wrong(&throttle, account(who), bot(from), now).is_ok() {
                looked_at.push((who, from));
            }
        }
        let passed = usize::try_from((now - START).as_secs()).unwrap();
        for n in 0..4 {
            let by_network = looked_at.iter().filter(|(_, from)| *from == n).count();
            prop_assert!(by_network <= 20 + passed / 6 + 1, "network {n}: {by_network} in {passed} s");
            let by_account = looked_at.iter().filter(|(who, _)| *who == n).count();
            prop_assert!(by_account <= 50 + passed / 30 + 1, "account {n}: {by_account} in {passed} s");
            for other in 0..4 {
                let by_pair = looked_at.iter().filter(|pair| **pair == (n, other)).count();
                prop_assert!(by_pair <= 5 + passed / 10 + 1, "{n}, {other}: {by_pair} in {passed} s");
            }
        }
    }
}
