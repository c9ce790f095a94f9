//! That neither the order of events nor their repeats matter, and what each state lets a business do.

use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(700);

fn secs(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn id(text: &str) -> PaymentId {
    text.parse().unwrap()
}

fn snapshot(at: i64, rank: u8, state: SubscriptionState) -> Subscriptions {
    let what = Snapshot {
        state,
        plan: None,
        trial_ends: None,
        period_begins: None,
        period_ends: Some(secs(at + 1_000)),
    };
    let told = Told {
        at: secs(at),
        rank,
        what,
    };
    let bought = Bought {
        snapshot: Some(told),
        invoice: None,
    };
    Subscriptions::of(id("sub_one"), bought)
}

fn invoice(at: i64, what: Invoice) -> Subscriptions {
    let told = Told {
        at: secs(at),
        rank: 3,
        what,
    };
    let bought = Bought {
        snapshot: None,
        invoice: Some(told),
    };
    Subscriptions::of(id("sub_one"), bought)
}

fn merged<'a>(events: impl IntoIterator<Item = &'a Subscriptions>) -> Subscriptions {
    let mut all = Subscriptions::default();
    events.into_iter().for_each(|event| all.merge(event));
    all
}

fn any_event() -> impl Strategy<Value = Subscriptions> {
    let state = prop::sample::select(&SubscriptionState::ALL[1..]);
    prop_oneof![
        (0..6_i64, 0..3_u8, state).prop_map(|(at, rank, state)| snapshot(at, rank, state)),
        (0..6_i64, any::<bool>())
            .prop_map(|(at, is_paid)| { invoice(at, if is_paid { Invoice::Paid } else { Invoice::Failed }) }),
    ]
}

proptest! {
    #[test]
    fn shuffled_and_repeated_events_end_in_one_state(
        (events, shuffled) in prop::collection::vec(any_event(), 1..8)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        again in any::<prop::sample::Index>(),
    ) {
        let (one, mut other) = (merged(&events), merged(&shuffled));
        prop_assert_eq!(&one, &other);
        other.merge(again.get(&events));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.standing(GRACE), other.standing(GRACE));
    }
}

#[test]
fn an_older_event_changes_nothing_and_a_newer_one_holds() {
    use SubscriptionState as State;
    let state = |events: &[Subscriptions]| merged(events).standing(GRACE).unwrap().state;
    let (trial, active) = (snapshot(1, 0, State::Trial), snapshot(5, 2, State::Active));
    let ended = snapshot(5, 7, State::Cancelled);
    assert_eq!(state(&[active.clone(), trial.clone()]), State::Active);
    assert_eq!(state(&[trial, ended.clone(), active.clone()]), State::Cancelled);
    assert_eq!(
        state(&[invoice(6, Invoice::Failed), active.clone()]),
        State::PastDue
    );
    assert_eq!(
        state(&[invoice(5, Invoice::Failed), active.clone()]),
        State::Active
    );
    let late = snapshot(7, 2, State::PastDue);
    assert_eq!(state(&[invoice(8, Invoice::Paid), late]), State::Active);
    // What is over does not come back by an invoice.
    assert_eq!(state(&[ended, invoice(9, Invoice::Paid)]), State::Cancelled);
    assert_eq!(state(&[invoice(9, Invoice::Failed)]), State::PastDue);
}

#[test]
fn the_best_of_several_subscriptions_counts_and_few_are_kept() {
    let mut all = snapshot(1, 0, SubscriptionState::Active);
    for number in 0..20_i64 {
        let Subscriptions(mut rows) = snapshot(100 + number, 7, SubscriptionState::Cancelled);
        let bought = rows.remove(&id("sub_one")).unwrap();
        all.merge(&Subscriptions::of(id(&format!("sub_n{number}")), bought));
    }
    assert_eq!(all.0.len(), MOST);
    assert_eq!(all.standing(GRACE).unwrap().state, SubscriptionState::Active);
}

#[test]
fn sends_are_refused_when_the_grace_is_over_and_never_without_a_subscription() {
    use SubscriptionState as State;
    let refused = |state: State, period_begins: Option<i64>| {
        let mut one = snapshot(10, 2, state);
        if let Some(told) = one.0.values_mut().next().and_then(|b| b.snapshot.as_mut()) {
            told.what.period_begins = period_begins.map(secs);
            told.what.trial_ends = Some(secs(50));
        }
        one.standing(GRACE).unwrap().refused_from
    };
    assert_eq!(refused(State::Active, None), None);
    assert_eq!(refused(State::Trial, None), Some(secs(750)));
    assert_eq!(refused(State::PastDue, Some(4)), Some(secs(704)));
    assert_eq!(refused(State::PastDue, None), Some(secs(710)));
    assert_eq!(refused(State::Cancelled, None), Some(secs(0)));
    assert!(!Standing::NONE.is_refused(secs(i64::from(u32::MAX))));
    let trial = Standing::trial(secs(50), GRACE);
    assert!(!trial.is_refused(secs(749)) && trial.is_refused(secs(750)));
}

#[test]
fn nothing_that_could_be_a_card_number_is_an_id_or_a_plan() {
    for text in [
        "cus_4242424242424242",
        "cus_4242_4242_4242",
        "4242424242424242",
        "cus",
    ] {
        assert_eq!(PaymentId::parse(text, "cus_"), None, "{text}");
    }
    assert!(PaymentId::parse("cus_NffrFeUfNV2Hib", "cus_").is_some());
    assert!("p4242-4242-4242".parse::<PlanName>().is_err());
    assert_eq!("small".parse::<PlanName>().unwrap().as_str(), "small");
}
