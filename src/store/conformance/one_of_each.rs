//! A tenant with a row of every kind, at fixed times and under fixed ids: what the formats of rows are compared by.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::a_durability::entry;
use super::ops;
use super::scene::{DAY_ONE, Scene, TENANT};
use crate::domain::{
    Alias, BroadcastRun, ContactChange, DeliveryState, EventKind, Retention, SendRate, UserId, WabaId,
};
use crate::store::directory::{AccessToken, Scope};
use crate::store::op::{Audience, ChangeContact, Op, ReportTarget, Whom};
use crate::store::tables::CannedReply;
use crate::store::{ApiKey, KeyHash, Number, PlainValue, Quarantined, RetentionJob, Store, Tenant};

/// Writes it; whoever wrote it has the ledger.
pub(in crate::store) async fn one_of_each(store: Arc<dyn Store>) -> Scene {
    let mut scene = Scene::take_over(store, TENANT).await;
    talk(&mut scene).await;
    directory(scene.store.as_ref()).await;
    for kind in EventKind::ALL {
        scene.one(ops::announce(*kind, r#"{"what":"was said"}"#)).await;
    }
    // An erasure has files rewritten by the next sweep; the second of one day waits.
    for id in ["e1", "e2"] {
        scene.hears(&["628999999"], id, "erased").await;
        let contact = scene.contact("628999999").await.unwrap();
        scene.store.erase_contact(TENANT, contact).await.unwrap();
        if id == "e1" {
            scene.sweep().await;
        }
    }
    many(&mut scene).await;
    scene
}

/// A broadcast, and a recipient of whom nobody heard before.
async fn many(scene: &mut Scene) {
    scene.one(ops::steer(BroadcastRun::Running)).await;
    let id = ops::id(scene.now, 3);
    scene
        .place(ops::to_recipient(TENANT, &["628333333"], id, 1))
        .await;
}

/// A customer of two names, a member of a group, a message that was sent and one that waits.
async fn talk(scene: &mut Scene) {
    let mut receive = ops::receive(&["628111111"], "w1", scene.now, "heard");
    receive.name = Some("Ana".into());
    scene.place(receive).await;
    scene.hears(&["ID.one"], "w2", "heard, too").await;
    scene
        .one(ops::relate(&["628111111"], &["ID.one"], "linked"))
        .await;
    let mut member = ops::receive(&["628222222"], "w3", scene.now, "heard in a group");
    member.group = Alias::group("Y2FwaV9ncm91cDo-");
    scene.place(member).await;
    let noted = ChangeContact {
        who: Whom::Known(scene.contact("628111111").await.unwrap()),
        changes: vec![
            ContactChange::GivenName(Some("Ibu Ana".parse().unwrap())),
            ContactChange::AddLabel("vip".parse().unwrap()),
        ],
        by: ops::agent("ana"),
        audience: Audience::Agents,
    };
    scene.one(Op::ChangeContact(Box::new(noted))).await;
    scene.later(Duration::from_secs(1));
    for n in 1..=2 {
        let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, n), "said");
        submit.once = Some(ops::once(u8::try_from(n).unwrap(), 7));
        let at = scene.place(submit).await;
        assert!(scene.claims(at.message, 0).await);
        if n == 1 {
            let target = ReportTarget::Token(ops::token(TENANT, at, 1));
            let told = ops::reported(target, "m1", DeliveryState::Delivered, scene.now);
            scene.one(told).await;
        }
    }
}

async fn directory(store: &dyn Store) {
    let tenant = Tenant::new(TENANT, "Toko Maju", ops::RETENTION, DAY_ONE);
    store.put_tenant(tenant.clone()).await.unwrap();
    let number = Number {
        id: ops::number("1"),
        tenant: TENANT,
        waba: WabaId::parse("2001").unwrap(),
        display: "+62 811".to_owned(),
        rate: SendRate::STANDARD,
        app: Some("main".to_owned()),
        access_token: AccessToken::new("secret"),
    };
    store.put_number(number).await.unwrap();
    let key = ApiKey {
        hash: KeyHash([7; 32]),
        id: "k1".to_owned(),
        tenant: TENANT,
        name: "shop".to_owned(),
        scopes: vec![Scope::Send, Scope::Read, Scope::Agents],
        created: DAY_ONE,
        created_by: Some(UserId::from_bytes([3; 16])),
        revoked: Some(DAY_ONE),
        expires: None,
    };
    store.put_key(key).await.unwrap();
    let job = RetentionJob::new(TENANT, Retention::DEFAULT, tenant.retention, DAY_ONE);
    store.begin_retention(tenant, job).await.unwrap();
    for (shortcut, expires) in [
        ("hello", None),
        ("sale", Some(DAY_ONE.after(Duration::from_secs(7_200)))),
    ] {
        let value = PlainValue {
            body: Bytes::from_static(b"{}"),
            expires,
        };
        let key = CannedReply::of(TENANT).row(shortcut.as_bytes());
        let written = store.replace_plain_row(key, None, Some(value), DAY_ONE);
        assert!(written.await.unwrap());
    }
    store.note_time(DAY_ONE).await.unwrap();
    let aside = Quarantined {
        id: entry(9).id,
        at: DAY_ONE,
        reason: "malformed".to_owned(),
        body: Bytes::from_static(b"{}"),
    };
    store.quarantine(aside).await.unwrap();
}
