//! The pieces of a filter's text.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{Age, FilterError, Order, Unit};
use crate::domain::date::Date;

/// Digits before and after the point of a number: more are not kept exactly.
const MOST_DIGITS: usize = 15;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Day(Date),
    Age(Age),
    Operator(Operator),
    Open,
    Close,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Order(Order),
    Differs,
    Begins,
}

pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) position: usize,
}

pub(super) fn wrong(position: usize, problem: impl Into<String>) -> FilterError {
    FilterError {
        position,
        problem: problem.into(),
    }
}

pub(super) fn expected(position: usize, what: &str) -> FilterError {
    wrong(position, format!("expected {what}"))
}

impl Operator {
    /// The order that is looked for, or is not.
    pub(super) const fn order(self) -> Order {
        match self {
            Self::Order(order) => order,
            Self::Differs | Self::Begins => Order::Same,
        }
    }
}

/// Reads all pieces; the last is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    let mut letters = Letters {
        text,
        rest: text.char_indices().peekable(),
        position: 0,
    };
    let mut tokens = Vec::new();
    loop {
        letters.take_while(char::is_whitespace);
        let position = letters.position;
        let token = letters.token()?;
        let is_end = token == Token::End;
        tokens.push(Placed { token, position });
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Letters<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
    position: usize,
}

impl<'a> Letters<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        let (_, c) = self.rest.next()?;
        self.position += 1;
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let from = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        let to = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        self.text.get(from..to).unwrap_or_default()
    }

    fn follows(&mut self, wanted: char) -> bool {
        let follows = self.peek() == Some(wanted);
        if follows {
            self.next();
        }
        follows
    }

    fn token(&mut self) -> Result<Token, FilterError> {
        let began = self.position;
        let order = |order| Ok(Token::Operator(Operator::Order(order)));
        match self.peek() {
            None => Ok(Token::End),
            Some('"') => self.quoted(),
            Some('-' | '0'..='9') => self.digits(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
                Ok(Token::Word(self.take_while(is_part).to_owned()))
            }
            Some(c) => {
                self.next();
                match c {
                    '(' => Ok(Token::Open),
                    ')' => Ok(Token::Close),
                    '=' => order(Order::Same),
                    '<' if self.follows('=') => order(Order::AtMost),
                    '<' => order(Order::Less),
                    '>' if self.follows('=') => order(Order::AtLeast),
                    '>' => order(Order::More),
                    '!' if self.follows('=') => Ok(Token::Operator(Operator::Differs)),
                    '^' if self.follows('=') => Ok(Token::Operator(Operator::Begins)),
                    _ => Err(wrong(began, format!("{c:?} means nothing here"))),
                }
            }
        }
    }

    fn quoted(&mut self) -> Result<Token, FilterError> {
        let began = self.position;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(Token::Text(text)),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\')) => text.push(c),
                    _ => return Err(expected(self.position, "`\"` or `\\` behind a `\\`")),
                },
                Some(c) if c.is_control() => {
                    return Err(wrong(self.position - 1, "a text has no control characters"));
                }
                Some(c) => text.push(c),
                None => return Err(wrong(began, "this text has no end: expected a `\"`")),
            }
        }
    }

    /// A number, a day or a while.
    fn digits(&mut self) -> Result<Token, FilterError> {
        let began = self.position;
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        let unit = match text.bytes().last() {
            Some(b'h') => Some(Unit::Hours),
            Some(b'd') => Some(Unit::Days),
            Some(b'w') => Some(Unit::Weeks),
            _ => None,
        };
        if let Some(unit) = unit {
            let count = text.get(..text.len() - 1).unwrap_or_default();
            let count = count.parse().ok().filter(|count| (1..=9_999).contains(count));
            let count =
                count.ok_or_else(|| expected(began, "1 to 9999 hours, days or weeks, such as `30d`"))?;
            return Ok(Token::Age(Age { count, unit }));
        }
        if let Ok(day) = text.parse() {
            return Ok(Token::Day(day));
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_kept = whole.len() + part.len() <= MOST_DIGITS + 1;
        let number = text
            .parse()
            .ok()
            .filter(|_| is_number(whole) && is_number(part) && is_kept);
        // There is one zero.
        number
            .map(|number: f64| Token::Number(number + 0.0))
            .ok_or_else(|| {
                expected(
                    began,
                    "a number of at most 15 digits, a day as YYYY-MM-DD, or a while such as `30d`",
                )
            })
    }
}
