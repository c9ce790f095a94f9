//! The file of a broadcast: recipients, and rows that are wrong in five ways.

use std::collections::HashMap;

/// One row below the headers.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its line in the file.
    pub line: u64,
    /// The recipient's phone, in digits, where the row is right.
    pub phone: Option<String>,
    /// Why nobody is sent to because of it.
    pub wrong: Option<&'static str>,
    text: String,
}

/// Whom a broadcast is for.
#[derive(Debug, Clone)]
pub struct Audience {
    rows: Vec<Row>,
}

/// What an audience is to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Recipients.
    pub recipients: u32,
    /// Wrong rows for each hundred recipients.
    pub wrong_percent: u32,
    /// Tells one audience's phones from another's.
    pub group: u32,
    /// Where all chance comes from.
    pub seed: u64,
}

/// The phone of somebody of a group, in digits.
fn phone(group: u32, n: u32) -> String {
    format!("62812{group}{n:07}")
}

impl Audience {
    /// Makes it up. Each right row has a word of its own for the template, by which the simulator's oracle knows a message again.
    pub fn new(wanted: Wanted) -> Self {
        let Wanted {
            recipients,
            wrong_percent,
            group,
            seed,
        } = wanted;
        let mut dice = fastrand::Rng::with_seed(seed ^ u64::from(group));
        let mut rows = Vec::new();
        let mut line = 1;
        let mut way = 0;
        for n in 0..recipients {
            while n > 0 && dice.u32(0..100) < wrong_percent {
                line += 1;
                let (phone, code, why) = wrong(way, &phone(group, dice.u32(0..n)));
                way += 1;
                rows.push(Row {
                    line,
                    phone: None,
                    wrong: Some(why),
                    text: format!("{phone},{code}\n"),
                });
            }
            line += 1;
            let phone = phone(group, n);
            rows.push(Row {
                line,
                text: format!("+{phone},mk-b{seed:x}-{group}-{n}\n"),
                phone: Some(phone),
                wrong: None,
            });
        }
        Self { rows }
    }

    /// The file.
    pub fn csv(&self) -> Vec<u8> {
        let mut file = b"phone,code\n".to_vec();
        for row in &self.rows {
            file.extend_from_slice(row.text.as_bytes());
        }
        file
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Its rows by their lines.
    pub fn by_line(&self) -> HashMap<u64, &Row> {
        self.rows.iter().map(|row| (row.line, row)).collect()
    }

    /// The phones of its recipients, in the order of the file.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| row.phone.as_deref())
    }
}

/// What stands in a wrong row, and why it is refused. Somebody who came before comes again.
fn wrong(way: u32, before: &str) -> (String, &'static str, &'static str) {
    match way % 5 {
        0 => (format!("+{before}"), "again", "duplicate"),
        1 => (String::new(), "x", "phone_missing"),
        2 => ("+62 12".to_owned(), "x", "phone_invalid"),
        3 => ("6.28123E+12".to_owned(), "x", "phone_shortened"),
        // Nobody else's phone: the row is refused for what is not there.
        _ => (format!("+6281399{way:06}"), "", "variable_missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_stands_in_one_right_row_and_wrong_rows_are_beside() {
        let audience = Audience::new(Wanted {
            recipients: 500,
            wrong_percent: 10,
            group: 3,
            seed: 1,
        });
        let mut phones: Vec<&str> = audience.phones().collect();
        phones.dedup();
        assert_eq!(phones.len(), 500);
        let wrong = audience.rows.iter().filter(|row| row.wrong.is_some()).count();
        assert_eq!(audience.len(), 500 + wrong);
        assert!((25..=100).contains(&wrong), "{wrong}");
        let file = String::from_utf8(audience.csv()).unwrap();
        let by_line = audience.by_line();
        for (line, text) in (1..).zip(file.lines()).skip(1) {
            assert_eq!(by_line[&line].text.trim_end(), text);
        }
    }
}
