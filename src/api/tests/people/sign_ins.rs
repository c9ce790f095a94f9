use super::*;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Behind a proxy, which tells where people are.
async fn start_behind_proxy() -> Api {
    Api::start_with(Setup {
        server: "trusted_proxies = [\"127.0.0.1\"]\n",
        sections: "[accounts]\nhash_threads = 2\n",
        ..Setup::default()
    })
    .await
}

async fn sign_in_from(api: &Api, address: &str, browser: &str, password: &str) -> Answer {
    let body = json!({ "email": "ana@example.com", "password": password });
    let call = api.plain("POST", "/v1/session");
    let call = call
        .header("X-Forwarded-For", address)
        .header("User-Agent", browser);
    let answer = call.json(&body).send().await;
    written(api).await;
    // So that the order is that of time.
    api.clock.advance(Duration::from_secs(60));
    answer
}

pub(super) async fn written(api: &Api) {
    let left = api.state.accounts.sign_ins_written(Duration::from_secs(10)).await;
    assert_eq!(left, 0);
}

#[actix_web::test]
async fn people_see_where_they_signed_in_and_who_was_refused() {
    let api = start_behind_proxy().await;
    let began = member(&api, ONE, "ana@example.com", Role::Agent).await;
    written(&api).await;
    api.clock.advance(Duration::from_secs(3_600));
    let right = PASSWORD;
    let wrong = "kopi tubruk di pasar senin";
    assert_eq!(
        sign_in_from(&api, "198.51.100.7", CHROME, right).await.status,
        201
    );
    assert_eq!(
        sign_in_from(&api, "203.0.113.9", FIREFOX, wrong).await.status,
        401
    );
    let last = Browser::of(&sign_in_from(&api, "198.51.100.8", FIREFOX, right).await);
    let list = last.get(&api, "/v1/sign-ins").await.json();
    let seen: Vec<(&str, &Value, &Value)> = list["sign_ins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["outcome"].as_str().unwrap(),
                &one["address"],
                &one["is_new_device"],
            )
        })
        .collect();
    let (known, new) = (json!(false), json!(true));
    let places = ["198.51.100.8", "203.0.113.9", "198.51.100.7"].map(|address| json!(address));
    assert_eq!(
        seen[..3],
        [
            ("signed_in", &places[0], &known),
            ("wrong_password", &places[1], &known),
            ("signed_in", &places[2], &new),
        ]
    );
    // The person who made the account.
    assert_eq!((seen.len(), seen[3].0, seen[3].2), (4, "signed_in", &known));
    assert_eq!(list["sign_ins"][0]["browser"], FIREFOX);
    assert_eq!(list["next"], Value::Null);
    // Nobody else sees them, and they end.
    let ben = member(&api, ONE, "ben@example.com", Role::Owner).await;
    written(&api).await;
    let of_ben = ben.get(&api, "/v1/sign-ins").await.json();
    assert_eq!(of_ben["sign_ins"].as_array().unwrap().len(), 1);
    api.clock.advance(Duration::from_secs(90 * 86_400));
    let later = Browser::of(&sign_in_from(&api, "198.51.100.8", FIREFOX, right).await);
    let list = later.get(&api, "/v1/sign-ins").await.json();
    assert_eq!(list["sign_ins"].as_array().unwrap().len(), 1);
    assert_eq!(list["sign_ins"][0]["is_new_device"], true);
    assert_eq!(began.get(&api, "/v1/sign-ins").await.status, 401);
}

#[actix_web::test]
async fn the_list_is_read_page_by_page() {
    let api = start_behind_proxy().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    written(&api).await;
    for nth in 0..54 {
        let from = format!("198.51.100.{nth}");
        sign_in_from(&api, &from, CHROME, "kopi tubruk di pasar senin").await;
    }
    let first = ana.get(&api, "/v1/sign-ins").await.json();
    let next = first["next"].as_str().unwrap();
    let second = ana.get(&api, &format!("/v1/sign-ins?after={next}")).await.json();
    let count = |page: &Value| page["sign_ins"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second)), (50, 5));
    assert_eq!(second["next"], Value::Null);
    assert!(first["sign_ins"][49]["at"].as_i64() > second["sign_ins"][0]["at"].as_i64());
    assert_eq!(second["sign_ins"][4]["outcome"], "signed_in");
    for malformed in ["after=x", "after=AAAA", "before=x"] {
        let refused = ana.get(&api, &format!("/v1/sign-ins?{malformed}")).await;
        assert_eq!(
            refused.outcome(),
            (400, "invalid_request".to_owned()),
            "{malformed}"
        );
    }
}
