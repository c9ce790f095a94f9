//! The file: contacts, contacts again, and rows that are wrong in ten ways.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::ContactsArgs;
use super::people::Person;

/// What the list is called.
pub const LIST: &str = "Regulars";
/// Who looks after some.
pub const OWNER: &str = "owner@example.com";
/// The columns.
const HEAD: &str = "phone,name,label,list,owner,city,points";

/// How a file is written.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Without a mark
    Utf8,
    /// With a mark, as some spreadsheets do
    Utf16,
    /// Western European, one byte a letter
    Windows1252,
}

impl Encoding {
    fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            // The letters of the file are the same there as in Unicode.
            Self::Windows1252 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        }
    }
}

/// What was written.
pub struct Written {
    /// There.
    pub path: PathBuf,
    /// Rows below the headers.
    pub rows: u64,
    /// Contacts, each counted once.
    pub contacts: u64,
    /// Of the file.
    pub bytes: u64,
    /// The line of each row that is to be refused, and the code of why, in order.
    pub wrong: Vec<(u64, &'static str)>,
}

/// Values of a row, by their columns.
struct Row {
    cells: [String; 7],
}

impl Row {
    fn of(person: &Person) -> Self {
        let text = |is_there: bool, text: &str| if is_there { text.to_owned() } else { String::new() };
        Self {
            cells: [
                format!("+{}", person.phone()),
                person.name(),
                person.labels().join(";"),
                text(person.is_regular(), LIST),
                text(person.is_owned(), OWNER),
                person.city().to_owned(),
                person.points().to_string(),
            ],
        }
    }

    fn line(&self) -> String {
        self.cells.join(",") + "\n"
    }

    /// The row of somebody, with something that is wrong.
    fn wrong(person: &Person, way: u32) -> (String, &'static str) {
        let mut row = Self::of(person);
        let (column, value, code) = match way % 10 {
            0 => (0, String::new(), "phone_missing"),
            1 => (0, "6.28123E+12".to_owned(), "phone_shortened"),
            2 => (0, "0812-3456-789".to_owned(), "phone_without_country"),
            3 => (0, "+62 12".to_owned(), "phone_invalid"),
            4 => (1, "n".repeat(129), "name_invalid"),
            5 => (2, "l".repeat(65), "label_invalid"),
            6 => (3, "No such list".to_owned(), "list_unknown"),
            7 => (4, "nobody@example.com".to_owned(), "owner_unknown"),
            8 => (6, "many".to_owned(), "not_a_number"),
            // One value more than there are columns.
            _ => (6, "1,2".to_owned(), "unreadable"),
        };
        if let Some(cell) = row.cells.get_mut(column) {
            *cell = value;
        }
        (row.line(), code)
    }
}

/// Writes the file.
pub fn write(args: &ContactsArgs, folder: &Path) -> anyhow::Result<Written> {
    let path = folder.join("contacts.csv");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let mut dice = fastrand::Rng::with_seed(args.seed);
    if args.encoding == Encoding::Utf16 {
        out.write_all(&args.encoding.encode("\u{feff}"))?;
    }
    out.write_all(&args.encoding.encode(&format!("{HEAD}\n")))?;
    let (mut made, mut line, mut way) = (0, 1_u64, 0);
    let mut wrong = Vec::new();
    while made < args.contacts {
        line += 1;
        let chance = dice.u32(0..100);
        let text = if chance < args.wrong {
            // Of somebody who comes later in a row that is right: nothing of this one counts.
            let (text, code) = Row::wrong(&Person(made), way);
            way += 1;
            wrong.push((line, code));
            text
        } else if chance < args.wrong + args.repeated && made > 0 {
            wrong.push((line, "duplicate"));
            Row::of(&Person(dice.u32(0..made))).line()
        } else {
            made += 1;
            Row::of(&Person(made - 1)).line()
        };
        out.write_all(&args.encoding.encode(&text))?;
    }
    out.into_inner()?.sync_all()?;
    Ok(Written {
        bytes: std::fs::metadata(&path)?.len(),
        path,
        rows: line - 1,
        contacts: u64::from(args.contacts),
        wrong,
    })
}
