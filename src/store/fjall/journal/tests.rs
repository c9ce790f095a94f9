use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use proptest::prelude::*;

use super::record::{self, Record};
use super::*;
use crate::domain::Timestamp;
use crate::store::StoreErrorKind;

fn id(n: u128) -> JournalId {
    JournalId::from_bytes(n.to_be_bytes())
}

fn entry(n: u128, body: impl Into<Bytes>) -> JournalEntry {
    JournalEntry {
        id: id(n),
        received: Timestamp::from_secs(1_000),
        body: body.into(),
    }
}

fn opened(folder: &Path) -> Result<Journal, StoreError> {
    let watermark = folder.join("watermark");
    let checked = check(folder, &watermark)?;
    checked.refusal().map_or(Ok(()), Err)?;
    Journal::open(folder, &watermark, checked, Condition::new(folder, 0))
}

fn open(folder: &Path) -> Journal {
    opened(folder).unwrap()
}

fn waiting(journal: &Journal) -> Vec<JournalEntry> {
    read(&journal.waiting(None, usize::MAX).unwrap()).unwrap()
}

/// The segments, oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some());
    files.sort();
    files
}

#[tokio::test]
async fn what_was_not_applied_is_there_after_the_next_start_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for n in [1, 2, 3] {
        journal.append(entry(n, format!("body {n}"))).await.unwrap();
    }
    journal.done(vec![id(2), id(77)]).await.unwrap();
    let left = vec![entry(1, "body 1"), entry(3, "body 3")];
    assert_eq!(waiting(&journal), left);
    for _ in 0..3 {
        drop(open(folder.path()));
    }
    let journal = open(folder.path());
    assert_eq!(waiting(&journal), left);
    assert_eq!(journal.backlog().entries, 2);
    assert_eq!(journal.backlog().oldest, Some(Timestamp::from_secs(1_000)));
    // One that comes again stands in the newest segment only.
    journal.append(entry(1, "again")).await.unwrap();
    assert_eq!(waiting(&journal), vec![entry(1, "again"), entry(3, "body 3")]);
}

#[tokio::test]
async fn what_comes_and_goes_together_is_seen_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let written = futures_util::join!(
        journal.append(entry(1, "x")),
        journal.done(vec![id(1)]),
        journal.append(entry(2, "y")),
        journal.done(vec![id(3)]),
        journal.append(entry(3, "z")),
    );
    written
        .0
        .and(written.1)
        .and(written.2)
        .and(written.3)
        .and(written.4)
        .unwrap();
    let left = vec![entry(2, "y"), entry(3, "z")];
    assert_eq!(waiting(&journal), left);
    drop(journal);
    assert_eq!(waiting(&open(folder.path())), left);
}

#[tokio::test]
async fn a_log_that_was_cut_off_anywhere_keeps_all_whole_webhooks_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let whole: Vec<_> = (1..=3).map(|n| entry(n, vec![b'x'; 40])).collect();
    for entry in &whole {
        journal.append(entry.clone()).await.unwrap();
    }
    drop(journal);
    let [segment] = &files(folder.path())[..] else {
        panic!("one segment")
    };
    let bytes = fs::read(segment).unwrap();
    let each = (bytes.len() - 8) / 3;
    for cut in 0..=bytes.len() {
        let folder = tempfile::tempdir().unwrap();
        // Room that was made ahead may follow.
        let mut left = bytes[..cut].to_vec();
        left.resize(cut + if cut >= 8 { cut % 3 * 50 } else { 0 }, 0);
        fs::write(folder.path().join(segment.file_name().unwrap()), left).unwrap();
        let kept = &whole[..cut.saturating_sub(8) / each];
        let journal = open(folder.path());
        assert_eq!(waiting(&journal), kept, "cut after {cut} bytes");
        journal.append(entry(9, "new")).await.unwrap();
        drop(journal);
        let journal = open(folder.path());
        assert_eq!(journal.backlog().entries, kept.len() + 1);
    }
}

#[tokio::test]
async fn a_segment_whose_making_was_cut_off_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).append(entry(1, "body")).await.unwrap();
    let half_made = [(7, &b""[..]), (8, b"mesej"), (9, &[0; 8]), (10, b"m")].map(|(number, left)| {
        let path = folder.path().join(format!("{number:020}.webhooks"));
        fs::write(&path, left).unwrap();
        path
    });
    for _ in 0..3 {
        assert_eq!(waiting(&open(folder.path())), vec![entry(1, "body")]);
        let left: Vec<_> = half_made.iter().filter(|path| path.exists()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn webhooks_of_many_segments_are_read_although_few_files_are_open() {
    let folder = tempfile::tempdir().unwrap();
    for n in 1..=40 {
        open(folder.path()).append(entry(n, "body")).await.unwrap();
    }
    let journal = open(folder.path());
    let expected: Vec<_> = (1..=40).map(|n| entry(n, "body")).collect();
    assert_eq!(waiting(&journal), expected);
    let handles = journal.waiting(None, 99).unwrap();
    let others = journal.waiting(None, 99).unwrap();
    let are_shared = handles
        .iter()
        .zip(&others)
        .all(|(one, other)| Arc::ptr_eq(&one.file, &other.file));
    assert!(are_shared, "whoever else reads them opens nothing");
    let of_journal = lock(&journal.index).files_held();
    assert_eq!((handles.len(), of_journal), (40, 1));
}

#[tokio::test]
async fn damage_to_what_was_acknowledged_is_reported_and_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    for n in [1, 2] {
        open(folder.path()).append(entry(n, "body")).await.unwrap();
    }
    let oldest = &files(folder.path())[0];
    let mut bytes = fs::read(oldest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(oldest, &bytes).unwrap();
    let refused = opened(folder.path()).err().unwrap();
    assert_eq!(refused.kind, StoreErrorKind::Corrupt);
    assert!(refused.detail.contains("from byte 8"), "{}", refused.detail);
    // A file that others made is none of ours either, though it be the newest.
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("00000000000000000001.webhooks"),
        "something else",
    )
    .unwrap();
    let refused = opened(folder.path()).err().unwrap();
    assert_eq!(refused.kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn what_was_applied_leaves_the_disk_at_the_next_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for n in 1..=9 {
        journal
            .append(entry(n, format!("personal data of {n}.")))
            .await
            .unwrap();
    }
    journal
        .done((1..=9).filter(|n| *n != 5).map(id).collect())
        .await
        .unwrap();
    journal.turn_over().await.unwrap();
    let on_disk: Vec<u8> = files(folder.path())
        .iter()
        .flat_map(|file| fs::read(file).unwrap())
        .collect();
    let on_disk = String::from_utf8_lossy(&on_disk);
    for n in 1..=9 {
        assert_eq!(on_disk.contains(&format!("data of {n}.")), n == 5, "{n}");
    }
    let left = vec![entry(5, "personal data of 5.")];
    assert_eq!(waiting(&journal), left);
    drop(journal);
    let journal = open(folder.path());
    assert_eq!(waiting(&journal), left);
    // With nothing to let go of, nothing is written.
    journal.turn_over().await.unwrap();
    let before = files(folder.path());
    journal.turn_over().await.unwrap();
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn one_webhook_that_cannot_be_applied_does_not_keep_all_that_came_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(entry(1, "stuck")).await.unwrap();
    let body = Bytes::from(vec![b'x'; 3 << 20]);
    for n in 2..=80 {
        journal.append(entry(n, body.clone())).await.unwrap();
        journal.done(vec![id(n)]).await.unwrap();
    }
    let (bytes, files) = (journal.disk_bytes(), files(folder.path()).len());
    assert!(bytes < 100 << 20 && files <= 7, "{bytes} bytes in {files} files");
    assert_eq!(waiting(&journal), vec![entry(1, "stuck")]);
    drop(journal);
    assert_eq!(waiting(&open(folder.path())), vec![entry(1, "stuck")]);
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_written_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(entry(1, "x")).await.unwrap();
    journal.queue.condition.disk_fails.store(true, Ordering::Release);
    let failed = journal.append(entry(2, "x")).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Unknown);
    journal.queue.condition.disk_fails.store(false, Ordering::Release);
    let refused = journal.append(entry(3, "x")).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable);
    assert_eq!(
        journal.queue.health().unwrap_err().kind,
        StoreErrorKind::Unavailable
    );
    assert_eq!(waiting(&journal), vec![entry(1, "x")]);
    drop(journal);
    let journal = open(folder.path());
    journal.queue.health().unwrap();
    assert_eq!(waiting(&journal), vec![entry(1, "x")]);
}

/// What may happen to a journal.
#[derive(Debug, Clone)]
enum Step {
    Append(u8, usize),
    Done(Vec<u8>),
    TurnOver,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u8>(), 0_usize..2_000).prop_map(|(n, size)| Step::Append(n % 32, size)),
        4 => proptest::collection::vec(0_u8..32, 0..6).prop_map(Step::Done),
        1 => Just(Step::TurnOver),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_journal_is_a_map_that_survives(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut journal = open(folder.path());
            let mut expected = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Append(n, size) => {
                        let entry = entry(n.into(), vec![n; size]);
                        journal.append(entry.clone()).await.unwrap();
                        expected.insert(entry.id, entry);
                    }
                    Step::Done(ids) => {
                        let ids: Vec<_> = ids.into_iter().map(|n| id(n.into())).collect();
                        expected.retain(|id, _| !ids.contains(id));
                        journal.done(ids).await.unwrap();
                    }
                    Step::TurnOver => journal.turn_over().await.unwrap(),
                    Step::Restart => {
                        drop(journal);
                        journal = open(folder.path());
                    }
                }
                let expected: Vec<_> = expected.values().cloned().collect();
                assert_eq!(waiting(&journal), expected);
            }
        });
    }

    #[test]
    fn a_record_is_read_back_and_a_changed_one_is_not(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut bytes = vec![7; 5];
        let entry = entry(9, body.clone());
        let body_at = record::put_entry(&mut bytes, &entry);
        prop_assert_eq!(&bytes[body_at..], &body[..]);
        let mut bytes = bytes.split_off(5);
        let (record, size) = record::read(&bytes).unwrap();
        prop_assert_eq!(size, bytes.len());
        let body_at = body_at - 5;
        prop_assert_eq!(record, Record::Entry { id: entry.id, received: entry.received, body_at, body_length: body.len() });
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(record::read(&bytes), None);
    }
}
