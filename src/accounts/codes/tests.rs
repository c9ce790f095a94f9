use std::collections::BTreeSet;

use ring::rand::SystemRandom;

use super::*;

/// The secret of RFC 6238's test vectors, for SHA-1.
const RFC: &[u8; SECRET] = b"12345678901234567890";
const TOKEN: KeyHash = KeyHash([7; 32]);

fn code(text: &str) -> SecondFactorCode {
    SecondFactorCode::try_from(text.to_owned()).unwrap()
}

fn secret() -> TotpSecret {
    TotpSecret(base32(RFC))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

/// A clock that nobody doubts.
fn by(seconds: i64) -> Times {
    Times {
        believed: at(seconds),
        of_machine: at(seconds),
    }
}

fn factor(recovery: &RecoveryCodes) -> SecondFactor {
    begun(&secret(), &code("287082"), by(59), TOKEN, recovery).unwrap()
}

fn codes() -> RecoveryCodes {
    RecoveryCodes::generate(&SystemRandom::new()).unwrap()
}

#[test]
fn codes_are_those_of_rfc_6238() {
    assert_eq!(secret().0, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    // Appendix B; of its eight digits, six are shown.
    for (seconds, digits) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        let shown = &digits[2..];
        let step = u64::try_from(seconds / 30).unwrap();
        assert_eq!(
            step_of(&secret(), shown, at(seconds)).unwrap(),
            Some(step),
            "{seconds}"
        );
    }
}

#[test]
fn a_code_holds_for_its_step_and_one_more_on_either_side() {
    let at_step = 1_111_111_109_i64 / 30 * 30;
    for (offset, holds) in [
        (-31, false),
        (-30, true),
        (-1, true),
        (0, true),
        (29, true),
        (59, true),
        (60, false),
    ] {
        let step = step_of(&secret(), "081804", at(at_step + offset)).unwrap();
        assert_eq!(step.is_some(), holds, "{offset}");
    }
}

#[test]
fn a_code_works_once_and_so_do_earlier_ones_no_more() {
    let factor = factor(&codes());
    assert_eq!(factor.used_step, 1);
    let now = by(1_111_111_111);
    let after = used(&factor, &code("050471"), now).unwrap();
    let again = used(&after, &code(" 050-471 "), now);
    assert!(matches!(again, Err(AccountError::WrongCode)));
    // That of the step before would still be in time.
    assert!(used(&factor, &code("081804"), now).is_ok());
    assert!(matches!(
        used(&after, &code("081804"), now),
        Err(AccountError::WrongCode)
    ));
}

#[test]
fn a_code_of_either_time_is_right_and_each_step_works_once() {
    let factor = factor(&codes());
    let of_machine = at(1_111_111_111);
    for believed in [at(1_111_111_111 - 86_400), at(1_111_111_111 + 86_400)] {
        let times = Times { believed, of_machine };
        let after = used(&factor, &code("050471"), times).unwrap();
        assert_eq!(after.used_step, 1_111_111_111 / 30);
        assert!(used(&after, &code("050471"), times).is_err());
        let held = shown(&secret().0, believed);
        let later = used(&factor, &code(&held), times).unwrap();
        assert!(used(&later, &code(&held), times).is_err());
        assert_eq!(used(&after, &code(&held), times).is_ok(), believed > of_machine);
        let of_neither = shown(&secret().0, at(1_111_000_000));
        assert!(used(&factor, &code(&of_neither), times).is_err());
    }
}

#[test]
fn a_recovery_code_works_once_however_it_is_written() {
    let recovery = codes();
    let (first, second) = (&recovery.texts[0], &recovery.texts[1]);
    let factor = factor(&recovery);
    let now = by(60);
    let typed = first.to_uppercase().replace('-', " ");
    let after = used(&factor, &code(&typed), now).unwrap();
    assert_eq!(after.recovery.len(), RECOVERY_CODES - 1);
    assert_eq!(after.used_step, factor.used_step);
    assert!(matches!(
        used(&after, &code(first), now),
        Err(AccountError::WrongCode)
    ));
    assert!(used(&after, &code(second), now).is_ok());
    let of_others = &codes().texts[0];
    assert!(matches!(
        used(&after, &code(of_others), now),
        Err(AccountError::WrongCode)
    ));
}

#[test]
fn a_factor_begins_with_a_code_of_the_app_alone() {
    let recovery = codes();
    for wrong in ["000000", &recovery.texts[0]] {
        let begun = begun(&secret(), &code(wrong), by(59), TOKEN, &recovery);
        assert!(matches!(begun, Err(AccountError::WrongCode)), "{wrong}");
    }
}

#[test]
fn recovery_codes_differ_and_are_kept_as_hashes() {
    let recovery = codes();
    let different: BTreeSet<&String> = recovery.texts.iter().collect();
    assert_eq!((different.len(), recovery.hashes.len()), (10, 10));
    for text in &recovery.texts {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        assert_eq!(groups, [4, 4, 4, 4], "{text}");
    }
}

#[test]
fn what_cannot_be_a_code_is_refused() {
    for text in [
        "",
        "12345",
        "1234567",
        "12345a",
        "+12345",
        "１２３４５６",
        "aaaa-bbbb-cccc",
        "aaaa-bbbb-cccc-ddd1",
    ] {
        assert!(SecondFactorCode::try_from(text.to_owned()).is_err(), "{text}");
    }
}

#[test]
fn an_app_is_told_the_secret_and_whose_it_is() {
    let email: EmailAddress = "ana+1@example.com".parse().unwrap();
    let expected =
        "otpauth://totp/Mesej:ana%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mesej";
    assert_eq!(uri(&secret(), &email), expected);
}
