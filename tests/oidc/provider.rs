//! An identity provider for tests, which says whatever a test wants it to say: with its own keys, over HTTP on this machine.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// As what the gateway is known there.
pub const CLIENT: &str = "mesej";
pub const CLIENT_SECRET: &str = "the client's own secret";
/// What every sign-in gets beside its token.
pub const ACCESS_TOKEN: &str = "an access token";

/// A key to sign with.
pub struct SigningKey {
    pub name: &'static str,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// A new one.
    pub fn named(name: &'static str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap();
        Self { name, pair }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "use": "sig", "crv": "P-256", "alg": "ES256", "kid": self.name,
            "x": encoded(&point[1..33]), "y": encoded(&point[33..65]),
        })
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let text = unsigned(&json!({ "alg": "ES256", "kid": self.name, "typ": "JWT" }), claims);
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", encoded(signature.as_ref()))
    }
}

/// Header and claims of a token, without a signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encoded(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

pub fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The left half of a text's digest, as `at_hash` holds it.
pub fn half_digest(text: &str) -> String {
    encoded(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}

/// Where a browser was sent, by the address that it was given.
pub struct Asked {
    pub parameters: HashMap<String, String>,
}

impl Asked {
    /// Reads such an address.
    pub fn of(url: &str) -> Self {
        let url = reqwest::Url::parse(url).unwrap();
        Self {
            parameters: url.query_pairs().into_owned().collect(),
        }
    }

    pub fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// The provider.
pub struct Provider {
    pub issuer: String,
    keys: Mutex<Vec<Arc<SigningKey>>>,
    /// The challenge and the token of each code.
    codes: Mutex<HashMap<String, (String, String)>>,
    /// What its settings say beside the usual.
    pub other_settings: Mutex<Value>,
    /// How often it was asked for its settings.
    pub asked: AtomicUsize,
    /// Whether it answers with an error.
    pub is_down: AtomicBool,
    next_code: AtomicUsize,
}

impl Provider {
    /// Starts one.
    pub fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            keys: Mutex::new(vec![Arc::new(SigningKey::named("one"))]),
            codes: Mutex::default(),
            other_settings: Mutex::new(json!({})),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            next_code: AtomicUsize::new(0),
        });
        let shared = web::Data::from(Arc::clone(&provider));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .route("/.well-known/openid-configuration", web::get().to(settings))
                .route("/keys", web::get().to(keys))
                .route("/token", web::post().to(token))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        actix_web::rt::spawn(server);
        provider
    }

    /// The key that it signs with.
    pub fn key(&self) -> Arc<SigningKey> {
        Arc::clone(self.keys.lock().unwrap().last().unwrap())
    }

    /// Signs with another key from now on.
    pub fn change_key(&self, name: &'static str) {
        *self.keys.lock().unwrap() = vec![Arc::new(SigningKey::named(name))];
    }

    /// What a true token says of somebody, at a time in seconds.
    pub fn claims(&self, asked: &Asked, subject: &str, now: i64) -> Value {
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": subject, "nonce": asked.get("nonce"),
            "iat": now, "exp": now + 300, "at_hash": half_digest(ACCESS_TOKEN),
            "email": format!("{subject}@example.com"), "name": subject, "groups": ["desk"],
        })
    }

    /// A code for which it gives this token, to whoever knows the secret of the challenge.
    pub fn code(&self, challenge: &str, token: String) -> String {
        let code = format!("code-{}", self.next_code.fetch_add(1, Ordering::Relaxed));
        let grant = (challenge.to_owned(), token);
        self.codes.lock().unwrap().insert(code.clone(), grant);
        code
    }
}

async fn settings(provider: web::Data<Provider>) -> HttpResponse {
    provider.asked.fetch_add(1, Ordering::Relaxed);
    if provider.is_down.load(Ordering::Relaxed) {
        return HttpResponse::InternalServerError().finish();
    }
    let issuer = &provider.issuer;
    let mut settings = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    for (name, value) in provider.other_settings.lock().unwrap().as_object().unwrap() {
        settings[name] = value.clone();
    }
    HttpResponse::Ok().json(settings)
}

async fn keys(provider: web::Data<Provider>) -> HttpResponse {
    let keys = provider.keys.lock().unwrap();
    let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}

async fn token(
    provider: web::Data<Provider>,
    form: web::Form<HashMap<String, String>>,
    request: HttpRequest,
) -> HttpResponse {
    let refused = || HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    let secret = CLIENT_SECRET.replace('\'', "%27").replace(' ', "+");
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{secret}")));
    let shown = request.headers().get(AUTHORIZATION);
    if shown.and_then(|shown| shown.to_str().ok()) != Some(basic.as_str()) {
        return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
    }
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let Some((challenge, token)) = provider.codes.lock().unwrap().remove(field("code")) else {
        return refused();
    };
    let verifier = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
    if encoded(verifier.as_ref()) != challenge || field("grant_type") != "authorization_code" {
        return refused();
    }
    HttpResponse::Ok().json(json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": token,
    }))
}
