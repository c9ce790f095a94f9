//! Reading a value as what it should be; when it is something else, saying in plain words what it should have been.
//!
//! Callers write JSON: words such as "sequence", "unit" or "variant" mean nothing to them.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::listed;

/// Reads a value. What is wrong begins with "must", or is a sentence of its own.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Slip> {
    T::deserialize(Plain(value))
}

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct Slip(String);

impl Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Slip {}

impl Slip {
    fn must_be(expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let plain = match expected.as_str() {
            "a string" => "a text",
            "a boolean" => "true or false",
            "u8" => "a whole number from 0 to 255",
            "u16" => "a whole number from 0 to 65535",
            "u32" => "a whole number from 0 to 4294967295",
            "u64" | "usize" => "a whole number, not below 0",
            "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
            "f32" | "f64" => "a number",
            "a sequence" => "a list",
            "a map" => "an object",
            other => other,
        };
        Self(format!("must be {plain}"))
    }

    fn one_of(allowed: &[&str]) -> Self {
        match allowed {
            [only] => Self(format!("must be `{only}`")),
            several => Self(format!("must be one of {}", listed(several))),
        }
    }
}

impl Error for Slip {
    fn custom<T: Display>(said: T) -> Self {
        Self(said.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::must_be(expected)
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::must_be(expected)
    }

    fn unknown_variant(_: &str, allowed: &'static [&'static str]) -> Self {
        Self::one_of(allowed)
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self(format!("must not have a field `{name}`"))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(format!("must have a field `{name}`"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self(format!("must have `{name}` once"))
    }
}

/// A value on its way.
struct Plain(Value);

impl IntoDeserializer<'_, Slip> for Plain {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Plain {
    type Error = Slip;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Slip> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Self))),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name, Self(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(whole), _, _) => visitor.visit_u64(whole),
                (None, Some(whole), _) => visitor.visit_i64(whole),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(Slip("must be a smaller number".to_owned())),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Slip> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            some => visitor.visit_some(Self(some)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Slip> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        allowed: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Slip> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            _ => Err(Slip::one_of(allowed)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, json};

    use super::*;
    use crate::domain::{AgentId, Priority, Seq, Timestamp};
    use crate::store::directory::Scope;

    fn slip<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> String {
        read::<T>(value).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said_in_plain_words() {
        assert_eq!(slip::<String>(json!(5)), "must be a text");
        assert_eq!(slip::<String>(json!(null)), "must be a text");
        assert_eq!(slip::<bool>(json!("yes")), "must be true or false");
        assert_eq!(slip::<Seq>(json!(-1)), "must be a whole number, not below 0");
        assert_eq!(slip::<Seq>(json!(1.5)), "must be a whole number, not below 0");
        assert_eq!(
            slip::<u32>(json!(5_000_000_000_u64)),
            "must be a whole number from 0 to 4294967295"
        );
        let time = "must be a time in milliseconds since 1970, as a whole number";
        assert_eq!(slip::<Timestamp>(json!("2026-11-30T13:40:00Z")), time);
        assert_eq!(slip::<Map<String, Value>>(json!([])), "must be an object");
        assert_eq!(slip::<Vec<String>>(json!("vip")), "must be a list");
        assert_eq!(slip::<Vec<String>>(json!(["vip", 1])), "must be a text");
        for word in [json!("urgent"), json!(1), json!({ "bulk": {} })] {
            assert_eq!(slip::<Priority>(word), "must be one of `interactive`, `bulk`");
        }
        let rule = slip::<AgentId>(json!("Ana!"));
        assert!(rule.starts_with("agent must be 1 to 64"), "{rule}");
    }

    #[test]
    fn what_is_right_is_read_as_ever() {
        assert_eq!(read::<Option<String>>(json!(null)).unwrap(), None);
        assert_eq!(read::<Option<Seq>>(json!(7)).unwrap(), Some(Seq::new(7)));
        assert_eq!(read::<Priority>(json!("bulk")).unwrap(), Priority::Bulk);
        let scopes: BTreeSet<Scope> = read(json!(["send", "read"])).unwrap();
        assert_eq!(scopes.len(), 2);
        let deep = json!({"b": [1, -2, 2.5, null, true, {"a": "x"}], "a": {}});
        assert_eq!(read::<Value>(deep.clone()).unwrap(), deep);
    }
}
