//! Files of contacts and filters: whatever bytes come, they are read to their end, within bounds, and a filter that is taken reads the
//! same when it is printed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesej::bulk::fuzzing::{LONGEST_RECORD, Place, read_all, to_utf8};
use mesej::domain::filter::Filter;

fuzz_target!(|bytes: &[u8]| {
    let text = to_utf8(bytes, 7);
    assert_eq!(text, to_utf8(bytes, 1_000), "the text depends on how the file came");
    let all = read_all(&text, Place::START);
    for (record, _) in &all {
        let longest = record.cells.iter().map(|(_, cell)| cell.len()).max();
        assert!(longest.unwrap_or(0) <= LONGEST_RECORD);
    }
    // An import that was cut off goes on in the middle, with the same records. A column that an object brings is known from there on.
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{')
        && let Some((_, place)) = all.get(all.len() / 2)
    {
        let lines = |records: &[(_, Place)]| records.iter().map(|(_, place)| *place).collect::<Vec<_>>();
        let rest = read_all(&text, *place);
        assert_eq!(lines(&rest), lines(&all[all.len() / 2 + 1..]), "it goes on elsewhere");
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(filter) = text.parse::<Filter>()
    {
        let printed = filter.to_string();
        assert_eq!(printed.parse::<Filter>(), Ok(filter), "{printed}");
    }
});
