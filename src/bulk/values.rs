//! Values as people and spreadsheets write them: numbers, days, yes and no. Digits may be grouped, and a day may begin with its day or
//! its month, where the business says so.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rows::RowProblem;
use crate::domain::contact_terms::fold;
use crate::domain::date::Date;
use crate::domain::{AttributeShape, AttributeValue, Timestamp};

/// In which order a day is written. `2026-11-30` is read in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateFormat {
    /// Year, month, day.
    #[default]
    Ymd,
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// What stands before the part of a number that is less than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decimal {
    /// `1,200.50`
    #[default]
    Point,
    /// `1.200,50`
    Comma,
}

/// How the values of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Notation {
    /// Days.
    #[serde(default)]
    pub date_format: DateFormat,
    /// Numbers.
    #[serde(default)]
    pub decimal: Decimal,
}

impl AttributeShape {
    /// A value as a file has it.
    pub fn read(&self, text: &str, notation: Notation) -> Result<AttributeValue, RowProblem> {
        let as_text = |text: &str| {
            let text = text.parse().map_err(|_rule| RowProblem::TextInvalid)?;
            Ok(AttributeValue::Text(text))
        };
        match self {
            // A remark of several lines is one.
            Self::Text => as_text(
                &text
                    .split(['\n', '\r'])
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .collect::<Vec<_>>()
                    .join(" "),
            ),
            Self::Number => number(text, notation.decimal).map(AttributeValue::Number),
            Self::Date => {
                let day = day(text, notation.date_format).ok_or(RowProblem::NotADate)?;
                as_text(&day.to_string())
            }
            Self::Boolean => truth(text).map(AttributeValue::Boolean),
            Self::Choice(choices) => {
                let folded = fold(text);
                let choice = choices.iter().find(|choice| fold(choice) == folded);
                as_text(choice.ok_or(RowProblem::NotAChoice)?)
            }
        }
    }
}

fn number(text: &str, decimal: Decimal) -> Result<serde_json::Number, RowProblem> {
    let plain = ungrouped(text, decimal).ok_or(RowProblem::NotANumber)?;
    let whole = plain.parse::<i64>().ok().map(serde_json::Number::from);
    let found = whole.or_else(|| {
        let is_written = plain
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
        let number = is_written.then(|| plain.parse::<f64>().ok()).flatten()?;
        serde_json::Number::from_f64(number)
    });
    found.ok_or(RowProblem::NotANumber)
}

/// A number with a point and without what groups its digits by three.
fn ungrouped(text: &str, decimal: Decimal) -> Option<String> {
    let (point, group) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, rest) = match text.split_once(point) {
        Some((whole, rest)) => (whole, Some(rest)),
        None => (text, None),
    };
    let (sign, digits) = match whole.split_at_checked(1) {
        Some((sign @ ("-" | "+"), digits)) => (sign, digits),
        _ => ("", whole),
    };
    let groups: Vec<&str> = digits
        .split([group, ' ', '\u{a0}', '\u{202f}', '\'', '’'])
        .collect();
    let is_digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    if let [first, others @ ..] = groups.as_slice()
        && !others.is_empty()
        && !((1..=3).contains(&first.len())
            && others.iter().all(|group| group.len() == 3)
            && groups.iter().all(is_digits))
    {
        return None;
    }
    let rest = rest.map(|rest| format!(".{rest}")).unwrap_or_default();
    Some(format!("{sign}{}{rest}", groups.concat()))
}

/// A day, perhaps with a time behind it.
fn day(text: &str, format: DateFormat) -> Option<Date> {
    let (date, _time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    if let Ok(day) = date.parse() {
        return Some(day);
    }
    let parts: Vec<&str> = date.split(['/', '.', '-']).collect();
    let [first, second, third] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = match format {
        DateFormat::Ymd => (first, second, third),
        DateFormat::Dmy => (third, second, first),
        DateFormat::Mdy => (third, first, second),
    };
    // Two digits of a year may mean two centuries.
    let fits = year.len() == 4 && [month, day].iter().all(|part| (1..=2).contains(&part.len()));
    fits.then(|| format!("{year}-{month:0>2}-{day:0>2}").parse().ok())
        .flatten()
}

/// A moment as an export writes it, in UTC; a day alone means its beginning.
pub fn moment(text: &str, format: DateFormat) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let begins = day(date, format)?.begins();
    let time = time.strip_suffix('Z').unwrap_or(time);
    if time.is_empty() {
        return Some(begins);
    }
    let (time, _fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut seconds = 0_u64;
    let mut parts = time.split(':');
    for (most, unit) in [(23, 3_600), (59, 60), (60, 1)] {
        let Some(part) = parts.next() else { break };
        let count: u64 = part.parse().ok().filter(|count| *count <= most)?;
        seconds += count * unit;
    }
    parts
        .next()
        .is_none()
        .then(|| begins.after(Duration::from_secs(seconds)))
}

/// The same, written.
pub fn written(at: Timestamp) -> String {
    let day = Date::of(at);
    let seconds = at.since(day.begins()).as_secs();
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{day}T{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
}

/// Yes or no, in the languages of the console.
pub fn truth(text: &str) -> Result<bool, RowProblem> {
    const YES: [&str; 11] = [
        "true",
        "yes",
        "y",
        "1",
        "x",
        "ya",
        "benar",
        "si",
        "verdadero",
        "نعم",
        "صحيح",
    ];
    const NO: [&str; 9] = ["false", "no", "n", "0", "tidak", "palsu", "falso", "لا", "خطا"];
    let folded = fold(text);
    if YES.contains(&folded.as_str()) {
        Ok(true)
    } else if NO.contains(&folded.as_str()) {
        Ok(false)
    } else {
        Err(RowProblem::NotABoolean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_the_business_writes_it() {
        for (decimal, text, meant) in [
            (Decimal::Point, "2.5", Some("2.5")),
            (Decimal::Point, "1,200.50", Some("1200.5")),
            (Decimal::Point, "-1,234,567", Some("-1234567")),
            (Decimal::Point, "1 200", Some("1200")),
            (Decimal::Point, "1e3", Some("1000.0")),
            (Decimal::Point, "1,5", None),
            (Decimal::Point, "1200,50", None),
            (Decimal::Point, "1.200,50", None),
            (Decimal::Comma, "1.200,50", Some("1200.5")),
            (Decimal::Comma, "300.000", Some("300000")),
            (Decimal::Comma, "2,5", Some("2.5")),
            (Decimal::Comma, "1200.50", None),
            (Decimal::Comma, "1,200.50", None),
            (Decimal::Comma, "inf", None),
            (Decimal::Point, "Rp 1", None),
            (Decimal::Point, "", None),
            (Decimal::Point, "1,,200", None),
        ] {
            let read = number(text, decimal).ok().map(|number| number.to_string());
            assert_eq!(read.as_deref(), meant, "{decimal:?} {text}");
        }
    }

    #[test]
    fn a_day_is_read_in_the_order_that_the_business_says() {
        for (format, text, meant) in [
            (DateFormat::Ymd, "2026-11-30", Some("2026-11-30")),
            (DateFormat::Ymd, "2026/1/3 10:00", Some("2026-01-03")),
            (DateFormat::Dmy, "2026-11-30T10:00Z", Some("2026-11-30")),
            (DateFormat::Dmy, "03/02/1990", Some("1990-02-03")),
            (DateFormat::Dmy, "3.2.1990", Some("1990-02-03")),
            (DateFormat::Mdy, "03/02/1990", Some("1990-03-02")),
            (DateFormat::Ymd, "03/02/1990", None),
            (DateFormat::Dmy, "03/02/90", None),
            (DateFormat::Dmy, "31/02/1990", None),
            (DateFormat::Mdy, "31/01/1990", None),
            (DateFormat::Dmy, "1/2", None),
            (DateFormat::Dmy, "", None),
        ] {
            let read = day(text, format).map(|day| day.to_string());
            assert_eq!(read.as_deref(), meant, "{format:?} {text}");
        }
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        let at = Timestamp::from_secs(1_790_000_000);
        assert_eq!(written(at), "2026-09-21T14:13:20Z");
        for (text, meant) in [
            ("2026-09-21T14:13:20Z", Some(0)),
            ("2026-09-21 14:13:20", Some(0)),
            ("2026-09-21T14:13:20.999Z", Some(0)),
            ("2026-09-21T14:13", Some(20)),
            ("2026-09-21", Some(14 * 3_600 + 13 * 60 + 20)),
            ("21/09/2026", Some(14 * 3_600 + 13 * 60 + 20)),
            ("2026-09-21T24:00", None),
            ("2026-09-21T1:2:3:4", None),
            ("2026-09-21T14:13:20+07:00", None),
            ("1790000000", None),
        ] {
            let before = moment(text, DateFormat::Dmy).map(|read| at.since(read).as_secs());
            assert_eq!(before, meant, "{text}");
        }
    }
}
