//! When a broadcast is paused by itself, and by which card it is told what one costs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::read_regular;
use super::units::seconds;
use crate::domain::{BadResult, RateCard, RecentResults};

/// Section `broadcasts`. A share of 0 is not looked at.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcastsConfig {
    /// Shares are of messages that went out within this time.
    #[serde(rename = "window_s", with = "seconds")]
    pub window: Duration,
    /// Fewer than so many say nothing.
    pub at_least: u32,
    /// The share, of a hundred, of failed messages.
    pub failed_percent: u32,
    /// That of customers who cannot be reached.
    pub unreachable_percent: u32,
    /// That of customers who stop marketing.
    pub opted_out_percent: u32,
    /// For how long whom a message did not reach is left out of plans, in days.
    pub unreachable_days: u32,
    /// What Meta charges.
    pub rate_card: RateCardFile,
}

/// A rate card, and the file that it was read from; the one that ships where none is named.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct RateCardFile {
    path: PathBuf,
    card: Arc<RateCard>,
}

impl RateCardFile {
    /// The card.
    pub fn card(&self) -> Arc<RateCard> {
        Arc::clone(&self.card)
    }
}

impl TryFrom<PathBuf> for RateCardFile {
    type Error = String;

    fn try_from(path: PathBuf) -> Result<Self, Self::Error> {
        let card = if path.as_os_str().is_empty() {
            RateCard::shipped().map_err(|error| format!("the card that ships cannot be read: {error}"))
        } else {
            let shown = path.display();
            let text = read_regular(&path)
                .map_err(|error| format!("the rate card {shown} cannot be read: {error}"))?;
            RateCard::parse(&text).map_err(|error| format!("the rate card {shown} cannot be used: {error}"))
        };
        Ok(Self {
            card: Arc::new(card?),
            path,
        })
    }
}

impl From<RateCardFile> for PathBuf {
    fn from(file: RateCardFile) -> Self {
        file.path
    }
}

impl BroadcastsConfig {
    /// The share, of a hundred, from which on results of a kind pause a broadcast; `None` where they never do. One refusal of the
    /// template is enough: it is one of all messages.
    pub const fn percent(&self, bad: BadResult) -> Option<u32> {
        let percent = match bad {
            BadResult::Failed => self.failed_percent,
            BadResult::Unreachable => self.unreachable_percent,
            BadResult::OptedOut => self.opted_out_percent,
            BadResult::TemplateRefused => 0,
        };
        if percent == 0 { None } else { Some(percent) }
    }

    /// For how long whom a message did not reach is left out; `None` where they are not.
    pub const fn unreachable_rests(&self) -> Option<Duration> {
        if self.unreachable_days == 0 {
            None
        } else {
            Some(Duration::from_hours(24).saturating_mul(self.unreachable_days))
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let longest = RecentResults::LONGEST.as_secs();
        problems.range("broadcasts.window_s", self.window.as_secs(), 60..=longest);
        problems.range("broadcasts.at_least", self.at_least, 1..=1_000_000);
        for (name, percent) in [
            ("broadcasts.failed_percent", self.failed_percent),
            ("broadcasts.unreachable_percent", self.unreachable_percent),
            ("broadcasts.opted_out_percent", self.opted_out_percent),
        ] {
            problems.range(name, percent, 0..=100);
        }
        problems.range("broadcasts.unreachable_days", self.unreachable_days, 0..=365);
    }
}
