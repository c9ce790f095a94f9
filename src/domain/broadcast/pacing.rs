//! How fast a broadcast goes, and when it would be at its end. The runner goes by it, and a dry run on a clock that is only counted.

use std::time::Duration;

use serde::Serialize;

use crate::domain::clock::Timestamp;
use crate::domain::rate::SendRate;

/// Messages of one broadcast that wait in a lane, at most and at least.
const WIDEST: u32 = 2_000;
const NARROWEST: u32 = 20;
const HOUR_MS: i64 = 3_600_000;

/// What limits how fast a broadcast goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceLimit {
    /// What Meta allows its number.
    NumberRate,
    /// What people said of it.
    BroadcastRate,
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

    /// How long so many messages take.
    fn lasts(self, messages: u64) -> Duration {
        let millis = messages
            .saturating_mul(1_000)
            .div_ceil(u64::from(self.per_second()));
        Duration::from_millis(millis)
    }

    /// How many messages go within such a time.
    fn goes(self, within: Duration) -> u64 {
        let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        millis.saturating_mul(u64::from(self.per_second())) / 1_000
    }
}

/// Messages that go within an hour of the clock, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ForecastHour {
    /// When it begins.
    pub at: Timestamp,
    /// How many.
    pub messages: u64,
}

/// When messages would go, if nothing else held them up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// When the first goes.
    pub starts: Timestamp,
    /// When the last one has gone.
    pub ends: Timestamp,
    /// Hour by hour, of the first week.
    pub hours: Vec<ForecastHour>,
    /// Those that go later.
    pub later: u64,
}

impl Forecast {
    /// Hours that are told apart.
    pub const MOST_HOURS: usize = 24 * 7;

    /// So many messages from a time on. Takes as long for ten million as for ten.
    pub fn of(messages: u64, from: Timestamp, pacing: Pacing) -> Self {
        let ends = from.after(pacing.lasts(messages));
        let mut forecast = Self {
            starts: from,
            ends,
            hours: Vec::new(),
            later: 0,
        };
        let (mut gone, mut at) = (0, from);
        while gone < messages && forecast.hours.len() < Self::MOST_HOURS {
            let begins = at.as_millis().div_euclid(HOUR_MS) * HOUR_MS;
            at = Timestamp::from_millis(begins.saturating_add(HOUR_MS));
            let by_then = if at >= ends {
                messages
            } else {
                pacing.goes(at.since(from)).min(messages)
            };
            forecast.hours.push(ForecastHour {
                at: Timestamp::from_millis(begins),
                messages: by_then - gone,
            });
            gone = by_then;
        }
        forecast.later = messages - gone;
        forecast
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

    #[test]
    fn each_message_goes_in_one_hour_and_the_last_at_the_end() {
        // Twenty minutes before an hour.
        let from = Timestamp::from_secs(1_800_000_000 + 40 * 60);
        let hour = |n: i64, messages| ForecastHour {
            at: Timestamp::from_secs(1_800_000_000 + n * 3_600),
            messages,
        };
        let forecast = Forecast::of(500_000, from, pacing(80, None));
        assert_eq!((forecast.starts, forecast.later), (from, 0));
        assert_eq!(forecast.ends, from.after(Duration::from_secs(6_250)));
        assert_eq!(
            forecast.hours,
            [hour(0, 96_000), hour(1, 288_000), hour(2, 116_000)]
        );
        let none = Forecast::of(0, from, pacing(80, None));
        assert_eq!((none.ends, none.hours.len()), (from, 0));
        let one = Forecast::of(1, from, pacing(3, None));
        assert_eq!(
            (one.ends, one.hours),
            (from.after(Duration::from_millis(334)), vec![hour(0, 1)])
        );
    }

    #[test]
    fn what_takes_longer_than_a_week_is_summed_up() {
        let from = Timestamp::from_secs(1_800_000_000);
        let forecast = Forecast::of(10_000_000, from, pacing(1, None));
        assert_eq!(forecast.hours.len(), Forecast::MOST_HOURS);
        let told: u64 = forecast.hours.iter().map(|hour| hour.messages).sum();
        assert_eq!((told, forecast.later), (7 * 86_400, 10_000_000 - 7 * 86_400));
        assert_eq!(forecast.ends, from.after(Duration::from_secs(10_000_000)));
    }
}
