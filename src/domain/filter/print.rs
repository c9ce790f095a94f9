//! From a filter to its one text.

use std::fmt;

use super::{Age, Condition, Filter, Match, Moment, Order, Owner, Part, Test, Unit, When};

/// How tightly what stands around it binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    Nothing,
    And,
    Not,
}

struct Within<'a>(&'a Filter, Around);

struct Quoted<'a>(&'a str);

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Within(self, Around::Nothing).fmt(f)
    }
}

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(filter, around) = *self;
        let (inner, between, binds, inside) = match filter {
            Filter::Any(inner) => (inner, " or ", Around::Nothing, Around::Nothing),
            Filter::All(inner) => (inner, " and ", Around::And, Around::And),
            Filter::Not(inner) => {
                return match inner.as_ref() {
                    Filter::Is(condition) => condition.write(f, Side::Differs),
                    other => write!(f, "not {}", Within(other, Around::Not)),
                };
            }
            Filter::Is(condition) => return condition.write(f, Side::Same),
        };
        let parentheses = around > binds;
        if parentheses {
            f.write_str("(")?;
        }
        for (place, filter) in inner.iter().enumerate() {
            if place > 0 {
                f.write_str(between)?;
            }
            Within(filter, inside).fmt(f)?;
        }
        if parentheses {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

/// Whether a condition is to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Same,
    Differs,
}

impl Condition {
    /// What has `=` is denied by `!=`, all else by `not`.
    fn write(&self, f: &mut fmt::Formatter<'_>, side: Side) -> fmt::Result {
        let has_equal = match self {
            Self::Label(_) | Self::List(_) | Self::Number(_) | Self::Owner(_) => true,
            Self::Name(how, _) | Self::Phone(how, _) => *how == Match::Whole,
            Self::Attribute(_, test) => match test {
                Test::Text(how, _) => *how == Match::Whole,
                Test::Number(order, _) | Test::Day(order, _) => *order == Order::Same,
                Test::Truth(_) => true,
            },
            Self::Time(_, order, _) => *order == Order::Same,
            Self::OptedOut | Self::Unreachable | Self::IsMinor | Self::Has(_) => false,
        };
        let equal = match side {
            Side::Differs if has_equal => "!=",
            Side::Differs => {
                f.write_str("not ")?;
                "="
            }
            Side::Same => "=",
        };
        let compared = |order: Order| {
            if order == Order::Same {
                equal
            } else {
                order.as_str()
            }
        };
        let begins = |how: Match| if how == Match::Whole { equal } else { "^=" };
        match self {
            Self::Label(label) => write!(f, "label {equal} {}", Quoted(label.as_str())),
            Self::List(list) => write!(f, "list {equal} \"{list}\""),
            Self::Number(number) => write!(f, "number {equal} \"{}\"", number.as_str()),
            Self::Owner(Owner::Me) => write!(f, "owner {equal} me"),
            Self::Owner(Owner::Nobody) => write!(f, "owner {equal} none"),
            Self::Owner(Owner::User(user)) => write!(f, "owner {equal} {}", Quoted(user.as_str())),
            Self::OptedOut => f.write_str("opted_out"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::IsMinor => f.write_str("is_minor"),
            Self::Name(how, text) => write!(f, "name {} {}", begins(*how), Quoted(text)),
            Self::Phone(how, digits) => write!(f, "phone {} {}", begins(*how), Quoted(digits)),
            Self::Attribute(key, test) => match test {
                Test::Text(how, text) => write!(f, "attribute.{key} {} {}", begins(*how), Quoted(text)),
                Test::Number(order, number) => write!(f, "attribute.{key} {} {number}", compared(*order)),
                Test::Day(order, day) => write!(f, "attribute.{key} {} {day}", compared(*order)),
                Test::Truth(truth) => write!(f, "attribute.{key} {equal} {truth}"),
            },
            Self::Has(part) => write!(f, "has {part}"),
            Self::Time(moment, order, when) => {
                write!(f, "{} {} {when}", moment.as_str(), compared(*order))
            }
        }
    }
}

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Same => "=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }
}

impl Moment {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::LastActive => "last_active",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attribute(key) => return write!(f, "attribute.{key}"),
            Self::Name => "name",
            Self::Username => "username",
            Self::Phone => "phone",
            Self::Label => "label",
            Self::List => "list",
            Self::Conversation => "conversation",
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Age(Age { count, unit }) => {
                let letter = match unit {
                    Unit::Hours => 'h',
                    Unit::Days => 'd',
                    Unit::Weeks => 'w',
                };
                write!(f, "{count}{letter}")
            }
        }
    }
}
