//! How often an account may have templates made and changed.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management>

use std::collections::HashMap;

use crate::graph::error::GraphError;

const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// New templates of an account within an hour.
const CREATIONS: usize = 100;
/// Edits of an approved template within thirty days, and within a day.
const EDITS: usize = 10;

/// When what was done, by the clock that never goes back.
#[derive(Debug, Default)]
pub(crate) struct TemplateLimits {
    creations: HashMap<String, Vec<u64>>,
    edits: HashMap<u64, Vec<u64>>,
    /// Until when a name and language of an account cannot be used again.
    locked: HashMap<(String, String, String), u64>,
}

impl TemplateLimits {
    /// Counts a new template, or refuses it.
    pub(crate) fn create(
        &mut self,
        waba: &str,
        (name, language): (&str, &str),
        now_us: u64,
    ) -> Result<(), GraphError> {
        let key = (waba.to_owned(), name.to_owned(), language.to_owned());
        if self.locked.get(&key).is_some_and(|until| now_us < *until) {
            let why = format!(
                "New {language} content of {name} can't be added while the existing content is being deleted. Try again in 4 weeks."
            );
            return Err(GraphError::new(100, why));
        }
        let made = self.creations.entry(waba.to_owned()).or_default();
        made.retain(|at| now_us.saturating_sub(*at) < HOUR);
        if made.len() >= CREATIONS {
            let why = format!("{CREATIONS} templates were made within an hour.");
            return Err(GraphError::new(2_388_019, why));
        }
        made.push(now_us);
        Ok(())
    }

    /// Counts an edit of an approved template, or refuses it. Others may be edited as often as one likes.
    pub(crate) fn edit(&mut self, id: u64, now_us: u64) -> Result<(), GraphError> {
        let edits = self.edits.entry(id).or_default();
        edits.retain(|at| now_us.saturating_sub(*at) < 30 * DAY);
        let is_today = |at: &u64| now_us.saturating_sub(*at) < DAY;
        if edits.len() >= EDITS || edits.iter().any(is_today) {
            return Err(GraphError::new(
                100,
                "An approved template can be edited once a day and ten times in thirty days.",
            ));
        }
        edits.push(now_us);
        Ok(())
    }

    /// The name of an approved template that was deleted is locked for thirty days.
    pub(crate) fn lock(&mut self, waba: &str, (name, language): (&str, &str), now_us: u64) {
        let key = (waba.to_owned(), name.to_owned(), language.to_owned());
        self.locked.insert(key, now_us.saturating_add(30 * DAY));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_a_hundred_new_templates_of_each_account() {
        let mut limits = TemplateLimits::default();
        for number in 0..100 {
            let name = number.to_string();
            limits.create("1", (&name, "en"), SECOND * number).unwrap();
        }
        let refused = limits.create("1", ("x", "en"), HOUR - 1).unwrap_err();
        assert_eq!(refused.code, 2_388_019);
        limits.create("2", ("x", "en"), HOUR - 1).unwrap();
        limits.create("1", ("x", "en"), HOUR).unwrap();
    }

    #[test]
    fn an_approved_template_is_edited_once_a_day_and_ten_times_in_thirty() {
        let mut limits = TemplateLimits::default();
        for day in 0..10 {
            limits.edit(1, day * DAY).unwrap();
            assert!(limits.edit(1, (day + 1) * DAY - 1).is_err());
        }
        assert!(limits.edit(1, 20 * DAY).is_err());
        limits.edit(2, 20 * DAY).unwrap();
        limits.edit(1, 30 * DAY).unwrap();
    }

    #[test]
    fn the_name_of_a_deleted_template_comes_back_after_thirty_days() {
        let mut limits = TemplateLimits::default();
        limits.lock("1", ("a", "en"), DAY);
        assert!(limits.create("1", ("a", "en"), 31 * DAY - 1).is_err());
        limits.create("1", ("a", "es"), 2 * DAY).unwrap();
        limits.create("2", ("a", "en"), 2 * DAY).unwrap();
        limits.create("1", ("a", "en"), 31 * DAY).unwrap();
    }
}
