//! Runs on examples of every kind.

use super::*;
use crate::whatsapp::payloads::payloads;

/// Marks of examples that hold words to be replaced instead of values.
const PLACEHOLDERS: [&str; 8] = [
    "<",
    "{{",
    "http(s)",
    "template-name",
    "language-and-locale-code",
    "text-string",
    "your-",
    "-NAME",
];

#[test]
fn every_example_passes() {
    let mut passed = 0;
    for (place, mut example) in payloads("send") {
        // Whom an example addresses is not looked at here; that alone makes none a placeholder.
        let _ = example.as_object_mut().unwrap().remove("to");
        let holds_values = !PLACEHOLDERS.iter().any(|mark| example.to_string().contains(mark));
        let sends = example.get("status").is_none() && example.get("ttl_seconds").is_none();
        if holds_values && sends {
            if let Err(refused) = parse(&example) {
                panic!("{place}: {refused}");
            }
            passed += 1;
        }
    }
    assert!(passed >= 20, "only {passed} examples hold values");
}
