//! Meta's limits for making and editing templates, told apart from other refusals.
//!
//! Meta has a code for some of them alone. For the others what the gateway remembers says it: a call that breaks one is refused whatever
//! else is right with it. The gateway refuses nothing by itself: only Meta knows what was done elsewhere.
//! Source: Cloud API, Template management (Nov 14 2025), Template fundamentals (Dec 5 2025).

use std::time::Duration;

use crate::domain::{TemplateStatus, Timestamp};
use crate::store::tables::{Template, TemplateVersion};

/// Meta's codes for too many new templates.
const TOO_MANY: [i64; 2] = [2_388_019, 80_008];
/// What Meta answers where a parameter is not as it should be, and the codes of its templates: behind the others there is no limit, but a
/// token that ended, a missing permission, or calls that come too fast.
const INVALID: i64 = 100;
const OF_TEMPLATES: std::ops::Range<i64> = 2_388_000..2_389_000;
const DAY: Duration = Duration::from_hours(24);
/// Edits of an approved template within [`MONTH`].
const EDITS: usize = 10;
const MONTH: Duration = Duration::from_hours(30 * 24);

/// A limit that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateLimit {
    /// New templates: 100 an hour, and 6,000 (250 of a business that is not verified) in all.
    Creations,
    /// Edits of an approved template: one a day, ten in thirty days. Until then.
    Edits(Timestamp),
    /// The name of an approved template that was deleted is locked for thirty days. Until then.
    Name(Timestamp),
}

impl TemplateLimit {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creations => "creations",
            Self::Edits(_) => "edits",
            Self::Name(_) => "name",
        }
    }

    /// When it is over, if that is known.
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Creations => None,
            Self::Edits(until) | Self::Name(until) => Some(until),
        }
    }

    /// What kept Meta from making a template. `before` is what was there of its name.
    pub(super) fn of_creation(code: i64, before: Option<&Template>, now: Timestamp) -> Option<Self> {
        if TOO_MANY.contains(&code) {
            return Some(Self::Creations);
        }
        if !may_hide_a_limit(code) {
            return None;
        }
        let deleted = before.filter(|row| row.status == TemplateStatus::Deleted)?;
        let until = deleted.changed_at.after(MONTH);
        (now < until).then_some(Self::Name(until))
    }

    /// What kept Meta from editing a template; its versions are newest first.
    pub(super) fn of_edit(
        code: i64,
        (row, versions): (&Template, &[TemplateVersion]),
        now: Timestamp,
    ) -> Option<Self> {
        // Others may be edited as often as one likes.
        if !may_hide_a_limit(code) || row.status != TemplateStatus::Approved {
            return None;
        }
        let edits = versions.iter().filter(|version| version.why == "edited");
        let edits: Vec<Timestamp> = edits.map(|version| version.at).collect();
        let today = edits.first().map(|at| at.after(DAY));
        let in_month = edits.get(EDITS - 1).map(|at| at.after(MONTH));
        let until = today.max(in_month)?;
        (now < until).then_some(Self::Edits(until))
    }
}

fn may_hide_a_limit(code: i64) -> bool {
    code == INVALID || OF_TEMPLATES.contains(&code)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::WabaId;
    use crate::store::tables::Told;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn row(status: TemplateStatus) -> Template {
        Template {
            waba: WabaId::parse("1").unwrap(),
            name: "a".to_owned(),
            language: "en".to_owned(),
            meta_id: None,
            category: "UTILITY".to_owned(),
            status,
            quality: "GREEN".to_owned(),
            reason: None,
            parameter_format: None,
            ttl_seconds: None,
            components: Value::Null,
            changed_at: NOW,
            told: Told::default(),
        }
    }

    fn edited(hours_ago: u64) -> TemplateVersion {
        TemplateVersion {
            at: NOW.before(Duration::from_hours(hours_ago)),
            status: TemplateStatus::Pending,
            category: "UTILITY".to_owned(),
            components: Value::Null,
            why: "edited".to_owned(),
        }
    }

    #[test]
    fn an_approved_template_was_edited_a_day_ago_or_ten_times_in_a_month() {
        let approved = row(TemplateStatus::Approved);
        let of = |versions: &[TemplateVersion]| TemplateLimit::of_edit(100, (&approved, versions), NOW);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[edited(25)]), None);
        let in_an_hour = NOW.after(Duration::from_hours(1));
        assert_eq!(of(&[edited(23)]), Some(TemplateLimit::Edits(in_an_hour)));
        let daily: Vec<_> = (1..=10).map(|days| edited(days * 24 + 1)).collect();
        let until = NOW.before(Duration::from_hours(241)).after(MONTH);
        assert_eq!(of(&daily), Some(TemplateLimit::Edits(until)));
        assert_eq!(of(&daily[..9]), None);
        let rejected = row(TemplateStatus::Rejected);
        assert_eq!(TemplateLimit::of_edit(100, (&rejected, &[edited(1)]), NOW), None);
        // A token that ended says nothing about edits.
        assert_eq!(TemplateLimit::of_edit(190, (&approved, &[edited(1)]), NOW), None);
    }

    #[test]
    fn a_name_is_locked_for_a_month_and_too_many_templates_have_codes() {
        let deleted = row(TemplateStatus::Deleted);
        let of = |code, now| TemplateLimit::of_creation(code, Some(&deleted), now);
        assert_eq!(of(100, NOW), Some(TemplateLimit::Name(NOW.after(MONTH))));
        assert_eq!(of(100, NOW.after(MONTH)), None);
        for other in [4, 10, 190, 200, 80_007, 131_031] {
            assert_eq!(of(other, NOW), None, "{other}");
        }
        let approved = row(TemplateStatus::Approved);
        assert_eq!(TemplateLimit::of_creation(100, Some(&approved), NOW), None);
        assert_eq!(TemplateLimit::of_creation(100, None, NOW), None);
        let creations = TemplateLimit::of_creation(2_388_019, None, NOW);
        assert_eq!(creations, Some(TemplateLimit::Creations));
    }
}
