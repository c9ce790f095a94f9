//! Runs on Meta's own examples, where a folder of them is at hand.

use super::*;

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
fn every_example_of_meta_passes() {
    let Some(folder) = std::env::var_os("MESEJ_FIXTURES") else {
        return;
    };
    let folder = std::path::Path::new(&folder).join("send");
    let mut passed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut example: Value = serde_json::from_str(&text).unwrap();
        // Whom an example addresses is not looked at here; that alone makes none a placeholder.
        let _ = example.as_object_mut().unwrap().remove("to");
        let holds_values = !PLACEHOLDERS.iter().any(|mark| example.to_string().contains(mark));
        let sends = example.get("status").is_none() && example.get("ttl_seconds").is_none();
        if holds_values && sends {
            if let Err(refused) = parse(&example) {
                panic!("{path:?}: {refused}");
            }
            passed += 1;
        }
    }
    assert!(passed > 30, "only {passed} examples in {folder:?} hold values");
}
