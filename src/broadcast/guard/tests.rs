//! When a broadcast stops by itself.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::domain::{BroadcastId, BroadcastRun, Reached, Reaction, RecipientOutcome};
use crate::store::tables::Told;

const WINDOW: Duration = Duration::from_mins(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + seconds)
}

fn settings() -> BroadcastsConfig {
    BroadcastsConfig {
        window: WINDOW,
        at_least: 100,
        failed_percent: 10,
        unreachable_percent: 30,
        opted_out_percent: 5,
        rate_card: PathBuf::new().try_into().unwrap(),
        unreachable_days: 30,
    }
}

const fn reached(outcome: RecipientOutcome, code: i64) -> Reached {
    Reached { outcome, code }
}

/// A broadcast of which Meta took so many, and refused others with these codes.
fn after(taken: u32, refused: &[(i64, u32)]) -> BroadcastTally {
    let number = PhoneNumberId::parse("1").unwrap();
    let broadcast = BroadcastId::from_bytes([1; 16]);
    let mut tally = BroadcastTally::new(broadcast, vec![number], BroadcastRun::Running, at(0));
    let queued = reached(RecipientOutcome::Queued, 0);
    let mut end = |to| {
        tally.accept(1, at(1));
        tally.change(queued, to, None, at(1));
    };
    (0..taken).for_each(|_| end(reached(RecipientOutcome::Sent, 0)));
    for (code, count) in refused {
        (0..*count).for_each(|_| end(reached(RecipientOutcome::Failed, *code)));
    }
    tally
}

fn problem(tally: &BroadcastTally) -> Option<BroadcastProblem> {
    of_results(tally, &settings(), at(2)).map(|cause| cause.problem)
}

#[test]
fn each_kind_of_bad_result_has_a_share_of_its_own() {
    for (bad, code, problem_of) in [
        (10, 131_000, BroadcastProblem::FailureSpike),
        (30, 131_026, BroadcastProblem::UnreachableSpike),
        (5, 131_050, BroadcastProblem::OptOutSpike),
    ] {
        assert_eq!(
            problem(&after(100 - bad, &[(code, bad)])),
            Some(problem_of),
            "{code}"
        );
        assert_eq!(problem(&after(101 - bad, &[(code, bad - 1)])), None, "{code}");
        assert_eq!(problem(&after(0, &[(code, 99)])), None, "too few to tell: {code}");
    }
    let cause = of_results(&after(90, &[(131_000, 10)]), &settings(), at(2)).unwrap();
    let counted = cause.counted.unwrap();
    assert_eq!(
        (counted.bad, counted.results, counted.percent, counted.within_s),
        (10, 100, 10, 600)
    );
}

#[test]
fn what_meta_keeps_from_customers_is_no_reason() {
    assert_eq!(problem(&after(0, &[(131_049, 500), (130_472, 500)])), None);
    // It takes part in the shares of the others.
    assert_eq!(problem(&after(0, &[(131_049, 91), (131_000, 9)])), None);
}

#[test]
fn one_refusal_of_the_template_is_enough() {
    for code in [132_001, 132_015, 132_016] {
        assert_eq!(
            problem(&after(1, &[(code, 1)])),
            Some(BroadcastProblem::TemplateRefused),
            "{code}"
        );
    }
    assert_eq!(
        problem(&after(1, &[(132_012, 1)])),
        None,
        "what one customer's text breaks"
    );
}

#[test]
fn customers_who_stop_are_counted_by_when_they_were_sent_to() {
    let mut tally = after(100, &[]);
    for _ in 0..4 {
        tally.react(Reaction::OptedOut, at(1), at(300));
    }
    tally.react(Reaction::Replied, at(1), at(300));
    assert_eq!(of_results(&tally, &settings(), at(300)), None);
    tally.react(Reaction::OptedOut, at(1), at(300));
    let cause = of_results(&tally, &settings(), at(300)).unwrap();
    assert_eq!(cause.problem, BroadcastProblem::OptOutSpike);
    // They say nothing of what goes out later.
    assert_eq!(of_results(&tally, &settings(), at(900)), None);
}

#[test]
fn what_came_before_a_newer_version_went_on_is_no_reason() {
    let mut tally = after(0, &[(131_000, 200), (132_015, 1)]);
    assert!(tally.steer(BroadcastRun::Running, None, 1, at(2)));
    assert_eq!(problem(&tally), None);
    // The same version once more changes nothing.
    tally.change(
        reached(RecipientOutcome::Queued, 0),
        reached(RecipientOutcome::Failed, 132_015),
        None,
        at(3),
    );
    assert!(tally.steer(BroadcastRun::Running, None, 1, at(4)));
    assert_eq!(problem(&tally), Some(BroadcastProblem::TemplateRefused));
}

#[test]
fn a_share_of_nothing_is_not_looked_at() {
    let off = BroadcastsConfig {
        failed_percent: 0,
        unreachable_percent: 0,
        opted_out_percent: 0,
        ..settings()
    };
    let bad = after(0, &[(131_000, 100), (131_026, 100), (131_050, 100)]);
    assert_eq!(of_results(&bad, &off, at(2)), None);
}

fn template(status: TemplateStatus, quality: &str) -> Template {
    Template {
        waba: WabaId::parse("1").unwrap(),
        name: "a".to_owned(),
        language: "en".to_owned(),
        meta_id: None,
        category: "MARKETING".to_owned(),
        status,
        quality: quality.to_owned(),
        reason: None,
        parameter_format: None,
        ttl_seconds: None,
        components: Value::Null,
        changed_at: at(10),
        told: Told::default(),
    }
}

#[test]
fn a_template_that_is_not_sent_stops_it_whoever_knows_that_and_a_bad_rating_until_somebody_does() {
    let of = |status, quality, known| {
        let cause = super::of_template(&template(status, quality), known);
        cause.map(|cause| (cause.problem, cause.said.unwrap()))
    };
    let paused = Some((BroadcastProblem::TemplatePaused, "PAUSED".to_owned()));
    assert_eq!(of(TemplateStatus::Paused, "RED", None), paused);
    assert_eq!(of(TemplateStatus::Paused, "RED", Some(at(20))), paused);
    let disabled = of(TemplateStatus::Disabled, "GREEN", None).unwrap();
    assert_eq!(disabled.0, BroadcastProblem::TemplateDisabled);
    let rejected = of(TemplateStatus::Rejected, "GREEN", None).unwrap();
    assert_eq!(rejected.0, BroadcastProblem::TemplateRejected);
    let red = Some((BroadcastProblem::TemplateQuality, "RED".to_owned()));
    assert_eq!(of(TemplateStatus::Approved, "RED", None), red);
    assert_eq!(of(TemplateStatus::Approved, "RED", Some(at(9))), red);
    assert_eq!(of(TemplateStatus::Approved, "RED", Some(at(20))), None);
    assert_eq!(of(TemplateStatus::Approved, "YELLOW", None), None);
    assert_eq!(
        of(TemplateStatus::Other("FLAGGED".to_owned()), "GREEN", None),
        None
    );
}

#[test]
fn a_number_is_looked_at_by_what_was_heard_since_somebody_last_had_it_go_on() {
    let fine = NumberStanding {
        quality: Some("GREEN".to_owned()),
        messaging_limit: None,
        name_status: None,
        status: None,
        at: at(0),
        quality_since: Some(at(10)),
        flagged: None,
        restricted: None,
    };
    let warning = |since| NumberWarning {
        said: "X".to_owned(),
        told_at: since,
        since,
        until: Some(at(100)),
        is_lifted: false,
    };
    let of =
        |number: &NumberStanding, known, now| super::of_number(number, known, now).map(|cause| cause.problem);
    assert_eq!(of(&fine, None, at(20)), None);
    let red = NumberStanding {
        quality: Some("RED".to_owned()),
        ..fine.clone()
    };
    let quality = Some(BroadcastProblem::NumberQuality);
    assert_eq!(of(&red, None, at(20)), quality);
    assert_eq!(of(&red, Some(at(9)), at(20)), quality);
    assert_eq!(of(&red, Some(at(11)), at(20)), None);
    let flagged = NumberStanding {
        flagged: Some(warning(at(10))),
        ..fine.clone()
    };
    assert_eq!(of(&flagged, None, at(20)), quality);
    assert_eq!(of(&flagged, Some(at(11)), at(20)), None);
    // Whoever knows the warning knows the rating that Meta tells afterwards.
    let both = NumberStanding {
        quality: Some("RED".to_owned()),
        quality_since: Some(at(40)),
        ..flagged.clone()
    };
    assert_eq!(of(&both, Some(at(11)), at(50)), None);
    assert_eq!(of(&both, Some(at(9)), at(50)), quality);
    let restricted = NumberStanding {
        restricted: Some(warning(at(10))),
        ..flagged
    };
    let problem = Some(BroadcastProblem::AccountRestricted);
    assert_eq!(of(&restricted, None, at(20)), problem);
    assert_eq!(of(&restricted, None, at(100)), None, "it is over");
    let lifted = NumberStanding {
        restricted: Some(NumberWarning {
            is_lifted: true,
            ..warning(at(10))
        }),
        ..fine
    };
    assert_eq!(of(&lifted, None, at(20)), None);
}
