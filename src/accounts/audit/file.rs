//! Whether an export is the chain that it says, by itself: each line carries the bytes that the next entry is chained to.

use serde_json::{Value, json};

use crate::store::tables::{ChainLink, EntryHash};

/// What a line shows of the bytes that it carries.
const SHOWN: [&str; 5] = ["at", "actor", "action", "target", "address"];

/// How far a file was followed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExportCheck {
    /// Entries that were seen.
    pub entries: u64,
    /// The place of the first.
    pub first: u64,
    last: Option<(u64, EntryHash)>,
    /// What was noted elsewhere and not found yet.
    noted: Option<(u64, EntryHash)>,
}

impl ExportCheck {
    /// Of a file, in which an entry with this place and hash must stand.
    pub fn with(noted: Option<(u64, &str)>) -> Result<Self, &'static str> {
        let noted = match noted {
            Some((seq, hash)) => Some((seq, hash.parse::<EntryHash>()?)),
            None => None,
        };
        Ok(Self {
            noted,
            ..Self::default()
        })
    }
}

impl ExportCheck {
    /// Follows one line; what is wrong with it.
    pub fn step(&mut self, line: &str) -> Result<(), &'static str> {
        let line: Value = serde_json::from_str(line).map_err(|_malformed| "the line is no JSON")?;
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let seq = line.get("seq").and_then(Value::as_u64).ok_or("it has no `seq`")?;
        let stored =
            text("stored").ok_or("it carries no `stored` text: an older export, or a damaged entry")?;
        let hash = EntryHash::of(stored.as_bytes());
        if text("hash").and_then(|hash| hash.parse().ok()) != Some(hash) {
            return Err("its `hash` is not that of its `stored` text");
        }
        let link: ChainLink =
            serde_json::from_str(stored).map_err(|_malformed| "its `stored` text is no entry")?;
        match self.last {
            Some((before, _)) if seq != before.saturating_add(1) => {
                return Err("entries are missing before it");
            }
            Some((_, before)) if link.prev != before => {
                return Err("it is not chained to the entry before");
            }
            Some(_) => {}
            None => self.first = seq,
        }
        check_shown(&line, stored)?;
        if let Some(noted) = self.noted.filter(|noted| noted.0 == seq) {
            if noted != (seq, hash) {
                return Err("it is not the entry that was noted");
            }
            self.noted = None;
        }
        self.entries += 1;
        self.last = Some((seq, hash));
        Ok(())
    }

    /// What is wrong with the file as a whole.
    pub fn end(&self) -> Result<(), &'static str> {
        match self.noted {
            Some(_) => Err("the entry that was noted is not in the file"),
            None => Ok(()),
        }
    }

    /// The last entry, and its hash.
    pub fn last(&self) -> Option<(u64, String)> {
        self.last.map(|(seq, hash)| (seq, hash.to_string()))
    }
}

/// Whether a line shows what its bytes say.
fn check_shown(line: &Value, stored: &str) -> Result<(), &'static str> {
    let of = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    let said: Value = serde_json::from_str(stored).map_err(|_malformed| "its `stored` text is no JSON")?;
    if of(line, "action") == json!("unreadable") {
        // A later version wrote it: the bytes alone count.
        return Ok(());
    }
    let kind = |value: &Value| (of(&of(value, "actor"), "kind"), of(&of(value, "actor"), "id"));
    let is_same = SHOWN.iter().all(|name| match *name {
        "actor" => kind(line) == kind(&said),
        // Names of actions that are not known are shown as unknown.
        "action" if of(line, "action") == json!("unknown") => true,
        name => of(line, name) == of(&said, name),
    });
    let mut details = of(line, "details");
    if let Some(fields) = details.as_object_mut() {
        fields.remove("month");
    }
    if is_same && details == of(&said, "details") {
        Ok(())
    } else {
        Err("it does not show what its `stored` text says")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Value> {
        let mut prev = EntryHash::of(b"before");
        let mut lines = Vec::new();
        for seq in 4..8_u64 {
            let stored = json!({
                "id": format!("{seq:016x}"), "at": seq, "actor": { "kind": "nobody" }, "action": "key_created",
                "address": "192.0.2.7", "details": { "days": seq }, "prev": prev, "keep_until": 99,
            });
            let stored = stored.to_string();
            let hash = EntryHash::of(stored.as_bytes());
            lines.push(json!({
                "seq": seq, "at": seq, "actor": { "kind": "nobody", "id": null }, "action": "key_created", "target": null,
                "address": "192.0.2.7", "details": { "days": seq }, "prev": prev, "hash": hash, "stored": stored,
            }));
            prev = hash;
        }
        lines
    }

    fn check(lines: &[Value]) -> Result<ExportCheck, &'static str> {
        let mut followed = ExportCheck::default();
        for line in lines {
            followed.step(&line.to_string())?;
        }
        Ok(followed)
    }

    #[test]
    fn a_file_is_checked_by_itself_and_whatever_was_changed_is_found() {
        let intact = check(&lines()).unwrap();
        assert_eq!((intact.entries, intact.first, intact.last.unwrap().0), (4, 4, 7));
        let changed = |name: &str, value: Value| {
            let mut lines = lines();
            lines[1][name] = value;
            lines
        };
        let without = |n: usize| {
            let mut lines = lines();
            lines.remove(n);
            lines
        };
        let mut forged = lines();
        let stored = forged[1]["stored"]
            .as_str()
            .unwrap()
            .replace("192.0.2.7", "192.0.2.8");
        forged[1]["hash"] = json!(EntryHash::of(stored.as_bytes()));
        forged[1]["stored"] = json!(stored);
        forged[1]["address"] = json!("192.0.2.8");
        for wrong in [
            changed("address", json!("192.0.2.8")),
            changed("action", json!("key_revoked")),
            changed("details", json!({})),
            changed("stored", json!("{}")),
            changed("seq", json!(9)),
            without(1),
            forged,
        ] {
            assert!(check(&wrong).is_err(), "{wrong:?}");
        }
        // A part of a file is a chain, too: what was cut off is told by a hash that was kept.
        let another = EntryHash::of(b"another").to_string();
        let mut followed = ExportCheck::with(Some((5, &another))).unwrap();
        let lines = lines();
        followed.step(&lines[0].to_string()).unwrap();
        assert!(followed.end().is_err());
        assert!(followed.step(&lines[1].to_string()).is_err());
        let right = lines[1]["hash"].as_str().unwrap();
        let mut followed = ExportCheck::with(Some((5, right))).unwrap();
        followed.step(&lines[0].to_string()).unwrap();
        followed.step(&lines[1].to_string()).unwrap();
        assert_eq!(followed.end(), Ok(()));
    }
}
