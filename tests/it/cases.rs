//! Webhooks that once led to a wrong answer, in the order in which they came, and what must come of them.

use mesej_simulator::control::{CallNumber, MoveNumber, SendQuery};
use mesej_simulator::{CustomerSpec, Faults, Millis, NumberConfig};
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, Setup, TestGateway, text_to, until};
use crate::kept::{Kept, on_every_store};
use crate::told::{Who, notice, now, told, who, writes};

on_every_store! {
    after_a_change_of_numbers_replies_go_to_the_new_one,
    a_changed_number_is_known_from_phones_alone,
    a_changed_id_without_a_sender_finds_its_contact_by_the_one_before,
    nothing_that_comes_late_brings_an_old_number_back,
    a_recycled_number_is_somebody_else,
    two_who_show_one_phone_stay_two,
    a_window_is_open_whichever_name_a_reply_goes_by,
    a_number_is_one_in_both_of_its_national_forms,
    a_call_opens_the_window,
    who_moved_is_answered_under_the_new_number,
    a_message_that_meta_cannot_show_says_why,
    two_sends_to_one_customer_by_two_names_go_one_after_the_other,
}

async fn takes(gateway: &TestGateway, webhook: &[u8]) {
    assert_eq!(gateway.webhook(webhook).await, 200);
}

/// A message of history by its wamid.
async fn heard(gateway: &TestGateway, wamid: &str) -> Value {
    until(&format!("{wamid} is in history"), || async {
        let history = gateway.history().await;
        history.into_iter().find(|message| message["wamid"] == wamid)
    })
    .await
}

/// The contact of a conversation as it is now.
async fn contact(gateway: &TestGateway, conversation: &Value) -> Value {
    let path = format!("/v1/conversations/{}", conversation.as_str().unwrap());
    gateway.get(&path).await.1["contact"].clone()
}

fn names(contact: &Value) -> (Option<&str>, Option<&str>) {
    (contact["phone"].as_str(), contact["bsuid"].as_str())
}

/// Meta knows somebody who wrote lately.
fn meta_knows(gateway: &TestGateway, phone: &str, id: &str) {
    let spec = CustomerSpec {
        phone: (!phone.is_empty()).then(|| phone.to_owned()),
        user_id: (!id.is_empty()).then(|| id.to_owned()),
        wrote_at: Some(now()),
        ..CustomerSpec::default()
    };
    gateway.meta.customer(&spec).unwrap();
}

/// Sends, and says to whom it went.
async fn goes_to(gateway: &TestGateway, body: &Value) -> String {
    let (status, answer) = gateway.post("/v1/messages", None, body).await;
    assert_eq!(status, 202, "{answer}");
    let id = answer["message_id"].as_str().unwrap().to_owned();
    gateway.until_state(&id, "read").await;
    let sent = gateway.meta.sends(&SendQuery {
        message_id: Some(id),
        ..SendQuery::default()
    });
    sent[0].to.clone()
}

fn reply(conversation: &Value, text: &str) -> Value {
    json!({ "conversation_id": conversation, "type": "text", "text": { "body": text } })
}

const GLORIA: Who = who("Gloria", "573100000001", "CO.31");

/// Gloria wrote, and then changed her number.
async fn gloria_moves(gateway: &TestGateway) -> Value {
    takes(gateway, &writes(GLORIA, "wamid.W1a", 60, "hola")).await;
    let system = json!({
        "body": "Gloria changed", "wa_id": "573100000002", "user_id": "CO.32", "previous_user_id": "CO.31",
        "type": "user_changed_number",
    });
    takes(gateway, &notice(GLORIA, "wamid.W1b", 30, &system)).await;
    let first = heard(gateway, "wamid.W1a").await;
    let told = heard(gateway, "wamid.W1b").await;
    assert_eq!(told["conversation_id"], first["conversation_id"]);
    first["conversation_id"].clone()
}

async fn after_a_change_of_numbers_replies_go_to_the_new_one(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let conversation = gloria_moves(&gateway).await;
    let gloria = contact(&gateway, &conversation).await;
    assert_eq!(names(&gloria), (Some("573100000002"), Some("CO.32")));
    meta_knows(&gateway, "573100000002", "CO.32");
    assert_eq!(
        goes_to(&gateway, &reply(&conversation, "balasan")).await,
        "573100000002"
    );
    // The old number finds her, too, and is not therefore her number.
    assert_eq!(
        goes_to(&gateway, &text_to("573100000001", "aun")).await,
        "573100000002"
    );
    let gloria = contact(&gateway, &conversation).await;
    assert_eq!(names(&gloria), (Some("573100000002"), Some("CO.32")));
    let says_so = gateway.events().await.into_iter().any(|event| {
        event["kind"] == "contact"
            && event["data"]["changed"] == json!(["names"])
            && event["data"]["contact"]["phone"] == "573100000002"
    });
    assert!(says_so, "agents are told of the change");
    gateway.stop().await;
}

async fn a_changed_number_is_known_from_phones_alone(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let rudi = who("Rudi", "573001112233", "");
    takes(&gateway, &writes(rudi, "wamid.C01a", 60, "halo")).await;
    let system = json!({
        "body": "Rudi changed from \u{200e}573001112233 to 573009998877\u{200e}", "wa_id": "573009998877",
        "type": "user_changed_number",
    });
    takes(&gateway, &notice(rudi, "wamid.C01b", 30, &system)).await;
    let new = who("Rudi", "573009998877", "");
    takes(&gateway, &writes(new, "wamid.C01c", 29, "nomor baru")).await;
    let last = heard(&gateway, "wamid.C01c").await;
    for wamid in ["wamid.C01a", "wamid.C01b"] {
        assert_eq!(
            heard(&gateway, wamid).await["conversation_id"],
            last["conversation_id"]
        );
    }
    let found = contact(&gateway, &last["conversation_id"]).await;
    assert_eq!(names(&found), (Some("573009998877"), None));
    // Who has the number after him is not he.
    takes(&gateway, &writes(rudi, "wamid.C01d", 0, "siapa ini")).await;
    let other = heard(&gateway, "wamid.C01d").await;
    assert_ne!(other["conversation_id"], last["conversation_id"]);
    gateway.stop().await;
}

async fn a_changed_id_without_a_sender_finds_its_contact_by_the_one_before(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let hidden = who("Ines", "", "ES.2");
    takes(&gateway, &writes(hidden, "wamid.I1", 60, "hola")).await;
    let nobody = who("", "", "");
    let system = json!({ "user_id": "ES.3", "previous_user_id": "ES.2", "type": "user_changed_user_id" });
    takes(&gateway, &notice(nobody, "wamid.I2", 30, &system)).await;
    takes(&gateway, &writes(who("Ines", "", "ES.3"), "wamid.I3", 10, "sigo")).await;
    let first = heard(&gateway, "wamid.I1").await["conversation_id"].clone();
    for wamid in ["wamid.I2", "wamid.I3"] {
        assert_eq!(heard(&gateway, wamid).await["conversation_id"], first);
    }
    assert_eq!(names(&contact(&gateway, &first).await), (None, Some("ES.3")));
    // The id before in the notice, the new one as its sender.
    let since = who("", "", "ES.4");
    let system = json!({ "previous_user_id": "ES.3", "type": "user_changed_user_id" });
    takes(&gateway, &notice(since, "wamid.I4", 5, &system)).await;
    let told = heard(&gateway, "wamid.I4").await;
    assert_eq!(told["conversation_id"], first);
    assert_eq!(names(&contact(&gateway, &first).await), (None, Some("ES.4")));
    gateway.stop().await;
}

async fn nothing_that_comes_late_brings_an_old_number_back(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let conversation = gloria_moves(&gateway).await;
    takes(&gateway, &writes(GLORIA, "wamid.W1late", 45, "tarde")).await;
    let late = heard(&gateway, "wamid.W1late").await;
    assert_eq!(late["conversation_id"], conversation);
    let gloria = contact(&gateway, &conversation).await;
    assert_eq!(names(&gloria), (Some("573100000002"), Some("CO.32")));
    meta_knows(&gateway, "573100000002", "CO.32");
    let (_, sent) = gateway
        .post("/v1/messages", None, &reply(&conversation, "ya"))
        .await;
    let sent = gateway
        .until_state(sent["message_id"].as_str().unwrap(), "read")
        .await;
    let status = json!({
        "contacts": [{ "wa_id": "573100000001", "user_id": "CO.31" }],
        "statuses": [{
            "id": sent["wamid"], "status": "played", "timestamp": (now() - 40).to_string(),
            "recipient_id": "573100000001", "recipient_user_id": "CO.31",
        }],
    });
    takes(&gateway, &told("messages", status)).await;
    gateway.until_state(sent["id"].as_str().unwrap(), "played").await;
    let gloria = contact(&gateway, &conversation).await;
    assert_eq!(names(&gloria), (Some("573100000002"), Some("CO.32")));
    gateway.stop().await;
}

async fn a_recycled_number_is_somebody_else(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let conversation = gloria_moves(&gateway).await;
    let gloria = who("Gloria", "573100000002", "CO.32");
    takes(&gateway, &writes(gloria, "wamid.W1d", 20, "soy yo")).await;
    assert_eq!(
        heard(&gateway, "wamid.W1d").await["conversation_id"],
        conversation
    );
    let hernan = who("Hernan", "573100000001", "CO.99");
    takes(&gateway, &writes(hernan, "wamid.W1f", 0, "orang lain")).await;
    let other = heard(&gateway, "wamid.W1f").await["conversation_id"].clone();
    assert_ne!(other, conversation);
    let found = contact(&gateway, &other).await;
    assert_eq!(names(&found), (Some("573100000001"), Some("CO.99")));
    assert_eq!(found["name"], "Hernan");
    let found = contact(&gateway, &conversation).await;
    assert_eq!(names(&found), (Some("573100000002"), Some("CO.32")));
    assert_eq!(found["name"], "Gloria");
    gateway.stop().await;
}

async fn two_who_show_one_phone_stay_two(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let phone = "573100000009";
    takes(&gateway, &writes(who("Cy", phone, "CO.1"), "wamid.Y1", 60, "c1")).await;
    takes(&gateway, &writes(who("Di", "", "CO.2"), "wamid.Y2", 50, "d1")).await;
    takes(&gateway, &writes(who("Di", phone, "CO.2"), "wamid.Y3", 40, "d2")).await;
    takes(&gateway, &writes(who("Cy", "", "CO.1"), "wamid.Y4", 30, "c2")).await;
    let place = async |wamid: &str| heard(&gateway, wamid).await["conversation_id"].clone();
    let (cy, di) = (place("wamid.Y1").await, place("wamid.Y2").await);
    assert_ne!(cy, di);
    assert_eq!(
        (place("wamid.Y4").await, place("wamid.Y3").await),
        (cy.clone(), di.clone())
    );
    assert_eq!(names(&contact(&gateway, &cy).await), (None, Some("CO.1")));
    assert_eq!(names(&contact(&gateway, &di).await), (Some(phone), Some("CO.2")));
    meta_knows(&gateway, "", "CO.1");
    assert_eq!(goes_to(&gateway, &reply(&cy, "para cy")).await, "CO.1");
    gateway.stop().await;
}

async fn a_window_is_open_whichever_name_a_reply_goes_by(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let (phone, id) = ("628900000901", "ID.901");
    meta_knows(&gateway, phone, id);
    takes(&gateway, &writes(who("Usr", "", id), "wamid.LN1", 0, "halo")).await;
    let thread = heard(&gateway, "wamid.LN1").await["conversation_id"].clone();
    let template = json!({
        "to": format!("+{phone}"), "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
    });
    // The statuses of this one say that both names are one customer's.
    goes_to(&gateway, &template).await;
    until("agents are told of the link", || async {
        let mut events = gateway.events().await.into_iter();
        events.find(|event| event["data"]["changed"] == json!(["link"]))
    })
    .await;
    for body in [
        json!({ "recipient": id, "type": "text", "text": { "body": "balas" } }),
        text_to(phone, "balas lagi"),
    ] {
        let (status, answer) = gateway.post("/v1/messages", None, &body).await;
        assert_eq!(status, 202, "{answer}");
        assert_eq!(
            answer["conversation_id"], thread,
            "it stands where the history is"
        );
    }
    gateway.stop().await;
}

async fn a_number_is_one_in_both_of_its_national_forms(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    for (index, (dialled, known)) in [
        ("5551987654321", "555187654321"),
        ("525512345678", "5215512345678"),
        ("541123456789", "5491123456789"),
    ]
    .into_iter()
    .enumerate()
    {
        let wamid = format!("wamid.N{index}");
        takes(&gateway, &writes(who("Bia", known, ""), &wamid, 10, "oi")).await;
        let thread = heard(&gateway, &wamid).await["conversation_id"].clone();
        meta_knows(&gateway, known, "");
        for written in [dialled, known] {
            let (status, answer) = gateway.post("/v1/messages", None, &text_to(written, "ola")).await;
            assert_eq!(status, 202, "{written}: {answer}");
            assert_eq!(answer["conversation_id"], thread, "{written}");
            gateway
                .until_state(answer["message_id"].as_str().unwrap(), "read")
                .await;
        }
        // The other way round: written to under the one, and answering under the other.
        let later = |number: &str| number.replace("34567", "34000").replace("87654", "87000");
        let (dialled, known) = (later(dialled), later(known));
        let template = json!({
            "to": format!("+{dialled}"), "type": "template",
            "template": { "name": "hello_world", "language": { "code": "en_US" } },
        });
        let (_, sent) = gateway.post("/v1/messages", None, &template).await;
        gateway
            .until_state(sent["message_id"].as_str().unwrap(), "read")
            .await;
        gateway.meta.say_text(&known, &format!("answer {index}")).unwrap();
        let answer = gateway.in_history(&format!("answer {index}")).await;
        assert_eq!(answer["conversation_id"], sent["conversation_id"], "{known}");
    }
    gateway.stop().await;
}

async fn a_call_opens_the_window(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let phone = "6281234500099";
    let closed = gateway
        .post("/v1/messages", None, &text_to(phone, "too early"))
        .await;
    assert_eq!(closed.0, 422, "{}", closed.1);
    let call = CallNumber {
        from: phone.to_owned(),
        ..CallNumber::default()
    };
    gateway.meta.call(&call).unwrap();
    let sent = until("the window is open", || async {
        let answer = gateway
            .post("/v1/messages", None, &text_to(phone, "you called?"))
            .await;
        (answer.0 == 202).then_some(answer.1)
    })
    .await;
    gateway
        .until_state(sent["message_id"].as_str().unwrap(), "read")
        .await;
    gateway.stop().await;
}

async fn who_moved_is_answered_under_the_new_number(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let first = gateway.customer_says("hello").await;
    let moved = MoveNumber {
        from: CUSTOMER.to_owned(),
        to: "+6281299999999".to_owned(),
        phone_number_id: None,
    };
    gateway.meta.move_number(&moved).unwrap();
    until("the contact shows it", || async {
        let known = contact(&gateway, &first["conversation_id"]).await;
        (known["phone"] == "6281299999999").then_some(())
    })
    .await;
    for body in [
        reply(&first["conversation_id"], "there you are"),
        text_to(CUSTOMER, "by the old number"),
    ] {
        assert_eq!(goes_to(&gateway, &body).await, "6281299999999");
    }
    gateway.stop().await;
}

/// Without the object that its type names.
async fn a_message_that_meta_cannot_show_says_why(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let hidden = json!({
        "from": CUSTOMER, "id": "wamid.hidden", "timestamp": now().to_string(), "type": "unsupported",
        "errors": [{
            "code": 131060, "title": "Message not available", "message": "Message not available",
            "error_data": { "details": "Open WhatsApp on the phone to see it" },
        }],
    });
    let card = json!({ "profile": { "name": "Rina" }, "wa_id": CUSTOMER });
    let webhook = told("messages", json!({ "contacts": [card], "messages": [hidden] }));
    takes(&gateway, &webhook).await;
    let shown = heard(&gateway, "wamid.hidden").await;
    assert_eq!(shown["content"]["type"], "unsupported", "{shown}");
    let error = &shown["content"]["errors"][0];
    assert_eq!(error["code"], 131_060, "{shown}");
    assert_eq!(error["title"], "Message not available", "{shown}");
    assert_eq!(
        error["error_data"]["details"], "Open WhatsApp on the phone to see it",
        "{shown}"
    );
    let contact = contact(&gateway, &shown["conversation_id"]).await;
    assert_eq!(contact["name"], "Rina");
    gateway.stop().await;
}

async fn two_sends_to_one_customer_by_two_names_go_one_after_the_other(kept: Kept) {
    const ANSWER_MS: u64 = 800;
    let second = NumberConfig::numbered(1);
    let mut setup = Setup::default();
    setup.simulator.numbers.push(second.clone());
    let gateway = TestGateway::start_with(kept, setup).await;
    gateway.add_number(&second).await;
    let (phone, id) = ("628900000777", "ID.777");
    meta_knows(&gateway, phone, id);
    // Both names are known on the first number; nothing of this customer is on the second.
    takes(&gateway, &writes(who("Sari", phone, id), "wamid.S1", 10, "halo")).await;
    heard(&gateway, "wamid.S1").await;
    gateway.faults(Faults {
        latency: Millis::between(ANSWER_MS, ANSWER_MS),
        ..Faults::default()
    });
    let template = |key: &str, name: &str| {
        let mut body = json!({
            "number": second.phone_number_id, "type": "template",
            "template": { "name": "hello_world", "language": { "code": "en_US" } },
        });
        body[key] = name.into();
        body
    };
    let (by_phone, by_id) = (template("to", &format!("+{phone}")), template("recipient", id));
    let (one, other) = tokio::join!(
        gateway.post("/v1/messages", None, &by_phone),
        gateway.post("/v1/messages", None, &by_id),
    );
    let mut calls = Vec::new();
    for (status, answer) in [one, other] {
        assert_eq!(status, 202, "{answer}");
        let message = answer["message_id"].as_str().unwrap();
        gateway.until_state(message, "read").await;
        let sent = gateway.meta.sends(&SendQuery {
            message_id: Some(message.to_owned()),
            ..SendQuery::default()
        });
        assert_eq!(sent.len(), 1, "{answer}");
        // Meta takes it when the call comes and answers later.
        calls.push(sent[0].accepted_at_ms);
    }
    let apart = calls[0].abs_diff(calls[1]);
    assert!(
        apart >= ANSWER_MS,
        "the second call began {apart} ms after the first"
    );
    gateway.stop().await;
}
