//! What people say of a broadcast, and what is wrong with it. Pure.

use std::time::Duration;

use super::error::BroadcastError;
use super::variables::{Filling, Origin};
use crate::domain::{LocalTime, PhoneNumberId, SendRate, SendingHours, Timestamp};
use crate::store::tables::{Broadcast, BroadcastAudience, BroadcastExclusions, BroadcastTemplate};

/// How long after its time a broadcast still begins where nothing is said.
const LATE: Duration = Duration::from_hours(1);
/// Lists, and segments, that one leaves out.
const MOST_EXCLUDED: usize = 20;
/// Bytes of a template's components.
const LONGEST_TEMPLATE: usize = 16 << 10;

/// What a broadcast is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// What is sent.
    pub template: BroadcastTemplate,
    /// The numbers that send it.
    pub numbers: Vec<PhoneNumberId>,
    /// Whom it is for.
    pub audience: BroadcastAudience,
    /// Whom it leaves out.
    pub exclude: BroadcastExclusions,
    /// How fast it may be sent.
    pub rate: Option<SendRate>,
    /// When it is to begin.
    pub at: Option<Timestamp>,
    /// When it begins no more by itself.
    pub not_after: Option<Timestamp>,
    /// When it may be sent.
    pub hours: Option<SendingHours>,
    /// When it is to begin in each recipient's zone.
    pub at_local: Option<LocalTime>,
    /// When it begins there no more by itself.
    pub not_after_local: Option<LocalTime>,
}

impl Definition {
    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> Result<(), BroadcastError> {
        let invalid = |why: &str| Err(BroadcastError::Invalid(why.to_owned()));
        let filling =
            Filling::of(&self.template).map_err(|error| BroadcastError::Invalid(error.to_string()))?;
        let has_columns = filling
            .variables()
            .iter()
            .any(|variable| matches!(variable.origin, Origin::Column(_)));
        let may_have_columns = matches!(
            self.audience,
            BroadcastAudience::Upload {} | BroadcastAudience::Retry { .. }
        );
        if has_columns && !may_have_columns {
            return invalid("`from`: `column` goes with an audience of type `upload` alone");
        }
        if self.template.components.to_string().len() > LONGEST_TEMPLATE {
            return invalid("`template` is longer than 16 KiB");
        }
        if self.numbers.len() != 1 {
            return invalid("`numbers` must name one number");
        }
        let excluded = [self.exclude.lists.len(), self.exclude.segments.len()];
        if excluded.iter().any(|count| *count > MOST_EXCLUDED) {
            return invalid("`exclude` names at most 20 lists and 20 segments");
        }
        if self
            .not_after
            .is_some_and(|late| self.at.is_none_or(|at| late < at))
        {
            return invalid("`not_after` goes with `at`, and must not be before it");
        }
        self.check_hours()
    }

    fn check_hours(&self) -> Result<(), BroadcastError> {
        let invalid = |why: &str| Err(BroadcastError::Invalid(why.to_owned()));
        if let Some(Err(why)) = self.hours.as_ref().map(SendingHours::check) {
            return invalid(why);
        }
        if self.at_local.is_some() && self.at.is_some() {
            return invalid("`at_local` and `at` do not go together");
        }
        if self.at_local.is_some() && self.hours.is_none() {
            return invalid("`at_local` goes with `hours`, which say in whose zone");
        }
        let late = self.not_after_local;
        if late.is_some_and(|late| self.at_local.is_none_or(|at| late < at)) {
            return invalid("`not_after_local` goes with `at_local`, and must not be before it");
        }
        Ok(())
    }

    /// A broadcast that is to be that.
    pub(super) fn of(self, before: Broadcast) -> Broadcast {
        Broadcast {
            not_after: self.not_after.or_else(|| self.at.map(|at| at.after(LATE))),
            name: self.name,
            template: self.template,
            numbers: self.numbers,
            audience: self.audience,
            exclude: self.exclude,
            rate: self.rate,
            at: self.at,
            hours: self.hours,
            at_local: self.at_local,
            not_after_local: self
                .not_after_local
                .or_else(|| self.at_local.map(|at| at.after(LATE))),
            ..before
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::ListId;

    fn definition() -> Definition {
        Definition {
            name: "x".to_owned(),
            template: BroadcastTemplate {
                name: "promo".to_owned(),
                language: "en".to_owned(),
                components: Value::Null,
            },
            numbers: vec![PhoneNumberId::parse("1").unwrap()],
            audience: BroadcastAudience::List {
                list_id: ListId::from_bytes([1; 16]),
            },
            exclude: BroadcastExclusions::default(),
            rate: None,
            at: None,
            not_after: None,
            hours: None,
            at_local: None,
            not_after_local: None,
        }
    }

    fn is_refused(change: impl FnOnce(&mut Definition)) -> bool {
        let mut changed = definition();
        change(&mut changed);
        matches!(changed.check(), Err(BroadcastError::Invalid(_)))
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let at = Timestamp::from_secs(1_000);
        let column = || json!([{ "text": { "from": "column", "key": "Code" } }]);
        assert!(definition().check().is_ok());
        assert!(is_refused(|one| one.numbers.clear()));
        assert!(is_refused(|one| one.numbers.push(one.numbers[0].clone())));
        assert!(is_refused(|one| one.template.components = column()));
        assert!(!is_refused(|one| {
            one.template.components = column();
            one.audience = BroadcastAudience::Upload {};
        }));
        assert!(is_refused(|one| one.template.components = json!({ "from": "x" })));
        assert!(is_refused(
            |one| one.template.components = json!("x".repeat(LONGEST_TEMPLATE))
        ));
        assert!(is_refused(
            |one| one.exclude.lists = vec![ListId::from_bytes([1; 16]); 21]
        ));
        assert!(
            is_refused(|one| one.not_after = Some(at)),
            "without a time to begin"
        );
        assert!(is_refused(|one| {
            one.at = Some(at);
            one.not_after = Some(at.before(Duration::from_secs(1)));
        }));
        assert!(!is_refused(|one| {
            one.at = Some(at);
            one.not_after = Some(at);
        }));
    }

    #[test]
    fn hours_say_whose_zone_a_local_time_is_in() {
        let nine = || "2026-12-24T09:00".parse::<LocalTime>().ok();
        let hours = |json: Value| serde_json::from_value::<SendingHours>(json).ok();
        let everywhere = json!({ "zone": "recipient", "fallback_zone": "Asia/Jakarta" });
        assert!(is_refused(|one| one.at_local = nine()), "in whose zone?");
        assert!(is_refused(|one| one.hours = hours(json!({ "zone": "recipient" }))));
        assert!(is_refused(|one| one.not_after_local = nine()));
        assert!(!is_refused(|one| {
            one.hours = hours(everywhere.clone());
            one.at_local = nine();
        }));
        assert!(is_refused(|one| {
            one.hours = hours(everywhere.clone());
            one.at_local = nine();
            one.at = Some(Timestamp::from_secs(1_000));
        }));
        assert!(is_refused(|one| {
            one.hours = hours(everywhere.clone());
            one.at_local = nine();
            one.not_after_local = "2026-12-24T08:59".parse().ok();
        }));
    }
}
