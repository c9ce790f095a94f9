//! Many messages in one request.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::actors::request::Refusal;
use crate::domain::{Priority, Purpose};

fn line(key: &str, to: &str, text: &str) -> Value {
    json!({ "idempotency_key": key, "to": to, "type": "text", "text": { "body": text } })
}

fn ndjson(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    lines.concat()
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let text = String::from_utf8(answer.body.clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

impl Api {
    fn bulk(&self, body: impl Into<Vec<u8>>) -> Request {
        self.call("POST", "/v1/messages")
            .header("Content-Type", "application/x-ndjson; charset=utf-8")
            .body(body)
    }
}

#[actix_web::test]
async fn each_line_is_answered_in_order_as_if_it_had_come_alone() {
    let api = Api::start().await;
    let given = [
        line("a", "628110000001", "one"),
        json!({ "to": "628110000002", "type": "text", "text": { "body": "no key" } }),
        json!([1]),
        line("b", "nobody", "x"),
        line("c", "628110000003", "three"),
    ];
    let body = format!(
        "{}\n   \r\nnonsense\n{}",
        ndjson(&given),
        line("d", "628110000004", "last")
    );
    let answers = lines(&api.bulk(body).send().await);
    let shape: Vec<(u64, &str)> = answers
        .iter()
        .map(|answer| {
            let code = answer.pointer("/error/code").and_then(Value::as_str);
            (answer["line"].as_u64().unwrap(), code.unwrap_or("accepted"))
        })
        .collect();
    let expected = [
        (1, "accepted"),
        (2, "invalid_request"),
        (3, "invalid_request"),
        (4, "invalid_request"),
        (5, "accepted"),
        (8, "invalid_request"),
        (9, "accepted"),
    ];
    assert_eq!(shape, expected);
    assert!(
        answers[1]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`idempotency_key` is missing")
    );
    assert_eq!(answers[0]["message"]["state"], "queued");
    let id = answers[0]["message"]["message_id"].as_str().unwrap();
    let shown = api.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(shown["content"]["text"]["body"], "one", "it is there");
    assert_eq!(shown["delivery"]["priority"], "bulk");
}

#[actix_web::test]
async fn what_can_wait_is_bulk_unless_the_line_says_otherwise() {
    let api = Api::start().await;
    let mut reply = line("a", "628110000001", "now");
    reply["priority"] = json!("interactive");
    let mut utility = line("b", "628110000002", "x");
    utility["category"] = json!("utility");
    let sent = api
        .bulk(ndjson(&[reply, utility, line("c", "628110000003", "x")]))
        .send()
        .await;
    assert!(lines(&sent).iter().all(|line| line.get("message").is_some()));
    let submitted = api.core.submitted.lock().unwrap();
    let of: Vec<(Priority, Purpose)> = submitted
        .iter()
        .map(|sent| (sent.priority, sent.purpose))
        .collect();
    let expected = [
        (Priority::Interactive, Purpose::Other),
        (Priority::Bulk, Purpose::Other),
        (Priority::Bulk, Purpose::Other),
    ];
    assert_eq!(of, expected);
}

#[actix_web::test]
async fn a_request_that_is_repeated_sends_nothing_twice_however_the_messages_came() {
    let api = Api::start().await;
    let all = [
        line("a", "628110000001", "one"),
        line("b", "628110000001", "two"),
        line("a", "628110000001", "one"),
    ];
    let first = lines(&api.bulk(ndjson(&all)).send().await);
    assert_eq!(
        first[2]["message"]["message_id"],
        first[0]["message"]["message_id"]
    );
    assert_eq!(
        (&first[0]["replayed"], &first[2]["replayed"]),
        (&Value::Null, &json!(true))
    );
    let again = lines(&api.bulk(ndjson(&all)).send().await);
    for (one, other) in first.iter().zip(&again) {
        assert_eq!(one["message"], other["message"]);
        assert_eq!(other["replayed"], true);
    }
    let other = lines(
        &api.bulk(ndjson(&[line("a", "628110000001", "else")]))
            .send()
            .await,
    );
    assert_eq!(other[0]["error"]["code"], "idempotency_mismatch");
    // A key is the same whether the message comes alone or among others.
    let mut alone = all[1].clone();
    alone.as_object_mut().unwrap().remove("idempotency_key");
    let alone = api
        .call("POST", "/v1/messages")
        .header("Idempotency-Key", "b")
        .json(&alone)
        .send()
        .await;
    assert_eq!(alone.header("idempotent-replayed"), Some("true"));
    assert_eq!(alone.json()["message_id"], first[1]["message"]["message_id"]);
}

#[actix_web::test]
async fn what_the_core_refuses_is_told_in_its_line_and_the_others_go_on() {
    let api = Api::start().await;
    for (refusal, code) in [
        (Refusal::WindowClosed, "window_closed"),
        (Refusal::QueueFull, "queue_full"),
        (Refusal::Uncertain, "uncertain"),
    ] {
        *api.core.refusal.lock().unwrap() = Some(refusal);
        let two = [
            line(code, "628110000001", "x"),
            line("other", "628110000001", "y"),
        ];
        let answers = lines(&api.bulk(ndjson(&two)).send().await);
        assert_eq!(answers[0]["error"]["code"], code);
        assert!(answers[1].get("message").is_some(), "{code}");
    }
    *api.core.refusal.lock().unwrap() = Some(Refusal::QueueFull);
    let full = lines(&api.bulk(ndjson(&[line("q", "628110000001", "x")])).send().await);
    assert_eq!(full[0]["error"]["quota"]["name"], "backlog");
    assert!(full[0]["error"]["retry_after_ms"].is_u64());
}

#[actix_web::test]
async fn messages_to_one_customer_are_accepted_in_the_order_of_their_lines() {
    let api = Api::start().await;
    // Whatever is begun later would be done earlier.
    api.core.lingers.store(300, Ordering::SeqCst);
    let all: Vec<Value> = (0..300)
        .map(|n| {
            line(
                &format!("k{n}"),
                &format!("62811000000{}", n % 3),
                &format!("{n}"),
            )
        })
        .collect();
    let answers = lines(&api.bulk(ndjson(&all)).send().await);
    let numbers: Vec<u64> = answers
        .iter()
        .map(|line| line["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=300).collect::<Vec<_>>());
    let mut before = [-1_i64; 3];
    for sent in api.core.submitted.lock().unwrap().iter() {
        let text: i64 = sent.content.to_value()["text"]["body"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let customer = usize::try_from(text % 3).unwrap();
        assert!(before[customer] < text);
        before[customer] = text;
    }
    assert_eq!(before, [297, 298, 299]);
}

#[actix_web::test]
async fn lines_and_bodies_have_bounds_and_what_is_beyond_is_not_accepted() {
    let api = Api::start().await;
    let long = line("long", "628110000001", &"x".repeat(300 << 10));
    let around = [
        line("a", "628110000001", "x"),
        long,
        line("b", "628110000002", "y"),
    ];
    let answers = lines(&api.bulk(ndjson(&around)).chunked(8_000).send().await);
    assert_eq!(answers[1]["line"], 2);
    assert_eq!(answers[1]["error"]["code"], "too_large");
    assert!(answers[2].get("message").is_some(), "the next is read");
    let many = format!("{}{}", "\n".repeat(10_000), line("late", "628110000003", "x"));
    let answers = lines(&api.bulk(many).send().await);
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (&answers[0]["line"], &answers[0]["ended"]),
        (&json!(10_001), &json!(true))
    );
    assert_eq!(answers[0]["error"]["code"], "limit_reached");
    assert_eq!(
        api.core.submitted.lock().unwrap().len(),
        2,
        "nothing beyond is accepted"
    );
    let mut stream = TcpStream::connect(api.addr).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\n\
         Content-Length: {}\r\n\r\n",
        api.key,
        (64 << 20) + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 2_048];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"),
        "{answer}"
    );
}

#[actix_web::test]
async fn a_line_is_answered_while_the_next_is_not_written_yet() {
    let api = Api::start().await;
    let mut stream = TcpStream::connect(api.addr).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Type: application/x-ndjson\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        api.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    for n in 1..=3 {
        let text = format!("{}\n", line(&format!("k{n}"), "628110000001", "x"));
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        let told = format!("{{\"line\":{n},\"message\"");
        while !seen.contains(&told) {
            let mut some = [0; 1_024];
            let read = stream.read(&mut some).await.unwrap();
            assert!(read > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(&some[..read]));
        }
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    while !seen.ends_with("0\r\n\r\n") {
        let mut some = [0; 1_024];
        let read = stream.read(&mut some).await.unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    assert_eq!(seen.matches("\"message_id\"").count(), 3);
}

#[actix_web::test]
async fn who_may_not_send_is_refused_before_a_line_is_read() {
    let api = Api::start().await;
    let body = ndjson(&[line("a", "628110000001", "x")]);
    let reader = api.add_key(ONE, &[Scope::Read]).await;
    let bulk = || {
        Request::new(api.addr, "POST", "/v1/messages")
            .header("Content-Type", "application/x-ndjson")
            .body(body.clone())
    };
    assert_eq!(
        bulk().bearer(&reader).send().await.outcome(),
        (403, "forbidden".to_owned())
    );
    assert_eq!(bulk().send().await.outcome(), (401, "unauthorized".to_owned()));
    let named = api.bulk(body.clone()).header("Idempotency-Key", "x").send().await;
    assert_eq!(named.outcome(), (400, "invalid_request".to_owned()));
    assert!(api.core.submitted.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn a_tenant_has_few_such_requests_at_once() {
    let api = Api::start().await;
    let places: Vec<_> = (0..4).map(|_| api.state.bulk_sends.take(ONE).unwrap()).collect();
    let body = ndjson(&[line("a", "628110000001", "x")]);
    assert_eq!(
        api.bulk(body.clone()).send().await.outcome(),
        (503, "busy".to_owned())
    );
    drop(places);
    assert_eq!(lines(&api.bulk(body).send().await).len(), 1);
    let none = api.bulk("").send().await;
    assert!(lines(&none).is_empty());
}

#[actix_web::test]
async fn what_is_scheduled_is_listed_until_its_time_comes_and_by_number() {
    let api = Api::start().await;
    super::contacts::add_number(&api).await;
    let at = |seconds| NOW.after(Duration::from_secs(seconds));
    let mut all: Vec<Value> = (0..5)
        .map(|n| line(&format!("k{n}"), &format!("62811000000{n}"), "x"))
        .collect();
    for (n, line) in all.iter_mut().enumerate().skip(1) {
        line["send_at"] = json!(at(60 * u64::try_from(n).unwrap()));
    }
    let sent = lines(&api.bulk(ndjson(&all)).send().await);
    let ids: Vec<&str> = sent
        .iter()
        .map(|line| line["message"]["message_id"].as_str().unwrap())
        .collect();
    let listed = async |query: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = api
                .get(&format!("/v1/messages/scheduled?{query}{cursor}"))
                .await
                .json();
            let messages = page["messages"].as_array().unwrap();
            found.extend(messages.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    };
    assert_eq!(
        listed("").await,
        &ids[1..],
        "what goes out at once is not among them"
    );
    assert_eq!(listed("limit=1").await, &ids[1..]);
    assert_eq!(
        listed(&format!("limit=2&number={}", number(ONE))).await,
        &ids[1..]
    );
    assert!(listed("number=999").await.is_empty());
    let page = api.get("/v1/messages/scheduled").await.json();
    assert_eq!(page["messages"][0]["delivery"]["send_at"], json!(at(60)));
    let taken = api
        .call("DELETE", &format!("/v1/messages/{}", ids[2]))
        .send()
        .await;
    assert_eq!(taken.status, 200);
    assert_eq!(listed("").await, [ids[1], ids[3], ids[4]]);
    api.clock.advance(Duration::from_secs(200));
    assert_eq!(listed("").await, [ids[4]]);
    for bad in ["cursor=x", "cursor=101", "cursor=-", "limit=101", "state=x"] {
        let refused = api.get(&format!("/v1/messages/scheduled?{bad}")).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{bad}");
    }
    let others = Request::new(api.addr, "GET", "/v1/messages/scheduled").bearer(&api.other_key);
    assert_eq!(others.send().await.json()["messages"], json!([]));
}

#[actix_web::test]
async fn lines_that_wait_for_their_turn_leave_room_for_single_calls() {
    let sections = "[limits]\nkey_requests_per_s = 1\nkey_burst = 10\n";
    let api = Api::start_with(Setup {
        sections,
        ..Setup::default()
    })
    .await;
    let all: Vec<Value> = (0..20)
        .map(|n| line(&format!("k{n}"), &format!("6281100000{n:02}"), "x"))
        .collect();
    let sending = actix_rt::spawn(api.bulk(ndjson(&all)).send());
    // The call itself is the first line's.
    while api.core.submitted.lock().unwrap().len() < 9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(api.get("/v1/numbers").await.status, 200);
    assert_eq!(api.get("/v1/numbers").await.status, 429, "all that was left");
    assert_eq!(api.core.submitted.lock().unwrap().len(), 9);
    sending.abort();
}
