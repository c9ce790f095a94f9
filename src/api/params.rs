//! The parameters of an address, read strictly: each once, none that means nothing.

use std::str::FromStr;

use actix_web::web::Query;
use serde::de::value::Error as ValueError;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::error::ApiError;
use super::json::hint;

/// Parameters that were not taken yet.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Params {
    /// Reads a query string.
    pub fn read(query: &str) -> Result<Self, ApiError> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_malformed| ApiError::invalid("the parameters of the address cannot be read"))?
            .into_inner();
        Ok(Self {
            pairs,
            known: Vec::new(),
        })
    }

    /// Takes a parameter; an empty one counts as left out.
    pub fn take<T: FromStr>(&mut self, name: &'static str, rule: &str) -> Result<Option<T>, ApiError> {
        self.known.push(name);
        let Some(place) = self.pairs.iter().position(|(key, _)| key == name) else {
            return Ok(None);
        };
        let (_, text) = self.pairs.swap_remove(place);
        if self.pairs.iter().any(|(key, _)| key == name) {
            return Err(ApiError::invalid(format!("`{name}` is there twice")));
        }
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text
            .parse()
            .map_err(|_malformed| ApiError::invalid(format!("`{name}` must be {rule}")))?;
        Ok(Some(parsed))
    }

    /// Takes a parameter whose values are words.
    pub fn word<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        rule: &str,
    ) -> Result<Option<T>, ApiError> {
        let word = self.take::<String>(name, rule)?;
        word.map(|word| T::deserialize(word.into_deserializer()))
            .transpose()
            .map_err(|_unknown: ValueError| ApiError::invalid(format!("`{name}` must be {rule}")))
    }

    /// Takes `limit`: 1 to `most`, or `usual`.
    pub fn limit(&mut self, usual: usize, most: usize) -> Result<usize, ApiError> {
        let limit = self.take("limit", "a number")?.unwrap_or(usual);
        if (1..=most).contains(&limit) {
            Ok(limit)
        } else {
            Err(ApiError::invalid(format!("`limit` must be 1 to {most}")))
        }
    }

    /// Those that were not taken yet as one text, the same in whatever order they came.
    pub fn rest(&self) -> String {
        let mut pairs: Vec<&(String, String)> = self.pairs.iter().collect();
        pairs.sort();
        let pairs = pairs.into_iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Complains about parameters that nobody took.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::invalid(hint("parameter", name, &self.known))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_once_and_strictly() {
        let mut params = Params::read("limit=5&status=open&cursor=").unwrap();
        assert_eq!(params.limit(50, 100).unwrap(), 5);
        assert_eq!(
            params.take::<String>("status", "a status").unwrap().as_deref(),
            Some("open")
        );
        assert_eq!(params.take::<String>("cursor", "a cursor").unwrap(), None);
        assert!(params.finish().is_ok());
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (query, said) in [
            ("limit=0", "`limit` must be 1 to 100"),
            ("limit=101", "`limit` must be 1 to 100"),
            ("limit=many", "`limit` must be a number"),
            ("limit=1&limit=2", "`limit` is there twice"),
            ("limti=1", "unknown parameter `limti`: did you mean `limit`?"),
        ] {
            let mut params = Params::read(query).unwrap();
            let error = params.limit(50, 100).and_then(|_| params.finish()).unwrap_err();
            assert_eq!(error.message(), said, "{query}");
        }
    }
}
