//! A cheap look at a webhook's bytes, before it is parsed: whose numbers it is about, and whether anybody waits for it.
//!
//! It walks over the texts of the JSON without building anything. What it says decides only who is served first: a key that
//! is written in escapes is not seen, and such a webhook is applied all the same.

use memchr::{memchr, memchr2};

use crate::domain::PhoneNumberId;

/// How urgent a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Haste {
    /// A customer's message, or news of an account: somebody waits for it.
    Prompt,
    /// Nothing but statuses. They merge by rank, so that others may overtake them.
    Statuses,
}

/// What a look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The numbers, each once.
    pub numbers: Vec<PhoneNumberId>,
    /// How urgent the most urgent part is.
    pub haste: Haste,
}

/// Looks at a webhook's body.
pub fn glance(body: &[u8]) -> Glance {
    let mut numbers = Vec::new();
    let (mut statuses, mut others) = (false, false);
    let mut rest = body;
    while let Some((text, after)) = next_text(rest) {
        rest = after;
        let Some(value) = after.trim_ascii_start().strip_prefix(b":") else {
            continue;
        };
        match text {
            b"phone_number_id" => numbers.extend(word(value)),
            b"statuses" => statuses = true,
            b"messages" => others = true,
            b"field" => {
                others |= next_text(value).is_none_or(|(field, _)| field != b"messages");
            }
            _ => {}
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    let haste = if statuses && !others {
        Haste::Statuses
    } else {
        Haste::Prompt
    };
    Glance { numbers, haste }
}

/// The next text between quotes, as it is written, and what follows it.
fn next_text(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = json.get(memchr(b'"', json)? + 1..)?;
    let mut end = 0;
    loop {
        let at = end + memchr2(b'"', b'\\', text.get(end..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        // Whatever is escaped ends nothing.
        end = at + 2;
    }
}

/// The number's id in front of these bytes: a text, or digits.
fn word(value: &[u8]) -> Option<PhoneNumberId> {
    let value = value.trim_ascii_start();
    let word = if value.starts_with(b"\"") {
        next_text(value)?.0
    } else {
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        value.get(..digits)?
    };
    PhoneNumberId::parse(std::str::from_utf8(word).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(changes: serde_json::Value) -> Vec<u8> {
        let body =
            json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": changes }] });
        body.to_string().into_bytes()
    }

    fn change(number: &str, part: &str, text: &str) -> serde_json::Value {
        json!({ "field": "messages", "value": {
            "metadata": { "phone_number_id": number }, part: [{ "id": "wamid.1", "text": { "body": text } }],
        }})
    }

    fn seen(body: &[u8]) -> (Vec<String>, Haste) {
        let Glance { numbers, haste } = glance(body);
        (numbers.iter().map(|id| id.as_str().to_owned()).collect(), haste)
    }

    #[test]
    fn the_most_urgent_part_counts() {
        let (message, status) = (change("2", "messages", "hi"), change("1", "statuses", "hi"));
        let one = |text: &str| vec![text.to_owned()];
        assert_eq!(seen(&body(json!([status]))), (one("1"), Haste::Statuses));
        assert_eq!(seen(&body(json!([message]))), (one("2"), Haste::Prompt));
        let both = body(json!([status, message, status]));
        assert_eq!(seen(&both), (vec!["1".to_owned(), "2".to_owned()], Haste::Prompt));
        let news = json!({ "field": "account_update", "value": { "event": "x" } });
        assert_eq!(seen(&body(json!([status, news]))), (one("1"), Haste::Prompt));
        assert_eq!(seen(&body(json!([news]))), (Vec::new(), Haste::Prompt));
    }

    #[test]
    fn what_a_customer_writes_is_taken_for_no_key() {
        for text in [
            "phone_number_id",
            "\"phone_number_id\":\"7\"",
            "\\\"phone_number_id\": \"7\",\"messages\":[",
            "\\",
            "\"field\":\"x\"",
        ] {
            let body = body(json!([change("1", "statuses", text)]));
            assert_eq!(seen(&body), (vec!["1".to_owned()], Haste::Statuses), "{text}");
        }
    }

    #[test]
    fn blanks_digits_and_broken_bodies_are_looked_at_too() {
        let spaced = b"{ \"metadata\" :\n { \"phone_number_id\" : 12345 , \"x\": 1 }, \"statuses\" : [] }";
        assert_eq!(seen(spaced), (vec!["12345".to_owned()], Haste::Statuses));
        for broken in [
            &b""[..],
            b"\"",
            b"\"\\",
            b"{\"phone_number_id\":",
            b"{\"phone_number_id\":\"1",
        ] {
            assert_eq!(seen(broken), (Vec::new(), Haste::Prompt));
        }
    }
}
