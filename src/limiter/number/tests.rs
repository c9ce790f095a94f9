use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

fn rate(per_second: u32) -> SendRate {
    SendRate::new(per_second).unwrap()
}

/// Counts what goes when a full backlog is served by a timer that fires every `tick`, for `seconds`.
fn served(limiter: &mut NumberLimiter, start: u64, seconds: u64, tick: u64, inbound: &[u64]) -> Vec<u64> {
    let mut inbound = inbound.iter().peekable();
    let mut sent = Vec::new();
    let mut now = start;
    while now < start + seconds * SECOND {
        while let Some(at) = inbound.next_if(|at| **at <= now) {
            limiter.note_inbound(us(*at));
        }
        while limiter.try_take(us(now)).is_ok() {
            limiter.note_answer(us(now), us(1_000), us(now));
            sent.push(now);
        }
        now += tick;
    }
    sent
}

/// The most events that any sliding second which ends with a send holds.
fn fullest_second(sent: &[u64], inbound: &[u64]) -> usize {
    let mut all: Vec<u64> = sent.iter().chain(inbound).copied().collect();
    all.sort_unstable();
    sent.iter()
        .map(|end| {
            let first = all.partition_point(|at| at + SECOND <= *end);
            all.partition_point(|at| at <= end) - first
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn after_a_second_that_is_taken_for_full_messages_go_at_the_pace_and_not_all_at_once() {
    let mut limiter = NumberLimiter::new(rate(1_000));
    limiter.assume_full(Duration::ZERO, Duration::ZERO);
    let sent = served(&mut limiter, 0, 3, 100, &[]);
    let first = sent[0];
    assert!(first >= SECOND, "{first}");
    let at_once = sent.iter().filter(|at| **at < first + 20_000).count();
    assert!(at_once <= 21, "{at_once} within 20 ms");
    assert!(sent.len() > 1_700, "{}", sent.len());
}

#[test]
fn a_backlog_goes_at_99_percent_of_the_limit() {
    for per_second in [20_u32, 80, 1_000] {
        for tick in [100, 2_000] {
            let mut limiter = NumberLimiter::new(rate(per_second));
            let sent = served(&mut limiter, 0, 20, tick, &[]);
            let share = f64::from(u32::try_from(sent.len()).unwrap()) / (20.0 * f64::from(per_second));
            assert!(share >= 0.99, "{per_second}/s at {tick} us: {share}");
            assert!(
                fullest_second(&sent, &[]) <= usize::try_from(per_second).unwrap(),
                "{per_second}/s at {tick} us"
            );
        }
    }
}

/// Inbound messages at a steady pace for twenty seconds.
fn steady(per_second: u64) -> Vec<u64> {
    (0..20 * per_second).map(|n| n * SECOND / per_second).collect()
}

#[test]
fn a_backlog_takes_99_percent_of_what_inbound_and_one_more_leave() {
    for (per_second, inbound_per_second) in [
        (80_u64, 10_u64),
        (80, 30),
        (1_000, 10),
        (1_000, 300),
        (1_000, 900),
    ] {
        let inbound = steady(inbound_per_second);
        let mut limiter = NumberLimiter::new(rate(u32::try_from(per_second).unwrap()));
        let sent = served(&mut limiter, 0, 20, 2_000, &inbound);
        let left = 20 * (per_second - inbound_per_second - 1);
        let share = f64::from(u32::try_from(sent.len()).unwrap()) / f64::from(u32::try_from(left).unwrap());
        assert!(
            share >= 0.99,
            "{per_second}/s with {inbound_per_second}/s inbound: {share}"
        );
        assert!(fullest_second(&sent, &inbound) <= usize::try_from(per_second).unwrap());
    }
}

#[test]
fn steady_inbound_traffic_finds_its_room_free() {
    for (per_second, inbound_per_second) in [(80_u64, 10_u64), (80, 30), (1_000, 300)] {
        let inbound = steady(inbound_per_second);
        let mut limiter = NumberLimiter::new(rate(u32::try_from(per_second).unwrap()));
        let sent = served(&mut limiter, 0, 20, 2_000, &inbound);
        let mut all: Vec<u64> = sent.iter().chain(&inbound).copied().collect();
        all.sort_unstable();
        // Here the windows that end with a customer's message are looked at as well.
        let fullest = fullest_second(&all, &[]);
        assert!(
            fullest <= usize::try_from(per_second).unwrap() + 1,
            "{per_second}/s with {inbound_per_second}/s inbound: {fullest}"
        );
    }
}

#[test]
fn what_meta_counted_before_we_saw_it_is_provided_for() {
    // Customers write every 100 ms; the gateway learns of each a tenth of a second later.
    let written = steady(10);
    let seen: Vec<u64> = written.iter().map(|at| at + SECOND / 10).collect();
    let mut limiter = NumberLimiter::new(rate(80));
    let sent = served(&mut limiter, 0, 20, 2_000, &seen);
    assert!(
        fullest_second(&sent, &written) <= 80,
        "{}",
        fullest_second(&sent, &written)
    );
}

#[test]
fn after_a_rest_messages_do_not_leave_all_at_once() {
    let mut limiter = NumberLimiter::new(rate(1_000));
    let sent = served(&mut limiter, 60 * SECOND, 1, 100, &[]);
    let first_tenth = sent.iter().filter(|at| **at < 60 * SECOND + SECOND / 10).count();
    assert!(first_tenth <= 200, "{first_tenth} in the first tenth of a second");
}

#[test]
fn the_wait_told_is_long_enough_and_not_zero() {
    let mut limiter = NumberLimiter::new(rate(80));
    let mut now = us(0);
    for _ in 0..500 {
        if let Err(wait) = limiter.try_take(now) {
            assert!(!wait.delay.is_zero());
            assert_eq!(wait.hold, Hold::NumberRate);
            now += wait.delay;
            assert!(limiter.try_take(now).is_ok());
        }
    }
}

/// Messages sent in each of `count` seconds from a full backlog.
fn each_second(limiter: &mut NumberLimiter, first: u64, count: u64) -> Vec<usize> {
    (first..first + count)
        .map(|second| served(limiter, second * SECOND, 1, 1_000, &[]).len())
        .collect()
}

#[test]
fn a_single_complaint_eases_the_pace_for_a_moment() {
    let mut limiter = NumberLimiter::new(rate(100));
    served(&mut limiter, 0, 2, 1_000, &[]);
    limiter.slow_down(us(2 * SECOND));
    let sent = each_second(&mut limiter, 2, 6);
    assert!((87..=95).contains(&sent[1]), "{sent:?}");
    assert!(sent[4..].iter().all(|sent| *sent >= 98), "{sent:?}");
}

#[test]
fn a_second_complaint_halves_the_pace_which_then_grows_back() {
    let mut limiter = NumberLimiter::new(rate(100));
    served(&mut limiter, 0, 2, 1_000, &[]);
    limiter.slow_down(us(2 * SECOND));
    limiter.slow_down(us(3 * SECOND));
    let sent = each_second(&mut limiter, 3, 26);
    assert!(
        sent[1..10].iter().all(|sent| (43..=47).contains(sent)),
        "{sent:?}"
    );
    assert!((65..=75).contains(&sent[15]), "{sent:?}");
    assert!(sent[23..].iter().all(|sent| *sent >= 98), "{sent:?}");
}

#[test]
fn complaints_slow_down_further_but_never_to_a_halt() {
    let mut limiter = NumberLimiter::new(rate(1_000));
    (0..3).for_each(|second| limiter.slow_down(us(second * SECOND)));
    assert!((limiter.share(us(2 * SECOND)) - 0.225).abs() < f64::EPSILON);
    (3..20).for_each(|second| limiter.slow_down(us(second * SECOND)));
    assert!(served(&mut limiter, 20 * SECOND, 5, 1_000, &[]).len() >= 50);
}

#[test]
fn complaints_of_one_moment_count_as_one() {
    let mut limiter = NumberLimiter::new(rate(1_000));
    (0..16).for_each(|n| limiter.slow_down(us(n * 10_000)));
    assert!((limiter.share(us(SECOND)) - 0.9).abs() < f64::EPSILON);
}

#[test]
fn a_slowed_down_number_says_so() {
    let mut limiter = NumberLimiter::new(rate(10));
    limiter.slow_down(us(0));
    while limiter.try_take(us(0)).is_ok() {}
    assert_eq!(limiter.try_take(us(0)).unwrap_err().hold, Hold::SlowedDown);
}

#[test]
fn a_pause_holds_until_its_end_and_a_shorter_one_does_not_end_it() {
    let mut limiter = NumberLimiter::new(rate(80));
    limiter.pause(us(5 * SECOND));
    limiter.pause(us(3 * SECOND));
    let wait = limiter.try_take(us(4 * SECOND)).unwrap_err();
    assert_eq!((wait.delay, wait.hold), (us(SECOND), Hold::Paused));
    assert!(limiter.try_take(us(5 * SECOND)).is_ok());
    limiter.pause(us(9 * SECOND));
    limiter.resume();
    assert!(limiter.try_take(us(6 * SECOND)).is_ok());
}

#[test]
fn a_lower_limit_counts_what_went_before() {
    let mut limiter = NumberLimiter::new(rate(80));
    let sent = served(&mut limiter, 0, 1, 1_000, &[]);
    assert!(sent.len() > 70);
    limiter.set_rate(rate(20));
    assert!(limiter.try_take(us(SECOND)).is_err());
}

#[test]
fn a_flood_of_inbound_messages_stops_sending_for_a_second_and_then_no_longer() {
    let mut limiter = NumberLimiter::new(rate(80));
    (0..500).for_each(|_| limiter.note_inbound(us(SECOND)));
    assert!(limiter.try_take(us(SECOND + SECOND / 2)).is_err());
    let per_second: Vec<usize> = (2..12)
        .map(|second| served(&mut limiter, second * SECOND, 1, 1_000, &[]).len())
        .collect();
    assert!(per_second[0] >= 38, "{per_second:?}");
    assert!(per_second[8..].iter().all(|sent| *sent >= 76), "{per_second:?}");
}

proptest! {
    #[test]
    fn no_sliding_second_that_ends_with_a_send_is_over_the_limit(
        per_second in prop::sample::select(vec![1_u32, 7, 20, 80, 300]),
        // Never two steps in one instant: what came in after a send would count as before it.
        steps in prop::collection::vec((1_u64..40_000, 0_u8..12, 1_usize..30), 1..400),
        jump in 0_u64..5_000_000,
    ) {
        let mut limiter = NumberLimiter::new(rate(per_second));
        let (mut sent, mut inbound, mut now) = (Vec::new(), Vec::new(), 0);
        for (turn, (gap, kind, times)) in steps.into_iter().enumerate() {
            now += gap + if turn == 100 { jump } else { 0 };
            match kind {
                0 => (0..times).for_each(|_| {
                    limiter.note_inbound(us(now));
                    inbound.push(now);
                }),
                1 if turn % 50 == 0 => limiter.slow_down(us(now)),
                2 if turn % 50 == 0 => limiter.set_rate(rate(per_second)),
                _ => (0..times).for_each(|_| if limiter.try_take(us(now)).is_ok() {
                    sent.push(now);
                }),
            }
        }
        prop_assert!(fullest_second(&sent, &inbound) <= usize::try_from(per_second).unwrap());
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing(gaps in prop::collection::vec(-5_000_i64..20_000, 1..300)) {
        let mut limiter = NumberLimiter::new(rate(80));
        let (mut clock, mut latest, mut sent) = (1_000_000_i64, 0_u64, Vec::new());
        for gap in gaps {
            clock += gap;
            let now = u64::try_from(clock.max(0)).unwrap();
            latest = latest.max(now);
            if limiter.try_take(us(now)).is_ok() {
                sent.push(latest);
            }
        }
        prop_assert!(fullest_second(&sent, &[]) <= 80);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each message is on its way for two milliseconds and some are held up; Meta counts it when it arrives, and answers at
    /// once.
    #[test]
    fn what_is_held_up_on_its_way_does_not_fill_a_second_at_meta(
        seed in any::<u64>(),
        one_in in 2_usize..200,
        longest in 1_u64..200,
    ) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut limiter = NumberLimiter::new(rate(1_000));
        let mut arrived = Vec::new();
        let mut answers = std::collections::BTreeMap::<(u64, usize), u64>::new();
        for now in (0..10 * SECOND).step_by(500) {
            while let Some(first) = answers.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((at, _), began) = first.remove_entry();
                limiter.note_answer(us(began), us(at - began), us(now));
            }
            while limiter.try_take(us(now)).is_ok() {
                let held_up = if rng.usize(..one_in) == 0 { rng.u64(..longest * 1_000) } else { 0 };
                let at = now + 2_000 + held_up;
                arrived.push(at);
                answers.insert((at, arrived.len()), now);
            }
        }
        arrived.sort_unstable();
        // What it takes to be that careful is bounded, so only seldom delays are provided for wholly.
        let average = longest * 1_000 / 2 / u64::try_from(one_in).unwrap();
        if average <= 4_000 {
            prop_assert!(fullest_second(&arrived, &[]) <= 1_000);
            prop_assert!(arrived.len() >= 9_850, "{} in ten seconds", arrived.len());
        }
    }
}
