//! What stands on disk: a newer version reads what an older one wrote, and the other way round, byte by byte.

use std::fmt::Write as _;

use fjall::Slice;

use super::*;
use crate::domain::Fence;
use crate::store::conformance::contents::contents;
use crate::store::conformance::one_of_each::one_of_each;
use crate::store::conformance::scene::Scene;
use crate::store::fjall::keys::Key;
use crate::store::fjall::tally::Tally;
use crate::store::{ConversationFilter, OpOutcome};

/// Every row of [`one_of_each`]: its keyspace, key and value.
const FORMAT: &str = include_str!("format.txt");

/// Bytes as text: what can be printed, and the others by their codes; a dash where there are none.
fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    bytes.iter().fold(String::new(), |mut out, byte| {
        match byte {
            b'!'..=b'~' if *byte != b'\\' => out.push(char::from(*byte)),
            _ => write!(out, "\\{byte:02x}").unwrap(),
        }
        out
    })
}

fn meant(text: &str) -> Vec<u8> {
    if text == "-" {
        return Vec::new();
    }
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn rows(store: &FjallStore) -> String {
    let mut out = String::new();
    for space in Space::ALL {
        let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        for pair in Moment::of(&store.engine).range(space, all) {
            let pair = pair.unwrap();
            writeln!(
                out,
                "{} {} {}",
                space.name(),
                shown(&pair.key),
                shown(&pair.value)
            )
            .unwrap();
        }
    }
    out
}

#[tokio::test]
async fn rows_are_written_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    one_of_each(store.clone()).await;
    let written = rows(&store);
    for (written, expected) in written.lines().zip(FORMAT.lines()) {
        assert_eq!(written, expected);
    }
    assert_eq!(written.lines().count(), FORMAT.lines().count(), "{written}");
}

#[test]
fn a_row_of_every_letter_is_among_them() {
    let letters: std::collections::BTreeSet<u8> = FORMAT
        .lines()
        .filter_map(|line| line.strip_prefix("rows ").or_else(|| line.strip_prefix("index ")))
        .map(|row| row.as_bytes()[0])
        .collect();
    assert_eq!(
        letters.into_iter().map(char::from).collect::<String>(),
        "FKLNRTWZabcfhiklopqrstwx"
    );
}

#[tokio::test]
async fn contacts_of_an_earlier_version_are_found_once_the_folder_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    drop(one_of_each(store.clone()).await);
    let under = |store: &FjallStore, kinds: &[char]| {
        let all = rows(store);
        let is_it = |line: &&str| {
            line.strip_prefix("rows ")
                .is_some_and(|row| row.starts_with(kinds))
        };
        all.lines().filter(is_it).map(str::to_owned).collect::<Vec<_>>()
    };
    let places = |store: &FjallStore| under(store, &['f', 'F']);
    // A linked contact is found by nothing; whether it talked is nothing that matters any more.
    let contacts = |store: &FjallStore| {
        let mut found = under(store, &['p']);
        found.retain(|line| !line.contains("linked_to"));
        found
    };
    let (written, noted) = (places(&store), contacts(&store));
    assert!(written.len() > 15);
    // That version noted no numbers on contacts either.
    let numbers = r#""talked_on":["1"],"#;
    assert!(noted.iter().any(|line| line.contains(numbers)));
    for line in noted.iter().filter(|line| line.contains(numbers)) {
        let line = line.replace(numbers, "");
        let parts: Vec<&str> = line.split(' ').collect();
        let (key, value) = (Key::stored(&meant(parts[1])), meant(parts[2]));
        let put = move |txn: &mut super::super::txn::Txn| {
            txn.put(Space::Rows, key, Slice::from(value));
            Ok(())
        };
        store.writer.write(Need::Durable, 1, put).await.unwrap();
    }
    assert_ne!(contacts(&store), noted);
    for line in &written {
        let key = Key::stored(&meant(line.split(' ').nth(1).unwrap()));
        let drop = move |txn: &mut super::super::txn::Txn| {
            txn.delete(Space::Rows, key);
            Ok(())
        };
        store.writer.write(Need::Durable, 1, drop).await.unwrap();
    }
    assert!(places(&store).is_empty());
    drop(store);
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    assert_eq!((places(&store), contacts(&store)), (written, noted));
}

/// All that is read of a store.
async fn read(scene: &Scene) -> String {
    let store = &scene.store;
    let list = store.page_conversations(TENANT, ConversationFilter::default(), None, 99);
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        contents(store.as_ref(), TENANT, scene.now).await,
        list.await.unwrap(),
        store.quarantined(None, 9, scene.now).await.unwrap(),
        store.last_time().await.unwrap(),
        store.number_owners().await.unwrap(),
    )
}

#[tokio::test]
async fn rows_that_were_written_long_ago_are_read_and_go_on() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = FjallStore::open(there.path(), OPTIONS).unwrap();
    let write = |txn: &mut super::super::txn::Txn| {
        for line in FORMAT.lines() {
            let parts: Vec<&str> = line.splitn(3, ' ').collect();
            let space = Space::ALL.into_iter().find(|space| space.name() == parts[0]);
            let (key, value) = (meant(parts[1]), meant(parts[2]));
            if key != Tally::key().as_ref() {
                txn.put(space.unwrap(), Key::stored(&key), Slice::from(value));
            }
        }
        Ok(())
    };
    old.writer.write(Need::Durable, 1, write).await.unwrap();
    drop(old);
    let new = Arc::new(FjallStore::open(here.path(), OPTIONS).unwrap());
    let mut new = one_of_each(new).await;
    let old = Arc::new(FjallStore::open(there.path(), OPTIONS).unwrap());
    let mut old = Scene::take_over(old, TENANT).await;
    old.now = new.now;
    assert_eq!((old.fence, old.head), (Fence::new(2), new.head));
    assert_eq!(read(&old).await, read(&new).await);
    for scene in [&mut old, &mut new] {
        let again = ops::receive(&["628111111"], "w1", DAY_ONE, "heard");
        assert!(matches!(scene.one(again).await, OpOutcome::Duplicate { .. }));
        scene.hears(&["628111111"], "w4", "goes on").await;
    }
    assert_eq!(read(&old).await, read(&new).await);
    for scene in [&mut old, &mut new] {
        let contact = scene.contact("ID.one").await.unwrap();
        scene.store.erase_contact(TENANT, contact).await.unwrap();
    }
    assert_eq!(read(&old).await, read(&new).await);
    for scene in [&mut old, &mut new] {
        scene.later(Duration::from_secs(400 * 86_400));
        scene.sweep().await;
        assert!(scene.contact("628222222").await.is_some());
    }
    assert_eq!(read(&old).await, read(&new).await);
}
