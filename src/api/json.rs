//! Reading JSON of callers strictly: no key twice, nothing too deep or too long, no field that means nothing.

mod plain;

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::ApiError;
use crate::domain::ids::digest16;

/// How deep objects and arrays may nest.
const DEPTH: usize = 32;
/// Elements of one array or members of one object.
const MEMBERS: usize = 1_000;
/// Bytes of one text.
const TEXT: usize = 64 << 10;

/// Bytes of the name of one member. Meta has none that is longer than 64.
const NAME: usize = 256;
/// Bytes of a name that is compared with those that are known: comparing takes time by the square of it.
const COMPARED: usize = 64;

/// Reads one JSON value and nothing after it.
pub fn read(body: &[u8]) -> Result<Value, ApiError> {
    let mut source = serde_json::Deserializer::from_slice(body);
    Checked { depth: 0 }
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value))
        .map_err(|error| ApiError::invalid(format!("the body is not acceptable JSON: {error}")))
}

/// Digest of a value, the same for every order of members and every spacing.
pub fn digest(value: &Value) -> [u8; 16] {
    let mut canonical = value.clone();
    canonical.sort_all_objects();
    digest16(&[canonical.to_string().as_bytes()])
}

/// Says what is unknown and what may have been meant.
pub(super) fn hint(what: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(64).collect();
    let comparable = known.iter().filter(|_| name.len() <= COMPARED);
    let closest = comparable
        .max_by(|one, other| strsim::jaro_winkler(name, one).total_cmp(&strsim::jaro_winkler(name, other)));
    match closest {
        Some(closest) if strsim::jaro_winkler(name, closest) > 0.8 => {
            format!("unknown {what} `{shown}`: did you mean `{closest}`?")
        }
        _ if known.is_empty() => format!("unknown {what} `{shown}`; there are none here"),
        _ => format!("unknown {what} `{shown}`; there are {}", listed(known)),
    }
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The members of a JSON object that were not taken yet.
#[derive(Debug)]
pub struct Fields {
    members: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Reads a body that holds one object; an empty body counts as an empty object.
    pub fn read(body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self::of(Map::new()));
        }
        match read(body)? {
            Value::Object(members) => Ok(Self::of(members)),
            _ => Err(ApiError::invalid("the body must be a JSON object")),
        }
    }

    /// Takes members one by one.
    pub fn of(members: Map<String, Value>) -> Self {
        Self {
            members,
            known: Vec::new(),
        }
    }

    /// Takes a member that may be left out or null.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>, ApiError> {
        self.known.push(name);
        match self.members.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => parse(name, value).map(Some),
        }
    }

    /// Takes a member that must be there. It may be null where `T` allows it.
    pub fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, ApiError> {
        self.known.push(name);
        let value = self.members.shift_remove(name);
        parse(
            name,
            value.ok_or_else(|| ApiError::invalid(format!("`{name}` is missing")))?,
        )
    }

    /// A member that stays.
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The members that were not taken; complains about those that are not among `known`.
    pub fn rest(mut self, known: &[&'static str]) -> Result<Map<String, Value>, ApiError> {
        self.known.extend_from_slice(known);
        match self.members.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self.members),
            Some(name) => Err(ApiError::invalid(hint("field", name, &self.known))),
        }
    }

    /// Complains about members that nobody took.
    pub fn finish(self) -> Result<(), ApiError> {
        self.rest(&[]).map(|_none| ())
    }
}

fn parse<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, ApiError> {
    plain::read(value).map_err(|slip| {
        let words = slip.to_string();
        let link = if words.starts_with("must ") { " " } else { ": " };
        ApiError::invalid(format!("`{name}`{link}{words}"))
    })
}

/// Builds a [`Value`] while checking it.
struct Checked {
    depth: usize,
}

impl Checked {
    fn below<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth < DEPTH {
            Ok(Self {
                depth: self.depth + 1,
            })
        } else {
            Err(E::custom(format_args!("nested deeper than {DEPTH}")))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        if value.len() > TEXT {
            return Err(E::custom(format_args!("a text is longer than {TEXT} bytes")));
        }
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = elements.next_element_seed(self.below()?)? {
            if all.len() == MEMBERS {
                return Err(A::Error::custom(format_args!(
                    "an array has more than {MEMBERS} elements"
                )));
            }
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if all.len() == MEMBERS {
                return Err(A::Error::custom(format_args!(
                    "an object has more than {MEMBERS} members"
                )));
            }
            if name.len() > NAME {
                return Err(A::Error::custom(format_args!(
                    "a name is longer than {NAME} bytes"
                )));
            }
            if all.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`{name}` is there twice")));
            }
            let value = members.next_value_seed(self.below()?)?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_however_deep() {
        assert!(refused(r#"{"a":1,"a":2}"#).contains("`a` is there twice"));
        assert!(refused(r#"{"x":[{"to":1,"\u0074o":2}]}"#).contains("`to` is there twice"));
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_refused() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(DEPTH).as_bytes()).is_ok());
        assert!(refused(&nested(DEPTH + 1)).contains("nested deeper than 32"));
        assert!(refused(&nested(100_000)).contains("nested deeper than 32"));
        let ones = |count| format!("[{}]", vec!["1"; count].join(","));
        assert!(read(ones(MEMBERS).as_bytes()).is_ok());
        assert!(refused(&ones(MEMBERS + 1)).contains("more than 1000 elements"));
        assert!(refused(&format!("\"{}\"", "x".repeat(TEXT + 1))).contains("longer than"));
    }

    #[test]
    fn a_long_name_is_neither_compared_nor_given_back() {
        let known = "x".repeat(COMPARED);
        assert!(hint("field", &known[1..], &[&known]).contains("did you mean"));
        assert!(!hint("field", &format!("{known}x"), &[&known]).contains("did you mean"));
        let long = "x".repeat(250_000);
        let said = hint("field", &long, &["agent", "text"]);
        assert!(
            said.ends_with("; there are `agent`, `text`"),
            "{} bytes",
            said.len()
        );
        assert!(said.len() < 200, "{} bytes", said.len());
        let twice = refused(&format!("{{\"{long}\":1,\"{long}\":2}}"));
        assert!(
            twice.contains("a name is longer than 256 bytes"),
            "{} bytes",
            twice.len()
        );
    }

    #[test]
    fn only_one_whole_value_is_json() {
        for bad in ["", "{", "{} {}", "{'a':1}", "NaN", "\u{feff}{}", "{\"a\":1,}"] {
            assert!(refused(bad).contains("not acceptable JSON"), "{bad}");
        }
        assert!(read(b"\xff").is_err());
    }

    #[test]
    fn the_digest_sees_what_is_said_and_not_how_it_is_written() {
        let of = |text: &str| digest(&read(text.as_bytes()).unwrap());
        let one = of(r#"{"a":{"x":1,"y":[1,2]},"b":"é"}"#);
        assert_eq!(
            one,
            of("{ \"b\": \"\\u00e9\", \"a\": {\"y\": [1, 2], \"x\": 1} }")
        );
        assert_ne!(one, of(r#"{"a":{"x":1,"y":[2,1]},"b":"é"}"#));
        assert_ne!(one, of(r#"{"a":{"x":1,"y":[1,2]},"b":"e"}"#));
    }

    #[test]
    fn fields_say_what_is_missing_wrong_or_unknown() {
        let fields = || Fields::read(br#"{"text":5,"agnet":null}"#).unwrap();
        assert_eq!(
            fields().required::<String>("note").unwrap_err().message(),
            "`note` is missing"
        );
        assert!(
            fields()
                .required::<String>("text")
                .unwrap_err()
                .message()
                .starts_with("`text` must be a text")
        );
        let mut some = fields();
        some.required::<u8>("text").unwrap();
        some.optional::<String>("agent").unwrap();
        assert_eq!(
            some.finish().unwrap_err().message(),
            "unknown field `agnet`: did you mean `agent`?"
        );
        assert!(Fields::read(b"[]").is_err());
    }
}
