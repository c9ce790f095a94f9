use std::io::Cursor;

use proptest::prelude::*;

use super::*;

/// Gives so many bytes at once.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(into.len()).min(self.0.len());
        let (now, later) = self.0.split_at(count);
        into[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

fn csv(text: &[u8], step: usize) -> Records<Slow<'_>> {
    Records::new(
        Slow(text, step),
        Format::Csv,
        Separator::of(text),
        Vec::new(),
        Place::START,
    )
}

fn all<R: Read>(mut records: Records<R>) -> Vec<Next> {
    std::iter::from_fn(|| records.read_next().unwrap()).collect()
}

fn texts(next: &Next) -> Result<(u64, Vec<&str>), (u64, Unreadable)> {
    match next {
        Ok(record) => Ok((
            record.line,
            record.cells.iter().map(|(_, text)| text.as_str()).collect(),
        )),
        Err(broken) => Err((broken.line, broken.why)),
    }
}

#[test]
fn the_separator_is_the_one_that_the_headers_have() {
    for (text, separator) in [
        ("a,b", Separator::Comma),
        ("a;b;c,d\n,,,,", Separator::Semicolon),
        ("\"a,b,c\"\td\n", Separator::Tab),
        ("phone\n", Separator::Comma),
        ("", Separator::Comma),
    ] {
        assert_eq!(Separator::of(text.as_bytes()), separator, "{text:?}");
    }
}

#[test]
fn records_are_told_with_their_lines() {
    let text = "phone,name\r\n1,Ana\r\n\r\n2,\"two\r\nlines, \"\"q\"\"\"\r\n\n,,\n3,é";
    for end in ["\n", "\r\n"] {
        let text = text.replace("\r\n", end);
        for step in [1, 3, 1_000] {
            let found = all(csv(text.as_bytes(), step));
            let two = format!("two{end}lines, \"q\"");
            let expected = [
                Ok((1, vec!["phone", "name"])),
                Ok((2, vec!["1", "Ana"])),
                Ok((4, vec!["2", two.as_str()])),
                Ok((8, vec!["3", "é"])),
            ];
            assert_eq!(
                found.iter().map(texts).collect::<Vec<_>>(),
                expected,
                "{step} {end:?}"
            );
        }
    }
}

#[test]
fn whatever_cannot_be_read_costs_its_own_line() {
    let long = "x".repeat(LONGEST_RECORD + 10);
    let columns = vec!["phone".to_owned(), "name".to_owned()];
    let wide = ",".repeat(MOST_COLUMNS);
    let lines: [&[u8]; 8] = [
        b"1,Ana",
        long.as_bytes(),
        b"2,\xff",
        b"3,a,b",
        b"4,a,",
        wide.as_bytes(),
        b"5,\"no end",
        b"6,Bob",
    ];
    // What has no end is longer than may be held.
    let tail = "7,Eve\n".repeat(LONGEST_RECORD / 6 + 2);
    let text = [lines.join(&b"\r\n"[..]), b"\n".to_vec(), tail.into_bytes()].concat();
    for step in [7, 4_096, 1 << 20] {
        let records = Records::new(
            Slow(&text, step),
            Format::Csv,
            Separator::Comma,
            columns.clone(),
            Place::START,
        );
        let found = all(records);
        let found: Vec<_> = found.iter().map(texts).collect();
        let expected = [
            Ok((1, vec!["1", "Ana"])),
            Err((2, Unreadable::TooLong)),
            Err((3, Unreadable::NotText)),
            Err((4, Unreadable::MoreThanColumns)),
            Ok((5, vec!["4", "a"])),
            Err((6, Unreadable::TooManyColumns)),
            Err((7, Unreadable::OpenQuote)),
            Ok((8, vec!["6", "Bob"])),
            Ok((9, vec!["7", "Eve"])),
        ];
        assert_eq!(found[..9], expected, "{step}");
        assert_eq!(found.len(), 8 + LONGEST_RECORD / 6 + 2);
    }
}

#[test]
fn a_mark_without_an_end_costs_its_own_line() {
    let columns = vec!["phone".to_owned(), "name".to_owned()];
    let good = "7,Eve\n".repeat(3_000);
    for (text, open, rows) in [
        (format!("5,\"no end\n{good}"), vec![1], 3_000),
        (format!("{good}5,\"no end"), vec![3_001], 3_000),
        (format!("5,\"a\n7,Eve\n6,\"b\"\n{good}"), vec![1], 3_002),
        (format!("5,\"a\r\n7,Eve\r\n6,\"\r\n{good}"), vec![1, 3], 3_001),
        (format!("\"5,Ana\n7,\"Eve\n{good}"), vec![1, 2], 3_000),
    ] {
        for step in [5, 100_000] {
            let text = Slow(text.as_bytes(), step);
            let records = Records::new(text, Format::Csv, Separator::Comma, columns.clone(), Place::START);
            let (good, bad): (Vec<Next>, Vec<Next>) = all(records).into_iter().partition(Result::is_ok);
            let bad: Vec<_> = bad.iter().map(texts).collect();
            let told: Vec<_> = open
                .iter()
                .map(|line| Err((*line, Unreadable::OpenQuote)))
                .collect();
            assert_eq!((bad, good.len()), (told, rows));
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_as_it_stands() {
    let wide = format!("1{}x", ",".repeat(MOST_COLUMNS));
    let long = "x".repeat(LONGEST_RECORD + 1);
    let text = format!("1,Ana,b,,c\n2,\"no end\n{wide}\n{long}\n3,\n");
    let bad = [text.as_bytes(), b"4,a\xff\n5,\"open"].concat();
    let columns = vec!["phone".to_owned(), "name".to_owned()];
    for step in [5, 100_000] {
        let text = Slow(&bad, step);
        let records = Records::new(text, Format::Csv, Separator::Comma, columns.clone(), Place::START);
        let found: Vec<_> = (all(records).into_iter())
            .filter_map(Result::err)
            .map(|broken| broken.cells.into_iter().filter(|(_, text)| !text.is_empty()))
            .map(Iterator::collect::<Vec<_>>)
            .collect();
        let cells = |cells: &[(usize, &str)]| -> Vec<(usize, String)> {
            cells
                .iter()
                .map(|(column, text)| (*column, (*text).to_owned()))
                .collect()
        };
        let expected = [
            cells(&[(0, "1"), (1, "Ana"), (2, "b"), (4, "c")]),
            cells(&[(0, "2"), (1, "\"no end")]),
            cells(&[(0, "1"), (MOST_COLUMNS, "x")]),
            cells(&[]),
            cells(&[(0, "4"), (1, "a\u{fffd}")]),
            cells(&[(0, "5"), (1, "\"open")]),
        ];
        assert_eq!(found, expected, "{step}");
    }
    let text: &[u8] = b"[1]\r\n{\"phone\":{}}\n";
    let records = Records::new(text, Format::Ndjson, Separator::Comma, columns, Place::START);
    let found = all(records)
        .into_iter()
        .filter_map(Result::err)
        .map(|broken| broken.cells);
    let expected = ["[1]", "{\"phone\":{}}"].map(|line| vec![(2, line.to_owned())]);
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn a_reader_goes_on_where_another_was() {
    let text = "a;b\r\n1;x\r\n\"2\n\";y\n\n3;z\r\n4;ü".as_bytes();
    let whole = all(csv(text, 1_000));
    let mut before = csv(text, 5);
    for done in 1..=whole.len() {
        before.read_next().unwrap();
        let place = before.place();
        let rest = &text[usize::try_from(place.byte).unwrap()..];
        let later = Records::new(
            Cursor::new(rest),
            Format::Csv,
            Separator::Semicolon,
            Vec::new(),
            place,
        );
        assert_eq!(all(later), whole[done..]);
    }
}

#[test]
fn objects_become_records_and_their_keys_columns() {
    let long = format!("{{\"phone\":\"{}\"}}", "1".repeat(LONGEST_RECORD));
    let text = format!(
        "{{\"phone\":\"1\",\"labels\":[\"a\",2,null],\"attributes\":{{\"city\":\"x\",\"paid\":true}}}}\n\n{{\"phone\":2,\"new\":null,\
         \"name\":\"Ana\"}}\r\n[1]\n{{\"a\":{{}}}}\n{{\"a\":[[1]]}}\n{long}\n{{\"phone\":\"3\"}}"
    );
    let bad = [text.as_bytes(), b"\n{\"name\":\"\xff\"}"].concat();
    for step in [1, 100_000] {
        let mut records = Records::new(
            Slow(&bad, step),
            Format::Ndjson,
            Separator::Comma,
            Vec::new(),
            Place::START,
        );
        let mut found = Vec::new();
        while let Some(next) = records.read_next().unwrap() {
            found.push(next);
        }
        let columns = [
            "phone",
            "labels",
            "attribute.city",
            "attribute.paid",
            "new",
            "name",
            "a",
        ];
        assert_eq!(records.columns(), columns);
        let expected = [
            Ok((1, vec!["1", "a", "2", "x", "true"])),
            Ok((3, vec!["2", "Ana"])),
            Err((4, Unreadable::NotJson)),
            Err((5, Unreadable::Nested)),
            Err((6, Unreadable::Nested)),
            Err((7, Unreadable::TooLong)),
            Ok((8, vec!["3"])),
            Err((9, Unreadable::NotText)),
        ];
        assert_eq!(found.iter().map(texts).collect::<Vec<_>>(), expected);
        assert_eq!(found[0].as_ref().unwrap().cells[2].0, 1);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(
        text in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'{'), any::<u8>()], 0..200),
        step in 1_usize..9,
    ) {
        for format in [Format::Csv, Format::Ndjson] {
            let mut records =
                Records::new(Slow(&text, step), format, Separator::Comma, Vec::new(), Place::START);
            let mut line = 0;
            while let Some(next) = records.read_next().unwrap() {
                let (at, next) = match next {
                    Ok(record) => (record.line, record.next),
                    Err(broken) => (broken.line, broken.next),
                };
                prop_assert!(at >= line);
                prop_assert!(next <= u64::try_from(text.len()).unwrap());
                line = at;
            }
            prop_assert_eq!(records.place().byte, u64::try_from(text.len()).unwrap());
        }
    }
}
