//! Every code that Meta documents, in order.

use std::time::Duration;

use super::{Class, ContactRefusal, PauseReason, RefusalScope, RetryAdvice, RetryScope};
use crate::domain::Backoff;

/// One code, or a run of codes that mean the same.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// First code of the run.
    pub first: i64,
    /// Last code of the run.
    pub last: i64,
    /// The HTTP status that Meta documents; 0 when it does not say.
    pub http_status: u16,
    /// What Meta means, in a few words.
    pub meaning: &'static str,
    /// What it proves.
    pub class: Class,
    /// What an agent should be told.
    pub advice: &'static str,
}

const fn lane(reason: PauseReason) -> Class {
    Class::Refused(RefusalScope::Lane(reason))
}

const fn bulk(reason: PauseReason) -> Class {
    Class::Refused(RefusalScope::Bulk(reason))
}

const fn contact(reason: ContactRefusal) -> Class {
    Class::Refused(RefusalScope::Contact(reason))
}

const fn after(scope: RetryScope, seconds: u64) -> Class {
    Class::Retry(RetryAdvice::after(scope, Duration::from_secs(seconds)))
}

const MESSAGE: Class = Class::Refused(RefusalScope::Message);
const TEMPLATE: Class = Class::Refused(RefusalScope::Template);
const DOUBLING: Class = Class::Retry(RetryAdvice::DOUBLING);

/// Meta asks for 4^X seconds, X counting the refusals from 0.
const PAIR: Class = Class::Retry(RetryAdvice {
    scope: RetryScope::Pair,
    backoff: Backoff {
        first: Duration::from_secs(1),
        factor: 4,
        longest: Duration::from_secs(4_096),
    },
});

const NEW_TOKEN: &str = "The connection to WhatsApp needs a new access token. Tell an administrator.";
const GRANT: &str = "The gateway is not allowed to do this. An administrator must grant the permission in Meta's Business Manager.";
const MAY_HAVE_GONE: &str =
    "WhatsApp had a problem and the message may have gone out. Wait for its status before sending it again.";
const REWRITE: &str = "The message is not written as WhatsApp expects it. Correct it and send it again.";
const CHECK_TEMPLATE: &str =
    "The template or its parameters do not fit. Check the template in WhatsApp Manager.";
const CHECK_GROUP: &str = "WhatsApp refused the message to this group. Check the group and its members.";
const CHECK_NUMBER: &str = "The number is not ready to send. An administrator must check its registration.";
const GOES_LATER: &str =
    "WhatsApp is limiting how fast this business may send. The message goes out later by itself.";
const FINISH_MOVE: &str =
    "The number is being moved between accounts. An administrator must finish that first.";
const OTHER_NAME: &str =
    "The user name cannot be taken. An administrator must choose another or link the accounts.";
const CORRECT_TEMPLATE: &str = "The template's text or format breaks a rule. Correct the template.";

macro_rules! rows {
    ($($first:literal $(to $last:literal)?, $http:literal, $meaning:literal, $class:expr, $advice:expr;)+) => {
        /// The table, ordered by code; runs do not overlap.
        pub const ROWS: &[Row] = &[$(Row {
            first: $first,
            last: rows!(@last $first $(to $last)?),
            http_status: $http,
            meaning: $meaning,
            class: $class,
            advice: $advice,
        }),+];
    };
    (@last $first:literal) => { $first };
    (@last $first:literal to $last:literal) => { $last };
}

rows! {
    0, 401, "cannot authenticate", lane(PauseReason::AccessToken), NEW_TOKEN;
    1, 400, "unknown or invalid request", Class::Ambiguous, MAY_HAVE_GONE;
    2, 503, "temporary downtime", Class::Ambiguous, MAY_HAVE_GONE;
    3, 500, "capability or permission missing", lane(PauseReason::Permission), GRANT;
    4, 400, "call limit of the app", after(RetryScope::Account, 300), GOES_LATER;
    10, 403, "permission denied", lane(PauseReason::Permission), GRANT;
    17, 400, "call limit of the user", after(RetryScope::Account, 300), GOES_LATER;
    32, 400, "call limit of the page", after(RetryScope::Account, 300), GOES_LATER;
    33, 400, "number deleted or wrong id", lane(PauseReason::NumberNotReady),
        "WhatsApp does not know this number any more. Tell an administrator.";
    100, 400, "invalid parameter", MESSAGE, REWRITE;
    102, 401, "session over", lane(PauseReason::AccessToken), NEW_TOKEN;
    190, 401, "access token expired", lane(PauseReason::AccessToken), NEW_TOKEN;
    200 to 299, 403, "API permission missing", lane(PauseReason::Permission), GRANT;
    341, 400, "call limit of the app", after(RetryScope::Account, 300), GOES_LATER;
    368, 403, "blocked for breaking a policy", lane(PauseReason::AccountBlocked),
        "WhatsApp blocked this business for breaking a policy. An administrator must appeal in Business Manager.";
    613, 400, "call limit of this kind of call", after(RetryScope::Account, 300), GOES_LATER;
    80007 to 80008, 400, "rate limit of the account", after(RetryScope::Account, 300), GOES_LATER;
    130403, 0, "the business blocked this user", contact(ContactRefusal::Blocked),
        "You blocked this customer. Unblock them to write to them.";
    130429, 400, "throughput of the number reached", DOUBLING, GOES_LATER;
    130472, 400, "held out for an experiment", contact(ContactRefusal::Experiment),
        "WhatsApp keeps this customer out of marketing as part of an experiment. Do not send it again.";
    130497, 403, "country restricted", contact(ContactRefusal::Country),
        "WhatsApp does not let this business write to the customer's country.";
    131000, 500, "unknown failure", Class::Ambiguous, MAY_HAVE_GONE;
    131005, 403, "access denied", lane(PauseReason::Permission), GRANT;
    131008, 400, "parameter missing", MESSAGE, REWRITE;
    131009, 400, "parameter value not valid", MESSAGE, REWRITE;
    131016, 500, "service unavailable", Class::Ambiguous, MAY_HAVE_GONE;
    131020, 400, "group not available", MESSAGE, CHECK_GROUP;
    131021, 400, "recipient is the sender", MESSAGE, "A number cannot write to itself.";
    131026, 400, "undeliverable", contact(ContactRefusal::Unreachable),
        "The customer cannot be reached: not on WhatsApp, an old version, or terms not accepted. Use another way.";
    131030, 400, "recipient not on the test list", contact(ContactRefusal::Unreachable),
        "A test number may write only to its listed recipients. Add the customer to the list, or use a real number.";
    131031, 403, "account locked", lane(PauseReason::AccountBlocked),
        "WhatsApp locked this account. An administrator must look at it in Business Manager.";
    131035, 0, "webhook not delivered within data retention limit", MESSAGE,
        "WhatsApp could not hand over an event in time. Nothing can be done about it.";
    131036, 0, "message payload not found", MESSAGE,
        "WhatsApp no longer holds the message. Send it again if it is still needed.";
    131037, 400, "display name not approved", lane(PauseReason::DisplayName),
        "WhatsApp has not approved the number's display name. Tell an administrator.";
    131041, 400, "group not available", MESSAGE, CHECK_GROUP;
    131042, 400, "payment problem", lane(PauseReason::Payment),
        "WhatsApp cannot charge this business. An administrator must check the payment method.";
    131045, 500, "registration certificate wrong", lane(PauseReason::NumberNotReady), CHECK_NUMBER;
    131047, 400, "more than 24 hours since the customer wrote", MESSAGE,
        "More than 24 hours have passed since the customer last wrote. Send a template instead.";
    131048, 400, "spam rate limit", bulk(PauseReason::SpamLimit),
        "Too many of this number's messages were blocked or reported. Stop broadcasts until its quality recovers.";
    131049, 400, "too much marketing for this user", contact(ContactRefusal::MarketingLimit),
        "WhatsApp limits how much marketing a person gets. Try again after 24 hours at the earliest.";
    131050, 400, "the user stopped marketing", contact(ContactRefusal::MarketingStopped),
        "The customer stopped marketing messages from you. Do not send them any more.";
    131051, 400, "message type not supported", MESSAGE, "WhatsApp does not support this kind of message.";
    131052, 400, "inbound media not downloadable", MESSAGE,
        "The customer's file could not be fetched. Ask them to send it again.";
    131053, 400, "media upload failed", MESSAGE, "WhatsApp could not use the file. Check its type and size.";
    131055, 400, "method not allowed", MESSAGE,
        "This message may not be sent in this way; only marketing templates may.";
    131056, 400, "too fast to one user", PAIR,
        "Too many messages went to this customer in a short time. The message goes out later by itself.";
    131057, 500, "number in maintenance", after(RetryScope::Number, 60),
        "WhatsApp is upgrading this number. The message goes out later by itself.";
    131059, 400, "page cursor not valid", MESSAGE, "The list changed meanwhile. Load it again.";
    131060, 0, "message not available", MESSAGE,
        "WhatsApp does not hand this message over. Ask the customer to write it in another way.";
    131062, 400, "needs a phone number", MESSAGE,
        "This kind of message needs the customer's phone number, which WhatsApp does not share.";
    131063, 0, "marketing not enabled on this API", MESSAGE,
        "Marketing templates cannot be sent in this way. Tell an administrator.";
    131064, 0, "limited for misusing template categories", bulk(PauseReason::Misclassification),
        "WhatsApp limits this business for templates in the wrong category. Tell an administrator.";
    131200 to 131207, 400, "group request refused", MESSAGE, CHECK_GROUP;
    131208, 400, "group request rate limit", after(RetryScope::Message, 60), GOES_LATER;
    131209 to 131299, 400, "group request refused", MESSAGE, CHECK_GROUP;
    132000, 400, "number of template parameters wrong", TEMPLATE, CHECK_TEMPLATE;
    132001, 404, "template missing in this language or not approved", TEMPLATE,
        "The template does not exist in this language or is not approved yet.";
    132005, 400, "template text too long when filled", MESSAGE,
        "The text is too long once the template is filled. Shorten the parameters.";
    132007, 400, "template breaks a policy", TEMPLATE,
        "WhatsApp says that the template breaks its policy. Change the template.";
    132012, 400, "format of a template parameter wrong", MESSAGE, CHECK_TEMPLATE;
    132015, 400, "template paused", TEMPLATE,
        "WhatsApp paused this template because of low quality. Use another until it is active again.";
    132016, 400, "template disabled for good", TEMPLATE,
        "WhatsApp disabled this template for good. Make a new one.";
    132018, 400, "template parameter not valid", MESSAGE, CHECK_TEMPLATE;
    132068, 400, "flow blocked", TEMPLATE, "WhatsApp blocked the flow. Correct it in the flow builder.";
    132069, 400, "flow throttled", after(RetryScope::Message, 3_600),
        "WhatsApp allows only ten messages an hour with this flow. The message goes out later by itself.";
    133000, 500, "deregistration not finished", lane(PauseReason::NumberNotReady), CHECK_NUMBER;
    133004, 503, "server unavailable", DOUBLING, GOES_LATER;
    133005 to 133006, 400, "PIN wrong or number not verified", lane(PauseReason::NumberNotReady),
        CHECK_NUMBER;
    133008 to 133009, 400, "too many PIN tries", lane(PauseReason::NumberNotReady), CHECK_NUMBER;
    133010, 400, "number not registered", lane(PauseReason::NumberNotReady), CHECK_NUMBER;
    133015, 400, "number just deleted", after(RetryScope::Number, 300), CHECK_NUMBER;
    133016, 400, "registration limit", lane(PauseReason::NumberNotReady),
        "The number was registered too often. Wait 72 hours.";
    134011, 400, "payments terms not accepted", lane(PauseReason::Terms),
        "An administrator must accept WhatsApp's payments terms first.";
    134100, 400, "only marketing templates here", MESSAGE,
        "Only marketing templates may be sent in this way.";
    134101, 400, "template still being prepared", after(RetryScope::Message, 600),
        "WhatsApp is still preparing this template. The message goes out later by itself.";
    134102, 500, "template not eligible", TEMPLATE, "This template cannot be sent in this way.";
    135000, 400, "request not understood", MESSAGE, REWRITE;
    136024, 0, "number already verified", MESSAGE, "The number is verified already.";
    139100, 400, "some users could not be blocked or unblocked", MESSAGE,
        "Not every customer could be blocked or unblocked. Only those who wrote in the last 24 hours can be.";
    139200, 0, "direct send blocked", TEMPLATE,
        "WhatsApp does not allow messages without a template to this account any more. Use a template.";
    147001 to 147004, 0, "user name not available", MESSAGE, OTHER_NAME;
    200005 to 200007, 400, "template insights not available", MESSAGE, "Template insights are not available.";
    1752041, 400, "onboarded twice", MESSAGE, "The account is connected already.";
    2388001, 400, "number migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2388012, 400, "number migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2388019, 400, "template count limit", MESSAGE,
        "The account has as many templates as it may. Delete some.";
    2388039, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388040, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388047, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388072, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388073, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388091, 400, "number migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2388093, 400, "number migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2388103, 400, "number migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2388293, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2388299, 400, "template content or format", MESSAGE, CORRECT_TEMPLATE;
    2494100, 400, "number in maintenance", after(RetryScope::Number, 300),
        "WhatsApp is working on this number. The message goes out later by itself.";
    2494164 to 2494179, 400, "sign-up inside the app", MESSAGE, "The sign-up inside WhatsApp was refused.";
    2593079, 400, "account migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2593085, 400, "account migration", lane(PauseReason::NumberNotReady), FINISH_MOVE;
    2593107 to 2593109, 400, "history of the Business app not available", MESSAGE,
        "The history of the WhatsApp Business app cannot be fetched: done already, too late, or declined.";
}
