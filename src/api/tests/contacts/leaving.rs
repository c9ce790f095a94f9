//! Attributes and lists that are deleted: nothing of them is left with contacts.

use serde_json::json;

use super::super::*;
use super::{ALL, make, put};
use crate::domain::{Clock as _, TermKey};
use crate::store::op::{Audience, ChangeContact, Whom};
use crate::store::plain::PlainTable;
use crate::store::tables::{ContactAttribute, ContactList};
use crate::store::{ListOrder, StoreError};

#[actix_web::test]
async fn nobody_gets_what_is_being_deleted() {
    let api = Api::start().await;
    let text = json!({ "name": "City", "type": "text" });
    assert_eq!(put(&api, "/v1/attributes/city", text.clone()).await.status, 201);
    let list = api.post("/v1/lists", &json!({ "name": "Ramadan" })).await.json();
    let list = list["list_id"].as_str().unwrap().to_owned();
    let id = make(&api, json!({ "phone": "628120001" })).await;
    // A call that took the first of very many was answered, or cut off.
    let (now, store) = (api.clock.now(), api.store.as_ref());
    let attribute = ContactAttribute::at(ONE, &"city".parse().unwrap());
    let leaving = |before: Option<&ContactAttribute>| {
        let is_leaving = true;
        Ok::<_, StoreError>(before.map(|before| ContactAttribute {
            is_leaving,
            ..before.clone()
        }))
    };
    PlainTable::of(store, now)
        .change(attribute, leaving)
        .await
        .unwrap();
    let leaving = |before: Option<&ContactList>| {
        let is_leaving = true;
        Ok::<_, StoreError>(before.map(|before| ContactList {
            is_leaving,
            ..before.clone()
        }))
    };
    let key = ContactList::at(ONE, list.parse().unwrap());
    PlainTable::of(store, now).change(key, leaving).await.unwrap();
    let path = format!("{ALL}/{id}");
    for body in [
        json!({ "attributes": { "city": "x" } }),
        json!({ "lists": { "add": [list] } }),
    ] {
        let refused = put(&api, &path, body.clone()).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{body}");
    }
    assert_eq!(put(&api, "/v1/attributes/city", text).await.status, 400);
    let members = format!("/v1/lists/{list}/members");
    assert_eq!(api.post(&members, &json!({ "add": [id] })).await.status, 404);
    for path in ["/v1/attributes/city".to_owned(), format!("/v1/lists/{list}")] {
        assert_eq!(api.call("DELETE", &path).send().await.json()["done"], true);
        assert_eq!(api.call("DELETE", &path).send().await.status, 404);
    }
}

#[actix_web::test]
async fn nothing_is_left_of_an_attribute_that_is_deleted_while_contacts_get_it() {
    let api = Api::start().await;
    let id = make(&api, json!({ "phone": "628120001" })).await;
    let path = format!("{ALL}/{id}");
    for round in 0..10 {
        // A key may make so many calls a second.
        api.clock.advance(Duration::from_secs(1));
        let text = json!({ "name": "City", "type": "text" });
        assert_eq!(
            put(&api, "/v1/attributes/city", text).await.status,
            201,
            "{round}"
        );
        let body = json!({ "attributes": { "city": format!("v{round}") } });
        let writes = (0..20).map(|_| put(&api, &path, body.clone()));
        let delete = api.call("DELETE", "/v1/attributes/city").send();
        let (_, gone) = tokio::join!(futures_util::future::join_all(writes), delete);
        assert_eq!(gone.json()["done"], true);
        let row = api.get(&path).await.json();
        assert_eq!(row["contact"].get("attributes"), None, "{round}");
    }
}

#[actix_web::test]
async fn a_list_of_very_many_is_deleted_from_where_the_last_call_ended() {
    let api = Api::start().await;
    let list = api.post("/v1/lists", &json!({ "name": "All" })).await.json();
    let list = list["list_id"].as_str().unwrap().to_owned();
    for n in 0..5_100 {
        let change = ChangeContact {
            who: Whom::Named(ContactAliases::of([
                Alias::phone(&format!("62812{n:05}")).unwrap()
            ])),
            changes: vec![crate::domain::ContactChange::AddList(list.parse().unwrap())],
            by: crate::domain::Author::BusinessApp,
            audience: Audience::Nobody,
        };
        api.core.commit(ONE, Op::ChangeContact(Box::new(change))).await;
    }
    // Whoever takes out few of very many is told that it goes on.
    let few = api
        .get("/v1/contacts/export?format=ndjson&filter=not%20has%20phone")
        .await;
    assert_eq!((few.status, few.body.as_slice()), (200, &b"\n"[..]));
    let path = format!("/v1/lists/{list}");
    let first = api.call("DELETE", &path).send().await;
    assert_eq!((first.status, &first.json()["done"]), (202, &json!(false)));
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let wrong = api
        .call("DELETE", &format!("{path}?cursor=x{cursor}"))
        .send()
        .await;
    assert_eq!(wrong.status, 400);
    let last = api
        .call("DELETE", &format!("{path}?cursor={cursor}"))
        .send()
        .await;
    assert_eq!((last.status, &last.json()["done"]), (200, &json!(true)));
    let term = TermKey::of(ONE).list(list.parse().unwrap());
    let left = api
        .store
        .page_term(ONE, term, None, ListOrder::Ascending, 9)
        .await
        .unwrap();
    assert!(left.items.is_empty());
}
