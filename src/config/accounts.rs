//! People who sign in: what a password hash costs, how long sessions and links last, who may sign up, and which policy they accept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::{ByteSize, seconds};
use crate::domain::Quota;
use crate::domain::display_name::is_one_line;

/// Section `accounts`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsConfig {
    /// Memory that one password hash takes while it is computed.
    pub hash_memory: ByteSize,
    /// How often a hash goes through that memory.
    pub hash_passes: u32,
    /// Hashes computed at a time; 0 is one for each core, at most [`Self::MOST_CORES`].
    pub hash_threads: usize,
    /// How long a session lasts in which nothing is done.
    #[serde(rename = "session_idle_s", with = "seconds")]
    pub session_idle: Duration,
    /// How long a session lasts at most.
    #[serde(rename = "session_max_s", with = "seconds")]
    pub session_max: Duration,
    /// Members of one tenant's team, unless the tenant has a quota of its own.
    pub members_per_team: u32,
    /// How long an invitation can be accepted.
    #[serde(rename = "invitation_expires_s", with = "seconds")]
    pub invitation_expires: Duration,
    /// How long it is kept who signed in, and who was refused.
    pub sign_ins_kept_days: u32,
    /// How long a link that somebody asked for by e-mail holds: to a new password, or to another address.
    #[serde(rename = "link_expires_s", with = "seconds")]
    pub link_expires: Duration,
    /// Who may open an account for a business.
    pub sign_up: SignUp,
    /// The version of the privacy policy that people accept; empty where there is none.
    pub policy_version: String,
    /// Where it can be read.
    pub policy_url: String,
    /// Whom people ask about their data.
    pub privacy_contact: String,
    /// How old somebody who signs up has to be, in years.
    pub least_age: u8,
    /// Whether tenants' identity providers may be on this machine, and speak http.
    pub providers_on_this_machine: bool,
}

/// Who may open an account for a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Nobody: operators make tenants.
    Closed,
    /// Who has an operator's invitation.
    Invitation,
    /// Everybody.
    Open,
}

impl AccountsConfig {
    /// What OWASP's Password Storage Cheat Sheet asks of argon2id, beside two passes and one lane.
    const LEAST_MEMORY: u64 = 19 << 20;
    /// Cores that are used when nobody says how many: sign-ins must not take a large machine's memory.
    const MOST_CORES: usize = 8;

    /// Hashes to compute at a time: the setting, or one for each core.
    pub fn hashes_at_a_time(&self) -> usize {
        match self.hash_threads {
            0 => std::thread::available_parallelism()
                .map_or(1, std::num::NonZero::get)
                .min(Self::MOST_CORES),
            threads => threads,
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let size = ByteSize::bytes;
        problems.range(
            "accounts.hash_memory",
            self.hash_memory,
            size(Self::LEAST_MEMORY)..=size(256 << 20),
        );
        problems.range("accounts.hash_passes", self.hash_passes, 2..=16);
        problems.range("accounts.hash_threads", self.hash_threads, 0..=64);
        problems.range("accounts.sign_ins_kept_days", self.sign_ins_kept_days, 1..=365);
        problems.range(
            "accounts.members_per_team",
            u64::from(self.members_per_team),
            Quota::Agents.bounds(),
        );
        let (minute, day) = (60, 86_400);
        for (key, time, range) in [
            (
                "accounts.session_idle_s",
                self.session_idle,
                10 * minute..=30 * day,
            ),
            (
                "accounts.session_max_s",
                self.session_max,
                60 * minute..=365 * day,
            ),
            (
                "accounts.invitation_expires_s",
                self.invitation_expires,
                60 * minute..=30 * day,
            ),
            ("accounts.link_expires_s", self.link_expires, 10 * minute..=day),
        ] {
            problems.range(key, time.as_secs(), range);
        }
        problems.range("accounts.least_age", self.least_age, 13..=21);
        self.check_policy(problems);
        if self.session_max < self.session_idle {
            problems.add(
                "accounts.session_max_s",
                format!(
                    "must be at least `accounts.session_idle_s`, {}",
                    self.session_idle.as_secs()
                ),
            );
        }
    }

    fn check_policy(&self, problems: &mut Problems) {
        let (version, url) = (&self.policy_version, &self.policy_url);
        if version.chars().count() > 40 || version.trim() != version || !is_one_line(version) {
            problems.add(
                "accounts.policy_version",
                "must be at most 40 characters on one line",
            );
        }
        let is_address = |url: &str| {
            let odd = |c: char| c.is_whitespace() || c.is_control();
            url.starts_with("https://") && url.len() <= 500 && !url.contains(odd)
        };
        if version.is_empty() != url.is_empty() {
            problems.add(
                "accounts.policy_url",
                "goes with `accounts.policy_version`: both, or neither",
            );
        } else if !url.is_empty() && !is_address(url) {
            problems.add("accounts.policy_url", "must be an https address");
        }
        if self.privacy_contact.chars().count() > 200 || !is_one_line(&self.privacy_contact) {
            problems.add(
                "accounts.privacy_contact",
                "must be at most 200 characters on one line",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn values_out_of_bounds_are_named_with_their_bounds() {
        for (setting, expected) in [
            ("hash_memory = \"1 MiB\"", "must be 19 MiB to 256 MiB, not 1 MiB"),
            ("hash_memory = \"1 GiB\"", "must be 19 MiB to 256 MiB, not 1 GiB"),
            ("hash_passes = 1", "must be 2 to 16, not 1"),
            ("hash_threads = 65", "must be 0 to 64, not 65"),
            ("members_per_team = 301", "must be 1 to 300, not 301"),
            ("session_idle_s = 599", "must be 600 to 2592000, not 599"),
            ("session_max_s = 60", "must be 3600 to 31536000, not 60"),
            (
                "session_idle_s = 7200\nsession_max_s = 3600",
                "must be at least `accounts.session_idle_s`, 7200",
            ),
            ("invitation_expires_s = 60", "must be 3600 to 2592000, not 60"),
            ("sign_ins_kept_days = 0", "must be 1 to 365, not 0"),
            ("link_expires_s = 90000", "must be 600 to 86400, not 90000"),
            ("least_age = 12", "must be 13 to 21, not 12"),
            (
                "policy_version = \"2\"",
                "goes with `accounts.policy_version`: both, or neither",
            ),
            (
                "policy_version = \"2\"\npolicy_url = \"http://example.com\"",
                "must be an https address",
            ),
            (
                "privacy_contact = \"a\\nb\"",
                "must be at most 200 characters on one line",
            ),
            (
                "sign_up = \"maybe\"",
                "must be \"closed\" or \"invitation\" or \"open\", not \"maybe\"",
            ),
        ] {
            let file = format!("[accounts]\n{setting}\n");
            let error = Config::from_sources(Some(("mesej.toml", &file)), []).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(expected), "{setting}: {error}");
            assert!(error.contains("`accounts."), "{error}");
        }
    }

    #[test]
    fn without_a_number_there_is_a_hash_for_each_core_up_to_eight() {
        let mut accounts = Config::defaults().unwrap().accounts;
        let cores = std::thread::available_parallelism().unwrap().get();
        assert_eq!(accounts.hashes_at_a_time(), cores.min(8));
        accounts.hash_threads = 3;
        assert_eq!(accounts.hashes_at_a_time(), 3);
    }
}
