//! From a text to a filter.

use std::iter::Peekable;
use std::str::FromStr;

use super::tokens::{Operator, Placed, Token, expected, tokens, wrong};
use super::{
    Condition, DEEPEST, Definitions, Filter, FilterError, LONGEST, MOST_CONDITIONS, Match, Moment, Order,
    Owner, Part, Test, When,
};
use crate::domain::contact_details::AttributeKey;
use crate::domain::ids::ListId;

/// What begins a condition, for error messages.
const CONDITION: &str =
    "a condition, such as `label = \"vip\"`, `attribute.city = \"Jakarta\"`, `opted_out` or `has name`";

impl FromStr for Filter {
    type Err = FilterError;

    /// An empty text means everybody. What attributes and lists there are is not looked at.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text, None)
    }
}

impl Filter {
    /// Reads a text; where it names what a business does not have, or compares an attribute with what it never says, that is told by its place.
    pub fn parse(text: &str, definitions: Option<&Definitions>) -> Result<Self, FilterError> {
        let filter = Self::read(text, definitions)?;
        // It is kept as it is printed, and read again.
        if filter.to_string().chars().nth(LONGEST).is_some() {
            let why = format!("in its one form the filter has more than {LONGEST} characters");
            return Err(wrong(text.chars().count(), why));
        }
        Ok(filter)
    }

    fn read(text: &str, definitions: Option<&Definitions>) -> Result<Self, FilterError> {
        if text.chars().nth(LONGEST).is_some() {
            return Err(wrong(
                LONGEST,
                format!("a filter has at most {LONGEST} characters"),
            ));
        }
        let mut parser = Parser {
            tokens: tokens(text)?.into_iter().peekable(),
            conditions: 0,
            definitions,
            end: text.chars().count(),
        };
        if parser.peek() == &Token::End {
            return Ok(Self::default());
        }
        let filter = parser.any(0)?;
        match parser.next() {
            Placed {
                token: Token::End, ..
            } => Ok(filter),
            other => Err(expected(other.position, "`and`, `or` or the end")),
        }
    }
}

struct Parser<'a> {
    tokens: Peekable<std::vec::IntoIter<Placed>>,
    conditions: usize,
    definitions: Option<&'a Definitions>,
    end: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> &Token {
        self.tokens.peek().map_or(&Token::End, |placed| &placed.token)
    }

    fn next(&mut self) -> Placed {
        let end = self.end;
        self.tokens.next().unwrap_or(Placed {
            token: Token::End,
            position: end,
        })
    }

    fn position(&mut self) -> usize {
        let end = self.end;
        self.tokens.peek().map_or(end, |placed| placed.position)
    }

    fn follows(&mut self, keyword: &str) -> bool {
        let follows = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        if follows {
            self.next();
        }
        follows
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filters = vec![self.all(depth)?];
        while self.follows("or") {
            filters.push(self.all(depth)?);
        }
        Ok(Filter::any(filters))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filters = vec![self.one(depth)?];
        while self.follows("and") {
            filters.push(self.one(depth)?);
        }
        Ok(Filter::all(filters))
    }

    fn one(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let position = self.position();
        if depth > DEEPEST {
            return Err(wrong(
                position,
                format!("parentheses and `not` stand in each other {DEEPEST} deep at most"),
            ));
        }
        if self.follows("not") {
            return Ok(self.one(depth + 1)?.negated());
        }
        if self.peek() == &Token::Open {
            self.next();
            let inner = self.any(depth + 1)?;
            let close = self.next();
            return match close.token {
                Token::Close => Ok(inner),
                _ => Err(expected(close.position, "`and`, `or` or `)`")),
            };
        }
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(wrong(
                position,
                format!("a filter has at most {MOST_CONDITIONS} conditions"),
            ));
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Filter, FilterError> {
        let field = self.next();
        let Token::Word(word) = field.token else {
            return Err(expected(field.position, CONDITION));
        };
        let condition = match word.as_str() {
            "opted_out" => Condition::OptedOut,
            "unreachable" => Condition::Unreachable,
            "is_minor" => Condition::IsMinor,
            "has" => Condition::Has(self.part()?),
            "and" | "or" | "not" => return Err(expected(field.position, CONDITION)),
            "label" => {
                return self.equal("a label, such as \"vip\"", |value| match value {
                    Token::Text(text) => text.parse().ok().map(Condition::Label),
                    _ => None,
                });
            }
            "list" => {
                let definitions = self.definitions;
                return self.equal_to("a list's `list_id` in quotes", |value, at| {
                    let Token::Text(text) = value else {
                        return Ok(None);
                    };
                    let list: Option<ListId> = text.parse().ok();
                    let is_there = |list: &ListId| definitions.is_none_or(|known| known.lists.contains(list));
                    if list.is_some_and(|list| !is_there(&list)) {
                        return Err(wrong(at, "there is no such list".to_owned()));
                    }
                    Ok(list.map(Condition::List))
                });
            }
            "number" => {
                return self.equal("a number's `phone_number_id` in quotes", |value| match value {
                    Token::Text(text) => text.parse().ok().map(Condition::Number),
                    _ => None,
                });
            }
            "owner" => {
                return self.equal("`me`, `none` or a member's `user_id` in quotes", |value| {
                    Some(Condition::Owner(match value {
                        Token::Word(word) if word == "me" => Owner::Me,
                        Token::Word(word) if word == "none" => Owner::Nobody,
                        Token::Text(text) => Owner::User(text.parse().ok()?),
                        _ => return None,
                    }))
                });
            }
            "name" => return self.text(Condition::Name, |text| (!text.is_empty()).then_some(text)),
            "phone" => return self.text(Condition::Phone, |text| phone_digits(&text)),
            "created" => return self.time(Moment::Created),
            "last_active" => return self.time(Moment::LastActive),
            other => {
                let key = other.strip_prefix("attribute.").unwrap_or(other).parse();
                let key = key.map_err(|_rule| expected(field.position, CONDITION))?;
                return self.attribute(key, field.position);
            }
        };
        Ok(Filter::Is(condition))
    }

    fn part(&mut self) -> Result<Part, FilterError> {
        const PARTS: &str =
            "`name`, `username`, `phone`, `label`, `list`, `conversation` or `attribute.` with its key";
        let field = self.next();
        let Token::Word(word) = field.token else {
            return Err(expected(field.position, PARTS));
        };
        Ok(match word.as_str() {
            "name" => Part::Name,
            "username" => Part::Username,
            "phone" => Part::Phone,
            "label" => Part::Label,
            "list" => Part::List,
            "conversation" => Part::Conversation,
            other => {
                let key = other.strip_prefix("attribute.").and_then(|key| key.parse().ok());
                let key = key.ok_or_else(|| expected(field.position, PARTS))?;
                if let Some(definitions) = self.definitions {
                    definitions
                        .shape(&key)
                        .map_err(|why| wrong(field.position, why))?;
                }
                Part::Attribute(key)
            }
        })
    }

    fn operator(&mut self, of: &[Operator], what: &str) -> Result<Operator, FilterError> {
        let next = self.next();
        match next.token {
            Token::Operator(operator) if of.contains(&operator) => Ok(operator),
            _ => Err(expected(next.position, what)),
        }
    }

    /// `=` or `!=`, and what it is compared with.
    fn equal(
        &mut self,
        what: &str,
        condition: impl Fn(Token) -> Option<Condition>,
    ) -> Result<Filter, FilterError> {
        self.equal_to(what, |value, _| Ok(condition(value)))
    }

    /// The same; the condition may complain at the place of the value.
    fn equal_to(
        &mut self,
        what: &str,
        condition: impl Fn(Token, usize) -> Result<Option<Condition>, FilterError>,
    ) -> Result<Filter, FilterError> {
        const SAME: Operator = Operator::Order(Order::Same);
        let operator = self.operator(&[SAME, Operator::Differs], "`=` or `!=`")?;
        let value = self.next();
        let condition = condition(value.token, value.position)?;
        let condition = condition.ok_or_else(|| expected(value.position, what))?;
        Ok(sided(operator, condition))
    }

    /// `=`, `!=` or `^=`, and a text.
    fn text(
        &mut self,
        condition: fn(Match, String) -> Condition,
        read: fn(String) -> Option<String>,
    ) -> Result<Filter, FilterError> {
        const OPERATORS: [Operator; 3] = [Operator::Order(Order::Same), Operator::Differs, Operator::Begins];
        let operator = self.operator(&OPERATORS, "`=`, `!=` or `^=`")?;
        let how = if operator == Operator::Begins {
            Match::Begins
        } else {
            Match::Whole
        };
        let value = self.next();
        let text = match value.token {
            Token::Text(text) => read(text),
            _ => None,
        };
        let text = text.ok_or_else(|| expected(value.position, "a text in quotes"))?;
        Ok(sided(operator, condition(how, text)))
    }

    fn time(&mut self, moment: Moment) -> Result<Filter, FilterError> {
        const COMPARED: &str = "`<`, `<=`, `>` or `>=`; with a day also `=` or `!=`";
        let at = self.position();
        let operator = match self.next().token {
            Token::Operator(operator) if operator != Operator::Begins => operator,
            _ => return Err(expected(at, COMPARED)),
        };
        let value = self.next();
        let when = match value.token {
            Token::Day(day) => When::Day(day),
            Token::Age(age) => When::Age(age),
            _ => {
                return Err(expected(
                    value.position,
                    "a day as YYYY-MM-DD, or a while such as `30d`",
                ));
            }
        };
        let order = operator.order();
        if order == Order::Same && matches!(when, When::Age(_)) {
            return Err(expected(at, COMPARED));
        }
        Ok(sided(operator, Condition::Time(moment, order, when)))
    }

    fn attribute(&mut self, key: AttributeKey, named_at: usize) -> Result<Filter, FilterError> {
        let shape = self.definitions.map(|definitions| definitions.shape(&key));
        let shape = shape.transpose().map_err(|why| wrong(named_at, why))?;
        let at = self.position();
        let Token::Operator(operator) = self.next().token else {
            return Err(expected(at, "`=`, `!=`, `<`, `<=`, `>`, `>=` or `^=`"));
        };
        let order = operator.order();
        let value = self.next();
        let test = match value.token {
            Token::Text(text) if operator == Operator::Begins && !text.is_empty() => {
                Test::Text(Match::Begins, text)
            }
            _ if operator == Operator::Begins => {
                return Err(expected(value.position, "a text in quotes"));
            }
            Token::Number(number) => Test::Number(order, number),
            Token::Day(day) => Test::Day(order, day),
            Token::Text(text) if order == Order::Same => Test::Text(Match::Whole, text),
            Token::Word(word) if order == Order::Same && word == "true" => Test::Truth(true),
            Token::Word(word) if order == Order::Same && word == "false" => Test::Truth(false),
            Token::Text(_) => return Err(expected(at, "`=`, `!=` or `^=` before a text")),
            _ => {
                let what = "a text in quotes, a number, a day as YYYY-MM-DD, `true` or `false`";
                return Err(expected(value.position, what));
            }
        };
        if let Some(why) = shape.and_then(|shape| test.complaint(shape)) {
            return Err(wrong(value.position, why.to_owned()));
        }
        Ok(sided(operator, Condition::Attribute(key, test)))
    }
}

/// What differs is what is not the same.
fn sided(operator: Operator, condition: Condition) -> Filter {
    let filter = Filter::Is(condition);
    if operator == Operator::Differs {
        filter.negated()
    } else {
        filter
    }
}

/// A phone as people write it, or its beginning.
fn phone_digits(text: &str) -> Option<String> {
    let is_written = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (text.chars().all(is_written) && (1..=20).contains(&digits.len())).then_some(digits)
}
