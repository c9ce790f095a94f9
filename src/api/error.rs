//! Every error that a caller can be told, in one table: a stable code, its status, its meaning.
//!
//! The same codes answer REST calls and socket frames. `docs/api.md` shows this table; a test compares the two.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;

use crate::accounts::AccountError;
use crate::actors::request::Refusal;
use crate::broadcast::BroadcastError;
use crate::bulk::imports::ImportError;
use crate::bulk::look::NoTable;
use crate::domain::filter::FilterError;
use crate::domain::{ContentError, IdError, Quota, Seq};
use crate::privacy::ErasureError;
use crate::store::{StoreError, StoreErrorKind};
use crate::telemetry::labels::Code;
use crate::telemetry::metrics;
use crate::tenant_places::NoPlace;

/// Declares the codes: variant, code, status, meaning.
macro_rules! error_codes {
    ($($variant:ident = $code:literal, $status:literal, $meaning:literal;)+) => {
        /// What went wrong, for programs. Codes never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $( #[doc = $meaning] $variant, )+ }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

error_codes! {
    InvalidRequest = "invalid_request", 400, "The request is not understood; the message says where";
    LimitNotAllowed = "limit_not_allowed", 400, "Owners and admins see all numbers: only the others may be limited";
    Unauthorized = "unauthorized", 401, "The key, session or token is missing, mistyped, unknown, revoked or expired";
    WrongCredentials = "wrong_credentials", 401, "The e-mail address or the password is wrong";
    SecondFactorRequired = "second_factor_required", 401, "The password is right, and the account asks for a `code` beside it";
    WrongCode = "wrong_code", 401, "The code of the second factor is wrong or was used";
    BadSignature = "bad_signature", 401, "The webhook was not signed by a configured app";
    BadTicket = "bad_ticket", 401, "The ticket is missing, unknown, used or too old";
    SubscriptionEnded = "subscription_ended", 402, "The subscription has ended, or a payment is missing for too long: nothing is sent";
    Forbidden = "forbidden", 403, "The key's scopes, or the person's role, do not allow it";
    BadOrigin = "bad_origin", 403, "A page of this origin may not do this, or its `X-CSRF-Token` is wrong";
    SignInAgain = "sign_in_again", 403, "The account has no password: sign in by the company's provider once more, and ask within five minutes";
    NotFound = "not_found", 404, "It is not there, or it belongs to another tenant";
    MethodNotAllowed = "method_not_allowed", 405, "The path is right, the method is not";
    Timeout = "timeout", 408, "The body did not arrive in time";
    ConversationChanged = "conversation_changed", 409, "Somebody wrote since; `newest_seq` says where";
    ContactExists = "contact_exists", 409, "A contact has this phone already; `contact_id` names it";
    NotMerged = "not_merged", 409, "The contacts are not merged, or turned out to be one person since";
    IdempotencyInProgress = "idempotency_in_progress", 409, "The first request with this key is not finished";
    LastOwner = "last_owner", 409, "The team would have no owner";
    AssigneeLimited = "assignee_limited", 409, "The member is limited to other numbers than the conversation's";
    AlreadyMember = "already_member", 409, "This person is in the team already";
    SecondFactorOn = "second_factor_on", 409, "The account has a second factor already: remove it first";
    AddressTaken = "address_taken", 409, "The e-mail address belongs to another account";
    CountRequired = "count_required", 400, "The broadcast reaches so many that whoever launches it says how many; `recipients` says so";
    BroadcastChanged = "broadcast_changed", 409, "The broadcast is not as you saw it: look at it again";
    BroadcastState = "broadcast_state", 409, "The broadcast stands where this cannot be done; `state` says where, the message what helps";
    CountDiffers = "count_differs", 409, "The broadcast reaches others than `recipients` says; the answer's `recipients` says how many";
    ImportStarted = "import_started", 409, "The import was started already";
    ImportElsewhere = "import_elsewhere", 409, "The import's file is at another gateway, or gone: upload it again";
    TooLate = "too_late", 409, "The message was claimed or is settled already";
    MediaPending = "media_pending", 409, "The file is being fetched: ask again soon";
    MediaRemoved = "media_removed", 410, "The file is not kept, or not any more";
    Resync = "resync", 410, "This position cannot be gone on from: load the lists afresh, then ask with `after` their `as_of_seq`";
    TooLarge = "too_large", 413, "The body, or a part of it, is larger than allowed";
    FileTooLarge = "file_too_large", 413, "The file is larger than messages of its kind carry; `limit` says how many bytes they may have";
    FileTypeRefused = "file_type_refused", 422, "No message carries such a file, or it is not what it is said to be; the message says why";
    IdempotencyMismatch = "idempotency_mismatch", 422, "The key was used for another request";
    WeakPassword = "weak_password", 422, "The password is too easy to guess; the message says why";
    WindowClosed = "window_closed", 422, "The customer has not written within 24 hours: only templates may be sent";
    OptedOut = "opted_out", 422, "The customer stopped marketing messages: only others may be sent";
    ContactIsMinor = "contact_is_minor", 422, "The customer is marked as under age: nothing is sent to them";
    UnknownNumber = "unknown_number", 422, "The tenant has no such number, or several and none was named";
    TokenRefused = "token_refused", 422, "Meta does not accept the number's access token (190): it needs a new one";
    MetaRefused = "meta_refused", 422, "Meta refused what was asked of it; the message has its words and its code";
    TemplateUnknown = "template_unknown", 422, "The number's account has no template of this name in this language";
    TemplateLimit = "template_limit", 422, "One of Meta's limits for making and editing templates is used up; `limit` says which, `until` when that ends";
    TemplateNotSendable = "template_not_sendable", 422, "The template is not approved; `status` says how it stands";
    TemplateInvalid = "template_invalid", 422, "The template is not filled or not written as Meta wants it; `path` says where";
    LimitReached = "limit_reached", 422, "There are as many of these as there may be; the message says how many";
    InvalidFilter = "invalid_filter", 422, "The filter cannot be read; `position` says where, in characters from 0";
    RateLimited = "rate_limited", 429, "Too many requests, or too many wrong passwords, codes or tokens";
    TooManySockets = "too_many_sockets", 429, "The agent or the tenant has as many open sockets as it may";
    TooManyTickets = "too_many_tickets", 429, "The tenant has as many unused tickets as it may: they end within 30 seconds";
    QueueFull = "queue_full", 429, "Too many messages of the tenant wait already";
    HeadersTooLarge = "headers_too_large", 431, "The address or the headers are larger than allowed";
    Internal = "internal", 500, "Something is broken here; the log knows it by the request id";
    MetaFailed = "meta_failed", 502, "Meta did not answer, or not as expected";
    Busy = "busy", 503, "Too much is in hand";
    Unavailable = "unavailable", 503, "The store does not take it now, or the server is starting or stopping";
    Uncertain = "uncertain", 503, "It may or may not have been done: ask again with the same key";
    StorageFull = "storage_full", 507, "The tenant's files have as many bytes as they may";
}

impl ErrorCode {
    /// The code as a metric's label.
    pub const fn label(self) -> Code {
        Code(self.as_str())
    }
}

/// Characters of an answer's words.
const LONGEST: usize = 500;

/// An answer that says no.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    newest_seq: Option<Seq>,
    quota: Option<(Quota, u64)>,
    cause: Option<String>,
    /// What else programs are told.
    more: Vec<(&'static str, Value)>,
}

impl ApiError {
    /// Says no in the table's words.
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.meaning()),
            retry_after: None,
            newest_seq: None,
            quota: None,
            cause: None,
            more: Vec::new(),
        }
    }

    /// Says no in words that fit the case. Never holds personal data that the caller did not send.
    pub fn because(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: shortened(message.into()),
            ..Self::new(code)
        }
    }

    /// What was named is not there; the words say which thing, and what helps.
    pub fn absent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::because(ErrorCode::NotFound, message)
    }

    /// The tenant has as much of something as it may.
    pub fn over_quota(code: ErrorCode, quota: Quota, limit: u64) -> Self {
        metrics::quota_refusals_total(quota).increment(1);
        let why = format!("{}: the tenant's quota `{quota}` is {limit}", code.meaning());
        Self {
            quota: Some((quota, limit)),
            ..Self::because(code, why)
        }
    }

    /// A file is larger than it may be.
    pub fn too_large(limit: u64) -> Self {
        Self::new(ErrorCode::FileTooLarge).with("limit", limit)
    }

    /// The request is not understood.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::because(ErrorCode::InvalidRequest, message)
    }

    /// Something is broken here. The cause is logged where the answer leaves, and not told.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(ErrorCode::Internal)
        }
    }

    /// Adds something else that programs are told.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// Adds when trying again makes sense.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The code.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// When trying again makes sense.
    pub const fn retry_in(&self) -> Option<Duration> {
        self.retry_after
    }

    /// For a changed conversation: the position of its newest message.
    pub const fn newest_seq(&self) -> Option<Seq> {
        self.newest_seq
    }

    /// For an internal error: what the log should say.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The error as JSON: `{"code","message","retry_after_ms"?,"newest_seq"?,"quota"?}`, and what was added to it.
    pub fn body(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Reached {
            name: Quota,
            limit: u64,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'static str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            newest_seq: Option<Seq>,
            #[serde(skip_serializing_if = "Option::is_none")]
            quota: Option<Reached>,
            #[serde(flatten)]
            more: BTreeMap<&'static str, &'a Value>,
        }
        Body {
            code: self.code.as_str(),
            message: &self.message,
            retry_after_ms: self
                .retry_after
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            newest_seq: self.newest_seq,
            quota: self.quota.map(|(name, limit)| Reached { name, limit }),
            more: self.more.iter().map(|(name, value)| (*name, value)).collect(),
        }
    }
}

/// Words may repeat what a caller sent, however long that is; they are not answered in full.
fn shortened(words: Cow<'static, str>) -> Cow<'static, str> {
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()).into(),
        None => words,
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.as_str())
    }
}

impl std::error::Error for ApiError {}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<IdError> for ApiError {
    fn from(error: IdError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<NoPlace> for ApiError {
    fn from(_: NoPlace) -> Self {
        Self::new(ErrorCode::Busy).retry_after(Duration::from_secs(1))
    }
}

impl From<FilterError> for ApiError {
    fn from(error: FilterError) -> Self {
        Self::because(ErrorCode::InvalidFilter, error.to_string()).with("position", error.position)
    }
}

impl From<ErasureError> for ApiError {
    fn from(error: ErasureError) -> Self {
        match error {
            ErasureError::TooMany => Self::because(ErrorCode::LimitReached, error.to_string()),
            ErasureError::Store(error) => error.into(),
            ErasureError::Refused(refusal) => refusal.into(),
            ErasureError::Media(error) => Self::internal(error),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Disk(error) => Self::internal(error),
            ImportError::TooLarge(_) => Self::because(ErrorCode::TooLarge, error.to_string()),
            ImportError::BrokeOff | ImportError::Mapping(_) => Self::invalid(error.to_string()),
            ImportError::NoTable(NoTable::NotText | NoTable::NotTable) => {
                Self::because(ErrorCode::FileTypeRefused, error.to_string())
            }
            ImportError::NoTable(_) => Self::invalid(error.to_string()),
            ImportError::Busy => {
                Self::because(ErrorCode::Busy, error.to_string()).retry_after(Duration::from_secs(60))
            }
            ImportError::TooMany | ImportError::TenantFull(_) => {
                Self::because(ErrorCode::LimitReached, error.to_string())
            }
            ImportError::NotFound => Self::absent(error.to_string()),
            ImportError::Started => Self::new(ErrorCode::ImportStarted),
            ImportError::Elsewhere => Self::new(ErrorCode::ImportElsewhere),
        }
    }
}

impl From<BroadcastError> for ApiError {
    fn from(error: BroadcastError) -> Self {
        let words = error.to_string();
        match error {
            BroadcastError::Store(error) => error.into(),
            BroadcastError::File(error) => error.into(),
            BroadcastError::Refused(refusal) => refusal.into(),
            BroadcastError::NotFound => Self::absent(words),
            BroadcastError::Changed => Self::new(ErrorCode::BroadcastChanged),
            BroadcastError::State(state, _) => {
                Self::because(ErrorCode::BroadcastState, words).with("state", state.as_str())
            }
            BroadcastError::CountRequired(count) => {
                Self::because(ErrorCode::CountRequired, words).with("recipients", count)
            }
            BroadcastError::CountDiffers(count) => {
                Self::because(ErrorCode::CountDiffers, words).with("recipients", count)
            }
            BroadcastError::TemplateNotSendable(status) => {
                Self::because(ErrorCode::TemplateNotSendable, words).with("status", status.as_str())
            }
            BroadcastError::Invalid(_) => Self::invalid(words),
            BroadcastError::TooMany => Self::because(ErrorCode::LimitReached, words),
        }
    }
}

impl From<ContentError> for ApiError {
    fn from(error: ContentError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        /// When the core has more in hand than it likes, a second is what it needs.
        const SOON: Duration = Duration::from_secs(1);
        const LATER: Duration = Duration::from_secs(5);
        match refusal {
            Refusal::UnknownTenant | Refusal::NotFound(_) => Self::absent(refusal.to_string()),
            Refusal::UnknownNumber => Self::because(ErrorCode::UnknownNumber, refusal.to_string()),
            Refusal::WindowClosed => Self::because(ErrorCode::WindowClosed, refusal.to_string()),
            Refusal::OptedOut => Self::new(ErrorCode::OptedOut),
            Refusal::ContactIsMinor => Self::new(ErrorCode::ContactIsMinor),
            Refusal::ContactsChanged => Self::because(ErrorCode::Busy, refusal.to_string()).retry_after(SOON),
            Refusal::NotMerged => Self::new(ErrorCode::NotMerged),
            Refusal::ConversationChanged(newest) => Self {
                newest_seq: Some(newest),
                ..Self::because(ErrorCode::ConversationChanged, refusal.to_string())
            },
            Refusal::ContactExists(contact) => {
                Self::new(ErrorCode::ContactExists).with("contact_id", contact.to_string())
            }
            Refusal::OtherRequest => Self::new(ErrorCode::IdempotencyMismatch),
            Refusal::InProgress => Self::new(ErrorCode::IdempotencyInProgress).retry_after(SOON),
            Refusal::AlreadyClaimed => Self::new(ErrorCode::TooLate),
            Refusal::BroadcastCancelled => Self::because(ErrorCode::TooLate, refusal.to_string()),
            Refusal::OutcomeKnown => Self::because(ErrorCode::TooLate, refusal.to_string()),
            Refusal::QueueFull => Self::new(ErrorCode::QueueFull).retry_after(LATER),
            Refusal::Busy => Self::new(ErrorCode::Busy).retry_after(SOON),
            Refusal::Unavailable { retry_after } => {
                Self::new(ErrorCode::Unavailable).retry_after(retry_after.unwrap_or(LATER))
            }
            Refusal::Uncertain => Self::new(ErrorCode::Uncertain).retry_after(SOON),
            Refusal::Invalid(_) | Refusal::ContactFull(_) => Self::invalid(refusal.to_string()),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Store(error) => error.into(),
            AccountError::Broken(why) => Self::internal(why),
            AccountError::Busy => Self::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)),
            AccountError::Throttled(wait) | AccountError::TooManyRequests(wait) => {
                Self::because(ErrorCode::RateLimited, error.to_string()).retry_after(wait)
            }
            AccountError::WrongCredentials => Self::new(ErrorCode::WrongCredentials),
            AccountError::SecondFactorRequired => Self::new(ErrorCode::SecondFactorRequired),
            AccountError::WrongCode => Self::new(ErrorCode::WrongCode),
            AccountError::SecondFactorOn => Self::new(ErrorCode::SecondFactorOn),
            AccountError::WeakPassword(why) => Self::because(ErrorCode::WeakPassword, why),
            AccountError::NoSuchLink
            | AccountError::NoSuchTeam
            | AccountError::NoSuchMember
            | AccountError::NoSecondFactor => Self::absent(error.to_string()),
            AccountError::NoName
            | AccountError::NotOfAge(_)
            | AccountError::PasswordRequired
            | AccountError::SameAddress
            | AccountError::TooMuchNamed(_)
            | AccountError::OtherPolicy(_) => Self::invalid(error.to_string()),
            AccountError::AddressTaken => Self::new(ErrorCode::AddressTaken),
            AccountError::NotAllowed
            | AccountError::ByProvider
            | AccountError::OwnerWithoutPassword
            | AccountError::SignUpClosed
            | AccountError::InvitationNeeded => Self::because(ErrorCode::Forbidden, error.to_string()),
            AccountError::SignInAgain => Self::because(ErrorCode::SignInAgain, error.to_string()),
            AccountError::LastOwner => Self::because(ErrorCode::LastOwner, error.to_string()),
            AccountError::LimitNotAllowed => Self::because(ErrorCode::LimitNotAllowed, error.to_string()),
            AccountError::AssigneeLimited => Self::because(ErrorCode::AssigneeLimited, error.to_string()),
            AccountError::AlreadyMember => Self::because(ErrorCode::AlreadyMember, error.to_string()),
            AccountError::TeamFull(limit) => {
                Self::over_quota(ErrorCode::LimitReached, Quota::Agents, u64::from(limit))
            }
            AccountError::TooMany(_) => Self::because(ErrorCode::LimitReached, error.to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Overloaded | StoreErrorKind::Full => {
                Self::new(ErrorCode::Unavailable)
                    .retry_after(error.retry_after.unwrap_or(Duration::from_secs(5)))
            }
            StoreErrorKind::Unknown => Self::new(ErrorCode::Uncertain).retry_after(Duration::from_secs(1)),
            StoreErrorKind::Fenced
            | StoreErrorKind::HeadMoved
            | StoreErrorKind::Invalid
            | StoreErrorKind::Corrupt => Self::internal(error),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: coming back too early helps nobody.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((RETRY_AFTER, seconds.max(1).to_string()));
        }
        response.json(serde_json::json!({ "error": serde_json::to_value(self.body()).unwrap_or_default() }))
    }
}

#[cfg(test)]
mod tests;
