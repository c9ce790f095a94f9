//! Files of contacts and filters: whatever bytes come, they are read to their end, within bounds, and a filter that is taken reads the
//! same when it is printed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesej::bulk::fuzzing::{LONGEST_RECORD, read_all, to_utf8};
use mesej::domain::filter::Filter;

fuzz_target!(|bytes: &[u8]| {
    let text = to_utf8(bytes, 7);
    assert_eq!(text, to_utf8(bytes, 1_000), "the text depends on how the file came");
    for record in read_all(&text) {
        let longest = record.cells.iter().map(|(_, cell)| cell.len()).max();
        assert!(longest.unwrap_or(0) <= LONGEST_RECORD);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(filter) = text.parse::<Filter>()
    {
        let printed = filter.to_string();
        assert_eq!(printed.parse::<Filter>(), Ok(filter), "{printed}");
    }
});
