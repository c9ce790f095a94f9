//! A dry run for people: sums, a table by hour, a table by market.

use serde_json::Value;

use super::super::output::{moment, plain, table};
use super::{counts, number, text};

/// What would become of a broadcast.
pub(super) fn told(dry_run: &Value) -> String {
    let suppressed = counts(dry_run, "/suppressed");
    let suppressed: Vec<String> = suppressed
        .iter()
        .map(|(reason, count)| format!(", {reason} {count}"))
        .collect();
    let suppressed = suppressed.concat();
    let (total, recipients) = (number(dry_run, "/total"), number(dry_run, "/recipients"));
    let not = total.saturating_sub(recipients);
    let time = |name: &str| dry_run.get(name).and_then(Value::as_i64).map(moment);
    let (starts, ends) = (time("starts_at"), time("ends_at"));
    let hours = rows(dry_run, "/hours");
    let later = match number(dry_run, "/later") {
        0 => String::new(),
        later => format!("{later} go later\n"),
    };
    format!(
        "{recipients} get it, {not} do not{suppressed}\n\
         from {} to {}, {} a second, limited by {}\n\n{}{later}\n{}",
        starts.unwrap_or_default(),
        ends.unwrap_or_else(|| "no end that can be told".to_owned()),
        number(dry_run, "/per_second"),
        text(dry_run, "limited_by"),
        table(hours, &["at", "messages"]),
        spend(dry_run),
    )
}

fn spend(dry_run: &Value) -> String {
    let said = |path: &str| dry_run.pointer(path).map(plain).unwrap_or_default();
    let markets = rows(dry_run, "/spend/markets");
    let unpriced = match number(dry_run, "/spend/unpriced") {
        0 => String::new(),
        unpriced => format!(", and what {unpriced} messages cost, for which the card has no price"),
    };
    format!(
        "{}{} {}{unpriced}: {} messages, by the rate card of {} ({})\n",
        table(markets, &["market", "messages", "price", "cost"]),
        said("/spend/total"),
        said("/spend/currency"),
        said("/spend/category"),
        said("/spend/rate_card/date"),
        said("/spend/rate_card/source"),
    )
}

fn rows<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    let rows = value.pointer(path).and_then(Value::as_array);
    rows.map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dry_run_is_told_by_hour_and_by_market() {
        let dry_run = json!({
            "total": 12, "recipients": 10, "suppressed": { "opted_out": 2 },
            "starts_at": 1_800_000_000_000_i64, "ends_at": 1_800_003_610_000_i64,
            "per_second": 80, "limited_by": "number_rate",
            "hours": [{ "at": 1_800_000_000_000_i64, "messages": 9 }, { "at": 1_800_003_600_000_i64, "messages": 1 }],
            "later": 0,
            "spend": {
                "category": "marketing", "currency": "USD", "rate_card": { "date": "2026-01-01", "source": "Meta" },
                "markets": [{ "market": "Indonesia", "countries": { "ID": 10 }, "messages": 10, "price": "0.0411", "cost": "0.411" }],
                "total": "0.411", "unpriced": 0,
            },
        });
        let expected = "\
10 get it, 2 do not, opted_out 2
from 2027-01-15 08:00:00Z to 2027-01-15 09:00:10Z, 80 a second, limited by number_rate

at                    messages
2027-01-15 08:00:00Z  9
2027-01-15 09:00:00Z  1

market     messages  price   cost
Indonesia  10        0.0411  0.411
0.411 USD: marketing messages, by the rate card of 2026-01-01 (Meta)
";
        assert_eq!(told(&dry_run), expected);
    }
}
