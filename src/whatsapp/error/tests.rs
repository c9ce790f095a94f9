use super::table::ROWS;
use super::*;

/// One line per code, written down apart from the table: what each class of code must mean for the queue.
const RETRIED: &[i64] = &[
    4, 17, 32, 341, 613, 80007, 80008, 130_429, 131_056, 131_057, 131_208, 132_069, 133_004, 133_015,
    134_101, 2_494_100,
];
const AMBIGUOUS: &[i64] = &[1, 2, 131_000, 131_016];
const LANE_STOPS: &[i64] = &[
    0, 3, 10, 33, 102, 190, 200, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_045, 133_000, 133_005,
    133_006, 133_008, 133_009, 133_010, 133_016, 134_011, 2_388_001, 2_388_012, 2_388_091, 2_388_093,
    2_388_103, 2_593_079, 2_593_085,
];

const BULK_STOPS: &[i64] = &[131_048, 131_064];
const OF_THE_CONTACT: &[i64] = &[130_403, 130_472, 130_497, 131_026, 131_030, 131_049, 131_050];
const OF_THE_TEMPLATE: &[i64] = &[
    132_000, 132_001, 132_007, 132_015, 132_016, 132_068, 134_102, 139_200,
];

fn of(code: i64, http_status: u16) -> Class {
    classify(Some(&Said::only(code)), http_status)
}

fn every_code() -> impl Iterator<Item = (i64, &'static Row)> {
    ROWS.iter()
        .flat_map(|row| [row.first, row.last].into_iter().map(move |code| (code, row)))
}

#[test]
fn every_row_is_found_by_its_codes_and_by_no_other() {
    for (code, row) in every_code() {
        let found = lookup(code).unwrap();
        assert_eq!((found.first, found.last), (row.first, row.last), "{code}");
    }
    for code in [
        -1,
        5,
        11,
        18,
        132,
        612,
        80_009,
        300,
        131_061,
        9_999_999,
        i64::MIN,
        i64::MAX,
    ] {
        assert!(lookup(code).is_none(), "{code}");
    }
}

#[test]
fn rows_are_in_order_and_do_not_overlap() {
    for pair in ROWS.windows(2) {
        assert!(
            pair[0].first <= pair[0].last && pair[0].last < pair[1].first,
            "{}",
            pair[1].first
        );
    }
}

#[test]
fn every_row_tells_an_agent_a_whole_sentence() {
    for row in ROWS {
        assert!(
            row.advice.len() > 20 && row.advice.ends_with('.'),
            "{}",
            row.first
        );
        assert!(
            !row.meaning.is_empty() && !row.meaning.ends_with('.'),
            "{}",
            row.first
        );
    }
    assert!(advice(-5).contains("not documented"));
}

#[test]
fn what_passes_or_can_be_mended_may_be_sent_again_and_nothing_that_a_customer_wants() {
    let again = |code| SendAgain::of_failed(code);
    for code in [
        2, 4, 190, 368, 130_429, 131_000, 131_016, 131_031, 131_042, 131_048, 131_056, 131_057, 132_001,
        132_015,
    ] {
        assert_eq!(again(code), SendAgain::Once, "{code}");
    }
    assert_eq!(again(131_049), SendAgain::After(Duration::from_hours(24)));
    for code in [
        0, 1, 100, 130_403, 130_472, 130_497, 131_008, 131_026, 131_047, 131_050, 131_053, 132_000, 132_007,
        132_012, 132_016, 9_999_999,
    ] {
        assert_eq!(again(code), SendAgain::Never, "{code}");
    }
    assert_eq!(failure_reason(131_049), Some("marketing_limit"));
    assert_eq!(failure_reason(131_042), Some("payment"));
    assert_eq!(failure_reason(132_015), Some("template"));
    assert_eq!((failure_reason(0), failure_reason(100)), (None, None));
}

#[test]
fn what_a_failure_says_of_a_broadcast_is_what_its_code_means() {
    use crate::domain::BadResult;
    assert_eq!(BadResult::of_code(0), None, "no code of Meta's");
    for (code, row) in every_code().filter(|(code, _)| *code != 0) {
        let says = match row.class {
            Class::Refused(RefusalScope::Template) => Some(BadResult::TemplateRefused),
            Class::Refused(RefusalScope::Contact(refusal)) => match refusal {
                ContactRefusal::MarketingLimit | ContactRefusal::Blocked | ContactRefusal::Experiment => None,
                ContactRefusal::MarketingStopped => Some(BadResult::OptedOut),
                ContactRefusal::Unreachable | ContactRefusal::Country => Some(BadResult::Unreachable),
            },
            _ => Some(BadResult::Failed),
        };
        assert_eq!(BadResult::of_code(code), says, "{code}");
    }
}

#[test]
fn each_code_with_its_documented_status_means_what_the_list_says() {
    for (code, row) in every_code() {
        let status = if row.http_status == 0 {
            400
        } else {
            row.http_status
        };
        let class = of(code, status);
        let retried = matches!(class, Class::Retry(_));
        let ambiguous = class == Class::Ambiguous;
        let stops = matches!(class, Class::Refused(RefusalScope::Lane(_)));
        assert_eq!(retried, RETRIED.contains(&code), "{code} is retried: {class:?}");
        assert_eq!(
            ambiguous,
            AMBIGUOUS.contains(&code),
            "{code} is ambiguous: {class:?}"
        );
        assert_eq!(
            stops,
            LANE_STOPS.contains(&code),
            "{code} stops the lane: {class:?}"
        );
        for (list, reaches) in [
            (BULK_STOPS, matches!(class, Class::Refused(RefusalScope::Bulk(_)))),
            (
                OF_THE_CONTACT,
                matches!(class, Class::Refused(RefusalScope::Contact(_))),
            ),
            (OF_THE_TEMPLATE, class == Class::Refused(RefusalScope::Template)),
        ] {
            assert_eq!(reaches, list.contains(&code), "{code}: {class:?}");
        }
    }
}

#[test]
fn a_server_error_is_believed_only_where_it_is_documented() {
    for (code, row) in every_code() {
        if row.http_status < 500 {
            assert_eq!(of(code, 500), Class::Ambiguous, "{code}");
        }
    }
    assert!(matches!(of(131_057, 500), Class::Retry(_)));
    assert!(matches!(of(133_004, 503), Class::Retry(_)));
    assert_eq!(classify(None, 502), Class::Ambiguous);
    assert_eq!(of(987_654, 500), Class::Ambiguous);
}

#[test]
fn a_time_out_told_by_the_server_is_ambiguous_whatever_the_code() {
    for (code, _) in every_code() {
        assert_eq!(of(code, 408), Class::Ambiguous, "{code}");
    }
}

#[test]
fn an_unknown_code_with_a_client_error_is_refused() {
    assert_eq!(of(987_654, 400), Class::Refused(RefusalScope::Message));
}

#[test]
fn unauthorised_stops_the_lane_whatever_the_code() {
    let stop = Class::Refused(RefusalScope::Lane(PauseReason::AccessToken));
    assert_eq!(of(987_654, 401), stop);
    assert_eq!(of(190, 401), stop);
}

#[test]
fn too_many_requests_is_retried_unless_the_code_refuses() {
    assert!(matches!(classify(None, 429), Class::Retry(_)));
    assert!(matches!(of(987_654, 429), Class::Retry(_)));
    assert!(matches!(of(131_000, 429), Class::Retry(_)));
    assert_eq!(
        of(131_056, 429),
        of(131_056, 400),
        "the pair rule concerns one customer however it is said"
    );
    assert_eq!(
        of(131_050, 429),
        Class::Refused(RefusalScope::Contact(ContactRefusal::MarketingStopped))
    );
}

#[test]
fn waits_grow_as_meta_asks_and_stop_growing() {
    let waits = |code, status, attempts: &[u32]| -> Vec<u64> {
        let Class::Retry(advice) = of(code, status) else {
            panic!("{code} is not retried")
        };
        attempts
            .iter()
            .map(|attempt| advice.backoff.after(*attempt).as_secs())
            .collect()
    };
    assert_eq!(waits(130_429, 400, &[1, 2, 3, 7, 100]), [1, 2, 4, 60, 60]);
    assert_eq!(waits(131_056, 400, &[1, 2, 3, 4, 100]), [1, 4, 16, 64, 4_096]);
    assert_eq!(waits(131_057, 500, &[1, 5]), [60, 60]);
    assert_eq!(waits(4, 400, &[1, 9]), [300, 300]);
}

#[test]
fn a_late_webhook_says_how_far_its_refusal_reaches_or_who_needs_a_rest() {
    let cases = [
        (131_050, RefusalScope::Contact(ContactRefusal::MarketingStopped)),
        (131_049, RefusalScope::Contact(ContactRefusal::MarketingLimit)),
        (132_015, RefusalScope::Template),
        (131_048, RefusalScope::Bulk(PauseReason::SpamLimit)),
        (131_042, RefusalScope::Lane(PauseReason::Payment)),
        (131_047, RefusalScope::Message),
        (131_000, RefusalScope::Message),
        (987_654, RefusalScope::Message),
        (0, RefusalScope::Message),
        (190, RefusalScope::Lane(PauseReason::AccessToken)),
    ];
    for (code, scope) in cases {
        assert_eq!(told_by_status(code), Class::Refused(scope), "{code}");
    }
    for (code, whom) in [
        (130_429, RetryScope::Number),
        (131_056, RetryScope::Pair),
        (80_007, RetryScope::Account),
    ] {
        let Class::Retry(advice) = told_by_status(code) else {
            panic!("{code} asks nobody to wait")
        };
        assert_eq!(advice.scope, whom, "{code}");
    }
}

#[test]
fn what_is_not_the_graph_api_gives_no_verdict_on_a_message() {
    for status in [
        300, 301, 302, 304, 305, 307, 308, 400, 401, 403, 404, 405, 407, 413, 425, 431, 451, 499,
    ] {
        assert_eq!(classify(None, status), Class::NotGraph, "{status}");
    }
    // The outcome is elsewhere, or nobody knows it.
    for status in [303, 408, 500, 502, 504, 520] {
        assert_eq!(classify(None, status), Class::Ambiguous, "{status}");
    }
    assert_eq!(classify(None, 429), Class::Retry(RetryAdvice::DOUBLING));
}

#[test]
fn an_object_that_cannot_be_seen_stops_the_lane_and_other_parameters_do_not() {
    let stop = Class::Refused(RefusalScope::Lane(PauseReason::NumberNotReady));
    let message = Class::Refused(RefusalScope::Message);
    let method = Some("GraphMethodException");
    let said = |code, subcode, kind, is_transient| Said {
        code,
        subcode,
        kind,
        is_transient,
    };
    for (said, status, class) in [
        (said(100, Some(33), method, false), 400, stop),
        (said(100, Some(33), Some("OAuthException"), false), 400, stop),
        (said(100, None, method, false), 404, stop),
        (said(987_654, None, method, true), 400, stop),
        (
            said(100, Some(2_494_010), Some("OAuthException"), false),
            400,
            message,
        ),
        (
            said(131_009, Some(33), Some("OAuthException"), false),
            400,
            message,
        ),
        (said(100, Some(33), method, false), 500, Class::Ambiguous),
        (said(4, Some(33), method, false), 400, of(4, 400)),
        (said(131_026, None, method, false), 400, of(131_026, 400)),
        (said(100, None, None, true), 400, Class::Ambiguous),
        (said(131_047, None, None, true), 400, message),
    ] {
        assert_eq!(classify(Some(&said), status), class, "{said:?} with {status}");
    }
}
