//! What the audit log tells: the one table of actions that the API, the console and the docs take their names from, and the months
//! that entries stand in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Timestamp;
use super::date::Date;
use super::roles::Right;

/// Declares the actions: variant, name, meaning.
macro_rules! audit_actions {
    ($($variant:ident = $name:literal, $meaning:literal;)+) => {
        /// What somebody did. Names never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction {
            $( #[doc = $meaning] #[serde(rename = $name)] $variant, )+
            /// A later version wrote it.
            #[serde(rename = "unknown", other)]
            Unknown,
        }

        impl AuditAction {
            /// Every action that this version writes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $name, )+
                    Self::Unknown => "unknown",
                }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $( Self::$variant => $meaning, )+
                    Self::Unknown => "a later version wrote it",
                }
            }
        }
    };
}

audit_actions! {
    SignedIn = "signed_in", "Somebody signed in for this tenant";
    SignInFailed = "sign_in_failed", "Somebody tried a member's address with a wrong password or code";
    SignedOut = "signed_out", "Somebody signed out";
    SessionEnded = "session_ended", "Somebody ended another session of their own";
    PasswordChanged = "password_changed", "Somebody changed their password";
    PasswordLinkMade = "password_link_made", "An operator made a link to a new password";
    PasswordReset = "password_reset", "A password was set by a link";
    ProfileChanged = "profile_changed", "Somebody changed their own name or phone number";
    PolicyAccepted = "policy_accepted", "Somebody accepted the privacy policy";
    EmailChangeAsked = "email_change_asked", "Somebody asked for another e-mail address of their account";
    EmailChanged = "email_changed", "The e-mail address of an account was changed by a link";
    SignUpInvited = "sign_up_invited", "An operator invited a business to sign up";
    SignedUp = "signed_up", "The business signed up";
    SecondFactorOn = "second_factor_on", "Somebody turned a second factor on";
    SecondFactorRemoved = "second_factor_removed", "A second factor was removed, by whose it is or by an operator";
    RecoveryCodesRenewed = "recovery_codes_renewed", "Somebody made new recovery codes";
    ProviderAccountConnected = "provider_account_connected", "An account of the company's identity provider was connected with a user";
    ProviderAccountRemoved = "provider_account_removed", "Somebody took the connection with the company's identity provider back";
    MemberProvisioned = "member_provisioned", "The company's identity provider let somebody into the team";
    InvitationMade = "invitation_made", "Somebody was invited into the team";
    InvitationWithdrawn = "invitation_withdrawn", "An invitation was withdrawn";
    InvitationAccepted = "invitation_accepted", "An invitation was accepted";
    RoleChanged = "role_changed", "A member got another role, or is limited to other numbers";
    TeamMade = "team_made", "A team was made";
    TeamChanged = "team_changed", "The name, the members or the numbers of a team were changed";
    TeamRemoved = "team_removed", "A team was removed";
    MemberRemoved = "member_removed", "A member was removed from the team, or left it";
    OwnershipHandedOver = "ownership_handed_over", "An owner handed the ownership over";
    AccountExported = "account_exported", "What is kept of a user was exported";
    AccountErased = "account_erased", "An account was erased";
    CannedReplyWritten = "canned_reply_written", "A canned reply was added or changed";
    CannedReplyRemoved = "canned_reply_removed", "A canned reply was removed";
    ContactErased = "contact_erased", "The erasure of a customer was asked for";
    ContactNoteWritten = "contact_note_written", "A note about a contact was written";
    ContactNoteRemoved = "contact_note_removed", "A note about a contact was removed";
    AttributeWritten = "attribute_written", "An attribute of contacts was added or changed";
    AttributeRemoved = "attribute_removed", "An attribute was taken from all contacts";
    ContactListWritten = "contact_list_written", "A list of contacts was made or renamed";
    ContactListFilled = "contact_list_filled", "Contacts were put on a list or taken from it";
    ContactListRemoved = "contact_list_removed", "A list of contacts was removed";
    SegmentWritten = "segment_written", "A segment of contacts was made or changed";
    SegmentRemoved = "segment_removed", "A segment of contacts was removed";
    ImportUploaded = "import_uploaded", "A file of contacts was uploaded";
    ImportStarted = "import_started", "The import of a file of contacts was started";
    ImportRemoved = "import_removed", "An import of contacts was called off or removed";
    BroadcastWritten = "broadcast_written", "A broadcast was made or changed, or a file of its recipients was uploaded";
    BroadcastLaunched = "broadcast_launched", "A broadcast was launched";
    BroadcastPaused = "broadcast_paused", "A broadcast was paused";
    BroadcastResumed = "broadcast_resumed", "A broadcast was resumed";
    BroadcastCancelled = "broadcast_cancelled", "A broadcast was cancelled";
    BroadcastRemoved = "broadcast_removed", "A broadcast was deleted";
    BroadcastExported = "broadcast_exported", "What became of a broadcast's recipients was exported";
    ContactsExported = "contacts_exported", "Contacts were exported";
    TemplateWritten = "template_written", "A message template was made or edited at Meta";
    TemplateDeleted = "template_deleted", "A message template was deleted at Meta, in its language or in all";
    TemplatesLookedUp = "templates_looked_up", "The templates of an account were looked up at Meta before their time";
    FileLinked = "file_linked", "A link to a file was made that works without a key until it ends";
    QuickFileWritten = "quick_file_written", "A quick file was added or changed";
    QuickFileRemoved = "quick_file_removed", "A quick file was removed";
    ContactsMerged = "contacts_merged", "Two contacts were merged";
    MergeUndone = "merge_undone", "A merge of contacts was undone";
    ContactBlocked = "contact_blocked", "A number was made to block a contact";
    ContactUnblocked = "contact_unblocked", "A number blocks a contact no more";
    TenantCreated = "tenant_created", "A tenant was created";
    BusinessChanged = "business_changed", "A business changed its name, region or privacy contact";
    OptOutWordsChanged = "opt_out_words_changed", "The words by which customers stop marketing were changed";
    SignInProviderSet = "sign_in_provider_set", "The identity provider by which people sign in was set";
    SignInProviderRemoved = "sign_in_provider_removed", "The identity provider by which people sign in was removed";
    RetentionChanged = "retention_changed", "How long messages are kept was changed";
    QuotasChanged = "quotas_changed", "What the tenant may have was changed";
    SubscriptionChanged = "subscription_changed", "The tenant's subscription got another state or plan, by the payment provider or an operator";
    NumberWritten = "number_written", "A number was added, or its settings were replaced";
    KeyCreated = "key_created", "An API key was created";
    KeyRevoked = "key_revoked", "An API key was revoked";
    OperatorAdded = "operator_added", "An operator was added";
    OperatorRevoked = "operator_revoked", "An operator's token was revoked";
    QuarantineReplayed = "quarantine_replayed", "Webhooks that had been put aside were applied again";
    AuditExported = "audit_exported", "The audit log was exported";
    MonthClosed = "month_closed", "The gateway closed the month: the next entry stands in the one that is named";
}

impl AuditAction {
    /// The right without which nobody who is signed in does it; `None` where it is about the own account, or where another right may do,
    /// too.
    pub const fn needs(self) -> Option<Right> {
        match self {
            Self::InvitationMade
            | Self::InvitationWithdrawn
            | Self::RoleChanged
            | Self::TeamMade
            | Self::TeamChanged
            | Self::TeamRemoved => Some(Right::ManageTeam),
            Self::OwnershipHandedOver => Some(Right::ManageOwners),
            Self::BusinessChanged
            | Self::OptOutWordsChanged
            | Self::ContactErased
            | Self::RetentionChanged
            | Self::NumberWritten
            | Self::KeyCreated
            | Self::KeyRevoked
            | Self::TemplateWritten
            | Self::TemplateDeleted
            | Self::TemplatesLookedUp
            | Self::SignInProviderSet
            | Self::SignInProviderRemoved => Some(Right::ManageBusiness),
            Self::AuditExported => Some(Right::ReadAudit),
            _ => None,
        }
    }
}

impl AuditAction {
    /// Whether it takes access from somebody: what must be done although a log is flooded.
    pub const fn ends_access(self) -> bool {
        matches!(
            self,
            Self::SignedOut
                | Self::SessionEnded
                | Self::PasswordChanged
                | Self::InvitationWithdrawn
                | Self::MemberRemoved
                | Self::AccountErased
                | Self::KeyRevoked
                | Self::OperatorRevoked
        )
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuditAction {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.iter().find(|action| action.as_str() == text);
        named.copied().ok_or("not the name of an action")
    }
}

/// A month of the calendar, UTC. Entries of one stand together and expire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// The rule, for error messages.
    pub const RULE: &'static str = "a month such as 2026-11";
    /// Years that have four digits and are no mistake.
    const YEARS: std::ops::RangeInclusive<u32> = 1970..=9998;

    /// The month of a time.
    pub fn of(at: Timestamp) -> Self {
        let (least, most) = (Self::YEARS.start() * 12, Self::YEARS.end() * 12 + 11);
        let months =
            u32::try_from(Date::of(at).months()).unwrap_or(if at.as_millis() < 0 { 0 } else { most });
        Self(months.clamp(least, most))
    }

    /// The one after.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        Date::first_of(i64::from(self.0)).begins()
    }

    /// Until when its entries may be read that are kept for so long after its end.
    pub fn kept_until(self, keep: Duration) -> Timestamp {
        self.next().begins().after(keep)
    }

    /// As keys hold it: months in their order.
    pub const fn to_be_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

impl FromStr for Month {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str, length| {
            let all = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| part.parse::<u32>().ok()).flatten()
        };
        let (year, month) = text.split_once('-').ok_or(Self::RULE)?;
        match (digits(year, 4), digits(month, 2)) {
            (Some(year), Some(month @ 1..=12)) if Self::YEARS.contains(&year) => {
                Ok(Self(year * 12 + month - 1))
            }
            _ => Err(Self::RULE),
        }
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_time_is_in_the_month_that_the_calendar_says() {
        // Seconds by `date -u -d ... +%s`.
        for (secs, month) in [
            (0, "1970-01"),
            (2_678_399, "1970-01"),
            (2_678_400, "1970-02"),
            (951_782_400, "2000-02"),
            (951_868_800, "2000-03"),
            (1_709_164_800, "2024-02"),
            (1_709_251_200, "2024-03"),
            (1_767_225_599, "2025-12"),
            (1_767_225_600, "2026-01"),
            (4_107_542_400, "2100-03"),
            (4_107_542_399, "2100-02"),
        ] {
            assert_eq!(Month::of(Timestamp::from_secs(secs)).to_string(), month, "{secs}");
        }
        let mut month: Month = "1970-01".parse().unwrap();
        while month < "2500-01".parse().unwrap() {
            let last = month.next().begins().before(Duration::from_millis(1));
            assert_eq!((Month::of(month.begins()), Month::of(last)), (month, month));
            month = month.next();
        }
        assert!(Month::of(Timestamp::from_millis(i64::MAX)) > month);
        assert!(Month::of(Timestamp::from_millis(i64::MIN)) < month);
    }

    #[test]
    fn a_month_is_written_in_one_way() {
        for text in ["1970-01", "2026-11", "9998-12"] {
            let month: Month = text.parse().unwrap();
            assert_eq!(month.to_string(), text);
            assert_eq!(serde_json::to_string(&month).unwrap(), format!("\"{text}\""));
            assert_eq!(
                serde_json::from_str::<Month>(&format!("\"{text}\"")).unwrap(),
                month
            );
        }
        for text in [
            "",
            "2026",
            "2026-1",
            "2026-13",
            "2026-00",
            "1969-12",
            "9999-01",
            "+026-01",
            "2026-11-01",
        ] {
            assert_eq!(text.parse::<Month>(), Err(Month::RULE), "{text}");
        }
    }

    #[test]
    fn every_action_has_one_name_and_later_ones_can_be_read() {
        let names: BTreeSet<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
            assert_eq!(
                serde_json::from_value::<AuditAction>(action.as_str().into()).unwrap(),
                *action
            );
        }
        let later: AuditAction = serde_json::from_str("\"of_a_later_version\"").unwrap();
        assert_eq!(later, AuditAction::Unknown);
    }
}
