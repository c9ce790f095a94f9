//! How long Meta tries to deliver messages of a template.

use super::Problems;

/// In JSON, Meta's and the gateway's.
const NAME: &str = "message_send_ttl_seconds";
/// What asks for Meta's thirty days, where a code or a notice has less by itself.
const THIRTY_DAYS: i64 = -1;

/// Checks the seconds that a draft names.
/// Source: Cloud API, Templates, Time-to-live (Nov 2025).
pub(super) fn check_lifetime(category: &str, seconds: i64, found: &mut Problems) {
    let (least, most, may_be_thirty_days) = match category {
        "AUTHENTICATION" => (30, 900, true),
        "UTILITY" => (30, 43_200, true),
        "MARKETING" => (43_200, 2_592_000, false),
        // Which is told already.
        _ => return,
    };
    let is_right = (least..=most).contains(&seconds) || may_be_thirty_days && seconds == THIRTY_DAYS;
    if !is_right {
        let or = if may_be_thirty_days {
            ", or -1 for thirty days"
        } else {
            ""
        };
        found.add(
            NAME,
            format!("must be {least} to {most} seconds in {category}{or}"),
        );
    }
}
