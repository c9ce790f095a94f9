//! A conversation against the store in memory.

use tokio::sync::oneshot;

use super::*;
use crate::actors::ledger::Ledger;
use crate::actors::messages::conversation::Recipient;
use crate::actors::request::{ContentClass, Destination, NoteRequest, SubmitRequest};
use crate::domain::{
    Alias, Author, ContactAliases, Content, Epoch, Message, MessageId, PhoneNumberId, Priority, Purpose,
    Retention, Seq, TestClock, Timestamp, Wamid,
};
use crate::store::Op;
use crate::store::memory::MemoryStore;
use crate::store::op::{Naming, OpOutcome, Receive};
use crate::store::row::MessageRef;

const TENANT: TenantId = TenantId::new(1);
const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

fn ada() -> ContactAliases {
    ContactAliases::of([Alias::phone("628123456789").unwrap()])
}

fn number() -> PhoneNumberId {
    PhoneNumberId::parse("1065").unwrap()
}

struct Scene {
    store: Arc<MemoryStore>,
    clock: TestClock,
    ledger: LedgerHandle,
    ids: u64,
}

impl Scene {
    async fn open() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = TestClock::at(NOW);
        let arbiter = actix::Arbiter::current();
        let ledger = Ledger::open(
            TENANT,
            Retention::DEFAULT,
            Epoch::new(1),
            store.clone(),
            Arc::new(clock.clone()),
            &arbiter,
        );
        Self {
            ledger: ledger.await.unwrap(),
            store,
            clock,
            ids: 0,
        }
    }

    /// By our clock, as the tenant gives them.
    fn id(&mut self) -> MessageId {
        self.ids += 1;
        MessageId::new(self.clock.now(), 0, self.ids)
    }

    /// Ada writes at this time of Meta's clock.
    async fn hears(&self, text: &str, at: Timestamp) -> MessageRef {
        let receive = Receive {
            number: number(),
            by: crate::domain::message::Side::Customer,
            via: None,
            aliases: ada(),
            naming: Naming::Current,
            keyword: None,
            group: None,
            name: None,
            username: None,
            wamid: Wamid::parse(text).unwrap(),
            at,
            content: Content::text(text),
        };
        let outcome = self.ledger.commit(Op::Receive(Box::new(receive))).await.unwrap();
        let OpOutcome::Committed { at: Some(at), .. } = outcome else {
            panic!("{outcome:?}")
        };
        at
    }

    fn conversation(&self, id: ConversationId) -> BoundedAddr<Conversation> {
        let parts = ConversationParts {
            tenant: TENANT,
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            clock: Arc::new(self.clock.clone()),
            idle: Duration::from_secs(300),
        };
        Conversation::launch(id, parts, &actix::Arbiter::current())
    }

    async fn says(&mut self, at: MessageRef, text: &str) -> MessageRef {
        let (reply, answer) = oneshot::channel();
        let request = SubmitRequest {
            to: Destination::Conversation(at.conversation),
            author: Author::Api { key: "k".into() },
            content: Content::text(text),
            class: ContentClass::Service,
            purpose: Purpose::Other,
            priority: Priority::Interactive,
            send_at: None,
            valid_for: None,
            on_unknown: None,
            once: None,
            unless_after: None,
            client_msg_id: None,
            callback_data: None,
            most_waiting: None,
        };
        let submit = Submit {
            request: Box::new(request),
            recipient: Recipient::Existing,
            message: self.id(),
            reply,
        };
        self.conversation(at.conversation).try_tell(submit).ok().unwrap();
        answer.await.unwrap().unwrap().0.at
    }

    async fn notes(&mut self, at: MessageRef, text: &str) {
        let (reply, answer) = oneshot::channel();
        let request = NoteRequest {
            conversation: at.conversation,
            author: Author::Api { key: "k".into() },
            text: text.to_owned(),
            once: None,
        };
        let note = LeaveNote {
            request: Box::new(request),
            message: self.id(),
            reply,
        };
        self.conversation(at.conversation).try_tell(note).ok().unwrap();
        answer.await.unwrap().unwrap();
    }

    /// What stands in the thread, the newest first.
    async fn thread(&self, at: MessageRef) -> Vec<Message> {
        let now = self.clock.now();
        let page = self.store.page_messages(TENANT, at.conversation, None, 100, now);
        page.await.unwrap().items
    }
}

#[actix::test]
async fn a_reply_stands_after_the_question_although_metas_clock_is_ahead_of_ours() {
    let mut scene = Scene::open().await;
    let question = scene.hears("question", NOW.after(Duration::from_secs(3))).await;
    let reply = scene.says(question, "reply").await;
    scene.notes(question, "note").await;
    scene.says(question, "another").await;
    let thread: Vec<_> = scene.thread(question).await;
    let texts: Vec<_> = thread
        .iter()
        .map(|message| message.content.preview().unwrap())
        .collect();
    assert_eq!(texts, ["another", "note", "reply", "question"]);
    let outbox = scene.store.outbox(TENANT, number(), None, 10).await.unwrap();
    assert_eq!(outbox[0].at, reply, "its row goes by the same id");
    assert_eq!(scene.ledger.head().head, Seq::new(4));
}

#[actix::test]
async fn a_message_has_the_time_of_our_clock_where_nothing_stands_after_it() {
    let mut scene = Scene::open().await;
    let question = scene.hears("question", NOW).await;
    scene.clock.advance(Duration::from_secs(2));
    let reply = scene.says(question, "reply").await;
    assert_eq!(reply.message.timestamp(), NOW.after(Duration::from_secs(2)));
}
