use std::sync::Mutex;

use super::*;
use crate::config::{ByteSize, Config};

const PASSWORD: &str = "clay otter ninety lamps";

/// Cheap ones: what is tested here does not depend on the cost.
fn settings(memory_kib: u64) -> AccountsConfig {
    AccountsConfig {
        hash_memory: ByteSize::bytes(memory_kib << 10),
        hash_passes: 1,
        ..Config::defaults().unwrap().accounts
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// Cost and length of the password of each hash that was computed.
type Computed = Arc<Mutex<Vec<(Cost, usize)>>>;

fn counted(memory_kib: u64) -> (Passwords, Computed) {
    let computed = Computed::default();
    let log = Arc::clone(&computed);
    let mut passwords = Passwords::new(&settings(memory_kib));
    let memory = argon::Memory::default();
    passwords.derive = Arc::new(move |password: &[u8], salt: &[u8], cost| {
        log.lock().unwrap().push((cost, password.len()));
        argon::derive(&memory, password, salt, cost)
    });
    (passwords, computed)
}

#[tokio::test]
async fn a_password_is_right_for_its_own_hash_alone() {
    let passwords = Passwords::new(&settings(64));
    let hash = passwords.hash(secret(PASSWORD)).await.unwrap();
    let text = String::from(hash);
    assert!(text.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{text}");
    let stored: PasswordHash = text.parse().unwrap();
    for (password, expected) in [
        (PASSWORD, Verdict::Right),
        ("clay otter ninety lampS", Verdict::Wrong),
        ("clay otter ninety lamps ", Verdict::Wrong),
        ("clay otter ninety lamp", Verdict::Wrong),
    ] {
        let verdict = passwords
            .verify(secret(password), Some(&stored), Familiarity::Strange)
            .await;
        assert_eq!(verdict, Ok(expected), "{password:?}");
    }
    assert_eq!(
        passwords
            .verify(secret(PASSWORD), None, Familiarity::Strange)
            .await,
        Ok(Verdict::Wrong)
    );
}

#[tokio::test]
async fn the_defaults_are_owasps_and_work() {
    let passwords = Passwords::new(&Config::defaults().unwrap().accounts);
    let hash = passwords.hash(secret(PASSWORD)).await.unwrap();
    let verdict = passwords
        .verify(secret(PASSWORD), Some(&hash), Familiarity::Strange)
        .await;
    assert_eq!(verdict, Ok(Verdict::Right));
    let text = String::from(hash);
    assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
}

#[tokio::test]
async fn one_password_twice_is_two_hashes() {
    let passwords = Passwords::new(&settings(64));
    let first = passwords.hash(secret(PASSWORD)).await.unwrap();
    let second = passwords.hash(secret(PASSWORD)).await.unwrap();
    assert_ne!(first.salt(), second.salt());
    assert_ne!(first.tag(), second.tag());
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_outdated_until_it_is_made_anew() {
    let stored = Passwords::new(&settings(64))
        .hash(secret(PASSWORD))
        .await
        .unwrap();
    let now = Passwords::new(&settings(128));
    let verdict = now
        .verify(secret(PASSWORD), Some(&stored), Familiarity::Strange)
        .await;
    assert_eq!(verdict, Ok(Verdict::RightButOutdated));
    let wrong = now
        .verify(
            secret("another one entirely"),
            Some(&stored),
            Familiarity::Strange,
        )
        .await;
    assert_eq!(wrong, Ok(Verdict::Wrong));
    let anew = now.hash(secret(PASSWORD)).await.unwrap();
    let verdict = now
        .verify(secret(PASSWORD), Some(&anew), Familiarity::Strange)
        .await;
    assert_eq!(verdict, Ok(Verdict::Right));
}

#[tokio::test]
async fn an_account_that_is_not_there_costs_the_same_hash() {
    let (passwords, computed) = counted(64);
    let stored = passwords.hash(secret(PASSWORD)).await.unwrap();
    computed.lock().unwrap().clear();
    for stored in [Some(&stored), None] {
        let verdict = passwords
            .verify(secret("another one entirely"), stored, Familiarity::Strange)
            .await;
        assert_eq!(verdict, Ok(Verdict::Wrong));
    }
    let computed = computed.lock().unwrap();
    assert_eq!(computed.len(), 2);
    assert_eq!(computed[0], computed[1]);
}

#[tokio::test]
async fn a_length_that_no_password_has_reaches_no_hash() {
    let (passwords, computed) = counted(64);
    let stored = passwords.hash(secret(PASSWORD)).await.unwrap();
    computed.lock().unwrap().clear();
    for text in [
        String::new(),
        "x".repeat(11),
        "x".repeat(129),
        "x".repeat(1 << 20),
    ] {
        for stored in [Some(&stored), None] {
            let verdict = passwords
                .verify(secret(&text), stored, Familiarity::Strange)
                .await;
            assert_eq!(verdict, Ok(Verdict::Wrong));
        }
        let hashed = passwords.hash(secret(&text)).await;
        assert!(matches!(hashed, Err(PasswordError::Broken(_))));
    }
    assert!(computed.lock().unwrap().is_empty());
    // Characters count, not bytes.
    let long = "ß".repeat(128);
    passwords.hash(secret(&long)).await.unwrap();
    assert_eq!(
        *computed.lock().unwrap(),
        [(
            Cost {
                memory_kib: 64,
                passes: 1
            },
            256
        )]
    );
}

#[tokio::test]
async fn a_flood_from_elsewhere_keeps_nobody_waiting_who_signed_in_before() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let mut passwords = Passwords::new(&settings(64));
    passwords.derive = Arc::new(move |password: &[u8], _: &[u8], _| {
        if password.starts_with(b"flood") {
            let _ended = gate.lock().unwrap().recv();
        }
        Ok([1; TAG])
    });
    let passwords = Arc::new(passwords);
    let verify = |text: &str, from| {
        let (passwords, password) = (Arc::clone(&passwords), secret(text));
        async move { passwords.verify(password, None, from).await }
    };
    let flood = "flood flood flood";
    let waiting: Vec<_> = (0..200)
        .map(|_| tokio::spawn(verify(flood, Familiarity::Strange)))
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(
        verify(flood, Familiarity::Strange).await,
        Err(PasswordError::Busy)
    );
    assert_eq!(verify(PASSWORD, Familiarity::Familiar).await, Ok(Verdict::Wrong));
    drop(open);
    for one in waiting {
        drop(one.await.unwrap());
    }
}

#[test]
fn nothing_of_a_password_or_a_hash_is_shown() {
    let passwords = Passwords::new(&settings(64));
    let shown = format!("{passwords:?}");
    assert_eq!(
        shown,
        "Passwords { cost: Cost { memory_kib: 64, passes: 1 }, .. }"
    );
}
