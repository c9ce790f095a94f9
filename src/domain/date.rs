//! Days of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use super::clock::Timestamp;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// What is accepted, for error messages.
    pub const RULE: &'static str = "a day as YYYY-MM-DD";

    /// The day of a time.
    pub fn of(time: Timestamp) -> Self {
        // Years are counted from March of the year 0, so that the leap day comes last; an era is 400 years.
        let shifted = time.as_millis().div_euclid(DAY * 1_000) + 719_468;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, next_year) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        Self {
            year: year + era * 400 + next_year,
            month,
            day,
        }
    }

    /// Months since the year 0, to that of the day.
    pub(super) const fn months(self) -> i64 {
        self.year * 12 + self.month - 1
    }

    /// The first day of a month that is told so.
    pub(super) const fn first_of(months: i64) -> Self {
        Self {
            year: months.div_euclid(12),
            month: months.rem_euclid(12) + 1,
            day: 1,
        }
    }

    /// Its first moment.
    pub fn begins(self) -> Timestamp {
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let month = (self.month + 9).rem_euclid(12);
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let day = year * 365 + year / 4 - year / 100 + day_of_year;
        Timestamp::from_secs((era * 146_097 + day - 719_468) * DAY)
    }
}

impl FromStr for Date {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            let all = part.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| part.parse::<i64>().ok()).flatten()
        };
        let date = match (part(4), part(2), part(2)) {
            (Some(year), Some(month), Some(day)) => Self { year, month, day },
            _ => return Err(Self::RULE),
        };
        // The 30th of February would be another day.
        if Self::of(date.begins()) == date {
            Ok(date)
        } else {
            Err(Self::RULE)
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_the_one_after_the_day_before() {
        let mut before: Option<Date> = None;
        for day in -800_000..800_000 {
            let begins = Timestamp::from_secs(day * DAY);
            let date = Date::of(begins);
            assert_eq!(date.begins(), begins);
            assert!(before.is_none_or(|before| before < date), "{date}");
            before = Some(date);
        }
    }

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for (text, secs) in [
            ("1970-01-01", 0),
            ("2024-02-29", 1_709_164_800),
            ("2026-11-30", 1_795_996_800),
        ] {
            let date: Date = text.parse().unwrap();
            assert_eq!((date.to_string().as_str(), date.begins().as_secs()), (text, secs));
            assert_eq!(Date::of(Timestamp::from_secs(secs + DAY - 1)), date);
        }
        for wrong in [
            "",
            "2026",
            "2026-11",
            "2026-11-31",
            "2026-13-01",
            "2026-00-01",
            "2025-02-29",
            "26-11-30",
            "2026-11-30T",
            "+026-11-30",
            "2026/11/30",
        ] {
            assert_eq!(wrong.parse::<Date>(), Err(Date::RULE), "{wrong}");
        }
    }
}
