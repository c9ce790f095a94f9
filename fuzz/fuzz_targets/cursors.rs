//! Positions that clients hand back: cursors of a list, ids, and where an agent's socket goes on.
//!
//! What is read is written the same way again, and a cursor that was changed, or that belongs to another tenant or another
//! filter, is refused. The input is text, with what else is needed at its end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mesej::api::fuzzing::{read_cursor, write_cursor};
use mesej::domain::{
    ContactId, ConversationId, ConversationStatus, Epoch, MessageId, PhoneNumberId, TenantId, Timestamp,
};
use mesej::store::{ConversationCursor, ConversationFilter};

/// Bytes at the end: activity, conversation, filter, and which letter of a cursor is changed to what.
const TAIL: usize = 8 + 16 + 3;

fuzz_target!(|input: &[u8]| {
    let (text, tail) = input.split_at(input.len().saturating_sub(TAIL));
    let Ok(text) = str::from_utf8(text) else { return };
    ids(text);
    let tenant = TenantId::new(7);
    for filter in [ConversationFilter::default(), open_ones()] {
        if let Some(place) = read_cursor(tenant, &filter, text) {
            assert_eq!(write_cursor(tenant, &filter, place), text);
        }
    }
    if let Ok(tail) = <&[u8; TAIL]>::try_from(tail) {
        cursor(tail);
    }
});

fn ids(text: &str) {
    macro_rules! written_as_read {
        ($($id:ty),+) => { $(
            if let Ok(id) = text.parse::<$id>() {
                assert_eq!(id.to_string(), text);
            }
        )+ };
    }
    written_as_read!(ContactId, ConversationId, MessageId, Epoch, TenantId);
    if let Ok(number) = PhoneNumberId::parse(text) {
        assert_eq!(number.as_str(), text);
    }
}

fn open_ones() -> ConversationFilter {
    ConversationFilter {
        status: Some(ConversationStatus::Open),
        number: PhoneNumberId::parse("106540352242922").ok(),
    }
}

fn cursor(tail: &[u8; TAIL]) {
    let (activity, rest) = tail.split_first_chunk::<8>().expect("long enough");
    let (conversation, rest) = rest.split_first_chunk::<16>().expect("long enough");
    let &[which, letter, change] = rest else { return };
    let (filter, other) = if which % 2 == 0 {
        (ConversationFilter::default(), open_ones())
    } else {
        (open_ones(), ConversationFilter::default())
    };
    let (tenant, neighbour) = (TenantId::new(7), TenantId::new(8));
    let place = ConversationCursor {
        last_activity: Timestamp::from_millis(i64::from_be_bytes(*activity)),
        conversation: ConversationId::from_bytes(*conversation),
    };
    let text = write_cursor(tenant, &filter, place);
    assert_eq!(read_cursor(tenant, &filter, &text), Some(place));
    assert_eq!(read_cursor(neighbour, &filter, &text), None);
    assert_eq!(read_cursor(tenant, &other, &text), None);

    let mut changed = text.clone().into_bytes();
    let at = usize::from(letter) % changed.len();
    changed[at] = change & 0x7f;
    let changed = String::from_utf8(changed).expect("ASCII");
    if changed != text {
        assert_eq!(
            read_cursor(tenant, &filter, &changed),
            None,
            "{changed} for {text}"
        );
    }
}
