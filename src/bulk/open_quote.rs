//! Quotation marks that have no end. By the rules of CSV such a mark takes in every line up to the next mark, or to the end of the file;
//! here it costs the line that it stands in. And what stands in one line by itself, whatever its marks say.

/// Where in a value a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before its first byte.
    Start,
    /// In one without marks.
    Bare,
    /// Between two marks.
    Quoted,
    /// Behind the second.
    Closed,
    /// Behind something that stands behind the second.
    Trailing,
}

/// Whether the text of one record holds a mark that has no end: the record ends within it, or it spans lines and something else than the
/// next value stands behind it, there are more values than columns, or the mark that ends it stands where a value begins and each of its lines looks
/// like a record of its own.
pub(super) fn has_open_quote(text: &[u8], separator: u8, columns: usize) -> bool {
    let text = without_end(text);
    let (mut at, mut values) = (At::Start, 1);
    // Of the value, and of any.
    let (mut spans, mut is_spanning) = (false, false);
    // Whether a mark that ends a value over lines stands where one begins.
    let (mut before, mut begins) = (b'\n', false);
    for byte in text {
        at = match (at, *byte) {
            (At::Start | At::Closed, b'"') => At::Quoted,
            (At::Quoted, b'"') => {
                begins |= spans && (before == separator || before == b'\n');
                At::Closed
            }
            (At::Quoted, byte) => {
                let breaks = byte == b'\n';
                (spans, is_spanning) = (spans || breaks, is_spanning || breaks);
                At::Quoted
            }
            (_, byte) if byte == separator => {
                (values, spans) = (values + 1, false);
                At::Start
            }
            (At::Closed | At::Trailing, b' ' | b'\r') => At::Trailing,
            (At::Closed | At::Trailing, _) if spans => return true,
            (At::Closed | At::Trailing, _) => At::Trailing,
            (At::Start | At::Bare, _) => At::Bare,
        };
        before = *byte;
    }
    if at == At::Quoted {
        return true;
    }
    is_spanning && columns > 0 && (values > columns || begins && are_records(text, separator, columns))
}

/// Whether each line has a value for each column and begins as the first does: with a digit, or with something else.
fn are_records(text: &[u8], separator: u8, columns: usize) -> bool {
    let kind = |line: &[u8]| {
        let first = line.iter().find(|byte| **byte != b'"');
        first.map(|first| first.is_ascii_digit() || *first == b'+')
    };
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    columns > 1
        && text
            .split(|byte| *byte == b'\n')
            .all(|line| kind(line) == kind(first) && line_cells(line, separator).len() == columns)
}

/// The values of a line by itself; a mark without an end is a character as any other. What is no text is told by U+FFFD.
pub(super) fn line_cells(line: &[u8], separator: u8) -> Vec<String> {
    let mut line = without_end(line);
    let mut cells = Vec::new();
    loop {
        let (cell, rest) = quoted(line, separator).unwrap_or_else(|| {
            let (cell, rest) = match memchr::memchr(separator, line) {
                Some(end) => (line.get(..end), line.get(end + 1..)),
                None => (Some(line), None),
            };
            let cell = cell.unwrap_or_default();
            (String::from_utf8_lossy(cell).into_owned(), rest)
        });
        cells.push(cell);
        match rest {
            Some(rest) => line = rest,
            None => return cells,
        }
    }
}

/// The value between marks that a line begins with, and what stands behind the separator; `None` where it begins with none that ends.
fn quoted(line: &[u8], separator: u8) -> Option<(String, Option<&[u8]>)> {
    let (mut value, mut rest) = (Vec::new(), line.strip_prefix(b"\"")?);
    loop {
        let end = memchr::memchr(b'"', rest)?;
        let (before, behind) = rest.split_at_checked(end)?;
        value.extend_from_slice(before);
        rest = behind.get(1..)?;
        match rest.first() {
            Some(b'"') => {
                value.push(b'"');
                rest = rest.get(1..)?;
            }
            None => return Some((String::from_utf8_lossy(&value).into_owned(), None)),
            Some(byte) if *byte == separator => {
                return Some((String::from_utf8_lossy(&value).into_owned(), rest.get(1..)));
            }
            Some(_) => return None,
        }
    }
}

fn without_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
    text.get(..end.map_or(0, |end| end + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_without_an_end_is_told_from_one_with_lines_between() {
        for (text, columns, is_open) in [
            ("5,\"no end", 2, true),
            ("5,\"no end\n", 2, true),
            ("5,\"a\n6,\"b\"\n", 2, true),
            ("5,\"a\r\n6,b\r\n7,\"\r\n", 2, true),
            ("\"Ana,5\nBob,\"6\n", 2, true),
            ("5,\"a\n6,b\",c,d\n", 2, true),
            ("5,\"two\nlines\"\n", 2, false),
            ("5,\"two\nlines, or so\"\n", 2, false),
            ("Ana,+62,\"Jl. X 5\nKota, Jakarta, 12345\"\n", 3, false),
            ("Ana,\"said \"\"yes\"\"\nor, no\"\n", 2, false),
            ("5,\"two \"\"lines\"\"\n\",x\n", 3, false),
            ("5,\"two\nlines\" ,x\n", 3, false),
            ("5,\"a\" b,c\n", 3, false),
            ("5,in\"ch\n", 2, false),
            ("phone,\"two\nlines\"\n", 0, false),
            ("phone,\"name\n5,Ana", 0, true),
            ("\"one\ntwo\"\n", 1, false),
        ] {
            assert_eq!(
                has_open_quote(text.as_bytes(), b',', columns),
                is_open,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_by_itself_has_all_of_its_values() {
        for (line, cells) in [
            ("5,\"no end, x\r\n", &["5", "\"no end", " x"][..]),
            ("5,\"a, \"\"b\"\"\",c", &["5", "a, \"b\"", "c"]),
            ("5,\"a\"b,c,", &["5", "\"a\"b", "c", ""]),
            ("", &[""]),
        ] {
            assert_eq!(line_cells(line.as_bytes(), b','), cells, "{line:?}");
        }
        assert_eq!(line_cells(b"a\xff;b", b';'), ["a\u{fffd}", "b"]);
    }
}
