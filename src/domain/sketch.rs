//! How many different ones there were, without keeping which: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007).
//!
//! Sketches of several hours merge to that of a day, which sums of counts do not. A hundred are told to within one or two, any
//! number to within 1.6 percent (one standard deviation).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{digest16, hex};

/// Bits of a digest that choose a register.
const BITS: u32 = 12;
/// Registers.
const REGISTERS: u32 = 1 << BITS;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sketch {
    /// Registers that are not 0.
    ranks: BTreeMap<u16, u8>,
}

impl Sketch {
    /// Notes one; again changes nothing.
    pub fn note(&mut self, one: &[u8]) {
        let digest = digest16(&[b"sketch", one]);
        let bits = digest
            .iter()
            .take(8)
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let register = u16::try_from(bits >> (64 - BITS)).unwrap_or(0);
        let rank = (bits << BITS).leading_zeros().min(64 - BITS) + 1;
        self.raise(register, u8::try_from(rank).unwrap_or(u8::MAX));
    }

    /// All that either noted.
    pub fn merge(&mut self, other: &Self) {
        for (register, rank) in &other.ranks {
            self.raise(*register, *rank);
        }
    }

    fn raise(&mut self, register: u16, rank: u8) {
        let held = self.ranks.entry(register).or_default();
        *held = rank.max(*held);
    }

    /// About how many were noted.
    pub fn count(&self) -> u64 {
        let registers = f64::from(REGISTERS);
        let set = u32::try_from(self.ranks.len())
            .unwrap_or(REGISTERS)
            .min(REGISTERS);
        let empty = REGISTERS - set;
        let sum = self.ranks.values().fold(f64::from(empty), |sum, rank| {
            sum + 2.0_f64.powi(-i32::from(*rank))
        });
        let estimate = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        // While few registers are set, how many are not says more.
        let estimate = if empty > 0 && estimate <= 2.5 * registers {
            registers * (registers / f64::from(empty)).ln()
        } else {
            estimate
        };
        // At most 2⁶⁴: whole digits.
        format!("{estimate:.0}").parse().unwrap_or(u64::MAX)
    }
}

impl From<Sketch> for String {
    fn from(sketch: Sketch) -> Self {
        let registers = sketch.ranks.into_iter();
        let bytes = registers.flat_map(|(register, rank)| {
            let [high, low] = register.to_be_bytes();
            [high, low, rank]
        });
        hex(&bytes.collect::<Vec<u8>>())
    }
}

impl TryFrom<String> for Sketch {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const MALFORMED: &str = "a sketch is groups of six hex digits";
        let mut ranks = BTreeMap::new();
        for group in text.as_bytes().chunks(6) {
            let group = std::str::from_utf8(group).map_err(|_broken| MALFORMED)?;
            let (register, rank) = group.split_at_checked(4).ok_or(MALFORMED)?;
            let register = u16::from_str_radix(register, 16).map_err(|_broken| MALFORMED)?;
            let rank = u8::from_str_radix(rank, 16).map_err(|_broken| MALFORMED)?;
            ranks.insert(register, rank);
        }
        Ok(Self { ranks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: std::ops::Range<u32>) -> Sketch {
        let mut sketch = Sketch::default();
        for one in range {
            sketch.note(&one.to_be_bytes());
            sketch.note(&one.to_be_bytes());
        }
        sketch
    }

    #[test]
    fn few_are_told_exactly_and_many_within_five_percent() {
        for few in [0, 1, 2, 5, 20] {
            assert_eq!(of(0..few).count(), u64::from(few));
        }
        for many in [100, 1_000, 8_000, 20_000, 200_000_u32] {
            let told = of(0..many).count();
            let off = told.abs_diff(u64::from(many));
            assert!(off * 20 <= u64::from(many), "{told} for {many}");
        }
    }

    #[test]
    fn who_was_there_in_both_hours_counts_once_in_the_day() {
        let mut day = of(0..60);
        day.merge(&of(40..100));
        assert_eq!(day, of(0..100));
    }

    #[test]
    fn it_is_written_down_and_read_and_fits_into_a_row() {
        for sketch in [of(0..0), of(0..5), of(0..200_000)] {
            let text = serde_json::to_string(&sketch).unwrap();
            assert!(text.len() < 25_000, "{}", text.len());
            assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch);
        }
        for broken in ["\"00\"", "\"zzzzzz\"", "\"é0000\""] {
            assert!(serde_json::from_str::<Sketch>(broken).is_err(), "{broken}");
        }
    }
}
