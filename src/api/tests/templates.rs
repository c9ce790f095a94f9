//! Templates of the tenant's accounts, and messages that name them.

use serde_json::{Value, json};

use super::*;
use crate::domain::{SendRate, WabaId};
use crate::shutdown::Shutdown;
use crate::store::Number;
use crate::store::directory::AccessToken;

const ALL: &str = "/v1/templates";
const WABA: &str = "102290129340398";

fn listed(name: &str, language: &str, status: &str) -> Value {
    json!({
        "id": "42", "name": name, "language": language, "status": status, "category": "UTILITY",
        "quality_score": { "score": "GREEN" }, "rejected_reason": "NONE", "parameter_format": "POSITIONAL",
        "components": [{ "type": "BODY", "text": "Hi {{1}}!", "example": { "body_text": [["Ana"]] } }]
    })
}

fn message(name: &str, values: &[&str]) -> Value {
    let parameters: Vec<Value> = values
        .iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    json!({ "to": "628123456789", "type": "template", "template": { "name": name, "language": { "code": "en_US" },
        "components": [{ "type": "body", "parameters": parameters }] } })
}

impl Api {
    async fn add_number(&self, tenant: TenantId) {
        let number = Number {
            id: number(tenant),
            tenant,
            waba: WabaId::parse(WABA).unwrap(),
            app: None,
            display: "+62 812".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("token"),
        };
        self.store.put_number(number).await.unwrap();
    }

    /// Has Meta's templates looked up by the part that keeps them up to date.
    async fn look_up(&self, templates: Vec<Value>) {
        self.meta.list(templates);
        let (book, shutdown) = (Arc::clone(&self.state.templates), Shutdown::default());
        let told = shutdown.clone();
        let keeping_up = tokio::spawn(async move { book.keep_up(&told).await });
        let before = self.synced().await;
        let asked = self.post("/v1/templates/sync", &json!({ "waba_id": WABA })).await;
        assert_eq!(asked.status, 202, "{}", asked.json());
        self.clock.advance(Duration::from_secs(1));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.synced().await == before {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{}",
                self.get("/v1/templates/sync").await.json()
            );
            tokio::task::yield_now().await;
        }
        shutdown.begin();
        keeping_up.await.unwrap();
    }

    async fn synced(&self) -> Value {
        self.get("/v1/templates/sync").await.json()["accounts"][0]["at"].clone()
    }

    /// With the templates of one account.
    async fn with_templates(templates: Vec<Value>) -> Self {
        let api = Self::start().await;
        api.add_number(ONE).await;
        api.look_up(templates).await;
        api
    }

    /// The id of a template that the other tenant has.
    pub(super) async fn template_of_other(&self) -> String {
        self.add_number(OTHER).await;
        let draft = json!({ "waba_id": WABA, "name": "theirs", "language": "en", "category": "UTILITY",
            "components": [{ "type": "BODY", "text": "Hello!" }] });
        let made = self
            .plain("POST", ALL)
            .bearer(&self.other_key)
            .json(&draft)
            .send()
            .await;
        made.json()["template_id"].as_str().unwrap().to_owned()
    }

    async fn template_id(&self, name: &str) -> String {
        let list = self.get(&format!("{ALL}?name={name}")).await.json();
        list["templates"][0]["template_id"].as_str().unwrap().to_owned()
    }
}

#[actix_web::test]
async fn templates_are_listed_filtered_and_shown() {
    let mut rejected = listed("wrong", "en_US", "REJECTED");
    rejected["rejected_reason"] = json!("INVALID_FORMAT");
    rejected["components"][0]["text"] = json!("{{1}} hi");
    let api = Api::with_templates(vec![
        listed("order", "en_US", "APPROVED"),
        listed("order", "id", "PAUSED"),
        rejected,
    ])
    .await;
    let count = async |query: &str| {
        let list = api.get(&format!("{ALL}{query}")).await.json();
        list["templates"].as_array().unwrap().len()
    };
    for (query, wanted) in [
        ("", 3),
        ("?status=paused", 1),
        ("?language=id", 1),
        ("?name=ord", 2),
        ("?name=x", 0),
        ("?waba_id=1", 0),
        ("?status=DELETED", 0),
    ] {
        assert_eq!(count(query).await, wanted, "{query}");
    }
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = api.get(&format!("{ALL}?limit=1{cursor}")).await.json();
        seen += page["templates"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, 3);
    let id = api.template_id("wrong").await;
    let shown = api.get(&format!("{ALL}/{id}")).await.json();
    assert_eq!(
        (&shown["reason"], &shown["quality"]),
        (&json!("INVALID_FORMAT"), &json!("GREEN"))
    );
    assert_eq!(shown["problems"][0]["path"], "components[0].text");
    assert!(shown["synced_at"].is_i64(), "{shown}");
    let versions = api.get(&format!("{ALL}/{id}/versions")).await.json();
    assert_eq!(versions["versions"][0]["why"], "sync: INVALID_FORMAT");
    // Nobody else sees them.
    let other = api
        .plain("GET", &format!("{ALL}/{id}"))
        .bearer(&api.other_key)
        .send()
        .await;
    assert_eq!(other.outcome(), (404, "not_found".to_owned()));
    let others = api.plain("GET", ALL).bearer(&api.other_key).send().await.json();
    assert_eq!(others["templates"], json!([]));
}

#[actix_web::test]
async fn messages_are_refused_before_202_for_what_is_known_of_their_template() {
    let api = Api::with_templates(vec![
        listed("order", "en_US", "APPROVED"),
        listed("paused", "en_US", "PAUSED"),
    ])
    .await;
    let send = async |message: Value| api.post("/v1/messages", &message).await;
    assert_eq!(send(message("order", &["Ana"])).await.status, 202);
    let unknown = send(message("nope", &[])).await;
    assert_eq!(unknown.outcome(), (422, "template_unknown".to_owned()));
    let paused = send(message("paused", &["Ana"])).await;
    assert_eq!(paused.outcome(), (422, "template_not_sendable".to_owned()));
    assert_eq!(paused.json()["error"]["status"], "PAUSED");
    let wrong = send(message("order", &["Ana", "Bo"])).await;
    assert_eq!(wrong.outcome(), (422, "template_invalid".to_owned()));
    assert_eq!(wrong.json()["error"]["path"], "template.components[0].parameters");
    // Into a conversation, too.
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let mut into = message("paused", &["Ana"]);
    into.as_object_mut().unwrap().shift_remove("to");
    into["conversation_id"] = json!(conversation);
    assert_eq!(
        send(into).await.outcome(),
        (422, "template_not_sendable".to_owned())
    );
    assert_eq!(api.core.submitted.lock().unwrap().len(), 1);
    // A text is none of this.
    let text = json!({ "to": "628123456789", "type": "text", "text": { "body": "halo" } });
    assert_eq!(send(text).await.status, 202);
}

#[actix_web::test]
async fn an_account_that_was_never_looked_up_sends_as_before() {
    let api = Api::start().await;
    api.add_number(ONE).await;
    assert_eq!(api.post("/v1/messages", &message("nope", &[])).await.status, 202);
}

#[actix_web::test]
async fn a_message_and_a_draft_are_tried_without_sending_them() {
    let api = Api::with_templates(vec![listed("order", "en_US", "APPROVED")]).await;
    let check = async |values: &[&str]| {
        let body =
            json!({ "phone_number_id": number(ONE), "template": message("order", values)["template"] });
        api.post("/v1/templates/check", &body).await
    };
    assert_eq!(
        check(&["Ana"]).await.json(),
        json!({ "preview": { "body": "Hi Ana!" } })
    );
    let wrong = check(&["a\nb"]).await;
    assert_eq!(wrong.outcome(), (422, "template_invalid".to_owned()));
    assert_eq!(
        wrong.json()["error"]["path"],
        "template.components[0].parameters[0].text"
    );
    let draft = json!({ "name": "Order", "language": "en_US", "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Hi {{1}}!", "example": { "body_text": [["Ana"]] } }] });
    let tried = api.post("/v1/templates/check-definition", &draft).await.json();
    assert_eq!(tried["problems"][0]["path"], "name");
    assert_eq!(tried["preview"]["body"], "Hi Ana!");
    let nobodys = json!({ "phone_number_id": "999", "template": message("order", &["Ana"])["template"] });
    let refused = api.post("/v1/templates/check", &nobodys).await;
    assert_eq!(refused.outcome(), (422, "unknown_number".to_owned()));
}

#[actix_web::test]
async fn templates_are_made_edited_and_deleted_at_meta() {
    let api = Api::with_templates(Vec::new()).await;
    let components = json!([{ "type": "BODY", "text": "Hi {{1}}!", "example": { "body_text": [["Ana"]] } }]);
    let mut draft = json!({ "waba_id": WABA, "name": "order", "language": "en_US", "category": "UTILITY",
        "components": components });
    let made = api.post(ALL, &draft).await;
    assert_eq!(made.status, 201, "{}", made.json());
    assert_eq!(made.json()["status"], "PENDING");
    let path = format!("{ALL}/{}", made.json()["template_id"].as_str().unwrap());
    let change = json!({ "components": [{ "type": "BODY", "text": "Hello {{1}}!", "example": { "body_text": [["Ana"]] } }] });
    let edited = api.call("PUT", &path).json(&change).send().await;
    assert_eq!(edited.status, 200, "{}", edited.json());
    assert_eq!(edited.json()["components"], change["components"]);
    api.meta.refuse(2_388_019, "Template limit exceeded");
    draft["name"] = json!("another");
    let refused = api.post(ALL, &draft).await;
    assert_eq!(refused.outcome(), (422, "template_limit".to_owned()));
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["limit"], &error["until"]),
        (&json!("creations"), &Value::Null)
    );
    let meta = &error["meta"];
    assert_eq!(meta["code"], 2_388_019);
    assert_eq!(meta["details"], "as the test says");
    api.meta.refuse(100, "Invalid parameter");
    let refused = api.post(ALL, &draft).await;
    assert_eq!(refused.outcome(), (422, "meta_refused".to_owned()));
    api.meta.allow();
    let asked = api.meta.calls().len();
    draft["components"][0]["text"] = json!("{{1}}");
    let wrong = api.post(ALL, &draft).await;
    assert_eq!(wrong.outcome(), (422, "template_invalid".to_owned()));
    assert_eq!(wrong.json()["error"]["problems"][0]["path"], "components[0].text");
    assert_eq!(api.meta.calls().len(), asked, "Meta is not asked");
    draft["waba_id"] = json!("1");
    draft["components"] = components;
    assert_eq!(
        api.post(ALL, &draft).await.outcome(),
        (422, "unknown_number".to_owned())
    );
    let nothing = api.call("PUT", &path).json(&json!({})).send().await;
    assert_eq!(nothing.outcome(), (400, "invalid_request".to_owned()));
    let gone = api
        .call("DELETE", &format!("{path}?all_languages=true"))
        .send()
        .await;
    assert_eq!(gone.status, 200, "{}", gone.json());
    assert_eq!(api.get(&path).await.json()["status"], "DELETED");
    assert_eq!(api.get(ALL).await.json()["templates"], json!([]));
    // The name is locked for a while, and Meta says no more than that something is wrong.
    api.meta.refuse(100, "Invalid parameter");
    draft["waba_id"] = json!(WABA);
    draft["name"] = json!("order");
    let refused = api.post(ALL, &draft).await;
    assert_eq!(refused.outcome(), (422, "template_limit".to_owned()));
    let error = &refused.json()["error"];
    assert_eq!(error["limit"], "name");
    assert!(error["until"].is_u64(), "{error}");
}

#[actix_web::test]
async fn a_template_of_metas_library_is_taken_by_its_name() {
    let api = Api::with_templates(Vec::new()).await;
    api.meta.approve_at_once();
    let mut asked = json!({ "waba_id": WABA, "name": "mine", "language": "en_US", "category": "UTILITY",
        "library_template_name": "delivery_update_1", "library_template_button_inputs": [
            { "type": "URL", "url": { "base_url": "https://shop.example/{{1}}", "url_suffix_example": "https://shop.example/7" } }] });
    let made = api.post(ALL, &asked).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json();
    assert_eq!(
        (&made["status"], &made["components"]),
        (&json!("APPROVED"), &Value::Null)
    );
    let call = api.meta.calls().pop().unwrap();
    assert!(call.ends_with("\"mine\" delivery_update_1"), "{call}");
    let before = api.meta.calls().len();
    asked["library_template_button_inputs"][0]["url"]["base_url"] = json!("http://shop.example");
    let refused = api.post(ALL, &asked).await;
    assert_eq!(refused.outcome(), (422, "template_invalid".to_owned()));
    let path = "library_template_button_inputs[0].url.base_url";
    assert_eq!(refused.json()["error"]["path"], path);
    asked["components"] = json!([]);
    assert_eq!(
        api.post(ALL, &asked).await.outcome(),
        (400, "invalid_request".to_owned())
    );
    assert_eq!(api.meta.calls().len(), before, "Meta is not asked");
}

#[actix_web::test]
async fn metas_library_is_shown() {
    let api = Api::with_templates(Vec::new()).await;
    let found = api
        .get("/v1/template-library?search=delivery&language=en_US")
        .await
        .json();
    assert_eq!(found["templates"][0]["name"], "delivery_update");
    let calls = api.meta.calls();
    assert_eq!(
        calls.last().unwrap(),
        "library Some(\"delivery\") Some(\"en_US\")"
    );
}
