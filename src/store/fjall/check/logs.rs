//! The engine's logs as a whole: each commit bears its number, so that one that is missing shows.

use std::io;
use std::path::Path;

use super::log::{self, Log};
use super::{Help, Problem};
use crate::domain::quantity;
use crate::store::fjall::tally::{Noted, Tally};

/// All logs, oldest first.
pub(super) struct Logs(Vec<Log>);

/// What is wrong with them.
#[derive(Default)]
pub(super) struct Found {
    pub(super) problems: Vec<Problem>,
    pub(super) missing: Option<String>,
    pub(super) torn: Option<(std::path::PathBuf, usize)>,
}

/// The first problem: which log it is in, and how much of that can be kept.
struct First {
    index: usize,
    keep: usize,
    what: String,
    last: Option<Tally>,
}

impl Logs {
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut read: Vec<Log> = Vec::new();
        for (id, path) in super::logs(folder)? {
            let log = log::read(id, path, read.last())?;
            read.push(log);
        }
        Ok(Self(read))
    }

    /// Nothing was ever written to them.
    pub(super) fn are_empty(&self) -> bool {
        self.0.iter().all(|log| log.written == 0)
    }

    /// There is the one that the engine begins with.
    pub(super) fn are_new(&self) -> bool {
        matches!(self.0.as_slice(), [Log { id: 0, .. }])
    }

    /// Keyspaces that something was written to.
    pub(super) fn keyspaces(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|log| log.keyspaces.iter().copied())
    }

    pub(super) fn problems(&self, folder: &Path, noted: Option<&Noted>) -> Found {
        let Some(newest) = self.0.last() else {
            let log = folder.join("0.jnl");
            return Found {
                problems: vec![Problem {
                    what: format!("{} and all other logs are missing", log.display()),
                    help: Help::Write(log, b""),
                }],
                ..Found::default()
            };
        };
        let Some(first) = self.first(newest, noted) else {
            let torn = newest.good < newest.written;
            return Found {
                torn: torn.then(|| (newest.path.clone(), newest.good)),
                ..Found::default()
            };
        };
        let mut found = Found {
            missing: self.missing(&first, noted),
            ..Found::default()
        };
        for (index, log) in self.0.iter().enumerate().skip(first.index) {
            let path = log.path.clone();
            let (what, help) = if index > first.index {
                let what = format!("{} belongs behind what is missing", path.display());
                (what, Help::Aside(path))
            } else {
                (first.what.clone(), Help::Cut(path, first.keep))
            };
            found.problems.push(Problem { what, help });
        }
        if found.problems.is_empty() {
            let (what, help) = (first.what, Help::GoOn);
            found.problems.push(Problem { what, help });
        }
        found
    }

    /// The first place at which something is missing.
    fn first(&self, newest: &Log, noted: Option<&Noted>) -> Option<First> {
        let mut last: Option<Tally> = None;
        let mut before: Option<&Log> = None;
        for (index, log) in self.0.iter().enumerate() {
            let path = log.path.display();
            let problem = |keep, what, last| {
                Some(First {
                    index,
                    keep,
                    what,
                    last,
                })
            };
            if let Some(before) = before
                && log.id != before.id + 1
            {
                let before = before.path.display();
                return problem(0, format!("between {before} and {path} a log is missing"), last);
            }
            if let (Some(last), Some(first)) = (last, log.first)
                && first.commits != last.commits.saturating_add(1)
            {
                return problem(0, format!("before {path} commits are missing"), Some(last));
            }
            if let Some((at, last)) = log.jump {
                return problem(
                    at,
                    format!("in {path} commits are missing before byte {at}"),
                    Some(last),
                );
            }
            last = log.last.or(last);
            if let Some(behind) = &log.behind {
                let what = format!(
                    "{path} cannot be read between bytes {} and {}, though what stands behind them can",
                    log.good, behind.at
                );
                return problem(log.good, what, last);
            }
            let follows = self.0.get(index + 1).and_then(|next| next.first);
            let goes_on = follows.zip(last);
            let whole = goes_on.is_some_and(|(next, last)| next.commits == last.commits.saturating_add(1));
            if log.good < log.written && log.id != newest.id && !whole {
                let what = format!("{path} cannot be read from byte {} on", log.good);
                return problem(log.good, what, last);
            }
            before = Some(log);
        }
        let noted = noted?;
        let index = self.0.len().saturating_sub(1);
        if last.is_some_and(|last| last.commits < noted.tally.commits) {
            let what = format!(
                "{} ends too early, after byte {}",
                newest.path.display(),
                newest.good
            );
            return Some(First {
                index,
                keep: newest.good,
                what,
                last,
            });
        }
        let listed = noted.logs.iter().flatten();
        let lost = listed.filter(|id| self.0.iter().all(|log| log.id != **id));
        let lost: Vec<String> = lost.map(|id| format!("{id}.jnl")).collect();
        // A version that does not note it may have let go of logs since.
        (!lost.is_empty() && !newest.uncounted).then(|| First {
            index: self.0.len(),
            keep: 0,
            what: format!("{} is missing", lost.join(", ")),
            last: None,
        })
    }

    /// How much is missing behind the first problem.
    fn missing(&self, first: &First, noted: Option<&Noted>) -> Option<String> {
        let later = self.0.iter().skip(first.index);
        let known = later
            .clone()
            .flat_map(|log| [log.last, log.behind.as_ref().and_then(|behind| behind.last)])
            .flatten()
            .chain(noted.map(|noted| noted.tally))
            .max_by_key(|tally| tally.commits);
        if let (Some(known), Some(last)) = (known, first.last) {
            return Some(counted(known, last));
        }
        let behind: Vec<_> = later.clone().filter_map(|log| log.behind.as_ref()).collect();
        let commits: u64 = behind.iter().map(|behind| behind.batches).sum();
        let whole: u64 = later.skip(1).map(|log| log.batches).sum();
        let events: u64 = behind.iter().map(|behind| behind.events).sum();
        let commits = commits + whole;
        (commits > 0).then(|| {
            let (commits, events) = (quantity(commits, "commit"), quantity(events, "event"));
            format!("at least {commits} with {events}")
        })
    }
}

/// What is missing between two counts.
pub(super) fn counted(known: Tally, there: Tally) -> String {
    let commits = quantity(known.commits.saturating_sub(there.commits), "commit");
    let events = quantity(known.events.saturating_sub(there.events), "event");
    format!("{commits} with {events}, the newest of {}", known.commits)
}
