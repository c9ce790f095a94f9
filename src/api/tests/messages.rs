use serde_json::{Value, json};

use super::*;
use crate::actors::request::{ContentClass, DelayEstimate, DelayReason, Destination, Refusal};
use crate::domain::{Author, Fence, MessageId, Priority, UnknownPolicy};
use crate::store::op::{AttemptResult, Attempted};
use crate::store::{ClaimOutcome, ClaimWant};

const PHONE: &str = "628123456789";

fn text(to: &str) -> Value {
    json!({ "to": to, "type": "text", "text": { "body": "halo" } })
}

fn id_in(answer: &Answer) -> MessageId {
    answer.json()["message_id"].as_str().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn a_message_is_accepted_with_202_and_everything_it_said() {
    let api = Api::start().await;
    let body = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual",
        "number": number(ONE), "to": "+62 812-3456-789", "type": "text",
        "text": { "body": "halo", "preview_url": true }, "context": { "message_id": "wamid.X" },
        "biz_opaque_callback_data": "order 17", "priority": "bulk", "send_at": NOW.after(Duration::from_secs(60)),
        "valid_for": 3600, "on_unknown": "retry_after_deadline", "last_seen_seq": 9,
    });
    let answer = api.post("/v1/messages", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.json());
    assert_eq!(answer.json()["state"], "queued");
    let sent = api.core.submitted.lock().unwrap().remove(0);
    let Destination::Contact {
        number: Some(from),
        aliases,
    } = &sent.to
    else {
        panic!("{:?}", sent.to)
    };
    assert_eq!(from, &number(ONE));
    assert_eq!(aliases.phone.as_ref().unwrap().value.as_ref(), PHONE);
    assert!(matches!(&sent.author, Author::Api { key } if api.key.contains(key.as_ref())));
    assert_eq!(
        sent.content.to_value(),
        json!({ "type": "text", "text": { "body": "halo", "preview_url": true }, "context": { "message_id": "wamid.X" } })
    );
    assert_eq!(sent.class, ContentClass::Service);
    assert_eq!(sent.priority, Priority::Bulk);
    assert_eq!(sent.send_at, Some(NOW.after(Duration::from_secs(60))));
    assert_eq!(sent.valid_for, Some(Duration::from_secs(3_600)));
    assert_eq!(sent.on_unknown, Some(UnknownPolicy::RetryAfterDeadline));
    assert_eq!(sent.unless_after.unwrap().get(), 9);
    assert_eq!(sent.callback_data.as_deref(), Some("order 17"));
}

#[actix_web::test]
async fn what_is_left_out_has_its_default() {
    let api = Api::start().await;
    let template = json!({
        "recipient": "US.13491208655302741918", "type": "template",
        "template": { "name": "promo", "language": { "code": "id" } },
    });
    assert_eq!(api.post("/v1/messages", &template).await.status, 202);
    let sent = api.core.submitted.lock().unwrap().remove(0);
    assert!(matches!(&sent.to, Destination::Contact { number: None, aliases } if aliases.bsuid.is_some()));
    assert_eq!(
        (sent.class, sent.priority),
        (ContentClass::Template, Priority::Interactive)
    );
    assert!(sent.send_at.is_none() && sent.valid_for.is_none() && sent.on_unknown.is_none());
    assert!(sent.once.is_none() && sent.unless_after.is_none() && sent.callback_data.is_none());
}

#[actix_web::test]
async fn what_cannot_be_meant_is_refused_with_the_place_and_nothing_is_sent() {
    let api = Api::start().await;
    let later = NOW.after(Duration::from_secs(31 * 86_400));
    let with = |name: &str, value: Value| {
        let mut body = text(PHONE);
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = text(PHONE);
        body.as_object_mut().unwrap().remove(name);
        body
    };
    for (body, said) in [
        (json!([]), "must be a JSON object"),
        (
            without("to"),
            "exactly one of `to`, `recipient` and `conversation_id`",
        ),
        (with("recipient", json!("US.1")), "exactly one of"),
        (with("to", json!("siti")), "`to` must be a phone number"),
        (with("to", json!(628)), "`to` must be a text"),
        (with("number", json!("a b")), "`number`: phone_number_id must be"),
        (
            with("prioritty", json!("bulk")),
            "unknown field `prioritty`: did you mean `priority`?",
        ),
        (
            with("priority", json!("urgent")),
            "`priority` must be one of `interactive`, `bulk`",
        ),
        (with("send_at", json!("tomorrow")), "`send_at`"),
        (with("send_at", json!(later)), "`send_at` must be within 30 days"),
        (with("send_at", json!(-1)), "`send_at` must be within 30 days"),
        (
            with("send_at", json!(NOW.as_millis() / 1_000)),
            "milliseconds since 1970",
        ),
        (
            with("valid_for", json!(0)),
            "`valid_for` must be 1 to 2592000 seconds",
        ),
        (with("valid_for", json!(-1)), "`valid_for`"),
        (with("on_unknown", json!("retry")), "`on_unknown`"),
        (
            with("recipient_type", json!("broadcast")),
            "must be individual or group",
        ),
        (
            with("messaging_product", json!("sms")),
            "`messaging_product` must be `whatsapp`",
        ),
        (
            with("image", json!({"id": "1"})),
            "`image` does not go with the type `text`",
        ),
        (
            with("biz_opaque_callback_data", json!("x".repeat(513))),
            "at most 512 characters",
        ),
        (with("type", json!("hologram")), "type"),
        (without("text"), "text"),
        (
            json!({"conversation_id": "0".repeat(32), "number": "1", "type": "text", "text": {"body": "x"}}),
            "`number` follows",
        ),
    ] {
        let answer = api.post("/v1/messages", &body).await;
        assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()), "{body}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message:?} lacks {said:?}");
    }
    let twice = r#"{"to":"628123456789","to":"628999999999","type":"text","text":{"body":"x"}}"#;
    let answer = api.call("POST", "/v1/messages").body(twice).send().await;
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`to` is there twice")
    );
    assert!(api.core.submitted.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn the_same_key_sends_once_and_answers_the_same() {
    let api = Api::start().await;
    let send = |key: &str, body: &Value| {
        api.call("POST", "/v1/messages")
            .header("Idempotency-Key", key)
            .json(body)
    };
    let first = send("order-17", &text(PHONE)).send().await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    let again = send("order-17", &text(PHONE)).send().await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (202, Some("true"))
    );
    assert_eq!(first.json(), again.json());
    let reordered = r#"{ "text": {"body":"halo"}, "type":"text", "to":"628123456789" }"#;
    let spaced = api
        .call("POST", "/v1/messages")
        .header("Idempotency-Key", "order-17")
        .body(reordered);
    assert_eq!(spaced.send().await.json(), first.json());
    let other = send("order-17", &text("628111111111")).send().await;
    assert_eq!(other.outcome(), (422, "idempotency_mismatch".to_owned()));
    let elsewhere = api
        .plain("POST", "/v1/messages")
        .bearer(&api.other_key)
        .header("Idempotency-Key", "order-17");
    let elsewhere = elsewhere.json(&text("628111111111")).send().await;
    assert_eq!(elsewhere.status, 202, "a key counts within its tenant");
    for bad in ["", "a b", &"x".repeat(256)] {
        assert_eq!(send(bad, &text(PHONE)).send().await.status, 400, "{bad:?}");
    }
    assert_eq!(
        send("one", &text(PHONE))
            .header("Idempotency-Key", "two")
            .send()
            .await
            .status,
        400
    );
}

#[actix_web::test]
async fn what_the_core_refuses_is_told_by_its_code() {
    let api = Api::start().await;
    for (refusal, status, code) in [
        (Refusal::WindowClosed, 422, "window_closed"),
        (Refusal::InProgress, 409, "idempotency_in_progress"),
        (Refusal::QueueFull, 429, "queue_full"),
        (Refusal::Busy, 503, "busy"),
        (Refusal::Uncertain, 503, "uncertain"),
        (Refusal::UnknownNumber, 422, "unknown_number"),
    ] {
        *api.core.refusal.lock().unwrap() = Some(refusal);
        let answer = api.post("/v1/messages", &text(PHONE)).await;
        assert_eq!(answer.outcome(), (status, code.to_owned()));
        assert_eq!(
            answer.header("retry-after").is_some(),
            matches!(status, 409 | 429 | 503),
            "{code}"
        );
    }
}

#[actix_web::test]
async fn a_reply_after_somebody_else_wrote_is_refused_with_the_newest_position() {
    let api = Api::start().await;
    let conversation = api.conversation_of(ONE, PHONE).await;
    api.customer_writes(ONE, PHONE, "masih ada?").await;
    let seen = |seq: u64| json!({ "conversation_id": conversation, "type": "text", "text": { "body": "ya" }, "last_seen_seq": seq });
    let newest = api
        .store
        .conversation(ONE, conversation)
        .await
        .unwrap()
        .unwrap()
        .last_message_seq
        .get();
    let answer = api.post("/v1/messages", &seen(newest - 1)).await;
    assert_eq!(answer.outcome(), (409, "conversation_changed".to_owned()));
    assert_eq!(answer.json()["error"]["newest_seq"], newest);
    assert_eq!(api.post("/v1/messages", &seen(newest)).await.status, 202);
}

#[actix_web::test]
async fn a_waiting_message_says_why_and_until_when() {
    let api = Api::start().await;
    let id = id_in(&api.post("/v1/messages", &text(PHONE)).await);
    let expected = Some(NOW.after(Duration::from_secs(3)));
    *api.core.delay_estimate.lock().unwrap() = Some(DelayEstimate::waits(DelayReason::PairLimit, expected));
    let shown = api.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(shown["id"], id.to_string());
    assert_eq!(shown["content"]["text"]["body"], "halo");
    assert_eq!(shown["delivery"]["state"], "queued");
    assert_eq!(
        shown["delay"],
        json!({ "reason": "pair_limit", "expected_at": expected })
    );
}

#[actix_web::test]
async fn a_claimed_message_is_shown_as_claimed_with_what_its_call_waits_for() {
    let api = Api::start().await;
    let earlier = id_in(&api.post("/v1/messages", &text("628111111111")).await);
    let id = id_in(&api.post("/v1/messages", &text(PHONE)).await);
    *api.core.delay_estimate.lock().unwrap() = Some(DelayEstimate::waits(DelayReason::NumberLimit, None));
    let claimed_at = NOW.after(Duration::from_secs(1));
    let want = ClaimWant {
        number: number(ONE),
        message: id,
        attempt: 0,
    };
    api.store
        .claim(ONE, Fence::new(1), vec![want], claimed_at)
        .await
        .unwrap();
    let shown = api.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(
        (&shown["delivery"]["state"], &shown["delivery"]["attempts"]),
        (&json!("claimed"), &json!(1))
    );
    assert_eq!(shown["delivery"]["times"]["claimed"], json!(claimed_at));
    assert_eq!(shown["delay"]["reason"], "number_limit");
    *api.core.delay_estimate.lock().unwrap() = None;
    let shown = api.get(&format!("/v1/messages/{id}")).await.json();
    assert!(shown.get("delay").is_none(), "its call is under way");
    assert_eq!(
        api.get(&format!("/v1/messages/{earlier}")).await.json()["delivery"]["state"],
        "queued"
    );
    let too_late = api.call("DELETE", &format!("/v1/messages/{id}")).send().await;
    assert_eq!(too_late.outcome(), (409, "too_late".to_owned()));
}

#[actix_web::test]
async fn a_queued_message_can_be_taken_back() {
    let api = Api::start().await;
    let id = id_in(&api.post("/v1/messages", &text(PHONE)).await);
    let path = format!("/v1/messages/{id}");
    let answer = api.call("DELETE", &path).send().await;
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &json!("cancelled"))
    );
    let again = api.call("DELETE", &path).send().await;
    assert_eq!(again.status, 200, "whoever did not get the answer may ask again");
    assert_eq!(api.get(&path).await.json()["delivery"]["state"], "cancelled");
}

#[actix_web::test]
async fn an_agent_decides_about_an_unknown_outcome_and_the_first_decision_stands() {
    let api = Api::start().await;
    let id = id_in(&api.post("/v1/messages", &text(PHONE)).await);
    let (path, resolve) = (format!("/v1/messages/{id}"), format!("/v1/messages/{id}/resolve"));
    for body in [
        json!({}),
        json!({ "action": "shrug" }),
        json!({ "action": "give_up", "why": "?" }),
    ] {
        assert_eq!(api.post(&resolve, &body).await.status, 400, "{body}");
    }
    let send_again = json!({ "action": "send_again" });
    assert_eq!(
        api.post(&resolve, &send_again).await.outcome(),
        (409, "too_late".to_owned()),
        "nothing is unknown"
    );
    api.lose_an_answer(id).await;
    let expected = None;
    *api.core.delay_estimate.lock().unwrap() = Some(DelayEstimate::waits(DelayReason::Queued, expected));
    let shown = api.get(&path).await.json();
    assert_eq!(
        (&shown["delivery"]["state"], shown.get("delay")),
        (&json!("unknown"), None)
    );

    assert_eq!(
        api.post(&resolve, &send_again).await.json(),
        json!({ "message_id": id })
    );
    assert_eq!(
        api.get(&path).await.json()["delay"]["reason"],
        "queued",
        "it waits again"
    );
    assert_eq!(api.post(&resolve, &send_again).await.status, 200, "it is done");
    let give_up = json!({ "action": "give_up" });
    assert_eq!(
        api.post(&resolve, &give_up).await.outcome(),
        (409, "too_late".to_owned())
    );
}

#[actix_web::test]
async fn what_is_given_up_waits_for_nothing_any_more() {
    let api = Api::start().await;
    let id = id_in(&api.post("/v1/messages", &text(PHONE)).await);
    api.lose_an_answer(id).await;
    let answer = api
        .post(
            &format!("/v1/messages/{id}/resolve"),
            &json!({ "action": "give_up" }),
        )
        .await;
    assert_eq!(answer.status, 200);
    let shown = api.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(
        (&shown["delivery"]["gave_up"], shown.get("delay")),
        (&json!(NOW), None)
    );
}

impl Api {
    /// The message is claimed, and the answer to its call is lost.
    async fn lose_an_answer(&self, id: MessageId) {
        let want = ClaimWant {
            number: number(ONE),
            message: id,
            attempt: 0,
        };
        let claimed = self.store.claim(ONE, Fence::new(1), vec![want], NOW).await;
        let Some(ClaimOutcome::Granted(claim)) = claimed.unwrap().pop() else {
            panic!("not granted")
        };
        let attempted = Attempted {
            token: claim.token,
            number: number(ONE),
            at: NOW,
            result: AttemptResult::Unknown { error: None },
            recipient: crate::domain::ContactAliases::default(),
        };
        self.core.commit(ONE, Op::Attempted(attempted)).await;
    }
}
