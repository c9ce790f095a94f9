//! What goes wrong on purpose really does.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

pub(super) async fn rig_with(faults: Faults) -> Rig {
    let rig = Rig::start(SimulatorConfig { faults, ..quick() }).await;
    rig.simulator.say_text(CUSTOMER, "hi").unwrap();
    rig
}

/// Sends a text over a bare socket and returns every byte that comes back, and how the connection ended.
async fn raw_send(rig: &Rig) -> (Vec<u8>, std::io::Result<()>) {
    let mut socket = TcpStream::connect(rig.simulator.addr()).await.unwrap();
    let body = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": "x"}}).to_string();
    let request = format!(
        "POST /v25.0/{NUMBER}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer simulated-access-token\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut bytes))
        .await
        .expect("the connection ends");
    (bytes, end.map(drop))
}

fn accepted(rig: &Rig) -> u64 {
    rig.simulator.stats().graph.sends_accepted
}

#[actix_web::test]
async fn a_reset_leaves_not_one_byte_of_an_answer() {
    for (faults, sends) in [
        (
            Faults {
                reset_after: 1.0,
                ..Faults::default()
            },
            1,
        ),
        (
            Faults {
                reset_before: 1.0,
                ..Faults::default()
            },
            0,
        ),
    ] {
        let rig = rig_with(faults).await;
        let (bytes, end) = raw_send(&rig).await;
        assert_eq!(String::from_utf8_lossy(&bytes), "");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(accepted(&rig), sends);
    }
}

#[actix_web::test]
async fn a_hanging_send_was_accepted_and_is_never_answered() {
    let rig = rig_with(Faults {
        hang_after: 1.0,
        hang_ms: 50,
        ..Faults::default()
    })
    .await;
    let (bytes, end) = raw_send(&rig).await;
    assert!(bytes.is_empty() && end.is_err());
    assert_eq!(accepted(&rig), 1);
}

#[actix_web::test]
async fn a_hanging_send_does_not_outlive_its_simulator() {
    let rig = rig_with(Faults {
        hang_after: 1.0,
        hang_ms: 3_600_000,
        ..Faults::default()
    })
    .await;
    let stop = async {
        while accepted(&rig) == 0 {
            tokio::task::yield_now().await;
        }
        rig.simulator.stop().await;
    };
    let ((bytes, _), ()) = tokio::join!(raw_send(&rig), stop);
    assert!(bytes.is_empty());
}

#[actix_web::test]
async fn each_fault_answers_as_it_should_and_accepts_or_not() {
    let none = Faults::default();
    for (label, faults, statuses, wanted, sends) in [
        (
            "5xx before",
            Faults {
                error_before: 1.0,
                ..none
            },
            vec![500, 502, 503],
            None,
            0,
        ),
        (
            "5xx after",
            Faults {
                error_after: 1.0,
                ..none
            },
            vec![500],
            Some(131_000),
            1,
        ),
        (
            "throttled",
            Faults {
                throttled: 1.0,
                ..none
            },
            vec![400],
            Some(130_429),
            0,
        ),
        (
            "too many",
            Faults {
                too_many: 1.0,
                ..none
            },
            vec![429],
            Some(4),
            0,
        ),
        (
            "pair",
            Faults {
                pair_limited: 1.0,
                ..none
            },
            vec![400],
            Some(131_056),
            0,
        ),
    ] {
        let rig = rig_with(faults).await;
        let answer = rig
            .client
            .post(format!("{}/{NUMBER}/messages", rig.simulator.url()))
            .bearer_auth("simulated-access-token")
            .body(json!({"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": "x"}}).to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        assert!(statuses.contains(&status), "{label}: {status}");
        let body: Value = answer.json().await.unwrap_or_default();
        if let Some(wanted) = wanted {
            assert_eq!(code(&body), wanted, "{label}");
        }
        assert_eq!(accepted(&rig), sends, "{label}");
    }
}

#[actix_web::test]
async fn a_garbled_answer_is_a_200_that_cannot_be_read() {
    let rig = rig_with(Faults {
        garbled_after: 1.0,
        ..Faults::default()
    })
    .await;
    let answer = rig
        .client
        .post(format!("{}/{NUMBER}/messages", rig.simulator.url()))
        .bearer_auth("simulated-access-token")
        .body(json!({"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": "x"}}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let bytes = answer.bytes().await.unwrap();
    assert!(serde_json::from_slice::<Value>(&bytes).is_err());
    assert_eq!(accepted(&rig), 1);
}

#[actix_web::test]
async fn an_early_status_is_answered_before_the_send_is() {
    let rig = rig_with(Faults {
        status_early: 1.0,
        ..Faults::default()
    })
    .await;
    rig.receiver.message().await;
    rig.receiver.arrived().await;
    rig.receiver.shut();
    let answered = std::cell::Cell::new(false);
    let send = async {
        let answer = rig.send_text(CUSTOMER, "x", "early").await;
        answered.set(true);
        answer
    };
    let watch = async {
        rig.receiver.arrived().await;
        assert!(!answered.get(), "the status came first");
        rig.receiver.open();
    };
    let ((status, _), ()) = tokio::join!(send, watch);
    assert_eq!(status, 200);
    let first = rig.receiver.status("sent").await;
    assert_eq!(first["biz_opaque_callback_data"], "early");
}

#[actix_web::test]
async fn a_storm_refuses_until_it_is_over() {
    let rig = rig_with(Faults::default()).await;
    rig.simulator.storm(control::StormCall {
        kind: StormKind::TooMany,
        for_ms: 3_600_000,
    });
    assert_eq!(rig.send_text(CUSTOMER, "x", "t").await.0, 429);
    rig.simulator.storm(control::StormCall {
        kind: StormKind::TooMany,
        for_ms: 0,
    });
    assert_eq!(rig.send_text(CUSTOMER, "x", "t").await.0, 200);
}
