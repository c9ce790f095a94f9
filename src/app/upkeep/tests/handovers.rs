//! What was theirs who left goes to others, whatever is killed in the middle.

use std::collections::BTreeMap;

use super::super::handovers::{self, step};
use super::*;
use crate::accounts::{Accepting, Actor, Inviting, NewToken, Removal, SignInOrigin};
use crate::domain::roles::Role;
use crate::domain::{AgentId, Author, ConversationId, EventKind, Seq, UserId};
use crate::store::op::{Organise, OrganiseChange};
use crate::store::tables::Leaving;
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
        token: token("invitation"),
    };
    accounts.invite(inviting).await.unwrap();
    let accepting = Accepting {
        tenant: TENANT,
        token: token("invitation").hash,
        name: Some("Somebody".to_owned()),
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
async fn process(store: &Arc<FaultyStore>) -> People {
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
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
async fn fill(store: &Arc<FaultyStore>) -> People {
    let tenant = crate::store::Tenant::new(TENANT, "Toko Maju", Retention::DEFAULT, NOW);
    store.put_tenant(tenant).await.unwrap();
    let people = process(store).await;
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
    };
    people.accounts.remove_member(removal).await.unwrap();
    people.accounts.handovers().await.unwrap().remove(0)
}

async fn carry_out(people: &People) {
    let done = async {
        while !people.accounts.handovers().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = handovers::run(people) => {}
        done = tokio::time::timeout(Duration::from_secs(60), done) => done.unwrap(),
    }
}

#[actix::test]
async fn the_conversations_of_who_left_go_to_a_colleague_although_the_process_dies_in_the_middle() {
    let store = Arc::new(FaultyStore::default());
    let people = fill(&store).await;
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
    let people = process(&store).await;
    let shown = people.accounts.former_members(TENANT).await.unwrap();
    assert!(shown[0].row.handover.is_some());
    carry_out(&people).await;
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
async fn conversations_become_nobodys_where_whoever_was_to_get_them_left_too() {
    let store = Arc::new(FaultyStore::default());
    let people = fill(&store).await;
    leave(&people, Some(user(3))).await;
    let also = Removal {
        tenant: TENANT,
        by: Actor::Operator,
        user: user(3),
        assign_to: None,
    };
    people.accounts.remove_member(also).await.unwrap();
    carry_out(&people).await;
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
    let store = Arc::new(FaultyStore::default());
    let people = fill(&store).await;
    // Whoever removed her was stopped before the team's row.
    let clock = TestClock::at(NOW);
    let row = Leaving::new(TENANT, user(1), NOW.before(Duration::from_secs(61)));
    let table = crate::store::plain::PlainTable::<Leaving>::of(store.as_ref(), clock.now());
    table
        .replace(&Leaving::at(TENANT, user(1)), None, Some(&row))
        .await
        .unwrap();
    carry_out(&people).await;
    assert_eq!(assignees(&people).await[&Some(agent(user(1)))], CONVERSATIONS / 2);
}
