use super::*;

#[actix_web::test]
async fn a_program_that_polls_sees_every_event_once_in_order() {
    let api = Api::start().await;
    let start = api.get("/v1/events").await.json();
    assert_eq!(
        (&start["events"], &start["next_after"]),
        (&serde_json::json!([]), &serde_json::json!(0))
    );
    for n in 0..5 {
        api.customer_writes(ONE, "628123456789", &format!("halo {n}"))
            .await;
    }
    let mut after = start["next_after"].as_u64().unwrap();
    let mut seen = Vec::new();
    loop {
        let page = api
            .get(&format!(
                "/v1/events?after={after}&limit=2&epoch=000000000000abc1"
            ))
            .await
            .json();
        let events = page["events"].as_array().unwrap().clone();
        assert_eq!(page["as_of_seq"], api.core.head_seq(ONE));
        if events.is_empty() {
            break;
        }
        seen.extend(events.iter().map(|event| event["seq"].as_u64().unwrap()));
        after = page["next_after"].as_u64().unwrap();
    }
    let expected: Vec<u64> = (1..=api.core.head_seq(ONE)).collect();
    assert_eq!(seen, expected);
    assert!(seen.len() >= 5);
}

#[actix_web::test]
async fn a_position_that_means_nothing_here_is_answered_with_resync() {
    let api = Api::start().await;
    api.customer_writes(ONE, "628123456789", "halo").await;
    let refused = |query: &'static str| {
        let api = &api;
        async move {
            let answer = api.get(&format!("/v1/events?{query}")).await;
            assert_eq!(answer.outcome(), (410, "resync".to_owned()), "{query}");
            let told = answer.json()["error"]["message"].as_str().unwrap().to_owned();
            assert!(told.contains("`after` its `as_of_seq`"), "{told}");
            told
        }
    };
    let told = refused("after=1000").await;
    assert!(told.contains("`after` is 1000"), "{told}");
    let told = refused("after=0&epoch=0000000000000001").await;
    assert!(told.contains("its epoch is 000000000000abc1"), "{told}");
    api.clock.advance(Retention::EVENTS + Duration::from_secs(1));
    let told = refused("after=0").await;
    assert!(told.contains("of the events after 0 those from"), "{told}");
    for bad in ["after=-1", "after=x", "limit=501", "epoch=1", "since=1"] {
        assert_eq!(api.get(&format!("/v1/events?{bad}")).await.status, 400, "{bad}");
    }
}
