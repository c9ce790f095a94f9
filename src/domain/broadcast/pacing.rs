//! How fast a broadcast goes. The runner goes by it, and a dry run.

use serde::Serialize;

use crate::domain::rate::SendRate;

/// Messages of one broadcast that wait in a lane, at most and at least.
const WIDEST: u32 = 2_000;
const NARROWEST: u32 = 20;

/// What limits how fast a broadcast goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceLimit {
    /// What Meta allows its number.
    NumberRate,
    /// What people said of it.
    BroadcastRate,
    /// Hours in which it may not be sent.
    QuietHours,
}

/// How fast a broadcast goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// What its number may send.
    pub number: SendRate,
    /// How fast people want it to go.
    pub own: Option<SendRate>,
}

impl Pacing {
    /// Messages within a second, at most.
    pub fn per_second(self) -> u32 {
        self.own
            .map_or(self.number, |own| own.min(self.number))
            .per_second()
    }

    /// What limits it.
    pub fn limited_by(self) -> PaceLimit {
        match self.own {
            Some(own) if own < self.number => PaceLimit::BroadcastRate,
            _ => PaceLimit::NumberRate,
        }
    }

    /// Messages that wait in its lane, at most: about as many as go within a second. What gathers while the lane rests goes out at the
    /// number's rate: it is not to be more than the broadcast's own.
    pub fn window(self) -> u32 {
        let window = self.number.per_second().clamp(NARROWEST, WIDEST);
        self.own.map_or(window, |own| own.per_second().clamp(1, window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacing(number: u32, own: Option<u32>) -> Pacing {
        Pacing {
            number: SendRate::new(number).unwrap(),
            own: own.map(|own| SendRate::new(own).unwrap()),
        }
    }

    #[test]
    fn the_slower_of_both_rates_holds() {
        for (number, own, per_second, limit, window) in [
            (80, None, 80, PaceLimit::NumberRate, 80),
            (80, Some(30), 30, PaceLimit::BroadcastRate, 30),
            (80, Some(80), 80, PaceLimit::NumberRate, 80),
            (80, Some(500), 80, PaceLimit::NumberRate, 80),
            (5, None, 5, PaceLimit::NumberRate, 20),
            (5, Some(1), 1, PaceLimit::BroadcastRate, 1),
            (10_000, None, 10_000, PaceLimit::NumberRate, 2_000),
        ] {
            let pacing = pacing(number, own);
            assert_eq!(
                (pacing.per_second(), pacing.limited_by(), pacing.window()),
                (per_second, limit, window)
            );
        }
    }
}
