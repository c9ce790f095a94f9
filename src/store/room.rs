//! How much one page takes: rows, and bytes of them.

use super::Page;
use super::error::StoreError;

/// Bytes of one page's rows, unless its only row is longer: thousands of pages may be read at once.
pub const PAGE_BYTES: usize = 1 << 20;
/// Rows asked for before it is known how long they are.
const FIRST: usize = 16;

/// What a page has room for still. One row always has.
#[derive(Debug)]
pub(super) struct Room {
    rows: usize,
    taken: usize,
    bytes: usize,
}

impl Room {
    /// Of an empty page of at most so many rows.
    pub(super) const fn of(rows: usize) -> Self {
        Self {
            rows,
            taken: 0,
            bytes: PAGE_BYTES,
        }
    }

    /// Takes a row of so many bytes; false if there is no room for it.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        if self.taken >= self.rows || (self.taken > 0 && bytes > self.bytes) {
            return false;
        }
        self.taken = self.taken.saturating_add(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        true
    }

    /// The rows that fit, and whether there is another.
    pub(super) fn page<T>(
        mut self,
        rows: impl IntoIterator<Item = Result<T, StoreError>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<Page<T>, StoreError> {
        let mut page = Page::empty();
        for row in rows {
            let row = row?;
            if !self.take(bytes(&row)) {
                page.more = true;
                break;
            }
            page.items.push(row);
        }
        Ok(page)
    }

    /// How many rows to read next: as many as fit if they are as long as those before.
    pub(super) fn worth_reading(&self) -> usize {
        let left = self.rows.saturating_sub(self.taken);
        let used = PAGE_BYTES.saturating_sub(self.bytes);
        let fit = match used.checked_div(self.taken) {
            None => FIRST,
            Some(mean) => self.bytes / mean.max(1),
        };
        left.min(fit.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_full_when_rows_or_bytes_are_and_takes_one_row_however_long() {
        let mut room = Room::of(3);
        assert_eq!((0..5).filter(|_| room.take(10)).count(), 3);
        let mut room = Room::of(9);
        assert_eq!((0..5).filter(|_| room.take(PAGE_BYTES / 2)).count(), 2);
        let mut room = Room::of(9);
        assert!(room.take(2 * PAGE_BYTES) && !room.take(1));
        assert!(!Room::of(0).take(1));
    }

    #[test]
    fn a_page_says_whether_there_is_another_row_and_fails_with_a_row_that_it_comes_to() {
        let rows = || [1, 2, 3].into_iter().map(Ok);
        let broken = || StoreError::corrupt("row", "as the test wants");
        for (limit, items, more) in [
            (2, vec![1, 2], true),
            (3, vec![1, 2, 3], false),
            (0, vec![], true),
        ] {
            let page = Room::of(limit).page(rows(), |_| 0).unwrap();
            assert_eq!(page, Page { items, more });
        }
        let ends_badly = || rows().chain([Err(broken())]);
        assert!(Room::of(2).page(ends_badly(), |_| 0).is_ok());
        assert!(Room::of(9).page(ends_badly(), |_| 0).is_err());
    }

    #[test]
    fn as_many_rows_are_read_as_will_fit() {
        let mut room = Room::of(500);
        assert_eq!(room.worth_reading(), FIRST);
        for _ in 0..FIRST {
            room.take(512);
        }
        assert_eq!(room.worth_reading(), 500 - FIRST);
        let mut room = Room::of(500);
        room.take(PAGE_BYTES / 4);
        assert_eq!(room.worth_reading(), 3);
        room.take(PAGE_BYTES);
        assert_eq!(Room::of(0).worth_reading(), 0);
    }
}
