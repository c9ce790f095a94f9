//! Whom Meta blocks no more is shown as blocked no more.

use mesej_simulator::SimulatorConfig;

use super::super::blocks::Blocks;
use super::*;
use crate::actors::TenantCommands as _;
use crate::domain::{Author, ContactChange, ContactId, SendRate, WabaId};
use crate::store::Number;
use crate::store::directory::AccessToken;
use crate::store::op::{Audience, ChangeContact, Whom};
use crate::whatsapp::client::{BearerToken, BlockCall, BlockChange};

const TENANT: TenantId = TenantId::new(1);
const NUMBER: &str = "106540352242922";
const TOKEN: &str = "simulated-access-token";

fn number() -> PhoneNumberId {
    PhoneNumberId::parse(NUMBER).unwrap()
}

/// A change at Meta alone, as somebody makes it by another tool.
async fn at_meta(graph: &dyn Graph, change: BlockChange, phone: &str) {
    let call = BlockCall {
        number: number(),
        token: BearerToken::parse(TOKEN).unwrap(),
        change,
        who: Alias::phone(phone).unwrap(),
    };
    graph.block(call).await.unwrap();
}

async fn noted_as_blocked(people: &People, phone: &str) -> ContactId {
    let change = ChangeContact {
        who: Whom::Named(ContactAliases::of([Alias::phone(phone).unwrap()])),
        changes: vec![ContactChange::Block(number())],
        by: Author::BusinessApp,
        audience: Audience::Agents,
    };
    people.tenants.change_contact(TENANT, change).await.unwrap().0
}

#[actix::test]
async fn who_is_blocked_no_more_at_meta_is_shown_so() {
    let meta = mesej_simulator::start(SimulatorConfig::default()).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(TestClock::at(NOW));
    let meta_url = meta.url();
    let settings = GraphSettings::new(meta_url.clone(), "v25.0");
    let graph: Arc<dyn Graph> = Arc::new(GraphClient::new(settings, Arc::clone(&clock)).unwrap());
    let store = Arc::new(FaultyStore::default());
    let tenant = crate::store::Tenant::new(TENANT, "Toko Maju", Retention::DEFAULT, NOW);
    store.put_tenant(tenant).await.unwrap();
    let row = Number {
        id: number(),
        tenant: TENANT,
        waba: WabaId::parse("2001").unwrap(),
        display: "+62 811".to_owned(),
        rate: SendRate::STANDARD,
        app: None,
        access_token: AccessToken::new(TOKEN),
    };
    store.put_number(row).await.unwrap();
    let directory = directory_on(vec![actix::Arbiter::current()], &store, &clock).await;
    let people = people(directory, &clock, &Shutdown::default());
    people.tenants.opened();
    let phones = ["6281234567890", "6281234567891"];
    let mut ids = Vec::new();
    for phone in phones {
        meta.say_text(phone, "hi").unwrap();
        at_meta(graph.as_ref(), BlockChange::Block, phone).await;
        ids.push(noted_as_blocked(&people, phone).await);
    }
    let blocks = Blocks {
        store: people.directory.store(),
        tenants: people.tenants.as_ref(),
        graph: graph.as_ref(),
        tenant: TENANT,
    };
    let blocked = async || {
        let rows = people
            .directory
            .store()
            .contacts(TENANT, ids.clone())
            .await
            .unwrap();
        let rows = rows.into_iter().flatten();
        rows.map(|row| row.blocked_on.len()).collect::<Vec<_>>()
    };
    blocks.compare(&people.directory).await.unwrap();
    assert_eq!(blocked().await, [1, 1], "as on Meta's list");
    at_meta(graph.as_ref(), BlockChange::Unblock, phones[0]).await;
    blocks.compare(&people.directory).await.unwrap();
    assert_eq!(blocked().await, [0, 1]);
    // What Meta does not tell clears nobody.
    meta.stop().await;
    // Connections that were open may still be answered.
    let away = GraphClient::new(GraphSettings::new(meta_url, "v25.0"), Arc::clone(&clock)).unwrap();
    let blocks = Blocks {
        graph: &away,
        ..blocks
    };
    blocks.compare(&people.directory).await.unwrap_err();
    assert_eq!(blocked().await, [0, 1]);
}
