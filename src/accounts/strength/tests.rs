use proptest::prelude::*;

use super::commonest::earliest;
use super::words::{COMMON, KEYS};
use super::*;

const ABOUT: &[&str] = &["ana.kovac@northwind.example", "Ana Kovač", "Northwind Traders"];

fn refused(password: &str) -> WeakPassword {
    check(password, ABOUT).expect_err(password)
}

#[test]
fn lengths_are_in_characters() {
    for (password, expected) in [
        ("", WeakPassword::TooShort),
        ("kT9#vLq2!xZ", WeakPassword::TooShort),
        ("čšžćđ ěřý", WeakPassword::TooShort),
        (&"kT9# vLq2 ".repeat(13), WeakPassword::TooLong),
    ] {
        assert_eq!(refused(password), expected, "{password}");
    }
    assert_eq!(check_length(&"ž".repeat(12)), Ok(()));
    assert_eq!(check_length(&"ž".repeat(128)), Ok(()));
    assert_eq!(check_length(&"ž".repeat(129)), Err(WeakPassword::TooLong));
}

#[test]
fn what_people_choose_is_refused_with_the_reason() {
    for (password, mostly) in [
        ("passwordpassword", Pattern::Repeat),
        ("Password1234!", Pattern::CommonWord),
        ("P@$$w0rd2026!", Pattern::CommonWord),
        ("pa55word!!!!!", Pattern::CommonWord),
        ("Summer2026!!", Pattern::CommonWord),
        ("iloveyou2026", Pattern::CommonWord),
        ("Welcome-to-whatsapp", Pattern::CommonWord),
        ("administrator", Pattern::CommonWord),
        ("qwertyuiop12", Pattern::Keyboard),
        ("1qaz2wsx3edc", Pattern::Keyboard),
        ("poiuytrewq!!", Pattern::Keyboard),
        ("asdfghjkl1234", Pattern::Keyboard),
        ("abcdefghijklm", Pattern::Sequence),
        ("123456789012", Pattern::Sequence),
        ("9876543210zyx", Pattern::Sequence),
        ("aaaaaaaaaaaa", Pattern::Repeat),
        ("xk9#xk9#xk9#", Pattern::Repeat),
        ("31121985311219", Pattern::Date),
        ("1985-12-31-ab", Pattern::Date),
        ("19851231 1231", Pattern::Date),
        ("northwind2026", Pattern::OwnWord),
        ("AnaKovac!!1985", Pattern::OwnWord),
        ("kovač-traders", Pattern::OwnWord),
        ("N0rthw1ndTr@ders", Pattern::OwnWord),
        ("482915730264", Pattern::Plain),
    ] {
        assert_eq!(refused(password), WeakPassword::Guessable(mostly), "{password}");
    }
}

/// What people do with a word that is too short, or refused.
fn lengthened(word: &str) -> [String; 8] {
    let mut capital = word.chars();
    let capital = capital
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(capital).collect());
    [
        word.to_owned(),
        format!("{word}123"),
        format!("{word}2026"),
        format!("{capital}@2024"),
        format!("{capital}12345!"),
        format!("!!{word}007"),
        format!("{word}{word}"),
        format!("{}1985", disguise(word, u32::MAX)),
    ]
}

#[test]
fn the_thousand_commonest_passwords_are_refused_however_they_are_lengthened() {
    let words: Vec<&str> = earliest(10, usize::MAX).collect();
    assert!(words.len() > 1_000, "{}", words.len());
    let passing: Vec<String> = words
        .into_iter()
        .flat_map(lengthened)
        .filter(|password| check(password, &[]).is_ok())
        .collect();
    assert_eq!(passing, [""; 0]);
}

#[test]
fn every_leaked_password_that_is_long_enough_is_refused() {
    let long: Vec<&str> = earliest(0, *LENGTH.start())
        .filter(|word| word.chars().count() >= *LENGTH.start())
        .collect();
    assert!(long.len() > 300, "{}", long.len());
    let passing: Vec<&str> = long.into_iter().filter(|word| check(word, &[]).is_ok()).collect();
    assert_eq!(passing, [""; 0]);
}

#[test]
fn what_leaked_elsewhere_in_the_same_style_is_refused() {
    for password in [
        "123qweasdzxc",
        "qazwsxedcrfv",
        "manchesterunited",
        "christopher1",
        "jamesbond007",
        "peanutbutter",
        "minecraft123",
        "indonesia12345",
        "realmadrid123",
        "Indonesia@2024",
        "Malaysia2025!",
        "qweasdzxc123",
        "1qa2ws3ed4rf",
        "12qw34er56ty",
        "Juventus1897!!",
    ] {
        assert!(check(password, &[]).is_err(), "{password}");
    }
}

#[test]
fn what_nobody_guesses_passes() {
    for password in [
        "clay otter ninety lamps",
        "correct horse battery staple",
        "korektan konj baterija",
        "rendang daging tok wan",
        "kopi tubruk di pasar minggu",
        "kT9#vLq2!xZw",
        "zjdhwqpmrtvx",
        "the goose reads at noon",
        "夜明けの猫は静かに歩いている",
        "mÿ čudna lozinka broj",
        "48291573026491",
    ] {
        assert_eq!(check(password, ABOUT), Ok(()), "{password}");
    }
    // Words of other people say nothing.
    assert_eq!(check("kovač-traders-inc", &[]), Ok(()));
}

#[test]
fn a_person_is_told_why_and_what_helps() {
    let patterns = [
        Pattern::CommonWord,
        Pattern::OwnWord,
        Pattern::Keyboard,
        Pattern::Sequence,
        Pattern::Repeat,
        Pattern::Date,
        Pattern::Plain,
    ];
    let guessable = patterns.map(WeakPassword::Guessable);
    let mut texts: Vec<String> = [WeakPassword::TooShort, WeakPassword::TooLong]
        .iter()
        .chain(&guessable)
        .map(ToString::to_string)
        .collect();
    for text in &texts {
        assert!(text.starts_with("The password ") && text.ends_with('.'), "{text}");
        assert!(!text.contains("  ") && !text.contains('\n'), "{text}");
    }
    assert!(
        texts[0].contains("at least 12") && texts[1].contains("at most 128"),
        "{texts:?}"
    );
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 9);
}

#[test]
fn the_longest_passwords_of_every_kind_are_judged() {
    let about: Vec<String> = (0..1_000)
        .map(|n| format!("word{n} {}", "x".repeat(1_000)))
        .collect();
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    for unit in ["a", "ab", "abc", "password", "1985", "🦀", "aab"] {
        let password: String = unit.chars().cycle().take(128).collect();
        let result = check(&password, &about);
        assert!(
            matches!(result, Err(WeakPassword::Guessable(_))),
            "{unit}: {result:?}"
        );
    }
}

/// The word as somebody would disguise it, by the bits of a number.
fn disguise(word: &str, choices: u32) -> String {
    let sign = |letter: char| match letter {
        'a' => '@',
        'e' => '3',
        'i' => '1',
        'o' => '0',
        's' => '$',
        't' => '7',
        other => other.to_ascii_uppercase(),
    };
    let chosen = |place: usize| choices >> (place % 32) & 1 == 1;
    word.chars()
        .enumerate()
        .map(|(place, letter)| if chosen(place) { sign(letter) } else { letter })
        .collect()
}

proptest! {
    #[test]
    fn a_common_word_is_weak_in_every_disguise(
        word in prop::sample::select(COMMON), choices: u32, year in 1900_u32..2100, times in 2_usize..5,
    ) {
        let word = disguise(word, choices);
        let password = format!("{}{year}", word.repeat(times));
        let result = check(&password, &[]);
        prop_assert!(result.is_err(), "{} passes", password);
    }

    #[test]
    fn the_persons_own_words_are_weak(word in "[a-z]{5,20}", year in 1900_u32..2100, choices: u32) {
        let password = format!("{}-{year}!!!", disguise(&word, choices));
        let email = format!("{word}@example.com");
        prop_assert!(check(&password, &[&email]).is_err(), "{} passes", password);
    }

    #[test]
    fn keys_in_a_row_are_weak(row in prop::sample::select(KEYS), times in 1_usize..4) {
        let backwards: String = row.chars().rev().collect();
        for row in [row, backwards.as_str()] {
            let password = row.repeat(times) + "1234";
            prop_assert!(check(&password, &[]).is_err(), "{} passes", password);
        }
    }

    #[test]
    fn one_unit_again_and_again_is_weak(unit in "[a-zA-Z0-9#%]{1,7}", times in 12_usize..18) {
        let password = unit.repeat(times);
        prop_assert!(check(&password, &[]).is_err(), "{} passes", password);
    }

    #[test]
    fn more_words_about_the_person_never_make_a_password_stronger(password in "\\PC{12,40}", about in "\\PC{0,40}") {
        let without = estimate::estimate(&password, &[]).cost;
        let with = estimate::estimate(&password, &[&about, &password]).cost;
        prop_assert!(with <= without, "{} > {}", with, without);
    }

    #[test]
    fn no_text_panics_and_the_length_is_judged_first(password in "\\PC{0,200}", about in "\\PC{0,60}") {
        let length = password.chars().count();
        match check(&password, &[&about]) {
            Err(WeakPassword::TooShort) => prop_assert!(length < 12),
            Err(WeakPassword::TooLong) => prop_assert!(length > 128),
            Ok(()) | Err(WeakPassword::Guessable(_)) => prop_assert!((12..=128).contains(&length)),
        }
    }
}
