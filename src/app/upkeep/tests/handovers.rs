//! What was theirs who left goes to others, whatever is killed in the middle.

use std::collections::BTreeMap;

use super::super::handovers::{self, step};
use super::*;
use crate::accounts::{
    Accepting, Actor, Confirmation, Inviting, NewLink, NewToken, Newcomer, Removal, SignInOrigin,
};
use crate::domain::roles::Role;
use crate::domain::{
    AgentId, Author, ContactChange, ConversationId, EventKind, MemberLimit, PhoneNumberId, Seq, UserId,
};
use crate::store::op::{Audience, ChangeContact, Organise, OrganiseChange, Whom};
use crate::store::plain::PlainTable;
use crate::store::tables::{CannedReply, Leaving, OwnReply, Shortcut};
use crate::store::{ConversationFilter, KeyHash, OpOutcome};

const TENANT: TenantId = TenantId::new(1);
/// More than two pages of the list.
const CONVERSATIONS: u64 = 230;

fn user(byte: u8) -> UserId {
    UserId::from_bytes([byte; 16])
}

fn agent(user: UserId) -> AgentId {
    AgentId::parse(&user.to_string()).unwrap()
}

async fn join(accounts: &Accounts, who: UserId, role: Role) {
    let name = who.to_string();
    let token = |what: &str| NewToken {
        id: what.to_owned(),
        hash: KeyHash::of(&format!("{what} {name}")),
    };
    let inviting = Inviting {
        tenant: TENANT,
        by: Actor::Operator,
        email: format!("{name}@example.com").parse().unwrap(),
        role,
        limit: None,
        link: NewLink::of(token("invitation")),
    };
    accounts.invite(inviting).await.unwrap();
    let accepting = Accepting {
        tenant: TENANT,
        token: token("invitation").hash,
        newcomer: Newcomer::of_age("Somebody"),
        password: "kopi tubruk di pasar minggu".into(),
        code: None,
        fresh: who,
        session: token("session"),
        origin: SignInOrigin {
            address: None,
            browser: String::new(),
        },
    };
    accounts.accept(accepting).await.unwrap();
}

/// A process on a store, with a tenant whose conversations may be handed over.
async fn process(store: &Arc<FaultyStore>, clock: &TestClock) -> People {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let directory = directory_on(vec![actix::Arbiter::current()], store, &clock).await;
    let people = people(directory, &clock, &Shutdown::default());
    people.tenants.opened();
    people
}

async fn assign(people: &People, conversation: ConversationId, to: UserId) {
    let op = Op::Organise(Organise {
        conversation,
        author: Author::BusinessApp,
        change: OrganiseChange::Assign(Some(agent(to))),
    });
    let ledger = people.directory.tenant(TENANT).await.unwrap().ledger;
    ledger.commit(op).await.unwrap();
}

/// Every second conversation is Ana's, the others are Ben's.
async fn fill(store: &Arc<FaultyStore>, clock: &TestClock) -> People {
    let tenant = crate::store::Tenant::new(TENANT, "Toko Maju", Retention::DEFAULT, NOW);
    store.put_tenant(tenant).await.unwrap();
    let people = process(store, clock).await;
    for (who, role) in [(1, Role::Owner), (2, Role::Owner), (3, Role::Agent)] {
        join(&people.accounts, user(who), role).await;
    }
    let ledger = people.directory.tenant(TENANT).await.unwrap().ledger;
    for n in 0..CONVERSATIONS {
        let Op::Receive(mut receive) = received(&format!("wamid.{n}"), NOW) else {
            panic!()
        };
        receive.aliases = ContactAliases::of([Alias::phone(&format!("62812{n:06}")).unwrap()]);
        let committed = ledger.commit(Op::Receive(receive)).await.unwrap();
        let OpOutcome::Committed { at: Some(at), .. } = committed else {
            panic!("{committed:?}")
        };
        assign(&people, at.conversation, user(u8::try_from(1 + n % 2).unwrap())).await;
    }
    people
}

/// Ana looks after some customers, as many as are handed over in more than one page.
async fn look_after(people: &People, owner: UserId) {
    let ledger = people.directory.tenant(TENANT).await.unwrap().ledger;
    for n in 0..CONVERSATIONS / 2 {
        let phone = Alias::phone(&format!("62812{n:06}")).unwrap();
        let change = ChangeContact {
            who: Whom::Named(ContactAliases::of([phone])),
            changes: vec![ContactChange::Owner(Some(agent(owner)))],
            by: Author::BusinessApp,
            audience: Audience::Nobody,
        };
        ledger.commit(Op::ChangeContact(Box::new(change))).await.unwrap();
    }
}

async fn owners(people: &People) -> BTreeMap<Option<AgentId>, u64> {
    let store = people.directory.store();
    let page = store.page_conversations(TENANT, ConversationFilter::default(), None, 1_000);
    let mut found = BTreeMap::new();
    for one in page.await.unwrap().items {
        let contact = store.contact(TENANT, one.contact_id).await.unwrap().unwrap();
        *found.entry(contact.owner).or_default() += 1;
    }
    found
}

async fn assignees(people: &People) -> BTreeMap<Option<AgentId>, u64> {
    let store = people.directory.store();
    let page = store.page_conversations(TENANT, ConversationFilter::default(), None, 1_000);
    let mut found = BTreeMap::new();
    for one in page.await.unwrap().items {
        *found.entry(one.assignee).or_default() += 1;
    }
    found
}

async fn leave(people: &People, assign_to: Option<UserId>) -> Leaving {
    let removal = Removal {
        tenant: TENANT,
        by: Actor::Member(user(2)),
        user: user(1),
        assign_to,
        confirmed: Confirmation::Shown,
    };
    people.accounts.remove_member(removal).await.unwrap();
    people.accounts.handovers().await.unwrap().remove(0)
}

/// Has handovers carried out until this holds for all that are left.
async fn carry_out_until(people: &People, holds: impl Fn(&Leaving) -> bool) {
    let done = async {
        while !people.accounts.handovers().await.unwrap().iter().all(&holds) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = handovers::run(people) => {}
        done = tokio::time::timeout(Duration::from_secs(60), done) => done.unwrap(),
    }
}

async fn carry_out(people: &People, clock: &TestClock) {
    carry_out_until(people, |row| row.last_pass.is_some()).await;
    clock.advance(Duration::from_mins(1));
    carry_out_until(people, |_| false).await;
}

#[actix::test]
async fn the_conversations_of_who_left_go_to_a_colleague_although_the_process_dies_in_the_middle() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    let taken =
        people
            .directory
            .store()
            .page_conversations(TENANT, ConversationFilter::default(), None, 1_000);
    let taken = taken.await.unwrap().items;
    let taken = taken
        .iter()
        .rev()
        .find(|one| one.assignee == Some(agent(user(1))))
        .unwrap()
        .id;
    let before = people.directory.tenant(TENANT).await.unwrap().ledger.head().head;
    let row = leave(&people, Some(user(3))).await;
    // One page, whose progress is not noted any more.
    *store.plain_writes_left.lock().unwrap() = Some(0);
    step(&people, &row).await.unwrap_err();
    *store.plain_writes_left.lock().unwrap() = None;
    let half = assignees(&people).await;
    assert!(
        half[&Some(agent(user(3)))] > 0 && half[&Some(agent(user(1)))] > 0,
        "{half:?}"
    );
    // A colleague takes one over meanwhile.
    assign(&people, taken, user(2)).await;
    let ledger = people.directory.tenant(TENANT).await.unwrap().ledger;
    ledger.finish().await;
    drop(people);
    let people = process(&store, &clock).await;
    let shown = people.accounts.former_members(TENANT).await.unwrap();
    assert!(shown[0].row.handover.is_some());
    carry_out(&people, &clock).await;
    let all = assignees(&people).await;
    let expected = [(user(2), CONVERSATIONS / 2 + 1), (user(3), CONVERSATIONS / 2 - 1)];
    assert_eq!(all, expected.map(|(who, count)| (Some(agent(who)), count)).into());
    let shown = people.accounts.former_members(TENANT).await.unwrap();
    assert_eq!((shown[0].user, shown[0].row.handover), (user(1), None));
    // Each is told once, as what the owner who removed her did.
    let mut after = before;
    let mut told = 0;
    loop {
        let page = store.events_after(TENANT, after, 100, NOW).await.unwrap();
        let Some(last) = page.events.last() else { break };
        after = last.seq;
        let by = format!("{{\"kind\":\"agent\",\"id\":\"{}\"}}", user(2));
        let changed = page
            .events
            .iter()
            .filter(|event| event.kind == EventKind::Conversation);
        told += changed
            .filter(|event| String::from_utf8_lossy(&event.json).contains(&by))
            .count();
    }
    assert_eq!(u64::try_from(told).unwrap(), CONVERSATIONS / 2 - 1);
    assert!(after > Seq::new(0));
}

#[actix::test]
async fn the_contacts_of_who_left_go_to_a_colleague_too_although_the_process_dies_in_the_middle() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    look_after(&people, user(1)).await;
    let row = leave(&people, Some(user(3))).await;
    *store.plain_writes_left.lock().unwrap() = Some(0);
    step(&people, &row).await.unwrap_err();
    *store.plain_writes_left.lock().unwrap() = None;
    let half = owners(&people).await;
    assert!(
        half[&Some(agent(user(3)))] > 0 && half[&Some(agent(user(1)))] > 0,
        "{half:?}"
    );
    carry_out(&people, &clock).await;
    let all = owners(&people).await;
    let half = CONVERSATIONS / 2;
    assert_eq!(all, [(Some(agent(user(3))), half), (None, half)].into());
}

#[actix::test]
async fn whoever_is_limited_still_looks_after_the_contacts() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    look_after(&people, user(3)).await;
    let limit = MemberLimit {
        numbers: [PhoneNumberId::parse("999").unwrap()].into_iter().collect(),
        ..MemberLimit::default()
    };
    let accounts = &people.accounts;
    let limited = accounts.set_limit(TENANT, Actor::Operator, user(3), Some(limit));
    limited.await.unwrap();
    carry_out(&people, &clock).await;
    assert_eq!(owners(&people).await[&Some(agent(user(3)))], CONVERSATIONS / 2);
}

#[actix::test]
async fn conversations_become_nobodys_where_whoever_was_to_get_them_left_too() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    leave(&people, Some(user(3))).await;
    let also = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: user(3),
        assign_to: None,
        confirmed: Confirmation::Shown,
    };
    people.accounts.remove_member(also).await.unwrap();
    carry_out(&people, &clock).await;
    let all = assignees(&people).await;
    assert_eq!(
        all,
        [
            (None, CONVERSATIONS / 2),
            (Some(agent(user(2))), CONVERSATIONS / 2)
        ]
        .into()
    );
}

#[actix::test]
async fn a_row_of_somebody_who_did_not_leave_moves_nothing_and_goes() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    // Whoever removed her was stopped before the team's row.
    let row = Leaving::new(TENANT, user(1), NOW.before(Duration::from_secs(61)));
    let table = crate::store::plain::PlainTable::<Leaving>::of(store.as_ref(), clock.now());
    table
        .replace(&Leaving::at(TENANT, user(1)), None, Some(&row))
        .await
        .unwrap();
    carry_out(&people, &clock).await;
    assert_eq!(assignees(&people).await[&Some(agent(user(1)))], CONVERSATIONS / 2);
}

#[actix::test]
async fn what_is_assigned_late_to_who_left_is_handed_over_too() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    let mine = ConversationFilter::default();
    let page = people.directory.store().page_conversations(TENANT, mine, None, 1);
    let one = page.await.unwrap().items[0].id;
    leave(&people, Some(user(3))).await;
    carry_out_until(&people, |row| row.last_pass.is_some()).await;
    assert_eq!(assignees(&people).await.get(&Some(agent(user(1)))), None);
    // It was allowed before she left.
    assign(&people, one, user(1)).await;
    clock.advance(Duration::from_mins(1));
    carry_out_until(&people, |_| false).await;
    assert_eq!(assignees(&people).await.get(&Some(agent(user(1)))), None);
}

#[actix::test]
async fn a_row_that_somebody_wrote_meanwhile_is_no_stray_one() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    let read = Leaving::new(TENANT, user(1), NOW.before(Duration::from_secs(61)));
    let table = crate::store::plain::PlainTable::<Leaving>::of(store.as_ref(), NOW);
    let key = Leaving::at(TENANT, user(1));
    let fresh = Leaving::new(TENANT, user(1), NOW);
    assert!(table.replace(&key, None, Some(&fresh)).await.unwrap());
    assert_eq!(people.accounts.due_handover(&read).await.unwrap(), None);
    assert!(table.get(&key).await.unwrap().is_some());
}

#[actix::test]
async fn what_a_limit_takes_out_of_sight_becomes_nobodys_and_the_rest_stays() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    let page = people.directory.store();
    let page = page.page_conversations(TENANT, ConversationFilter::default(), None, 3);
    let some = page.await.unwrap().items;
    for one in &some {
        assign(&people, one.id, user(3)).await;
    }
    let limit = async |numbers: Vec<PhoneNumberId>| {
        let limit = MemberLimit {
            numbers: numbers.into_iter().collect(),
            ..MemberLimit::default()
        };
        let set = people
            .accounts
            .set_limit(TENANT, Actor::Operator, user(3), Some(limit));
        set.await.unwrap();
        carry_out(&people, &clock).await;
    };
    let theirs = async || assignees(&people).await.get(&Some(agent(user(3)))).copied();
    limit(vec![some[0].number.clone()]).await;
    assert_eq!(theirs().await, Some(3));
    limit(vec![PhoneNumberId::parse("999").unwrap()]).await;
    assert_eq!(theirs().await, None);
    assert_eq!(assignees(&people).await.get(&None), Some(&3));
}

#[actix::test]
async fn replies_that_somebody_wrote_for_themselves_go_with_them_and_stay_in_other_tenants() {
    let (store, clock) = (Arc::new(FaultyStore::default()), TestClock::at(NOW));
    let people = fill(&store, &clock).await;
    let elsewhere = TenantId::new(TENANT.get() + 1);
    let table = || PlainTable::<OwnReply>::of(people.directory.store().as_ref(), clock.now());
    for (n, tenant) in (0..150).map(|n| (n, TENANT)).chain([(0, elsewhere)]) {
        let shortcut: Shortcut = format!("r{n}").parse().unwrap();
        let own = OwnReply {
            tenant,
            reply: CannedReply {
                shortcut: shortcut.clone(),
                text: "See you".to_owned(),
                changed_at: NOW,
                changed_by: Author::BusinessApp,
            },
        };
        let key = OwnReply::at(user(1), tenant, &shortcut);
        assert!(table().replace(&key, None, Some(&own)).await.unwrap());
    }
    leave(&people, None).await;
    carry_out(&people, &clock).await;
    let left = table().page(OwnReply::of(user(1)), None, 200).await.unwrap();
    let left: Vec<TenantId> = left.items.iter().map(|found| found.row.tenant).collect();
    assert_eq!(left, [elsewhere]);
}
