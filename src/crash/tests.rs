use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use super::*;

#[test]
fn every_place_has_a_name_of_its_own_that_can_be_asked_for() {
    let names: BTreeSet<&str> = CrashPoint::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(names.len(), CrashPoint::ALL.len());
    for (place, name) in CrashPoint::ALL
        .iter()
        .enumerate()
        .map(|(place, point)| (place, point.name()))
    {
        assert_eq!(parse(name), Ok((place, 1)));
        assert_eq!(parse(&format!("{name}:12")), Ok((place, 12)));
    }
}

#[test]
fn a_wrong_wish_is_refused_with_the_names_that_there_are() {
    for wish in [
        "",
        "after_lunch",
        "after_claim:0",
        "after_claim:x",
        "after_claim:",
        ":1",
    ] {
        let message = parse(wish).unwrap_err().to_string();
        assert!(message.contains("before_journal, after_journal"), "{message}");
    }
}

/// Runs itself again as the process that has to die.
#[test]
fn the_process_dies_at_the_nth_visit_of_the_place_and_notes_it() {
    if std::env::var_os("MESEJ_CRASH_AT").is_some() {
        arm_from_environment().unwrap();
        for visit in 1..=5 {
            point(CrashPoint::BeforeClaim);
            eprintln!("claim {visit}");
            point(CrashPoint::AfterClaim);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("crash.log");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("crash::tests::the_process_dies_at_the_nth_visit_of_the_place_and_notes_it")
        .env("MESEJ_CRASH_AT", "after_claim:3")
        .env("MESEJ_CRASH_LOG", &log)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.signal(), Some(6), "{said}");
    assert!(said.contains("claim 3") && !said.contains("claim 4"), "{said}");
    assert_eq!(std::fs::read_to_string(log).unwrap(), "after_claim\n");
}
