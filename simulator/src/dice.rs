//! Chance, from one seed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A span of milliseconds from which a delay is drawn, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Millis {
    /// The shortest.
    pub min: u64,
    /// The longest; raised to `min` when it is below it.
    pub max: u64,
}

impl Millis {
    /// A span between two ends.
    pub const fn between(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// No delay at all.
    pub const fn none() -> Self {
        Self { min: 0, max: 0 }
    }
}

/// One stream of chance. Every use has a stream of its own, so that one does not shift another.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// The stream of a seed for one purpose.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(fastrand::Rng::with_seed(mix(seed, purpose)))
    }

    /// True for a share of the calls; never at 0, always at 1.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.f64() < share
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0.f64()
    }

    /// A delay from a span.
    pub(crate) fn delay(&mut self, span: Millis) -> Duration {
        Duration::from_millis(self.0.u64(span.min..=span.max.max(span.min)))
    }

    /// A number below a bound; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.0.usize(..bound) }
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// One of several; nothing of nothing.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }
}

/// Spreads two numbers over 64 bits; small changes of either change all of the result.
pub(crate) fn mix(one: u64, two: u64) -> u64 {
    let mut bits = one ^ two.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| {
            let mut dice = Dice::new(seed, 1);
            (0..50).map(|_| dice.any()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_share_of_nothing_never_happens_and_of_one_always() {
        let mut dice = Dice::new(1, 1);
        assert!((0..1000).all(|_| !dice.chance(0.0) && dice.chance(1.0)));
    }

    #[test]
    fn a_span_upside_down_draws_its_minimum() {
        let mut dice = Dice::new(1, 1);
        assert_eq!(dice.delay(Millis::between(9, 3)), Duration::from_millis(9));
    }
}
