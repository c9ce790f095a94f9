//! Whose turn it is: recipients go in the order of their numbers, those of each zone only while it is open. Where a zone was shut its
//! recipients are gone back to when it opens, so there is a place for each zone. Pure: the run and the dry run go by the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hours::WeekHours;
use super::zone::{LocalTime, ZoneSet};
use crate::domain::clock::Timestamp;

/// How long a zone is taken for shut of which it is not known when it opens.
const LOOKED_AGAIN: Duration = Duration::from_hours(1);

/// Recipients of a plan who are in the same zone, or in one of the same zones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneSpan {
    /// The zones.
    pub zones: ZoneSet,
    /// How many are sent to.
    pub recipients: u32,
    /// The number of the first of them.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
}

/// When zones begin: at a time on their own clocks, and no more by themselves after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalStart {
    /// When.
    pub at: LocalTime,
    /// Not after.
    pub not_after: LocalTime,
}

/// A zone that had not begun when its time to begin was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneTooLate;

#[derive(Debug, Clone)]
struct Line {
    /// Where the recipients are; anywhere where that does not matter.
    zones: Option<ZoneSet>,
    next: u32,
    last: u32,
    /// When they begin, and when they begin no more by themselves.
    starts: Option<(Timestamp, Timestamp)>,
    has_begun: bool,
    is_open: bool,
    /// When that changes.
    changes: Option<Timestamp>,
}

impl Line {
    const fn is_over(&self) -> bool {
        self.next > self.last
    }

    fn look(&mut self, week: Option<&WeekHours>, now: Timestamp) {
        let earliest = self.starts.map_or(now, |(starts, _)| starts.max(now));
        let (opens, closes) = match (week, &self.zones) {
            (Some(week), Some(zones)) => {
                let opens = week.next_open(zones, earliest);
                (opens, week.closes(zones, now))
            }
            _ => (Some(earliest), None),
        };
        self.is_open = opens == Some(now);
        self.changes = if self.is_open { closes } else { opens };
    }
}

/// Which recipients are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The number of the first who may be one of them.
    pub from: u32,
    /// The number at which they are to be asked for again.
    pub until: u32,
    lines: Box<[bool]>,
}

impl Due {
    /// Whether recipients of a zone are among them.
    pub fn has(&self, zone: u16) -> bool {
        self.lines.get(usize::from(zone)).copied().unwrap_or(false)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Timetable {
    week: Option<WeekHours>,
    lines: Vec<Line>,
    /// For which time it was looked what is open, and until when that is so.
    looked: Option<(Timestamp, Option<Timestamp>)>,
}

impl Timetable {
    /// Of so many recipients who may be sent to at any time.
    pub fn always(total: u32) -> Self {
        let line = Line {
            zones: None,
            next: 1,
            last: total,
            starts: None,
            has_begun: true,
            is_open: true,
            changes: None,
        };
        Self {
            week: None,
            lines: vec![line],
            looked: None,
        }
    }

    /// Of recipients in zones.
    pub fn new(week: Option<WeekHours>, start: Option<LocalStart>, spans: &[ZoneSpan]) -> Self {
        let lines = spans.iter().map(|span| {
            let starts = start.map(|start| {
                let at = span.zones.first(start.at);
                (at, span.zones.first(start.not_after).max(at))
            });
            Line {
                zones: Some(span.zones.clone()),
                next: span.first,
                last: span.last,
                starts,
                has_begun: starts.is_none(),
                is_open: false,
                changes: None,
            }
        });
        Self {
            week,
            lines: lines.collect(),
            looked: None,
        }
    }

    /// Goes on from places that were noted; where there are none, from one for all.
    pub fn resume(&mut self, places: &[u32], next: u32) {
        for (number, line) in self.lines.iter_mut().enumerate() {
            let noted = places.get(number).copied();
            line.next = line.next.max(noted.unwrap_or(next));
            line.has_begun |= noted.is_some_and(|noted| noted > 0);
        }
    }

    /// The place of each zone, to be noted: the recipient before whom all of the zone had their turn; 0 before its time to begin.
    pub fn places(&self) -> Vec<u32> {
        let place = |line: &Line| if line.has_begun { line.next } else { 0 };
        self.lines.iter().map(place).collect()
    }

    /// The recipient before whom all had their turn; one behind the last when all had.
    pub fn lowest(&self) -> u32 {
        let open = self.lines.iter().filter(|line| !line.is_over());
        let lowest = open.map(|line| line.next).min();
        lowest.unwrap_or_else(|| {
            let last = self.lines.iter().map(|line| line.last).max();
            last.unwrap_or(0).saturating_add(1)
        })
    }

    /// Whether all had their turn.
    pub fn is_over(&self) -> bool {
        self.lines.iter().all(Line::is_over)
    }

    /// When the first zone begins, and when one is the first to begin no more by itself; of those that have not begun.
    pub fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        let waiting = self
            .lines
            .iter()
            .filter(|line| !line.has_begun && !line.is_over());
        let starts = waiting.filter_map(|line| line.starts);
        starts.reduce(|one, other| (one.0.min(other.0), one.1.min(other.1)))
    }

    /// Takes note of zones whose time to begin has come; says whether there were any. A person who had the broadcast go on at a time
    /// wanted those, too, that were late by then.
    pub fn begin(&mut self, now: Timestamp, resumed: Option<Timestamp>) -> Result<bool, ZoneTooLate> {
        let mut is_news = false;
        for line in self
            .lines
            .iter_mut()
            .filter(|line| !line.has_begun && !line.is_over())
        {
            let Some((starts, late)) = line.starts.filter(|(starts, _)| *starts <= now) else {
                continue;
            };
            if now > late && resumed.is_none_or(|resumed| resumed < starts) {
                return Err(ZoneTooLate);
            }
            line.has_begun = true;
            is_news = true;
        }
        Ok(is_news)
    }

    fn look(&mut self, now: Timestamp) {
        if let Some((from, until)) = self.looked
            && now >= from
            && until.is_none_or(|until| now < until)
        {
            return;
        }
        let week = self.week.as_ref().filter(|week| !week.is_always());
        self.lines.iter_mut().for_each(|line| line.look(week, now));
        // What is shut for as long as can be told is looked at again.
        let changes = self.lines.iter().filter_map(|line| match line.changes {
            None if !line.is_open => Some(now.after(LOOKED_AGAIN)),
            changes => changes,
        });
        self.looked = Some((now, changes.min()));
    }

    /// Who is due: recipients of all open zones that are least far.
    pub fn due(&mut self, now: Timestamp) -> Option<Due> {
        self.look(now);
        let open = |line: &&Line| line.is_open && !line.is_over();
        let from = self.lines.iter().filter(open).map(|line| line.next).min()?;
        let is_due = |line: &Line| open(&line) && line.next == from;
        let ends = self
            .lines
            .iter()
            .filter(|line| is_due(line))
            .map(|line| line.last);
        let end = ends.max().unwrap_or(from).saturating_add(1);
        // There the next zone joins them.
        let joins = self.lines.iter().filter(open).map(|line| line.next);
        let joins = joins.filter(|next| *next > from).min();
        Some(Due {
            from,
            until: joins.map_or(end, |joins| joins.min(end)),
            lines: self.lines.iter().map(is_due).collect(),
        })
    }

    /// Those who were due had their turn, up to one.
    pub fn pass(&mut self, due: &Due, to: u32) {
        let lines = self.lines.iter_mut().zip(&due.lines);
        for (line, _) in lines.filter(|(_, is_due)| **is_due) {
            line.next = line.next.max(to);
        }
    }

    /// When a zone opens that is shut, of those whose recipients wait.
    pub fn opens(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.look(now);
        let shut = self.lines.iter().filter(|line| !line.is_open && !line.is_over());
        shut.filter_map(|line| line.changes).min()
    }

    /// When a zone opens again, where all are shut, also those whose recipients had their turn.
    pub fn reopens(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.look(now);
        let is_shut = self.lines.iter().all(|line| !line.is_open);
        let changes = self.lines.iter().filter_map(|line| line.changes);
        changes.min().filter(|_| is_shut)
    }

    /// Zones that are shut.
    pub fn shut(&mut self, now: Timestamp) -> Vec<u16> {
        self.look(now);
        let lines = (0..).zip(&self.lines);
        lines
            .filter(|(_, line)| !line.is_open)
            .map(|(zone, _)| zone)
            .collect()
    }

    /// When a zone shuts that is open.
    pub fn closes(&mut self, zone: u16, now: Timestamp) -> Option<Timestamp> {
        self.look(now);
        let line = self.lines.get(usize::from(zone));
        line.filter(|line| line.is_open).and_then(|line| line.changes)
    }

    /// When a zone is open next: now, or later.
    pub fn opens_next(&self, zone: u16, now: Timestamp) -> Option<Timestamp> {
        let mut line = self.lines.get(usize::from(zone))?.clone();
        line.look(self.week.as_ref(), now);
        if line.is_open { Some(now) } else { line.changes }
    }

    /// Zones whose recipients wait, and whether each is open.
    pub fn waiting(&mut self, now: Timestamp) -> impl Iterator<Item = (usize, bool)> {
        self.look(now);
        let waiting = self.lines.iter().enumerate().filter(|(_, line)| !line.is_over());
        waiting.map(|(zone, line)| (zone, line.is_open))
    }
}

#[cfg(test)]
mod tests;
