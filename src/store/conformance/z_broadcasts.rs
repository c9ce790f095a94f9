//! Z: broadcasts, as the ledger knows them.

mod ends;
mod turns;

use std::time::Duration;

use super::Backend;
use super::ops::{self, BROADCAST, recipient, to_recipient};
use super::scene::{Scene, TENANT};
use crate::domain::broadcast::ProgressSince;
use crate::domain::contact_details::Age;
use crate::domain::{
    BroadcastCounts, BroadcastRun, BroadcastTally, Contact, ContactChange, Content, ContentKind,
    Conversation, ConversationId, ConversationStatus, DeliveryState, Event, EventKind, Keyword,
    MarketingWish, MetaError, Reaction, RecipientOutcome, Suppression, WishSource,
};
use crate::store::op::{
    Audience, ChangeContact, Op, OpOutcome, OpRefusal, Prefer, ReportTarget, Settlement, Whom,
};
use crate::store::row::{ClaimOutcome, MessageRef, Seen};
use crate::store::{ConversationFilter, usage};

pub(super) use ends::{a_broadcast_goes_on_in_a_copy, an_erased_recipient_waits_no_longer};
pub(super) use turns::{
    the_newest_word_on_a_broadcast_holds_also_where_it_said_nothing_new,
    two_recipients_who_turn_out_to_be_one_get_it_once,
    what_waited_for_longer_than_messages_are_kept_is_not_sent,
    who_is_blocked_while_the_message_waits_is_not_called_for,
};

const ADA: &str = "628111111";
const BOB: &str = "628222222";
const CYN: &str = "628333333";
const DEE: &str = "628444444";

/// A scene in which the broadcast runs.
async fn running(backend: &impl Backend) -> Scene {
    let mut scene = Scene::of(backend).await;
    scene.one(ops::steer(BroadcastRun::Running)).await;
    scene
}

async fn tally(scene: &Scene) -> BroadcastTally {
    let tally = scene.store.broadcast_tally(TENANT, BROADCAST, scene.now).await;
    tally.unwrap().unwrap()
}

async fn counts(scene: &Scene) -> BroadcastCounts {
    tally(scene).await.counts
}

/// The outcomes that anybody came to.
async fn outcomes(scene: &Scene) -> Vec<(RecipientOutcome, u64)> {
    let counts = counts(scene).await.outcomes;
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

async fn sends(scene: &mut Scene, to: &str, no: u32) -> MessageRef {
    let submit = to_recipient(TENANT, &[to], ops::id(scene.now, u64::from(no)), no);
    scene.place(submit).await
}

async fn claim(scene: &Scene, at: MessageRef, attempt: u8) -> ClaimOutcome {
    let wants = vec![ops::want(at.message, attempt)];
    let claimed = scene.store.claim(TENANT, scene.fence, wants, scene.now).await;
    claimed.unwrap().pop().unwrap()
}

/// Meta takes a message.
async fn taken(scene: &mut Scene, at: MessageRef, wamid: &str) {
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(TENANT, at, 1);
    let now = scene.now;
    scene.one(ops::attempted(token, now, ops::accepted(wamid))).await;
}

async fn conversation(scene: &Scene, id: ConversationId) -> Conversation {
    scene.store.conversation(TENANT, id).await.unwrap().unwrap()
}

async fn listed(scene: &Scene) -> Vec<Conversation> {
    let mut all = Vec::new();
    for status in [
        None,
        Some(ConversationStatus::Open),
        Some(ConversationStatus::Resolved),
    ] {
        let filter = ConversationFilter { status, number: None };
        let page = scene.store.page_conversations(TENANT, filter, None, 100).await;
        all.extend(page.unwrap().items);
    }
    all
}

async fn events(scene: &Scene) -> Vec<Event> {
    let page = scene
        .store
        .events_after(TENANT, crate::domain::Seq::default(), 10_000, scene.now)
        .await;
    page.unwrap().events
}

/// Kinds of the events but for those of how the broadcast goes.
async fn told(scene: &Scene) -> Vec<EventKind> {
    let kinds = events(scene).await.into_iter().map(|event| event.kind);
    kinds.filter(|kind| *kind != EventKind::Broadcast).collect()
}

async fn contact(scene: &Scene, name: &str) -> Contact {
    let id = scene.contact(name).await.unwrap();
    scene.store.contact(TENANT, id).await.unwrap().unwrap()
}

fn noted(name: &str, change: ContactChange) -> Op {
    Op::ChangeContact(Box::new(ChangeContact {
        who: Whom::Named(ops::names(&[name])),
        changes: vec![change],
        by: ops::agent("ana"),
        audience: Audience::Nobody,
    }))
}

pub(super) async fn each_recipient_has_one_turn_and_nobody_is_told(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let submit = to_recipient(TENANT, &[ADA], ops::id(scene.now, 1), 1);
    let refused = OpOutcome::Refused(OpRefusal::BroadcastNotRunning);
    assert_eq!(scene.one(submit.clone()).await, refused, "it did not begin");
    scene.one(ops::steer(BroadcastRun::Running)).await;
    scene.later(Duration::from_millis(100));
    let at = scene.place(submit.clone()).await;
    // The same again, and under another id after a restart.
    let again = to_recipient(TENANT, &[ADA], ops::id(scene.now, 9), 1);
    let outcomes_of = scene.commit(vec![submit.into(), again.into()]).await;
    assert_eq!(outcomes_of, vec![OpOutcome::Duplicate { at: Some(at) }; 2]);
    let (backend, scene) = (backend, scene);
    let head = scene.head;
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    assert_eq!(scene.head, head, "a message of a broadcast moved the head");
    let other = to_recipient(TENANT, &[ADA], ops::id(scene.now, 10), 1);
    assert_eq!(scene.one(other).await, OpOutcome::Duplicate { at: Some(at) });
    assert_eq!(outcomes(&scene).await, [(RecipientOutcome::Queued, 1)]);
    assert_eq!(scene.outbox().await.len(), 1);
    taken(&mut scene, at, "m1").await;
    for state in [DeliveryState::Sent, DeliveryState::Delivered, DeliveryState::Read] {
        let target = ReportTarget::Wamid;
        let told = ops::reported(target, "m1", state, scene.now);
        scene.one(told).await;
    }
    assert_eq!(scene.state(at).await, DeliveryState::Read);
    assert!(told(&scene).await.is_empty(), "{:?}", told(&scene).await);
    assert!(listed(&scene).await.is_empty());
    let keys = vec![recipient(1).key(), recipient(2).key()];
    let seen = scene.store.seen(TENANT, keys, scene.now).await.unwrap();
    assert_eq!(seen, [Some(Seen { at: Some(at) }), None]);
}

pub(super) async fn counts_move_with_every_step_of_a_message(backend: impl Backend) {
    use RecipientOutcome::{Cancelled, Delivered, Expired, Failed, Held, Queued, Read, Sent, Unknown};
    let mut scene = running(&backend).await;
    let at = sends(&mut scene, ADA, 1).await;
    let token = |attempt| ops::token(TENANT, at, attempt);
    assert_eq!(outcomes(&scene).await, [(Queued, 1)]);
    assert!(scene.claims(at.message, 0).await);
    assert_eq!(outcomes(&scene).await, [(Queued, 1)], "a claim is no outcome");
    let error = MetaError {
        code: 131_026,
        title: "undeliverable".into(),
        details: None,
    };
    let now = scene.now;
    let unknown = crate::store::op::AttemptResult::Unknown { error: None };
    for _ in 0..2 {
        scene.one(ops::attempted(token(1), now, unknown.clone())).await;
        assert_eq!(outcomes(&scene).await, [(Unknown, 1)]);
    }
    scene.one(ops::settle(at, Settlement::SendAgain)).await;
    assert_eq!(outcomes(&scene).await, [(Queued, 1)], "it waits again");
    assert!(scene.claims(at.message, 1).await);
    let held = crate::store::op::AttemptResult::Held {
        wamid: ops::wamid("m1"),
    };
    scene.one(ops::attempted(token(2), now, held)).await;
    assert_eq!(outcomes(&scene).await, [(Held, 1)]);
    for (state, outcome) in [
        (DeliveryState::Sent, Sent),
        (DeliveryState::Failed, Failed),
        (DeliveryState::Failed, Failed),
        (DeliveryState::Delivered, Delivered),
        (DeliveryState::Sent, Delivered),
        (DeliveryState::Read, Read),
    ] {
        let mut report = ops::report(ReportTarget::Wamid, "m1", state, scene.now);
        report.error = (state == DeliveryState::Failed).then(|| error.clone());
        scene.one(Op::Report(Box::new(report))).await;
        assert_eq!(outcomes(&scene).await, [(outcome, 1)], "{state:?}");
        let failed = u64::from(outcome == Failed);
        let by_code = counts(&scene).await.failed_by_code;
        assert_eq!(by_code.get(&131_026).copied().unwrap_or_default(), failed);
    }
    for (no, name, to, outcome) in [
        (2, BOB, DeliveryState::Cancelled, Cancelled),
        (3, DEE, DeliveryState::Expired, Expired),
    ] {
        let at = sends(&mut scene, name, no).await;
        scene.one(ops::withdraw(at, to)).await;
        scene.one(ops::withdraw(at, to)).await;
        assert!(outcomes(&scene).await.contains(&(outcome, 1)));
    }
    let given_up = sends(&mut scene, CYN, 4).await;
    assert!(scene.claims(given_up.message, 0).await);
    let given_up_token = ops::token(TENANT, given_up, 1);
    scene.one(ops::attempted(given_up_token, now, unknown)).await;
    scene.one(ops::settle(given_up, Settlement::GiveUp)).await;
    let standing = [(Unknown, 1), (Read, 1), (Expired, 1), (Cancelled, 1)];
    assert_eq!(outcomes(&scene).await, standing);
    assert_eq!(counts(&scene).await.submitted, 4);
}

pub(super) async fn nothing_is_claimed_against_a_halt_and_what_is_cancelled_ends(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let first = sends(&mut scene, ADA, 1).await;
    let second = sends(&mut scene, BOB, 2).await;
    assert!(scene.claims(first.message, 0).await);
    scene.one(ops::steer(BroadcastRun::Halted)).await;
    assert!(matches!(
        claim(&scene, second, 0).await,
        ClaimOutcome::Halted(BROADCAST)
    ));
    let third = to_recipient(TENANT, &[CYN], ops::id(scene.now, 3), 3);
    let waits = OpOutcome::Refused(OpRefusal::BroadcastNotRunning);
    assert_eq!(scene.one(third.clone()).await, waits);
    // What was claimed goes on.
    let token = ops::token(TENANT, first, 1);
    scene
        .one(ops::attempted(token, scene.now, ops::accepted("m1")))
        .await;
    // Also for who takes the tenant over.
    let backend = {
        drop(scene);
        backend.reopen()
    };
    let mut scene = Scene::of(&backend).await;
    assert!(matches!(claim(&scene, second, 0).await, ClaimOutcome::Halted(_)));
    scene.one(ops::steer(BroadcastRun::Running)).await;
    scene.place(third).await;
    scene.one(ops::steer(BroadcastRun::Cancelled)).await;
    assert!(matches!(
        claim(&scene, second, 0).await,
        ClaimOutcome::BroadcastCancelled
    ));
    let over = OpOutcome::Refused(OpRefusal::BroadcastCancelled);
    assert_eq!(scene.one(ops::steer(BroadcastRun::Running)).await, over);
    scene.one(ops::withdraw(second, DeliveryState::Cancelled)).await;
    assert_eq!(
        outcomes(&scene).await,
        [
            (RecipientOutcome::Queued, 1),
            (RecipientOutcome::Sent, 1),
            (RecipientOutcome::Cancelled, 1)
        ]
    );
    // Others' messages are claimed all along.
    let reply = scene.says(&[ADA], 77, "a reply").await;
    assert!(scene.claims(reply.message, 0).await);
}

pub(super) async fn whoever_may_not_be_written_to_is_counted_and_not_sent_to(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[ADA]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(scene.now),
    });
    scene.one(stop).await;
    scene.one(noted(BOB, ContactChange::Minor(Age::Minor))).await;
    scene
        .one(noted(CYN, ContactChange::Block(ops::number("1"))))
        .await;
    for (no, name, why) in [
        (1, ADA, Suppression::OptedOut),
        (2, BOB, Suppression::ContactIsMinor),
        (3, CYN, Suppression::Blocked),
    ] {
        for turn in [OpOutcome::Suppressed(why), OpOutcome::Duplicate { at: None }] {
            let submit = to_recipient(TENANT, &[name], ops::id(scene.now, u64::from(no)), no);
            assert_eq!(scene.one(submit).await, turn, "{why:?}");
        }
        let keys = vec![recipient(no).key(), recipient(no).suppressed_key(why)];
        let seen = scene.store.seen(TENANT, keys, scene.now).await.unwrap();
        assert_eq!(seen, [Some(Seen { at: None }); 2]);
    }
    // By its id alone, as a broadcast does.
    let mut gone = to_recipient(TENANT, &["628999999"], ops::id(scene.now, 4), 4);
    gone.aliases = ops::names(&[]);
    assert_eq!(
        scene.one(gone).await,
        OpOutcome::Suppressed(Suppression::ContactGone)
    );
    let counts = counts(&scene).await;
    assert_eq!((counts.submitted, counts.messages()), (4, 0));
    assert_eq!(counts.suppressed.values().sum::<u64>(), 4);
    assert!(scene.outbox().await.is_empty());
}

pub(super) async fn a_conversation_enters_the_list_when_its_customer_answers_with_the_message_above(
    backend: impl Backend,
) {
    let mut scene = running(&backend).await;
    let at = sends(&mut scene, ADA, 1).await;
    taken(&mut scene, at, "m1").await;
    let row = conversation(&scene, at.conversation).await;
    assert!(row.is_unlisted && row.status == ConversationStatus::Resolved);
    assert!(listed(&scene).await.is_empty());
    // What a status teaches of a customer whom nobody has in a list is told to nobody.
    let mut report = ops::report(ReportTarget::Wamid, "m1", DeliveryState::Delivered, scene.now);
    report.aliases = ops::names(&[ADA, "ID.1"]);
    scene.one(Op::Report(Box::new(report))).await;
    assert_eq!(contact(&scene, ADA).await.bsuid.as_deref(), Some("ID.1"));
    assert!(told(&scene).await.is_empty());
    scene.later(Duration::from_secs(60));
    let answer = scene.hears(&[ADA], "w1", "tell me more").await;
    assert_eq!(answer.conversation, at.conversation);
    assert_eq!(told(&scene).await, [EventKind::Message; 2]);
    let events: Vec<_> = events(&scene)
        .await
        .into_iter()
        .filter(|event| event.kind == EventKind::Message)
        .collect();
    let about: Vec<serde_json::Value> = events
        .iter()
        .map(|event| serde_json::from_slice(&event.json).unwrap())
        .collect();
    assert_eq!(about[0]["data"]["message"]["id"], at.message.to_string());
    assert_eq!(about[0]["data"]["message"]["broadcast"]["no"], 1);
    assert!(about[0]["data"]["conversation"].is_object(), "nobody has it yet");
    assert_eq!(about[1]["data"]["message"]["id"], answer.message.to_string());
    let row = conversation(&scene, at.conversation).await;
    assert!(!row.is_unlisted && row.status == ConversationStatus::Open);
    assert_eq!((row.unread, row.last_message_id), (1, Some(answer.message)));
    assert_eq!(listed(&scene).await.len(), 2, "among all, and among open ones");
    assert_eq!(scene.texts(at).await.len(), 2);
    // From now on agents are told what becomes of it.
    let read = ops::reported(ReportTarget::Wamid, "m1", DeliveryState::Read, scene.now);
    scene.one(read).await;
    assert_eq!(told(&scene).await.last(), Some(&EventKind::Status));
    assert_eq!(outcomes(&scene).await, [(RecipientOutcome::Read, 1)]);
}

pub(super) async fn where_somebody_works_a_broadcast_changes_nothing_that_shows(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let heard = scene.hears(&[ADA], "w1", "hello").await;
    scene.hears(&[BOB], "w2", "hello, too").await;
    let shown = |rows: Vec<Conversation>| -> Vec<Conversation> {
        let hidden = |row| Conversation {
            last_broadcast: None,
            ..row
        };
        rows.into_iter().map(hidden).collect()
    };
    let (before, told_before) = (shown(listed(&scene).await), told(&scene).await);
    scene.later(Duration::from_secs(3_600));
    let at = sends(&mut scene, ADA, 1).await;
    assert_eq!(at.conversation, heard.conversation);
    taken(&mut scene, at, "m1").await;
    assert_eq!(shown(listed(&scene).await), before);
    assert_eq!(told(&scene).await, told_before);
    // What an agent writes goes by what the agent could see.
    let mut reply = ops::submit(TENANT, &[ADA], ops::id(scene.now, 5), "a reply");
    reply.unless_after = Some(before[0].last_message_seq.max(before[1].last_message_seq));
    scene.place(reply).await;
    assert_eq!(scene.texts(at).await.len(), 3);
}

fn pressed(wamid: &str, id: &str, scene: &Scene) -> crate::store::op::Receive {
    let mut receive = ops::receive(&[ADA], id, scene.now, "");
    receive.content = Content::from_value(
        ContentKind::Button,
        &serde_json::json!({
            "type": "button",
            "button": { "text": "Yes", "payload": "yes" },
            "context": { "id": format!("wamid.{wamid}") },
        }),
    );
    receive
}

pub(super) async fn what_customers_do_counts_once_and_for_a_week(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let at = sends(&mut scene, ADA, 1).await;
    taken(&mut scene, at, "m1").await;
    let reactions = async |scene: &Scene| {
        let counts = counts(scene).await.reactions;
        [Reaction::Replied, Reaction::Clicked, Reaction::OptedOut]
            .map(|reaction| counts.get(&reaction).copied().unwrap_or_default())
    };
    scene.hears(&[ADA], "w1", "hello").await;
    assert_eq!(reactions(&scene).await, [1, 0, 0]);
    scene.one(pressed("another", "w2", &scene)).await;
    assert_eq!(reactions(&scene).await, [1, 0, 0], "a button of another message");
    for id in ["w3", "w4"] {
        scene.one(pressed("m1", id, &scene)).await;
        assert_eq!(reactions(&scene).await, [1, 1, 0]);
    }
    let mut stop = ops::receive(&[ADA], "w5", scene.now, "STOP");
    stop.keyword = Some(Keyword::Stop);
    scene.one(stop).await;
    assert_eq!(reactions(&scene).await, [1, 1, 1]);
    // By a wish that Meta tells of, on the number that sent it.
    let at = sends(&mut scene, BOB, 2).await;
    taken(&mut scene, at, "m2").await;
    for number in ["2", "1", "1"] {
        scene
            .one(Op::Prefer(Prefer {
                number: Some(ops::number(number)),
                aliases: ops::names(&[BOB]),
                wish: MarketingWish::Stop(WishSource::Preference),
                at: Some(scene.now),
            }))
            .await;
        scene.later(Duration::from_secs(1));
        scene
            .one(Op::Prefer(Prefer {
                number: Some(ops::number(number)),
                aliases: ops::names(&[BOB]),
                wish: MarketingWish::Resume(WishSource::Preference),
                at: Some(scene.now),
            }))
            .await;
        scene.later(Duration::from_secs(1));
    }
    assert_eq!(reactions(&scene).await, [1, 1, 2]);
    // Too late to be an answer.
    sends(&mut scene, CYN, 3).await;
    scene.later(Duration::from_hours(7 * 24));
    let late = ops::receive(&[CYN], "w6", scene.now, "what was that?");
    scene.place(late).await;
    assert_eq!(reactions(&scene).await, [1, 1, 2]);
}

pub(super) async fn progress_is_told_once_a_second_and_usage_counts_each_message_once(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let mut places = Vec::new();
    for no in 0..30 {
        scene.later(Duration::from_millis(100));
        let at = sends(&mut scene, &format!("6281000{no:02}"), no).await;
        taken(&mut scene, at, &format!("m{no}")).await;
        places.push(at);
    }
    let mut answered = ops::report(ReportTarget::Wamid, "m3", DeliveryState::Sent, scene.now);
    answered.pricing = Some(ops::raw(r#"{"category":"marketing"}"#));
    for _ in 0..2 {
        scene.one(Op::Report(Box::new(answered.clone()))).await;
    }
    // One of them is told of, as its customer answers: it is the same message still.
    scene.hears(&["628100003"], "w1", "hello").await;
    scene.one(ops::steer(BroadcastRun::Running)).await;
    let progress: Vec<serde_json::Value> = events(&scene)
        .await
        .into_iter()
        .filter(|event| event.kind == EventKind::Broadcast)
        .map(|event| serde_json::from_slice(&event.json).unwrap())
        .collect();
    assert!(
        (4..=6).contains(&progress.len()),
        "{} in three seconds",
        progress.len()
    );
    let since = progress.iter().map(|event| {
        let since = event["data"]["since"].clone();
        serde_json::from_value::<ProgressSince>(since).unwrap()
    });
    assert_eq!(since.map(|since| since.messages).sum::<u64>(), 30);
    let last = progress.last().unwrap();
    assert_eq!(last["data"]["counts"]["submitted"], 30);
    assert_eq!(last["data"]["numbers"][0], "1");
    let epoch = Some(scene.epoch);
    let keep = Duration::from_hours(48);
    let counted = usage::count(&*scene.store, TENANT, epoch, keep, scene.now, 100).await;
    assert!(counted.unwrap().unwrap().is_all);
    let mut total = crate::domain::usage::UsageCounts::default();
    let (from, to) = (scene.now.before(keep), scene.now.after(keep));
    usage::hours(&*scene.store, TENANT, from, to, scene.now, |hour| {
        total.merge(&hour.counts);
    })
    .await
    .unwrap();
    assert_eq!((total.outbound, total.inbound), (30, 1));
    let categories: Vec<u64> = total.categories.values().copied().collect();
    assert_eq!(categories, [1]);
}
