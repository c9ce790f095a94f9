//! What is asked of a provider, and whether what it answers is true: OpenID Connect's authorization code with PKCE.
//!
//! Signatures and most claims are checked by `openidconnect`; which algorithms, audiences and times are taken is decided here.

use std::time::{Duration, SystemTime};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError,
    Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IdToken, IdTokenClaims, IdTokenFields, IdTokenVerifier, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SignOnError;
use super::discovery::Metadata;
use super::outgoing::ProviderHttp;
use crate::domain::Timestamp;
use crate::store::tables::{SignInAttempt, SignInProvider};

/// So much may clocks differ.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// Signatures by a key of the provider's own. Those by the client's secret would let whoever set the secret sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims that are not OpenID Connect's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

pub(super) type Token =
    IdToken<OtherClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Claims = IdTokenClaims<OtherClaims, CoreGenderClaim>;
type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type ProviderClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What is wrong with a token, in a word that goes into the log: a token itself never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFlaw {
    /// The provider gave none.
    Missing,
    /// It is signed by no key of the provider's, or not at all.
    Signature,
    /// Its key is not among those that are known.
    UnknownKey,
    /// Another provider's.
    Issuer,
    /// For another client.
    Audience,
    /// It ended, or begins later.
    Time,
    /// Made for another sign-in.
    Nonce,
    /// It came with another access token.
    AccessToken,
    /// What it says cannot be read.
    Form,
}

impl TokenFlaw {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Signature => "signature",
            Self::UnknownKey => "unknown_key",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Nonce => "nonce",
            Self::AccessToken => "access_token",
            Self::Form => "form",
        }
    }
}

impl From<ClaimsVerificationError> for TokenFlaw {
    fn from(error: ClaimsVerificationError) -> Self {
        use ClaimsVerificationError as Claim;
        match error {
            Claim::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Self::UnknownKey,
            Claim::SignatureVerification(_) => Self::Signature,
            Claim::InvalidIssuer(_) => Self::Issuer,
            Claim::InvalidAudience(_) => Self::Audience,
            Claim::Expired(_) => Self::Time,
            Claim::InvalidNonce(_) => Self::Nonce,
            _ => Self::Form,
        }
    }
}

fn client(
    metadata: &Metadata,
    provider: &SignInProvider,
    callback: &str,
) -> Result<ProviderClient, SignOnError> {
    let secret = provider.client_secret.clone().map(ClientSecret::new);
    let client_id = ClientId::new(provider.client_id.clone());
    let callback = RedirectUrl::new(callback.to_owned()).map_err(|_malformed| SignOnError::Unavailable)?;
    let client = ProviderClient::from_provider_metadata(metadata.clone(), client_id, secret);
    // Basic is what a provider knows that does not say what it knows.
    let known = metadata.token_endpoint_auth_methods_supported();
    let by_post = known.is_some_and(|known| {
        known.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !known.contains(&CoreClientAuthMethod::ClientSecretBasic)
    });
    let auth = if by_post {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    };
    Ok(client.set_redirect_uri(callback).set_auth_type(auth))
}

/// Where a browser is sent.
pub(super) fn authorize(
    metadata: &Metadata,
    provider: &SignInProvider,
    attempt: &SignInAttempt,
    state: &str,
    callback: &str,
) -> Result<Url, SignOnError> {
    let client = client(metadata, provider, callback)?;
    let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
    let (state, nonce) = (state.to_owned(), attempt.nonce.clone());
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(["email", "profile"].map(|scope| Scope::new(scope.to_owned())))
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new));
    if attempt.connects.is_some() {
        // Whoever signed in to the provider in this browser before may be somebody else.
        request = request
            .add_prompt(CoreAuthPrompt::Login)
            .set_max_age(Duration::ZERO);
    }
    let (url, _, _) = request.url();
    Ok(url)
}

/// Gives the provider its code and gets a token for it.
pub(super) async fn exchange(
    http: &ProviderHttp,
    metadata: &Metadata,
    provider: &SignInProvider,
    attempt: &SignInAttempt,
    code: String,
    callback: &str,
) -> Result<(Token, AccessToken), SignOnError> {
    let client = client(metadata, provider, callback)?;
    let asked = client.exchange_code(AuthorizationCode::new(code));
    let asked = asked.map_err(|_no_endpoint| SignOnError::Unavailable)?;
    let call = |request| http.call(request);
    let answer = asked
        .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
        .request_async(&call)
        .await;
    let answer = answer.map_err(|error| match error {
        openidconnect::RequestTokenError::ServerResponse(refusal) => {
            // A word of OAuth's list; what the provider says beside it may repeat what was sent.
            let why = refusal.error().as_ref().to_owned();
            let why: String = why.chars().filter(char::is_ascii_graphic).take(40).collect();
            tracing::info!(issuer = %provider.issuer, why, "an identity provider refuses a code");
            SignOnError::Refused
        }
        openidconnect::RequestTokenError::Parse(..) => SignOnError::Token(TokenFlaw::Form),
        _ => SignOnError::Unavailable,
    })?;
    let token = answer.extra_fields().id_token().cloned();
    let token = token.ok_or(SignOnError::Token(TokenFlaw::Missing))?;
    Ok((token, answer.access_token().clone()))
}

fn system_time(at: Timestamp) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0));
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// What a token says, if all of it may be believed.
pub(super) fn verify(
    metadata: &Metadata,
    client_id: &str,
    nonce: &str,
    token: &Token,
    access_token: &AccessToken,
    now: Timestamp,
) -> Result<Claims, TokenFlaw> {
    let client_id = ClientId::new(client_id.to_owned());
    let latest = now.after(LEEWAY).as_secs();
    let verifier = IdTokenVerifier::new_public_client(
        client_id.clone(),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    )
    .set_allowed_algs(ALGORITHMS)
    .set_time_fn(move || system_time(now.before(LEEWAY)).into())
    .set_issue_time_verifier_fn(move |issued| {
        if issued.timestamp() <= latest {
            Ok(())
        } else {
            Err("issued later than now".to_owned())
        }
    });
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned()))?;
    if claims.authorized_party().is_some_and(|party| *party != client_id) {
        return Err(TokenFlaw::Audience);
    }
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|_unsigned| TokenFlaw::Signature)?;
        let key = token
            .signing_key(&verifier)
            .map_err(|_unknown| TokenFlaw::Signature)?;
        let hash = AccessTokenHash::from_token(access_token, algorithm, key);
        if hash.ok().as_ref() != Some(expected) {
            return Err(TokenFlaw::AccessToken);
        }
    }
    Ok(claims.clone())
}

/// The texts of a claim: a text, or a list of them.
pub(super) fn texts<'a>(claims: &'a Claims, name: &str) -> Vec<&'a str> {
    match claims.additional_claims().0.get(name) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
