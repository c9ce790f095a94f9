//! What results mean, one by one.

use std::time::Duration;

use super::error;
use crate::actors::lane::LaneLimits;
use crate::actors::lane::circuit_breaker::Trouble;
use crate::actors::lane::response_policy::{CallHistory, Effect, ResponseAction, decide};
use crate::actors::lane::waiting::Moment;
use crate::domain::{Backoff, Priority, Timestamp, Wamid};
use crate::store::op::AttemptResult;
use crate::whatsapp::client::{Acceptance, AmbiguousCause, NotAcceptedCause};
use crate::whatsapp::error::{Class, Said, classify};
use crate::whatsapp::{PauseReason, RefusalScope, RetryAdvice, RetryScope, SendResult};

const NOW: Moment = Moment {
    wall: Timestamp::from_secs(1_000),
    mono: Duration::from_secs(500),
};

fn history() -> CallHistory {
    CallHistory {
        priority: Priority::Bulk,
        attempt: 1,
        refusals: 0,
        first_refused: None,
    }
}

fn judged(result: SendResult, history: CallHistory) -> ResponseAction {
    decide(
        result,
        history,
        &LaneLimits::default(),
        NOW,
        &mut fastrand::Rng::with_seed(3),
    )
}

/// What the code table says about a code that comes with its documented status.
fn not_accepted(code: i64, http_status: u16) -> SendResult {
    let Class::Retry(retry) = classify(Some(&Said::only(code)), http_status) else {
        panic!("{code} is not to be tried again")
    };
    SendResult::NotAccepted {
        retry,
        cause: if http_status >= 500 {
            NotAcceptedCause::Unprocessed
        } else {
            NotAcceptedCause::Throttled
        },
        error: Some(error(code)),
    }
}

fn wait_of(judgement: &ResponseAction) -> Duration {
    let AttemptResult::NotAccepted { retry_at, .. } = &judgement.result else {
        panic!("{judgement:?}")
    };
    retry_at.since(NOW.wall)
}

#[test]
fn each_kind_of_delay_concerns_whom_meta_says() {
    for (code, http_status, effect) in [
        (130_429, 400, Effect::TooFast { silence: None }),
        (131_056, 400, Effect::TooFastForPair),
        (4, 400, Effect::Silence(Duration::from_secs(300))),
        (613, 400, Effect::Silence(Duration::from_secs(300))),
        (80_007, 400, Effect::Silence(Duration::from_secs(300))),
        (131_057, 500, Effect::Silence(Duration::from_secs(60))),
        (133_004, 503, Effect::Troubled(Trouble::Certain)),
        (132_069, 400, Effect::Answered),
    ] {
        assert_eq!(
            judged(not_accepted(code, http_status), history()).effect,
            effect,
            "{code}"
        );
    }
}

#[test]
fn waits_grow_are_spread_and_honour_retry_after() {
    let waits = |refusals| {
        let history = CallHistory {
            refusals,
            ..history()
        };
        wait_of(&judged(not_accepted(130_429, 400), history))
    };
    for (refusals, least) in [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (20, 60)] {
        let least = Duration::from_secs(least);
        let wait = waits(refusals);
        assert!(
            wait >= least && wait <= least.mul_f64(1.25),
            "{refusals}: {wait:?}"
        );
    }
    let asked = SendResult::NotAccepted {
        retry: RetryAdvice {
            backoff: Backoff::doubling(Duration::from_secs(90), Duration::from_secs(90)),
            ..RetryAdvice::DOUBLING
        },
        cause: NotAcceptedCause::Throttled,
        error: None,
    };
    let judgement = judged(asked, history());
    assert!(wait_of(&judgement) >= Duration::from_secs(90));
    assert_eq!(
        judgement.effect,
        Effect::TooFast {
            silence: Some(Duration::from_secs(90))
        }
    );
}

#[test]
fn trying_again_ends_after_a_day_or_too_many_calls() {
    let old = CallHistory {
        first_refused: Some(Duration::ZERO),
        ..history()
    };
    let day_later = Moment {
        mono: Duration::from_hours(24),
        ..NOW
    };
    let mut rng = fastrand::Rng::with_seed(3);
    let late = decide(
        not_accepted(130_429, 400),
        old,
        &LaneLimits::default(),
        day_later,
        &mut rng,
    );
    assert_eq!(
        late.result,
        AttemptResult::Refused {
            error: error(130_429)
        }
    );
    let often = CallHistory {
        attempt: 200,
        ..history()
    };
    assert!(matches!(
        judged(not_accepted(130_429, 400), often).result,
        AttemptResult::Refused { .. }
    ));
    let nothing = SendResult::NotAccepted {
        retry: RetryAdvice::after(RetryScope::Number, Duration::from_secs(1)),
        cause: NotAcceptedCause::NoConnection,
        error: None,
    };
    let AttemptResult::Refused { error } = judged(nothing, often).result else {
        panic!("it must end")
    };
    assert_eq!(error.code, 0);
}

#[test]
fn a_refusal_that_is_not_the_messages_fault_keeps_it_queued() {
    let refused = |scope| SendResult::Refused {
        scope,
        error: error(190),
    };
    let lane = judged(refused(RefusalScope::Lane(PauseReason::AccessToken)), history());
    assert_eq!(wait_of(&lane), Duration::ZERO);
    assert_eq!(
        lane.effect,
        Effect::PauseLane(PauseReason::AccessToken, error(190))
    );
    let bulk = judged(refused(RefusalScope::Bulk(PauseReason::SpamLimit)), history());
    assert_eq!(wait_of(&bulk), Duration::ZERO);
    let reply = CallHistory {
        priority: Priority::Interactive,
        ..history()
    };
    let interactive = judged(refused(RefusalScope::Bulk(PauseReason::SpamLimit)), reply);
    assert!(matches!(interactive.result, AttemptResult::Refused { .. }));
    assert_eq!(
        interactive.effect,
        Effect::PauseBulk(PauseReason::SpamLimit, error(190))
    );
    let template = judged(refused(RefusalScope::Template), history());
    assert!(matches!(template.result, AttemptResult::Refused { .. }));
    assert_eq!(template.effect, Effect::Answered);
}

#[test]
fn what_meta_takes_is_sent_or_held_and_what_nobody_can_tell_is_unknown() {
    let wamid = Wamid::parse("wamid.x").unwrap();
    let taken = |acceptance| SendResult::Accepted {
        wamid: wamid.clone(),
        acceptance,
        recipient: crate::domain::ContactAliases::default(),
    };
    assert!(matches!(
        judged(taken(Acceptance::Sending), history()).result,
        AttemptResult::Accepted { .. }
    ));
    assert!(matches!(
        judged(taken(Acceptance::Held), history()).result,
        AttemptResult::Held { .. }
    ));
    let broken = SendResult::Ambiguous {
        cause: AmbiguousCause::Broken,
        error: None,
    };
    let judgement = judged(broken, history());
    let AttemptResult::Unknown { error: Some(told) } = judgement.result else {
        panic!("{judgement:?}")
    };
    assert_eq!((told.code, &*told.title), (0, AmbiguousCause::Broken.title()));
    assert_eq!(judgement.effect, Effect::Troubled(Trouble::Perhaps));
}
