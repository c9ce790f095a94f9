//! A filter in words, for whoever is about to write to those whom it means.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::{Age, Condition, Filter, Match, Moment, Order, Owner, Part, Test, Unit, When};

/// What lists, numbers and members are called, by their ids as texts; what is missing here is told by its id.
pub type Named = BTreeMap<String, String>;

impl Filter {
    /// Whom it means, as the end of a sentence: "contacts whose label is …".
    pub fn words(&self, named: &Named) -> String {
        match self {
            Self::All(inner) if inner.is_empty() => "all contacts".to_owned(),
            _ => format!("contacts {}", self.clause(named)),
        }
    }

    fn clause(&self, named: &Named) -> String {
        let joined = |inner: &[Self], with: &str| {
            let clauses = inner.iter().map(|filter| {
                let clause = filter.clause(named);
                match filter {
                    // "a and b or c" is read in two ways.
                    Self::All(_) | Self::Any(_) => format!("({clause})"),
                    Self::Not(_) | Self::Is(_) => clause,
                }
            });
            clauses.collect::<Vec<_>>().join(with)
        };
        match self {
            Self::All(inner) => joined(inner, " and "),
            Self::Any(inner) => joined(inner, " or "),
            Self::Not(inner) => match inner.as_ref() {
                Self::Is(condition) => condition.words(named, Side::Denied),
                other => format!("other than those ({})", other.clause(named)),
            },
            Self::Is(condition) => condition.words(named, Side::Held),
        }
    }
}

/// Whether a condition is to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Held,
    Denied,
}

impl Condition {
    fn words(&self, named: &Named, side: Side) -> String {
        let pick = |held: &'static str, denied: &'static str| if side == Side::Held { held } else { denied };
        let name = |id: &dyn fmt::Display| {
            let id = id.to_string();
            named
                .get(&id)
                .map_or_else(|| id.clone(), |name| format!("“{name}”"))
        };
        let is = |how: Match| match how {
            Match::Whole => pick("is", "is not"),
            Match::Begins => pick("begins with", "does not begin with"),
        };
        match self {
            Self::Label(label) => {
                format!("{} the label “{}”", pick("with", "without"), label.as_str())
            }
            Self::List(list) => format!("{} the list {}", pick("in", "not in"), name(list)),
            Self::Number(number) => format!(
                "{} a conversation on the number {}",
                pick("with", "without"),
                name(&number.as_str())
            ),
            Self::Owner(Owner::Me) => pick("that you look after", "that you do not look after").to_owned(),
            Self::Owner(Owner::Nobody) => {
                pick("that nobody looks after", "that somebody looks after").to_owned()
            }
            Self::Owner(Owner::User(user)) => {
                format!(
                    "that {} {}",
                    name(&user.as_str()),
                    pick("looks after", "does not look after")
                )
            }
            Self::OptedOut => pick("who want no marketing", "who have not stopped marketing").to_owned(),
            Self::Unreachable => pick(
                "whom messages do not reach",
                "whom messages reach, as far as is known",
            )
            .to_owned(),
            Self::IsMinor => pick("who are minors", "who are not known to be minors").to_owned(),
            Self::Name(Match::Whole, text) => format!("whose name {} “{text}”", is(Match::Whole)),
            Self::Name(Match::Begins, text) => {
                format!(
                    "in whose names {} begins with “{text}”",
                    pick("a word", "no word")
                )
            }
            Self::Phone(how, digits) => format!("whose phone {} {digits}", is(*how)),
            Self::Attribute(key, test) => format!("whose {key} {}", test.words(side)),
            Self::Has(part) => format!("{} {}", pick("with", "without"), part.words()),
            Self::Time(moment, order, when) => time(*moment, *order, *when, side),
        }
    }
}

impl Test {
    fn words(&self, side: Side) -> String {
        let is = if side == Side::Held { "is" } else { "is not" };
        match self {
            Self::Text(Match::Whole, text) => format!("{is} “{text}”"),
            Self::Text(Match::Begins, text) if side == Side::Held => format!("begins with “{text}”"),
            Self::Text(Match::Begins, text) => format!("does not begin with “{text}”"),
            Self::Number(order, number) => {
                let order = match order {
                    Order::Less => "less than ",
                    Order::AtMost => "at most ",
                    Order::Same => "",
                    Order::AtLeast => "at least ",
                    Order::More => "more than ",
                };
                format!("{is} {order}{number}")
            }
            Self::Day(order, day) => format!("{is} {}{day}", on(*order)),
            Self::Truth(true) => format!("{is} set"),
            Self::Truth(false) => format!("{is} no"),
        }
    }
}

/// Where a day lies from another.
const fn on(order: Order) -> &'static str {
    match order {
        Order::Less => "before ",
        Order::AtMost => "on or before ",
        Order::Same => "on ",
        Order::AtLeast => "on or after ",
        Order::More => "after ",
    }
}

fn time(moment: Moment, order: Order, when: When, side: Side) -> String {
    let what = match (moment, side) {
        (Moment::Created, Side::Held) => "that were added",
        (Moment::Created, Side::Denied) => "that were not added",
        (Moment::LastActive, Side::Held) => "last active",
        (Moment::LastActive, Side::Denied) => "not last active",
    };
    match when {
        When::Day(day) => format!("{what} {}{day}", on(order)),
        When::Age(age) => {
            let order = match order {
                Order::Less => "less than ",
                Order::AtMost => "at most ",
                Order::Same => "",
                Order::AtLeast => "at least ",
                Order::More => "more than ",
            };
            format!("{what} {order}{} ago", age.words())
        }
    }
}

impl Age {
    fn words(self) -> String {
        let unit = match self.unit {
            Unit::Hours => "hour",
            Unit::Days => "day",
            Unit::Weeks => "week",
        };
        let many = if self.count == 1 { "" } else { "s" };
        format!("{} {unit}{many}", self.count)
    }
}

impl Part {
    fn words(&self) -> Cow<'static, str> {
        match self {
            Self::Attribute(key) => format!("any {key}").into(),
            Self::Name => "a name".into(),
            Self::Username => "a user name".into(),
            Self::Phone => "a known phone".into(),
            Self::Label => "any label".into(),
            Self::List => "any list".into(),
            Self::Conversation => "any conversation".into(),
        }
    }
}
