use super::provider::{ACCESS_TOKEN, SigningKey, encoded, half_digest, unsigned};
use super::*;

#[actix_web::test]
async fn a_token_that_cannot_be_believed_lets_nobody_in() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let forger = SigningKey::named("one");
    let unknown = SigningKey::named("nobody's");
    let at = now(&api);
    type Change = fn(&mut Value, i64);
    let changes: [(&str, Change); 13] = [
        ("another provider's", |claims, _| {
            claims["iss"] = json!("https://login.example.com");
        }),
        ("for another client", |claims, _| claims["aud"] = json!("another")),
        ("for others, too", |claims, _| {
            claims["aud"] = json!([CLIENT, "another"]);
        }),
        ("used by another client", |claims, _| {
            claims["azp"] = json!("another");
        }),
        ("over", |claims, now| claims["exp"] = json!(now - 61)),
        ("of tomorrow", |claims, now| claims["iat"] = json!(now + 86_400)),
        ("of another sign-in", |claims, _| {
            claims["nonce"] = json!("another");
        }),
        ("of no sign-in", |claims, _| {
            claims.as_object_mut().unwrap().remove("nonce");
        }),
        ("with another access token", |claims, _| {
            claims["at_hash"] = json!(half_digest("another"));
        }),
        ("of nobody", |claims, _| {
            claims.as_object_mut().unwrap().remove("sub");
        }),
        ("of no provider", |claims, _| {
            claims.as_object_mut().unwrap().remove("iss");
        }),
        ("for nobody", |claims, _| {
            claims.as_object_mut().unwrap().remove("aud");
        }),
        ("without an end", |claims, _| {
            claims.as_object_mut().unwrap().remove("exp");
        }),
    ];
    for (what, change) in changes {
        let away = leave(&api, ONE).await;
        let mut claims = provider.claims(&away.asked, "ana", at);
        change(&mut claims, at);
        let answer = away.with(&api, &provider, &claims).await;
        assert_eq!(refusal(&answer), "provider_token_refused", "{what}");
    }
    type Sign<'a> = Box<dyn Fn(&Value) -> String + 'a>;
    let signatures: [(&str, Sign<'_>); 6] = [
        (
            "by somebody else's key of the same name",
            Box::new(|claims| forger.sign(claims)),
        ),
        (
            "by a key that the provider does not have",
            Box::new(|claims| unknown.sign(claims)),
        ),
        (
            "by nobody",
            Box::new(|claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims))),
        ),
        (
            "with the client's secret",
            Box::new(|claims| {
                let text = unsigned(&json!({ "alg": "HS256" }), claims);
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
                format!(
                    "{text}.{}",
                    encoded(ring::hmac::sign(&key, text.as_bytes()).as_ref())
                )
            }),
        ),
        (
            "for other claims",
            Box::new(|claims| {
                let mut others = claims.clone();
                others["sub"] = json!("ben");
                let (signed, others) = (provider.key().sign(claims), provider.key().sign(&others));
                let claims = others.split('.').nth(1).unwrap();
                let parts: Vec<&str> = signed.split('.').collect();
                format!("{}.{claims}.{}", parts[0], parts[2])
            }),
        ),
        ("by no token at all", Box::new(|_| "x".to_owned())),
    ];
    for (what, sign) in signatures {
        let away = leave(&api, ONE).await;
        let claims = provider.claims(&away.asked, "ana", at);
        let code = provider.code(away.asked.get("code_challenge"), sign(&claims));
        let answer = away.come_back(&api, &code).await;
        assert_eq!(refusal(&answer), "provider_token_refused", "{what}");
        api.clock.advance(Duration::from_secs(5));
    }
    // The same without a flaw; clocks may differ a little, and `at_hash` need not be there.
    let away = leave(&api, ONE).await;
    let mut claims = provider.claims(&away.asked, "ana", now(&api));
    (claims["iat"], claims["exp"]) = (json!(now(&api) + 50), json!(now(&api) - 50));
    claims.as_object_mut().unwrap().remove("at_hash");
    opened(&api, &away.with(&api, &provider, &claims).await).await;
    assert_eq!(half_digest(ACCESS_TOKEN).len(), 22);
}

#[actix_web::test]
async fn a_sign_in_comes_back_once_in_time_and_in_the_same_browser() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    set(&api, OTHER, &setting(&provider)).await;
    let granted = |away: &Away| {
        let token = provider
            .key()
            .sign(&provider.claims(&away.asked, "ana", now(&api)));
        provider.code(away.asked.get("code_challenge"), token)
    };
    // Without the cookie, with another browser's, with two.
    let (mine, theirs) = (leave(&api, ONE).await, leave(&api, ONE).await);
    let code = granted(&mine);
    let back = mine.back(&code);
    let both = format!("{}; {}", mine.cookie, theirs.cookie);
    for cookie in [
        "",
        theirs.cookie.as_str(),
        "__Host-mesej-sign-in=x",
        both.as_str(),
    ] {
        let answer = api.plain("GET", &back).header("Cookie", cookie).send().await;
        assert_eq!(refusal(&answer), "sign_in_expired", "{cookie}");
    }
    // To another tenant's address: what one tenant's provider sends is never given to another's.
    let elsewhere = back.replace(&format!("/{ONE}/"), &format!("/{OTHER}/"));
    let answer = api
        .plain("GET", &elsewhere)
        .header("Cookie", &mine.cookie)
        .send()
        .await;
    assert_eq!(refusal(&answer), "sign_in_expired");
    // Others used nothing up. It works once, and of many at one moment one wins.
    let again = futures_util::future::join_all((0..4).map(|_| mine.come_back(&api, &code))).await;
    let (done, over): (Vec<&Answer>, Vec<&Answer>) = again
        .iter()
        .partition(|answer| answer.header("location") == Some("/"));
    assert_eq!((done.len(), over.len()), (1, 3));
    for answer in over {
        assert_eq!(refusal(answer), "sign_in_expired");
    }
    assert_eq!(
        refusal(&mine.come_back(&api, &granted(&mine)).await),
        "sign_in_expired"
    );
    // A state that nobody made, none, and one that is there twice.
    for query in ["", "code=x", "code=x&state=mj_state_x", "state=&code="] {
        let path = format!("/v1/sign-in/{ONE}/callback?{query}");
        let answer = api
            .plain("GET", &path)
            .header("Cookie", &theirs.cookie)
            .send()
            .await;
        assert_eq!(refusal(&answer), "sign_in_expired", "{query}");
    }
    let twice = format!("{}&state=x", theirs.back(&granted(&theirs)));
    let answer = api
        .plain("GET", &twice)
        .header("Cookie", &theirs.cookie)
        .send()
        .await;
    assert_eq!(refusal(&answer), "sign_in_expired");
    // The provider says that it is another: its code is not given to this one.
    let path = format!("{}&iss=https://login.example.com", theirs.back(&granted(&theirs)));
    let answer = api
        .plain("GET", &path)
        .header("Cookie", &theirs.cookie)
        .send()
        .await;
    assert_eq!(refusal(&answer), "provider_token_refused");
    // The person says no.
    let no = leave(&api, ONE).await;
    let path = no.back("x").replace("code=x", "error=access_denied");
    let answer = api.plain("GET", &path).header("Cookie", &no.cookie).send().await;
    assert_eq!(refusal(&answer), "refused_by_provider");
    // Too late.
    let late = leave(&api, ONE).await;
    let code = granted(&late);
    api.clock.advance(Duration::from_secs(600));
    assert_eq!(refusal(&late.come_back(&api, &code).await), "sign_in_expired");
}

#[actix_web::test]
async fn a_code_is_worth_nothing_without_the_secret_of_its_challenge() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let (mine, theirs) = (leave(&api, ONE).await, leave(&api, ONE).await);
    for away in [&mine, &theirs] {
        assert_eq!(away.asked.get("code_challenge_method"), "S256");
        assert_eq!(away.asked.get("code_challenge").len(), 43);
        assert_eq!(away.asked.get("response_type"), "code");
        assert_eq!(away.asked.get("scope"), "openid email profile");
    }
    assert_ne!(
        mine.asked.get("code_challenge"),
        theirs.asked.get("code_challenge")
    );
    // A stolen code, in the thief's own sign-in.
    let token = provider
        .key()
        .sign(&provider.claims(&theirs.asked, "ana", now(&api)));
    let stolen = provider.code(mine.asked.get("code_challenge"), token);
    assert_eq!(
        refusal(&theirs.come_back(&api, &stolen).await),
        "refused_by_provider"
    );
}

#[actix_web::test]
async fn a_provider_is_asked_once_and_left_alone_when_it_does_not_answer() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let asked = || provider.asked.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(asked(), 1);
    api.clock.advance(Duration::from_secs(3_600));
    futures_util::future::join_all((0..4).map(|_| leave(&api, ONE))).await;
    assert_eq!(asked(), 2, "one asks for all");
    // A key that is new there is asked for, but not at each token that names one.
    provider.change_key("two");
    api.clock.advance(Duration::from_secs(29));
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "provider_token_refused"
    );
    assert_eq!(asked(), 2);
    api.clock.advance(Duration::from_secs(1));
    opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(asked(), 3);
    // A provider that answers with an error is asked again after a while only.
    provider.is_down.store(true, std::sync::atomic::Ordering::Relaxed);
    api.clock.advance(Duration::from_secs(3_600));
    for _ in 0..3 {
        assert_eq!(
            refusal(&begin(&api, &ONE.to_string()).await),
            "provider_unavailable"
        );
    }
    assert_eq!(asked(), 4);
    provider
        .is_down
        .store(false, std::sync::atomic::Ordering::Relaxed);
    api.clock.advance(Duration::from_secs(10));
    leave(&api, ONE).await;
    assert_eq!(asked(), 5);
}

#[actix_web::test]
async fn nobody_begins_sign_ins_without_end() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    for _ in 0..100 {
        leave(&api, ONE).await;
    }
    assert_eq!(refusal(&begin(&api, &ONE.to_string()).await), "rate_limited");
    api.clock.advance(Duration::from_secs(1));
    leave(&api, ONE).await;
    // No tenant, and a tenant without a provider, are one to a stranger.
    api.clock.advance(Duration::from_secs(60));
    for tenant in ["2", "999", "x", "0"] {
        assert_eq!(
            refusal(&begin(&api, tenant).await),
            "no_sign_in_provider",
            "{tenant}"
        );
    }
}

#[actix_web::test]
async fn no_other_page_sends_a_browser_to_a_provider() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    for site in ["cross-site", "same-site", "none", ""] {
        let call = api.plain("GET", &format!("/v1/sign-in/{ONE}"));
        let answer = call.header("Sec-Fetch-Site", site).send().await;
        let page = format!("/#/sign-in/company/{ONE}");
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, Some(&*page)),
            "{site}"
        );
        assert_eq!(answer.header("set-cookie"), None, "{site}");
    }
}

#[actix_web::test]
async fn an_answer_says_whose_it_is_where_the_provider_promised_that() {
    let (api, provider) = (start().await, Provider::start());
    *provider.other_settings.lock().unwrap() =
        json!({ "authorization_response_iss_parameter_supported": true });
    set(&api, ONE, &setting(&provider)).await;
    let issuer = &provider.issuer;
    for (more, expected) in [
        (String::new(), Some("provider_token_refused")),
        (
            format!("&iss={issuer}&iss={issuer}"),
            Some("provider_token_refused"),
        ),
        (format!("&iss={issuer}"), None),
    ] {
        let away = leave(&api, ONE).await;
        let token = provider
            .key()
            .sign(&provider.claims(&away.asked, "ana", now(&api)));
        let code = provider.code(away.asked.get("code_challenge"), token);
        let back = format!("{}{more}", away.back(&code));
        let answer = api
            .plain("GET", &back)
            .header("Cookie", &away.cookie)
            .send()
            .await;
        match expected {
            Some(code) => assert_eq!(refusal(&answer), code, "{more}"),
            None => assert_eq!(answer.header("location"), Some("/"), "{more}"),
        }
    }
}
