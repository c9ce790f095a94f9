//! What Meta would charge for what was delivered: the simulator's own copy of list prices, by the recipient's calling code.
//! Source: Meta's list rates in US dollars from 2026-01-01 on, as others published them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::phone::Phone;
use crate::sends::{Category, Recipient, Step};
use crate::world::World;

/// A market: its name, calling codes, and millionths of a dollar for a marketing message and for any other.
type Market = (&'static str, &'static [u64], u64, u64);

const MARKETS: &[Market] = &[
    ("Argentina", &[54], 61_800, 26_000),
    ("Brazil", &[55], 62_500, 6_800),
    ("Chile", &[56], 88_900, 20_000),
    ("Colombia", &[57], 12_500, 800),
    ("Egypt", &[20], 64_400, 3_600),
    ("France", &[33], 85_900, 30_000),
    ("Germany", &[49], 136_500, 55_000),
    ("India", &[91], 11_800, 1_400),
    ("Indonesia", &[62], 41_100, 25_000),
    ("Israel", &[972], 35_300, 5_300),
    ("Italy", &[39], 69_100, 30_000),
    ("Malaysia", &[60], 86_000, 14_000),
    ("Mexico", &[52], 30_500, 8_500),
    ("Netherlands", &[31], 159_700, 50_000),
    ("Nigeria", &[234], 51_600, 6_700),
    ("Pakistan", &[92], 47_300, 5_400),
    ("Peru", &[51], 70_300, 20_000),
    ("Russia", &[7], 80_200, 40_000),
    ("Saudi Arabia", &[966], 45_500, 10_700),
    ("South Africa", &[27], 37_900, 7_600),
    ("Spain", &[34], 61_500, 20_000),
    ("Turkey", &[90], 10_900, 5_300),
    ("United Arab Emirates", &[971], 49_900, 15_700),
    ("United Kingdom", &[44], 52_900, 22_000),
    ("North America", &[1], 25_000, 3_400),
    (
        "Rest of Africa",
        &[
            211, 212, 213, 216, 218, 220, 221, 222, 223, 225, 226, 227, 228, 229, 231, 232, 233, 235, 237,
            241, 242, 244, 245, 249, 250, 251, 252, 254, 255, 256, 257, 258, 260, 261, 263, 264, 265, 266,
            267, 268, 291,
        ],
        22_500,
        4_000,
    ),
    (
        "Rest of Asia Pacific",
        &[
            61, 63, 64, 65, 66, 675, 81, 84, 852, 855, 856, 86, 880, 886, 93, 94, 976, 977, 992, 993, 998,
        ],
        73_200,
        11_300,
    ),
    (
        "Rest of Central & Eastern Europe",
        &[
            30, 355, 359, 36, 370, 371, 373, 374, 375, 380, 381, 385, 386, 389, 40, 420, 421, 48, 994, 995,
        ],
        86_000,
        21_200,
    ),
    (
        "Rest of Latin America",
        &[
            1658, 1787, 1809, 1829, 1849, 1876, 1939, 502, 503, 504, 505, 506, 507, 509, 58, 591, 593, 595,
            598,
        ],
        74_000,
        11_300,
    ),
    (
        "Rest of Middle East",
        &[961, 962, 964, 965, 967, 968, 973, 974],
        34_100,
        9_100,
    ),
    (
        "Rest of Western Europe",
        &[32, 351, 353, 358, 41, 43, 45, 46, 47],
        59_200,
        17_100,
    ),
];
const OTHER: Market = ("Other", &[], 60_400, 7_700);

/// Messages of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// Where they went.
    pub market: String,
    /// What they are charged as.
    pub category: String,
    /// How many were delivered.
    pub messages: u64,
    /// Millionths of a dollar for all of them.
    pub micros: u64,
}

/// What is to be paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// By market and category.
    pub lines: Vec<BillLine>,
    /// Millionths of a dollar.
    pub micros: u64,
}

/// The market whose calling code a number begins with, by the longest.
fn market(phone: Option<u64>) -> &'static Market {
    let mut beginning = phone.unwrap_or_default();
    while beginning > 0 {
        let found = MARKETS.iter().find(|(_, codes, ..)| codes.contains(&beginning));
        if let Some(market) = found {
            return market;
        }
        beginning /= 10;
    }
    &OTHER
}

/// Charges for templates that were delivered.
pub(crate) fn bill(world: &World) -> Bill {
    let mut counts: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for (_, send) in world.sends.iter() {
        if !matches!(send.reached, Some(Step::Delivered | Step::Read)) {
            continue;
        }
        let phone = match send.to {
            Recipient::Phone(customer) | Recipient::UserId(customer) => {
                world.customers.get(customer).and_then(|person| person.phone)
            }
            Recipient::Group(_) => continue,
        };
        let (name, _, marketing, other) = market(phone.map(Phone::digits));
        let price = match send.category {
            Category::Marketing | Category::MarketingLite => marketing,
            Category::Utility | Category::Authentication => other,
            Category::Service | Category::FreeService => continue,
        };
        let (messages, micros) = counts.entry((name, send.category.name())).or_default();
        *messages += 1;
        *micros += price;
    }
    let lines: Vec<BillLine> = counts
        .into_iter()
        .map(|((market, category), (messages, micros))| BillLine {
            market: market.to_owned(),
            category: category.to_owned(),
            messages,
            micros,
        })
        .collect();
    Bill {
        micros: lines.iter().map(|line| line.micros).sum(),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_the_market_with_the_longest_calling_code() {
        for (phone, name) in [
            (628_123_456_789, "Indonesia"),
            (16_502_530_000, "North America"),
            (18_095_550_100, "Rest of Latin America"),
            (85_212_345_678, "Rest of Asia Pacific"),
            (2_348_012_345_678, "Nigeria"),
            (37_412_345_678, "Rest of Central & Eastern Europe"),
            (99_912_345, "Other"),
        ] {
            assert_eq!(market(Some(phone)).0, name, "{phone}");
        }
        assert_eq!(market(None).0, "Other");
    }
}
