//! U: what is told of one time means whoever went by the name then.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::q_identity::{moves, person, shown, told};
use super::scene::{Scene, TENANT};
use crate::domain::message::{Side, Via};
use crate::domain::{MarketingWish, Purpose, Seq, Timestamp, WamidHash, WishSource};
use crate::store::Record;
use crate::store::op::{Naming, Op, OpOutcome, OpRefusal, Prefer, Receive};
use crate::store::row::{ClaimOutcome, MessageRef};

const ONE: &str = "573100000001";
const TWO: &str = "573100000002";

/// So many seconds after scenes begin.
fn second(n: u64) -> Timestamp {
    super::scene::DAY_ONE.after(Duration::from_secs(n))
}

/// What whoever goes by these names writes at a second.
async fn writes(scene: &mut Scene, from: &[&str], id: &str, at: u64) -> MessageRef {
    scene.place(ops::receive(from, id, second(at), id)).await
}

/// A number that went from Ada, who is one contact, to Bob.
async fn recycled(scene: &mut Scene) -> (MessageRef, MessageRef) {
    scene.later(Duration::from_secs(1_000));
    let ada = writes(scene, &[ONE, "CO.1"], "ada", 100).await;
    let bob = writes(scene, &[ONE, "CO.2"], "bob", 300).await;
    assert_ne!(ada.conversation, bob.conversation);
    (ada, bob)
}

/// The message that tells of a change of number.
fn notice(from: &[&str], to: &[&str], id: &str, at: u64) -> Receive {
    let mut notice = ops::receive(from, id, second(at), id);
    notice.naming = Naming::Former(ops::names(to));
    notice.name = None;
    notice
}

pub(super) async fn a_late_notice_moves_whoever_had_the_number_then(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let (ada, bob) = recycled(&mut scene).await;
    let to: &[&str] = &[TWO, "CO.3"];
    // Twice: each number of the business is told, not quite at the same time.
    for (once, at) in [("n1", 200), ("n2", 201)] {
        scene.one(ops::moved(&[ONE], to, second(at), once)).await;
        let told = scene.place(notice(&[ONE], to, once, at)).await;
        assert_eq!(told.conversation, ada.conversation);
        assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some("CO.2")));
        assert_eq!(shown(&person(&scene, "CO.1").await), (Some(TWO), Some("CO.3")));
    }
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    for (from, id, at, expected) in [
        (&["CO.3"][..], "a1", 400, ada),
        (&[TWO], "a2", 401, ada),
        (&[ONE, "CO.2"], "b1", 402, bob),
        (&[ONE], "b2", 403, bob),
    ] {
        let place = writes(&mut scene, from, id, at).await;
        assert_eq!(place.conversation, expected.conversation, "{id}");
    }
    let reply = scene.says(&[ONE], 1, "reply").await;
    assert_eq!(reply.conversation, bob.conversation);
}

pub(super) async fn a_notice_that_comes_again_after_the_way_back_moves_nobody(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    for (one, two, back) in [
        (
            &["573100000011"][..],
            &["573100000012"][..],
            &["573100000011"][..],
        ),
        (&[ONE, "CO.1"], &[TWO, "CO.2"], &[ONE, "CO.3"]),
    ] {
        writes(&mut scene, one, one[0], 100).await;
        scene.one(ops::moved(one, two, second(200), two[0])).await;
        scene.one(ops::moved(two, back, second(300), one[0])).await;
        let known = person(&scene, one[0]).await;
        assert_eq!(known.phone.as_deref(), Some(one[0]));
        let Op::Relate(mut again) = ops::moved(&one[..1], two, second(200), "again") else {
            panic!("no notice")
        };
        again.number = ops::number("2");
        again.once = WamidHash::of_other("again", &[one[0].as_bytes()]);
        assert_eq!(scene.one(Op::Relate(again)).await, OpOutcome::Unchanged);
        for name in one.iter().chain(two).chain(back) {
            assert_eq!(shown(&person(&scene, name).await), shown(&known), "{name}");
        }
    }
}

pub(super) async fn a_notice_older_than_the_last_message_moves_nobody(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    writes(&mut scene, &[ONE], "w1", 100).await;
    let since = writes(&mut scene, &[ONE], "w2", 250).await;
    scene.one(ops::moved(&[ONE], &[TWO], second(200), "late")).await;
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), None));
    // She is known by the other name, too.
    let next = writes(&mut scene, &[TWO], "w3", 300).await;
    assert_eq!(next.conversation, since.conversation);
}

pub(super) async fn what_a_numbers_former_owner_wrote_stays_with_them(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let (ada, bob) = recycled(&mut scene).await;
    let mut import = ops::receive(&[ONE], "old", second(150), "old");
    import.via = Some(Via::History);
    assert_eq!(scene.place(import).await.conversation, ada.conversation);
    for (id, at, expected) in [("l1", 299, ada), ("l2", 300, bob), ("l3", 350, bob)] {
        let place = writes(&mut scene, &[ONE], id, at).await;
        assert_eq!(place.conversation, expected.conversation, "{id}");
    }
    // On to Cy, who had it last.
    let cy = writes(&mut scene, &[ONE, "CO.4"], "cy", 500).await;
    for (id, at, expected) in [("m1", 150, ada), ("m2", 450, bob), ("m3", 501, cy)] {
        let place = writes(&mut scene, &[ONE], id, at).await;
        assert_eq!(place.conversation, expected.conversation, "{id}");
    }
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some("CO.4")));
    assert_eq!(shown(&person(&scene, "CO.1").await), (None, Some("CO.1")));
    // And back to Ada.
    writes(&mut scene, &[ONE, "CO.1"], "back", 600).await;
    for (id, at, expected) in [
        ("n1", 150, ada),
        ("n2", 450, bob),
        ("n3", 550, cy),
        ("n4", 601, ada),
    ] {
        let place = writes(&mut scene, &[ONE], id, at).await;
        assert_eq!(place.conversation, expected.conversation, "{id}");
    }
}

pub(super) async fn a_late_message_tells_a_name_that_is_over(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    let ada = writes(&mut scene, &[TWO, "CO.1"], "w1", 200).await;
    let late = writes(&mut scene, &[ONE, "CO.1"], "w2", 100).await;
    assert_eq!(late.conversation, ada.conversation);
    assert_eq!(shown(&person(&scene, "CO.1").await), (Some(TWO), Some("CO.1")));
    // Whoever writes from it now is somebody else.
    let other = writes(&mut scene, &[ONE], "w3", 300).await;
    assert_ne!(other.conversation, ada.conversation);
    assert_eq!(shown(&person(&scene, "CO.1").await), (Some(TWO), Some("CO.1")));
}

pub(super) async fn a_number_that_was_left_leads_to_whom_meta_mentions_by_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = moves(&mut scene).await;
    let now = scene.later(Duration::from_secs(60));
    let mut echo = ops::receive(&[ONE], "echo", now, "from the phone");
    (echo.by, echo.via, echo.name) = (Side::Business, None, None);
    let echo = scene.place(echo).await;
    assert_ne!(echo.conversation, first.conversation);
    let known = person(&scene, ONE).await;
    assert_eq!(shown(&known), (Some(ONE), None));
    let row = scene.store.conversation(TENANT, echo.conversation).await;
    assert_eq!(row.unwrap().unwrap().contact_id, known.id);
    let now = scene.later(Duration::from_secs(60));
    let answer = ops::receive(&[ONE, "CO.99"], "answer", now, "who is this?");
    assert_eq!(scene.place(answer).await.conversation, echo.conversation);
    assert_eq!(shown(&person(&scene, TWO).await), (Some(TWO), Some("CO.32")));
}

pub(super) async fn an_opt_out_of_a_number_that_was_left_is_its_new_owners(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    moves(&mut scene).await;
    let now = scene.later(Duration::from_secs(60));
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[ONE]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(now),
    });
    scene.one(stop).await;
    for (tail, to, expected) in [(1, ONE, true), (2, TWO, false)] {
        let mut offer = ops::submit(TENANT, &[to], ops::id(scene.now, tail), "offer");
        offer.purpose = Purpose::Marketing;
        let refused = scene.one(offer).await == OpOutcome::Refused(OpRefusal::OptedOut);
        assert_eq!(refused, expected, "{to}");
    }
}

pub(super) async fn who_loses_a_number_is_told_of_once(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    writes(&mut scene, &["5551987654321", "BR.1"], "w1", 100).await;
    writes(&mut scene, &["555187654321", "BR.1"], "w2", 101).await;
    let before = scene.head;
    writes(&mut scene, &["5551987654321", "BR.2"], "w3", 102).await;
    let names = serde_json::json!(["names"]);
    assert_eq!(told(&scene, before).await, [(names, serde_json::Value::Null)]);
    assert_eq!(
        person(&scene, "555187654321").await.bsuid.as_deref(),
        Some("BR.2")
    );
}

pub(super) async fn who_changes_ids_alone_keeps_the_number(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    writes(&mut scene, &[ONE, "CO.1"], "w1", 100).await;
    let before = scene.head;
    // In the second of the last message, and later.
    for (n, at) in [(1, 100), (2, 200)] {
        let (from, to) = (format!("CO.{n}"), format!("CO.{}", n + 1));
        scene
            .one(ops::moved(&[ONE, &from], &[ONE, &to], second(at), &to))
            .await;
        assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some(&*to)));
    }
    let names = || serde_json::json!(["names"]);
    assert_eq!(
        told(&scene, before).await,
        [(names(), ONE.into()), (names(), ONE.into())]
    );
    assert!(told(&scene, Seq::default()).await.len() == 2);
}

pub(super) async fn links_one_behind_another_are_followed_to_their_end(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let phone = |n: usize| format!("6289000000{n:02}");
    for n in 0..12 {
        scene.hears(&[&phone(n)], &format!("w{n}"), "x").await;
    }
    let mut offer = ops::submit(TENANT, &[&phone(0)], ops::id(scene.now, 1), "offer");
    offer.purpose = Purpose::Marketing;
    let offer = scene.place(offer).await;
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(person(&scene, &phone(n)).await);
    }
    let last = people[11].id;
    // As earlier versions wrote them.
    let chain = people.windows(2).map(|pair| {
        let mut row = pair[0].clone();
        row.linked_to = Some(pair[1].id);
        Record::Contact(Box::new(row))
    });
    let (fence, chain) = (scene.fence, chain.collect());
    scene.store.import(TENANT, fence, chain, scene.now).await.unwrap();
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[&phone(11)]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(scene.now),
    });
    scene.one(stop).await;
    let wants = vec![ops::want(offer.message, 0)];
    let claimed = scene.store.claim(TENANT, scene.fence, wants, scene.now).await;
    assert!(matches!(claimed.unwrap()[..], [ClaimOutcome::OptedOut]));
    assert_eq!(scene.contact(&phone(0)).await, Some(last));
    let said = scene.says(&[&phone(0)], 2, "x").await;
    assert_eq!(scene.message(said).await.unwrap().contact_id, last);
    for earlier in &people[..11] {
        let row = scene.store.contact(TENANT, earlier.id).await.unwrap().unwrap();
        assert_eq!(row.linked_to, Some(last), "shortened once it is read");
    }
}

pub(super) async fn one_parent_id_is_one_person_whatever_portfolio_tells_of_them(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    let on = |number: &str, from: &[&str], id: &str, at: u64| {
        let mut receive = ops::receive(from, id, second(at), id);
        receive.number = ops::number(number);
        receive
    };
    let (first, other): (&[&str], &[&str]) = (&[ONE, "CO.1", "CO.ENT.1"], &[ONE, "CO.2", "CO.ENT.1"]);
    let here = scene.place(on("1", first, "w1", 100)).await;
    scene.place(on("2", other, "w2", 200)).await;
    let before = scene.head;
    assert_eq!(
        scene.place(on("1", first, "w3", 300)).await.conversation,
        here.conversation
    );
    scene.place(on("2", other, "w4", 400)).await;
    assert!(told(&scene, before).await.is_empty(), "nothing is new");
    for name in [ONE, "CO.1", "CO.2", "CO.ENT.1"] {
        assert_eq!(
            shown(&person(&scene, name).await),
            (Some(ONE), Some("CO.1")),
            "{name}"
        );
    }
    // What the person wrote and wants counts, by whichever number and name.
    let mut reply = ops::submit(TENANT, &[ONE], ops::id(scene.now, 1), "reply");
    reply.window_at = Some(scene.now);
    assert_eq!(scene.place(reply).await.conversation, here.conversation);
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[ONE, "CO.1"]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(scene.now),
    });
    scene.one(stop).await;
    let mut offer = ops::submit(TENANT, &["CO.2"], ops::id(scene.now, 2), "offer");
    offer.purpose = Purpose::Marketing;
    assert_eq!(scene.one(offer).await, OpOutcome::Refused(OpRefusal::OptedOut));
}

pub(super) async fn two_changes_told_in_reverse_leave_the_number_to_its_next_owner(backend: impl Backend) {
    const FIRST: &str = "573100000021";
    const SECOND: &str = "573100000022";
    const THIRD: &str = "573100000023";
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    let ada = writes(&mut scene, &[FIRST], "ada", 1).await;
    for (from, to, at) in [(SECOND, THIRD, 20), (FIRST, SECOND, 10)] {
        scene.one(ops::moved(&[from], &[to], second(at), to)).await;
    }
    let next = writes(&mut scene, &[FIRST], "next owner", 15).await;
    assert_ne!(next.conversation, ada.conversation);
    let later = writes(&mut scene, &[THIRD], "ada, later", 30).await;
    assert_eq!(later.conversation, ada.conversation);
}

/// What Meta tells of number `ONE` at a second and does not say an id of.
fn by_phone_alone(id: &str, at: u64) -> [Receive; 3] {
    let told = |kind: &str| ops::receive(&[ONE], &format!("{id}{kind}"), second(at), id);
    let (mut echo, mut import) = (told("echo"), told("import"));
    (echo.by, echo.via, echo.name) = (Side::Business, None, None);
    import.via = Some(Via::History);
    [echo, import, told("message")]
}

pub(super) async fn a_notice_that_comes_after_the_next_owner_tells_whose_the_number_was(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    // Bob is heard first, then that Ada had left the number before, and Cy before her.
    let bob = writes(&mut scene, &[ONE, "CO.2"], "bob", 300).await;
    for (from, to, at) in [
        (&[ONE, "CO.1"][..], &[TWO, "CO.1"][..], 200),
        (&[ONE, "CO.3"], &["573100000003", "CO.3"], 100),
    ] {
        scene.place(notice(from, to, to[1], at)).await;
        scene.one(ops::moved(from, to, second(at), to[1])).await;
    }
    let ada = writes(&mut scene, &[TWO, "CO.1"], "ada", 400).await;
    let cy = writes(&mut scene, &["573100000003", "CO.3"], "cy", 400).await;
    for (at, expected) in [(50, cy), (150, ada), (250, bob), (350, bob)] {
        for told in by_phone_alone(&at.to_string(), at) {
            let place = scene.place(told).await;
            assert_eq!(place.conversation, expected.conversation, "at {at}");
        }
    }
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some("CO.2")));
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[ONE]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(second(150)),
    });
    scene.one(stop).await;
    for (name, expected) in [("CO.1", true), ("CO.2", false), ("CO.3", false)] {
        assert_eq!(
            person(&scene, name).await.opted_out_at.is_some(),
            expected,
            "{name}"
        );
    }
}

pub(super) async fn a_late_message_tells_whose_the_number_was_before_its_next_owner(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(1_000));
    let bob = writes(&mut scene, &[ONE, "CO.2"], "bob", 300).await;
    let ada = writes(&mut scene, &[ONE, "CO.1"], "ada 2", 100).await;
    writes(&mut scene, &[ONE, "CO.1"], "ada", 200).await;
    for (at, expected) in [(50, ada), (150, ada), (250, bob), (350, bob)] {
        for told in by_phone_alone(&at.to_string(), at) {
            let place = scene.place(told).await;
            assert_eq!(place.conversation, expected.conversation, "at {at}");
        }
    }
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some("CO.2")));
    assert_eq!(shown(&person(&scene, "CO.1").await), (None, Some("CO.1")));
}
