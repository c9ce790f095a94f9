//! Why a broadcast could not be planned, or does not run although somebody launched it, and what helps: the one table that the API,
//! events, metrics and the docs take it from.

use serde::{Deserialize, Serialize};

/// Declares the problems: variant, code, meaning, advice.
macro_rules! problems {
    ($($variant:ident = $code:literal, $meaning:literal, $advice:literal;)+) => {
        /// Why a broadcast does not go on. Codes never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum BroadcastProblem {
            $( #[doc = $meaning] #[serde(rename = $code)] $variant, )+
        }

        impl BroadcastProblem {
            /// Every problem.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code in the API, in events and in metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $meaning, )+ }
            }

            /// What to do about it, for people.
            pub const fn advice(self) -> &'static str {
                match self { $( Self::$variant => $advice, )+ }
            }
        }
    };
}

problems! {
    TooLate = "too_late", "the time to start passed while it could not begin: resume it to send it all the same",
        "Resume it if it is still worth sending, else cancel it.";
    TemplateUnknown = "template_unknown", "the number's account has no template of this name in this language",
        "Look the account's templates up, or choose another template.";
    TemplateNotSendable = "template_not_sendable", "the template is not approved",
        "Wait until Meta approves it, then plan or resume.";
    TemplatePaused = "template_paused", "Meta paused the template: customers block or report it",
        "Wait until Meta lifts the pause, or lift it in WhatsApp Manager, then resume. Better text to fewer people helps.";
    TemplateDisabled = "template_disabled", "Meta disabled the template for good",
        "Cancel it, and make a broadcast with another template for those who are left.";
    TemplateRejected = "template_rejected", "Meta rejected the template",
        "Correct the template and have it reviewed, then resume.";
    TemplateQuality = "template_quality", "Meta rates the template RED: customers block or report it, and Meta may pause it next",
        "Look at whom it goes to and what it says. Resume to go on all the same.";
    TemplateRefused = "template_refused", "Meta refuses messages with this template",
        "Look at the codes of the failed recipients and at the template in WhatsApp Manager, then resume.";
    NumberQuality = "number_quality", "the number's quality fell: customers block or report what it sends, and Meta may restrict it",
        "Send less, to people who asked for it. Resume to go on all the same.";
    AccountRestricted = "account_restricted", "Meta restricted or disabled the account",
        "Look at the account in Business Manager, and appeal there if it is wrong. Resume once it may send again.";
    FailureSpike = "failure_spike", "too many of the last messages failed",
        "Look at the codes of the failed recipients and mend what they say, then resume.";
    UnreachableSpike = "unreachable_spike", "too many of the last recipients cannot be reached: not on WhatsApp, or they block the number",
        "Look at where these addresses come from. Resume to go on all the same.";
    OptOutSpike = "opt_out_spike", "too many of the last recipients stopped marketing",
        "Look at whom it goes to and whether they asked for it. Resume to go on all the same.";
    ListGone = "list_gone", "a list that it names was deleted",
        "Name another list, then plan it again.";
    SegmentGone = "segment_gone", "a segment that it names was deleted, or names what is gone",
        "Name another segment, or mend it, then plan again.";
    RetriedGone = "retried_gone", "the broadcast whose failed recipients it repeats was deleted",
        "Delete it.";
    NumberGone = "number_gone", "the number is not the tenant's any more",
        "Name another number, or have this one added again.";
    NothingUploaded = "nothing_uploaded", "no file of recipients was uploaded, or it is kept no more: upload it again",
        "Upload the file, then plan it.";
    TooManyRecipients = "too_many_recipients", "there are more recipients than one broadcast may have",
        "Make several broadcasts.";
    Restored = "restored", "the store was restored, and some may have got it since the backup: resume it to send to the rest all the same, or cancel it",
        "Look at Meta's own figures for the template: if it went out since the backup, cancel it.";
    Internal = "internal", "the gateway cannot do it: its operators find why in its log",
        "Tell whoever looks after the gateway.";
}

/// A problem as callers and agents see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ToldProblem {
    /// Which.
    pub code: BroadcastProblem,
    /// What it means.
    pub message: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

impl From<BroadcastProblem> for ToldProblem {
    fn from(code: BroadcastProblem) -> Self {
        Self {
            code,
            message: code.meaning(),
            advice: code.advice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_they_are_shown() {
        for problem in BroadcastProblem::ALL {
            let json = serde_json::to_string(problem).unwrap();
            assert_eq!(json, format!("\"{}\"", problem.as_str()));
            assert_eq!(serde_json::from_str::<BroadcastProblem>(&json).unwrap(), *problem);
            assert!(problem.advice().ends_with('.'), "{problem:?}");
        }
    }
}
